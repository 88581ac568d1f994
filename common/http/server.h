/* server: an HTTP/1.1 server on a thread pool (CivetWeb); only this file's room opens CivetWeb. Settings that were measured to
 * matter are fixed here: TCP_NODELAY, head and body in one write, no files, no listing, no CGI, no CORS header.
 * Owner:  http_server_new starts threads, http_server_free joins them after running requests are done. The handler runs on a worker
 *         thread and owns the request and response for the call.
 * Memory: request texts lend for the call. A response body is copied by http_reply*.
 * Units:  bytes, ms. Limits: options; head 16 KiB, at most HTTP_PARAMS_MAX query parameters.
 *         With keep_alive a kept connection occupies a thread, idle or not (up to 15 s): `threads` must exceed the connections
 *         that clients keep open, or new ones wait. Threads are cheap here, stalls are not.
 * Fails:  what a client does wrong is answered before the handler runs: 413 (body), 400, 411, 505. */
#ifndef COMMON_HTTP_SERVER_H
#define COMMON_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/text/json.h"

enum { HTTP_PARAMS_MAX = 32, HTTP_BODY_BYTES_DEFAULT = 256 * 1024 };

struct http_server;
struct http_exchange; /* one request and its response */

typedef void http_handler(void *ctx, struct http_exchange *x);

struct http_server_options {
        const char *address;     /* "127.0.0.1:8080"; port 0: any free one, see http_server_port */
        size_t threads;          /* 1..256 */
        size_t queue;            /* connections that may wait for a thread; 0: 64 */
        size_t body_bytes_max;   /* 0: HTTP_BODY_BYTES_DEFAULT */
        int64_t request_timeout_ms; /* 0: 30000: silence on a connection */
        bool keep_alive;
        http_handler *handler;
        void *ctx;
};

MUST_USE enum err http_server_new(const struct http_server_options *options, struct http_server **ret, struct err_note *reterr);
uint16_t http_server_port(const struct http_server *s);
void http_server_free(struct http_server *s);
AUTO_DEFINE(struct http_server, http_server_free)

/* Request. */
const char *http_method(const struct http_exchange *x);                      /* "GET" */
const char *http_path(const struct http_exchange *x);                        /* decoded, without the query */
const char *http_query(const struct http_exchange *x);                       /* raw, "" if none */
const char *http_param(struct http_exchange *x, const char *name);           /* decoded query parameter or NULL */
const char *http_header(const struct http_exchange *x, const char *name);    /* NULL if absent */
const char *http_body(const struct http_exchange *x, size_t *ret_size_bytes); /* NUL-terminated */
const char *http_peer(const struct http_exchange *x);                        /* "127.0.0.1" */

/* Response: headers first, then exactly one reply; a handler that returns without replying gives a 500. */
void http_set_header(struct http_exchange *x, const char *name, const char *value); /* CR and LF are refused: header dropped */
void http_reply(struct http_exchange *x, int status, const char *content_type, const void *body, size_t size_bytes);
void http_reply_text(struct http_exchange *x, int status, const char *content_type, const char *text);
/* Takes the value; 500 problem if it could not be built. */
void http_reply_json(struct http_exchange *x, int status, struct json *value);
/* RFC 9457: {"type":"about:blank","title":reason phrase,"status","code","detail"} as application/problem+json. */
void http_problem(struct http_exchange *x, int status, const char *code, const char *format, ...) FMT_PRINTF(4, 5);
/* The same with more members; takes `members` (an object). */
void http_problem_json(struct http_exchange *x, int status, const char *code, const char *detail, struct json *members);
/* Status for one of our error codes (ERR_NOT_FOUND 404, ERR_INVAL 422, ...), with its note as detail. */
void http_problem_err(struct http_exchange *x, enum err e, const struct err_note *note);
int http_status_replied(const struct http_exchange *x); /* 0 before the reply */
size_t http_bytes_replied(const struct http_exchange *x);
const char *http_reason_phrase(int status);

/* "/products/{id}/x" against a path: true, and the segment of {id} in dst, when it matches (one placeholder at most). */
bool http_path_match(const char *pattern, const char *path, char *dst, size_t dst_bytes);
/* Decodes %XX (and '+') into dst; ERR_PARSE for bad escapes or NUL, ERR_LIMIT. */
MUST_USE enum err http_url_decode(const char *text, size_t size_bytes, bool plus_is_space, char *dst, size_t dst_bytes);
void http_url_encode(struct buf *b, const char *text); /* RFC 3986 unreserved stay */

#endif
