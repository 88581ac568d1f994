#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "sut/api/api.h"
#include "sut/rediscache/redis_pool.h"

enum { LOADS_MAX = 32, LOAD_WAIT_MS = 500, LOAD_KEY_BYTES = 64 };

struct api_cache {
        struct redis_pool *redis;
        /* Keys that somebody is loading; beyond LOADS_MAX requests just load for themselves. */
        pthread_mutex_t lock;
        pthread_cond_t loaded;
        char loads[LOADS_MAX][LOAD_KEY_BYTES]; /* "" is free */
        struct metrics_series *coalesced;
};

static struct redis_pool_limits cache_limits(struct api *a)
{
        return (struct redis_pool_limits){ .size = (int)kit_config_int(a->config, API_CACHE_POOL_SIZE),
                                           .timeout_ms = kit_config_int(a->config, API_CACHE_TIMEOUT_MS) };
}

enum err api_cache_new(struct api *a, struct api_cache **ret)
{
        struct api_cache *c = mem_zalloc(1, sizeof *c);
        const struct redis_pool_limits limits = cache_limits(a);
        enum err e;

        if (!c) return ERR_NOMEM;
        pthread_mutex_init(&c->lock, NULL);
        pthread_cond_init(&c->loaded, NULL);
        e = redis_pool_new(a->kit, "cache", &limits, &c->redis);
        if (e) {
                api_cache_free(c);
                return e;
        }
        c->coalesced = metrics_one(metrics_counter(kit_metrics(a->kit), "cache_client_coalesced_total",
                                                   "Requests that waited for another one to load the same key.", ""));
        *ret = c;
        return ERR_OK;
}

void api_cache_free(struct api_cache *c)
{
        if (!c) return;
        redis_pool_free(c->redis);
        pthread_cond_destroy(&c->loaded);
        pthread_mutex_destroy(&c->lock);
        mem_free(c);
}

void api_cache_set(struct api *a)
{
        const struct redis_pool_limits limits = cache_limits(a);

        redis_pool_set(a->cache->redis, &limits);
}

static bool is_used(struct api *a)
{
        return a->cache && kit_config_on(a->config, API_CACHE_ENABLED);
}

bool api_cache_get(struct api *a, const struct trace *trace, const char *key, struct buf *out)
{
        struct redis_arg args[] = { REDIS_ARG_TEXT("GET"), REDIS_ARG_TEXT(key) };
        AUTO(redis_reply_free) struct redis_reply *reply = NULL;
        struct err_note note;
        const char *text;
        size_t bytes;

        if (!is_used(a) || redis_pool_call(a->cache->redis, trace, args, 2, &reply, &note)) return false;
        if (redis_reply_type(reply) != REDIS_TEXT) {
                redis_pool_count(a->cache->redis, "GET", "miss");
                return false;
        }
        redis_pool_count(a->cache->redis, "GET", "hit");
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
        struct err_note note;

        if (!is_used(a)) return;
        args[4].size_bytes = (size_t)snprintf(ttl, sizeof ttl, "%lld", (long long)MAX(1, ttl_ms));
        if (redis_pool_call(a->cache->redis, trace, args, 5, &reply, &note) == ERR_OK) redis_pool_count(a->cache->redis, "SET", "stored");
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
