/* db_admin: how the adapter reaches PostgreSQL: where it is, as whom, and what is done to it.
 * The superuser connects through the server's Unix socket when there is one, so network faults do not stop a repair.
 * Owner:  the adapter; the address is fixed at birth, every call opens its own session, so calls are thread-safe.
 * Memory: none kept.                        Units:  ms.
 * Limits: DB_ADMIN_MS for an ordinary call, DB_INDEX_MS to build an index.
 * Fails:  with PostgreSQL's own words. */
#ifndef SUT_DB_DB_ADMIN_H
#define SUT_DB_DB_ADMIN_H

#include "common/sys/file.h"
#include "common/sys/sock.h"
#include "common/text/json.h"
#include "sut/db/db_knobs.h"
#include "sut/pgpool/pg_session.h"

enum { DB_ADMIN_MS = 5000, DB_INDEX_MS = 30000, DB_CHECK_MS = 2500 };

#define DB_SUPERUSER "sut"
#define DB_APP "shop"
#define DB_REPORTER "reporting"
#define DB_MAINTAINER "maintenance"

struct db_admin {
        char socket_dir[FILE_PATH_BYTES]; /* "" if the stack has no such folder */
        char host[SOCK_ADDRESS_BYTES];
        uint16_t port;
};

/* address: "127.77.1.1:5432"; stack_dir: its folder s/ may hold the socket. */
MUST_USE enum err db_admin_init(struct db_admin *a, const char *address, const char *stack_dir, struct err_note *reterr);
/* user: one of the names above. The superuser's session is free of the server's timeouts. */
MUST_USE enum err db_admin_open(const struct db_admin *a, const char *user, const char *database, const char *application,
                                struct pg_session **ret, struct err_note *reterr);
/* Makes the server follow one knob that is a setting, a role or an index; false in *ret_mine if the knob is something else. */
MUST_USE enum err db_admin_set(const struct db_admin *a, enum db_knob knob, const struct json *value, bool *ret_mine,
                               struct err_note *reterr);
/* Adds key: value of all knobs that can be read from the server. */
MUST_USE enum err db_admin_read(const struct db_admin *a, struct json *values, struct err_note *reterr);
/* One of DB_CHECKS: a count over the shop's tables that is 0 when all is well. ERR_NOT_FOUND: no such check; ERR_TIMEOUT: the tables are
 * locked or slow. */
MUST_USE enum err db_admin_check(const struct db_admin *a, const char *name, int64_t *ret, struct err_note *reterr);
/* Every session of the shop's database: see README.md. */
MUST_USE enum err db_admin_sessions(const struct db_admin *a, struct json **ret, struct err_note *reterr);
/* Ends one. ERR_NOT_FOUND if there is no such session; ERR_DENIED for the adapter's own. */
MUST_USE enum err db_admin_terminate(const struct db_admin *a, int pid, struct err_note *reterr);
/* Ends up to `most` sessions of the shop, idle ones first, and tells how many. */
MUST_USE enum err db_admin_evict(const struct db_admin *a, int most, int *ret_count, struct err_note *reterr);

#endif
