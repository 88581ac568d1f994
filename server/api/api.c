#include "server/api/api.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/text/diag.h"
#include "common/text/yaml.h"
#include "server/api/api_call.h"

enum { API_OPENAPI_BYTES_MAX = 1 << 20 };

static const char openapi_yaml[] =
#include "server/api/openapi.inc"
        ;

/* ON_LOOP: the handler runs on the loop thread. ON_WORKER: on the worker, and must touch nothing of the loop's. */
enum route_where { ON_LOOP, ON_WORKER };
enum route_body { NO_BODY, JSON_BODY, YAML_BODY, FORM_BODY };

#define PREFIX "/api/v1"
static const struct route {
        const char *method, *pattern;
        enum route_where where;
        enum route_body body;
        api_fn *fn;
} routes[] = {
        {"GET", "/health", ON_LOOP, NO_BODY, handle_health},
        {"GET", "/version", ON_LOOP, NO_BODY, handle_version},
        {"GET", "/openapi.json", ON_WORKER, NO_BODY, handle_openapi},
        {"GET", "/scenarios", ON_LOOP, NO_BODY, handle_scenarios},
        {"POST", "/scenarios/lint", ON_LOOP, YAML_BODY, handle_lint},
        {"POST", "/scenarios/rehearse", ON_WORKER, YAML_BODY, handle_rehearse},
        {"GET", "/authoring", ON_WORKER, NO_BODY, handle_authoring},
        {"GET", "/verify", ON_LOOP, NO_BODY, handle_verify},
        {"POST", "/verify", ON_LOOP, JSON_BODY, handle_verify_start},
        {"POST", "/verify/stop", ON_LOOP, NO_BODY, handle_verify_stop},
        {"GET", "/learn/models", ON_WORKER, NO_BODY, handle_learn_models},
        {"GET", "/learn/report", ON_WORKER, NO_BODY, handle_learn_report},
        {"GET", "/scenarios/{scenario}", ON_LOOP, NO_BODY, handle_scenario},
        {"GET", "/scenarios/{scenario}/source", ON_LOOP, NO_BODY, handle_source},
        {"PUT", "/scenarios/{scenario}/source", ON_LOOP, YAML_BODY, handle_source_put},
        {"GET", "/scenarios/{pack}/{scenario}", ON_LOOP, NO_BODY, handle_scenario},
        {"GET", "/scenarios/{pack}/{scenario}/source", ON_LOOP, NO_BODY, handle_source},
        {"PUT", "/scenarios/{pack}/{scenario}/source", ON_LOOP, YAML_BODY, handle_source_put},
        {"GET", "/packs", ON_LOOP, NO_BODY, handle_packs},
        {"POST", "/packs", ON_LOOP, JSON_BODY, handle_pack_new},
        {"GET", "/runs", ON_LOOP, NO_BODY, handle_runs},
        {"POST", "/runs", ON_LOOP, JSON_BODY, handle_run_new},
        {"GET", "/runs/{run}", ON_LOOP, NO_BODY, handle_run},
        {"POST", "/runs/{run}/end", ON_LOOP, JSON_BODY, handle_run_end},
        {"GET", "/runs/{run}/events", ON_LOOP, NO_BODY, handle_run_events},
        {"GET", "/runs/{run}/debrief", ON_LOOP, NO_BODY, handle_run_debrief},
        {"GET", "/runs/{run}/actions", ON_LOOP, NO_BODY, handle_run_actions},
        {"POST", "/runs/{run}/actions", ON_WORKER, JSON_BODY, handle_action},
        {"POST", "/runs/{run}/hints/{hint}", ON_LOOP, NO_BODY, handle_run_hint},
        {"POST", "/runs/{run}/diagnosis", ON_LOOP, JSON_BODY, handle_run_diagnosis},
        {"POST", "/runs/{run}/evidence", ON_LOOP, JSON_BODY, handle_run_evidence},
        {"POST", "/runs/{run}/note", ON_LOOP, JSON_BODY, handle_run_note},
        {"POST", "/runs/{run}/advice", ON_LOOP, JSON_BODY, handle_run_advice},
        {"POST", "/runs/{run}/autopilot", ON_LOOP, JSON_BODY, handle_run_autopilot},
        {"GET", "/runs/{run}/comparison", ON_LOOP, NO_BODY, handle_run_comparison},
        {"GET", "/agent/room", ON_LOOP, NO_BODY, handle_agent_room},
        {"GET", "/agent/recordings", ON_LOOP, NO_BODY, handle_agent_recordings},
        {"GET", "/episodes", ON_LOOP, NO_BODY, handle_episodes},
        {"GET", "/episodes/{run}", ON_LOOP, NO_BODY, handle_episode},
        {"GET", "/stack", ON_LOOP, NO_BODY, handle_stack},
        {"GET", "/stack/config/{service}", ON_WORKER, NO_BODY, handle_config},
        {"GET", "/stack/config/{service}/history", ON_WORKER, NO_BODY, handle_history},
        {"GET", "/metrics/query", ON_WORKER, NO_BODY, handle_metrics},
        {"POST", "/metrics/query", ON_WORKER, FORM_BODY, handle_metrics},
        {"GET", "/metrics/query_range", ON_WORKER, NO_BODY, handle_metrics},
        {"POST", "/metrics/query_range", ON_WORKER, FORM_BODY, handle_metrics},
        {"GET", "/metrics/labels", ON_WORKER, NO_BODY, handle_metrics},
        {"GET", "/metrics/label/{label}/values", ON_WORKER, NO_BODY, handle_metrics},
        {"GET", "/metrics/series", ON_WORKER, NO_BODY, handle_metrics},
        {"GET", "/metrics/metadata", ON_WORKER, NO_BODY, handle_metrics},
        {"GET", "/metrics/query_exemplars", ON_WORKER, NO_BODY, handle_metrics},
        {"GET", "/logs", ON_WORKER, NO_BODY, handle_logs},
        {"GET", "/logs/tail", ON_WORKER, NO_BODY, handle_logs_tail},
        {"GET", "/logs/counts", ON_WORKER, NO_BODY, handle_logs_counts},
        {"GET", "/traces", ON_WORKER, NO_BODY, handle_traces},
        {"GET", "/traces/{trace}", ON_WORKER, NO_BODY, handle_trace},
        {"POST", "/shop", ON_WORKER, JSON_BODY, handle_shop},
};

size_t api_route_count(void)
{
        return ARRAY_COUNT(routes);
}

void api_route_at(size_t index, const char **ret_method, const char **ret_pattern)
{
        *ret_method = routes[index].method;
        *ret_pattern = routes[index].pattern;
}

/* The contract is written as YAML and served as JSON. */
static enum err api_openapi_make(struct api *api, struct err_note *reterr)
{
        AUTO(yaml_free) struct yaml *yaml = NULL;
        AUTO(json_free) struct json *json = NULL;
        struct diag_list diags;
        enum err e;

        buf_init(&api->openapi, API_OPENAPI_BYTES_MAX);
        diag_list_init(&diags, "docs/openapi.yaml");
        e = yaml_parse(openapi_yaml, sizeof(openapi_yaml) - 1, &diags, &yaml);
        if (e)
                (void)err_note(reterr, e, "docs/openapi.yaml line %zu: %s", diags.count ? diags.items[0].line : 0,
                               diags.count ? diags.items[0].message : err_text(e));
        diag_list_done(&diags);
        if (e) return e;
        json = yaml_to_json(yaml);
        e = json_print(json, &api->openapi);
        return e ? err_note(reterr, e, "docs/openapi.yaml is too large") : ERR_OK;
}

enum err api_new(const struct api_options *options, struct api **ret, struct err_note *reterr)
{
        AUTO(api_free) struct api *api = mem_zalloc(1, sizeof(*api));
        enum err e;

        if (!api) return err_note(reterr, ERR_NOMEM, "out of memory");
        api->o = *options;
        e = api_openapi_make(api, reterr);
        if (!e && library_new(options, &api->library)) e = ERR_NOMEM;
        if (!e && view_new(options->control, options->spec, options->stack, &api->view)) e = ERR_NOMEM;
        if (e) return e == ERR_NOMEM ? err_note(reterr, e, "out of memory") : e;
        *ret = take(&api);
        return ERR_OK;
}

void api_free(struct api *api)
{
        if (!api) return;
        view_free(api->view);
        library_free(api->library);
        buf_done(&api->openapi);
        mem_free(api);
}

/* Replies */

void call_json(struct api_call *call, int status, struct json *json)
{
        json_free(call->json);
        call->json = json;
        call->status = status;
}

void call_text(struct api_call *call, int status, const char *content_type, const char *text, size_t size_bytes)
{
        buf_clear(&call->text);
        buf_append(&call->text, text, size_bytes);
        call->content_type = content_type;
        call->status = status;
}

void call_problem(struct api_call *call, int status, const char *code, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        (void)vsnprintf(call->note.text, sizeof(call->note.text), format, args);
        va_end(args);
        call->code = code;
        call->status = status;
}

void call_error(struct api_call *call, enum err e, const struct err_note *note)
{
        call->code = NULL;
        call->note = *note;
        call->note.code = e;
        call->status = -1;
}

const char *call_param(struct api_call *call, const char *name)
{
        return http_param(call->x, name);
}

bool call_param_int(struct api_call *call, const char *name, int64_t min, int64_t max, int64_t otherwise, int64_t *ret)
{
        const char *text = call_param(call, name);

        *ret = otherwise;
        if (!text || !str_parse_i64(text, min, max, ret)) return true;
        call_problem(call, 422, "INVAL", "the parameter '%s' is '%.40s', expected a whole number from %lld to %lld",
                     name, text, (long long)min, (long long)max);
        return false;
}

static void call_send(struct api_call *call)
{
        if (call->status == -1) {
                http_problem_err(call->x, call->note.code, &call->note);
        } else if (call->code) {
                if (call->status == 503) http_set_header(call->x, "Retry-After", "1");
                http_problem_json(call->x, call->status, call->code, call->note.text, take(&call->members));
        } else if (call->json) {
                http_reply_json(call->x, call->status, take(&call->json));
        } else if (call->status) {
                if (call->text.status)
                        http_problem(call->x, 500, "LIMIT", "the answer is too large");
                else
                        http_reply(call->x, call->status, call->content_type, call->text.data, call->text.size_bytes);
        } else {
                http_problem(call->x, 500, "IO", "the request had no answer");
        }
}

/* Routing */

/* "/runs/{run}/hints/{hint}" against a path: captures into segments, in order. */
static bool route_match(const char *pattern, const char *path, char segment[API_SEGMENTS_MAX][API_SEGMENT_BYTES])
{
        size_t captured = 0;

        memset(segment, 0, API_SEGMENTS_MAX * sizeof(segment[0]));
        while (*pattern) {
                if (*pattern == '{') {
                        size_t size = strcspn(path, "/");

                        if (size == 0 || size >= API_SEGMENT_BYTES || captured == API_SEGMENTS_MAX) return false;
                        memcpy(segment[captured], path, size);
                        segment[captured++][size] = '\0';
                        path += size;
                        pattern = strchr(pattern, '}') + 1;
                } else if (*pattern++ != *path++) {
                        return false;
                }
        }
        return *path == '\0';
}

/* "application/json; charset=utf-8" is "application/json". */
static bool media_is(const char *header, const char *type)
{
        size_t size = strlen(type);

        return header && strncasecmp(header, type, size) == 0 &&
               (!header[size] || header[size] == ';' || header[size] == ' ');
}

/* False: a problem was put into the call. A body of another type is refused, so that a foreign page's form cannot
 * change anything. */
static bool route_body_read(const struct route *route, struct api_call *call)
{
        static const char *const types[] = {[JSON_BODY] = "application/json",
                                            [YAML_BODY] = "text/yaml",
                                            [FORM_BODY] = "application/x-www-form-urlencoded"};
        const char *header = http_header(call->x, "Content-Type");
        size_t size_bytes = 0;
        const char *bytes = http_body(call->x, &size_bytes);
        struct err_note note;

        if (route->body == NO_BODY &&
            (str_eq(route->method, "GET") || size_bytes == 0 || media_is(header, "application/json")))
                return true;
        if (route->body == NO_BODY || !media_is(header, types[route->body])) {
                call_problem(call, 415, "UNSUPPORTED", "the body must be %s, not %.60s",
                             route->body == NO_BODY ? "application/json" : types[route->body],
                             header ? header : "without Content-Type");
                return false;
        }
        if (route->body != JSON_BODY) return true;
        if (json_parse(bytes, size_bytes, &call->body, &note)) {
                call_problem(call, 400, "PARSE", "the body is not JSON: %s", note.text);
                return false;
        }
        if (!json_is(call->body, JSON_OBJECT)) {
                call_problem(call, 422, "INVAL", "the body is not an object");
                return false;
        }
        return true;
}

struct route_run {
        const struct route *route;
        struct api_call *call;
};

static void route_on_loop(void *ctx)
{
        struct route_run *run = ctx;

        run->route->fn(run->call);
}

static void route_run(const struct route *route, struct api_call *call)
{
        struct route_run run = {route, call};
        enum err e;

        if (!route_body_read(route, call)) return;
        if (route->where == ON_WORKER) {
                route->fn(call);
                return;
        }
        e = loop_call(call->api->o.loop, route_on_loop, &run, API_LOOP_MS);
        if (e) call_problem(call, 503, err_name(e), "the server is busy (%s); try again", err_text(e));
}

static void route_find(struct api_call *call)
{
        const char *path = http_path(call->x);
        const char *method = http_method(call->x);
        bool is_head = str_eq(method, "HEAD");
        char allow[64] = "";

        if (!str_starts(path, PREFIX "/")) {
                call_problem(call, 404, "NOT_FOUND", "there is nothing at '%.200s'", path);
                return;
        }
        path += strlen(PREFIX);
        for (size_t i = 0; i < ARRAY_COUNT(routes); i++) {
                size_t used = strlen(allow);

                if (!route_match(routes[i].pattern, path, call->segment)) continue;
                if (str_eq(routes[i].method, is_head ? "GET" : method)) {
                        route_run(&routes[i], call);
                        return;
                }
                (void)snprintf(allow + used, sizeof(allow) - used, "%s%s", used ? ", " : "", routes[i].method);
        }
        if (!allow[0]) {
                call_problem(call, 404, "NOT_FOUND",
                             "there is nothing at '%.200s'; the list is at " PREFIX "/openapi.json", path);
                return;
        }
        http_set_header(call->x, "Allow", allow);
        call_problem(call, 405, "UNSUPPORTED", "%.16s is not possible here, only %s", method, allow);
}

void api_handle(struct api *api, struct http_exchange *x)
{
        struct api_call call = {.api = api, .x = x};

        buf_init(&call.text, API_TEXT_BYTES_MAX);
        http_set_header(x, "Cache-Control", "no-store");
        route_find(&call);
        call_send(&call);
        json_free(call.body);
        json_free(call.json);
        json_free(call.members);
        buf_done(&call.text);
}

void api_process_seen(struct api *api, const struct json *service)
{
        view_process_seen(api->view, service);
}

void api_control_seen(struct api *api, bool up)
{
        view_control_seen(api->view, up);
}

void api_snapshot(struct api *api, struct buf *out)
{
        buf_char(out, '{');
        conductor_snapshot(api->o.conductor, out);
        buf_str(out, ",\"processes\":");
        view_services_write(api->view, out);
        buf_str(out, ",\"comparison\":");
        api_comparison_write(api, out);
        buf_printf(out, ",\"server\":{\"version\":\"" FD_VERSION "\",\"terminal\":%s,\"grafana\":", api->o.terminal ? "true" : "false");
        if (api->o.grafana)
                json_quote(out, api->o.grafana);
        else
                buf_str(out, "null");
        buf_str(out, "}}");
}

void handle_openapi(struct api_call *call)
{
        call_text(call, 200, "application/json", call->api->openapi.data, call->api->openapi.size_bytes);
}

void handle_version(struct api_call *call)
{
        struct json *j = json_object();

        json_set_str(j, "version", FD_VERSION);
        call_json(call, 200, j);
}
