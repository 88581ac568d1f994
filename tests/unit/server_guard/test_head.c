#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "server/guard/head.h"

struct refused_row {
        const char *name, *text;
        int status;
};

static const struct refused_row refused_rows[] = {
        { "empty line only", "\r\n\r\n", 400 },
        { "no version", "GET /\r\nHost: a\r\n\r\n", 400 },
        { "HTTP/0.9 style", "GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505 },
        { "HTTP/2 preface", "PRI * HTTP/2.0\r\nHost: a\r\n\r\n", 505 },
        { "lower-case version", "GET / http/1.1\r\nHost: a\r\n\r\n", 400 },
        { "two blanks", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "absolute target", "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "asterisk target", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "blank in target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "fragment in target", "GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "byte above ASCII in target", "GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "backslash in target", "GET /..\\x HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "method too long", "GETGETGETGETGETGE / HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "method not a word", "GE(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "no Host", "GET / HTTP/1.1\r\nAccept: x\r\n\r\n", 400 },
        { "empty Host", "GET / HTTP/1.1\r\nHost: \r\n\r\n", 400 },
        { "two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", 400 },
        { "two Origins", "GET / HTTP/1.1\r\nHost: a\r\nOrigin: http://a\r\nOrigin: http://b\r\n\r\n", 400 },
        { "bare LF", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400 },
        { "bare CR in value", "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", 400 },
        { "folded line", "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", 400 },
        { "blank before colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400 },
        { "no colon", "GET / HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n", 400 },
        { "no name", "GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", 400 },
        { "control byte in value", "GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n", 400 },
        { "length and chunks", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
        { "chunks", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 411 },
        { "odd chunks", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", 411 },
        { "two equal lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n", 400 },
        { "list of lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\n", 400 },
        { "signed length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\n", 400 },
        { "negative length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -3\r\n\r\n", 400 },
        { "hexadecimal length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\n", 400 },
        { "empty length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400 },
        { "length beyond 64 bits", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400 },
};

static void refuses_rows(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof refused_rows / sizeof refused_rows[0]; i++) {
                const struct refused_row *row = &refused_rows[i];
                struct head head;
                struct err_note note = { 0 };
                int status = -1;

                memset(&head, 0xa5, sizeof head);
                assert_int_not_equal(head_parse(row->text, strlen(row->text), &head, &status, &note), ERR_OK);
                if (status != row->status) fail_msg("%s: %d, expected %d", row->name, status, row->status);
                assert_true(note.text[0]);
                for (size_t b = 0; b < sizeof head; b++) assert_int_equal(((unsigned char *)&head)[b], 0xa5);
        }
}

static void reads_a_request(void **state)
{
        static const char text[] = "POST /api/v1/runs?x=1&y HTTP/1.1\r\nhOST: localhost:8080\r\nOrigin:\thttp://localhost:8080 \r\n"
                                   "Content-Length: 12\r\nX-Empty:\r\nConnection: keep-alive, Upgrade\r\n\r\n";
        struct head head;
        int status = 0;

        (void)state;
        assert_int_equal(head_parse(text, sizeof text - 1, &head, &status, NULL), ERR_OK);
        assert_true(head_text_is(head.method, "POST"));
        assert_true(head_text_is(head.path, "/api/v1/runs"));
        assert_true(head_text_is(head.query, "x=1&y"));
        assert_true(head_text_is(head.host, "localhost:8080"));
        assert_true(head_text_is(head.origin, "http://localhost:8080"));
        assert_int_equal(head.content_length, 12);
        assert_true(head.has_length);
        assert_int_equal(head.field_count, 5);
        assert_true(head_text_is(head_find(&head, "x-empty"), ""));
        assert_null(head_find(&head, "cookie").at);
        assert_true(head_has_token(&head, "connection", "upgrade"));
        assert_false(head_has_token(&head, "connection", "upgrad"));
        assert_false(head_is_upgrade(&head)); /* a POST */
        assert_int_equal(head.size_bytes, sizeof text - 1);
}

static void knows_an_upgrade(void **state)
{
        static const struct {
                const char *text;
                bool upgrade;
        } rows[] = {
                { "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", true },
                { "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: WebSocket\r\nConnection: keep-alive , upgrade\r\n\r\n", true },
                { "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", false },
                { "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", false },
                { "PUT /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", false },
        };

        (void)state;
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                struct head head;
                int status;

                assert_int_equal(head_parse(rows[i].text, strlen(rows[i].text), &head, &status, NULL), ERR_OK);
                assert_int_equal(head_is_upgrade(&head), rows[i].upgrade);
        }
}

static void finds_the_end_at_every_split(void **state)
{
        static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\nbody";
        const size_t end = sizeof text - 1 - 4;

        (void)state;
        for (size_t split = 0; split < sizeof text; split++) {
                size_t first = head_end(text, split, 0);

                assert_int_equal(first, split >= end ? end : 0);
                assert_int_equal(head_end(text, sizeof text - 1, first ? 0 : split), end);
        }
}

static void tells_garbage_early(void **state)
{
        (void)state;
        assert_true(head_may_begin("", 0));
        assert_true(head_may_begin("G", 1));
        assert_true(head_may_begin("DELETE", 6));
        assert_true(head_may_begin("GET /x", 6));
        assert_false(head_may_begin("\x16\x03\x01", 3)); /* a TLS hello */
        assert_false(head_may_begin(" GET", 4));
        assert_false(head_may_begin("\r\n", 2));
        assert_false(head_may_begin("AAAAAAAAAAAAAAAAAAAAAAAA", 24));
}

static void holds_its_limits(void **state)
{
        static char text[HEAD_BYTES_MAX + 64];
        struct head head;
        int status = 0;
        size_t n;

        (void)state;
        n = (size_t)sprintf(text, "GET / HTTP/1.1\r\nHost: a\r\n");
        for (int i = 1; i < HEAD_FIELDS_MAX; i++) n += (size_t)sprintf(text + n, "A: b\r\n");
        memcpy(text + n, "\r\n", 3);
        assert_int_equal(head_parse(text, n + 2, &head, &status, NULL), ERR_OK);
        memcpy(text + n, "A: b\r\n\r\n", 9);
        assert_int_equal(head_parse(text, n + 8, &head, &status, NULL), ERR_LIMIT);
        assert_int_equal(status, 431);

        memset(text, 'a', sizeof text);
        memcpy(text, "GET /", 5);
        n = 4 + HEAD_TARGET_BYTES_MAX;
        memcpy(text + n, " HTTP/1.1\r\nHost: a\r\n\r\n", 22);
        assert_int_equal(head_parse(text, n + 22, &head, &status, NULL), ERR_OK);
        text[n] = 'a';
        memcpy(text + n + 1, " HTTP/1.1\r\nHost: a\r\n\r\n", 22);
        assert_int_equal(head_parse(text, n + 23, &head, &status, NULL), ERR_LIMIT);
        assert_int_equal(status, 414);

        memset(text, 'a', sizeof text);
        memcpy(text, "GET / HTTP/1.1\r\nHost: ", 22);
        memcpy(text + HEAD_BYTES_MAX - 3, "\r\n\r\n", 4);
        assert_int_equal(head_parse(text, HEAD_BYTES_MAX + 1, &head, &status, NULL), ERR_LIMIT);
        assert_int_equal(status, 431);
}

/* Every single-byte change of a good head is either refused or still a head without a second meaning. */
static void survives_every_byte(void **state)
{
        static const char good[] = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n";
        char text[sizeof good];

        (void)state;
        for (size_t at = 0; at < sizeof good - 5; at++) {
                for (int c = 0; c < 256; c++) {
                        struct head head;
                        int status = 0;
                        size_t end;

                        memcpy(text, good, sizeof good);
                        text[at] = (char)c;
                        end = head_end(text, sizeof good - 1, 0);
                        if (!end || head_parse(text, end, &head, &status, NULL)) continue;
                        assert_true(head.content_length < 1000);
                        assert_true(head.target.at[0] == '/');
                }
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(refuses_rows),     cmocka_unit_test(reads_a_request),
                cmocka_unit_test(knows_an_upgrade), cmocka_unit_test(finds_the_end_at_every_split),
                cmocka_unit_test(tells_garbage_early), cmocka_unit_test(holds_its_limits),
                cmocka_unit_test(survives_every_byte),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
