/* Whatever a browser sends, in whatever pieces: it is carried out or refused, and limits hold. */
#include <stdint.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "server/push/push_conn.h"
#include "server/push/push_guest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void feed(struct push_stream *stream)
{
        for (int i = 0; i < 5; i++) {
                struct push_msg *msg = push_msg_new(i % 2 ? PUSH_LOG : PUSH_FEED, 1, NULL, "{}");

                CHECK(msg);
                push_msg_number(msg, ++stream->last_seq);
                push_ring_add(&stream->ring, msg);
                push_msg_unref(msg);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct push_stream stream = { .epoch = "0123456789abcdef" };
        struct push_conn *conn = push_conn_new(0);
        struct err_note note = { 0 };
        size_t at = 1;

        CHECK(conn);
        if (!stream.last_seq) feed(&stream);
        while (at < size) { /* a length byte, then so many bytes; its highest bit ends the message */
                size_t n = MIN((size_t)(data[at - 1] & 0x7f) + 1, size - at);

                if (push_conn_receive(conn, &stream, (const char *)data + at, n, data[at - 1] & 0x80, &note)) {
                        CHECK(note.text[0]);
                        break;
                }
                CHECK(conn->input.size_bytes <= PUSH_INPUT_BYTES_MAX && conn->queue.count <= stream.ring.count);
                at += n + 1;
        }
        push_conn_free(conn);
        return 0;
}
