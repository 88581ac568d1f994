/* kit_service: the life of a service of the system under test: arguments, configuration, HTTP, worker pool, health, metrics,
 * readiness, signals. A program describes itself in a kit_spec and calls kit_main(); docs/contracts.md says what all
 * services have in common, and this room makes it so.
 *
 *   arguments -> config file -> published version -> start() -> listening -> ready -> [SIGHUP: reload] -> SIGTERM:
 *   stop accepting -> in-flight requests end (<= 5 s) -> stop() -> exit 0
 *
 * Owner:  the main thread runs the life and calls start, tick, stop; request threads call handlers, health and collect.
 * Memory: the spec and its tables are static; ctx belongs to the service.
 * Units:  ms.                                Limits: KIT_ROUTES_MAX routes, KIT_BODY_BYTES_MAX a request body.
 * Fails:  start: one sentence on stderr and exit 1 (2 for wrong arguments); later: logged, never silent. */
#ifndef SUT_KIT_SERVICE_H
#define SUT_KIT_SERVICE_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/text/json.h"
#include "sut/kit/config.h"
#include "sut/kit/knob.h"

enum { KIT_ROUTES_MAX = 32, KIT_BODY_BYTES_MAX = 256 * 1024, KIT_UPSTREAMS_MAX = 16, KIT_OPTIONS_MAX = 8, KIT_STOP_MS = 5000 };

struct kit;
struct kit_request;
struct metrics;

typedef void kit_handler(struct kit_request *r, void *ctx);

/* What a service says in GET /healthz. serving false is a 503; degraded is a 200 with "degraded". */
struct kit_health {
        bool serving, degraded;
        struct json *checks; /* add {"name": "sentence or ok"} with kit_health_check */
};
void kit_health_check(struct kit_health *h, const char *name, bool ok, bool needed, const char *format, ...)
        FMT_PRINTF(5, 6);

/* Knobs of the worker pool that the kit runs for routes marked KIT_WORK; indexes in the service's table. */
struct kit_worker_knobs {
        size_t threads, queue_max, queue_wait_ms;
};

struct kit_spec {
        const char *name, *title;
        const struct knob *knobs; /* every table has KIT_KNOB_LOG_LEVEL; the kit finds it by its key */
        size_t knob_count;
        int http_threads; /* connections served at once; more than the worker pool and its queue together */
        bool close_connections; /* no keep-alive: for services with many clients, whose idle connections would each hold a thread */
        const struct kit_worker_knobs *workers; /* NULL: no worker pool */
        const char *const *upstreams;           /* names that --upstream must give, NULL-ended; NULL: none */
        const char *const *options;             /* further options "--share DIR" as "share", NULL-ended; NULL: none */
        const char *const *flags;               /* further options without a value, NULL-ended; NULL: none */
        /* Instead of serving (for example --init): a result >= 0 is the exit status, -1 means serve. May be NULL. */
        int (*command)(struct kit *k);
        /* Makes ctx, pools and routes; the configuration is loaded. */
        enum err (*start)(struct kit *k, void **ret_ctx, struct err_note *reterr);
        /* All below may be NULL. */
        enum err (*apply)(void *ctx, const struct json *changed, struct err_note *reterr); /* see kit_config_hooks */
        void (*changed)(void *ctx);               /* after start() and after each change */
        void (*health)(void *ctx, struct kit_health *h);
        void (*collect)(void *ctx);               /* before /metrics is printed: refresh gauges */
        void (*refresh)(void *ctx);               /* before GET /config: adapters read the real server and observe() */
        void (*tick)(void *ctx, int64_t now_ms);  /* every tick_ms on the main thread; must not block long */
        int64_t tick_ms;
        void (*stopping)(void *ctx);              /* new requests are refused from now on: let those that wait for something go */
        void (*stop)(void *ctx);                  /* frees ctx; no request runs any more */
};

/* The whole program. */
int kit_main(const struct kit_spec *spec, int argc, char **argv);

/* Routes: pattern "/products/{id}" (one parameter at most) or "/shop/{rest...}" (a prefix); method "*" is any. `http_route`
 * in metrics is the pattern. Call in start(). */
enum kit_route_kind {
        KIT_DIRECT, /* runs at once on the connection's thread: health, admin, cheap things */
        KIT_WORK    /* waits for a worker first; 503 with Retry-After when the queue is full or the wait too long */
};
void kit_route(struct kit *k, enum kit_route_kind kind, const char *method, const char *pattern, kit_handler *handler);

/* Arguments: lent for the life of the program; NULL if not given. */
const char *kit_name(const struct kit *k);
const char *kit_instance(const struct kit *k);
const char *kit_dir(const struct kit *k);
const char *kit_data_dir(const struct kit *k); /* DIR/data/NAME, made at start */
const char *kit_upstream_address(const struct kit *k, const char *name); /* "127.77.1.1:8010" */
const char *kit_option(const struct kit *k, const char *name);
bool kit_flag(const struct kit *k, const char *name);

struct kit_config *kit_config(struct kit *k);
struct metrics *kit_metrics(struct kit *k);
/* 64 random bits for jitter and sampling (not for secrets); thread-safe. */
uint64_t kit_random(void);
/* 0 <= result < 1 */
double kit_random_unit(void);

/* The log level knob, in every table: [X_LOG_LEVEL] = KIT_KNOB_LOG_LEVEL */
extern const char *const kit_log_levels[];
#define KIT_KNOB_LOG_LEVEL                                                                                             \
        KNOB_ONE_OF("log_level", "info", kit_log_levels, "Logs", "Log level",                                          \
                    "Lines below this level are not written. debug writes a line for every request.")

#endif
