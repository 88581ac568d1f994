#include "sut/mq/mq_server.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/clock.h"
#include "common/sys/log.h"
#include "sut/natsq/natsq.h"

enum { BODY_BYTES = 96, BATCH_MAX = MQ_FLOOD_RATE_MAX / (1000 / MQ_TURN_MS) };

/* Orders of the other shop have numbers that ours never reaches. The faulty client charges one order again and again with another amount, which
 * the provider refuses. */
#define FLOOD_ORDER_FIRST INT64_C(4000000000)
#define POISON_ORDER INT64_C(3999999999)

struct mq_server {
        struct natsq *queue;
        struct loop_timer *timer;
        atomic_int flood_rate, poison_rate;
        atomic_bool is_up;
        double flood_owed, poison_owed;
        int64_t flood_count, poison_count, turn_ms;
        bool is_ensured;
        struct metrics_series *up, *messages[NATSQ_STREAM_COUNT], *bytes[NATSQ_STREAM_COUNT], *published[NATSQ_STREAM_COUNT];
        struct metrics_series *pending, *ack_pending, *redelivered, *delivered;
};

static const char *const stream_names[] = {
#define X(name, stream, subjects) stream,
        NATSQ_STREAM_LIST(X)
#undef X
};

/* ---- settings ---- */

static enum err stream_set(struct mq_server *m, enum mq_knob knob, int64_t value, struct err_note *reterr)
{
        enum natsq_stream stream = knob == MQ_DEAD_MAX_MESSAGES ? NATSQ_DEAD : NATSQ_JOBS;
        struct natsq_stream_state state;
        enum err e = natsq_stream_read(m->queue, stream, MQ_CALL_MS, &state, reterr);

        if (e) return e;
        if (knob == MQ_JOBS_MAX_AGE_S) state.age_max_ms = value ? value * 1000 : -1;
        else state.messages_max = value > 0 ? value : -1;
        return natsq_stream_set(m->queue, stream, &state, MQ_CALL_MS, reterr);
}

static enum err consumer_set(struct mq_server *m, enum mq_knob knob, int64_t value, struct err_note *reterr)
{
        struct natsq_consumer_state state;
        enum err e = natsq_consumer_read(m->queue, MQ_CALL_MS, &state, reterr);

        if (e) return e;
        if (knob == MQ_ACK_WAIT_MS) state.ack_wait_ms = value;
        else if (knob == MQ_MAX_DELIVER) state.deliver_max = value > 0 ? value : -1;
        else state.ack_pending_max = value;
        return natsq_consumer_set(m->queue, &state, MQ_CALL_MS, reterr);
}

enum err mq_server_set(struct mq_server *m, enum mq_knob knob, const struct json *value, struct err_note *reterr)
{
        int64_t number = (int64_t)json_value(value);

        if (knob <= MQ_DEAD_MAX_MESSAGES && !natsq_connected(m->queue)) return err_note(reterr, ERR_UNAVAILABLE, "NATS is not connected");
        switch (knob) {
        case MQ_ACK_WAIT_MS:
        case MQ_MAX_DELIVER:
        case MQ_MAX_ACK_PENDING: return consumer_set(m, knob, number, reterr);
        case MQ_JOBS_MAX_MESSAGES:
        case MQ_JOBS_MAX_AGE_S:
        case MQ_DEAD_MAX_MESSAGES: return stream_set(m, knob, number, reterr);
        case MQ_FLOOD_RATE: atomic_store(&m->flood_rate, (int)number); return ERR_OK;
        case MQ_POISON_RATE: atomic_store(&m->poison_rate, (int)number); return ERR_OK;
        default: return ERR_OK;
        }
}

enum err mq_server_read(struct mq_server *m, struct json *values, struct err_note *reterr)
{
        struct natsq_stream_state jobs, dead;
        struct natsq_consumer_state consumer;
        enum err e;

        json_set_num(values, mq_knobs[MQ_FLOOD_RATE].key, atomic_load(&m->flood_rate));
        json_set_num(values, mq_knobs[MQ_POISON_RATE].key, atomic_load(&m->poison_rate));
        e = natsq_stream_read(m->queue, NATSQ_JOBS, MQ_CALL_MS, &jobs, reterr);
        if (!e) e = natsq_stream_read(m->queue, NATSQ_DEAD, MQ_CALL_MS, &dead, reterr);
        if (!e) e = natsq_consumer_read(m->queue, MQ_CALL_MS, &consumer, reterr);
        if (e) return e;
        json_set_num(values, mq_knobs[MQ_JOBS_MAX_MESSAGES].key, (double)jobs.messages_max);
        json_set_num(values, mq_knobs[MQ_JOBS_MAX_AGE_S].key, jobs.age_max_ms > 0 ? (double)(jobs.age_max_ms / 1000) : 0);
        json_set_num(values, mq_knobs[MQ_DEAD_MAX_MESSAGES].key, (double)dead.messages_max);
        json_set_num(values, mq_knobs[MQ_ACK_WAIT_MS].key, (double)consumer.ack_wait_ms);
        json_set_num(values, mq_knobs[MQ_MAX_DELIVER].key, (double)consumer.deliver_max);
        json_set_num(values, mq_knobs[MQ_MAX_ACK_PENDING].key, (double)consumer.ack_pending_max);
        return ERR_OK;
}

/* ---- looking and emptying ---- */

static struct json *stream_json(const char *name, const struct natsq_stream_state *state)
{
        struct json *j = json_object();

        json_set_str(j, "name", name);
        json_set_num(j, "messages", (double)state->messages);
        json_set_num(j, "bytes", (double)state->bytes);
        json_set_num(j, "last_sequence", (double)state->last_sequence);
        return j;
}

enum err mq_server_state(struct mq_server *m, struct json **ret, struct err_note *reterr)
{
        struct natsq_stream_state state[NATSQ_STREAM_COUNT];
        struct natsq_consumer_state consumer;
        struct json *body, *streams, *j;
        enum err e = natsq_consumer_read(m->queue, MQ_CALL_MS, &consumer, reterr);

        for (int i = 0; !e && i < NATSQ_STREAM_COUNT; i++) e = natsq_stream_read(m->queue, (enum natsq_stream)i, MQ_CALL_MS, &state[i], reterr);
        if (e) return e;
        body = json_object();
        streams = json_array();
        for (int i = 0; i < NATSQ_STREAM_COUNT; i++) json_push(streams, stream_json(stream_names[i], &state[i]));
        json_set(body, "streams", streams);
        j = json_object();
        json_set_str(j, "name", NATSQ_CONSUMER);
        json_set_num(j, "pending", (double)consumer.pending);
        json_set_num(j, "ack_pending", (double)consumer.ack_pending);
        json_set_num(j, "redelivered", (double)consumer.redelivered);
        json_set_num(j, "waiting", (double)consumer.waiting);
        json_set(body, "consumer", j);
        *ret = body;
        return ERR_OK;
}

enum err mq_server_purge(struct mq_server *m, const char *stream, int64_t *ret_count, struct err_note *reterr)
{
        for (int i = 0; i < NATSQ_STREAM_COUNT; i++) {
                struct natsq_stream_state state;
                enum err e;

                if (!str_eq(stream, stream_names[i])) continue;
                e = natsq_stream_read(m->queue, (enum natsq_stream)i, MQ_CALL_MS, &state, reterr);
                if (!e) e = natsq_stream_purge(m->queue, (enum natsq_stream)i, MQ_CALL_MS, reterr);
                if (e) return e;
                *ret_count = state.messages;
                return ERR_OK;
        }
        return err_note(reterr, ERR_NOT_FOUND, "there is no stream '%s'; there are JOBS and DEAD", stream);
}

/* ---- jobs ---- */

/* What is owed since the last turn, at most a turn's worth: after a pause nothing is made up for. */
static int owed(double *left, int rate, int64_t passed_ms)
{
        int count;

        *left = rate == 0 ? 0 : MIN(*left + (double)rate * (double)passed_ms / 1000, (double)BATCH_MAX);
        count = (int)*left;
        *left -= count;
        return count;
}

static bool publish(struct mq_server *m, int64_t order_id, int64_t cents)
{
        char body[BODY_BYTES];
        struct natsq_job job = {.subject = NATSQ_SETTLE, .body = body};

        job.body_bytes = (size_t)snprintf(body, sizeof body, "{\"order_id\":%" PRId64 ",\"total_cents\":%" PRId64 "}", order_id, cents);
        return natsq_publish(m->queue, &job, MQ_CALL_MS, NULL, NULL) == ERR_OK;
}

static void jobs_turn(struct mq_server *m, int64_t passed_ms)
{
        int flood = owed(&m->flood_owed, atomic_load(&m->flood_rate), passed_ms);
        int poison = owed(&m->poison_owed, atomic_load(&m->poison_rate), passed_ms);

        for (int i = 0; i < flood; i++)
                if (!publish(m, FLOOD_ORDER_FIRST + m->flood_count++, 1000)) return; /* full or away: the next turn tries again */
        for (int i = 0; i < poison; i++)
                if (!publish(m, POISON_ORDER, 1 + m->poison_count++)) return;
}

/* ---- statistics ---- */

static enum err stat_read(struct mq_server *m, struct err_note *reterr)
{
        struct natsq_consumer_state consumer;
        enum err e = ERR_OK;

        for (int i = 0; i < NATSQ_STREAM_COUNT; i++) {
                struct natsq_stream_state state;

                e = natsq_stream_read(m->queue, (enum natsq_stream)i, MQ_CALL_MS, &state, reterr);
                if (e) return e;
                metrics_set(m->messages[i], (double)state.messages);
                metrics_set(m->bytes[i], (double)state.bytes);
                metrics_set(m->published[i], (double)state.last_sequence);
        }
        e = natsq_consumer_read(m->queue, MQ_CALL_MS, &consumer, reterr);
        if (e) return e;
        metrics_set(m->pending, (double)consumer.pending);
        metrics_set(m->ack_pending, (double)consumer.ack_pending);
        metrics_set(m->redelivered, (double)consumer.redelivered);
        metrics_set(m->delivered, (double)consumer.delivered_sequence);
        return ERR_OK;
}

static void server_turn(void *ctx)
{
        struct mq_server *m = ctx;
        struct err_note note = {0};
        bool was_up = atomic_load(&m->is_up);
        int64_t now_ms = clock_mono_ms(), passed_ms = m->turn_ms ? now_ms - m->turn_ms : 0;
        enum err e = ERR_OK;

        m->turn_ms = now_ms;
        if (!natsq_connected(m->queue)) e = err_note(&note, ERR_UNAVAILABLE, "not connected");
        if (!e && !m->is_ensured) e = natsq_ensure(m->queue, MQ_CALL_MS, &note);
        if (!e) m->is_ensured = true;
        if (!e) jobs_turn(m, passed_ms);
        if (!e) e = stat_read(m, &note);
        if (e) m->is_ensured = false; /* a server that came back empty needs its streams again */
        metrics_set(m->up, e ? 0 : 1);
        atomic_store(&m->is_up, e == ERR_OK);
        if (e && was_up) log_text(LOG_ERROR, "nats.down", "NATS cannot be read: %s", note.text);
        if (!e && !was_up) log_event(LOG_INFO, "nats.up", "NATS answers");
}

bool mq_server_up(const struct mq_server *m)
{
        return atomic_load(&m->is_up);
}

/* ---- life ---- */

static void server_metrics(struct mq_server *m, struct metrics *all)
{
        struct metrics_family *messages = metrics_gauge(all, "nats_stream_messages", "Messages in the stream", "stream");
        struct metrics_family *bytes = metrics_gauge(all, "nats_stream_bytes", "Bytes in the stream", "stream");
        struct metrics_family *published = metrics_counter(all, "nats_stream_published_total", "Messages ever stored", "stream");

        for (int i = 0; i < NATSQ_STREAM_COUNT; i++) {
                m->messages[i] = metrics_at(messages, stream_names[i]);
                m->bytes[i] = metrics_at(bytes, stream_names[i]);
                m->published[i] = metrics_at(published, stream_names[i]);
        }
        m->up = metrics_one(metrics_gauge(all, "nats_up", "1 if NATS answers", ""));
        m->pending = metrics_one(metrics_gauge(all, "nats_consumer_pending", "Jobs not delivered yet", ""));
        m->ack_pending = metrics_one(metrics_gauge(all, "nats_consumer_ack_pending", "Jobs delivered and not answered", ""));
        m->redelivered = metrics_one(metrics_gauge(all, "nats_consumer_redelivered", "Unanswered jobs that were delivered more than once", ""));
        m->delivered = metrics_one(metrics_counter(all, "nats_consumer_delivered_total", "Deliveries, repeated ones too", ""));
}

enum err mq_server_new(struct loop *loop, const char *address, struct metrics *metrics, struct mq_server **ret, struct err_note *reterr)
{
        AUTO(mq_server_free) struct mq_server *m = mem_zalloc(1, sizeof *m);
        enum err e;

        if (!m) return err_note(reterr, ERR_NOMEM, "no memory for the queue adapter");
        e = natsq_open(address, "sut-mq", &m->queue, reterr);
        if (e) return e;
        server_metrics(m, metrics);
        e = loop_timer_add(loop, MQ_TURN_MS, MQ_TURN_MS, server_turn, m, &m->timer);
        if (e) return err_note(reterr, e, "cannot start the queue adapter: %s", err_text(e));
        server_turn(m);
        *ret = take(&m);
        return ERR_OK;
}

void mq_server_free(struct mq_server *m)
{
        if (!m) return;
        loop_timer_remove(m->timer);
        natsq_free(m->queue);
        mem_free(m);
}
