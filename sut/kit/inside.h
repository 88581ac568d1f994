/* kit_inside: what the files of this room share about a running service; nobody outside includes it.
 * Owner: service.c makes and ends it. Memory: process. Units: ms. Limits: service.h. Fails: nothing here fails. */
#ifndef SUT_KIT_INSIDE_H
#define SUT_KIT_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "common/http/server.h"
#include "common/http/trace.h"
#include "common/metrics/metrics.h"
#include "common/sys/loop.h"
#include "sut/kit/args.h"
#include "sut/kit/config.h"
#include "sut/kit/service.h"
#include "sut/kit/slots.h"
#include "sut/kit/span.h"

struct kit_route {
        enum kit_route_kind kind;
        const char *method, *pattern;
        kit_handler *handler;
        bool prefix, builtin; /* builtin: gets the kit as ctx */
};

struct kit_series {
        struct metrics_family *request_seconds;
        struct metrics_series *active, *revision, *changes, *spans_dropped;
        struct metrics_series *threads, *busy, *queue_depth, *queue_max, *rejected, *queue_wait;
};

struct kit {
        const struct kit_spec *spec;
        struct kit_args args;
        char config_path[1024], data_dir[1024];
        int64_t started_ms;
        struct kit_config *config;
        struct metrics *metrics;
        struct kit_series series;
        struct loop *loop;
        struct http_server *server;
        struct kit_slots *slots; /* NULL without a worker pool */
        void *ctx;
        struct kit_route routes[KIT_ROUTES_MAX];
        int route_count;
        /* Requests inside handlers; `stopping` refuses new ones, `idle` is signalled when the last one leaves. */
        pthread_mutex_t lock;
        pthread_cond_t idle;
        int active;
        bool stopping;
        size_t level_knob;
        char published_state[256]; /* "ok" or what was wrong with the published version; under lock */
        bool published_ok;
};

struct kit_request {
        struct kit *kit;
        struct http_exchange *x;
        const struct kit_route *route;
        struct trace trace;
        int64_t arrived_ms, deadline_ms; /* monotonic; 0: none */
        char param[256];
};

/* request.c */
void kit_serve(void *ctx, struct http_exchange *x);
/* builtin.c */
void kit_builtin_routes(struct kit *k);
/* published.c: reads the published version and applies it. Never fails the service: it says what was wrong. */
void kit_published_apply(struct kit *k);
/* export.c: sends ended spans to logproc, if there is one. */
struct kit_export;
MUST_USE enum err kit_export_new(struct kit *k, struct kit_export **ret);
void kit_export_free(struct kit_export *x);
AUTO_DEFINE(struct kit_export, kit_export_free)

#endif
