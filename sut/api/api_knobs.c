#include "sut/api/api.h"
#include "sut/api/pricing.h"

static const char *const algorithms[] = { "efficient", "regressed", NULL }; /* in the order of enum pricing_algorithm */

const struct knob api_knobs[API_KNOB_COUNT] = {
        [API_LOG_LEVEL] = KIT_KNOB_LOG_LEVEL,
        [API_ALGORITHM] = KNOB_ONE_OF_DEPLOY("algorithm", "efficient", algorithms, "Business", "Pricing algorithm",
                "How a quote or an order is priced. efficient sorts the offers once (n log n), regressed looks at every offer for every "
                "combination (n squared). Changing it is a deployment and moves the version."),
        [API_PRICE_OFFERS] = KNOB_INT("price_offers", 4800, 10, PRICING_OFFERS_MAX, "", "Business", "Offers in the price list",
                "How many offers a quote is checked against. More of them cost more CPU."),
        [API_WORKER_THREADS] = KNOB_INT("worker_threads", 16, 1, 64, "threads", "Workers", "Worker threads",
                "How many requests are worked on at once. Further ones wait in the queue."),
        [API_QUEUE_MAX] = KNOB_INT("queue_max", 24, 0, 64, "requests", "Workers", "Queue limit",
                "How many requests may wait for a worker. Beyond it they are refused at once with 503."),
        [API_QUEUE_WAIT_MS] = KNOB_INT("queue_wait_ms", 2000, 1, 30000, "ms", "Workers", "Longest wait in the queue",
                "A request that has waited this long for a worker is refused with 503."),
        [API_DB_POOL_SIZE] = KNOB_INT("db_pool_size", 16, 1, 64, "connections", "Database", "Database pool size",
                "Most database sessions of this service. A request holds one from its first statement to its last."),
        [API_DB_POOL_WAIT_MS] = KNOB_INT("db_pool_wait_ms", 2000, 1, 30000, "ms", "Database", "Longest wait for a session",
                "A request that has waited this long for a database session fails with 503."),
        [API_DB_CONNECT_MS] = KNOB_INT("db_connect_ms", 1000, 10, 30000, "ms", "Database", "Connect timeout", "Longest time to open a database session."),
        [API_STATEMENT_TIMEOUT_MS] = KNOB_INT("statement_timeout_ms", 1500, 5, 60000, "ms", "Database", "Statement timeout",
                "A statement that runs longer is cancelled, its session is closed, and the request fails with 504."),
        [API_DB_PASSWORD] = KNOB_TEXT("db_password", "shop", "Database", "Database password", "Password of the database role shop. Changing it opens new sessions."),
        [API_WAREHOUSE_MS] = KNOB_INT("warehouse_ms", 28, 0, 10000, "ms", "Warehouse", "Warehouse call",
                "How long the warehouse (a simulated third party) takes to tell the live stock. The request waits for it, holding its worker and its database session."),
        [API_WAREHOUSE_ENABLED] = KNOB_SWITCH("feature_live_stock", 1, "Warehouse", "Live stock",
                "Feature flag: ask the warehouse for live stock on every page. Without it answers are quicker and the stock is not shown."),
        [API_MQ_PUBLISH_MS] = KNOB_INT("mq_publish_timeout_ms", 500, 1, 30000, "ms", "Message queue", "Publish timeout",
                "Longest wait until the queue has stored an order's job; the order's request waits for it, holding its worker. After it the order stays accepted and the worker finds it later."),
        [API_CACHE_ENABLED] = KNOB_SWITCH("feature_cache", 1, "Cache", "Use the cache", "Feature flag: catalogue pages and products come from the cache when they are there."),
        [API_CACHE_TTL_S] = KNOB_INT("cache_ttl_s", 30, 1, 86400, "s", "Cache", "Time to live", "How long a cached page or product is used before it is read from the database again."),
        [API_CACHE_TTL_JITTER_PERCENT] = KNOB_INT("cache_ttl_jitter_percent", 20, 0, 90, "%", "Cache", "Jitter of the time to live",
                "Each value lives up to this share longer or shorter, so that not all of them expire at once."),
        [API_CACHE_TIMEOUT_MS] = KNOB_INT("cache_timeout_ms", 50, 1, 10000, "ms", "Cache", "Cache timeout",
                "Longest wait for the cache, for connecting and for each command; then the database is asked. The request holds its worker meanwhile."),
        [API_CACHE_POOL_SIZE] = KNOB_INT("cache_pool_size", 8, 1, 64, "connections", "Cache", "Connections to the cache", "Most connections; a request waits for a free one at most the cache timeout."),
        [API_CACHE_COALESCE] = KNOB_SWITCH("request_coalescing", 1, "Cache", "Coalesce requests",
                "Of the requests that miss the same page at the same time only one asks the database. Without it an expired hot page is read many times at once."),
};
