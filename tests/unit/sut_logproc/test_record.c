/* record: lines of ours and of others, times, OTLP; limits and failing memory. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "sut/logproc/record.h"

#define NOW INT64_C(1790000000000)

struct line_row {
        const char *name, *line;
        enum record_level level;
        int64_t at_ms;
        const char *service, *event, *message, *fields;
};

static const struct line_row line_rows[] = {
        {"ours", "{\"time\":\"2026-01-02T03:04:05.678Z\",\"level\":\"warn\",\"service\":\"api\",\"event\":\"a.b\",\"message\":\"m\",\"n\":1}", RECORD_WARN,
         1767323045678, "api", "a.b", "m", "{\"n\":1}"},
        {"ours without time, level, service", "{\"message\":\"m\"}", RECORD_INFO, NOW, "file", "", "m", "{}"},
        {"ours with a level nobody knows", "{\"level\":\"loud\",\"message\":\"m\"}", RECORD_INFO, NOW, "file", "", "m", "{}"},
        {"JSON that is no object", "[1]", RECORD_INFO, NOW, "file", "", "[1]", "{}"},
        {"half of an object", "{\"message\":", RECORD_INFO, NOW, "file", "", "{\"message\":", "{}"},
        {"PostgreSQL", "2026-01-02 03:04:05.678 UTC [77] FATAL:  sorry, too many clients already", RECORD_ERROR, 1767323045678, "file", "",
         "2026-01-02 03:04:05.678 UTC [77] FATAL:  sorry, too many clients already", "{}"},
        {"Prometheus", "ts=2026-01-02T03:04:05.678Z caller=x level=warn msg=y", RECORD_WARN, 1767323045678, "file", "",
         "ts=2026-01-02T03:04:05.678Z caller=x level=warn msg=y", "{}"},
        {"NATS", "[12] 2026/01/02 03:04:05.6 [ERR] x", RECORD_ERROR, NOW, "file", "", "[12] 2026/01/02 03:04:05.6 [ERR] x", "{}"},
        {"Redis", "77:M 02 Jan 2026 03:04:05.678 # WARNING overcommit", RECORD_WARN, NOW, "file", "", "77:M 02 Jan 2026 03:04:05.678 # WARNING overcommit", "{}"},
        {"end of line is not text", "hello\r\n", RECORD_INFO, NOW, "file", "", "hello", "{}"},
};

static void lines_become_records(void **state)
{
        struct record_batch b;

        (void)state;
        assert_int_equal(record_batch_init(&b), ERR_OK);
        for (size_t i = 0; i < ARRAY_COUNT(line_rows); i++) {
                const struct line_row *row = &line_rows[i];

                record_batch_clear(&b);
                record_add_line(&b, "file", row->line, strlen(row->line), NOW);
                print_message("%s\n", row->name);
                assert_int_equal(b.log_count, 1);
                assert_int_equal(b.logs[0].level, row->level);
                assert_int_equal(b.logs[0].at_ms, row->at_ms);
                assert_string_equal(b.logs[0].service, row->service);
                assert_string_equal(b.logs[0].event, row->event);
                assert_string_equal(b.logs[0].message, row->message);
                assert_string_equal(b.logs[0].fields, row->fields);
        }
        record_batch_clear(&b);
        record_add_line(&b, "file", "\n", 1, NOW);
        assert_int_equal(b.log_count, 0);
        record_batch_done(&b);
        assert_int_equal(alloc_live_count(), 0);
}

static const struct {
        const char *text;
        bool ok;
        int64_t ms;
} time_rows[] = {
        {"1970-01-01T00:00:00Z", true, 0},
        {"1970-01-01T00:00:01.5Z", true, 1500},
        {"1970-01-01 00:00:01.123456 UTC", true, 1123},
        {"1970-01-01T00:00:01+00:00", true, 1000},
        {"1970-01-01T00:00:01+02:00", false, 0},
        {"yesterday", false, 0},
        {"1970-01-01", false, 0},
        {"", false, 0},
};

static void times_are_read(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(time_rows); i++) {
                int64_t ms = -77;

                print_message("'%s'\n", time_rows[i].text);
                assert_int_equal(record_time_parse(time_rows[i].text, &ms), time_rows[i].ok);
                assert_int_equal(ms, time_rows[i].ok ? time_rows[i].ms : -77);
        }
}

static void batch_is_bounded(void **state)
{
        struct record_batch b;

        (void)state;
        assert_int_equal(record_batch_init(&b), ERR_OK);
        for (int i = 0; i < RECORD_BATCH_MAX + 3; i++) record_add_line(&b, "file", "x", 1, NOW);
        assert_int_equal(b.log_count, RECORD_BATCH_MAX);
        assert_int_equal(b.dropped_count, 3);
        record_batch_done(&b);
}

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
static const char otlp_spans[] =
        "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":\"api\"}}]},\"scopeSpans\":[{\"spans\":["
        "{\"traceId\":\"" TRACE "\",\"spanId\":\"00f067aa0ba902b7\",\"name\":\"GET /x\",\"kind\":2,\"startTimeUnixNano\":\"1000000\",\"endTimeUnixNano\":\"3500000\","
        "\"status\":{\"code\":2},\"attributes\":[{\"key\":\"n\",\"value\":{\"intValue\":\"7\"}}]},"
        "{\"traceId\":\"short\",\"spanId\":\"00f067aa0ba902b7\",\"startTimeUnixNano\":\"1000000\",\"endTimeUnixNano\":\"2000000\"},"
        "{\"traceId\":\"" TRACE "\",\"spanId\":\"00f067aa0ba902b8\",\"startTimeUnixNano\":\"3000000\",\"endTimeUnixNano\":\"2000000\"}]}]}]}";

static void otlp_spans_are_read(void **state)
{
        AUTO(json_free) struct json *body = NULL, *other = NULL;
        struct record_batch b;
        struct err_note note = {0};

        (void)state;
        assert_int_equal(record_batch_init(&b), ERR_OK);
        assert_int_equal(json_parse(otlp_spans, strlen(otlp_spans), &body, NULL), ERR_OK);
        assert_int_equal(record_add_otlp_spans(&b, body, NULL), ERR_OK);
        assert_int_equal(b.span_count, 1);
        assert_int_equal(b.dropped_count, 2); /* an id that is none, an end before the start */
        assert_int_equal(b.spans[0].start_us, 1000);
        assert_int_equal(b.spans[0].duration_us, 2500);
        assert_true(b.spans[0].failed);
        assert_string_equal(b.spans[0].service, "api");
        assert_string_equal(b.spans[0].parent_id, "");
        assert_string_equal(b.spans[0].attrs, "{\"n\":7}");
        assert_int_equal(json_parse("{}", 2, &other, NULL), ERR_OK);
        assert_int_equal(record_add_otlp_spans(&b, other, &note), ERR_PARSE);
        assert_non_null(strstr(note.text, "/resourceSpans"));
        record_batch_done(&b);
}

/* As Alertmanager 0.25 sends it, with an alert that has no name and one of a state nobody knows. */
static const char webhook[] =
        "{\"version\":\"4\",\"groupKey\":\"{}:{}\",\"receiver\":\"feed\",\"status\":\"firing\",\"alerts\":["
        "{\"status\":\"firing\",\"labels\":{\"alertname\":\"ServiceDown\",\"service\":\"api\",\"severity\":\"page\"},\"annotations\":{\"summary\":\"api is away\"},"
        "\"startsAt\":\"2026-01-02T03:04:05.678Z\",\"endsAt\":\"0001-01-01T00:00:00Z\",\"fingerprint\":\"aa11\"},"
        "{\"status\":\"resolved\",\"labels\":{\"alertname\":\"UsersWait\",\"severity\":\"page\"},\"annotations\":{},\"startsAt\":\"2026-01-02T03:00:00Z\",\"fingerprint\":\"bb22\"},"
        "{\"status\":\"firing\",\"labels\":{\"severity\":\"page\"}},"
        "{\"status\":\"asleep\",\"labels\":{\"alertname\":\"X\"}}]}";

/* A message of 100 kB is cut between two characters, members of 100 kB are left out: the line stays. */
static void a_long_line_is_cut(void **state)
{
        static char line[300000];
        struct record_batch b;
        size_t used;

        (void)state;
        assert_int_equal(record_batch_init(&b), ERR_OK);
        used = (size_t)snprintf(line, sizeof line, "{\"message\":\"x");
        for (int i = 0; i < 50000; i++) used += (size_t)snprintf(line + used, sizeof line - used, "\xc3\xa9");
        used += (size_t)snprintf(line + used, sizeof line - used, "\",\"event\":\"e\",\"a\":\"");
        for (int i = 0; i < 100000; i++) line[used++] = 'y';
        used += (size_t)snprintf(line + used, sizeof line - used, "\"}");
        record_add_line(&b, "file", line, used, NOW);
        assert_int_equal(b.log_count, 1);
        assert_int_equal(b.dropped_count, 0);
        assert_int_equal(strlen(b.logs[0].message), 1 + 8191 * 2);
        assert_string_equal(b.logs[0].event, "e");
        assert_string_equal(b.logs[0].fields, "{\"cut\":true}");
        record_batch_done(&b);
}

static void alerts_become_lines(void **state)
{
        AUTO(json_free) struct json *body = NULL, *other = NULL;
        struct record_batch b;
        struct err_note note;

        (void)state;
        assert_int_equal(record_batch_init(&b), ERR_OK);
        assert_int_equal(json_parse(webhook, strlen(webhook), &body, NULL), ERR_OK);
        assert_int_equal(record_add_alerts(&b, body, NOW, &note), ERR_OK);
        assert_int_equal(b.log_count, 2);
        assert_int_equal(b.dropped_count, 2);
        assert_string_equal(b.logs[0].service, "alertmanager");
        assert_string_equal(b.logs[0].event, "alert");
        assert_string_equal(b.logs[0].message, "api is away");
        assert_int_equal(b.logs[0].level, RECORD_ERROR);
        assert_int_equal(b.logs[0].at_ms, NOW);
        assert_string_equal(b.logs[0].fields, "{\"status\":\"firing\",\"alert\":\"ServiceDown\",\"on\":\"api\",\"severity\":\"page\","
                                              "\"starts_at\":\"2026-01-02T03:04:05.678Z\",\"fingerprint\":\"aa11\"}");
        assert_string_equal(b.logs[1].message, "UsersWait");
        assert_int_equal(b.logs[1].level, RECORD_INFO);
        assert_int_equal(json_parse("{\"version\":\"3\",\"alerts\":[]}", 27, &other, NULL), ERR_OK);
        assert_int_equal(record_add_alerts(&b, other, NOW, &note), ERR_PARSE);
        assert_non_null(strstr(note.text, "/version"));
        record_batch_done(&b);
}

/* Whatever allocation fails: no crash, no leak, and what is not whole is counted. */
static void failing_memory_drops_records(void **state)
{
        (void)state;
        for (size_t nth = 1;; nth++) {
                AUTO(json_free) struct json *body = NULL;
                struct record_batch b = {0};
                bool fired;

                assert_int_equal(json_parse(otlp_spans, strlen(otlp_spans), &body, NULL), ERR_OK);
                fault_arm(nth, false);
                if (!record_batch_init(&b)) {
                        record_add_line(&b, "file", line_rows[0].line, strlen(line_rows[0].line), NOW);
                        assert_int_equal(record_add_otlp_spans(&b, body, NULL), ERR_OK);
                        assert_true(b.log_count + b.span_count + b.dropped_count >= 4 - 1);
                }
                fired = fault_disarm();
                record_batch_done(&b);
                if (!fired) break;
        }
        assert_int_equal(alloc_live_count(), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(lines_become_records), cmocka_unit_test(times_are_read),      cmocka_unit_test(batch_is_bounded),
                cmocka_unit_test(otlp_spans_are_read),  cmocka_unit_test(alerts_become_lines), cmocka_unit_test(a_long_line_is_cut),
                cmocka_unit_test(failing_memory_drops_records),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
