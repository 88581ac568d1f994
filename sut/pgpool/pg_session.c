#include "sut/pgpool/pg_session.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/clock.h"

enum { PREPARED_MAX = 32, CANCEL_ERROR_BYTES = 256, CANCELS_MAX = 8, CANCEL_STACK_BYTES = 256 * 1024 };

static atomic_int cancel_count; /* cancel requests under way in this process */

struct pg_session {
        PGconn *connection;
        bool broken;
        char sqlstate[PG_SQLSTATE_BYTES];
        const char *prepared[PREPARED_MAX];
        size_t prepared_count;
};

/* A PGresult under our name: libpq owns its memory. */
static const PGresult *rows_result(const struct pg_rows *rows)
{
        return (const PGresult *)rows;
}

/* SQLSTATE classes that callers tell apart; everything else is ERR_IO. */
static const struct {
        const char *prefix;
        enum err code;
} sqlstate_codes[] = {
        {"53300", ERR_LIMIT},   {"28", ERR_DENIED},       {"42501", ERR_DENIED},      {"57014", ERR_TIMEOUT},
        {"55P03", ERR_TIMEOUT}, {"25P03", ERR_TIMEOUT},   {"23505", ERR_EXISTS},      {"57P", ERR_UNAVAILABLE},
        {"08", ERR_UNAVAILABLE}, {"3D000", ERR_NOT_FOUND}, {"42P01", ERR_NOT_FOUND},
};

static enum err sqlstate_err(const char *sqlstate)
{
        for (size_t i = 0; i < ARRAY_COUNT(sqlstate_codes); i++)
                if (str_starts(sqlstate, sqlstate_codes[i].prefix)) return sqlstate_codes[i].code;
        return ERR_IO;
}

/* The server's words on one line: libpq ends them with a newline and may add more lines. */
static enum err note_words(struct err_note *reterr, enum err e, const char *words)
{
        size_t size_bytes = strcspn(words, "\n");

        return err_note(reterr, e, "PostgreSQL: %.*s", (int)MIN(size_bytes, (size_t)400), words);
}

/* Waits for the socket; false when the deadline has passed. */
static bool wait_socket(const PGconn *connection, short events, int64_t deadline_ms)
{
        for (;;) {
                struct pollfd entry = {.fd = PQsocket(connection), .events = events};
                int64_t left_ms = deadline_ms - clock_mono_ms();
                int ready;

                if (left_ms < 0) left_ms = 0;
                ready = poll(&entry, 1, (int)MIN(left_ms, (int64_t)INT32_MAX));
                if (ready > 0) return true;
                if (ready == 0) return false;
                if (errno != EINTR) return true; /* libpq will find out what is wrong */
        }
}

/* ---- opening ---- */

static enum err connect_wait(PGconn *connection, int64_t deadline_ms, struct err_note *reterr)
{
        PostgresPollingStatusType state = PGRES_POLLING_WRITING;

        while (state != PGRES_POLLING_OK) {
                if (state == PGRES_POLLING_FAILED) break;
                if (!wait_socket(connection, state == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline_ms))
                        return err_note(reterr, ERR_TIMEOUT, "PostgreSQL did not accept the connection in time");
                state = PQconnectPoll(connection);
        }
        if (PQstatus(connection) == CONNECTION_OK) return ERR_OK;

        /* During the start-up packet libpq keeps the words and not the SQLSTATE, so these two are told by their text. */
        const char *words = PQerrorMessage(connection);
        enum err e = ERR_UNAVAILABLE;

        if (strstr(words, "too many clients") || strstr(words, "too many connections") ||
            strstr(words, "remaining connection slots"))
                e = ERR_LIMIT;
        else if (strstr(words, "password authentication failed") || strstr(words, "no password supplied") ||
                 strstr(words, "no pg_hba.conf entry"))
                e = ERR_DENIED;
        else if (strstr(words, "does not exist"))
                e = ERR_NOT_FOUND;
        return note_words(reterr, e, words);
}

enum err pg_session_open(const struct pg_options *options, struct pg_session **ret, struct err_note *reterr)
{
        char port[16];
        const char *keys[] = {"host",   "port",     "dbname",          "user",    "application_name",
                              "gssencmode", "sslmode", "client_encoding", "password", NULL};
        const char *values[] = {options->host, port,      options->database, options->user,     options->application,
                                "disable",     "disable", "UTF8",            options->password, NULL};
        AUTO(pg_session_free) struct pg_session *s = NULL;
        enum err e;

        CHECK(options->host && options->database && options->user && options->application);
        CHECK(options->port > 0 && options->connect_ms > 0);
        snprintf(port, sizeof port, "%d", options->port);
        s = mem_zalloc(1, sizeof *s);
        if (!s) return err_note(reterr, ERR_NOMEM, "no memory for a database session");
        s->connection = PQconnectStartParams(keys, values, 0);
        if (!s->connection) return err_note(reterr, ERR_NOMEM, "no memory for a database session");
        if (PQstatus(s->connection) == CONNECTION_BAD)
                return note_words(reterr, ERR_UNAVAILABLE, PQerrorMessage(s->connection));
        e = connect_wait(s->connection, clock_mono_ms() + options->connect_ms, reterr);
        if (e) return e;
        if (PQsetnonblocking(s->connection, 1)) return err_note(reterr, ERR_IO, "cannot make a database session non-blocking");

        *ret = take(&s);
        return ERR_OK;
}

void pg_session_free(struct pg_session *s)
{
        if (!s) return;
        PQfinish(s->connection);
        mem_free(s);
}

bool pg_session_broken(const struct pg_session *s)
{
        return s->broken || PQstatus(s->connection) == CONNECTION_BAD;
}

int pg_session_pid(const struct pg_session *s)
{
        return PQbackendPID(s->connection);
}

const char *pg_session_sqlstate(const struct pg_session *s)
{
        return s->sqlstate;
}

bool pg_session_gone(struct pg_session *s, int64_t wait_ms)
{
        if (pg_session_broken(s)) return true;
        if (!wait_socket(s->connection, POLLIN, clock_mono_ms() + wait_ms)) return false;
        if (!PQconsumeInput(s->connection)) s->broken = true;
        return pg_session_broken(s);
}

/* ---- statements ---- */

/* PQcancel opens a connection of its own and waits for its end without a limit, so a server that hangs would take the caller with it.
 * Therefore a short-lived thread does it; while CANCELS_MAX of them hang, no more are started. */
static void *cancel_thread(void *ctx)
{
        char words[CANCEL_ERROR_BYTES];
        PGcancel *cancel = ctx;

        (void)PQcancel(cancel, words, sizeof words); /* best effort: statement_timeout is the server's own net */
        PQfreeCancel(cancel);
        atomic_fetch_sub(&cancel_count, 1);
        return NULL;
}

static void session_cancel(struct pg_session *s)
{
        PGcancel *cancel = PQgetCancel(s->connection);
        pthread_attr_t attributes;
        pthread_t thread;

        if (!cancel) return;
        pthread_attr_init(&attributes);
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        pthread_attr_setstacksize(&attributes, CANCEL_STACK_BYTES);
        if (atomic_fetch_add(&cancel_count, 1) >= CANCELS_MAX || pthread_create(&thread, &attributes, cancel_thread, cancel)) {
                atomic_fetch_sub(&cancel_count, 1);
                PQfreeCancel(cancel);
        }
        pthread_attr_destroy(&attributes);
}

/* The statement runs on in the server: ask it to stop, and use this session no more, because the answer may come late. */
static enum err session_give_up(struct pg_session *s, struct err_note *reterr)
{
        s->broken = true;
        session_cancel(s);
        return err_note(reterr, ERR_TIMEOUT, "the database did not answer in time");
}

static enum err session_lost(struct pg_session *s, struct err_note *reterr)
{
        s->broken = true;
        return note_words(reterr, ERR_UNAVAILABLE, PQerrorMessage(s->connection));
}

static enum err session_flush(struct pg_session *s, int64_t deadline_ms, struct err_note *reterr)
{
        for (;;) {
                int left = PQflush(s->connection);

                if (left < 0) return session_lost(s, reterr);
                if (left == 0) return ERR_OK;
                if (!wait_socket(s->connection, POLLIN | POLLOUT, deadline_ms)) return session_give_up(s, reterr);
                if (!PQconsumeInput(s->connection)) return session_lost(s, reterr);
        }
}

static enum err result_check(struct pg_session *s, const PGresult *result, struct err_note *reterr)
{
        ExecStatusType status = PQresultStatus(result);
        const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);

        if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY) return ERR_OK;
        str_cut(s->sqlstate, sizeof s->sqlstate, sqlstate ? sqlstate : "XX000");
        if (PQstatus(s->connection) == CONNECTION_BAD) s->broken = true;
        if (!sqlstate && s->broken) return note_words(reterr, ERR_UNAVAILABLE, PQerrorMessage(s->connection));
        return note_words(reterr, sqlstate_err(s->sqlstate), PQresultErrorMessage(result));
}

/* Reads all results of what was sent, keeps the last good one in *ret, and tells the first refusal. */
static enum err session_results(struct pg_session *s, int64_t deadline_ms, PGresult **ret, struct err_note *reterr)
{
        PGresult *kept = NULL;
        enum err first = ERR_OK;

        for (;;) {
                while (PQisBusy(s->connection)) {
                        enum err e = ERR_OK;

                        if (!wait_socket(s->connection, POLLIN, deadline_ms)) e = session_give_up(s, reterr);
                        else if (!PQconsumeInput(s->connection)) e = session_lost(s, reterr);
                        if (e) {
                                PQclear(kept);
                                return e;
                        }
                }
                PGresult *result = PQgetResult(s->connection);

                if (!result) break;
                enum err e = result_check(s, result, first ? NULL : reterr);

                if (e && !first) first = e;
                PQclear(kept);
                kept = result;
        }
        if (!first && PQntuples(kept) > PG_ROWS_MAX)
                first = err_note(reterr, ERR_LIMIT, "the result has more than %d rows", PG_ROWS_MAX);
        if (first || !ret) PQclear(kept);
        else *ret = kept;
        return first;
}

static enum err session_finish(struct pg_session *s, int sent, int64_t deadline_ms, PGresult **ret, struct err_note *reterr)
{
        enum err e;

        s->sqlstate[0] = '\0';
        if (!sent) return session_lost(s, reterr);
        e = session_flush(s, deadline_ms, reterr);
        return e ? e : session_results(s, deadline_ms, ret, reterr);
}

enum err pg_session_exec(struct pg_session *s, const char *sql, int64_t timeout_ms, struct err_note *reterr)
{
        if (pg_session_broken(s)) return err_note(reterr, ERR_UNAVAILABLE, "the database session is closed");
        return session_finish(s, PQsendQuery(s->connection, sql), clock_mono_ms() + timeout_ms, NULL, reterr);
}

/* Statements that find no room stay unprepared: slower, never wrong. */
static enum err session_prepare(struct pg_session *s, const char *name, const char *sql, int64_t deadline_ms, bool *ret,
                                struct err_note *reterr)
{
        enum err e;

        for (size_t i = 0; i < s->prepared_count; i++) {
                if (str_eq(s->prepared[i], name)) {
                        *ret = true;
                        return ERR_OK;
                }
        }
        *ret = false;
        if (s->prepared_count == PREPARED_MAX) return ERR_OK;
        e = session_finish(s, PQsendPrepare(s->connection, name, sql, 0, NULL), deadline_ms, NULL, reterr);
        if (e) return e;
        s->prepared[s->prepared_count++] = name;
        *ret = true;
        return ERR_OK;
}

enum err pg_session_query(struct pg_session *s, const char *name, const char *sql, const char *const *params,
                          int param_count, int64_t timeout_ms, struct pg_rows **ret, struct err_note *reterr)
{
        int64_t deadline_ms = clock_mono_ms() + timeout_ms;
        PGresult *result = NULL;
        bool is_prepared = false;
        enum err e;
        int sent;

        CHECK(param_count >= 0 && param_count <= PG_PARAMS_MAX);
        if (pg_session_broken(s)) return err_note(reterr, ERR_UNAVAILABLE, "the database session is closed");
        if (name) {
                e = session_prepare(s, name, sql, deadline_ms, &is_prepared, reterr);
                if (e) return e;
        }
        if (is_prepared) sent = PQsendQueryPrepared(s->connection, name, param_count, params, NULL, NULL, 0);
        else sent = PQsendQueryParams(s->connection, sql, param_count, NULL, params, NULL, NULL, 0);
        e = session_finish(s, sent, deadline_ms, ret ? &result : NULL, reterr);
        if (e) return e;
        if (ret) *ret = (struct pg_rows *)result;
        return ERR_OK;
}

/* ---- rows ---- */

void pg_rows_free(struct pg_rows *rows)
{
        PQclear((PGresult *)rows);
}

int pg_rows_count(const struct pg_rows *rows)
{
        return PQntuples(rows_result(rows));
}

int64_t pg_rows_affected(const struct pg_rows *rows)
{
        int64_t count = 0;

        if (str_parse_i64(PQcmdTuples((PGresult *)rows), 0, INT64_MAX, &count)) return 0; /* "" for statements that count nothing */
        return count;
}

const char *pg_rows_text(const struct pg_rows *rows, int row, int column)
{
        CHECK(row >= 0 && row < PQntuples(rows_result(rows)) && column >= 0 && column < PQnfields(rows_result(rows)));
        return PQgetvalue(rows_result(rows), row, column);
}

bool pg_rows_is_null(const struct pg_rows *rows, int row, int column)
{
        return PQgetisnull(rows_result(rows), row, column);
}

int64_t pg_rows_i64(const struct pg_rows *rows, int row, int column)
{
        int64_t value = 0;

        if (str_parse_i64(pg_rows_text(rows, row, column), INT64_MIN, INT64_MAX, &value)) return 0;
        return value;
}

double pg_rows_double(const struct pg_rows *rows, int row, int column)
{
        double value = 0;

        if (str_parse_double(pg_rows_text(rows, row, column), &value)) return 0;
        return value;
}
