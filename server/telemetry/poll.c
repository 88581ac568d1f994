#include "server/telemetry/poll.h"

#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/http/server.h"
#include "common/sys/clock.h"
#include "common/text/json.h"
#include "server/telemetry/prom.h"

enum { POLL_URL_BYTES = 8192, POLL_ADDRESS_BYTES = 64, POLL_SERIES_BYTES_MAX = 120 * 1024 };

/* One question of the present round; the ticket is NULL once it is answered. */
struct poll_question {
        struct poll *poll;
        size_t index;
        char *query; /* NULL: the series of all rules, or the users */
        bool told;   /* its problem */
        struct http_ticket *ticket;
};

struct poll {
        struct poll_options o;
        char prometheus[POLL_ADDRESS_BYTES], loadgen[POLL_ADDRESS_BYTES];
        struct loop_timer *timer;
        struct poll_question question[POLL_QUERIES_MAX];
        struct run_sample sample[POLL_QUERIES_MAX];
        size_t count, waiting; /* watched; of them without an answer in this round */
        struct poll_question series, users;
        int64_t users_after; /* what the load generator gave last */
};

static void poll_round_end(struct poll *p)
{
        if (p->count) p->o.on_samples(p->o.ctx, p->sample, p->count);
}

static void poll_problem(struct poll_question *q, const char *why)
{
        if (q->told || !q->poll->o.on_problem) return;
        q->told = true;
        q->poll->o.on_problem(q->poll->o.ctx, q->query, why);
}

static void poll_answered(void *ctx, enum err e, const struct err_note *note, const struct http_response *r)
{
        struct poll_question *q = ctx;
        struct poll *p = q->poll;
        struct err_note why;
        struct run_sample sample = {0};

        q->ticket = NULL;
        if (e)
                poll_problem(q, note->text);
        else if (prom_value(r->body.data, r->body.size_bytes, &sample.known, &sample.value, &why))
                poll_problem(q, why.text);
        p->sample[q->index] = sample;
        if (--p->waiting == 0) poll_round_end(p);
}

static void series_add(void *ctx, const char *key, double value)
{
        json_set_num(ctx, key, value);
}

static void series_answered(void *ctx, enum err e, const struct err_note *note, const struct http_response *r)
{
        struct poll_question *q = ctx;
        struct poll *p = q->poll;
        AUTO(json_free) struct json *message = json_object();
        struct json *values = json_object();
        AUTO_BUF text;

        (void)note;
        q->ticket = NULL;
        buf_init(&text, POLL_SERIES_BYTES_MAX);
        if (!e) e = prom_series(r->body.data, r->body.size_bytes, series_add, values, NULL);
        json_set_num(message, "t", (double)clock_wall_ms());
        json_set(message, "v", values);
        if (!e && !json_print(message, &text)) p->o.on_series(p->o.ctx, text.data);
}

/* The generator numbers its samples: {"last":n,"requests":[...]}; asked for with ?after=n. */
static void users_answered(void *ctx, enum err e, const struct err_note *note, const struct http_response *r)
{
        struct poll_question *q = ctx;
        struct poll *p = q->poll;
        AUTO(json_free) struct json *j = NULL, *message = json_object();
        struct json *requests = json_array();
        size_t skip;
        AUTO_BUF text;

        (void)note;
        q->ticket = NULL;
        buf_init(&text, POLL_SERIES_BYTES_MAX);
        json_set(message, "requests", requests);
        if (e || r->status != 200 || json_parse(r->body.data, r->body.size_bytes, &j, NULL)) return;
        p->users_after = json_get_int(j, "last", p->users_after);
        skip = json_count(json_get(j, "requests"));
        skip = skip > POLL_USERS_MAX ? skip - POLL_USERS_MAX : 0;
        JSON_EACH(item, json_get(j, "requests"))
        {
                if (skip > 0)
                        skip--;
                else
                        json_push(requests, json_clone(item));
        }
        if (json_count(requests) && !json_print(message, &text)) p->o.on_users(p->o.ctx, text.data);
}

static void poll_ask(struct poll_question *q, const char *url, http_done_fn *fn)
{
        struct http_request r = {.url = url,
                                 .connect_timeout_ms = POLL_ROUND_MS / 2,
                                 .timeout_ms = POLL_ROUND_MS,
                                 .body_bytes_max = PROM_ANSWER_BYTES_MAX};

        if (http_async_start(q->poll->o.http, &r, fn, q, &q->ticket)) q->ticket = NULL;
}

static enum err poll_query_url(const struct poll *p, const char *query, struct buf *url)
{
        buf_printf(url, "http://%s/api/v1/query?query=", p->prometheus);
        http_url_encode(url, query);
        return buf_status(url);
}

/* A round that is still under way is let finish: two at once would bring answers out of order. */
static void poll_tick(void *ctx)
{
        struct poll *p = ctx;
        AUTO_BUF url;

        buf_init(&url, POLL_URL_BYTES);
        if (p->o.on_series && !p->series.ticket && !poll_query_url(p, "{__name__=~\"fd:.*\"}", &url))
                poll_ask(&p->series, url.data, series_answered);
        buf_clear(&url);
        buf_printf(&url, "http://%s/sample?after=%lld", p->loadgen, (long long)p->users_after);
        if (p->o.on_users && p->loadgen[0] && !p->users.ticket) poll_ask(&p->users, url.data, users_answered);
        if (p->waiting) return;
        for (size_t i = 0; i < p->count; i++) {
                p->sample[i] = (struct run_sample){0};
                buf_clear(&url);
                if (!poll_query_url(p, p->question[i].query, &url)) poll_ask(&p->question[i], url.data, poll_answered);
                if (p->question[i].ticket) p->waiting++;
        }
        if (p->waiting == 0) poll_round_end(p);
}

enum err poll_new(const struct poll_options *options, struct poll **ret)
{
        AUTO(poll_free) struct poll *p = mem_zalloc(1, sizeof(*p));
        enum err e;

        if (!p) return ERR_NOMEM;
        p->o = *options;
        p->series.poll = p->users.poll = p;
        str_cut(p->prometheus, sizeof(p->prometheus), options->prometheus);
        str_cut(p->loadgen, sizeof(p->loadgen), options->loadgen ? options->loadgen : "");
        e = loop_timer_add(options->loop, 0, POLL_PERIOD_MS, poll_tick, p, &p->timer);
        if (e) return e;
        *ret = take(&p);
        return ERR_OK;
}

static void poll_forget(struct poll *p)
{
        for (size_t i = 0; i < p->count; i++) {
                http_async_cancel(take(&p->question[i].ticket));
                mem_free(take(&p->question[i].query));
        }
        p->count = p->waiting = 0;
}

void poll_free(struct poll *p)
{
        if (!p) return;
        poll_forget(p);
        http_async_cancel(p->series.ticket);
        http_async_cancel(p->users.ticket);
        loop_timer_remove(p->timer);
        mem_free(p);
}

enum err poll_watch(struct poll *p, const char *const *queries, size_t count)
{
        CHECK(count <= POLL_QUERIES_MAX);
        poll_forget(p);
        for (size_t i = 0; i < count; i++) {
                p->question[i] = (struct poll_question){.poll = p, .index = i, .query = mem_strdup(queries[i])};
                p->count = i + 1;
                if (p->question[i].query) continue;
                poll_forget(p);
                return ERR_NOMEM;
        }
        return ERR_OK;
}
