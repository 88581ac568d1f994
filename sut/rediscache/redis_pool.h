/* redis_pool: what a service holds of Redis: a bounded pool of sessions, one deadline for connecting and for each command, a span and metrics
 * for every command (cache_client_requests_total, cache_client_operation_duration_seconds).
 * Owner:  shared; thread-safe.               Memory: the reply belongs to the caller.
 * Units:  ms.                                Limits: size (changeable while it runs), REDIS_POOL_QUEUE_MAX waiting.
 * Fails:  as redis_session.h says, and ERR_LIMIT or ERR_TIMEOUT when no session was free in time. */
#ifndef SUT_REDISCACHE_REDIS_POOL_H
#define SUT_REDISCACHE_REDIS_POOL_H

#include "common/http/trace.h"
#include "sut/rediscache/redis_session.h"

enum { REDIS_POOL_QUEUE_MAX = 64 };

struct kit;
struct redis_pool;

struct redis_pool_limits {
        int size;
        int64_t timeout_ms;
};

/* peer: the name of an upstream of this service that its arguments give. */
MUST_USE enum err redis_pool_new(struct kit *k, const char *peer, const struct redis_pool_limits *limits, struct redis_pool **ret);
void redis_pool_free(struct redis_pool *p);
AUTO_DEFINE(struct redis_pool, redis_pool_free)
void redis_pool_set(struct redis_pool *p, const struct redis_pool_limits *limits);

/* args[0] is the command, args[1] the key, which the span shows. A failure is counted as outcome "error". */
MUST_USE enum err redis_pool_call(struct redis_pool *p, const struct trace *trace, const struct redis_arg *args, int arg_count,
                                  struct redis_reply **ret, struct err_note *reterr);
/* Counts what a command that succeeded meant: "hit", "miss", "stored". */
void redis_pool_count(struct redis_pool *p, const char *operation, const char *outcome);

#endif
