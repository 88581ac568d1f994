/* push_conn: what one browser is owed: its place in the stream, its topics, its queue. Knows no socket.
 *
 *              snapshot, or resume that the ring covers
 *      WAITING ------------------------------------------> LIVE --- broken rule ---> CLOSING (notice queued, then 1008)
 *         ^                                                  |
 *         +--------- queue full: dropped, resync ------------+
 *
 * Owner:  the push thread.    Memory: push_conn_new/free; queued messages are references.   Units: bytes, ms.
 * Limits: PUSH_QUEUE_* waiting, PUSH_INPUT_* read.
 * Fails:  a full queue or no memory is a resync, never an error; a broken rule of the browser is ERR_PARSE or ERR_LIMIT. */
#ifndef SERVER_PUSH_PUSH_CONN_H
#define SERVER_PUSH_PUSH_CONN_H

#include "common/base/buf.h"
#include "server/push/push_msg.h"

enum push_conn_state { PUSH_CONN_WAITING, PUSH_CONN_LIVE, PUSH_CONN_CLOSING };

struct push_queue {
        struct push_msg **items;
        size_t capacity, first, count, size_bytes;
};

struct push_conn {
        struct push_conn *next, *previous;
        void *wsi;
        enum push_conn_state state;
        uint32_t topics; /* bit per enum push_type */
        struct push_queue queue;
        struct buf input;
        unsigned input_count;  /* messages since the last tick */
        bool has_resynced;     /* its queue overflowed since it came: resume is no longer its to ask */
        int64_t sent_ms;       /* when it was last given something */
        int64_t progress_ms;   /* when it last took something, or had nothing to take */
};

/* The stream as a connection sees it. */
struct push_stream {
        struct push_ring ring;
        uint64_t last_seq; /* numbered and taken out of the inbox */
        char epoch[PUSH_EPOCH_BYTES];
};

MUST_USE struct push_conn *push_conn_new(int64_t now_ms); /* NULL: no memory */
void push_conn_free(struct push_conn *conn);

/* A delta for everybody. True if the queue overflowed and the connection now waits for a snapshot. */
bool push_conn_offer(struct push_conn *conn, struct push_msg *msg);
/* For this connection only (beat, notice): offered in LIVE and CLOSING, whatever its topics. */
void push_conn_tell(struct push_conn *conn, struct push_msg *msg);
/* Makes a WAITING connection LIVE. False if it was not waiting or memory is short (it stays as it was). */
bool push_conn_snapshot(struct push_conn *conn, struct push_msg *msg);
/* Makes a WAITING connection LIVE by the messages it missed, if all are still kept. */
bool push_conn_resume(struct push_conn *conn, const struct push_stream *stream, const char *epoch, uint64_t seq);
void push_conn_resync(struct push_conn *conn); /* drops its queue; it waits for a snapshot (not when CLOSING) */
/* A fragment the browser sent; complete messages are carried out. */
MUST_USE enum err push_conn_receive(struct push_conn *conn, const struct push_stream *stream, const char *bytes,
                                    size_t size_bytes, bool is_final, struct err_note *reterr);

struct push_msg *push_conn_peek(const struct push_conn *conn); /* NULL: nothing is owed */
void push_conn_sent(struct push_conn *conn, int64_t now_ms);   /* what peek gave is on its way */

#endif
