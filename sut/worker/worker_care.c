/* The thread that cares for what fell off the way: orders that were accepted and never queued, and dead letters. */
#include <inttypes.h>
#include <stdio.h>

#include "common/sys/clock.h"
#include "common/sys/log.h"
#include "sut/kit/request.h"
#include "sut/worker/worker.h"

enum { CARE_TICK_MS = 1000, REDRIVE_BATCH = 10, PUBLISH_MS = 1000 };

static enum err queue_again(struct worker *w, const struct trace *trace, int64_t order_id, int64_t total_cents, struct err_note *reterr)
{
        char body[WORKER_PAYLOAD_BYTES], id[48], parent[TRACE_HEADER_BYTES];
        struct natsq_job job = { .subject = NATSQ_SETTLE, .body = body, .id = id, .traceparent = parent };
        bool duplicate = false;
        enum err e;

        trace_header(trace, parent);
        snprintf(id, sizeof id, "order-%" PRId64, order_id);
        job.body_bytes = (size_t)snprintf(body, sizeof body, "{\"order_id\":%" PRId64 ",\"total_cents\":%" PRId64 "}", order_id, total_cents);
        e = natsq_publish(w->mq, &job, PUBLISH_MS, &duplicate, reterr);
        if (e || duplicate) return e;
        metrics_add(w->series.reconciled, 1);
        log_event(LOG_WARN, "order.requeued", "an accepted order was not settled and is queued again", KIT_TRACE_FIELDS(trace), LOG_N("order_id", order_id));
        return ERR_OK;
}

/* Queued orders come up here too while there is a backlog; their job id keeps them from being queued twice within two minutes, and
 * settling twice does nothing. */
static enum err reconcile(struct worker *w, int64_t older_than_s, struct err_note *reterr)
{
        AUTO(pg_rows_free) struct pg_rows *rows = NULL;
        struct pg_lease lease;
        struct trace trace;
        char seconds[24];
        const char *params[] = { seconds };
        enum err e;

        trace_root(&trace);
        trace.sampled = false;
        snprintf(seconds, sizeof seconds, "%" PRId64, older_than_s);
        e = pg_lease_take(w->db, &trace, INT64_MAX, &lease, reterr);
        if (e) return e;
        e = pg_lease_query(&lease, "orders_lost",
                           "SELECT id, total_cents FROM orders WHERE id > (SELECT value::bigint FROM shop_meta WHERE key = 'seeded_orders') AND status = 'accepted' "
                           "AND created_at < now() - $1 * interval '1 s' ORDER BY id LIMIT 100",
                           params, 1, &rows, reterr);
        pg_lease_give(&lease);
        for (int i = 0; !e && i < pg_rows_count(rows); i++) e = queue_again(w, &trace, pg_rows_i64(rows, i, 0), pg_rows_i64(rows, i, 1), reterr);
        return e;
}

static enum err redrive_one(struct worker *w, struct natsq_message *m, struct err_note *reterr)
{
        struct natsq_job job = { .subject = NATSQ_SETTLE, .traceparent = natsq_message_traceparent(m) };
        enum err e;

        job.body = natsq_message_body(m, &job.body_bytes);
        e = natsq_publish(w->mq, &job, PUBLISH_MS, NULL, reterr);
        if (e) return e;
        metrics_add(w->series.redriven, 1);
        return natsq_ack(m, reterr);
}

static enum err redrive(struct worker *w, struct err_note *reterr)
{
        AUTO(natsq_pull_free) struct natsq_pull *pull = NULL;
        int count = 0;
        enum err e = natsq_pull_new(w->mq, NATSQ_DEAD, &pull, reterr);

        if (!e) e = natsq_fetch(pull, REDRIVE_BATCH, 200, &count, reterr);
        for (int i = 0; !e && i < count; i++) e = redrive_one(w, natsq_at(pull, i), reterr);
        return e;
}

void *worker_care_run(void *worker_thread)
{
        struct worker *w = ((struct worker_thread *)worker_thread)->worker;
        int64_t reconciled_ms = clock_mono_ms();
        bool ensured = false;

        while (!worker_pause(w, CARE_TICK_MS)) {
                int64_t period_s = kit_config_int(w->config, WORKER_RECONCILE_S), now_ms = clock_mono_ms();
                struct err_note note = { 0 };
                enum err e = ERR_OK;

                if (!natsq_connected(w->mq)) continue;
                if (!ensured) ensured = natsq_ensure(w->mq, PUBLISH_MS, &note) == ERR_OK;
                if (kit_config_on(w->config, WORKER_REDRIVE)) e = redrive(w, &note);
                if (!e && period_s > 0 && now_ms - reconciled_ms >= period_s * 1000) {
                        reconciled_ms = now_ms;
                        e = reconcile(w, period_s, &note);
                }
                if (e) log_text(LOG_WARN, "care.failed", "%s", note.text);
        }
        return NULL;
}
