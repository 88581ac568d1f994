#include "sut/cache/cache_server.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/clock.h"
#include "common/sys/log.h"
#include "common/sys/sock.h"
#include "sut/rediscache/redis_session.h"

/* The tenant's data: keys of 64 KiB, all renewed within FILL_TURNS turns. */
enum { FILL_KEY_BYTES = 64 * 1024, FILL_KEYS_A_MB = 1024 * 1024 / FILL_KEY_BYTES, FILL_TURNS = 8, BLOCK_EVERY_TURNS = 4, BLOCK_SEND_MS = 5, PINGS = 8, WORD_BYTES = 64 };
#define FILL_PREFIX "batch:"

/* Settings that are one CONFIG parameter each. */
static const struct {
        enum cache_knob knob;
        const char *parameter;
        bool is_text, is_mb;
} settings[] = {
        {CACHE_MAXMEMORY_MB, "maxmemory", false, true},
        {CACHE_EVICTION_POLICY, "maxmemory-policy", true, false},
        {CACHE_MAX_CLIENTS, "maxclients", false, false},
        {CACHE_CLIENT_TIMEOUT_S, "timeout", false, false},
        {CACHE_SLOW_LOG_US, "slowlog-log-slower-than", false, false},
};

/* Lines of INFO that become metrics. */
#define STAT_LIST(X)                                                                                                   \
        X("used_memory", "redis_memory_bytes", GAUGE, "Memory in use for data")                                        \
        X("maxmemory", "redis_memory_max_bytes", GAUGE, "Most memory for data; 0: no limit")                           \
        X("connected_clients", "redis_connected_clients", GAUGE, "Open connections")                                   \
        X("maxclients", "redis_clients_max", GAUGE, "Most connections")                                                \
        X("keyspace_hits", "redis_hits_total", COUNTER, "Reads that found their key")                                  \
        X("keyspace_misses", "redis_misses_total", COUNTER, "Reads that did not")                                      \
        X("evicted_keys", "redis_evicted_keys_total", COUNTER, "Keys dropped for want of memory")                      \
        X("expired_keys", "redis_expired_keys_total", COUNTER, "Keys dropped because their time was over")             \
        X("total_commands_processed", "redis_commands_total", COUNTER, "Commands")                                     \
        X("rejected_connections", "redis_rejected_connections_total", COUNTER, "Connections refused")
enum {
#define X(line, name, type, help) +1
        STAT_COUNT = 0 STAT_LIST(X)
#undef X
};

struct cache_server {
        struct loop_timer *timer;
        char host[SOCK_ADDRESS_BYTES];
        uint16_t port;
        struct redis_session *session;
        struct redis_session *blocker; /* sent the last script; closed late, since whoever relays it might drop what is under way */
        int fill_mb, flush_every_s, block_ms; /* the jobs */
        int64_t flushed_ms;
        int fill_next;
        unsigned turn;
        char *filling; /* FILL_KEY_BYTES of data */
        double pings[PINGS]; /* of the last turns */
        struct metrics_series *up, *keys, *ping, *stats[STAT_COUNT];
        atomic_bool is_up;
};

/* ---- the session ---- */

static enum err server_session(struct cache_server *c, struct err_note *reterr)
{
        if (c->session && redis_session_broken(c->session)) redis_session_free(take(&c->session));
        if (c->session) return ERR_OK;
        return redis_session_open(c->host, c->port, CACHE_CALL_MS, &c->session, reterr);
}

static enum err server_call(struct cache_server *c, const char *const *words, struct redis_reply **ret, struct err_note *reterr)
{
        enum err e = server_session(c, reterr);

        return e ? e : redis_session_words(c->session, words, CACHE_CALL_MS, ret, reterr);
}
#define CALL(c, ret, reterr, ...) server_call((c), (const char *const[]){__VA_ARGS__, NULL}, (ret), (reterr))

/* ---- settings ---- */

static enum err job_fill_set(struct cache_server *c, int mb, struct err_note *reterr)
{
        char key[WORD_BYTES];
        enum err e = ERR_OK;

        for (int i = mb * FILL_KEYS_A_MB; !e && i < c->fill_mb * FILL_KEYS_A_MB; i++) {
                snprintf(key, sizeof key, FILL_PREFIX "%d", i);
                e = CALL(c, NULL, reterr, "UNLINK", key);
        }
        if (e) return e;
        c->fill_mb = mb;
        c->fill_next = 0;
        return ERR_OK;
}

static enum err setting_set(struct cache_server *c, size_t i, const struct json *value, struct err_note *reterr)
{
        char text[WORD_BYTES];

        if (settings[i].is_text) str_cut(text, sizeof text, json_text(value));
        else snprintf(text, sizeof text, "%lld%s", (long long)json_value(value), settings[i].is_mb ? "mb" : "");
        return CALL(c, NULL, reterr, "CONFIG", "SET", settings[i].parameter, text);
}

enum err cache_server_set(struct cache_server *c, enum cache_knob knob, const struct json *value, struct err_note *reterr)
{
        for (size_t i = 0; i < ARRAY_COUNT(settings); i++)
                if (settings[i].knob == knob) return setting_set(c, i, value, reterr);
        switch (knob) {
        case CACHE_FILL_MB: return job_fill_set(c, (int)json_value(value), reterr);
        case CACHE_FLUSH_EVERY_S:
                c->flush_every_s = (int)json_value(value);
                c->flushed_ms = 0;
                return ERR_OK;
        case CACHE_BLOCK_MS: c->block_ms = (int)json_value(value); return ERR_OK;
        default: return ERR_OK;
        }
}

enum err cache_server_read(struct cache_server *c, struct json *values, struct err_note *reterr)
{
        json_set_num(values, cache_knobs[CACHE_FILL_MB].key, c->fill_mb);
        json_set_num(values, cache_knobs[CACHE_FLUSH_EVERY_S].key, c->flush_every_s);
        json_set_num(values, cache_knobs[CACHE_BLOCK_MS].key, c->block_ms);
        for (size_t i = 0; i < ARRAY_COUNT(settings); i++) {
                AUTO(redis_reply_free) struct redis_reply *reply = NULL;
                const char *key = cache_knobs[settings[i].knob].key;
                enum err e = CALL(c, &reply, reterr, "CONFIG", "GET", settings[i].parameter);

                if (e) return e;
                if (redis_reply_count(reply) != 2) return err_note(reterr, ERR_IO, "Redis does not know its setting '%s'", settings[i].parameter);
                const struct redis_reply *value = redis_reply_at(reply, 1);

                if (settings[i].is_text) json_set_str(values, key, redis_reply_text(value, NULL));
                else if (settings[i].is_mb) json_set_num(values, key, ceil((double)redis_reply_integer(value) / (1024 * 1024)));
                else json_set_num(values, key, (double)redis_reply_integer(value));
        }
        return ERR_OK;
}

/* ---- keys ---- */

enum err cache_server_flush(struct cache_server *c, int64_t *ret_keys, struct err_note *reterr)
{
        AUTO(redis_reply_free) struct redis_reply *size = NULL;
        enum err e = CALL(c, &size, reterr, "DBSIZE");

        if (!e) e = CALL(c, NULL, reterr, "FLUSHALL");
        if (e) return e;
        *ret_keys = redis_reply_integer(size);
        return ERR_OK;
}

static enum err key_json(struct cache_server *c, const char *key, struct json *list, struct err_note *reterr)
{
        AUTO(redis_reply_free) struct redis_reply *ttl = NULL, *bytes = NULL;
        struct json *entry;
        enum err e = CALL(c, &ttl, reterr, "TTL", key);

        if (!e) e = CALL(c, &bytes, reterr, "MEMORY", "USAGE", key);
        if (e) return e;
        if (redis_reply_type(bytes) == REDIS_NIL) return ERR_OK; /* it has expired meanwhile */
        entry = json_object();
        json_set_str(entry, "key", key);
        json_set_num(entry, "ttl_s", (double)redis_reply_integer(ttl));
        json_set_num(entry, "bytes", (double)redis_reply_integer(bytes));
        json_push(list, entry);
        return ERR_OK;
}

enum err cache_server_keys(struct cache_server *c, const char *pattern, struct json **ret, struct err_note *reterr)
{
        AUTO(json_free) struct json *list = json_array();
        char cursor[WORD_BYTES] = "0";

        do {
                AUTO(redis_reply_free) struct redis_reply *page = NULL;
                enum err e = CALL(c, &page, reterr, "SCAN", cursor, "MATCH", pattern, "COUNT", "200");

                if (e) return e;
                if (redis_reply_count(page) != 2) return err_note(reterr, ERR_IO, "Redis gave no page of keys");
                str_cut(cursor, sizeof cursor, redis_reply_text(redis_reply_at(page, 0), NULL));
                const struct redis_reply *keys = redis_reply_at(page, 1);

                for (size_t i = 0; i < redis_reply_count(keys) && json_count(list) < CACHE_KEYS_MAX; i++) {
                        e = key_json(c, redis_reply_text(redis_reply_at(keys, i), NULL), list, reterr);
                        if (e) return e;
                }
        } while (!str_eq(cursor, "0") && json_count(list) < CACHE_KEYS_MAX);
        *ret = take(&list);
        return ERR_OK;
}

/* ---- jobs ---- */

/* Writes that are refused (memory full, noeviction) are the point of the job, and not its failure. */
static void job_fill(struct cache_server *c)
{
        int count = c->fill_mb * FILL_KEYS_A_MB;

        for (int i = 0; i < (count + FILL_TURNS - 1) / FILL_TURNS; i++) {
                char key[WORD_BYTES];
                struct redis_arg args[] = {REDIS_ARG_TEXT("SET"), {key, 0}, {c->filling, FILL_KEY_BYTES}};

                args[1].size_bytes = (size_t)snprintf(key, sizeof key, FILL_PREFIX "%d", c->fill_next);
                c->fill_next = (c->fill_next + 1) % count;
                if (server_session(c, NULL)) return;
                enum err e = redis_session_call(c->session, args, ARRAY_COUNT(args), CACHE_CALL_MS, NULL, NULL);

                if (e && redis_session_broken(c->session)) return;
        }
}

static void job_flush(struct cache_server *c)
{
        int64_t now_ms = clock_mono_ms(), keys = 0;

        if (c->flushed_ms && now_ms - c->flushed_ms < c->flush_every_s * INT64_C(1000)) return;
        if (cache_server_flush(c, &keys, NULL)) return;
        c->flushed_ms = now_ms;
        log_event(LOG_WARN, "cache.flushed", "the clean-up job emptied the cache", LOG_N("keys", keys));
}

/* A script holds Redis' only thread for its whole length. It is sent in a session of its own that does not wait for the end, so the PING of the same
 * turn waits for the script as everybody else does. */
static void job_block(struct cache_server *c)
{
        char ms[WORD_BYTES];

        snprintf(ms, sizeof ms, "%d", c->block_ms);
        redis_session_free(take(&c->blocker));
        if (redis_session_open(c->host, c->port, CACHE_CALL_MS, &c->blocker, NULL)) return; /* the turn finds out about Redis */
        (void)!redis_call(c->blocker, BLOCK_SEND_MS, NULL, NULL, "EVAL",
                          "local function now() local t = redis.call('TIME') return t[1] * 1000 + t[2] / 1000 end "
                          "local stop = now() + tonumber(ARGV[1]) while now() < stop do end return 1", "0", ms);
}

/* ---- statistics ---- */

static double info_value(const char *info, const char *line)
{
        size_t size_bytes = strlen(line);

        for (const char *at = info; at; at = strchr(at, '\n'), at = at ? at + 1 : NULL)
                if (strncmp(at, line, size_bytes) == 0 && at[size_bytes] == ':') return strtod(at + size_bytes + 1, NULL);
        return 0;
}

static enum err stat_read(struct cache_server *c, struct err_note *reterr)
{
        static const char *const lines[] = {
#define X(line, name, type, help) line,
                STAT_LIST(X)
#undef X
        };
        AUTO(redis_reply_free) struct redis_reply *info = NULL, *size = NULL;
        int64_t from_us = clock_mono_us();
        double longest = 0;
        enum err e = CALL(c, NULL, reterr, "PING");

        if (e) return e;
        c->pings[c->turn % PINGS] = (double)(clock_mono_us() - from_us) / 1e6;
        for (int i = 0; i < PINGS; i++) longest = MAX(longest, c->pings[i]);
        metrics_set(c->ping, longest);
        e = CALL(c, &info, reterr, "INFO");
        if (!e) e = CALL(c, &size, reterr, "DBSIZE");
        if (e) return e;
        for (int i = 0; i < STAT_COUNT; i++) metrics_set(c->stats[i], info_value(redis_reply_text(info, NULL), lines[i]));
        metrics_set(c->keys, (double)redis_reply_integer(size));
        return ERR_OK;
}

static void server_turn(void *ctx)
{
        struct cache_server *c = ctx;
        struct err_note note;
        bool was_up = atomic_load(&c->is_up);
        enum err e;

        if (c->fill_mb) job_fill(c);
        if (c->flush_every_s) job_flush(c);
        if (c->block_ms && c->turn % BLOCK_EVERY_TURNS == 0) job_block(c);
        c->turn++;
        e = stat_read(c, &note);
        metrics_set(c->up, e ? 0 : 1);
        atomic_store(&c->is_up, e == ERR_OK);
        if (e && was_up) log_text(LOG_ERROR, "redis.down", "Redis cannot be read: %s", note.text);
        if (!e && !was_up) log_event(LOG_INFO, "redis.up", "Redis answers");
}

/* ---- life ---- */

static void server_metrics(struct cache_server *c, struct metrics *m)
{
        int i = 0;

#define GAUGE metrics_gauge
#define COUNTER metrics_counter
#define X(line, name, type, help) c->stats[i++] = metrics_one(type(m, name, help, ""));
        STAT_LIST(X)
#undef X
#undef COUNTER
#undef GAUGE
        c->up = metrics_one(metrics_gauge(m, "redis_up", "1 if Redis answers", ""));
        c->keys = metrics_one(metrics_gauge(m, "redis_keys", "Keys", ""));
        c->ping = metrics_one(metrics_gauge(m, "redis_ping_seconds", "Time of the slowest PING of the last two seconds, so that a scrape a second sees every stall", ""));
}

enum err cache_server_new(struct loop *loop, const char *address, struct metrics *metrics, struct cache_server **ret,
                          struct err_note *reterr)
{
        AUTO(cache_server_free) struct cache_server *c = mem_zalloc(1, sizeof *c);
        enum err e;

        if (!c) return err_note(reterr, ERR_NOMEM, "no memory for the cache adapter");
        e = sock_split(address, c->host, &c->port);
        if (e) return err_note(reterr, ERR_INVAL, "--upstream redis=%s: expected HOST:PORT", address);
        c->filling = mem_alloc(FILL_KEY_BYTES);
        if (!c->filling) return err_note(reterr, ERR_NOMEM, "no memory for the cache adapter");
        memset(c->filling, 'x', FILL_KEY_BYTES);
        server_metrics(c, metrics);
        /* An earlier life may have left the tenant's data behind. Redis away: then there is none either. */
        c->fill_mb = CACHE_FILL_MB_MAX;
        if (job_fill_set(c, 0, NULL)) c->fill_mb = 0;
        e = loop_timer_add(loop, CACHE_TURN_MS, CACHE_TURN_MS, server_turn, c, &c->timer);
        if (e) return err_note(reterr, e, "cannot start the cache adapter: %s", err_text(e));
        server_turn(c);
        *ret = take(&c);
        return ERR_OK;
}

void cache_server_free(struct cache_server *c)
{
        if (!c) return;
        loop_timer_remove(c->timer);
        redis_session_free(c->session);
        redis_session_free(c->blocker);
        mem_free(c->filling);
        mem_free(c);
}

bool cache_server_up(const struct cache_server *c)
{
        return atomic_load(&c->is_up);
}
