/* gateway: what the files of the gateway share.
 * Owner: main.c makes and ends it; handlers run on many threads. Memory: process. Units: ms. Limits: knobs. Fails: none. */
#ifndef SUT_GATEWAY_GATEWAY_H
#define SUT_GATEWAY_GATEWAY_H

#include <pthread.h>

#include "common/metrics/metrics.h"
#include "sut/gateway/admit.h"
#include "sut/kit/request.h"
#include "sut/kit/service.h"
#include "sut/kit/upstream.h"

enum gateway_knob {
        GATEWAY_LOG_LEVEL,
        GATEWAY_ADMISSION_PERCENT,
        GATEWAY_RATE_LIMIT_RPS,
        GATEWAY_RATE_LIMIT_BURST,
        GATEWAY_MAX_IN_FLIGHT,
        GATEWAY_POOL_SIZE,
        GATEWAY_POOL_WAIT_MS,
        GATEWAY_CONNECT_MS,
        GATEWAY_TIMEOUT_MS,
        GATEWAY_RETRIES,
        GATEWAY_BACKOFF_MS,
        GATEWAY_BACKOFF_MAX_MS,
        GATEWAY_RETRY_BUDGET_PERCENT,
        GATEWAY_BREAKER_ENABLED,
        GATEWAY_BREAKER_ERROR_PERCENT,
        GATEWAY_BREAKER_CALLS_MIN,
        GATEWAY_BREAKER_OPEN_MS,
        GATEWAY_BREAKER_PROBES,
        GATEWAY_TOKEN_MODE,
        GATEWAY_LEEWAY_S,
        GATEWAY_KEYS_REFRESH_S,
        GATEWAY_CLOCK_OFFSET_MS,
        GATEWAY_AUTH_POOL_SIZE,
        GATEWAY_AUTH_TIMEOUT_MS,
        GATEWAY_KNOB_COUNT
};
extern const struct knob gateway_knobs[GATEWAY_KNOB_COUNT];

struct gateway {
        struct kit *kit;
        struct kit_config *config;
        struct kit_upstream *api, *auth; /* auth NULL: there is none in this stack */
        pthread_mutex_t lock;            /* guards admit */
        struct admit_state admit;
        struct metrics_family *admissions, *tokens;
        struct gateway_keys *keys; /* NULL without auth */
};

enum gateway_token_mode { TOKEN_OFF, TOKEN_OPTIONAL, TOKEN_REQUIRED }; /* in the order of the knob's choices */

struct kit_upstream_limits gateway_limits(struct gateway *g);
struct kit_upstream_limits gateway_auth_limits(struct gateway *g);

/* gateway_keys.c: the keys of auth, fetched every keys_refresh_s and when a token names an unknown one. */
MUST_USE enum err gateway_keys_new(struct gateway *g, struct gateway_keys **ret);
void gateway_keys_free(struct gateway_keys *k);
void gateway_keys_tick(struct gateway_keys *k, int64_t now_ms);
/* Checks the user's token as token_mode says; false: answered with 401 or 503. */
bool gateway_token_admits(struct gateway *g, struct kit_request *r, bool needed);

/* gateway_relay.c: "/shop/{rest...}" and the short paths of the shop. */
void gateway_shop(struct kit_request *r, void *ctx);
void gateway_short(struct kit_request *r, void *ctx);
void gateway_login(struct kit_request *r, void *ctx);

#endif
