#include "sut/auth/auth_session.h"

#include <stdatomic.h>
#include <stdio.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/metrics/metrics.h"
#include "common/sys/entropy.h"
#include "sut/kit/service.h"

enum { SESSION_ID_RANDOM_BYTES = 16, SESSION_KEY_BYTES = TOKEN_SESSION_BYTES + 8 };

struct auth_sessions {
        struct redis_pool *redis;
        _Atomic bool is_ok;
        struct metrics_family *outcomes;
};

enum err auth_sessions_new(struct kit *k, const struct redis_pool_limits *limits, struct auth_sessions **ret)
{
        AUTO(auth_sessions_free) struct auth_sessions *s = mem_zalloc(1, sizeof *s);
        enum err e;

        if (!s) return ERR_NOMEM;
        atomic_init(&s->is_ok, true);
        s->outcomes = metrics_counter(kit_metrics(k), "auth_sessions_total", "Sessions by what became of them.", "outcome");
        e = redis_pool_new(k, "cache", limits, &s->redis);
        if (!e) *ret = take(&s);
        return e;
}

void auth_sessions_free(struct auth_sessions *s)
{
        if (!s) return;
        redis_pool_free(s->redis);
        mem_free(s);
}

void auth_sessions_set(struct auth_sessions *s, const struct redis_pool_limits *limits)
{
        redis_pool_set(s->redis, limits);
}

bool auth_sessions_ok(struct auth_sessions *s)
{
        return atomic_load(&s->is_ok);
}

static enum err session_call(struct auth_sessions *s, const struct trace *trace, const struct redis_arg *args, int count, struct redis_reply **ret,
                             struct err_note *reterr)
{
        enum err e = redis_pool_call(s->redis, trace, args, count, ret, reterr);

        atomic_store(&s->is_ok, e == ERR_OK);
        return e;
}

static void session_count(struct auth_sessions *s, const char *outcome)
{
        metrics_add(metrics_at(s->outcomes, outcome), 1);
}

static void session_key(const char *id, char dst[static SESSION_KEY_BYTES])
{
        snprintf(dst, SESSION_KEY_BYTES, "session:%s", id);
}

enum err auth_session_begin(struct auth_sessions *s, const struct trace *trace, const char *subject, int64_t ttl_s,
                            char ret_id[static TOKEN_SESSION_BYTES], struct err_note *reterr)
{
        char id[2 * SESSION_ID_RANDOM_BYTES + 1], key[SESSION_KEY_BYTES], ttl[24];
        enum err e;

        entropy_hex(id, SESSION_ID_RANDOM_BYTES);
        session_key(id, key);
        snprintf(ttl, sizeof ttl, "%lld", (long long)ttl_s);
        e = session_call(s, trace, (const struct redis_arg[]){ REDIS_ARG_TEXT("SET"), REDIS_ARG_TEXT(key), REDIS_ARG_TEXT(subject),
                         REDIS_ARG_TEXT("EX"), REDIS_ARG_TEXT(ttl) }, 5, NULL, reterr);
        session_count(s, e ? "not_stored" : "begun");
        if (!e) str_cut(ret_id, TOKEN_SESSION_BYTES, id);
        return e;
}

enum err auth_session_renew(struct auth_sessions *s, const struct trace *trace, const char *id, const char *subject, int64_t ttl_s,
                            struct err_note *reterr)
{
        AUTO(redis_reply_free) struct redis_reply *reply = NULL;
        char key[SESSION_KEY_BYTES], ttl[24];
        enum err e;

        session_key(id, key);
        snprintf(ttl, sizeof ttl, "%lld", (long long)ttl_s);
        e = session_call(s, trace, (const struct redis_arg[]){ REDIS_ARG_TEXT("GETEX"), REDIS_ARG_TEXT(key), REDIS_ARG_TEXT("EX"), REDIS_ARG_TEXT(ttl) },
                         4, &reply, reterr);
        if (!e && !str_eq(redis_reply_text(reply, NULL), subject)) e = err_note(reterr, ERR_NOT_FOUND, "the session is over: sign in again");
        session_count(s, e == ERR_NOT_FOUND ? "over" : e ? "not_read" : "renewed");
        return e;
}

enum err auth_session_end(struct auth_sessions *s, const struct trace *trace, const char *id, struct err_note *reterr)
{
        char key[SESSION_KEY_BYTES];
        enum err e;

        session_key(id, key);
        e = session_call(s, trace, (const struct redis_arg[]){ REDIS_ARG_TEXT("DEL"), REDIS_ARG_TEXT(key) }, 2, NULL, reterr);
        session_count(s, e ? "not_ended" : "ended");
        return e;
}
