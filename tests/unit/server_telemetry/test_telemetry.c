/* Answers of Prometheus by its documented format; log files as services and components write them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "server/telemetry/logs.h"
#include "server/telemetry/prom.h"

#define VECTOR(items) "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[" items "]}}"
#define SERIES(labels, value) "{\"metric\":{" labels "},\"value\":[1700000000.1,\"" value "\"]}"

static void values(void **state)
{
        static const struct {
                const char *name, *answer;
                enum err e;
                bool known;
                double value;
                const char *says;
        } rows[] = {
                {"one series", VECTOR(SERIES("", "0.25")), ERR_OK, true, 0.25, ""},
                {"scalar", "{\"status\":\"success\",\"data\":{\"resultType\":\"scalar\",\"result\":[1,\"7\"]}}", ERR_OK,
                 true, 7, ""},
                {"no series is missing", VECTOR(""), ERR_OK, false, 0, ""},
                {"NaN is missing", VECTOR(SERIES("", "NaN")), ERR_OK, false, 0, ""},
                {"infinite is missing", VECTOR(SERIES("", "+Inf")), ERR_OK, false, 0, ""},
                {"two series", VECTOR(SERIES("", "1") "," SERIES("", "2")), ERR_INVAL, false, 0, "2 series"},
                {"matrix", "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[]}}", ERR_INVAL,
                 false, 0, "a matrix"},
                {"refused", "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"parse error\"}", ERR_INVAL,
                 false, 0, "parse error"},
                {"not JSON", "<html>", ERR_PARSE, false, 0, "not JSON"},
                {"other JSON", "[]", ERR_PARSE, false, 0, "no status"},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                bool known = false;
                double value = 0;
                struct err_note note = {0};

                print_message("  %s\n", rows[i].name);
                assert_int_equal(prom_value(rows[i].answer, strlen(rows[i].answer), &known, &value, &note), rows[i].e);
                assert_int_equal(known, rows[i].known);
                assert_true(value == rows[i].value);
                assert_non_null(strstr(note.text, rows[i].says));
        }
}

static void collect(void *ctx, const char *key, double value)
{
        char *text = ctx;

        (void)sprintf(text + strlen(text), "%s=%g ", key, value);
}

static void series_have_keys(void **state)
{
        static const char answer[] = VECTOR(SERIES("\"__name__\":\"fd:offered_rps\"", "40") "," SERIES(
                "\"__name__\":\"fd:service_up\",\"service\":\"api\",\"instance\":\"api-1\"",
                "1") "," SERIES("\"__name__\":\"x\"", "NaN"));
        char text[256] = "";

        (void)state;
        assert_int_equal(prom_series(answer, strlen(answer), collect, text, NULL), ERR_OK);
        assert_string_equal(text, "fd:offered_rps=40 fd:service_up|api=1 ");
}

static void times(void **state)
{
        (void)state;
        assert_int_equal(logs_time_ms("1970-01-02T00:00:01.005Z"), 86401005);
        assert_int_equal(logs_time_ms("2026-01-02 03:04:05.678"), -1);
        assert_int_equal(logs_time_ms(""), -1);
}

static char dir[64];

static void put(const char *name, const char *text)
{
        char path[128];
        FILE *f;

        (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
        f = fopen(path, "w");
        assert_non_null(f);
        (void)fputs(text, f);
        (void)fclose(f);
}

#define LINE(second, service, level, message)                                                                          \
        "{\"time\":\"2026-01-01T00:00:0" second ".000Z\",\"level\":\"" level "\",\"service\":\"" service               \
        "\",\"message\":\"" message "\"}\n"

static int logs_setup(void **state)
{
        (void)state;
        (void)snprintf(dir, sizeof(dir), "/tmp/fd-logs-XXXXXX");
        assert_non_null(mkdtemp(dir));
        put("api.log.1", LINE("1", "api", "info", "first"));
        put("api.log",
            LINE("3", "api", "error", "Third") LINE("5", "api", "debug", "fifth") "{\"time\":\"2026-01-01T00:0");
        put("auth.log",
            LINE("2", "auth", "warn", "second") "plain line after it\n" LINE("4", "auth", "info", "fourth")
                    "{\"time\":\"2026-01-01T00:00:06.000Z\",\"level\":\"info\",\"event\":\"a.b\",\"trace_id\":\"t7\",\"n\":17,\"message\":\"sixth\"}\n");
        return 0;
}

static int logs_teardown(void **state)
{
        static const char *const names[] = {"api.log.1", "api.log", "auth.log"};
        char path[128];

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
                (void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
                (void)unlink(path);
        }
        return rmdir(dir);
}

static void searches(void **state)
{
        static const struct pairs not_api = {.count = 1, .item = {{"service", "api"}}}, not_debug = {.count = 1, .item = {{"level", "debug"}}},
                                  not_both = {.count = 2, .item = {{"service", "api"}, {"n", "17"}}};
        static const struct {
                const char *name;
                struct logs_filter filter;
                const char *messages;
        } rows[] = {
                {"all, in order of time", {.limit = 10}, "first second plain line after it Third fourth fifth sixth "},
                {"the newest win", {.limit = 2}, "fifth sixth "},
                {"one service", {.service = "api", .limit = 10}, "first Third fifth "},
                {"level or worse", {.level = "warn", .limit = 10}, "second Third "},
                {"text in any case", {.text = "third", .limit = 10}, "Third "},
                {"from and to",
                 {.from_ms = 1767225602000, .to_ms = 1767225603000, .limit = 10},
                 "second plain line after it Third "},
                {"an event", {.event = "a.b", .limit = 10}, "sixth "},
                {"a trace", {.trace_id = "t7", .limit = 10}, "sixth "},
                {"a field of text", {.field_key = "trace_id", .field_value = "t7", .limit = 10}, "sixth "},
                {"a field that is a number", {.field_key = "n", .field_value = "17", .limit = 10}, "sixth "},
                {"another number", {.field_key = "n", .field_value = "1", .limit = 10}, ""},
                {"without a value", {.not = &not_api, .limit = 10}, "second plain line after it fourth sixth "},
                {"without two values",
                 {.not = &not_both, .limit = 10},
                 "second plain line after it fourth "},
                {"with one and without another", {.service = "api", .not = &not_debug, .limit = 10}, "first Third "},
                {"a service without logs", {.service = "nobody", .limit = 10}, ""},
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                AUTO(json_free) struct json *answer = NULL;
                char text[512] = "";

                print_message("  %s\n", rows[i].name);
                assert_int_equal(logs_search(dir, &rows[i].filter, &answer, NULL), ERR_OK);
                JSON_EACH(line, json_get(answer, "lines"))
                {
                        (void)strcat(text, json_get_str(line, "message", "?"));
                        (void)strcat(text, " ");
                }
                assert_string_equal(text, rows[i].messages);
        }
}

static void bad_filters(void **state)
{
        struct json *answer = NULL;
        struct err_note note = {0};

        (void)state;
        assert_int_equal(logs_search(dir, &(struct logs_filter){.level = "loud", .limit = 1}, &answer, &note),
                         ERR_INVAL);
        assert_int_equal(logs_search(dir, &(struct logs_filter){.service = "../../etc", .limit = 1}, &answer, &note),
                         ERR_NOT_FOUND);
        assert_null(answer);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(values),
                cmocka_unit_test(series_have_keys),
                cmocka_unit_test(times),
                cmocka_unit_test_setup_teardown(searches, logs_setup, logs_teardown),
                cmocka_unit_test_setup_teardown(bad_filters, logs_setup, logs_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
