#include "sut/pgpool/pg_pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/metrics/metrics.h"
#include "common/sys/clock.h"
#include "common/sys/log.h"
#include "common/sys/sock.h"
#include "sut/kit/pool.h"
#include "sut/kit/service.h"
#include "sut/kit/span.h"

enum { PG_QUEUE_MAX = 256 };

/* lock guards limits only. */
struct pg_pool {
        struct kit_pool *sessions;
        pthread_mutex_t lock;
        struct pg_pool_limits limits;
        char host[SOCK_ADDRESS_BYTES];
        uint16_t port;
        const char *application;
        _Atomic bool is_refused; /* the last session could not be opened */
        struct metrics_family *operation_seconds, *errors;
        struct metrics_series *wait_seconds, *idle, *used, *max, *waiting, *opened;
};

static struct pg_pool_limits limits_now(struct pg_pool *p)
{
        struct pg_pool_limits limits;

        pthread_mutex_lock(&p->lock);
        limits = p->limits;
        pthread_mutex_unlock(&p->lock);
        return limits;
}

static enum err session_open(void *ctx, void **ret_item, struct err_note *reterr)
{
        struct pg_pool *p = ctx;
        struct pg_pool_limits limits = limits_now(p);
        struct pg_options options = { .host = p->host, .port = p->port, .database = "shop", .user = "shop", .password = limits.password,
                                      .application = p->application, .connect_ms = limits.connect_ms };
        struct pg_session *session = NULL;
        enum err e = pg_session_open(&options, &session, reterr);

        if (e) metrics_add(metrics_at(p->errors, "connect"), 1);
        else *ret_item = session;
        if (atomic_exchange(&p->is_refused, e != ERR_OK) == (e != ERR_OK)) return e;
        if (e) log_text(LOG_WARN, "db.no_session", "no database session can be opened: %s", reterr->text);
        else log_text(LOG_INFO, "db.sessions_again", "database sessions can be opened again");
        return e;
}

static void session_close(void *ctx, void *item)
{
        (void)ctx;
        pg_session_free(item);
}

static void metrics_make(struct pg_pool *p, struct metrics *m)
{
        struct metrics_family *count = metrics_gauge(m, "db_client_connection_count", "Database sessions of this service.", "state");

        p->operation_seconds = metrics_histogram(m, "db_client_operation_duration_seconds", "Time of one statement.", "operation", NULL, 0);
        p->errors = metrics_counter(m, "db_client_errors_total", "Statements and connects that failed.", "operation");
        p->wait_seconds = metrics_one(metrics_histogram(m, "db_client_connection_wait_seconds", "Time a request waited for a session.", "", NULL, 0));
        p->idle = metrics_at(count, "idle");
        p->used = metrics_at(count, "used");
        p->max = metrics_one(metrics_gauge(m, "db_client_connection_max", "Size of the session pool.", ""));
        p->waiting = metrics_one(metrics_gauge(m, "db_client_connection_waiting", "Requests that wait for a session.", ""));
        p->opened = metrics_one(metrics_counter(m, "db_client_connections_opened_total", "Sessions opened.", ""));
}

enum err pg_pool_new(struct kit *k, const char *upstream, const struct pg_pool_limits *limits, struct pg_pool **ret)
{
        AUTO(pg_pool_free) struct pg_pool *p = mem_zalloc(1, sizeof *p);
        struct kit_pool_ops ops = { .open = session_open, .close = session_close, .ctx = p };
        enum err e;

        if (!p) return ERR_NOMEM;
        pthread_mutex_init(&p->lock, NULL);
        atomic_init(&p->is_refused, false);
        p->limits = *limits;
        p->application = kit_instance(k);
        e = sock_split(kit_upstream_address(k, upstream), p->host, &p->port);
        CHECK(e == ERR_OK); /* the kit has checked it */
        e = kit_pool_new(&ops, limits->size, PG_QUEUE_MAX, &p->sessions);
        if (e) return e;
        metrics_make(p, kit_metrics(k));
        *ret = take(&p);
        return ERR_OK;
}

void pg_pool_free(struct pg_pool *p)
{
        if (!p) return;
        kit_pool_free(p->sessions);
        pthread_mutex_destroy(&p->lock);
        mem_free(p);
}

void pg_pool_set(struct pg_pool *p, const struct pg_pool_limits *limits)
{
        bool password_new;

        pthread_mutex_lock(&p->lock);
        password_new = !str_eq(p->limits.password, limits->password);
        p->limits = *limits;
        pthread_mutex_unlock(&p->lock);
        kit_pool_resize(p->sessions, limits->size);
        if (password_new) kit_pool_flush(p->sessions);
}

void pg_pool_collect(struct pg_pool *p)
{
        struct kit_pool_stat stat;

        kit_pool_stat(p->sessions, &stat);
        metrics_set(p->idle, stat.idle);
        metrics_set(p->used, stat.used);
        metrics_set(p->max, stat.size);
        metrics_set(p->waiting, stat.waiting);
        metrics_set(p->opened, (double)stat.opened_count);
}

enum err pg_lease_take(struct pg_pool *p, const struct trace *trace, int64_t left_ms, struct pg_lease *ret, struct err_note *reterr)
{
        int64_t wait_ms = MIN(limits_now(p).wait_ms, left_ms), start_us = clock_mono_us();
        void *item;
        enum err e;

        for (;;) {
                e = kit_pool_take(p->sessions, wait_ms, &item, NULL, reterr);
                if (e) break;
                if (!pg_session_broken(item) && !pg_session_gone(item, 0)) break;
                kit_pool_give(p->sessions, item, true); /* closed by the server while idle; idle ones run out, so this ends */
        }
        metrics_observe_trace(p->wait_seconds, (double)(clock_mono_us() - start_us) / 1e6, trace->trace_id);
        if (e == ERR_TIMEOUT || e == ERR_LIMIT) {
                metrics_add(metrics_at(p->errors, "pool"), 1);
                err_note_prefix(reterr, "database");
                return ERR_LIMIT;
        }
        if (e) return e == ERR_DENIED ? ERR_UNAVAILABLE : e; /* it is the service that may not come in, not who asks the service */
        *ret = (struct pg_lease){ .pool = p, .session = item, .trace = trace };
        return ERR_OK;
}

enum err pg_lease_query(struct pg_lease *lease, const char *operation, const char *sql, const char *const *params, int param_count,
                        struct pg_rows **ret, struct err_note *reterr)
{
        struct pg_pool *p = lease->pool;
        struct kit_span span;
        int64_t start_us = clock_mono_us();
        enum err e;

        kit_span_begin(&span, lease->trace, SPAN_CLIENT, operation);
        kit_span_attr(&span, "db.system", "postgresql");
        kit_span_attr(&span, "db.query.text", sql);
        e = pg_session_query(lease->session, operation, sql, params, param_count, limits_now(p).statement_timeout_ms, ret, reterr);
        metrics_observe_trace(metrics_at(p->operation_seconds, operation), (double)(clock_mono_us() - start_us) / 1e6, lease->trace->trace_id);
        if (e) {
                metrics_add(metrics_at(p->errors, operation), 1);
                kit_span_attr(&span, "error.type", err_name(e));
        }
        kit_span_end(&span, e != ERR_OK);
        return e;
}

enum err pg_lease_begin(struct pg_lease *lease, struct err_note *reterr)
{
        enum err e = pg_session_exec(lease->session, "BEGIN", limits_now(lease->pool).statement_timeout_ms, reterr);

        if (!e) lease->in_transaction = true;
        return e;
}

enum err pg_lease_commit(struct pg_lease *lease, struct err_note *reterr)
{
        CHECK(lease->in_transaction);
        lease->in_transaction = false;
        return pg_lease_query(lease, "commit", "COMMIT", NULL, 0, NULL, reterr);
}

void pg_lease_give(struct pg_lease *lease)
{
        bool broken;

        if (!lease->session) return;
        if (lease->in_transaction && !pg_session_broken(lease->session) &&
            pg_session_exec(lease->session, "ROLLBACK", limits_now(lease->pool).statement_timeout_ms, NULL))
                broken = true;
        else
                broken = pg_session_broken(lease->session);
        kit_pool_give(lease->pool->sessions, lease->session, broken);
        lease->session = NULL;
}
