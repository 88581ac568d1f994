/* pg_pool: a bounded pool of database sessions for a service, with the metrics and spans that docs/contracts.md names. A request
 * leases a session, runs its statements, and gives it back; idle sessions that the server closed are noticed before they are lent.
 * Owner:  shared; a lease belongs to one thread.    Memory: pg_pool_free when nothing is leased; rows are the caller's.
 * Units:  ms.                                       Limits: as pg_pool_limits say, changeable while leases are out.
 * Fails:  ERR_LIMIT no session in time (or the server has too many), ERR_UNAVAILABLE also for a refused password, else as pg_session.h says. */
#ifndef SUT_PGPOOL_PG_POOL_H
#define SUT_PGPOOL_PG_POOL_H

#include "common/http/trace.h"
#include "sut/pgpool/pg_session.h"

enum { PG_PASSWORD_BYTES = 64 };

struct kit;
struct pg_pool;

struct pg_pool_limits {
        int size;
        int64_t wait_ms, connect_ms, statement_timeout_ms;
        char password[PG_PASSWORD_BYTES];
};

/* upstream: the name under which the kit knows the server's address. Logs in as shop at database shop. */
MUST_USE enum err pg_pool_new(struct kit *k, const char *upstream, const struct pg_pool_limits *limits, struct pg_pool **ret);
void pg_pool_free(struct pg_pool *p);
AUTO_DEFINE(struct pg_pool, pg_pool_free)
void pg_pool_set(struct pg_pool *p, const struct pg_pool_limits *limits);
void pg_pool_collect(struct pg_pool *p); /* refreshes the gauges of its metrics */

struct pg_lease {
        struct pg_pool *pool;
        struct pg_session *session;
        const struct trace *trace; /* spans go below it */
        bool in_transaction;
};

MUST_USE enum err pg_lease_take(struct pg_pool *p, const struct trace *trace, int64_t left_ms, struct pg_lease *ret, struct err_note *reterr);
/* operation: short literal name of the statement ("product_get"): the label of its metrics, its span, and its prepared name. */
MUST_USE enum err pg_lease_query(struct pg_lease *lease, const char *operation, const char *sql, const char *const *params, int param_count,
                                 struct pg_rows **ret, struct err_note *reterr);
MUST_USE enum err pg_lease_begin(struct pg_lease *lease, struct err_note *reterr);
MUST_USE enum err pg_lease_commit(struct pg_lease *lease, struct err_note *reterr);
/* Gives the session back; an open transaction is rolled back. */
void pg_lease_give(struct pg_lease *lease);

#endif
