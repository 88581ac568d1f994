/* kit_upstream: calls to one other service over HTTP: a bounded pool of kept-alive connections, time limits, retries with
 * back-off inside a budget, a circuit breaker, trace context and deadline passed on, metrics per peer.
 * Owner:  shared; thread-safe.               Memory: the response belongs to the caller (http_response_init/done).
 * Units:  ms.                                Limits: as kit_upstream_limits say, changeable while calls run.
 * Fails:  ERR_LIMIT no connection was free in time (nothing was sent), ERR_UNAVAILABLE breaker open or nobody there,
 *         ERR_TIMEOUT no answer in time, ERR_IO broken answer. An answer with any HTTP status is ERR_OK. */
#ifndef SUT_KIT_UPSTREAM_H
#define SUT_KIT_UPSTREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "common/http/client.h"
#include "common/http/trace.h"
#include "sut/kit/breaker.h"

struct kit;
struct kit_upstream;

struct kit_upstream_limits {
        int pool_size;
        int64_t pool_wait_ms, connect_ms, timeout_ms; /* timeout_ms: one attempt */
        int retries;                                  /* further attempts after a failed one; only for idempotent calls */
        int64_t backoff_ms, backoff_max_ms;
        int retry_budget_percent;
        struct breaker_limits breaker;
};

struct kit_upstream_call {
        const char *method, *path; /* path with query */
        const char *content_type, *body; /* NULL: none */
        size_t body_bytes;
        const char *const *headers; /* "Name: value", NULL-ended; may be NULL */
        const struct trace *trace;  /* the caller's span; NULL: none */
        int64_t left_ms;            /* of the caller's deadline; 0: no deadline */
        bool idempotent;            /* may be sent twice */
};

MUST_USE enum err kit_upstream_new(struct kit *k, const char *peer, const struct kit_upstream_limits *limits,
                                   struct kit_upstream **ret);
void kit_upstream_free(struct kit_upstream *u);
AUTO_DEFINE(struct kit_upstream, kit_upstream_free)
void kit_upstream_set(struct kit_upstream *u, const struct kit_upstream_limits *limits);
void kit_upstream_collect(struct kit_upstream *u); /* refreshes the gauges of its metrics */

MUST_USE enum err kit_upstream_send(struct kit_upstream *u, const struct kit_upstream_call *call,
                                    struct http_response *r, struct err_note *reterr);
struct breaker_view {
        enum breaker_state state;
        uint64_t opened_count;
};
/* True while the breaker would refuse a call: for who can wait instead of failing. */
bool kit_upstream_refuses(struct kit_upstream *u);
void kit_upstream_breaker(struct kit_upstream *u, struct breaker_view *ret);

#endif
