#include "server/push/push_msg.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"

/* {"seq":18446744073709551615,  is written right-aligned in front of the rest, when the number is known. */
enum { PUSH_MSG_SEQ_BYTES = 30, PUSH_MSG_HEAD_BYTES = 96 };

static const char *const push_type_names[PUSH_TYPE_COUNT] = {
#define X(name, text, is_stream, is_on) [PUSH_##name] = text,
        PUSH_TYPE_LIST(X)
#undef X
};

const char *push_type_name(enum push_type type)
{
        CHECK(type < PUSH_TYPE_COUNT);
        return push_type_names[type];
}

struct push_msg *push_msg_new(enum push_type type, int64_t wall_ms, const char *front, const char *data_json)
{
        size_t front_bytes = front ? strlen(front) : 0, data_bytes = strlen(data_json);
        size_t room = PUSH_MSG_FRONT_BYTES + PUSH_MSG_SEQ_BYTES + PUSH_MSG_HEAD_BYTES + front_bytes + data_bytes + 4;
        struct push_msg *msg = mem_alloc(sizeof *msg + room);
        char *at;
        int n;

        if (!msg) return NULL;
        *msg = (struct push_msg){ .refs = 1, .type = type };
        msg->text = at = (char *)(msg + 1) + PUSH_MSG_FRONT_BYTES + PUSH_MSG_SEQ_BYTES;
        n = snprintf(at, PUSH_MSG_HEAD_BYTES, "\"t\":%" PRId64 ",\"type\":\"%s\",\"data\":", wall_ms, push_type_name(type));
        CHECK(n > 0 && n < PUSH_MSG_HEAD_BYTES);
        at += n;
        if (front) {
                CHECK(data_json[0] == '{');
                data_json++;
                data_bytes--;
                *at++ = '{';
                memcpy(at, front, front_bytes);
                at += front_bytes;
                if (data_json[strspn(data_json, " \t\r\n")] != '}') *at++ = ','; /* an empty object needs no comma */
        }
        memcpy(at, data_json, data_bytes);
        at += data_bytes;
        *at++ = '}';
        msg->size_bytes = (size_t)(at - msg->text);
        return msg;
}

void push_msg_number(struct push_msg *msg, uint64_t seq)
{
        char text[PUSH_MSG_SEQ_BYTES + 2];
        int n = snprintf(text, sizeof text, "{\"seq\":%" PRIu64 ",", seq);

        CHECK(msg->seq == 0 && msg->text[0] == '"' && n <= PUSH_MSG_SEQ_BYTES);
        msg->text -= n;
        msg->size_bytes += (size_t)n;
        memcpy(msg->text, text, (size_t)n);
        msg->seq = seq;
}

struct push_msg *push_msg_ref(struct push_msg *msg)
{
        msg->refs++;
        return msg;
}

void push_msg_unref(struct push_msg *msg)
{
        if (!msg) return;
        CHECK(msg->refs > 0);
        if (--msg->refs == 0) mem_free(msg);
}

static void push_ring_drop(struct push_ring *ring)
{
        struct push_msg *oldest = ring->items[ring->first];

        ring->size_bytes -= oldest->size_bytes;
        ring->first = (ring->first + 1) % PUSH_RING_MESSAGES_MAX;
        ring->count--;
        push_msg_unref(oldest);
}

void push_ring_add(struct push_ring *ring, struct push_msg *msg)
{
        while (ring->count == PUSH_RING_MESSAGES_MAX ||
               (ring->count && ring->size_bytes + msg->size_bytes > PUSH_RING_BYTES_MAX))
                push_ring_drop(ring);
        ring->items[(ring->first + ring->count++) % PUSH_RING_MESSAGES_MAX] = push_msg_ref(msg);
        ring->size_bytes += msg->size_bytes;
}

void push_ring_done(struct push_ring *ring)
{
        while (ring->count) push_ring_drop(ring);
}

struct push_msg *push_ring_at(const struct push_ring *ring, size_t index)
{
        CHECK(index < ring->count);
        return ring->items[(ring->first + index) % PUSH_RING_MESSAGES_MAX];
}

bool push_ring_covers(const struct push_ring *ring, uint64_t seq, uint64_t last_seq)
{
        if (seq > last_seq) return false;
        if (seq == last_seq) return true;
        return ring->count && push_ring_at(ring, 0)->seq <= seq + 1;
}
