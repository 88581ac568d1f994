#include <stdio.h>
#include <string.h>

#include "common/base/str.h"
#include "common/http/server.h"
#include "common/sys/clock.h"
#include "sut/gateway/gateway.h"

enum { RELAY_PATH_BYTES = 2048, RELAY_HEADER_BYTES = 1200, RELAY_HEADERS_MAX = 4 };

static bool admitted(struct gateway *g, struct kit_request *r)
{
        struct admit_limits limits = { .percent = (int)kit_config_int(g->config, GATEWAY_ADMISSION_PERCENT),
                                       .rate_rps = (double)kit_config_int(g->config, GATEWAY_RATE_LIMIT_RPS),
                                       .burst = (double)kit_config_int(g->config, GATEWAY_RATE_LIMIT_BURST),
                                       .in_flight_max = (int)kit_config_int(g->config, GATEWAY_MAX_IN_FLIGHT) };
        enum admit answer;

        pthread_mutex_lock(&g->lock);
        answer = admit_enter(&g->admit, &limits, clock_mono_us());
        pthread_mutex_unlock(&g->lock);
        metrics_add(metrics_at(g->admissions, admit_text(answer)), 1);
        if (answer == ADMIT_SHED)
                kit_reply_problem(r, 503, "SHED", "the shop lets in only %d %% of the requests; try again", limits.percent);
        else if (answer == ADMIT_RATE)
                kit_reply_problem(r, 429, "RATE_LIMIT", "more than %.0f requests a second; try again", limits.rate_rps);
        else if (answer == ADMIT_FULL)
                kit_reply_problem(r, 503, "TOO_MANY_IN_FLIGHT", "%d requests are in flight already; try again", limits.in_flight_max);
        return answer == ADMIT_YES;
}

static void left(struct gateway *g)
{
        pthread_mutex_lock(&g->lock);
        admit_leave(&g->admit);
        pthread_mutex_unlock(&g->lock);
}

/* Headers of the user that the upstream gets to see. */
struct passed_on {
        char texts[RELAY_HEADERS_MAX][RELAY_HEADER_BYTES];
        const char *list[RELAY_HEADERS_MAX + 1];
        bool has_key;
};

static void pass_on(struct kit_request *r, struct passed_on *p)
{
        static const char *const names[] = { "Authorization", "Idempotency-Key", "X-Request-Id" };
        int count = 0;

        p->has_key = kit_request_header(r, "Idempotency-Key") != NULL;
        for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
                const char *value = kit_request_header(r, names[i]);

                if (!value || snprintf(p->texts[count], RELAY_HEADER_BYTES, "%s: %s", names[i], value) >= RELAY_HEADER_BYTES) continue;
                p->list[count] = p->texts[count];
                count++;
        }
        p->list[count] = NULL;
}

static void answer_failure(struct kit_request *r, const char *peer, enum err e, const struct err_note *note)
{
        if (e == ERR_TIMEOUT)
                kit_reply_problem(r, 504, "UPSTREAM_TIMEOUT", "%s did not answer in time", peer);
        else if (e == ERR_LIMIT)
                kit_reply_problem(r, 503, "POOL_TIMEOUT", "%s", note->text);
        else if (e == ERR_UNAVAILABLE)
                kit_reply_problem(r, 503, "UPSTREAM_UNAVAILABLE", "%s", note->text);
        else
                kit_reply_problem(r, 502, "UPSTREAM_BROKEN", "%s", note->text);
}

static void relay(struct gateway *g, struct kit_request *r, struct kit_upstream *u, const char *peer, const char *path)
{
        const char *method = kit_request_method(r), *query = kit_request_query_string(r), *type = kit_request_header(r, "Content-Type");
        char full[RELAY_PATH_BYTES], retry_after[24];
        struct http_response response;
        struct err_note note = { 0 };
        struct passed_on headers;
        size_t body_bytes;
        const char *body = kit_request_body(r, &body_bytes);
        struct kit_upstream_call call = { .method = method, .path = full, .trace = kit_request_trace(r), .headers = headers.list };
        enum err e;

        (void)g;
        if (snprintf(full, sizeof full, "%s%s%s", path, query[0] ? "?" : "", query) >= (int)sizeof full) {
                kit_reply_problem(r, 400, "PARSE", "the path is too long");
                return;
        }
        pass_on(r, &headers);
        if (body_bytes) {
                call.body = body;
                call.body_bytes = body_bytes;
                call.content_type = type ? type : "application/json";
        }
        call.idempotent = str_eq(method, "GET") || headers.has_key;
        if (kit_request_header(r, "X-Request-Timeout-Ms")) call.left_ms = MAX(1, kit_request_left_ms(r, INT64_MAX));
        http_response_init(&response);
        e = kit_upstream_send(u, &call, &response, &note);
        if (e) {
                answer_failure(r, peer, e, &note);
        } else {
                if (response.retry_after_s >= 0) {
                        snprintf(retry_after, sizeof retry_after, "%lld", (long long)response.retry_after_s);
                        kit_reply_header(r, "Retry-After", retry_after);
                }
                kit_reply_bytes(r, response.status, response.content_type[0] ? response.content_type : "application/octet-stream", response.body.data,
                                response.body.size_bytes);
        }
        http_response_done(&response);
}

/* A decoded path goes out again, so what must not stand in a path as it is becomes %XX. */
static bool path_again(struct kit_request *r, const char *decoded, char *dst, size_t dst_bytes)
{
        AUTO_BUF out;

        buf_init(&out, dst_bytes - 1);
        for (const char *p = decoded; *p; p++) {
                char one[2] = { *p, '\0' };

                if (*p == '/')
                        buf_char(&out, '/');
                else
                        http_url_encode(&out, one);
        }
        if (buf_status(&out) == ERR_OK && str_copy(dst, dst_bytes, out.data) == ERR_OK) return true;
        kit_reply_problem(r, 400, "PARSE", "the path is too long");
        return false;
}

/* "." and ".." as whole segments: whoever normalises the path behind us would leave the shop with them. */
static bool has_dots(const char *path)
{
        for (const char *p = strchr(path, '/'); p; p = strchr(p + 1, '/')) {
                size_t n = strcspn(p + 1, "/");

                if (n > 0 && n <= 2 && strspn(p + 1, ".") >= n) return true;
        }
        return false;
}

static bool is_shop(const char *path)
{
        static const char *const places[] = { "/products", "/quote", "/orders" };

        if (has_dots(path)) return false;

        for (size_t i = 0; i < ARRAY_COUNT(places); i++) {
                size_t n = strlen(places[i]);

                if (strncmp(path, places[i], n) == 0 && (path[n] == '\0' || path[n] == '/')) return true;
        }
        return false;
}

static void to_shop(struct gateway *g, struct kit_request *r, const char *decoded)
{
        char path[RELAY_PATH_BYTES];

        if (!is_shop(decoded)) { /* the API's own /config and /metrics are not for users */
                kit_reply_problem(r, 404, "NOT_FOUND", "the shop has no %s", decoded);
                return;
        }
        if (!path_again(r, decoded, path, sizeof path) || !admitted(g, r)) return;
        if (gateway_token_admits(g, r, !str_starts(decoded, "/products"))) relay(g, r, g->api, "api", path);
        left(g);
}

void gateway_shop(struct kit_request *r, void *ctx)
{
        to_shop(ctx, r, kit_request_path(r) + strlen("/shop"));
}

void gateway_short(struct kit_request *r, void *ctx)
{
        to_shop(ctx, r, kit_request_path(r));
}

void gateway_login(struct kit_request *r, void *ctx)
{
        struct gateway *g = ctx;
        const char *path = kit_request_path(r);

        if (!g->auth) {
                kit_reply_problem(r, 503, "NO_AUTH", "this stack has no auth service");
                return;
        }
        if (!admitted(g, r)) return;
        relay(g, r, g->auth, "auth", str_starts(path, "/shop/") ? path + strlen("/shop") : path);
        left(g);
}
