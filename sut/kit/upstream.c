#include "sut/kit/upstream.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/metrics/metrics.h"
#include "common/sys/clock.h"
#include "sut/kit/pool.h"
#include "sut/kit/retry.h"
#include "sut/kit/service.h"
#include "sut/kit/span.h"

enum { UPSTREAM_QUEUE_MAX = 256 };

/* lock guards limits, breaker and budget; it is never held over a call. */
struct kit_upstream {
        char peer[32], address[64];
        struct kit_pool *pool;
        pthread_mutex_t lock;
        struct kit_upstream_limits limits;
        struct kit_breaker breaker;
        struct kit_retry_budget budget;
        struct metrics_family *request_seconds, *retries, *errors;
        struct metrics_series *wait_seconds, *idle, *used, *max, *waiting, *breaker_state, *breaker_opened;
};

static enum err client_open(void *ctx, void **ret_item, struct err_note *reterr)
{
        struct http_client *client = NULL;
        enum err e = http_client_new(&client);

        (void)ctx;
        if (e) return err_note(reterr, e, "out of memory");
        *ret_item = client;
        return ERR_OK;
}

static void client_close(void *ctx, void *item)
{
        (void)ctx;
        http_client_free(item);
}

static void upstream_metrics(struct kit_upstream *u, struct metrics *m)
{
        struct metrics_family *open = metrics_gauge(m, "http_client_open_connections", "Connections to a peer.", "peer state");
        const char *peer = u->peer;

        u->request_seconds = metrics_histogram(m, "http_client_request_duration_seconds", "Time of one attempt at a peer.",
                                               "peer http_response_status_code", NULL, 0);
        u->retries = metrics_counter(m, "http_client_retries_total", "Retries, and retries that the budget refused.", "peer outcome");
        u->errors = metrics_counter(m, "http_client_errors_total", "Calls without an answer, by reason.", "peer reason");
        u->wait_seconds = metrics_at(metrics_histogram(m, "http_client_connection_wait_seconds", "Time a call waited for a connection.",
                                                       "peer", NULL, 0), peer);
        u->idle = metrics_at(open, peer, "idle");
        u->used = metrics_at(open, peer, "used");
        u->max = metrics_at(metrics_gauge(m, "http_client_connection_max", "Size of the connection pool.", "peer"), peer);
        u->waiting = metrics_at(metrics_gauge(m, "http_client_connection_waiting", "Calls that wait for a connection.", "peer"), peer);
        u->breaker_state = metrics_at(metrics_gauge(m, "http_client_breaker_state", "0 closed, 1 open, 2 half open.", "peer"), peer);
        u->breaker_opened = metrics_at(metrics_counter(m, "http_client_breaker_opened_total", "Times the breaker opened.", "peer"), peer);
}

enum err kit_upstream_new(struct kit *k, const char *peer, const struct kit_upstream_limits *limits, struct kit_upstream **ret)
{
        AUTO(kit_upstream_free) struct kit_upstream *u = mem_zalloc(1, sizeof *u);
        struct kit_pool_ops ops = { .open = client_open, .close = client_close };
        const char *address = kit_upstream_address(k, peer);
        enum err e;

        CHECK(address);
        if (!u) return ERR_NOMEM;
        pthread_mutex_init(&u->lock, NULL);
        str_cut(u->peer, sizeof u->peer, peer);
        str_cut(u->address, sizeof u->address, address);
        u->limits = *limits;
        kit_breaker_init(&u->breaker);
        kit_retry_budget_init(&u->budget);
        e = kit_pool_new(&ops, limits->pool_size, UPSTREAM_QUEUE_MAX, &u->pool);
        if (e) return e;
        upstream_metrics(u, kit_metrics(k));
        *ret = take(&u);
        return ERR_OK;
}

void kit_upstream_free(struct kit_upstream *u)
{
        if (!u) return;
        kit_pool_free(u->pool);
        pthread_mutex_destroy(&u->lock);
        mem_free(u);
}

void kit_upstream_set(struct kit_upstream *u, const struct kit_upstream_limits *limits)
{
        pthread_mutex_lock(&u->lock);
        u->limits = *limits;
        pthread_mutex_unlock(&u->lock);
        kit_pool_resize(u->pool, limits->pool_size);
}

bool kit_upstream_refuses(struct kit_upstream *u)
{
        bool refuses;

        pthread_mutex_lock(&u->lock);
        refuses = kit_breaker_refuses(&u->breaker, &u->limits.breaker, clock_mono_ms());
        pthread_mutex_unlock(&u->lock);
        return refuses;
}

void kit_upstream_breaker(struct kit_upstream *u, struct breaker_view *ret)
{
        pthread_mutex_lock(&u->lock);
        *ret = (struct breaker_view){ u->breaker.state, u->breaker.opened_count };
        pthread_mutex_unlock(&u->lock);
}

void kit_upstream_collect(struct kit_upstream *u)
{
        struct kit_pool_stat stat;
        struct breaker_view view;

        kit_pool_stat(u->pool, &stat);
        kit_upstream_breaker(u, &view);
        metrics_set(u->idle, stat.idle);
        metrics_set(u->used, stat.used);
        metrics_set(u->max, stat.size);
        metrics_set(u->waiting, stat.waiting);
        metrics_set(u->breaker_state, (double)view.state);
        metrics_set(u->breaker_opened, (double)view.opened_count);
}

/* One attempt's request, built on the stack of the caller. */
struct attempt {
        struct http_request request;
        char url[2300], traceparent[96], timeout[48], content_type[96];
};

static enum err attempt_build(struct attempt *a, struct kit_upstream *u, const struct kit_upstream_call *call,
                              const struct kit_span *span, int64_t timeout_ms, int64_t connect_ms, struct err_note *reterr)
{
        char header[TRACE_HEADER_BYTES];
        int count = 0;

        if (snprintf(a->url, sizeof a->url, "http://%s%s", u->address, call->path) >= (int)sizeof a->url)
                return err_note(reterr, ERR_INVAL, "the path is too long");
        a->request = (struct http_request){ .method = call->method, .url = a->url, .body = call->body, .body_bytes = call->body_bytes,
                                            .connect_timeout_ms = MIN(connect_ms, timeout_ms), .timeout_ms = timeout_ms };
        trace_header(&span->trace, header);
        snprintf(a->traceparent, sizeof a->traceparent, "traceparent: %s", header);
        snprintf(a->timeout, sizeof a->timeout, "X-Request-Timeout-Ms: %lld", (long long)timeout_ms);
        a->request.headers[count++] = a->traceparent;
        a->request.headers[count++] = a->timeout;
        if (call->content_type) {
                snprintf(a->content_type, sizeof a->content_type, "Content-Type: %s", call->content_type);
                a->request.headers[count++] = a->content_type;
        }
        for (const char *const *h = call->headers; h && *h && count < HTTP_HEADERS_MAX - 1; h++) a->request.headers[count++] = *h;
        return ERR_OK;
}

static void attempt_told(struct kit_upstream *u, enum err e, const struct http_response *r, int64_t took_us, const char *trace_id)
{
        char status[8] = "0";

        if (!e) snprintf(status, sizeof status, "%d", r->status);
        metrics_observe_trace(metrics_at(u->request_seconds, u->peer, status), (double)took_us / 1e6, trace_id);
        if (e) metrics_add(metrics_at(u->errors, u->peer, e == ERR_TIMEOUT ? "timeout" : "unavailable"), 1);
}

/* send: this call goes out if it is allowed (and is then reported). Otherwise only a look, so that nobody queues for a
 * connection behind an open breaker. */
static enum err breaker_ask(struct kit_upstream *u, const struct kit_upstream_limits *limits, bool send, struct err_note *reterr)
{
        int64_t now_ms = clock_mono_ms();
        bool allowed;

        pthread_mutex_lock(&u->lock);
        allowed = send ? kit_breaker_allow(&u->breaker, &limits->breaker, now_ms)
                       : !kit_breaker_refuses(&u->breaker, &limits->breaker, now_ms);
        pthread_mutex_unlock(&u->lock);
        if (allowed) return ERR_OK;
        metrics_add(metrics_at(u->errors, u->peer, "breaker_open"), 1);
        return err_note(reterr, ERR_UNAVAILABLE, "%s: the circuit breaker is open after too many failures", u->peer);
}

static enum err attempt_send(struct kit_upstream *u, const struct kit_upstream_call *call, const struct kit_upstream_limits *limits,
                             const struct kit_span *span, int64_t left_ms, bool *ret_sent, struct http_response *r,
                             struct err_note *reterr)
{
        int64_t waited_us, start_us, timeout_ms;
        struct attempt attempt;
        void *client;
        enum err e;

        e = breaker_ask(u, limits, false, reterr);
        if (e) return e;
        e = kit_pool_take(u->pool, MIN(limits->pool_wait_ms, left_ms), &client, &waited_us, reterr);
        metrics_observe_trace(u->wait_seconds, (double)waited_us / 1e6, span->trace.trace_id);
        if (e) {
                err_note_prefix(reterr, "%s", u->peer);
                metrics_add(metrics_at(u->errors, u->peer, "pool"), 1);
                return e == ERR_TIMEOUT ? ERR_LIMIT : e; /* nothing was sent: "too busy", not "no answer" */
        }
        e = breaker_ask(u, limits, true, reterr);
        if (e) {
                kit_pool_give(u->pool, client, false);
                return e;
        }
        *ret_sent = true;
        timeout_ms = MAX(1, MIN(limits->timeout_ms, left_ms - waited_us / 1000));
        e = attempt_build(&attempt, u, call, span, timeout_ms, limits->connect_ms, reterr);
        start_us = clock_mono_us();
        if (!e) e = http_do(client, &attempt.request, r, reterr);
        attempt_told(u, e, r, clock_mono_us() - start_us, span->trace.trace_id);
        kit_pool_give(u->pool, client, e != ERR_OK);
        return e;
}

/* Counts one attempt at breaker and budget; true if it may be tried again. */
static bool attempt_judge(struct kit_upstream *u, const struct kit_upstream_call *call, const struct kit_upstream_limits *limits,
                          int attempt, bool sent, bool failed)
{
        bool again = sent && failed && call->idempotent && attempt < limits->retries;

        pthread_mutex_lock(&u->lock);
        if (sent) kit_breaker_report(&u->breaker, &limits->breaker, !failed, clock_mono_ms());
        if (again && !kit_retry_budget_spend(&u->budget, limits->retry_budget_percent)) {
                again = false;
                metrics_add(metrics_at(u->retries, u->peer, "over_budget"), 1);
        }
        pthread_mutex_unlock(&u->lock);
        if (again) metrics_add(metrics_at(u->retries, u->peer, "sent"), 1);
        return again;
}

static enum err send_attempts(struct kit_upstream *u, const struct kit_upstream_call *call, const struct kit_upstream_limits *limits,
                              const struct kit_span *span, struct http_response *r, struct err_note *reterr)
{
        int64_t end_ms = call->left_ms ? clock_mono_ms() + call->left_ms : INT64_MAX;

        for (int attempt = 0;; attempt++) {
                int64_t left_ms = end_ms == INT64_MAX ? limits->pool_wait_ms + limits->timeout_ms : end_ms - clock_mono_ms(), pause_ms;
                bool failed, sent = false;
                enum err e;

                if (left_ms <= 0) return err_note(reterr, ERR_TIMEOUT, "%s: the caller's deadline has passed", u->peer);
                e = attempt_send(u, call, limits, span, left_ms, &sent, r, reterr);
                failed = e || r->status >= 500;
                if (!attempt_judge(u, call, limits, attempt, sent, failed)) return e;
                pause_ms = kit_retry_backoff_ms(attempt, limits->backoff_ms, limits->backoff_max_ms, (uint32_t)(kit_random() >> 32));
                if (clock_mono_ms() + pause_ms >= end_ms) return e;
                clock_sleep_until_ns(clock_mono_ns() + pause_ms * 1000000);
        }
}

enum err kit_upstream_send(struct kit_upstream *u, const struct kit_upstream_call *call, struct http_response *r, struct err_note *reterr)
{
        struct kit_upstream_limits limits;
        struct kit_span span;
        struct trace root;
        enum err e;

        if (!call->trace) trace_root(&root);
        kit_span_begin(&span, call->trace ? call->trace : &root, SPAN_CLIENT, u->peer);
        snprintf(span.name, sizeof span.name, "%s %s", call->method, u->peer);
        kit_span_attr(&span, "server.address", u->peer);
        kit_span_attr(&span, "url.path", call->path);
        pthread_mutex_lock(&u->lock);
        limits = u->limits;
        kit_retry_budget_earn(&u->budget, limits.retry_budget_percent);
        pthread_mutex_unlock(&u->lock);
        e = send_attempts(u, call, &limits, &span, r, reterr);
        if (!e) kit_span_attr_int(&span, "http.response.status_code", r->status);
        if (e) kit_span_attr(&span, "error.type", err_name(e));
        kit_span_end(&span, e || r->status >= 500);
        return e;
}
