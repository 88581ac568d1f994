/* api: what the files of the shop API share. A request holds a worker and one database session from its first statement to its last,
 * as most web frameworks do, so both pools feel every millisecond of a handler.
 * Owner: main.c makes and ends it; handlers run on many threads. Memory: process. Units: ms, cents. Limits: knobs. Fails: none. */
#ifndef SUT_API_API_H
#define SUT_API_API_H

#include "common/metrics/metrics.h"
#include "sut/kit/request.h"
#include "sut/kit/service.h"
#include "sut/natsq/natsq.h"
#include "sut/pgpool/pg_pool.h"

enum api_knob {
        API_LOG_LEVEL,
        API_ALGORITHM,
        API_PRICE_OFFERS,
        API_WORKER_THREADS,
        API_QUEUE_MAX,
        API_QUEUE_WAIT_MS,
        API_DB_POOL_SIZE,
        API_DB_POOL_WAIT_MS,
        API_DB_CONNECT_MS,
        API_STATEMENT_TIMEOUT_MS,
        API_DB_PASSWORD,
        API_WAREHOUSE_MS,
        API_WAREHOUSE_ENABLED,
        API_MQ_PUBLISH_MS,
        API_CACHE_ENABLED,
        API_CACHE_TTL_S,
        API_CACHE_TTL_JITTER_PERCENT,
        API_CACHE_TIMEOUT_MS,
        API_CACHE_POOL_SIZE,
        API_CACHE_COALESCE,
        API_KNOB_COUNT
};
extern const struct knob api_knobs[API_KNOB_COUNT];

struct api {
        struct kit *kit;
        struct kit_config *config;
        struct pg_pool *db;
        struct natsq *mq; /* NULL: this stack has no queue */
        bool mq_ensured;  /* main thread only */
        struct api_cache *cache; /* NULL: this stack has none */
        struct metrics_family *business_seconds, *orders, *published;
        struct metrics_series *warehouse_seconds, *publish_seconds, *mq_connected;
};

/* api_products.c */
void api_get_products(struct kit_request *r, void *ctx);
void api_get_product(struct kit_request *r, void *ctx);
/* The shop shows live stock, which only the warehouse knows: a call to a third party that is simulated as waiting time. */
void api_warehouse_wait(struct api *a, const struct trace *trace);

struct api_product {
        int64_t id, price_cents;
        char sku[32], name[96], category[32];
};
/* The catalogue's part of a product: from the cache, else from the database. ERR_NOT_FOUND if there is none. */
MUST_USE enum err api_product_known(struct api *a, const struct trace *trace, struct pg_lease *lease, int64_t id, struct api_product *ret,
                                    struct err_note *reterr);

/* api_cache.c: hot results in Redis. Every failure counts as a miss; the database has the truth. */
MUST_USE enum err api_cache_new(struct api *a, struct api_cache **ret);
void api_cache_free(struct api_cache *c);
void api_cache_set(struct api *a); /* follows the configuration */
/* True: out (initialised) holds the value. */
bool api_cache_get(struct api *a, const struct trace *trace, const char *key, struct buf *out);
void api_cache_put(struct api *a, const struct trace *trace, const char *key, const void *bytes, size_t size_bytes);
/* Request coalescing: of the requests that miss one key, the first loads it (true, then api_cache_loaded); the others wait for it and
 * look into the cache again (false). */
bool api_cache_load(struct api *a, const char *key);
void api_cache_loaded(struct api *a, const char *key);

/* api_orders.c */
void api_post_quote(struct kit_request *r, void *ctx);
void api_post_order(struct kit_request *r, void *ctx);
/* api_queue.c: the order's settlement job. An order whose job cannot be queued stays accepted; the worker finds it later. */
void api_queue_order(struct api *a, const struct trace *trace, int64_t order_id, int64_t total_cents);
void api_get_order(struct kit_request *r, void *ctx);

#endif
