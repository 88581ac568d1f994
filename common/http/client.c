#include "common/http/client.h"

#include "common/base/mem.h"
#include "common/http/curl.h"

struct http_client {
        struct curl_exchange x;
        bool connected, fresh;
};

enum err http_client_new(struct http_client **ret)
{
        AUTO(http_client_free) struct http_client *c = mem_zalloc(1, sizeof *c);

        if (!c) return ERR_NOMEM;
        curl_global();
        c->x.easy = curl_easy_init();
        if (!c->x.easy) return ERR_NOMEM;
        *ret = take(&c);
        return ERR_OK;
}

void http_client_free(struct http_client *c)
{
        if (!c) return;
        if (c->x.easy) curl_easy_cleanup(c->x.easy);
        curl_slist_free_all(c->x.headers);
        mem_free(c);
}

enum err http_do(struct http_client *c, const struct http_request *request, struct http_response *r, struct err_note *reterr)
{
        enum err e;

        c->x.response = r;
        e = curl_prepare(&c->x, request, false);
        if (e) return err_note(reterr, e, "cannot prepare the request to %s: %s", request->url, err_text(e));
        if (c->fresh) curl_easy_setopt(c->x.easy, CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(c->x.easy, CURLOPT_MAXCONNECTS, 1L);
        e = curl_finish(&c->x, curl_easy_perform(c->x.easy), request->url, reterr);
        c->connected = e == ERR_OK;
        c->fresh = false;
        return e;
}

bool http_client_connected(const struct http_client *c)
{
        return c->connected;
}

void http_client_disconnect(struct http_client *c)
{
        c->fresh = true;
        c->connected = false;
}
