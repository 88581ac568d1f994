/* push_msg: one finished message, shared by all connections that wait for it, and the ring of the last ones.
 * Owner:  made by any thread, then the push thread only (the reference count is plain).
 * Memory: push_msg_ref / push_msg_unref; the last one frees.   Units: bytes, ms of the wall clock.
 * Limits: PUSH_RING_BYTES_MAX, PUSH_RING_MESSAGES_MAX.          Fails: NULL when out of memory. */
#ifndef SERVER_PUSH_PUSH_MSG_H
#define SERVER_PUSH_PUSH_MSG_H

#include <stdbool.h>

#include "server/push/push.h"

/* Room in front of the text: libwebsockets writes the frame head there. */
enum { PUSH_MSG_FRONT_BYTES = 32 };

struct push_msg {
        struct push_msg *next; /* in the inbox */
        uint64_t seq;
        size_t refs;
        size_t size_bytes; /* of text */
        enum push_type type;
        char *text; /* PUSH_MSG_FRONT_BYTES before it belong to the frame head */
};

/* `front` is put in as the first member of the object ("\"epoch\":\"..\""); NULL: nothing. One reference, the caller's. */
MUST_USE struct push_msg *push_msg_new(enum push_type type, int64_t wall_ms, const char *front, const char *data_json);
/* Numbers the message: once, before it is shared. */
void push_msg_number(struct push_msg *msg, uint64_t seq);
struct push_msg *push_msg_ref(struct push_msg *msg);
void push_msg_unref(struct push_msg *msg); /* NULL is fine */

struct push_ring {
        struct push_msg *items[PUSH_RING_MESSAGES_MAX];
        size_t first, count, size_bytes;
};

void push_ring_add(struct push_ring *ring, struct push_msg *msg); /* takes a reference of its own; forgets the oldest */
void push_ring_done(struct push_ring *ring);
/* Whether every message after `seq` up to `last_seq` is still here. */
bool push_ring_covers(const struct push_ring *ring, uint64_t seq, uint64_t last_seq);
struct push_msg *push_ring_at(const struct push_ring *ring, size_t index); /* 0: the oldest */

#endif
