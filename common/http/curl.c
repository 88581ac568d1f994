#include "common/http/curl.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/str.h"

static void global_init(void)
{
        curl_global_init(CURL_GLOBAL_DEFAULT);
}

void curl_global(void)
{
        static pthread_once_t once = PTHREAD_ONCE_INIT;

        pthread_once(&once, global_init);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *ctx)
{
        struct curl_exchange *x = ctx;

        if (x->response->body.size_bytes + size * count > x->body_bytes_max) {
                x->too_large = true;
                return 0;
        }
        buf_append(&x->response->body, bytes, size * count);
        return x->response->body.status ? 0 : size * count;
}

static void header_copy(const char *line, size_t size, const char *name, char *dst, size_t dst_bytes)
{
        size_t n = strlen(name);

        if (size <= n || strncasecmp(line, name, n) != 0) return;
        line += n;
        size -= n;
        while (size && *line == ' ') {
                line++;
                size--;
        }
        while (size && (line[size - 1] == '\r' || line[size - 1] == '\n')) size--;
        if (size >= dst_bytes) size = dst_bytes - 1;
        memcpy(dst, line, size);
        dst[size] = '\0';
}

static size_t on_header(char *line, size_t size, size_t count, void *ctx)
{
        struct curl_exchange *x = ctx;
        struct http_response *r = x->response;
        char retry[16] = "";
        uint64_t seconds;

        header_copy(line, size * count, "content-type:", r->content_type, sizeof r->content_type);
        header_copy(line, size * count, "etag:", r->etag, sizeof r->etag);
        header_copy(line, size * count, "retry-after:", retry, sizeof retry);
        if (retry[0] && str_parse_u64(retry, 3600, &seconds) == ERR_OK) r->retry_after_s = (int64_t)seconds;
        return size * count;
}

static enum err headers_make(struct curl_exchange *x, const struct http_request *request)
{
        curl_slist_free_all(x->headers);
        x->headers = curl_slist_append(NULL, "Expect:");
        if (!x->headers) return ERR_NOMEM;
        for (size_t i = 0; i < HTTP_HEADERS_MAX && request->headers[i]; i++) {
                struct curl_slist *more = curl_slist_append(x->headers, request->headers[i]);

                if (!more) return ERR_NOMEM;
                x->headers = more;
        }
        return ERR_OK;
}

enum err curl_prepare(struct curl_exchange *x, const struct http_request *request, bool copy_body)
{
        const char *method = request->method ? request->method : "GET";
        CURL *c = x->easy;
        enum err e = headers_make(x, request);

        if (e) return e;
        curl_easy_reset(c);
        buf_clear(&x->response->body);
        x->response->status = 0;
        x->response->content_type[0] = x->response->etag[0] = '\0';
        x->response->retry_after_s = -1;
        x->too_large = false;
        x->body_bytes_max = request->body_bytes_max ? request->body_bytes_max : (size_t)8 << 20;
        x->response->body.max_bytes = x->body_bytes_max;
        curl_easy_setopt(c, CURLOPT_URL, request->url);
        curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http");
        curl_easy_setopt(c, CURLOPT_PROXY, "");
        curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(c, CURLOPT_TCP_NODELAY, 1L);
        curl_easy_setopt(c, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
        curl_easy_setopt(c, CURLOPT_HTTPHEADER, x->headers);
        curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)(request->connect_timeout_ms ? request->connect_timeout_ms : 2000));
        curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)(request->timeout_ms ? request->timeout_ms : 10000));
        curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
        curl_easy_setopt(c, CURLOPT_WRITEDATA, x);
        curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
        curl_easy_setopt(c, CURLOPT_HEADERDATA, x);
        if (request->body || (!str_eq(method, "GET") && !str_eq(method, "HEAD") && !str_eq(method, "DELETE"))) {
                curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)request->body_bytes);
                curl_easy_setopt(c, copy_body ? CURLOPT_COPYPOSTFIELDS : CURLOPT_POSTFIELDS, request->body ? request->body : "");
        }
        if (str_eq(method, "HEAD")) curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
        curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
        return ERR_OK;
}

enum err curl_finish(struct curl_exchange *x, CURLcode code, const char *url, struct err_note *reterr)
{
        long status = 0, connects = 0;
        curl_off_t took = 0;

        curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
        curl_easy_getinfo(x->easy, CURLINFO_TOTAL_TIME_T, &took);
        curl_easy_getinfo(x->easy, CURLINFO_NUM_CONNECTS, &connects);
        x->response->status = (int)status;
        x->response->took_us = (int64_t)took;
        x->response->reused = connects == 0;
        if (code == CURLE_OK) return ERR_OK;
        if (x->too_large) return err_note(reterr, ERR_LIMIT, "the answer of %s is larger than %zu bytes", url, x->body_bytes_max);
        if (x->response->body.status == ERR_NOMEM || code == CURLE_OUT_OF_MEMORY)
                return err_note(reterr, ERR_NOMEM, "out of memory while reading %s", url);
        if (code == CURLE_OPERATION_TIMEDOUT) return err_note(reterr, ERR_TIMEOUT, "%s did not answer in time", url);
        if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
                return err_note(reterr, ERR_INVAL, "'%s' is not an http:// URL", url);
        return err_note(reterr, ERR_UNAVAILABLE, "%s: %s", url, curl_easy_strerror(code));
}

void http_response_init(struct http_response *r)
{
        memset(r, 0, sizeof *r);
        buf_init(&r->body, 0);
        r->retry_after_s = -1;
}

void http_response_done(struct http_response *r)
{
        buf_done(&r->body);
}
