/* What one browser is owed, without sockets. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "common/base/mem.h"
#include "server/push/push_conn.h"

static struct push_msg *msg_make(enum push_type type, uint64_t seq, const char *data)
{
        struct push_msg *msg = push_msg_new(type, 1700000000123, NULL, data);

        assert_non_null(msg);
        push_msg_number(msg, seq);
        return msg;
}

/* Puts a message of its own into the stream, as the thread does. */
static void stream_add(struct push_stream *stream, enum push_type type, const char *data)
{
        struct push_msg *msg = msg_make(type, ++stream->last_seq, data);

        push_ring_add(&stream->ring, msg);
        push_msg_unref(msg);
}

static void offer(struct push_conn *conn, enum push_type type, uint64_t seq, const char *data)
{
        struct push_msg *msg = msg_make(type, seq, data);

        (void)push_conn_offer(conn, msg);
        push_msg_unref(msg);
}

static struct push_conn *conn_live(void)
{
        struct push_conn *conn = push_conn_new(0);
        struct push_msg *msg = msg_make(PUSH_SNAPSHOT, 0, "{}");

        assert_non_null(conn);
        assert_true(push_conn_snapshot(conn, msg));
        push_msg_unref(msg);
        push_conn_sent(conn, 0);
        return conn;
}

static void writes_the_envelope(void **state)
{
        static const struct {
                uint64_t seq;
                const char *front, *data, *expect;
        } rows[] = {
                { 7, NULL, "{\"a\":1}", "{\"seq\":7,\"t\":1700000000123,\"type\":\"run\",\"data\":{\"a\":1}}" },
                { UINT64_MAX, NULL, "null", "{\"seq\":18446744073709551615,\"t\":1700000000123,\"type\":\"run\",\"data\":null}" },
                { 0, "\"epoch\":\"ab\"", "{\"run\":null}", "{\"seq\":0,\"t\":1700000000123,\"type\":\"run\",\"data\":{\"epoch\":\"ab\",\"run\":null}}" },
                { 1, "\"epoch\":\"ab\"", "{ }", "{\"seq\":1,\"t\":1700000000123,\"type\":\"run\",\"data\":{\"epoch\":\"ab\" }}" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                struct push_msg *msg = push_msg_new(PUSH_RUN, 1700000000123, rows[i].front, rows[i].data);

                push_msg_number(msg, rows[i].seq);
                assert_int_equal(msg->size_bytes, strlen(rows[i].expect));
                assert_memory_equal(msg->text, rows[i].expect, msg->size_bytes);
                assert_true(msg->text - (char *)(msg + 1) >= PUSH_MSG_FRONT_BYTES);
                push_msg_unref(msg);
        }
        assert_int_equal(alloc_live_count(), 0);
}

static void waits_for_its_snapshot(void **state)
{
        struct push_conn *conn = push_conn_new(0);
        struct push_msg *snapshot = msg_make(PUSH_SNAPSHOT, 5, "{}");

        (void)state;
        offer(conn, PUSH_RUN, 5, "1");
        assert_null(push_conn_peek(conn));
        assert_true(push_conn_snapshot(conn, snapshot));
        assert_false(push_conn_snapshot(conn, snapshot)); /* one is enough */
        offer(conn, PUSH_RUN, 6, "2");
        assert_int_equal(push_conn_peek(conn)->seq, 5);
        push_conn_sent(conn, 1);
        assert_int_equal(push_conn_peek(conn)->seq, 6);
        push_msg_unref(snapshot);
        push_conn_free(conn);
        assert_int_equal(alloc_live_count(), 0);
}

static void drops_and_resyncs_when_full(void **state)
{
        static char big[60 * 1024];
        struct push_conn *conn = conn_live();
        uint64_t seq = 0;

        (void)state;
        memset(big, '7', sizeof big - 1);
        while (conn->state == PUSH_CONN_LIVE) {
                assert_true(seq < 5);
                offer(conn, PUSH_RUN, ++seq, big);
        }
        assert_int_equal(seq, 5); /* 4 x 60 KiB fit into 256 KiB, the fifth does not */
        assert_null(push_conn_peek(conn));
        assert_int_equal(conn->queue.size_bytes, 0);
        for (seq = 0, conn->state = PUSH_CONN_LIVE; conn->state == PUSH_CONN_LIVE; seq++) offer(conn, PUSH_RUN, seq, "1");
        assert_int_equal(seq, PUSH_QUEUE_MESSAGES_MAX + 1);
        push_conn_free(conn);
        assert_int_equal(alloc_live_count(), 0);
}

static void lets_a_large_snapshot_through(void **state)
{
        static char big[600 * 1024];
        struct push_conn *conn = push_conn_new(0);
        struct push_msg *msg;

        (void)state;
        memset(big, '7', sizeof big - 1);
        msg = msg_make(PUSH_SNAPSHOT, 1, big);
        assert_true(push_conn_snapshot(conn, msg));
        push_msg_unref(msg);
        offer(conn, PUSH_RUN, 2, "1"); /* behind it nothing fits: it asks anew */
        assert_int_equal(conn->state, PUSH_CONN_WAITING);
        push_conn_free(conn);
}

static void resumes_only_what_is_kept(void **state)
{
        static struct push_stream stream = { .epoch = "0123456789abcdef" };
        static const struct {
                const char *epoch;
                uint64_t seq;
                bool resumes;
                size_t owed;
        } rows[] = {
                { "0123456789abcdef", 10, true, 0 }, /* nothing missed */
                { "0123456789abcdef", 8, true, 1 },  /* 9 is a log line, not subscribed; 10 */
                { "0123456789abcdef", 0, true, 9 },
                { "0123456789abcdef", 11, false, 0 }, /* from the future */
                { "0123456789abcdeX", 8, false, 0 },  /* another life */
                { "", 8, false, 0 },
        };

        (void)state;
        for (int i = 1; i <= 10; i++) stream_add(&stream, i == 9 ? PUSH_LOG : PUSH_FEED, "{}");
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                struct push_conn *conn = push_conn_new(0);

                assert_int_equal(push_conn_resume(conn, &stream, rows[i].epoch, rows[i].seq), rows[i].resumes);
                assert_int_equal(conn->queue.count, rows[i].owed);
                assert_int_equal(conn->state, rows[i].resumes ? PUSH_CONN_LIVE : PUSH_CONN_WAITING);
                push_conn_free(conn);
        }
        push_ring_done(&stream.ring);
        assert_int_equal(alloc_live_count(), 0);
}

static void forgets_the_oldest(void **state)
{
        static struct push_stream stream = { .epoch = "e" };
        static char big[100 * 1024];

        (void)state;
        memset(big, '7', sizeof big - 1);
        for (int i = 0; i < 20; i++) stream_add(&stream, PUSH_FEED, big);
        assert_int_equal(stream.ring.count, 10); /* 10 x 100 KiB in 1 MiB */
        assert_true(push_ring_covers(&stream.ring, 10, 20));
        assert_false(push_ring_covers(&stream.ring, 9, 20));
        for (int i = 0; i < PUSH_RING_MESSAGES_MAX + 5; i++) stream_add(&stream, PUSH_FEED, "{}");
        assert_int_equal(stream.ring.count, PUSH_RING_MESSAGES_MAX);
        push_ring_done(&stream.ring);
        assert_int_equal(alloc_live_count(), 0);
}

struct input_row {
        const char *name, *text;
        enum err expect;
};

static const struct input_row input_rows[] = {
        { "subscribe", "{\"type\":\"subscribe\",\"data\":{\"topics\":[\"user\",\"log\"]}}", ERR_OK },
        { "subscribe to nothing", "{\"type\":\"subscribe\",\"data\":{\"topics\":[]}}", ERR_OK },
        { "resume of another life", "{\"type\":\"resume\",\"data\":{\"epoch\":\"x\",\"seq\":3}}", ERR_OK },
        { "unknown topic", "{\"type\":\"subscribe\",\"data\":{\"topics\":[\"users\"]}}", ERR_PARSE },
        { "topic not a text", "{\"type\":\"subscribe\",\"data\":{\"topics\":[1]}}", ERR_PARSE },
        { "no topics", "{\"type\":\"subscribe\",\"data\":{}}", ERR_PARSE },
        { "no data", "{\"type\":\"subscribe\"}", ERR_PARSE },
        { "resume without seq", "{\"type\":\"resume\",\"data\":{\"epoch\":\"x\"}}", ERR_PARSE },
        { "resume with negative seq", "{\"type\":\"resume\",\"data\":{\"epoch\":\"x\",\"seq\":-1}}", ERR_PARSE },
        { "resume with huge seq", "{\"type\":\"resume\",\"data\":{\"epoch\":\"x\",\"seq\":1e300}}", ERR_PARSE },
        { "unknown type", "{\"type\":\"end\",\"data\":{}}", ERR_PARSE },
        { "type not a text", "{\"type\":7}", ERR_PARSE },
        { "not an object", "[]", ERR_PARSE },
        { "not JSON", "hello", ERR_PARSE },
        { "empty", "", ERR_PARSE },
        { "deep", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", ERR_PARSE },
};

static void reads_what_browsers_send(void **state)
{
        static struct push_stream stream = { .epoch = "0123456789abcdef" };

        (void)state;
        for (size_t i = 0; i < sizeof input_rows / sizeof input_rows[0]; i++) {
                struct push_conn *conn = conn_live();
                struct err_note note = { 0 };
                enum err e = push_conn_receive(conn, &stream, input_rows[i].text, strlen(input_rows[i].text), true, &note);

                if ((e == ERR_OK) != (input_rows[i].expect == ERR_OK)) fail_msg("%s: %s", input_rows[i].name, note.text);
                assert_int_equal(note.text[0] != 0, e != ERR_OK);
                push_conn_free(conn);
        }
        assert_int_equal(alloc_live_count(), 0);
}

static void subscribes(void **state)
{
        static struct push_stream stream = { .epoch = "e" };
        static const char want[] = "{\"type\":\"subscribe\",\"data\":{\"topics\":[\"log\"]}}";
        struct push_conn *conn = conn_live();

        (void)state;
        offer(conn, PUSH_LOG, 1, "1");
        offer(conn, PUSH_FAULT, 2, "1"); /* the truth is not for everybody */
        assert_null(push_conn_peek(conn));
        for (size_t i = 0; i < sizeof want - 1; i++) /* in fragments of one byte */
                assert_int_equal(push_conn_receive(conn, &stream, want + i, 1, i == sizeof want - 2, NULL), ERR_OK);
        offer(conn, PUSH_USER, 3, "1");
        offer(conn, PUSH_LOG, 4, "1");
        offer(conn, PUSH_CRITERION, 5, "1");
        assert_int_equal(conn->queue.count, 2);
        assert_int_equal(push_conn_peek(conn)->seq, 4);
        push_conn_free(conn);
}

static void limits_input(void **state)
{
        static struct push_stream stream = { .epoch = "e" };
        static const char ok[] = "{\"type\":\"subscribe\",\"data\":{\"topics\":[]}}";
        static char big[PUSH_INPUT_BYTES_MAX + 1];
        struct push_conn *conn = conn_live();

        (void)state;
        memset(big, ' ', sizeof big);
        for (int i = 0; i < PUSH_INPUT_PER_SECOND_MAX; i++)
                assert_int_equal(push_conn_receive(conn, &stream, ok, sizeof ok - 1, true, NULL), ERR_OK);
        assert_int_equal(push_conn_receive(conn, &stream, ok, sizeof ok - 1, true, NULL), ERR_LIMIT);
        push_conn_free(conn);
        conn = conn_live();
        assert_int_equal(push_conn_receive(conn, &stream, big, PUSH_INPUT_BYTES_MAX, false, NULL), ERR_OK);
        assert_int_equal(push_conn_receive(conn, &stream, big, 1, false, NULL), ERR_LIMIT);
        push_conn_free(conn);
        assert_int_equal(alloc_live_count(), 0);
}

static void survives_every_fault(void **state)
{
        static struct push_stream stream = { .epoch = "e" };

        (void)state;
        stream_add(&stream, PUSH_FEED, "{}");
        stream_add(&stream, PUSH_FEED, "{}");
        for (size_t nth = 1;; nth++) {
                struct push_conn *conn;
                bool fired, live = false;

                fault_arm(nth, false);
                conn = push_conn_new(0);
                if (conn) live = push_conn_resume(conn, &stream, "e", 0);
                fired = fault_disarm();
                assert_int_equal(fired, !live);
                if (conn) assert_int_equal(conn->queue.count, live ? 2 : 0);
                push_conn_free(conn);
                if (!fired) break;
        }
        push_ring_done(&stream.ring);
        assert_int_equal(alloc_live_count(), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(writes_the_envelope),      cmocka_unit_test(waits_for_its_snapshot),
                cmocka_unit_test(drops_and_resyncs_when_full), cmocka_unit_test(lets_a_large_snapshot_through),
                cmocka_unit_test(resumes_only_what_is_kept), cmocka_unit_test(forgets_the_oldest),
                cmocka_unit_test(reads_what_browsers_send),  cmocka_unit_test(subscribes),
                cmocka_unit_test(limits_input),              cmocka_unit_test(survives_every_fault),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
