#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/http/client.h"
#include "common/http/curl.h"

struct http_ticket {
        struct http_async *a;
        struct curl_exchange x;
        struct http_response response;
        http_done_fn *fn;
        void *ctx;
        char *url;
        struct http_ticket *prev, *next;
};

struct http_async {
        struct loop *loop;
        CURLM *multi;
        struct loop_timer *timer;
        struct http_ticket *first;
        size_t count;
        CURL *spare[8]; /* easy handles to use again: they are costly to make */
        size_t spare_count;
        bool in_callback, free_later;
};

static void ticket_end(struct http_ticket *t)
{
        struct http_async *a = t->a;

        curl_multi_remove_handle(a->multi, t->x.easy);
        if (t->prev)
                t->prev->next = t->next;
        else
                a->first = t->next;
        if (t->next) t->next->prev = t->prev;
        a->count--;
        if (a->spare_count < ARRAY_COUNT(a->spare))
                a->spare[a->spare_count++] = t->x.easy;
        else
                curl_easy_cleanup(t->x.easy);
        curl_slist_free_all(t->x.headers);
        http_response_done(&t->response);
        mem_free(t->url);
        mem_free(t);
}

/* fn may cancel other tickets, start new ones, or free the whole client. */
static void deliver_finished(struct http_async *a)
{
        CURLMsg *m;
        int left;

        CHECK(!a->in_callback);
        a->in_callback = true;
        while (!a->free_later && (m = curl_multi_info_read(a->multi, &left))) {
                struct err_note note = { .code = ERR_OK };
                struct http_ticket *t;
                char *private_data;
                enum err e;

                if (m->msg != CURLMSG_DONE) continue;
                curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &private_data);
                t = (struct http_ticket *)(void *)private_data;
                e = curl_finish(&t->x, m->data.result, t->url, &note);
                t->fn(t->ctx, e, &note, &t->response);
                if (!a->free_later) ticket_end(t);
        }
        a->in_callback = false;
        if (a->free_later) http_async_free(a);
}

static void on_socket_ready(void *ctx, uint32_t events);

struct watch {
        struct http_async *a;
        struct loop_fd *handle;
        curl_socket_t fd;
};

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
        struct http_async *a = ctx;
        struct watch *w = socket_ctx;
        uint32_t events = what == CURL_POLL_IN ? EPOLLIN : what == CURL_POLL_OUT ? EPOLLOUT : EPOLLIN | EPOLLOUT;

        (void)easy;
        if (what == CURL_POLL_REMOVE) {
                if (w) loop_fd_remove(w->handle);
                mem_free(w);
                curl_multi_assign(a->multi, fd, NULL);
                return 0;
        }
        if (w) {
                loop_fd_events(w->handle, events);
                return 0;
        }
        w = mem_zalloc(1, sizeof *w);
        if (!w) return -1;
        *w = (struct watch){ .a = a, .fd = fd };
        if (loop_fd_add(a->loop, fd, events, on_socket_ready, w, &w->handle)) {
                mem_free(w);
                return -1;
        }
        curl_multi_assign(a->multi, fd, w);
        return 0;
}

static void on_socket_ready(void *ctx, uint32_t events)
{
        struct watch *w = ctx;
        struct http_async *a = w->a;
        int flags = (events & EPOLLIN ? CURL_CSELECT_IN : 0) | (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                    (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_IN | CURL_CSELECT_ERR : 0);
        int running;

        curl_multi_socket_action(a->multi, w->fd, flags, &running); /* w may be gone now */
        deliver_finished(a);
}

static void on_timeout(void *ctx)
{
        struct http_async *a = ctx;
        int running;

        a->timer = NULL;
        curl_multi_socket_action(a->multi, CURL_SOCKET_TIMEOUT, 0, &running);
        deliver_finished(a);
}

static int on_curl_timer(CURLM *multi, long ms, void *ctx)
{
        struct http_async *a = ctx;

        (void)multi;
        loop_timer_remove(take(&a->timer));
        if (ms < 0) return 0;
        return loop_timer_add(a->loop, ms, 0, on_timeout, a, &a->timer) ? -1 : 0;
}

enum err http_async_new(struct loop *loop, struct http_async **ret)
{
        AUTO(mem_free) struct http_async *a = mem_zalloc(1, sizeof *a);

        if (!a) return ERR_NOMEM;
        curl_global();
        a->loop = loop;
        a->multi = curl_multi_init();
        if (!a->multi) return ERR_NOMEM;
        curl_multi_setopt(a->multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
        curl_multi_setopt(a->multi, CURLMOPT_SOCKETDATA, a);
        curl_multi_setopt(a->multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
        curl_multi_setopt(a->multi, CURLMOPT_TIMERDATA, a);
        curl_multi_setopt(a->multi, CURLMOPT_MAX_HOST_CONNECTIONS, 8L);
        *ret = take(&a);
        return ERR_OK;
}

void http_async_connections(struct http_async *a, size_t per_host_max)
{
        curl_multi_setopt(a->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)per_host_max);
}

void http_async_free(struct http_async *a)
{
        if (!a) return;
        if (a->in_callback) {
                a->free_later = true;
                return;
        }
        while (a->first) ticket_end(a->first);
        while (a->spare_count) curl_easy_cleanup(a->spare[--a->spare_count]);
        curl_multi_cleanup(a->multi);
        loop_timer_remove(a->timer);
        mem_free(a);
}

enum err http_async_start(struct http_async *a, const struct http_request *request, http_done_fn *fn, void *ctx,
                          struct http_ticket **ret)
{
        struct http_ticket *t;
        enum err e;

        CHECK(loop_is_mine(a->loop) && fn);
        if (a->count >= HTTP_ASYNC_MAX) return ERR_LIMIT;
        t = mem_zalloc(1, sizeof *t);
        if (!t) return ERR_NOMEM;
        *t = (struct http_ticket){ .a = a, .fn = fn, .ctx = ctx };
        http_response_init(&t->response);
        t->x.response = &t->response;
        t->x.easy = a->spare_count ? a->spare[--a->spare_count] : curl_easy_init();
        t->url = mem_strdup(request->url);
        e = t->x.easy && t->url ? curl_prepare(&t->x, request, true) : ERR_NOMEM;
        if (e) {
                if (t->x.easy) curl_easy_cleanup(t->x.easy);
                curl_slist_free_all(t->x.headers);
                mem_free(t->url);
                mem_free(t);
                return e;
        }
        curl_easy_setopt(t->x.easy, CURLOPT_PRIVATE, (char *)(void *)t);
        t->next = a->first;
        if (a->first) a->first->prev = t;
        a->first = t;
        a->count++;
        if (curl_multi_add_handle(a->multi, t->x.easy) != CURLM_OK) {
                ticket_end(t);
                return ERR_NOMEM;
        }
        if (ret) *ret = t;
        return ERR_OK;
}

void http_async_cancel(struct http_ticket *ticket)
{
        if (ticket) ticket_end(ticket);
}
