/* What is asked of the stack itself, from the worker: configuration, metrics, the shop. */
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/http/client.h"
#include "server/api/api_call.h"

enum {
        PROXY_MS = 10000,
        PROXY_URL_BYTES = 8192,
        PROXY_BYTES_MAX = API_TEXT_BYTES_MAX,
        SHOP_MS = 30000,
        SHOP_BODY_BYTES = 64 * 1024
};

void proxy_address(const struct api_call *call, int service, char *dst, size_t dst_bytes)
{
        (void)snprintf(dst, dst_bytes, "127.77.%d.1:%u", call->api->o.stack, call->api->o.spec->services[service].port);
}

int proxy_service(struct api_call *call, const char *name)
{
        const struct stack_spec *spec = call->api->o.spec;
        int at = stack_service_find(spec, name);
        const char *near = at < 0 ? stack_service_suggest(spec, name) : NULL;

        if (at < 0)
                call_problem(call, 404, "NOT_FOUND", "there is no service '%.40s'%s%s%s", name,
                             near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
        return at;
}

/* One exchange with the stack; false: a 502 was given. */
static bool proxy_do(struct api_call *call, const struct http_request *request, const char *whom,
                     struct http_response *r)
{
        AUTO(http_client_free) struct http_client *client = NULL;
        struct err_note note = {0};
        enum err e = http_client_new(&client);

        if (!e) e = http_do(client, request, r, &note);
        if (e)
                call_problem(call, 502, err_name(e), "%s does not answer: %s", whom,
                             note.text[0] ? note.text : err_text(e));
        return e == ERR_OK;
}

static void proxy_pass(struct api_call *call, const struct http_request *request, const char *whom)
{
        struct http_response r;

        http_response_init(&r);
        if (proxy_do(call, request, whom, &r))
                call_text(call, r.status, "application/json", r.body.data, r.body.size_bytes);
        http_response_done(&r);
}

static void proxy_config(struct api_call *call, const char *path)
{
        char address[64], url[256];
        struct http_request request = {.url = url, .timeout_ms = PROXY_MS, .body_bytes_max = PROXY_BYTES_MAX};
        int at = proxy_service(call, call->segment[0]);

        if (at < 0) return;
        if (call->api->o.spec->services[at].kind == STACK_COMPONENT) {
                call_problem(call, 404, "NOT_FOUND",
                             "'%s' has no configuration of its own; it is configured through its adapter",
                             call->segment[0]);
                return;
        }
        proxy_address(call, at, address, sizeof(address));
        (void)snprintf(url, sizeof(url), "http://%s%s", address, path);
        proxy_pass(call, &request, call->segment[0]);
}

void handle_config(struct api_call *call)
{
        proxy_config(call, "/config");
}

void handle_history(struct api_call *call)
{
        proxy_config(call, "/config/history");
}

/* Path and query below /metrics go to Prometheus as they came; only reading paths are routed here. */
void handle_metrics(struct api_call *call)
{
        const char *path = strstr(http_path(call->x), "/metrics/") + strlen("/metrics");
        const char *query = http_query(call->x);
        int at = stack_service_find(call->api->o.spec, "prometheus");
        size_t body_bytes = 0;
        const char *body = http_body(call->x, &body_bytes);
        char address[64];
        AUTO_BUF url = {0};
        struct http_request request = {.method = http_method(call->x),
                                       .timeout_ms = PROXY_MS,
                                       .body_bytes_max = PROXY_BYTES_MAX,
                                       .headers = {"Content-Type: application/x-www-form-urlencoded"}};

        if (at < 0) {
                call_problem(call, 404, "NOT_FOUND", "this stack has no prometheus");
                return;
        }
        proxy_address(call, at, address, sizeof(address));
        buf_init(&url, PROXY_URL_BYTES);
        buf_printf(&url, "http://%s/api/v1%s%s%s", address, path, *query ? "?" : "", query);
        if (buf_status(&url)) {
                call_problem(call, 414, "LIMIT", "the query is too long; send it with POST");
                return;
        }
        if (str_eq(request.method, "HEAD")) request.method = "GET";
        request.url = url.data;
        if (str_eq(request.method, "POST")) {
                request.body = body;
                request.body_bytes = body_bytes;
        }
        proxy_pass(call, &request, "Prometheus");
}

static bool shop_read(struct api_call *call, struct http_request *request, struct buf *url, struct buf *body)
{
        static const char *const methods[] = {"GET", "POST", "PUT", "DELETE"};
        const char *path = json_get_str(call->body, "path", "");
        const struct json *content = json_get(call->body, "body");
        int gateway = proxy_service(call, "gateway");
        char address[64];

        if (gateway < 0) return false;
        request->method = NULL;
        for (size_t i = 0; i < ARRAY_COUNT(methods); i++)
                if (str_eq(json_get_str(call->body, "method", "GET"), methods[i])) request->method = methods[i];
        if (!request->method) {
                call_problem(call, 422, "INVAL", "'method' must be GET, POST, PUT or DELETE");
                return false;
        }
        if (path[0] != '/' || strpbrk(path, " \r\n\t")) {
                call_problem(call, 422, "INVAL", "'path' must begin with / and hold no blanks, for example /products");
                return false;
        }
        proxy_address(call, gateway, address, sizeof(address));
        buf_printf(url, "http://%s%s", address, path);
        if (json_text(content))
                buf_str(body, json_text(content));
        else if (content && !json_is(content, JSON_NULL) && json_print(content, body))
                buf_clear(body);
        if (!buf_status(url) && !buf_status(body)) return true;
        call_problem(call, 413, "LIMIT", "path or body is too long");
        return false;
}

void handle_shop(struct api_call *call)
{
        AUTO_BUF url;
        AUTO_BUF body;
        struct http_request request = {.timeout_ms = SHOP_MS,
                                       .body_bytes_max = SHOP_BODY_BYTES,
                                       .headers = {"Content-Type: application/json"}};
        struct http_response r;

        buf_init(&url, PROXY_URL_BYTES);
        buf_init(&body, SHOP_BODY_BYTES);
        if (!shop_read(call, &request, &url, &body)) return;
        request.url = url.data;
        request.body = body.size_bytes ? body.data : NULL;
        request.body_bytes = body.size_bytes;
        http_response_init(&r);
        if (proxy_do(call, &request, "the gateway", &r)) {
                struct json *j = json_object(), *headers = json_object();

                json_set_str(headers, "content-type", r.content_type);
                json_set_num(j, "status", r.status);
                json_set_num(j, "latency_ms", (double)r.took_us / 1000);
                json_set(j, "headers", headers);
                json_set_str(j, "body", r.body.data);
                call_json(call, 200, j);
        }
        http_response_done(&r);
}
