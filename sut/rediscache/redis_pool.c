#include "sut/rediscache/redis_pool.h"

#include <stdatomic.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/metrics/metrics.h"
#include "common/sys/clock.h"
#include "common/sys/sock.h"
#include "sut/kit/pool.h"
#include "sut/kit/service.h"
#include "sut/kit/span.h"

struct redis_pool {
        struct kit_pool *sessions;
        _Atomic int64_t timeout_ms;
        char host[SOCK_ADDRESS_BYTES];
        uint16_t port;
        struct metrics_family *requests, *seconds;
};

static enum err session_open(void *ctx, void **ret_item, struct err_note *reterr)
{
        struct redis_pool *p = ctx;
        struct redis_session *session = NULL;
        enum err e = redis_session_open(p->host, p->port, atomic_load(&p->timeout_ms), &session, reterr);

        if (!e) *ret_item = session;
        return e;
}

static void session_close(void *ctx, void *item)
{
        (void)ctx;
        redis_session_free(item);
}

enum err redis_pool_new(struct kit *k, const char *peer, const struct redis_pool_limits *limits, struct redis_pool **ret)
{
        AUTO(redis_pool_free) struct redis_pool *p = mem_zalloc(1, sizeof *p);
        struct kit_pool_ops ops = { .open = session_open, .close = session_close, .ctx = p };
        struct metrics *m = kit_metrics(k);
        enum err e;

        if (!p) return ERR_NOMEM;
        e = sock_split(kit_upstream_address(k, peer), p->host, &p->port);
        CHECK(e == ERR_OK); /* the kit has checked it */
        atomic_init(&p->timeout_ms, limits->timeout_ms);
        e = kit_pool_new(&ops, limits->size, REDIS_POOL_QUEUE_MAX, &p->sessions);
        if (e) return e;
        p->requests = metrics_counter(m, "cache_client_requests_total", "Cache commands by outcome.", "operation outcome");
        p->seconds = metrics_histogram(m, "cache_client_operation_duration_seconds", "Time of a cache command, waiting included.", "operation", NULL, 0);
        *ret = take(&p);
        return ERR_OK;
}

void redis_pool_free(struct redis_pool *p)
{
        if (!p) return;
        kit_pool_free(p->sessions);
        mem_free(p);
}

void redis_pool_set(struct redis_pool *p, const struct redis_pool_limits *limits)
{
        atomic_store(&p->timeout_ms, limits->timeout_ms);
        kit_pool_resize(p->sessions, limits->size);
}

void redis_pool_count(struct redis_pool *p, const char *operation, const char *outcome)
{
        metrics_add(metrics_at(p->requests, operation, outcome), 1);
}

enum err redis_pool_call(struct redis_pool *p, const struct trace *trace, const struct redis_arg *args, int arg_count, struct redis_reply **ret,
                         struct err_note *reterr)
{
        int64_t timeout_ms = atomic_load(&p->timeout_ms), start_us = clock_mono_us();
        const char *operation = args[0].bytes;
        struct kit_span span;
        void *session;
        enum err e;

        CHECK(arg_count >= 2);
        kit_span_begin(&span, trace, SPAN_CLIENT, operation);
        kit_span_attr(&span, "db.system", "redis");
        kit_span_attr(&span, "db.redis.key", args[1].bytes);
        e = kit_pool_take(p->sessions, timeout_ms, &session, NULL, reterr);
        if (!e) {
                e = redis_session_call(session, args, arg_count, timeout_ms, ret, reterr);
                kit_pool_give(p->sessions, session, redis_session_broken(session));
        }
        metrics_observe_trace(metrics_at(p->seconds, operation), (double)(clock_mono_us() - start_us) / 1e6, trace->trace_id);
        if (e) {
                redis_pool_count(p, operation, "error");
                kit_span_attr(&span, "error.type", err_name(e));
        }
        kit_span_end(&span, e != ERR_OK);
        return e;
}
