#include "sut/gateway/gateway.h"

#define IN "Admission"
#define UP "Upstream"
#define RE "Retries"
#define BR "Circuit breaker"
#define TO "Tokens"

static const char *const token_modes[] = { "off", "optional", "required", NULL };

const struct knob gateway_knobs[GATEWAY_KNOB_COUNT] = {
        [GATEWAY_LOG_LEVEL] = KIT_KNOB_LOG_LEVEL,
        [GATEWAY_ADMISSION_PERCENT] = KNOB_INT("admission_percent", 100, 0, 100, "%", IN, "Admitted share",
                "Load shedding: this share of the requests is let in, the others get 503 at once."),
        [GATEWAY_RATE_LIMIT_RPS] = KNOB_INT("rate_limit_rps", 500, 0, 5000, "requests/s", IN, "Rate limit",
                "More requests a second than this get 429. 0 switches the limit off."),
        [GATEWAY_RATE_LIMIT_BURST] = KNOB_INT("rate_limit_burst", 200, 1, 5000, "requests", IN, "Rate limit burst",
                "How many requests may come at once before the rate limit is felt."),
        [GATEWAY_MAX_IN_FLIGHT] = KNOB_INT("max_in_flight", 112, 1, 112, "requests", IN, "Most requests in flight",
                "Further ones get 503 at once. Keeps a slow upstream from taking every thread of the gateway."),
        [GATEWAY_POOL_SIZE] = KNOB_INT("upstream_pool_size", 48, 1, 64, "connections", UP, "Connection pool size",
                "Most connections to the shop API. A request holds one while it waits for the answer; further requests wait for one."),
        [GATEWAY_POOL_WAIT_MS] = KNOB_INT("upstream_pool_wait_ms", 1500, 1, 30000, "ms", UP, "Longest wait for a connection",
                "A request that has waited this long for a connection fails with 503."),
        [GATEWAY_CONNECT_MS] = KNOB_INT("connect_timeout_ms", 500, 1, 30000, "ms", UP, "Connect timeout", "Longest time to open a connection."),
        [GATEWAY_TIMEOUT_MS] = KNOB_INT("upstream_timeout_ms", 3000, 1, 60000, "ms", UP, "Request timeout",
                "Longest time for one try at the upstream; then 504. It is passed on as the deadline of the request."),
        [GATEWAY_RETRIES] = KNOB_INT("retries", 1, 0, 10, "", RE, "Retries",
                "How often a failed request is sent again (GET, and POST with an Idempotency-Key)."),
        [GATEWAY_BACKOFF_MS] = KNOB_INT("retry_backoff_ms", 25, 0, 10000, "ms", RE, "Back-off",
                "The first retry waits up to this long, each further one up to twice as long; the actual wait is random (jitter)."),
        [GATEWAY_BACKOFF_MAX_MS] = KNOB_INT("retry_backoff_max_ms", 250, 0, 10000, "ms", RE, "Longest back-off", "No retry waits longer than this."),
        [GATEWAY_RETRY_BUDGET_PERCENT] = KNOB_INT("retry_budget_percent", 10, 0, 100, "%", RE, "Retry budget",
                "Retries may be this share of the requests; 100 switches the budget off, and retries may multiply the load."),
        [GATEWAY_BREAKER_ENABLED] = KNOB_SWITCH("breaker_enabled", 1, BR, "Breaker", "Stop calling an upstream that fails too often."),
        [GATEWAY_BREAKER_ERROR_PERCENT] = KNOB_INT("breaker_error_percent", 50, 1, 100, "%", BR, "Opens at this share of failures", "Over the last 10 seconds."),
        [GATEWAY_BREAKER_CALLS_MIN] = KNOB_INT("breaker_calls_min", 20, 1, 10000, "requests", BR, "Fewest calls to judge by", "In the last 10 seconds."),
        [GATEWAY_BREAKER_OPEN_MS] = KNOB_INT("breaker_open_ms", 3000, 100, 600000, "ms", BR, "Stays open", "Then a few probes are let through."),
        [GATEWAY_BREAKER_PROBES] = KNOB_INT("breaker_probes", 3, 1, 100, "requests", BR, "Probes", "So many good answers close it again."),
        [GATEWAY_TOKEN_MODE] = KNOB_ONE_OF("token_mode", "optional", token_modes, TO, "Access tokens",
                "off: not looked at. optional: a token that is there must be good. required: quotes and orders need one."),
        [GATEWAY_LEEWAY_S] = KNOB_INT("leeway_s", 2, 0, 600, "s", TO, "Leeway", "How far the clocks of auth and gateway may differ before a token counts as expired or not valid yet."),
        [GATEWAY_KEYS_REFRESH_S] = KNOB_INT("keys_refresh_s", 30, 1, 3600, "s", TO, "Fetch keys every", "A token that names an unknown key fetches them at once, at most ten times a second."),
        [GATEWAY_CLOCK_OFFSET_MS] = KNOB_INT("clock_offset_ms", 0, -86400000, 86400000, "ms", TO, "Clock offset", "The gateway's clock is off by so much when it checks tokens."),
        [GATEWAY_AUTH_POOL_SIZE] = KNOB_INT("auth_pool_size", 8, 1, 32, "connections", TO, "Connections to auth", "Most connections to the auth service; logins wait for one."),
        [GATEWAY_AUTH_TIMEOUT_MS] = KNOB_INT("auth_timeout_ms", 2000, 1, 60000, "ms", TO, "Auth timeout", "Longest time for one try at the auth service; then 504."),
};

struct kit_upstream_limits gateway_limits(struct gateway *g)
{
        struct kit_config *c = g->config;

        return (struct kit_upstream_limits){
                .pool_size = (int)kit_config_int(c, GATEWAY_POOL_SIZE),
                .pool_wait_ms = kit_config_int(c, GATEWAY_POOL_WAIT_MS),
                .connect_ms = kit_config_int(c, GATEWAY_CONNECT_MS),
                .timeout_ms = kit_config_int(c, GATEWAY_TIMEOUT_MS),
                .retries = (int)kit_config_int(c, GATEWAY_RETRIES),
                .backoff_ms = kit_config_int(c, GATEWAY_BACKOFF_MS),
                .backoff_max_ms = kit_config_int(c, GATEWAY_BACKOFF_MAX_MS),
                .retry_budget_percent = (int)kit_config_int(c, GATEWAY_RETRY_BUDGET_PERCENT),
                .breaker = { .enabled = kit_config_on(c, GATEWAY_BREAKER_ENABLED),
                             .error_percent = (int)kit_config_int(c, GATEWAY_BREAKER_ERROR_PERCENT),
                             .calls_min = (int)kit_config_int(c, GATEWAY_BREAKER_CALLS_MIN),
                             .open_ms = kit_config_int(c, GATEWAY_BREAKER_OPEN_MS),
                             .probes_needed = (int)kit_config_int(c, GATEWAY_BREAKER_PROBES) },
        };
}

struct kit_upstream_limits gateway_auth_limits(struct gateway *g)
{
        struct kit_upstream_limits limits = gateway_limits(g);

        limits.pool_size = (int)kit_config_int(g->config, GATEWAY_AUTH_POOL_SIZE);
        limits.timeout_ms = kit_config_int(g->config, GATEWAY_AUTH_TIMEOUT_MS);
        return limits;
}
