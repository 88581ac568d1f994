#include "sut/rediscache/redis_session.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <string.h>
#include <sys/time.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"

struct redis_session {
        redisContext *context;
        int64_t timeout_ms; /* what the socket has now */
};

/* A redisReply under our name: hiredis owns its memory. */
static const redisReply *reply_of(const struct redis_reply *r)
{
        return (const redisReply *)(const void *)r;
}

static struct timeval time_of(int64_t ms)
{
        return (struct timeval){.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
}

static enum err session_lost(const redisContext *c, struct err_note *reterr)
{
        bool is_late = c->err == REDIS_ERR_IO && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ETIMEDOUT);

        if (is_late || strstr(c->errstr, "timed out")) return err_note(reterr, ERR_TIMEOUT, "Redis did not answer in time");
        return err_note(reterr, ERR_UNAVAILABLE, "Redis: %s", c->errstr);
}

enum err redis_session_open(const char *host, uint16_t port, int64_t connect_ms, struct redis_session **ret,
                            struct err_note *reterr)
{
        AUTO(redis_session_free) struct redis_session *s = mem_zalloc(1, sizeof *s);

        CHECK(connect_ms > 0);
        if (!s) return err_note(reterr, ERR_NOMEM, "no memory for a Redis session");
        s->context = redisConnectWithTimeout(host, port, time_of(connect_ms));
        if (!s->context) return err_note(reterr, ERR_NOMEM, "no memory for a Redis session");
        if (s->context->err) return session_lost(s->context, reterr);
        *ret = take(&s);
        return ERR_OK;
}

void redis_session_free(struct redis_session *s)
{
        if (!s) return;
        if (s->context) redisFree(s->context);
        mem_free(s);
}

bool redis_session_broken(const struct redis_session *s)
{
        return s->context->err != 0;
}

/* Redis' refusals begin with a word in capitals. */
static enum err refusal_err(const char *words)
{
        if (str_starts(words, "OOM") || str_starts(words, "ERR max number of clients")) return ERR_LIMIT;
        if (str_starts(words, "NOAUTH") || str_starts(words, "NOPERM") || str_starts(words, "WRONGPASS")) return ERR_DENIED;
        if (str_starts(words, "LOADING") || str_starts(words, "BUSY ")) return ERR_UNAVAILABLE;
        return ERR_IO;
}

enum err redis_session_call(struct redis_session *s, const struct redis_arg *args, int arg_count, int64_t timeout_ms,
                            struct redis_reply **ret, struct err_note *reterr)
{
        const char *words[REDIS_ARGS_MAX];
        size_t sizes[REDIS_ARGS_MAX];
        redisReply *reply;

        CHECK(arg_count > 0 && arg_count <= REDIS_ARGS_MAX && timeout_ms > 0);
        if (redis_session_broken(s)) return err_note(reterr, ERR_UNAVAILABLE, "the Redis session is closed");
        if (timeout_ms != s->timeout_ms && redisSetTimeout(s->context, time_of(timeout_ms)) != REDIS_OK)
                return session_lost(s->context, reterr);
        s->timeout_ms = timeout_ms;
        for (int i = 0; i < arg_count; i++) {
                words[i] = args[i].bytes;
                sizes[i] = args[i].size_bytes;
        }
        errno = 0;
        reply = redisCommandArgv(s->context, arg_count, words, sizes);
        if (!reply) return session_lost(s->context, reterr);
        if (reply->type == REDIS_REPLY_ERROR) {
                enum err e = err_note(reterr, refusal_err(reply->str), "Redis: %s", reply->str);

                freeReplyObject(reply);
                return e;
        }
        if (ret) *ret = (struct redis_reply *)(void *)reply;
        else freeReplyObject(reply);
        return ERR_OK;
}

enum err redis_session_words(struct redis_session *s, const char *const *words, int64_t timeout_ms, struct redis_reply **ret,
                             struct err_note *reterr)
{
        struct redis_arg args[REDIS_ARGS_MAX];
        int count = 0;

        for (; words[count]; count++) {
                CHECK(count < REDIS_ARGS_MAX);
                args[count] = (struct redis_arg){words[count], strlen(words[count])};
        }
        return redis_session_call(s, args, count, timeout_ms, ret, reterr);
}

void redis_reply_free(struct redis_reply *r)
{
        if (r) freeReplyObject(r);
}

enum redis_type redis_reply_type(const struct redis_reply *r)
{
        switch (reply_of(r)->type) {
        case REDIS_REPLY_STRING:
        case REDIS_REPLY_STATUS: return REDIS_TEXT;
        case REDIS_REPLY_INTEGER: return REDIS_INTEGER;
        case REDIS_REPLY_ARRAY: return REDIS_ARRAY;
        default: return REDIS_NIL;
        }
}

const char *redis_reply_text(const struct redis_reply *r, size_t *ret_size_bytes)
{
        bool is_text = redis_reply_type(r) == REDIS_TEXT;

        if (ret_size_bytes) *ret_size_bytes = is_text ? (size_t)reply_of(r)->len : 0;
        return is_text ? reply_of(r)->str : "";
}

int64_t redis_reply_integer(const struct redis_reply *r)
{
        int64_t value = 0;

        if (redis_reply_type(r) == REDIS_INTEGER) return reply_of(r)->integer;
        if (str_parse_i64(redis_reply_text(r, NULL), INT64_MIN, INT64_MAX, &value)) return 0;
        return value;
}

size_t redis_reply_count(const struct redis_reply *r)
{
        return redis_reply_type(r) == REDIS_ARRAY ? reply_of(r)->elements : 0;
}

const struct redis_reply *redis_reply_at(const struct redis_reply *r, size_t index)
{
        CHECK(index < redis_reply_count(r));
        return (const struct redis_reply *)(const void *)reply_of(r)->element[index];
}
