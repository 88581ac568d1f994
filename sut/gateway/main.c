/* sut-gateway: the shop's front door. Admission, then everything below /shop to the API and /login to auth, each over a bounded connection pool with
 * time limits, retries inside a budget, and a circuit breaker. */
#include "common/base/mem.h"
#include "sut/gateway/gateway.h"

static void gateway_changed(void *ctx)
{
        struct gateway *g = ctx;
        struct kit_upstream_limits limits = gateway_limits(g);

        kit_upstream_set(g->api, &limits);
        limits = gateway_auth_limits(g);
        if (g->auth) kit_upstream_set(g->auth, &limits);
}

static void gateway_tick(void *ctx, int64_t now_ms)
{
        struct gateway *g = ctx;

        if (g->keys) gateway_keys_tick(g->keys, now_ms);
}

static void gateway_collect(void *ctx)
{
        struct gateway *g = ctx;

        kit_upstream_collect(g->api);
        if (g->auth) kit_upstream_collect(g->auth);
}

static void upstream_health(struct kit_health *h, struct kit_upstream *u, const char *name)
{
        struct breaker_view view;

        kit_upstream_breaker(u, &view);
        kit_health_check(h, name, view.state != BREAKER_OPEN, false, "breaker %s", kit_breaker_state_text(view.state));
}

static void gateway_health(void *ctx, struct kit_health *h)
{
        struct gateway *g = ctx;

        upstream_health(h, g->api, "api");
        if (g->auth) upstream_health(h, g->auth, "auth");
}

static void gateway_stop(void *ctx)
{
        struct gateway *g = ctx;

        gateway_keys_free(g->keys);
        kit_upstream_free(g->api);
        kit_upstream_free(g->auth);
        pthread_mutex_destroy(&g->lock);
        mem_free(g);
}

static void routes_make(struct kit *k)
{
        kit_route(k, KIT_DIRECT, "POST", "/login", gateway_login);
        kit_route(k, KIT_DIRECT, "POST", "/refresh", gateway_login);
        kit_route(k, KIT_DIRECT, "POST", "/logout", gateway_login);
        kit_route(k, KIT_DIRECT, "POST", "/shop/login", gateway_login);
        kit_route(k, KIT_DIRECT, "POST", "/shop/refresh", gateway_login);
        kit_route(k, KIT_DIRECT, "POST", "/shop/logout", gateway_login);
        kit_route(k, KIT_DIRECT, "GET", "/products", gateway_short);
        kit_route(k, KIT_DIRECT, "GET", "/products/{id}", gateway_short);
        kit_route(k, KIT_DIRECT, "POST", "/quote", gateway_short);
        kit_route(k, KIT_DIRECT, "POST", "/orders", gateway_short);
        kit_route(k, KIT_DIRECT, "GET", "/orders/{id}", gateway_short);
        kit_route(k, KIT_DIRECT, "*", "/shop/{rest...}", gateway_shop);
}

static enum err gateway_start(struct kit *k, void **ret_ctx, struct err_note *reterr)
{
        struct gateway *g = mem_zalloc(1, sizeof *g);
        struct kit_upstream_limits limits;
        enum err e;

        if (!g) return err_note(reterr, ERR_NOMEM, "out of memory");
        pthread_mutex_init(&g->lock, NULL);
        g->kit = k;
        g->config = kit_config(k);
        limits = gateway_limits(g);
        e = kit_upstream_new(k, "api", &limits, &g->api);
        limits = gateway_auth_limits(g);
        if (!e && kit_upstream_address(k, "auth")) e = kit_upstream_new(k, "auth", &limits, &g->auth);
        if (!e && g->auth) e = gateway_keys_new(g, &g->keys);
        if (e) {
                gateway_stop(g);
                return err_note(reterr, e, "out of memory");
        }
        g->admissions = metrics_counter(kit_metrics(k), "gateway_admissions_total", "Requests by whether they were let in.", "decision");
        g->tokens = metrics_counter(kit_metrics(k), "gateway_tokens_total", "Tokens by what the check said.", "outcome");
        routes_make(k);
        *ret_ctx = g;
        return ERR_OK;
}

int main(int argc, char **argv)
{
        static const char *const upstreams[] = { "api", NULL };
        static const struct kit_spec spec = {
                .name = "gateway", .title = "API gateway", .knobs = gateway_knobs, .knob_count = GATEWAY_KNOB_COUNT, .http_threads = 128,
                .close_connections = true, .upstreams = upstreams, .start = gateway_start, .changed = gateway_changed, .health = gateway_health,
                .collect = gateway_collect, .tick = gateway_tick, .tick_ms = 250, .stop = gateway_stop,
        };

        return kit_main(&spec, argc, argv);
}
