/* curl: what the blocking and the asynchronous client share. Private to common/http. */
#ifndef COMMON_HTTP_CURL_H
#define COMMON_HTTP_CURL_H

#include <curl/curl.h>

#include "common/http/client.h"

/* One exchange on an easy handle. `headers` must live until the transfer is over; copies the body into the handle if copy_body. */
struct curl_exchange {
        CURL *easy;
        struct curl_slist *headers;
        struct http_response *response;
        size_t body_bytes_max;
        bool too_large;
};

void curl_global(void);
MUST_USE enum err curl_prepare(struct curl_exchange *x, const struct http_request *request, bool copy_body);
/* Translates curl's result, fills status and times. */
MUST_USE enum err curl_finish(struct curl_exchange *x, CURLcode code, const char *url, struct err_note *reterr);

#endif
