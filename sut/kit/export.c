/* Sends ended spans to logproc as OTLP/HTTP JSON (https://opentelemetry.io/docs/specs/otlp/#otlphttp), a batch a second. When
 * logproc does not answer, the spans of that batch are lost and counted, and the next try waits longer. */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "common/base/mem.h"
#include "common/http/client.h"
#include "sut/kit/inside.h"

enum { EXPORT_BATCH = 128, EXPORT_EVERY_MS = 1000, EXPORT_AFTER_FAILURE_MS = 5000, EXPORT_BYTES_MAX = 1 << 20, EXPORT_STACK_BYTES = 256 * 1024 };

struct kit_export {
        struct kit *kit;
        pthread_t thread;
        pthread_mutex_t lock;
        pthread_cond_t wake;
        bool stopping, started;
        struct http_client *client;
        char url[96];
        struct kit_span batch[EXPORT_BATCH];
};

static void attribute(struct buf *b, const char *separator, const char *key, const char *value)
{
        buf_printf(b, "%s{\"key\":", separator);
        json_quote(b, key);
        buf_str(b, ",\"value\":{\"stringValue\":");
        json_quote(b, value);
        buf_str(b, "}}");
}

static void span_print(struct buf *b, const struct kit_span *s)
{
        buf_printf(b, "{\"traceId\":\"%s\",\"spanId\":\"%s\",", s->trace.trace_id, s->trace.span_id);
        if (s->trace.parent_id[0]) buf_printf(b, "\"parentSpanId\":\"%s\",", s->trace.parent_id);
        buf_str(b, "\"name\":");
        json_quote(b, s->name);
        buf_printf(b, ",\"kind\":%d,\"startTimeUnixNano\":\"%" PRId64 "000\",\"endTimeUnixNano\":\"%" PRId64 "000\",\"attributes\":[", (int)s->kind,
                   s->start_us, s->end_us);
        for (int i = 0; i < s->attr_count; i++) attribute(b, i ? "," : "", s->attrs[i].key, s->attrs[i].value);
        buf_printf(b, "],\"status\":{\"code\":%d}}", s->failed ? 2 : 0);
}

static void batch_print(struct kit_export *x, int count, struct buf *b)
{
        char version[32];

        kit_config_version(x->kit->config, version, sizeof version);
        buf_str(b, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[");
        attribute(b, "", "service.name", x->kit->args.name);
        attribute(b, ",", "service.instance.id", x->kit->args.instance);
        attribute(b, ",", "service.version", version);
        buf_str(b, "]},\"scopeSpans\":[{\"scope\":{\"name\":\"sut/kit\"},\"spans\":[");
        for (int i = 0; i < count; i++) {
                if (i) buf_char(b, ',');
                span_print(b, &x->batch[i]);
        }
        buf_str(b, "]}]}]}");
}

static bool batch_send(struct kit_export *x, int count)
{
        struct http_request request = { .method = "POST", .url = x->url, .headers = { "Content-Type: application/json", NULL },
                                        .connect_timeout_ms = 1000, .timeout_ms = 2000 };
        struct http_response response;
        AUTO_BUF body;
        enum err e;

        buf_init(&body, EXPORT_BYTES_MAX);
        batch_print(x, count, &body);
        if (buf_status(&body)) return false;
        request.body = body.data;
        request.body_bytes = body.size_bytes;
        http_response_init(&response);
        e = http_do(x->client, &request, &response, NULL);
        if (!e && response.status >= 300) e = ERR_UNAVAILABLE;
        http_response_done(&response);
        return e == ERR_OK;
}

/* True: time to stop. */
static bool wait_ms(struct kit_export *x, int64_t ms)
{
        struct timespec until;
        bool stopping;

        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += ms / 1000;
        pthread_mutex_lock(&x->lock);
        while (!x->stopping && pthread_cond_timedwait(&x->wake, &x->lock, &until) == 0) {}
        stopping = x->stopping;
        pthread_mutex_unlock(&x->lock);
        return stopping;
}

static void *export_run(void *arg)
{
        struct kit_export *x = arg;
        int64_t pause_ms = EXPORT_EVERY_MS;
        bool stopping;

        do {
                int count;

                stopping = wait_ms(x, pause_ms);
                pause_ms = EXPORT_EVERY_MS;
                while ((count = kit_span_drain(x->batch, EXPORT_BATCH)) > 0) {
                        if (batch_send(x, count)) continue;
                        kit_span_lose((uint64_t)count);
                        pause_ms = EXPORT_AFTER_FAILURE_MS;
                        break;
                }
        } while (!stopping);
        return NULL;
}

enum err kit_export_new(struct kit *k, struct kit_export **ret)
{
        const char *address = kit_args_upstream(&k->args, "logproc");
        AUTO(kit_export_free) struct kit_export *x = NULL;
        pthread_attr_t attr;

        if (!address) {
                *ret = NULL;
                return ERR_OK;
        }
        x = mem_zalloc(1, sizeof *x);
        if (!x) return ERR_NOMEM;
        x->kit = k;
        pthread_mutex_init(&x->lock, NULL);
        pthread_cond_init(&x->wake, NULL);
        snprintf(x->url, sizeof x->url, "http://%s/v1/traces", address);
        if (http_client_new(&x->client)) return ERR_NOMEM;
        pthread_attr_init(&attr);
        pthread_attr_setstacksize(&attr, EXPORT_STACK_BYTES);
        x->started = pthread_create(&x->thread, &attr, export_run, x) == 0;
        pthread_attr_destroy(&attr);
        if (!x->started) return ERR_LIMIT;
        *ret = take(&x);
        return ERR_OK;
}

void kit_export_free(struct kit_export *x)
{
        if (!x) return;
        pthread_mutex_lock(&x->lock);
        x->stopping = true;
        pthread_cond_signal(&x->wake);
        pthread_mutex_unlock(&x->lock);
        if (x->started) pthread_join(x->thread, NULL);
        http_client_free(x->client);
        pthread_cond_destroy(&x->wake);
        pthread_mutex_destroy(&x->lock);
        mem_free(x);
}
