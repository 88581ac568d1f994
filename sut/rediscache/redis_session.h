/* redis_session: one connection to Redis with a deadline on everything. No other room opens hiredis.
 * Owner:  one thread at a time; a pool may hand it on.   Memory: redis_session_free, redis_reply_free (NULL is fine).
 * Units:  ms, bytes.                        Limits: REDIS_ARGS_MAX words of a command.
 * Fails:  ERR_UNAVAILABLE no connection, or it broke; ERR_TIMEOUT no answer in time; ERR_LIMIT Redis is out of memory or
 *         connections; ERR_DENIED no right; ERR_IO any other refusal. The note holds Redis' own words. After
 *         ERR_UNAVAILABLE and ERR_TIMEOUT the session is broken; after a refusal it is usable. */
#ifndef SUT_REDISCACHE_REDIS_SESSION_H
#define SUT_REDISCACHE_REDIS_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

enum { REDIS_ARGS_MAX = 16 };

struct redis_session;
struct redis_reply;

enum redis_type { REDIS_NIL, REDIS_TEXT, REDIS_INTEGER, REDIS_ARRAY };

struct redis_arg {
        const void *bytes;
        size_t size_bytes;
};
#define REDIS_ARG_TEXT(text) ((struct redis_arg){(text), __builtin_strlen(text)})

MUST_USE enum err redis_session_open(const char *host, uint16_t port, int64_t connect_ms, struct redis_session **ret,
                                     struct err_note *reterr);
void redis_session_free(struct redis_session *s);
AUTO_DEFINE(struct redis_session, redis_session_free)
bool redis_session_broken(const struct redis_session *s);

/* One command. ret may be NULL. */
MUST_USE enum err redis_session_call(struct redis_session *s, const struct redis_arg *args, int arg_count, int64_t timeout_ms,
                                     struct redis_reply **ret, struct err_note *reterr);
/* The same with text words: redis_call(s, 500, &reply, &note, "GET", key) */
#define redis_call(s, timeout_ms, ret, reterr, ...)                                                                    \
        redis_session_words((s), (const char *const[]){__VA_ARGS__, NULL}, (timeout_ms), (ret), (reterr))
MUST_USE enum err redis_session_words(struct redis_session *s, const char *const *words, int64_t timeout_ms,
                                      struct redis_reply **ret, struct err_note *reterr);

void redis_reply_free(struct redis_reply *r);
AUTO_DEFINE(struct redis_reply, redis_reply_free)
enum redis_type redis_reply_type(const struct redis_reply *r);
/* NUL-terminated; "" for what is no text. */
const char *redis_reply_text(const struct redis_reply *r, size_t *ret_size_bytes /* may be NULL */);
int64_t redis_reply_integer(const struct redis_reply *r); /* also of a text that is a whole number; 0 otherwise */
size_t redis_reply_count(const struct redis_reply *r);    /* items of an array, 0 otherwise */
const struct redis_reply *redis_reply_at(const struct redis_reply *r, size_t index);

#endif
