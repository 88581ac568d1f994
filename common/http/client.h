/* client: HTTP/1.1 requests over libcurl: one blocking client for worker threads, one asynchronous for loops. Only this room opens
 * libcurl. No redirects, no proxy from the environment, only http:// URLs.
 * Owner:  http_client belongs to one thread at a time and keeps one connection alive; http_async to its loop's thread.
 * Memory: requests are copied where they must outlive the call; a response lends to its callback, or is the caller's after http_do.
 * Units:  ms, bytes. Limits: body_bytes_max of an answer; HTTP_ASYNC_MAX requests at once.
 * Fails:  ERR_UNAVAILABLE (refused, reset, closed early), ERR_TIMEOUT, ERR_LIMIT (answer too large), ERR_INVAL (URL). A status such
 *         as 500 is an answer, not a failure. */
#ifndef COMMON_HTTP_CLIENT_H
#define COMMON_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/sys/loop.h"

enum { HTTP_ASYNC_MAX = 512, HTTP_HEADERS_MAX = 16 };

struct http_request {
        const char *method;                   /* NULL: GET */
        const char *url;                      /* "http://127.77.1.1:8010/config" */
        const char *headers[HTTP_HEADERS_MAX]; /* "Name: value", ended by NULL */
        const void *body;
        size_t body_bytes;
        int64_t connect_timeout_ms;           /* 0: 2000 */
        int64_t timeout_ms;                   /* whole exchange; 0: 10000 */
        size_t body_bytes_max;                /* of the answer; 0: 8 MiB */
};

struct http_response {
        int status;
        struct buf body;                      /* NUL-terminated */
        char content_type[96];
        char etag[64];
        int64_t retry_after_s;                /* -1 if absent */
        int64_t took_us;
        bool reused;                          /* the connection was kept from an earlier request */
};

void http_response_init(struct http_response *r);
void http_response_done(struct http_response *r);

struct http_client;
MUST_USE enum err http_client_new(struct http_client **ret);
void http_client_free(struct http_client *c);
AUTO_DEFINE(struct http_client, http_client_free)
/* Blocks. r: initialised by http_response_init; may be used again. */
MUST_USE enum err http_do(struct http_client *c, const struct http_request *request, struct http_response *r, struct err_note *reterr);
bool http_client_connected(const struct http_client *c); /* a kept connection exists, as far as known */
void http_client_disconnect(struct http_client *c);      /* the next request makes a new connection */

struct http_async;
struct http_ticket;
/* e is ERR_OK when an answer came. Called once, on the loop, never from within http_async_start. */
typedef void http_done_fn(void *ctx, enum err e, const struct err_note *note, const struct http_response *r);

MUST_USE enum err http_async_new(struct loop *loop, struct http_async **ret);
/* At most so many connections to one host, further requests wait for one (8 unless said otherwise); 0: no limit. */
void http_async_connections(struct http_async *a, size_t per_host_max);
void http_async_free(struct http_async *a); /* drops what is under way without calling back */
AUTO_DEFINE(struct http_async, http_async_free)
MUST_USE enum err http_async_start(struct http_async *a, const struct http_request *request, http_done_fn *fn, void *ctx,
                                   struct http_ticket **ret /* may be NULL */);
void http_async_cancel(struct http_ticket *ticket); /* fn is not called; NULL is fine; invalid after fn was called */

#endif
