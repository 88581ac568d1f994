/* Logs and traces: asked of logproc, from the worker. While it does not answer, log lines come from the stack's files, and the answer
 * says so; counts, the live tail and traces have no other source and say what to do. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/http/client.h"
#include "common/sys/clock.h"
#include "common/sys/file.h"
#include "server/api/api_call.h"
#include "server/telemetry/logs.h"

enum {
        LOGS_CONNECT_MS = 1000,
        LOGS_ASK_MS = 4000, /* logproc gives a query 2 s */
        LOGS_WAIT_MS_MAX = 5000,
        LOGS_WAITERS_MAX = 6, /* followers that may wait at once, of the server's workers and of logproc's */
        LOGS_LIMIT = 200,
        LOGS_URL_BYTES = 8192,
        LOGS_FIELD_BYTES = 128,
        TRACE_ID_BYTES = 32
};

static const char restart_it[] = "start or restart it in the Test tab (process logproc)";

/* What was asked of logproc: an answer of any status below 500, or why there is none. */
struct ask {
        struct http_response r;
        struct err_note why;
        bool is_answered;
};

static void ask_done(struct ask *ask)
{
        http_response_done(&ask->r);
}

/* path: "/logs"; the parameters of the call go along as they came, `more` behind them. */
static void ask_logproc(struct api_call *call, struct ask *ask, const char *path, const char *more, int64_t timeout_ms)
{
        AUTO(http_client_free) struct http_client *client = NULL;
        AUTO_BUF url;
        struct http_request request = {
                .connect_timeout_ms = LOGS_CONNECT_MS, .timeout_ms = timeout_ms, .body_bytes_max = API_TEXT_BYTES_MAX};
        const char *query = http_query(call->x);
        int at = stack_service_find(call->api->o.spec, "logproc");
        char address[64];
        enum err e;

        *ask = (struct ask){.is_answered = false};
        http_response_init(&ask->r);
        buf_init(&url, LOGS_URL_BYTES);
        if (at < 0) {
                (void)err_note(&ask->why, ERR_NOT_FOUND, "this stack has no logproc");
                return;
        }
        proxy_address(call, at, address, sizeof(address));
        buf_printf(&url, "http://%s%s?%s%s%s", address, path, query, *query && *more ? "&" : "", more);
        e = buf_status(&url) ? err_note(&ask->why, ERR_LIMIT, "the question is too long") : http_client_new(&client);
        request.url = url.data;
        if (!e) e = http_do(client, &request, &ask->r, &ask->why);
        if (e && !ask->why.text[0]) (void)err_note(&ask->why, e, "%s", err_text(e));
        if (!e && ask->r.status >= 500) e = err_note(&ask->why, ERR_UNAVAILABLE, "it answered %d", ask->r.status);
        ask->is_answered = !e;
}

/* The words of a refusal are logproc's own. */
static void ask_refused(struct api_call *call, const struct ask *ask)
{
        AUTO(json_free) struct json *j = NULL;
        const char *detail = json_parse(ask->r.body.data, ask->r.body.size_bytes, &j, NULL) ? NULL : json_get_str(j, "detail", NULL);
        bool is_absent = ask->r.status == 404;

        call_problem(call, is_absent ? 404 : 422, is_absent ? "NOT_FOUND" : "INVAL", "%s", detail ? detail : "logproc refused the question");
}

static void ask_unavailable(struct api_call *call, const struct ask *ask, const char *what)
{
        call_problem(call, 503, "UNAVAILABLE", "%s cannot be read: logproc does not answer (%s); %s", what, ask->why.text, restart_it);
}

static void ask_pass(struct api_call *call, const char *path, const char *more, int64_t timeout_ms, const char *what)
{
        struct ask ask;

        ask_logproc(call, &ask, path, more, timeout_ms);
        if (!ask.is_answered)
                ask_unavailable(call, &ask, what);
        else if (ask.r.status != 200)
                ask_refused(call, &ask);
        else
                call_text(call, 200, "application/json", ask.r.body.data, ask.r.body.size_bytes);
        ask_done(&ask);
}

/* NULL instead of an empty parameter. */
static const char *param(struct api_call *call, const char *name)
{
        const char *text = call_param(call, name);

        return text && *text ? text : NULL;
}

/* A service that does not exist would only give no lines: a typing error is worth a word. False: a 404 was given. */
static bool services_exist(struct api_call *call)
{
        const char *list = param(call, "service");
        char name[64];

        while (list && *list) {
                size_t size = strcspn(list, ",");

                (void)snprintf(name, sizeof(name), "%.*s", (int)MIN(size, sizeof(name) - 1), list);
                if (proxy_service(call, name) < 0) return false;
                list += size;
                if (*list == ',') list++;
        }
        return true;
}

/* Log lines */

/* logproc gives the newest first; everybody who reads logs wants them last. */
static void lines_from_logproc(struct api_call *call, const struct ask *ask)
{
        AUTO(json_free) struct json *j = NULL;
        const struct json *lines;
        struct json *answer = json_object(), *turned = json_array();
        const struct json **at;
        size_t count, n = 0;

        if (json_parse(ask->r.body.data, ask->r.body.size_bytes, &j, NULL)) j = json_object();
        lines = json_get(j, "lines");
        count = json_count(lines);
        at = mem_zalloc(count + 1, sizeof(*at));
        JSON_EACH(line, lines)
                if (at) at[n++] = line;
        while (n > 0) json_push(turned, json_clone(at[--n]));
        mem_free(at);
        json_set(answer, "lines", turned);
        json_set_str(answer, "source", "logproc");
        json_set_bool(answer, "more", json_get_bool(j, "more", false));
        call_json(call, 200, answer);
}

/* What the files can answer; false: a 422 was given. */
static bool files_filter(struct api_call *call, struct logs_filter *f, char field[LOGS_FIELD_BYTES], struct pairs *not)
{
        struct err_note note;
        const char *pair = param(call, "field");
        char *colon = NULL;
        int64_t limit = 0;

        *f = (struct logs_filter){.service = param(call, "service"),
                                  .text = param(call, "q"),
                                  .level = param(call, "level"),
                                  .event = param(call, "event"),
                                  .trace_id = param(call, "trace_id")};
        if (!call_param_int(call, "limit", 1, LOGS_LINES_MAX, LOGS_LIMIT, &limit) ||
            !call_param_int(call, "from", 0, INT64_MAX, 0, &f->from_ms) || !call_param_int(call, "to", 0, INT64_MAX, 0, &f->to_ms))
                return false;
        f->limit = (size_t)limit;
        if (pairs_parse(param(call, "not"), not, &note)) {
                call_problem(call, 422, "INVAL", "not: %s", note.text);
                return false;
        }
        f->not = not;
        if (!pair) return true;
        if (str_copy(field, LOGS_FIELD_BYTES, pair) || !(colon = strchr(field, ':')) || colon == field) {
                call_problem(call, 422, "INVAL", "field is '%.60s', expected KEY:VALUE", pair);
                return false;
        }
        *colon = '\0';
        f->field_key = field;
        f->field_value = colon + 1;
        return true;
}

static void lines_from_files(struct api_call *call, const struct ask *ask)
{
        struct logs_filter filter;
        struct pairs not;
        char dir[FILE_PATH_BYTES], field[LOGS_FIELD_BYTES], why[ERR_NOTE_BYTES];
        struct json *answer = NULL;
        struct err_note note;
        enum err e;

        if (!files_filter(call, &filter, field, &not)) return;
        e = path_format(dir, "%s/stacks/%d/logs", call->api->o.home, call->api->o.stack);
        if (!e) e = logs_search(dir, &filter, &answer, &note);
        if (e) {
                call_error(call, e, &note);
                return;
        }
        (void)snprintf(why, sizeof(why), "logproc does not answer (%.120s), so these lines come from the log files: at most the last 2 MB of each, "
                       "and the text must occur as it is written; %s", ask->why.text, restart_it);
        json_set_str(answer, "source", "files");
        json_set_bool(answer, "more", false);
        json_set_str(answer, "notice", why);
        call_json(call, 200, answer);
}

void handle_logs(struct api_call *call)
{
        struct ask ask;
        int64_t limit;
        char more[32] = "";

        if (!services_exist(call) || !call_param_int(call, "limit", 1, LOGS_LINES_MAX, LOGS_LIMIT, &limit)) return;
        if (!param(call, "limit")) (void)snprintf(more, sizeof(more), "limit=%lld", (long long)limit);
        ask_logproc(call, &ask, "/logs", more, LOGS_ASK_MS);
        if (!ask.is_answered)
                lines_from_files(call, &ask);
        else if (ask.r.status != 200)
                ask_refused(call, &ask);
        else
                lines_from_logproc(call, &ask);
        ask_done(&ask);
}

/* A follower holds a worker while it waits, so only few may. */
void handle_logs_tail(struct api_call *call)
{
        static atomic_int waiters;
        int64_t wait_ms;

        if (!services_exist(call) || !call_param_int(call, "wait_ms", 0, LOGS_WAIT_MS_MAX, 0, &wait_ms)) return;
        if (atomic_fetch_add(&waiters, 1) >= LOGS_WAITERS_MAX && wait_ms > 0)
                call_problem(call, 429, "LIMIT", "%d pages follow the logs already; ask without wait_ms", LOGS_WAITERS_MAX);
        else
                ask_pass(call, "/logs/tail", "", LOGS_ASK_MS + wait_ms, "the live tail");
        atomic_fetch_sub(&waiters, 1);
}

void handle_logs_counts(struct api_call *call)
{
        if (services_exist(call)) ask_pass(call, "/logs/counts", "", LOGS_ASK_MS, "the number of log lines");
}

/* Traces */

void handle_traces(struct api_call *call)
{
        if (services_exist(call)) ask_pass(call, "/traces", "", LOGS_ASK_MS, "traces");
}

void handle_trace(struct api_call *call)
{
        const char *id = call->segment[0];
        char path[64];

        if (strlen(id) != TRACE_ID_BYTES || strspn(id, "0123456789abcdef") != TRACE_ID_BYTES) {
                call_problem(call, 422, "INVAL", "'%.40s' is not the number of a trace, expected 32 digits of 0-9 and a-f", id);
                return;
        }
        (void)snprintf(path, sizeof(path), "/traces/%.*s", TRACE_ID_BYTES, id);
        ask_pass(call, path, "", LOGS_ASK_MS, "the trace");
}
