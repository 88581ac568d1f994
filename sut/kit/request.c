#include "sut/kit/request.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/str.h"
#include "common/sys/clock.h"
#include "common/sys/log.h"
#include "sut/kit/inside.h"

enum { REQUEST_SLOW_MS = 500 }; /* from here on an answer is told in the log */

void kit_route(struct kit *k, enum kit_route_kind kind, const char *method, const char *pattern, kit_handler *handler)
{
        CHECK(k->route_count < KIT_ROUTES_MAX);
        CHECK(kind == KIT_DIRECT || k->slots);
        k->routes[k->route_count++] = (struct kit_route){ .kind = kind, .method = method, .pattern = pattern,
                                                          .handler = handler, .prefix = str_ends(pattern, "/{rest...}") };
}

static bool path_fits(struct kit_request *r, const struct kit_route *route, const char *path)
{
        size_t before = strlen(route->pattern) - strlen("{rest...}");

        if (!route->prefix) return http_path_match(route->pattern, path, r->param, sizeof r->param);
        return strncmp(path, route->pattern, before) == 0 && str_copy(r->param, sizeof r->param, path + before) == ERR_OK;
}

/* NULL: already answered. */
static const struct kit_route *route_find(struct kit_request *r)
{
        const char *method = http_method(r->x), *path = http_path(r->x);
        bool path_known = false;

        for (int i = 0; i < r->kit->route_count; i++) {
                const struct kit_route *route = &r->kit->routes[i];

                if (!path_fits(r, route, path)) continue;
                path_known = true;
                if (str_eq(route->method, method) || str_eq(route->method, "*")) return route;
        }
        if (path_known)
                http_problem(r->x, 405, "METHOD", "%s is not possible on %s", method, path);
        else
                http_problem(r->x, 404, "NOT_FOUND", "%s has no %s", r->kit->spec->name, path);
        return NULL;
}

static void rejected(struct kit_request *r, enum err e)
{
        struct kit_slots_stat stat;

        kit_slots_stat(r->kit->slots, &stat);
        metrics_add(r->kit->series.rejected, 1);
        if (e == ERR_LIMIT)
                kit_reply_problem(r, 503, "QUEUE_FULL", "all %d workers are busy and %d requests wait already; try again", stat.slots_max,
                                  stat.queue_max);
        else
                kit_reply_problem(r, 503, "QUEUE_TIMEOUT", "no worker became free in time (%d workers)", stat.slots_max);
}

static void run_on_worker(struct kit_request *r)
{
        struct kit *k = r->kit;
        int64_t wait_ms = kit_config_int(k->config, k->spec->workers->queue_wait_ms), waited_us;
        enum err e = kit_slots_enter(k->slots, kit_request_left_ms(r, wait_ms), &waited_us);

        metrics_observe(k->series.queue_wait, (double)waited_us / 1e6);
        if (e) {
                rejected(r, e);
                return;
        }
        r->route->handler(r, k->ctx);
        kit_slots_leave(k->slots);
}

static void told(struct kit_request *r, int status, int64_t took_us)
{
        const char *route = r->route ? r->route->pattern : "unknown";
        bool is_slow = took_us >= (int64_t)REQUEST_SLOW_MS * 1000 && (!r->route || !r->route->builtin);
        enum log_level level = status >= 500 || is_slow ? LOG_WARN : LOG_DEBUG;
        char text[8];

        snprintf(text, sizeof text, "%d", status);
        /* Scrapes, probes and configuration are not the service's work: they would hide an idle service and flatter a slow one. */
        if (!r->route || !r->route->builtin)
                metrics_observe_trace(metrics_at(r->kit->series.request_seconds, http_method(r->x), route, text), (double)took_us / 1e6,
                                      r->trace.trace_id);
        if (level < log_level_get()) return;
        log_event(level, status >= 500 ? "request.failed" : is_slow ? "request.slow" : "request.served", http_path(r->x), KIT_TRACE_FIELDS(&r->trace),
                  LOG_S("method", http_method(r->x)), LOG_S("route", route), LOG_N("status", status),
                  LOG_N("duration_ms", (double)took_us / 1000));
}

static void trace_in(struct kit_request *r, struct kit_span *span)
{
        const char *parent = http_header(r->x, "traceparent"), *id = http_header(r->x, "X-Request-Id");

        kit_span_begin(span, NULL, SPAN_SERVER, r->kit->spec->name);
        if (!parent || trace_parse(parent, &span->trace)) trace_root(&span->trace);
        r->trace = span->trace;
        http_set_header(r->x, "X-Request-Id", id && strlen(id) <= 128 ? id : r->trace.trace_id);
        http_set_header(r->x, "X-Trace-Id", r->trace.trace_id);
}

static void deadline_in(struct kit_request *r)
{
        const char *text = http_header(r->x, "X-Request-Timeout-Ms");
        int64_t left_ms;

        if (text && !str_parse_i64(text, 0, 3600 * 1000, &left_ms)) r->deadline_ms = r->arrived_ms + left_ms;
}

static bool enter(struct kit *k)
{
        bool stopping;

        pthread_mutex_lock(&k->lock);
        stopping = k->stopping;
        if (!stopping) k->active++;
        pthread_mutex_unlock(&k->lock);
        return !stopping;
}

static void leave(struct kit *k)
{
        pthread_mutex_lock(&k->lock);
        if (--k->active == 0) pthread_cond_signal(&k->idle);
        pthread_mutex_unlock(&k->lock);
}

void kit_serve(void *ctx, struct http_exchange *x)
{
        struct kit_request r = { .kit = ctx, .x = x, .arrived_ms = clock_mono_ms() };
        int64_t start_us = clock_mono_us();
        struct kit_span span;
        int status;

        if (!enter(r.kit)) {
                kit_reply_problem(&r, 503, "STOPPING", "%s is stopping; try again", r.kit->spec->name);
                return;
        }
        trace_in(&r, &span);
        deadline_in(&r);
        r.route = route_find(&r);
        if (r.route && !r.route->builtin) metrics_add(r.kit->series.active, 1);
        if (r.route && r.route->builtin)
                r.route->handler(&r, r.kit);
        else if (r.route && r.route->kind == KIT_WORK)
                run_on_worker(&r);
        else if (r.route)
                r.route->handler(&r, r.kit->ctx);
        status = http_status_replied(x);
        if (!status) kit_reply_problem(&r, 500, "STATE", "the request was not answered");
        told(&r, status ? status : 500, clock_mono_us() - start_us);
        if (r.route && !r.route->builtin) {
                snprintf(span.name, sizeof span.name, "%s %s", http_method(x), r.route->pattern);
                kit_span_attr(&span, "http.request.method", http_method(x));
                kit_span_attr(&span, "http.route", r.route->pattern);
                kit_span_attr_int(&span, "http.response.status_code", status);
                kit_span_end(&span, status >= 500);
                metrics_add(r.kit->series.active, -1);
        }
        leave(r.kit);
}

const char *kit_request_method(const struct kit_request *r)
{
        return http_method(r->x);
}

const char *kit_request_path(const struct kit_request *r)
{
        return http_path(r->x);
}

const char *kit_request_param(const struct kit_request *r)
{
        return r->param;
}

const char *kit_request_query(struct kit_request *r, const char *name)
{
        return http_param(r->x, name);
}

const char *kit_request_query_string(const struct kit_request *r)
{
        return http_query(r->x);
}

const char *kit_request_header(const struct kit_request *r, const char *name)
{
        return http_header(r->x, name);
}

const char *kit_request_body(const struct kit_request *r, size_t *ret_bytes)
{
        return http_body(r->x, ret_bytes);
}

bool kit_request_json(struct kit_request *r, struct json **ret)
{
        AUTO(json_free) struct json *body = NULL;
        struct err_note note;
        size_t bytes;
        const char *text = http_body(r->x, &bytes);

        if (json_parse(text, bytes, &body, &note)) {
                kit_reply_problem(r, 400, "PARSE", "the body is not JSON: %s", note.text);
                return false;
        }
        if (!json_is(body, JSON_OBJECT)) {
                kit_reply_problem(r, 400, "PARSE", "the body must be a JSON object");
                return false;
        }
        *ret = take(&body);
        return true;
}

bool kit_request_param_int(struct kit_request *r, int64_t min, int64_t max, int64_t *ret)
{
        if (!str_parse_i64(r->param, min, max, ret)) return true;
        kit_reply_problem(r, 404, "NOT_FOUND", "'%s' is not a number from %lld to %lld", r->param, (long long)min, (long long)max);
        return false;
}

struct kit *kit_request_kit(const struct kit_request *r)
{
        return r->kit;
}

const struct trace *kit_request_trace(const struct kit_request *r)
{
        return &r->trace;
}

int64_t kit_request_left_ms(const struct kit_request *r, int64_t most)
{
        if (!r->deadline_ms) return most;
        return MAX(0, MIN(most, r->deadline_ms - clock_mono_ms()));
}

void kit_reply_header(struct kit_request *r, const char *name, const char *value)
{
        http_set_header(r->x, name, value);
}

void kit_reply_json(struct kit_request *r, int status, struct json *body)
{
        http_reply_json(r->x, status, body);
}

void kit_reply_bytes(struct kit_request *r, int status, const char *content_type, const void *bytes, size_t size_bytes)
{
        http_reply(r->x, status, content_type, bytes, size_bytes);
}

void kit_reply_problem(struct kit_request *r, int status, const char *code, const char *format, ...)
{
        char detail[1024];
        va_list args;

        va_start(args, format);
        vsnprintf(detail, sizeof detail, format, args);
        va_end(args);
        if (status == 503 || status == 429) http_set_header(r->x, "Retry-After", "1");
        http_problem_json(r->x, status, code, detail, NULL);
}

void kit_reply_findings(struct kit_request *r, int status, const char *code, const char *detail, struct json *findings)
{
        struct json *members = json_object();

        json_set(members, "errors", findings);
        http_problem_json(r->x, status, code, detail, members);
}

void kit_reply_err(struct kit_request *r, enum err e, const struct err_note *note)
{
        /* Limits of ours are "too busy" here, not "your body is too large". */
        if (e == ERR_LIMIT)
                kit_reply_problem(r, 503, err_name(e), "%s", note->text);
        else
                http_problem_err(r->x, e, note);
}
