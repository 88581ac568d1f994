/* sut-api: the shop. Catalogue, quotes and orders; prices by process_business_data; data in PostgreSQL.
 *   GET /products?category=C, /products/ID; POST /quote, /orders {"email","product_id","quantity"}; GET /orders/ID */
#include "common/base/mem.h"
#include "sut/api/api.h"

static struct pg_pool_limits db_limits(struct api *a)
{
        struct pg_pool_limits limits = {
                .size = (int)kit_config_int(a->config, API_DB_POOL_SIZE),
                .wait_ms = kit_config_int(a->config, API_DB_POOL_WAIT_MS),
                .connect_ms = kit_config_int(a->config, API_DB_CONNECT_MS),
                .statement_timeout_ms = kit_config_int(a->config, API_STATEMENT_TIMEOUT_MS),
        };

        kit_config_text(a->config, API_DB_PASSWORD, limits.password, sizeof limits.password);
        return limits;
}

static void api_changed(void *ctx)
{
        struct api *a = ctx;
        struct pg_pool_limits limits = db_limits(a);

        pg_pool_set(a->db, &limits);
        if (a->cache) api_cache_set(a);
}

static void api_collect(void *ctx)
{
        struct api *a = ctx;

        pg_pool_collect(a->db);
        if (a->mq) metrics_set(a->mq_connected, natsq_connected(a->mq));
}

/* The streams are normally there before us; this makes them when we are the first. */
static void api_tick(void *ctx, int64_t now_ms)
{
        struct api *a = ctx;
        struct err_note note;

        (void)now_ms;
        if (a->mq && !a->mq_ensured && natsq_connected(a->mq)) a->mq_ensured = natsq_ensure(a->mq, 1000, &note) == ERR_OK;
}

static void api_health(void *ctx, struct kit_health *h)
{
        struct api *a = ctx;
        struct trace trace;
        struct err_note note = { 0 };
        struct pg_lease lease;
        enum err e;

        trace_root(&trace);
        trace.sampled = false;
        e = pg_lease_take(a->db, &trace, 200, &lease, &note);
        if (!e) {
                e = pg_lease_query(&lease, "health", "SELECT 1", NULL, 0, NULL, &note);
                pg_lease_give(&lease);
        }
        kit_health_check(h, "db", e == ERR_OK, false, "%s", e ? note.text : "ok");
        if (a->mq) kit_health_check(h, "mq", natsq_connected(a->mq), false, natsq_connected(a->mq) ? "ok" : "not connected");
}

static void api_stop(void *ctx)
{
        struct api *a = ctx;

        api_cache_free(a->cache);
        natsq_free(a->mq);
        pg_pool_free(a->db);
        mem_free(a);
}

static enum err api_start(struct kit *k, void **ret_ctx, struct err_note *reterr)
{
        struct api *a = mem_zalloc(1, sizeof *a);
        struct metrics *m = kit_metrics(k);
        struct pg_pool_limits limits;
        enum err e;

        if (!a) return err_note(reterr, ERR_NOMEM, "out of memory");
        a->kit = k;
        a->config = kit_config(k);
        limits = db_limits(a);
        e = pg_pool_new(k, "db", &limits, &a->db);
        if (e) (void)err_note(reterr, e, "out of memory");
        if (!e && kit_upstream_address(k, "cache")) e = api_cache_new(a, &a->cache);
        if (!e && kit_upstream_address(k, "mq")) e = natsq_open(kit_upstream_address(k, "mq"), kit_instance(k), &a->mq, reterr);
        if (e) {
                api_stop(a);
                return e;
        }
        a->business_seconds = metrics_histogram(m, "business_processing_duration_seconds", "Time to price a basket.", "algorithm", NULL, 0);
        a->orders = metrics_counter(m, "orders_total", "Orders by what became of them.", "outcome");
        a->warehouse_seconds = metrics_one(metrics_histogram(m, "warehouse_request_duration_seconds", "Time of calls to the warehouse.", "", NULL, 0));
        a->published = metrics_counter(m, "orders_published_total", "Settlement jobs by what became of queueing them.", "outcome");
        a->publish_seconds = metrics_one(metrics_histogram(m, "mq_publish_duration_seconds", "Time until the queue had stored a job.", "", NULL, 0));
        a->mq_connected = metrics_one(metrics_gauge(m, "mq_connected", "1 while the message queue is connected.", ""));
        kit_route(k, KIT_WORK, "GET", "/products", api_get_products);
        kit_route(k, KIT_WORK, "GET", "/products/{id}", api_get_product);
        kit_route(k, KIT_WORK, "POST", "/quote", api_post_quote);
        kit_route(k, KIT_WORK, "POST", "/orders", api_post_order);
        kit_route(k, KIT_WORK, "GET", "/orders/{id}", api_get_order);
        *ret_ctx = a;
        return ERR_OK;
}

int main(int argc, char **argv)
{
        static const struct kit_worker_knobs workers = { API_WORKER_THREADS, API_QUEUE_MAX, API_QUEUE_WAIT_MS };
        static const char *const upstreams[] = { "db", NULL };
        static const struct kit_spec spec = {
                .name = "api", .title = "Shop API", .knobs = api_knobs, .knob_count = API_KNOB_COUNT, .http_threads = 96, .workers = &workers,
                .upstreams = upstreams, .start = api_start, .changed = api_changed, .health = api_health, .collect = api_collect,
                .tick = api_tick, .tick_ms = 1000, .stop = api_stop,
        };

        return kit_main(&spec, argc, argv);
}
