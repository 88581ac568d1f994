#include "common/http/server.h"

#include <civetweb.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/sock.h"

enum { PATH_BYTES_MAX = 2048, PARAM_BYTES_MAX = 16384, EXTRA_HEADER_BYTES_MAX = 8192, REPLY_BYTES_MAX = 64 << 20 };

struct http_server {
        struct mg_context *context;
        struct http_server_options o;
        char host[SOCK_ADDRESS_BYTES]; /* of o.address, which is the caller's */
};

struct http_exchange {
        struct mg_connection *connection;
        const struct mg_request_info *info;
        const struct http_server *server;
        char path[PATH_BYTES_MAX];
        struct buf body, headers, params; /* params: name NUL value NUL ... */
        bool params_parsed;
        int status;
        size_t reply_bytes;
};

static const struct {
        int status;
        const char *phrase;
} phrases[] = {
        { 200, "OK" }, { 201, "Created" }, { 202, "Accepted" }, { 204, "No Content" }, { 301, "Moved Permanently" }, { 302, "Found" },
        { 303, "See Other" }, { 304, "Not Modified" }, { 400, "Bad Request" }, { 401, "Unauthorized" }, { 403, "Forbidden" },
        { 404, "Not Found" }, { 405, "Method Not Allowed" }, { 406, "Not Acceptable" }, { 408, "Request Timeout" }, { 409, "Conflict" },
        { 410, "Gone" }, { 411, "Length Required" }, { 412, "Precondition Failed" }, { 413, "Content Too Large" },
        { 415, "Unsupported Media Type" }, { 421, "Misdirected Request" }, { 422, "Unprocessable Content" },
        { 428, "Precondition Required" }, { 429, "Too Many Requests" }, { 431, "Request Header Fields Too Large" },
        { 500, "Internal Server Error" }, { 501, "Not Implemented" }, { 502, "Bad Gateway" }, { 503, "Service Unavailable" },
        { 504, "Gateway Timeout" }, { 507, "Insufficient Storage" },
};

const char *http_reason_phrase(int status)
{
        for (size_t i = 0; i < ARRAY_COUNT(phrases); i++)
                if (phrases[i].status == status) return phrases[i].phrase;
        return "Unknown";
}

const char *http_method(const struct http_exchange *x)
{
        return x->info->request_method;
}

const char *http_path(const struct http_exchange *x)
{
        return x->path;
}

const char *http_query(const struct http_exchange *x)
{
        return x->info->query_string ? x->info->query_string : "";
}

const char *http_header(const struct http_exchange *x, const char *name)
{
        return mg_get_header(x->connection, name);
}

const char *http_body(const struct http_exchange *x, size_t *ret_size_bytes)
{
        if (ret_size_bytes) *ret_size_bytes = x->body.size_bytes;
        return x->body.data;
}

const char *http_peer(const struct http_exchange *x)
{
        return x->info->remote_addr;
}

int http_status_replied(const struct http_exchange *x)
{
        return x->status;
}

size_t http_bytes_replied(const struct http_exchange *x)
{
        return x->reply_bytes;
}

static void params_parse(struct http_exchange *x)
{
        const char *q = http_query(x);
        char part[4096];
        size_t count = 0;

        x->params_parsed = true;
        while (*q && count++ < HTTP_PARAMS_MAX) {
                size_t n = strcspn(q, "&"), name = 0;

                while (name < n && q[name] != '=') name++;
                if (http_url_decode(q, name, true, part, sizeof part) == ERR_OK) {
                        size_t rollback = x->params.size_bytes;

                        buf_append(&x->params, part, strlen(part) + 1);
                        if (http_url_decode(q + name + (name < n), n - name - (name < n), true, part, sizeof part) == ERR_OK)
                                buf_append(&x->params, part, strlen(part) + 1);
                        else
                                x->params.size_bytes = rollback;
                }
                q += n + (q[n] == '&');
        }
}

const char *http_param(struct http_exchange *x, const char *name)
{
        const char *p, *end;

        if (!x->params_parsed) params_parse(x);
        p = x->params.data;
        end = p + x->params.size_bytes;
        while (p < end) {
                const char *value = p + strlen(p) + 1;

                if (str_eq(p, name)) return value;
                p = value + strlen(value) + 1;
        }
        return NULL;
}

void http_set_header(struct http_exchange *x, const char *name, const char *value)
{
        if (strpbrk(name, "\r\n") || strpbrk(value, "\r\n")) return;
        buf_printf(&x->headers, "%s: %s\r\n", name, value);
}

/* Head and body leave in one mg_write: two writes cost 44 ms (Nagle against delayed ACK). */
void http_reply(struct http_exchange *x, int status, const char *content_type, const void *body, size_t size_bytes)
{
        AUTO_BUF out;
        bool bodyless = status == 204 || status == 304;

        CHECK(x->status == 0);
        x->status = status;
        buf_init(&out, REPLY_BYTES_MAX);
        buf_printf(&out, "HTTP/1.1 %d %s\r\n", status, http_reason_phrase(status));
        if (!bodyless) buf_printf(&out, "Content-Type: %s\r\n", content_type);
        if (status != 204) buf_printf(&out, "Content-Length: %zu\r\n", size_bytes);
        if (x->headers.status == ERR_OK) buf_append(&out, x->headers.data, x->headers.size_bytes);
        buf_str(&out, x->server->o.keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n");
        if (!bodyless && !str_eq(http_method(x), "HEAD")) buf_append(&out, body, size_bytes);
        if (out.status) {
                static const char failed[] = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

                x->status = 500;
                mg_write(x->connection, failed, sizeof failed - 1);
                return;
        }
        x->reply_bytes = out.size_bytes;
        mg_write(x->connection, out.data, out.size_bytes);
}

void http_reply_text(struct http_exchange *x, int status, const char *content_type, const char *text)
{
        http_reply(x, status, content_type, text, strlen(text));
}

static void reply_json_as(struct http_exchange *x, int status, const char *content_type, struct json *value)
{
        AUTO(json_free) struct json *owned = value;
        AUTO_BUF text;

        buf_init(&text, REPLY_BYTES_MAX);
        if (json_print(owned, &text))
                http_reply_text(x, 500, "application/problem+json",
                                "{\"type\":\"about:blank\",\"title\":\"Internal Server Error\",\"status\":500,\"code\":\"NOMEM\","
                                "\"detail\":\"out of memory while writing the answer\"}");
        else
                http_reply(x, status, content_type, text.data, text.size_bytes);
}

void http_reply_json(struct http_exchange *x, int status, struct json *value)
{
        reply_json_as(x, status, "application/json", value);
}

void http_problem_json(struct http_exchange *x, int status, const char *code, const char *detail, struct json *members)
{
        struct json *problem = members ? members : json_object();

        json_set_str(problem, "type", "about:blank");
        json_set_str(problem, "title", http_reason_phrase(status));
        json_set_num(problem, "status", status);
        json_set_str(problem, "code", code);
        json_set_str(problem, "detail", detail);
        reply_json_as(x, status, "application/problem+json", problem);
}

void http_problem(struct http_exchange *x, int status, const char *code, const char *format, ...)
{
        char detail[1024];
        va_list args;

        va_start(args, format);
        vsnprintf(detail, sizeof detail, format, args);
        va_end(args);
        http_problem_json(x, status, code, detail, NULL);
}

void http_problem_err(struct http_exchange *x, enum err e, const struct err_note *note)
{
        static const int statuses[ERR_COUNT] = {
                [ERR_NOMEM] = 503, [ERR_LIMIT] = 413, [ERR_PARSE] = 400, [ERR_INVAL] = 422, [ERR_NOT_FOUND] = 404,
                [ERR_EXISTS] = 409, [ERR_STATE] = 409, [ERR_DENIED] = 403, [ERR_IO] = 500, [ERR_TIMEOUT] = 504,
                [ERR_UNAVAILABLE] = 503, [ERR_UNSUPPORTED] = 501, [ERR_CORRUPT] = 500,
        };

        CHECK(e != ERR_OK);
        if (statuses[e] == 503) http_set_header(x, "Retry-After", "1");
        http_problem_json(x, statuses[e], err_name(e), note && note->text[0] ? note->text : err_text(e), NULL);
}

static bool body_read(struct http_exchange *x)
{
        long long declared = x->info->content_length;
        const char *coding = http_header(x, "Transfer-Encoding");
        char chunk[4096]; /* stacks of connection threads stay small */
        int n;

        if (coding && http_header(x, "Content-Length")) {
                http_problem(x, 400, "PARSE", "both Transfer-Encoding and Content-Length are given: send one of them");
                return false;
        }
        if (!coding && declared <= 0) return true;
        if (declared > (long long)x->body.max_bytes) goto too_large;
        while ((n = mg_read(x->connection, chunk, sizeof chunk)) > 0) {
                buf_append(&x->body, chunk, (size_t)n);
                if (x->body.status) goto too_large;
        }
        if (n < 0 || (!coding && x->body.size_bytes < (size_t)declared)) {
                http_problem(x, 400, "PARSE", "the body ended early: %zu of %lld bytes came", x->body.size_bytes, declared);
                return false;
        }
        return true;
too_large:
        http_problem(x, 413, "LIMIT", "the body is larger than %zu bytes", x->body.max_bytes);
        return false;
}

/* CivetWeb decodes and normalises local_uri for files; we decode the raw path ourselves, so that %2F and %00 are seen. */
static bool path_read(struct http_exchange *x)
{
        const char *raw_path = x->info->request_uri;
        size_t n = strcspn(raw_path, "?");

        if (raw_path[0] == '/' && http_url_decode(raw_path, n, false, x->path, sizeof x->path) == ERR_OK) return true;
        x->path[0] = '\0';
        http_problem(x, 400, "PARSE", "the path is not readable: it must begin with '/' and have at most %d bytes", PATH_BYTES_MAX - 1);
        return false;
}

static int on_request(struct mg_connection *connection)
{
        const struct mg_request_info *info = mg_get_request_info(connection);
        const struct http_server *server = info->user_data;
        struct http_exchange *x = mem_zalloc(1, sizeof *x);
        int status;

        if (!x) {
                static const char busy[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

                mg_write(connection, busy, sizeof busy - 1);
                return 503;
        }
        x->connection = connection;
        x->info = info;
        x->server = server;
        buf_init(&x->body, server->o.body_bytes_max);
        buf_init(&x->headers, EXTRA_HEADER_BYTES_MAX);
        buf_init(&x->params, PARAM_BYTES_MAX);
        if (path_read(x) && body_read(x)) {
                server->o.handler(server->o.ctx, x);
                if (!x->status) http_problem(x, 500, "STATE", "the request was not answered");
        }
        buf_done(&x->body);
        buf_done(&x->headers);
        buf_done(&x->params);
        status = x->status;
        mem_free(x);
        return status;
}

static int on_log(const struct mg_connection *connection, const char *message)
{
        (void)connection;
        (void)message;
        return 1; /* CivetWeb's own words (resets by clients, mostly) are not for our logs */
}

enum err http_server_new(const struct http_server_options *o, struct http_server **ret, struct err_note *reterr)
{
        char threads[24], queue[24], timeout[24], text[256] = "";
        AUTO(mem_free) struct http_server *s = mem_zalloc(1, sizeof *s);
        static atomic_flag started = ATOMIC_FLAG_INIT;
        struct mg_callbacks callbacks = { .begin_request = on_request, .log_message = on_log, .log_access = on_log };

        CHECK(o->threads >= 1 && o->threads <= 256 && o->handler);
        if (!s) return err_note(reterr, ERR_NOMEM, "cannot start the HTTP server: out of memory");
        s->o = *o;
        str_cut(s->host, MIN(sizeof s->host, strcspn(o->address, ":") + 1), o->address);
        if (!s->o.body_bytes_max) s->o.body_bytes_max = HTTP_BODY_BYTES_DEFAULT;
        snprintf(threads, sizeof threads, "%zu", o->threads);
        snprintf(queue, sizeof queue, "%zu", o->queue ? o->queue : 64);
        snprintf(timeout, sizeof timeout, "%lld", (long long)(o->request_timeout_ms ? o->request_timeout_ms : 30000));
        const char *options[] = {
                "listening_ports", o->address, "num_threads", threads, "connection_queue", queue, "request_timeout_ms", timeout,
                "enable_keep_alive", o->keep_alive ? "yes" : "no", "keep_alive_timeout_ms", "15000", "tcp_nodelay", "1",
                "enable_directory_listing", "no", "cgi_pattern", "", "access_control_allow_origin", "", "access_control_allow_methods", "",
                "access_control_allow_headers", "", "listen_backlog", "511", "max_request_size", "20480", "decode_url", "no", NULL,
        };
        struct mg_init_data init = { .callbacks = &callbacks, .user_data = s, .configuration_options = options };
        struct mg_error_data error = { .text = text, .text_buffer_size = sizeof text };

        if (!atomic_flag_test_and_set(&started)) mg_init_library(0);
        s->context = mg_start2(&init, &error);
        if (!s->context)
                return err_note(reterr, ERR_EXISTS, "cannot listen on %s: %s (is the port in use?)", o->address, text[0] ? text : "refused");
        *ret = take(&s);
        return ERR_OK;
}

uint16_t http_server_port(const struct http_server *s)
{
        struct mg_server_port port = { .port = 0 };

        return mg_get_server_ports(s->context, 1, &port) == 1 ? (uint16_t)port.port : 0;
}

struct stopper {
        const char *host;
        uint16_t port;
        atomic_bool done;
};

/* CivetWeb notices the end at its next connection, else after two seconds: so a connection comes. */
static void *stop_wake(void *ctx)
{
        struct stopper *stopper = ctx;

        while (!atomic_load(&stopper->done)) {
                struct pollfd p = { .events = POLLIN };

                if (sock_connect_tcp(stopper->host, stopper->port, &p.fd, NULL) == ERR_OK) {
                        (void)poll(&p, 1, 20);
                        close(p.fd);
                } else {
                        (void)poll(NULL, 0, 20);
                }
        }
        return NULL;
}

void http_server_free(struct http_server *s)
{
        struct stopper stopper = { .port = 0 };
        pthread_t thread;
        bool woken;

        if (!s) return;
        stopper.host = s->host;
        stopper.port = http_server_port(s);
        woken = stopper.port && pthread_create(&thread, NULL, stop_wake, &stopper) == 0;
        mg_stop(s->context);
        atomic_store(&stopper.done, true);
        if (woken) pthread_join(thread, NULL);
        mem_free(s);
}

static int hex_digit(char c)
{
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'a' && c <= 'f') return c - 'a' + 10;
        if (c >= 'A' && c <= 'F') return c - 'A' + 10;
        return -1;
}

enum err http_url_decode(const char *text, size_t size_bytes, bool plus_is_space, char *dst, size_t dst_bytes)
{
        size_t used = 0;

        for (size_t i = 0; i < size_bytes; i++) {
                char c = text[i];

                if (c == '%') {
                        int high, low;

                        if (size_bytes - i < 3) return ERR_PARSE;
                        high = hex_digit(text[i + 1]);
                        low = hex_digit(text[i + 2]);
                        if (high < 0 || low < 0 || (high == 0 && low == 0)) return ERR_PARSE;
                        c = (char)(high << 4 | low);
                        i += 2;
                } else if (c == '+' && plus_is_space) {
                        c = ' ';
                }
                if (used + 1 >= dst_bytes) return ERR_LIMIT;
                dst[used++] = c;
        }
        dst[used] = '\0';
        return ERR_OK;
}

void http_url_encode(struct buf *b, const char *text)
{
        for (; *text; text++) {
                unsigned char c = (unsigned char)*text;

                if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-._~", c))
                        buf_char(b, (char)c);
                else
                        buf_printf(b, "%%%02X", c);
        }
}

bool http_path_match(const char *pattern, const char *path, char *dst, size_t dst_bytes)
{
        const char *rest;
        size_t n;

        while (*pattern && *pattern != '{')
                if (*pattern++ != *path++) return false;
        if (!*pattern) return !*path;
        n = strcspn(path, "/");
        rest = strchr(pattern, '}');
        CHECK(rest);
        if (n == 0 || n >= dst_bytes || !str_eq(rest + 1, path + n)) return false;
        memcpy(dst, path, n);
        dst[n] = '\0';
        return true;
}
