/* auth_session: who is signed in, kept in Redis as session:ID -> e-mail with the life of the refresh token. Renewing a refresh token needs its session,
 * so a session that was ended, evicted or flushed asks for the password again; access tokens stand alone and stay good until they end.
 * Owner:  shared; thread-safe.               Memory: texts are copied.
 * Units:  seconds.                           Limits: as the pool's (sut/rediscache/redis_pool.h).
 * Fails:  ERR_NOT_FOUND the session is over or another's; otherwise as redis_pool_call: Redis is away, late or full. */
#ifndef SUT_AUTH_AUTH_SESSION_H
#define SUT_AUTH_AUTH_SESSION_H

#include "sut/jwt/token.h"
#include "sut/rediscache/redis_pool.h"

struct auth_sessions;

/* Redis is the upstream "cache". */
MUST_USE enum err auth_sessions_new(struct kit *k, const struct redis_pool_limits *limits, struct auth_sessions **ret);
void auth_sessions_free(struct auth_sessions *s);
AUTO_DEFINE(struct auth_sessions, auth_sessions_free)
void auth_sessions_set(struct auth_sessions *s, const struct redis_pool_limits *limits);
/* Whether the last command to Redis went well. */
bool auth_sessions_ok(struct auth_sessions *s);

MUST_USE enum err auth_session_begin(struct auth_sessions *s, const struct trace *trace, const char *subject, int64_t ttl_s,
                                     char ret_id[static TOKEN_SESSION_BYTES], struct err_note *reterr);
/* Lives ttl_s from now on. */
MUST_USE enum err auth_session_renew(struct auth_sessions *s, const struct trace *trace, const char *id, const char *subject, int64_t ttl_s,
                                     struct err_note *reterr);
MUST_USE enum err auth_session_end(struct auth_sessions *s, const struct trace *trace, const char *id, struct err_note *reterr);

#endif
