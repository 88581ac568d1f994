/* poll: asks a stack's Prometheus and its load generator once a second, all questions of a second in parallel.
 * Owner:  the loop thread. Memory: queries are copied; what callbacks get is lent for the call. poll_free drops what is
 * under way. Units:  ms of the wall clock.     Limits: POLL_QUERIES_MAX watched queries; one round under way at a time,
 * POLL_ROUND_MS long. Fails:  a question without an answer is a missing sample; why is told once a query and watch,
 * through on_problem. */
#ifndef SERVER_TELEMETRY_POLL_H
#define SERVER_TELEMETRY_POLL_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/http/client.h"
#include "common/sys/loop.h"
#include "server/engine/run.h"

enum {
        POLL_QUERIES_MAX = SCENARIO_QUERIES_MAX,
        POLL_PERIOD_MS = 1000,
        POLL_ROUND_MS = 900,
        POLL_USERS_MAX = 20
};

struct poll;

struct poll_options {
        struct loop *loop;
        struct http_async *http;
        const char *prometheus; /* "127.77.1.1:9090" */
        const char *loadgen;    /* "127.77.1.1:8070", NULL: no users */
        /* Once a second while queries are watched, in their order. */
        void (*on_samples)(void *ctx, const struct run_sample *samples, size_t count);
        void (*on_series)(void *ctx, const char *json); /* {"t":wall_ms,"v":{"fd:...|api":1}}; may be NULL */
        void (*on_users)(void *ctx, const char *json);  /* {"requests":[...]}; may be NULL */
        void (*on_problem)(void *ctx, const char *query, const char *why); /* may be NULL */
        void *ctx;
};

MUST_USE enum err poll_new(const struct poll_options *options, struct poll **ret);
void poll_free(struct poll *p);
AUTO_DEFINE(struct poll, poll_free)

/* The samples of the round under way, if any, are not told any more. count 0: none. */
MUST_USE enum err poll_watch(struct poll *p, const char *const *queries, size_t count);

#endif
