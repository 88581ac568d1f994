/* db_jobs: what keeps the database busy beside the shop: a reporting job that holds sessions, a maintenance job that holds a
 * table lock, and reports that read everything. All are real sessions, which an operator can see and end.
 *
 *   held sessions: target n -> opens them one after the other, takes places of idle application sessions when the server is
 *                  full -> n were opened, or ten seconds passed: done. One that is ended from outside is not opened again.
 *   lock:          one session inside BEGIN; LOCK TABLE, until it is released or its session is ended.
 *   reports:       n threads, each one session and one long query after the other, until stopped, ended or cancelled.
 *
 * Owner:  the thread of `loop`, which also calls new and free; reports have threads of their own.
 * Memory: freed by free, which ends every session.      Units: ms.
 * Limits: DB_SESSIONS_MAX held, DB_REPORTS_MAX reports. Fails: lock: ERR_TIMEOUT if the table is in use for too long. */
#ifndef SUT_DB_DB_JOBS_H
#define SUT_DB_DB_JOBS_H

#include "common/sys/loop.h"
#include "sut/db/db_admin.h"

enum { DB_JOBS_TURN_MS = 250 };

struct db_jobs;

MUST_USE enum err db_jobs_new(struct loop *loop, const struct db_admin *admin, struct db_jobs **ret);
void db_jobs_free(struct db_jobs *j);
AUTO_DEFINE(struct db_jobs, db_jobs_free)

void db_jobs_hold(struct db_jobs *j, int sessions);
/* table "none": release. */
MUST_USE enum err db_jobs_lock(struct db_jobs *j, const char *table, struct err_note *reterr);
MUST_USE enum err db_jobs_report(struct db_jobs *j, int sessions, struct err_note *reterr);
/* The server's new idle-in-transaction limit (0: none), which a session only learns with a statement: makes each held one know it,
 * turn after turn, for ten seconds at most. */
void db_jobs_idle_limit(struct db_jobs *j, int64_t limit_ms);
/* Adds what is really there as values of the knobs. A job that is still on its way to its target counts as there. */
void db_jobs_read(const struct db_jobs *j, struct json *values);

#endif
