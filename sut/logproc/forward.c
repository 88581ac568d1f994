#include "sut/logproc/forward.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/http/client.h"
#include "common/sys/clock.h"
#include "common/sys/log.h"
#include "sut/logproc/forward_encode.h"

enum { BODY_BYTES_MAX = 6 * 1024 * 1024, ANSWER_BYTES_MAX = 16 * 1024, SEND_TIMEOUT_MS = 5000, FORMS_MAX = 2 };

/* What a receiver gets: the same slice in one or two forms, each to a path of its own. */
struct form {
        const char *path, *content_type;
        size_t (*encode)(const struct encode_slice *s, struct buf *b);
};

static const struct {
        const char *text;
        struct form forms[FORMS_MAX];
} receivers[FORWARD_COUNT] = {
        [FORWARD_LOKI] = {"loki", {{"/loki/api/v1/push", "application/json", encode_loki}}},
        [FORWARD_OTLP] = {"otlp", {{"/v1/logs", "application/json", encode_otlp_logs}, {"/v1/traces", "application/json", encode_otlp_spans}}},
        [FORWARD_INFLUX] = {"influx", {{"/write?db=firedrill&precision=ms", "text/plain; charset=utf-8", encode_influx}}},
};

struct body {
        const struct form *form;
        char *bytes;
        size_t size_bytes, records;
};

struct sink {
        struct forward *forward;
        enum forward_to to;
        struct body ring[FORWARD_BODIES_MAX];
        size_t head, count;
        int64_t queued_bytes, retry_ms, not_before_ms;
        struct http_ticket *under_way; /* sends ring[head] */
        _Atomic bool is_ok;
        struct metrics_series *sent, *refused, *dropped, *failures, *waiting;
};

struct forward {
        struct http_async *http;
        struct loop_timer *timer;
        const char *stack;
        int64_t point_ms; /* of the last points: two with one time would be one */
        struct forward_policy policy;
        struct sink sinks[FORWARD_COUNT];
        pthread_mutex_t lock;
        struct forward_policy wanted; /* under the lock */
};

const char *forward_text(enum forward_to to)
{
        return receivers[to].text;
}

bool forward_url_good(const char *url)
{
        static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_";
        const char *at = url;

        if (!url[0]) return true;
        if (!str_starts(at, "http://") || strlen(url) >= FORWARD_URL_BYTES) return false;
        at += strlen("http://");
        if (!strspn(at, plain)) return false;
        at += strspn(at, plain);
        if (*at == ':') {
                size_t digits = strspn(at + 1, "0123456789");

                if (digits < 1 || digits > 5) return false;
                at += 1 + digits;
        }
        while (*at == '/' && strspn(at + 1, plain)) at += 1 + strspn(at + 1, plain);
        return *at == '\0';
}

/* ---- the queue of a receiver ---- */

static void sink_pop(struct sink *s)
{
        struct body *b = &s->ring[s->head];

        CHECK(s->count > 0);
        s->queued_bytes -= (int64_t)b->size_bytes;
        mem_free(take(&b->bytes));
        s->head = (s->head + 1) % FORWARD_BODIES_MAX;
        s->count--;
}

static void sink_push(struct sink *s, const struct form *form, struct buf *text, size_t records)
{
        bool fits = buf_status(text) == ERR_OK && s->count < FORWARD_BODIES_MAX && s->queued_bytes + (int64_t)text->size_bytes <= s->forward->policy.queue_bytes;
        struct body b = {.form = form, .records = records};

        if (fits) b.bytes = buf_take(text, &b.size_bytes);
        if (!b.bytes) {
                metrics_add(s->dropped, (double)records);
                return;
        }
        s->ring[(s->head + s->count++) % FORWARD_BODIES_MAX] = b;
        s->queued_bytes += (int64_t)b.size_bytes;
}

static void sink_clear(struct sink *s)
{
        http_async_cancel(take(&s->under_way));
        while (s->count) {
                metrics_add(s->dropped, (double)s->ring[s->head].records);
                sink_pop(s);
        }
        s->retry_ms = s->not_before_ms = 0;
        atomic_store(&s->is_ok, true);
}

/* ---- sending ---- */

static void sink_send(struct sink *s);

static void sink_failed(struct sink *s, int64_t retry_after_ms, const char *why)
{
        metrics_add(s->failures, 1);
        s->retry_ms = s->retry_ms ? MIN(2 * s->retry_ms, FORWARD_RETRY_MS_MAX) : FORWARD_RETRY_MS;
        s->not_before_ms = clock_mono_ms() + MAX(s->retry_ms, MIN(retry_after_ms, FORWARD_RETRY_MS_MAX));
        if (atomic_exchange(&s->is_ok, false)) log_text(LOG_WARN, "forward.failed", "%s does not take what is sent: %s", forward_text(s->to), why);
}

static void sink_done(void *ctx, enum err e, const struct err_note *note, const struct http_response *r)
{
        struct sink *s = ctx;
        size_t records = s->ring[s->head].records;
        char why[64];

        s->under_way = NULL;
        if (e || r->status == 408 || r->status == 429 || r->status >= 500) {
                if (!e) snprintf(why, sizeof why, "status %d", r->status);
                sink_failed(s, e ? 0 : r->retry_after_s * 1000, e ? note->text : why);
                return;
        }
        sink_pop(s);
        s->retry_ms = s->not_before_ms = 0;
        if (r->status >= 300) {
                metrics_add(s->refused, (double)records);
                if (atomic_exchange(&s->is_ok, false))
                        log_text(LOG_WARN, "forward.refused", "%s refuses what is sent: status %d %.200s", forward_text(s->to), r->status, r->body.data);
        } else {
                metrics_add(s->sent, (double)records);
                if (!atomic_exchange(&s->is_ok, true)) log_text(LOG_INFO, "forward.resumed", "%s takes what is sent again", forward_text(s->to));
        }
        sink_send(s);
}

static void sink_send(struct sink *s)
{
        const struct body *b = &s->ring[s->head];
        char url[FORWARD_URL_BYTES + 64], type[64];
        struct http_request request = {.method = "POST", .url = url, .headers = {type, NULL}, .connect_timeout_ms = SEND_TIMEOUT_MS,
                                       .timeout_ms = SEND_TIMEOUT_MS, .body_bytes_max = ANSWER_BYTES_MAX};

        metrics_set(s->waiting, (double)s->queued_bytes);
        if (s->under_way || !s->count || clock_mono_ms() < s->not_before_ms) return;
        snprintf(url, sizeof url, "%s%s", s->forward->policy.urls[s->to], b->form->path);
        snprintf(type, sizeof type, "Content-Type: %s", b->form->content_type);
        request.body = b->bytes;
        request.body_bytes = b->size_bytes;
        if (http_async_start(s->forward->http, &request, sink_done, s, &s->under_way)) sink_failed(s, 0, "no request could be started");
}

/* Takes up what was set last, so that all that is stored after a change follows it. */
static void policy_take(struct forward *f)
{
        pthread_mutex_lock(&f->lock);
        f->policy = f->wanted;
        pthread_mutex_unlock(&f->lock);
        for (int to = 0; to < FORWARD_COUNT; to++)
                if (!f->policy.urls[to][0]) sink_clear(&f->sinks[to]);
}

/* ---- what was stored ---- */

static void offer_slice(struct sink *s, const struct encode_slice *slice)
{
        for (size_t i = 0; i < FORMS_MAX && receivers[s->to].forms[i].path; i++) {
                const struct form *form = &receivers[s->to].forms[i];
                AUTO_BUF text;
                size_t records;

                buf_init(&text, BODY_BYTES_MAX);
                records = form->encode(slice, &text);
                if (records) sink_push(s, form, &text, records);
        }
}

void forward_offer(struct forward *f, const struct record_batch *batch)
{
        policy_take(f);
        for (size_t at = 0; at < MAX(batch->log_count, batch->span_count); at += ENCODE_RECORDS_MAX) {
                struct encode_slice slice = {.level = f->policy.level, .stack = f->stack};

                if (at < batch->log_count) {
                        slice.logs = batch->logs + at;
                        slice.log_count = MIN(batch->log_count - at, (size_t)ENCODE_RECORDS_MAX);
                }
                if (at < batch->span_count) {
                        slice.spans = batch->spans + at;
                        slice.span_count = MIN(batch->span_count - at, (size_t)ENCODE_RECORDS_MAX);
                }
                slice.now_ms = f->point_ms = MAX(clock_wall_ms(), f->point_ms + 1);
                for (int to = 0; to < FORWARD_COUNT; to++)
                        if (f->policy.urls[to][0]) offer_slice(&f->sinks[to], &slice);
        }
}

static void forward_turn(void *ctx)
{
        struct forward *f = ctx;

        policy_take(f);
        for (int to = 0; to < FORWARD_COUNT; to++) sink_send(&f->sinks[to]);
}

void forward_set(struct forward *f, const struct forward_policy *policy)
{
        for (int to = 0; to < FORWARD_COUNT; to++) CHECK(forward_url_good(policy->urls[to]));
        pthread_mutex_lock(&f->lock);
        f->wanted = *policy;
        pthread_mutex_unlock(&f->lock);
}

bool forward_ok(struct forward *f, enum forward_to to)
{
        return atomic_load(&f->sinks[to].is_ok);
}

/* ---- life ---- */

static void sink_init(struct sink *s, struct forward *f, enum forward_to to, struct metrics *m)
{
        struct metrics_family *forwarded = metrics_counter(m, "logproc_forwarded_total", "Lines and spans for receivers outside, by what became of them", "to outcome");

        *s = (struct sink){.forward = f, .to = to};
        atomic_init(&s->is_ok, true);
        s->sent = metrics_at(forwarded, forward_text(to), "sent");
        s->refused = metrics_at(forwarded, forward_text(to), "refused");
        s->dropped = metrics_at(forwarded, forward_text(to), "dropped");
        s->failures = metrics_at(metrics_counter(m, "logproc_forward_failures_total", "Requests to receivers outside that failed and are tried again", "to"), forward_text(to));
        s->waiting = metrics_at(metrics_gauge(m, "logproc_forward_queue_bytes", "What waits for a receiver outside", "to"), forward_text(to));
}

enum err forward_new(struct loop *loop, struct metrics *metrics, const char *stack, struct forward **ret, struct err_note *reterr)
{
        AUTO(forward_free) struct forward *f = mem_zalloc(1, sizeof *f);
        enum err e;

        if (!f) return err_note(reterr, ERR_NOMEM, "no memory for the forwarders");
        pthread_mutex_init(&f->lock, NULL);
        f->stack = stack;
        for (int to = 0; to < FORWARD_COUNT; to++) sink_init(&f->sinks[to], f, (enum forward_to)to, metrics);
        e = http_async_new(loop, &f->http);
        if (!e) e = loop_timer_add(loop, FORWARD_TURN_MS, FORWARD_TURN_MS, forward_turn, f, &f->timer);
        if (e) return err_note(reterr, e, "the forwarders cannot be started");
        *ret = take(&f);
        return ERR_OK;
}

void forward_free(struct forward *f)
{
        if (!f) return;
        loop_timer_remove(f->timer);
        for (int to = 0; to < FORWARD_COUNT; to++) {
                f->sinks[to].under_way = NULL; /* the client drops it */
                while (f->sinks[to].count) sink_pop(&f->sinks[to]);
        }
        http_async_free(f->http);
        pthread_mutex_destroy(&f->lock);
        mem_free(f);
}
