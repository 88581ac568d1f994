#include "server/push/push_conn.h"

#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/text/json.h"

struct push_topic {
        bool is_stream, is_on;
};

static const struct push_topic push_topics[PUSH_TYPE_COUNT] = {
#define X(name, text, is_stream, is_on) [PUSH_##name] = { is_stream, is_on },
        PUSH_TYPE_LIST(X)
#undef X
};

static uint32_t push_topics_at_first(void)
{
        uint32_t mask = 0;

        for (size_t i = 0; i < PUSH_TYPE_COUNT; i++)
                if (push_topics[i].is_on) mask |= UINT32_C(1) << i;
        return mask;
}

struct push_conn *push_conn_new(int64_t now_ms)
{
        struct push_conn *conn = mem_zalloc(1, sizeof *conn);

        if (!conn) return NULL;
        conn->topics = push_topics_at_first();
        conn->sent_ms = conn->progress_ms = now_ms;
        buf_init(&conn->input, PUSH_INPUT_BYTES_MAX);
        return conn;
}

static void push_queue_clear(struct push_queue *queue)
{
        for (size_t i = 0; i < queue->count; i++)
                push_msg_unref(queue->items[(queue->first + i) % queue->capacity]);
        queue->first = queue->count = queue->size_bytes = 0;
}

void push_conn_free(struct push_conn *conn)
{
        if (!conn) return;
        push_queue_clear(&conn->queue);
        mem_free(conn->queue.items);
        buf_done(&conn->input);
        mem_free(conn);
}

/* A lone message may be larger than the limit: a snapshot must fit into an empty queue. */
static bool push_queue_add(struct push_queue *queue, struct push_msg *msg)
{
        if (queue->count && queue->size_bytes + msg->size_bytes > PUSH_QUEUE_BYTES_MAX) return false;
        if (queue->count == PUSH_QUEUE_MESSAGES_MAX) return false;
        if (queue->count == queue->capacity) {
                size_t capacity = queue->capacity ? queue->capacity * 2 : 8;
                struct push_msg **items = mem_alloc(capacity * sizeof *items);

                if (!items) return false;
                for (size_t i = 0; i < queue->count; i++)
                        items[i] = queue->items[(queue->first + i) % queue->capacity];
                mem_free(queue->items);
                queue->items = items;
                queue->capacity = capacity;
                queue->first = 0;
        }
        queue->items[(queue->first + queue->count++) % queue->capacity] = push_msg_ref(msg);
        queue->size_bytes += msg->size_bytes;
        return true;
}

void push_conn_resync(struct push_conn *conn)
{
        if (conn->state == PUSH_CONN_CLOSING) return;
        push_queue_clear(&conn->queue);
        conn->state = PUSH_CONN_WAITING;
        conn->has_resynced = true;
}

bool push_conn_offer(struct push_conn *conn, struct push_msg *msg)
{
        if (conn->state != PUSH_CONN_LIVE || !(conn->topics & UINT32_C(1) << msg->type)) return false;
        if (push_queue_add(&conn->queue, msg)) return false;
        push_conn_resync(conn);
        return true;
}

void push_conn_tell(struct push_conn *conn, struct push_msg *msg)
{
        if (conn->state == PUSH_CONN_WAITING) return;
        (void)push_queue_add(&conn->queue, msg); /* a beat or notice more or less: a full queue says enough */
}

bool push_conn_snapshot(struct push_conn *conn, struct push_msg *msg)
{
        if (conn->state != PUSH_CONN_WAITING) return false;
        CHECK(conn->queue.count == 0);
        if (!push_queue_add(&conn->queue, msg)) return false;
        conn->state = PUSH_CONN_LIVE;
        return true;
}

bool push_conn_resume(struct push_conn *conn, const struct push_stream *stream, const char *epoch, uint64_t seq)
{
        if (conn->state != PUSH_CONN_WAITING || conn->has_resynced || !str_eq(epoch, stream->epoch)) return false;
        if (!push_ring_covers(&stream->ring, seq, stream->last_seq)) return false;
        for (size_t i = 0; i < stream->ring.count; i++) {
                struct push_msg *msg = push_ring_at(&stream->ring, i);

                if (msg->seq <= seq || !(conn->topics & UINT32_C(1) << msg->type)) continue;
                if (!push_queue_add(&conn->queue, msg)) {
                        push_queue_clear(&conn->queue);
                        return false;
                }
        }
        conn->state = PUSH_CONN_LIVE;
        return true;
}

static enum err push_conn_subscribe(struct push_conn *conn, const struct json *data, struct err_note *reterr)
{
        const struct json *topics = json_get(data, "topics");
        uint32_t mask = 0;

        if (!json_is(topics, JSON_ARRAY))
                return err_note(reterr, ERR_PARSE, "subscribe needs {\"topics\":[...]}, a list of names");
        for (size_t i = 0; i < PUSH_TYPE_COUNT; i++)
                if (!push_topics[i].is_stream) mask |= UINT32_C(1) << i;
        JSON_EACH(item, topics)
        {
                size_t i = 0;

                while (i < PUSH_TYPE_COUNT && !str_eq(json_text(item), push_type_name((enum push_type)i))) i++;
                if (i == PUSH_TYPE_COUNT)
                        return err_note(reterr, ERR_PARSE, "there is no topic '%.40s'",
                                        json_text(item) ? json_text(item) : "(not a text)");
                mask |= UINT32_C(1) << i;
        }
        conn->topics = mask;
        return ERR_OK;
}

static enum err push_conn_command(struct push_conn *conn, const struct push_stream *stream, struct err_note *reterr)
{
        AUTO(json_free) struct json *message = NULL;
        const char *type;
        const struct json *data;
        double seq;
        enum err e = json_parse(conn->input.data, conn->input.size_bytes, &message, reterr);

        if (e) return e;
        type = json_get_str(message, "type", "");
        data = json_get(message, "data");
        if (str_eq(type, "subscribe")) return push_conn_subscribe(conn, data, reterr);
        if (!str_eq(type, "resume"))
                return err_note(reterr, ERR_PARSE, "a browser may send 'resume' and 'subscribe', not '%.40s'", type);
        seq = json_get_num(data, "seq", -1);
        if (!json_get_str(data, "epoch", NULL) || !(seq >= 0 && seq < 9007199254740992.0))
                return err_note(reterr, ERR_PARSE, "resume needs {\"epoch\":\"...\",\"seq\":n} of the last message received");
        /* When it is refused, the snapshot that was asked for on connecting arrives instead. */
        (void)push_conn_resume(conn, stream, json_get_str(data, "epoch", NULL), (uint64_t)seq);
        return ERR_OK;
}

enum err push_conn_receive(struct push_conn *conn, const struct push_stream *stream, const char *bytes,
                           size_t size_bytes, bool is_final, struct err_note *reterr)
{
        enum err e;

        if (conn->state == PUSH_CONN_CLOSING) return ERR_OK;
        buf_append(&conn->input, bytes, size_bytes);
        e = buf_status(&conn->input);
        if (e) return err_note(reterr, e, "a message may have at most %d bytes", PUSH_INPUT_BYTES_MAX);
        if (!is_final) return ERR_OK;
        if (++conn->input_count > PUSH_INPUT_PER_SECOND_MAX)
                return err_note(reterr, ERR_LIMIT, "more than %d messages a second", PUSH_INPUT_PER_SECOND_MAX);
        e = push_conn_command(conn, stream, reterr);
        buf_clear(&conn->input);
        return e;
}

struct push_msg *push_conn_peek(const struct push_conn *conn)
{
        return conn->queue.count ? conn->queue.items[conn->queue.first] : NULL;
}

void push_conn_sent(struct push_conn *conn, int64_t now_ms)
{
        struct push_queue *queue = &conn->queue;
        struct push_msg *msg = push_conn_peek(conn);

        CHECK(msg);
        queue->size_bytes -= msg->size_bytes;
        queue->first = (queue->first + 1) % queue->capacity;
        queue->count--;
        conn->sent_ms = conn->progress_ms = now_ms;
        push_msg_unref(msg);
}
