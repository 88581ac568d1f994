#include <inttypes.h>
#include <stdio.h>

#include "common/sys/clock.h"
#include "common/sys/log.h"
#include "sut/api/api.h"
#include "sut/kit/span.h"

void api_queue_order(struct api *a, const struct trace *trace, int64_t order_id, int64_t total_cents)
{
        char body[96], id[48], parent[TRACE_HEADER_BYTES];
        struct natsq_job job = { .subject = NATSQ_SETTLE, .body = body, .id = id, .traceparent = parent };
        int64_t start_us = clock_mono_us();
        struct err_note note = { 0 };
        struct kit_span span;
        bool duplicate = false;
        enum err e;

        if (!a->mq) return;
        kit_span_begin(&span, trace, SPAN_PRODUCER, "publish " NATSQ_SETTLE);
        kit_span_attr(&span, "messaging.system", "nats");
        trace_header(&span.trace, parent);
        snprintf(id, sizeof id, "order-%" PRId64, order_id);
        job.body_bytes = (size_t)snprintf(body, sizeof body, "{\"order_id\":%" PRId64 ",\"total_cents\":%" PRId64 "}", order_id, total_cents);
        e = natsq_publish(a->mq, &job, kit_config_int(a->config, API_MQ_PUBLISH_MS), &duplicate, &note);
        metrics_observe_trace(a->publish_seconds, (double)(clock_mono_us() - start_us) / 1e6, trace->trace_id);
        metrics_add(metrics_at(a->published, e ? "failed" : duplicate ? "duplicate" : "stored"), 1);
        if (e) log_event(LOG_WARN, "order.not_queued", note.text, KIT_TRACE_FIELDS(trace), LOG_N("order_id", order_id));
        kit_span_end(&span, e != ERR_OK);
}
