/* forward_encode: what Loki, an OTLP collector and an Influx database are sent, byte for byte, and which addresses are taken. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "sut/logproc/forward.h"
#include "sut/logproc/forward_encode.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"

static const struct record_log logs[] = {
        {1767323045678, RECORD_WARN, "api", "api-1", "v2", "pool.timeout", "say \"no\"", TRACE, "00f067aa0ba902b7", "{\"n\":1,\"ratio\":0.5,\"ok\":true,\"at\":\"x\"}"},
        {1767323045679, RECORD_DEBUG, "api", "api-1", "v2", "", "not wanted", "", "", "{}"},
        {1767323045680, RECORD_WARN, "api", "api-1", "v2", "", "two", "", "", "{}"},
        {1767323045681, RECORD_ERROR, "postgres", "", "", "", "bad", "", "", "{}"},
};
static const struct record_span spans[] = {
        {TRACE, "00f067aa0ba902b7", "00f067aa0ba902b8", "api", "api-1", "v2", "GET /a b,c", "{\"k\":\"v\"}", 1000000, 2500, 2, false},
        {TRACE, "00f067aa0ba902b9", "", "api", "api-1", "v2", "GET /a b,c", "{}", 2000000, 1500, 3, true},
};
static const struct encode_slice slice = {.logs = logs, .spans = spans, .log_count = 4, .span_count = 2, .level = RECORD_INFO, .stack = "3", .now_ms = 77};

struct encode_row {
        const char *name;
        size_t (*encode)(const struct encode_slice *s, struct buf *b);
        size_t count;
        const char *want;
};

static const struct encode_row encode_rows[] = {
        {"Loki: a stream for each service and level", encode_loki, 3,
         "{\"streams\":[{\"stream\":{\"job\":\"firedrill\",\"stack\":\"3\",\"service\":\"api\",\"instance\":\"api-1\",\"level\":\"warn\"},\"values\":["
         "[\"1767323045678000000\",\"{\\\"event\\\":\\\"pool.timeout\\\",\\\"message\\\":\\\"say \\\\\\\"no\\\\\\\"\\\",\\\"version\\\":\\\"v2\\\",\\\"trace_id\\\":\\\"" TRACE
         "\\\",\\\"span_id\\\":\\\"00f067aa0ba902b7\\\",\\\"n\\\":1,\\\"ratio\\\":0.5,\\\"ok\\\":true,\\\"at\\\":\\\"x\\\"}\"],"
         "[\"1767323045680000000\",\"{\\\"message\\\":\\\"two\\\",\\\"version\\\":\\\"v2\\\"}\"]]},"
         "{\"stream\":{\"job\":\"firedrill\",\"stack\":\"3\",\"service\":\"postgres\",\"level\":\"error\"},\"values\":[[\"1767323045681000000\",\"{\\\"message\\\":\\\"bad\\\"}\"]]}]}"},
        {"OTLP logs: 64 bits as text, kinds of values kept", encode_otlp_logs, 3,
         "{\"resourceLogs\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"api\"}},"
         "{\"key\":\"service.instance.id\",\"value\":{\"stringValue\":\"api-1\"}},{\"key\":\"service.version\",\"value\":{\"stringValue\":\"v2\"}},"
         "{\"key\":\"firedrill.stack\",\"value\":{\"stringValue\":\"3\"}}]},\"scopeLogs\":[{\"scope\":{\"name\":\"firedrill\"},\"logRecords\":["
         "{\"timeUnixNano\":\"1767323045678000000\",\"severityNumber\":13,\"severityText\":\"WARN\",\"body\":{\"stringValue\":\"say \\\"no\\\"\"},"
         "\"traceId\":\"" TRACE "\",\"spanId\":\"00f067aa0ba902b7\",\"attributes\":[{\"key\":\"event.name\",\"value\":{\"stringValue\":\"pool.timeout\"}},"
         "{\"key\":\"n\",\"value\":{\"intValue\":\"1\"}},{\"key\":\"ratio\",\"value\":{\"doubleValue\":0.5}},{\"key\":\"ok\",\"value\":{\"boolValue\":true}},"
         "{\"key\":\"at\",\"value\":{\"stringValue\":\"x\"}}]},"
         "{\"timeUnixNano\":\"1767323045680000000\",\"severityNumber\":13,\"severityText\":\"WARN\",\"body\":{\"stringValue\":\"two\"},\"attributes\":[]}]}]},"
         "{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"postgres\"}},{\"key\":\"firedrill.stack\",\"value\":{\"stringValue\":\"3\"}}]},"
         "\"scopeLogs\":[{\"scope\":{\"name\":\"firedrill\"},\"logRecords\":[{\"timeUnixNano\":\"1767323045681000000\",\"severityNumber\":17,\"severityText\":\"ERROR\","
         "\"body\":{\"stringValue\":\"bad\"},\"attributes\":[]}]}]}]}"},
        {"OTLP spans", encode_otlp_spans, 2,
         "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"api\"}},"
         "{\"key\":\"service.instance.id\",\"value\":{\"stringValue\":\"api-1\"}},{\"key\":\"service.version\",\"value\":{\"stringValue\":\"v2\"}},"
         "{\"key\":\"firedrill.stack\",\"value\":{\"stringValue\":\"3\"}}]},\"scopeSpans\":[{\"scope\":{\"name\":\"firedrill\"},\"spans\":["
         "{\"traceId\":\"" TRACE "\",\"spanId\":\"00f067aa0ba902b7\",\"parentSpanId\":\"00f067aa0ba902b8\",\"name\":\"GET /a b,c\",\"kind\":2,"
         "\"startTimeUnixNano\":\"1000000000\",\"endTimeUnixNano\":\"1002500000\",\"attributes\":[{\"key\":\"k\",\"value\":{\"stringValue\":\"v\"}}],\"status\":{\"code\":0}},"
         "{\"traceId\":\"" TRACE "\",\"spanId\":\"00f067aa0ba902b9\",\"name\":\"GET /a b,c\",\"kind\":3,\"startTimeUnixNano\":\"2000000000\","
         "\"endTimeUnixNano\":\"2001500000\",\"attributes\":[],\"status\":{\"code\":2}}]}]}]}"},
        {"Influx: counted by kind, words escaped", encode_influx, 5,
         "log_lines,stack=3,service=api,level=warn count=2i 77\nlog_lines,stack=3,service=postgres,level=error count=1i 77\n"
         "spans,stack=3,service=api,operation=GET\\ /a\\ b\\,c count=2i,failed=1i,duration_ms_sum=4.000,duration_ms_max=2.500 77\n"},
};

static void what_receivers_get(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof encode_rows / sizeof encode_rows[0]; i++) {
                const struct encode_row *row = &encode_rows[i];
                AUTO_BUF text;
                size_t count;

                buf_init(&text, 65536);
                count = row->encode(&slice, &text);
                if (count != row->count || strcmp(text.data, row->want) != 0) fail_msg("%s: %zu records\ngot  %s\nwant %s", row->name, count, text.data, row->want);
        }
}

static void nothing_is_not_worth_sending(void **state)
{
        const struct encode_slice quiet = {.logs = logs + 1, .log_count = 1, .level = RECORD_INFO, .stack = ""};

        (void)state;
        for (size_t i = 0; i < sizeof encode_rows / sizeof encode_rows[0]; i++) {
                AUTO_BUF text;

                buf_init(&text, 4096);
                assert_int_equal(encode_rows[i].encode(&quiet, &text), 0);
        }
}

static void too_many_kinds_share_one_point(void **state)
{
        static struct record_span many[ENCODE_RECORDS_MAX];
        static char names[ENCODE_RECORDS_MAX][16];
        const struct encode_slice wide = {.spans = many, .span_count = ENCODE_RECORDS_MAX, .stack = "", .now_ms = 1};
        size_t lines = 0;
        AUTO_BUF text;

        (void)state;
        for (int i = 0; i < ENCODE_RECORDS_MAX; i++) {
                snprintf(names[i], sizeof names[i], "op%d", i);
                many[i] = spans[0];
                many[i].name = names[i];
        }
        buf_init(&text, 1 << 20);
        assert_int_equal(encode_influx(&wide, &text), ENCODE_RECORDS_MAX);
        for (const char *p = text.data; (p = strchr(p, '\n')) != NULL; p++) lines++;
        assert_int_equal(lines, ENCODE_GROUPS_MAX);
        assert_non_null(strstr(text.data, "spans,service=other,operation=other count=129i"));
}

static void addresses(void **state)
{
        static const struct {
                const char *url;
                bool good;
        } rows[] = {
                {"", true}, {"http://127.0.0.1:3100", true}, {"http://loki.example.org", true}, {"http://h:1/tenant/a_b-c", true},
                {"http://", false}, {"https://h", false}, {"http://h:", false}, {"http://h:123456", false}, {"http://h/", false}, {"http://h/a//b", false},
                {"http://h?x=", false}, {"http://h/a?b=c", false}, {"http://h/a#b", false}, {"http://u:p@h", false}, {"http://h/a b", false}, {"http://h\n", false},
                {"h:80", false}, {"file:///etc/passwd", false},
        };

        (void)state;
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
                if (forward_url_good(rows[i].url) != rows[i].good) fail_msg("%s", rows[i].url);
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(what_receivers_get), cmocka_unit_test(nothing_is_not_worth_sending),
                                           cmocka_unit_test(too_many_kinds_share_one_point), cmocka_unit_test(addresses)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
