#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/clock.h"
#include "common/sys/sock.h"
#include "sut/api/api.h"
#include "sut/kit/pool.h"
#include "sut/kit/span.h"
#include "sut/rediscache/redis_session.h"

enum { CACHE_QUEUE_MAX = 64, LOADS_MAX = 32, LOAD_WAIT_MS = 500, LOAD_KEY_BYTES = 64 };

struct api_cache {
        struct kit_config *config;
        struct kit_pool *sessions;
        char host[SOCK_ADDRESS_BYTES];
        uint16_t port;
        /* Keys that somebody is loading; beyond LOADS_MAX requests just load for themselves. */
        pthread_mutex_t lock;
        pthread_cond_t loaded;
        char loads[LOADS_MAX][LOAD_KEY_BYTES]; /* "" is free */
        struct metrics_family *requests, *seconds;
        struct metrics_series *coalesced;
};

static enum err cache_session_open(void *ctx, void **ret_item, struct err_note *reterr)
{
        struct api_cache *c = ctx;
        struct redis_session *session = NULL;
        enum err e = redis_session_open(c->host, c->port, kit_config_int(c->config, API_CACHE_TIMEOUT_MS), &session, reterr);

        if (!e) *ret_item = session;
        return e;
}

static void cache_session_close(void *ctx, void *item)
{
        (void)ctx;
        redis_session_free(item);
}

enum err api_cache_new(struct api *a, struct api_cache **ret)
{
        struct api_cache *c = mem_zalloc(1, sizeof *c);
        struct kit_pool_ops ops = { .open = cache_session_open, .close = cache_session_close, .ctx = c };
        struct metrics *m = kit_metrics(a->kit);
        enum err e;

        if (!c) return ERR_NOMEM;
        pthread_mutex_init(&c->lock, NULL);
        pthread_cond_init(&c->loaded, NULL);
        c->config = a->config;
        e = sock_split(kit_upstream_address(a->kit, "cache"), c->host, &c->port);
        CHECK(e == ERR_OK); /* the kit has checked it */
        e = kit_pool_new(&ops, (int)kit_config_int(a->config, API_CACHE_POOL_SIZE), CACHE_QUEUE_MAX, &c->sessions);
        if (e) {
                api_cache_free(c);
                return e;
        }
        c->requests = metrics_counter(m, "cache_client_requests_total", "Cache commands by outcome.", "operation outcome");
        c->seconds = metrics_histogram(m, "cache_client_operation_duration_seconds", "Time of a cache command, waiting included.", "operation", NULL, 0);
        c->coalesced = metrics_one(metrics_counter(m, "cache_client_coalesced_total", "Requests that waited for another one to load the same key.", ""));
        *ret = c;
        return ERR_OK;
}

void api_cache_free(struct api_cache *c)
{
        if (!c) return;
        kit_pool_free(c->sessions);
        pthread_cond_destroy(&c->loaded);
        pthread_mutex_destroy(&c->lock);
        mem_free(c);
}

void api_cache_set(struct api_cache *c)
{
        kit_pool_resize(c->sessions, (int)kit_config_int(c->config, API_CACHE_POOL_SIZE));
}

/* One command; *ret_reply is the caller's. */
static enum err command(struct api_cache *c, const struct trace *trace, const char *operation, const struct redis_arg *args, int count,
                        struct redis_reply **ret_reply)
{
        int64_t timeout_ms = kit_config_int(c->config, API_CACHE_TIMEOUT_MS), start_us = clock_mono_us();
        struct err_note note;
        struct kit_span span;
        void *session;
        enum err e;

        kit_span_begin(&span, trace, SPAN_CLIENT, operation);
        kit_span_attr(&span, "db.system", "redis");
        kit_span_attr(&span, "db.redis.key", args[1].bytes);
        e = kit_pool_take(c->sessions, timeout_ms, &session, NULL, &note);
        if (!e) {
                e = redis_session_call(session, args, count, timeout_ms, ret_reply, &note);
                kit_pool_give(c->sessions, session, redis_session_broken(session));
        }
        metrics_observe_trace(metrics_at(c->seconds, operation), (double)(clock_mono_us() - start_us) / 1e6, trace->trace_id);
        if (e) {
                metrics_add(metrics_at(c->requests, operation, "error"), 1);
                kit_span_attr(&span, "error.type", err_name(e));
        }
        kit_span_end(&span, e != ERR_OK);
        return e;
}

static bool is_used(struct api *a)
{
        return a->cache && kit_config_on(a->config, API_CACHE_ENABLED);
}

bool api_cache_get(struct api *a, const struct trace *trace, const char *key, struct buf *out)
{
        struct redis_arg args[] = { REDIS_ARG_TEXT("GET"), REDIS_ARG_TEXT(key) };
        AUTO(redis_reply_free) struct redis_reply *reply = NULL;
        const char *text;
        size_t bytes;

        if (!is_used(a) || command(a->cache, trace, "GET", args, 2, &reply)) return false;
        if (redis_reply_type(reply) != REDIS_TEXT) {
                metrics_add(metrics_at(a->cache->requests, "GET", "miss"), 1);
                return false;
        }
        metrics_add(metrics_at(a->cache->requests, "GET", "hit"), 1);
        text = redis_reply_text(reply, &bytes);
        buf_append(out, text, bytes);
        return buf_status(out) == ERR_OK;
}

void api_cache_put(struct api *a, const struct trace *trace, const char *key, const void *bytes, size_t size_bytes)
{
        double jitter = (double)kit_config_int(a->config, API_CACHE_TTL_JITTER_PERCENT) / 100 * (2 * kit_random_unit() - 1);
        int64_t ttl_ms = (int64_t)((double)kit_config_int(a->config, API_CACHE_TTL_S) * 1000 * (1 + jitter));
        char ttl[24];
        struct redis_arg args[] = { REDIS_ARG_TEXT("SET"), REDIS_ARG_TEXT(key), { bytes, size_bytes }, REDIS_ARG_TEXT("PX"), { ttl, 0 } };
        AUTO(redis_reply_free) struct redis_reply *reply = NULL;

        if (!is_used(a)) return;
        args[4].size_bytes = (size_t)snprintf(ttl, sizeof ttl, "%lld", (long long)MAX(1, ttl_ms));
        if (command(a->cache, trace, "SET", args, 5, &reply) == ERR_OK) metrics_add(metrics_at(a->cache->requests, "SET", "stored"), 1);
}

static int load_find(struct api_cache *c, const char *key)
{
        for (int i = 0; i < LOADS_MAX; i++)
                if (str_eq(c->loads[i], key)) return i;
        return -1;
}

bool api_cache_load(struct api *a, const char *key)
{
        struct api_cache *c = a->cache;
        struct timespec until;
        bool mine = false;
        int at;

        if (!is_used(a) || !kit_config_on(a->config, API_CACHE_COALESCE)) return false;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += LOAD_WAIT_MS * 1000000;
        if (until.tv_nsec >= 1000000000) {
                until.tv_sec++;
                until.tv_nsec -= 1000000000;
        }
        pthread_mutex_lock(&c->lock);
        if (load_find(c, key) < 0) {
                at = load_find(c, "");
                mine = at >= 0 && str_copy(c->loads[at], LOAD_KEY_BYTES, key) == ERR_OK;
        } else {
                metrics_add(c->coalesced, 1);
                while (load_find(c, key) >= 0 && pthread_cond_timedwait(&c->loaded, &c->lock, &until) == 0) {}
        }
        pthread_mutex_unlock(&c->lock);
        return mine;
}

void api_cache_loaded(struct api *a, const char *key)
{
        struct api_cache *c = a->cache;
        int at;

        pthread_mutex_lock(&c->lock);
        at = load_find(c, key);
        CHECK(at >= 0);
        c->loads[at][0] = '\0';
        pthread_cond_broadcast(&c->loaded);
        pthread_mutex_unlock(&c->lock);
}
