#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/str.h"
#include "common/sys/clock.h"
#include "common/sys/log.h"
#include "sut/kit/request.h"
#include "sut/kit/retry.h"
#include "sut/kit/span.h"
#include "sut/worker/worker.h"

struct job {
        struct natsq_message *message;
        const char *body;
        size_t body_bytes;
        int64_t order_id, total_cents, deliveries;
        char payment_ref[64];
        struct trace trace;
};

/* What is to become of a job. */
enum verdict { SETTLED, DUPLICATE, DECLINED, AGAIN, UNREADABLE };

static bool job_read(struct job *j)
{
        AUTO(json_free) struct json *body = NULL;

        if (json_parse(j->body, j->body_bytes, &body, NULL)) return false;
        j->order_id = json_get_int(body, "order_id", 0);
        j->total_cents = json_get_int(body, "total_cents", 0);
        return j->order_id > 0 && j->total_cents > 0;
}

static void ref_read(struct job *j, const struct http_response *response)
{
        AUTO(json_free) struct json *body = NULL;

        j->payment_ref[0] = '\0';
        if (json_parse(response->body.data, response->body.size_bytes, &body, NULL)) return;
        str_cut(j->payment_ref, sizeof j->payment_ref, json_get_str(body, "payment_ref", ""));
}

static enum verdict charge(struct worker *w, struct job *j, struct err_note *note)
{
        char key[64], body[96];
        const char *headers[] = { key, NULL };
        struct kit_upstream_call call = { .method = "POST", .path = "/charges", .content_type = "application/json", .body = body, .headers = headers,
                                          .trace = &j->trace, .idempotent = true };
        struct http_response response;
        enum verdict verdict = AGAIN;

        snprintf(key, sizeof key, "Idempotency-Key: order-%" PRId64, j->order_id);
        call.body_bytes = (size_t)snprintf(body, sizeof body, "{\"order_id\":%" PRId64 ",\"amount_cents\":%" PRId64 "}", j->order_id, j->total_cents);
        http_response_init(&response);
        if (!kit_upstream_send(w->payments, &call, &response, note)) {
                if (response.status == 200 || response.status == 201) {
                        ref_read(j, &response);
                        if (j->payment_ref[0]) verdict = SETTLED;
                }
                if (response.status == 402) verdict = DECLINED;
                if (verdict == AGAIN) err_note(note, ERR_UNAVAILABLE, "the payment provider answered %d", response.status);
        }
        http_response_done(&response);
        return verdict;
}

/* One transaction: the order becomes settled and its payment is there, or neither. */
static enum err write_payment(struct pg_lease *lease, const struct job *j, bool *ret_duplicate, struct err_note *reterr)
{
        AUTO(pg_rows_free) struct pg_rows *rows = NULL;
        char id[24], cents[24];
        const char *params[] = { id, j->payment_ref, cents };
        enum err e;

        snprintf(id, sizeof id, "%" PRId64, j->order_id);
        snprintf(cents, sizeof cents, "%" PRId64, j->total_cents);
        e = pg_lease_begin(lease, reterr);
        if (!e)
                e = pg_lease_query(lease, "order_settle", "UPDATE orders SET status = 'settled', settled_at = now() WHERE id = $1 AND status <> 'settled'",
                                   params, 1, &rows, reterr);
        if (e) return e;
        *ret_duplicate = pg_rows_affected(rows) == 0;
        if (*ret_duplicate) return ERR_OK; /* settled before, or no longer there: nothing to write */
        e = pg_lease_query(lease, "payment_insert", "INSERT INTO payments (order_id, payment_ref, amount_cents) VALUES ($1, $2, $3) ON CONFLICT (order_id) DO NOTHING",
                           params, 3, NULL, reterr);
        return e ? e : pg_lease_commit(lease, reterr);
}

static enum err mark_failed(struct worker *w, const struct job *j, struct err_note *reterr)
{
        struct pg_lease lease;
        char id[24];
        const char *params[] = { id };
        enum err e = pg_lease_take(w->db, &j->trace, INT64_MAX, &lease, reterr);

        if (e) return e;
        snprintf(id, sizeof id, "%" PRId64, j->order_id);
        e = pg_lease_query(&lease, "order_fail", "UPDATE orders SET status = 'failed' WHERE id = $1 AND status = 'accepted'", params, 1, NULL, reterr);
        pg_lease_give(&lease);
        return e;
}

static enum verdict work(struct worker *w, struct job *j, struct err_note *note)
{
        struct pg_lease lease;
        enum verdict verdict;
        bool duplicate = false;
        enum err e;

        if (!job_read(j)) return UNREADABLE;
        verdict = charge(w, j, note);
        if (verdict == DECLINED) return mark_failed(w, j, note) ? AGAIN : DECLINED;
        if (verdict != SETTLED) return verdict;
        e = pg_lease_take(w->db, &j->trace, INT64_MAX, &lease, note);
        if (e) return AGAIN;
        e = write_payment(&lease, j, &duplicate, note);
        pg_lease_give(&lease);
        if (e) return AGAIN;
        return duplicate ? DUPLICATE : SETTLED;
}

enum err worker_bury(struct worker *w, const void *body, size_t body_bytes, const char *traceparent, struct err_note *reterr)
{
        struct natsq_job dead = { .subject = NATSQ_DEAD_SETTLE, .body = body, .body_bytes = body_bytes, .traceparent = traceparent };
        enum err e = natsq_publish(w->mq, &dead, 2000, NULL, reterr);

        if (!e) metrics_add(w->series.dead, 1);
        return e;
}

static enum err give_up(struct worker *w, struct job *j, bool readable, struct err_note *reterr)
{
        enum err e = worker_bury(w, j->body, j->body_bytes, natsq_message_traceparent(j->message), reterr);

        if (!e && readable) e = mark_failed(w, j, reterr);
        return e ? e : natsq_term(j->message, reterr);
}

/* The job's end, or its next try. What cannot be answered comes back by itself after ack_wait. */
static const char *answer(struct worker *w, struct job *j, enum verdict verdict, struct err_note *note)
{
        int64_t attempts_max = kit_config_int(w->config, WORKER_MAX_ATTEMPTS), delay_ms;
        struct err_note problem = { 0 };
        const char *outcome = "retried";
        enum err e;

        if (verdict == SETTLED || verdict == DUPLICATE || verdict == DECLINED) {
                e = natsq_ack(j->message, &problem);
                outcome = verdict == SETTLED ? "settled" : verdict == DUPLICATE ? "duplicate" : "declined";
        } else if (verdict == UNREADABLE || j->deliveries >= attempts_max) {
                e = give_up(w, j, verdict != UNREADABLE, &problem);
                outcome = verdict == UNREADABLE ? "unreadable" : "dead";
                log_event(LOG_ERROR, "job.dead", verdict == UNREADABLE ? "a job cannot be read" : note->text, KIT_TRACE_FIELDS(&j->trace), LOG_N("order_id", j->order_id),
                          LOG_N("attempts", j->deliveries));
        } else {
                delay_ms = kit_retry_backoff_ms((int)MIN(j->deliveries - 1, 20), kit_config_int(w->config, WORKER_BACKOFF_MS),
                                                kit_config_int(w->config, WORKER_BACKOFF_MAX_MS), (uint32_t)(kit_random() >> 32));
                e = natsq_nak(j->message, MAX(1, delay_ms), &problem);
                log_event(LOG_WARN, "job.retried", note->text, KIT_TRACE_FIELDS(&j->trace), LOG_N("order_id", j->order_id), LOG_N("attempt", j->deliveries));
        }
        if (e) log_event(LOG_WARN, "job.unanswered", problem.text, KIT_TRACE_FIELDS(&j->trace), LOG_N("order_id", j->order_id));
        return outcome;
}

void worker_settle(struct worker *w, struct natsq_message *m)
{
        const char *parent = natsq_message_traceparent(m), *outcome;
        struct job job = { .message = m, .deliveries = natsq_message_deliveries(m) };
        struct err_note note = { 0 };
        int64_t start_us = clock_mono_us();
        struct kit_span span;
        enum verdict verdict;

        kit_span_begin(&span, NULL, SPAN_CONSUMER, "settle order");
        if (!parent || trace_parse(parent, &span.trace)) trace_root(&span.trace);
        job.trace = span.trace;
        job.body = natsq_message_body(m, &job.body_bytes);
        w->busy++;
        verdict = work(w, &job, &note);
        outcome = answer(w, &job, verdict, &note);
        w->busy--;
        metrics_add(metrics_at(w->series.jobs, outcome), 1);
        metrics_observe_trace(w->series.duration, (double)(clock_mono_us() - start_us) / 1e6, job.trace.trace_id);
        if (verdict == SETTLED) metrics_observe(w->series.age, (double)MAX(0, clock_wall_ms() - natsq_message_stored_ms(m)) / 1000);
        kit_span_attr(&span, "messaging.system", "nats");
        kit_span_attr(&span, "outcome", outcome);
        kit_span_attr_int(&span, "messaging.delivery_count", job.deliveries);
        kit_span_end(&span, verdict == AGAIN || verdict == UNREADABLE);
}
