/* pg_session: one connection to PostgreSQL with a deadline on everything. No other room opens libpq.
 * Owner:  one thread at a time; a pool may hand it on.   Memory: pg_session_free, pg_rows_free (NULL is fine).
 * Units:  ms of the monotonic clock.    Limits: PG_PARAMS_MAX parameters, PG_ROWS_MAX rows of one result.
 * Fails:  ERR_UNAVAILABLE no connection, or it broke; ERR_LIMIT too many connections; ERR_DENIED wrong password or right;
 *         ERR_TIMEOUT our deadline, a statement or lock timeout; ERR_EXISTS a unique key; ERR_IO any other refusal.
 *         The note holds the server's own words. After our own deadline the statement is cancelled and the session
 *         broken; after a refusal it is usable (outside a transaction block). */
#ifndef SUT_PGPOOL_PG_SESSION_H
#define SUT_PGPOOL_PG_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

enum { PG_PARAMS_MAX = 16, PG_ROWS_MAX = 100000, PG_SQLSTATE_BYTES = 6 };

struct pg_session;
struct pg_rows;

struct pg_options {
        const char *host; /* address, or a directory with a socket */
        int port;
        const char *database, *user, *password, *application; /* password may be NULL */
        int64_t connect_ms;
};

MUST_USE enum err pg_session_open(const struct pg_options *options, struct pg_session **ret, struct err_note *reterr);
void pg_session_free(struct pg_session *s);
AUTO_DEFINE(struct pg_session, pg_session_free)

bool pg_session_broken(const struct pg_session *s);
int pg_session_pid(const struct pg_session *s); /* of the server's process */
/* Five letters of the last refusal ("23505"), "" after a success. */
const char *pg_session_sqlstate(const struct pg_session *s);
/* Waits at most wait_ms for the server to close this connection; true if it has. For sessions that are only held. */
bool pg_session_gone(struct pg_session *s, int64_t wait_ms);

/* One or more statements without parameters; results are dropped. */
MUST_USE enum err pg_session_exec(struct pg_session *s, const char *sql, int64_t timeout_ms, struct err_note *reterr);
/* One statement with text parameters ($1...; NULL is SQL NULL). name: prepared at its first use on this session and kept
 * (a literal, so that the session may remember the pointer); NULL: not prepared. ret may be NULL. */
MUST_USE enum err pg_session_query(struct pg_session *s, const char *name, const char *sql, const char *const *params,
                                   int param_count, int64_t timeout_ms, struct pg_rows **ret, struct err_note *reterr);

void pg_rows_free(struct pg_rows *rows);
AUTO_DEFINE(struct pg_rows, pg_rows_free)
int pg_rows_count(const struct pg_rows *rows);
int64_t pg_rows_affected(const struct pg_rows *rows);
const char *pg_rows_text(const struct pg_rows *rows, int row, int column); /* "" for SQL NULL */
bool pg_rows_is_null(const struct pg_rows *rows, int row, int column);
int64_t pg_rows_i64(const struct pg_rows *rows, int row, int column); /* 0 if it is no integer */
double pg_rows_double(const struct pg_rows *rows, int row, int column);

#endif
