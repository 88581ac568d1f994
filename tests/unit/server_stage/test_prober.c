/* Probes: what an answer is worth (a table), and asking real services: period, retries, deadlines, what is old is missing. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/http/server.h"
#include "common/sys/clock.h"
#include "common/sys/file.h"
#include "server/stage/prober.h"

enum { STACK = 59, DEADLINE_MS = 15000 };

#define HTTP(what, field) { .kind = SCENARIO_PROBE_HTTP, .read = SCENARIO_READ_##what, .status = 200, .pointer = field, .body = "", .is = "" }
#define CONFIG(name, value) { .kind = SCENARIO_PROBE_CONFIG, .key = name, .is = value, .body = "", .pointer = "" }
#define COUNT(name) { .kind = SCENARIO_PROBE_DATABASE, .check = name, .body = "", .is = "", .pointer = "" }

static void values(void **state)
{
        static const struct {
                const char *name;
                struct scenario_probe probe;
                enum err e;
                int status;
                const char *body;
                double want; /* NAN: missing */
                const char *why;
        } rows[] = {
                { "a good page", HTTP(OK, ""), ERR_OK, 200, "x", 1, NULL },
                { "a bad page", HTTP(OK, ""), ERR_OK, 503, "x", 0, NULL },
                { "nobody there: the user's page failed", HTTP(OK, ""), ERR_UNAVAILABLE, 0, "", 0, NULL },
                { "too late: the user's page failed", HTTP(OK, ""), ERR_TIMEOUT, 0, "", 0, NULL },
                { "status", HTTP(STATUS, ""), ERR_OK, 404, "x", 404, NULL },
                { "no status", HTTP(STATUS, ""), ERR_UNAVAILABLE, 0, "", NAN, "no answer" },
                { "seconds", HTTP(SECONDS, ""), ERR_OK, 200, "x", 0.25, NULL },
                { "no seconds", HTTP(SECONDS, ""), ERR_TIMEOUT, 0, "", NAN, "no answer in time" },
                { "a number", HTTP(JSON, "/a/b"), ERR_OK, 200, "{\"a\":{\"b\":7.5}}", 7.5, NULL },
                { "true is one", HTTP(JSON, "/a"), ERR_OK, 200, "{\"a\":true}", 1, NULL },
                { "no number", HTTP(JSON, "/a"), ERR_OK, 200, "{\"a\":\"7\"}", NAN, "the answer has no number there" },
                { "not there", HTTP(JSON, "/z"), ERR_OK, 200, "{\"a\":1}", NAN, "the answer has no number there" },
                { "no JSON", HTTP(JSON, "/a"), ERR_OK, 200, "<html>", NAN, "the answer is not JSON" },
                { "a problem", HTTP(JSON, "/a"), ERR_OK, 500, "{\"a\":1}", NAN, "the answer is not 200" },
                { "a setting", CONFIG("n", ""), ERR_OK, 200, "{\"config\":{\"n\":16}}", 16, NULL },
                { "is a number", CONFIG("n", "16"), ERR_OK, 200, "{\"config\":{\"n\":16}}", 1, NULL },
                { "is another number", CONFIG("n", "8"), ERR_OK, 200, "{\"config\":{\"n\":16}}", 0, NULL },
                { "is a text", CONFIG("n", "efficient"), ERR_OK, 200, "{\"config\":{\"n\":\"efficient\"}}", 1, NULL },
                { "is true", CONFIG("n", "true"), ERR_OK, 200, "{\"config\":{\"n\":true}}", 1, NULL },
                { "is not true", CONFIG("n", "true"), ERR_OK, 200, "{\"config\":{\"n\":false}}", 0, NULL },
                { "a text is no number", CONFIG("n", ""), ERR_OK, 200, "{\"config\":{\"n\":\"x\"}}", NAN, "the setting is not a number; say what it should be with 'is'" },
                { "no such key", CONFIG("m", "1"), ERR_OK, 200, "{\"config\":{\"n\":1}}", NAN, "the service has no such key" },
                { "the service is away", CONFIG("n", "1"), ERR_UNAVAILABLE, 0, "", NAN, "no answer" },
                { "a count", COUNT("orders_unsettled"), ERR_OK, 200, "{\"checks\":{\"orders_unsettled\":3}}", 3, NULL },
                { "tables locked", COUNT("orders_unsettled"), ERR_OK, 504, "{}", NAN, "the answer is not 200" },
                { "another count", COUNT("orders_unsettled"), ERR_OK, 200, "{\"checks\":{}}", NAN, "the adapter did not count that" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                struct http_response r;
                struct run_sample sample;
                const char *why = "x";

                http_response_init(&r);
                r.status = rows[i].status;
                r.took_us = 250000;
                buf_init(&r.body, 4096);
                buf_str(&r.body, rows[i].body);
                sample = prober_value(&rows[i].probe, rows[i].e, &r, &why);
                if (sample.known != !isnan(rows[i].want) || (sample.known && sample.value != rows[i].want)) fail_msg("row '%s': %d %g", rows[i].name, sample.known, sample.value);
                if (rows[i].why ? !why || strcmp(why, rows[i].why) != 0 : why != NULL) fail_msg("row '%s': why is '%s'", rows[i].name, why ? why : "NULL");
                http_response_done(&r);
        }
}

/* ---- against a server in the place of the gateway ---- */

static struct {
        struct loop *loop;
        struct http_async *http;
        struct http_server *server;
        struct stack_spec *spec;
        struct prober *prober;
        atomic_int requests, bad_left, posts;
        int problems;
        char why[256];
} t;

/* On a worker thread. */
static void answer(void *ctx, struct http_exchange *x)
{
        size_t size = 0;
        const char *body = http_body(x, &size);

        (void)ctx;
        atomic_fetch_add(&t.requests, 1);
        if (str_eq(http_method(x), "POST") && size == 7 && strncmp(body, "{\"a\":1}", 7) == 0 && str_eq(http_path(x), "/quotes")) atomic_fetch_add(&t.posts, 1);
        if (atomic_fetch_sub(&t.bad_left, 1) > 0) http_problem(x, 503, "UNAVAILABLE", "not now");
        else http_reply_text(x, 200, "application/json", "{\"total\":12}");
}

static void on_problem(void *ctx, const char *probe, const char *why)
{
        (void)ctx;
        snprintf(t.why, sizeof t.why, "%s: %s", probe, why);
        t.problems++;
}

static int setup(void **state)
{
        char address[32];
        struct http_server_options o = { .address = address, .threads = 4, .handler = answer };
        struct prober_options p = { .number = STACK, .on_problem = on_problem };
        struct diag_list diags;
        AUTO_BUF text;

        (void)state;
        memset(&t, 0, sizeof t);
        buf_init(&text, 1 << 20);
        diag_list_init(&diags, "sut/stack.yaml");
        assert_int_equal(file_read("sut/stack.yaml", &text, NULL), ERR_OK);
        assert_int_equal(stack_spec_parse(text.data, text.size_bytes, &diags, &t.spec), ERR_OK);
        diag_list_done(&diags);
        snprintf(address, sizeof address, "127.77.%d.1:0", STACK);
        assert_int_equal(loop_new(&t.loop, NULL), ERR_OK);
        assert_int_equal(http_async_new(t.loop, &t.http), ERR_OK);
        assert_int_equal(http_server_new(&o, &t.server, NULL), ERR_OK);
        t.spec->services[stack_service_find(t.spec, "gateway")].port = http_server_port(t.server);
        p.loop = t.loop;
        p.http = t.http;
        p.spec = t.spec;
        assert_int_equal(prober_new(&p, &t.prober), ERR_OK);
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        prober_free(t.prober);
        http_async_free(t.http);
        http_server_free(t.server);
        loop_free(t.loop);
        stack_spec_free(t.spec);
        return 0;
}

static void until_requests(int count)
{
        int64_t deadline = clock_mono_ms() + DEADLINE_MS;

        while (atomic_load(&t.requests) < count && clock_mono_ms() < deadline) (void)loop_turn(t.loop, 20);
        assert_true(atomic_load(&t.requests) >= count);
}

static void until_known(size_t index, bool is_known)
{
        int64_t deadline = clock_mono_ms() + DEADLINE_MS;

        while (prober_sample(t.prober, index).known != is_known && clock_mono_ms() < deadline) (void)loop_turn(t.loop, 20);
        assert_true(prober_sample(t.prober, index).known == is_known);
}

#define GATEWAY .kind = SCENARIO_PROBE_HTTP, .text = "the probe", .on = "gateway", .is = "", .key = "", .check = ""

static void asks_again_before_it_counts(void **state)
{
        static const struct scenario_probe page = { GATEWAY, .method = "GET", .path = "/products", .body = "", .pointer = "", .status = 200, .every_ms = 60000,
                                                    .timeout_ms = 2000, .retries = 2 };
        static const struct scenario_probe total = { GATEWAY, .method = "POST", .path = "/quotes", .body = "{\"a\":1}", .read = SCENARIO_READ_JSON, .pointer = "/total",
                                                     .every_ms = 60000, .timeout_ms = 2000 };

        (void)state;
        atomic_store(&t.bad_left, 2);
        prober_watch(t.prober, (const struct scenario_probe *const[]){ &page }, 1);
        assert_false(prober_sample(t.prober, 0).known);
        until_known(0, true);
        assert_int_equal(atomic_load(&t.requests), 3); /* two bad ones, and the one that counts */
        assert_true(prober_sample(t.prober, 0).value == 1);
        atomic_store(&t.bad_left, 3);
        prober_watch(t.prober, (const struct scenario_probe *const[]){ &page }, 1);
        until_known(0, true);
        assert_true(prober_sample(t.prober, 0).value == 0); /* three are too many */
        atomic_store(&t.bad_left, 0);
        prober_watch(t.prober, (const struct scenario_probe *const[]){ &page, &total }, 2);
        until_known(1, true);
        assert_true(prober_sample(t.prober, 1).value == 12);
        assert_int_equal(atomic_load(&t.posts), 1);
}

static void what_is_old_is_missing(void **state)
{
        static const struct scenario_probe probe = { GATEWAY, .method = "GET", .path = "/", .body = "", .read = SCENARIO_READ_STATUS, .pointer = "", .every_ms = 300,
                                                     .timeout_ms = 200 };

        (void)state;
        prober_watch(t.prober, (const struct scenario_probe *const[]){ &probe }, 1);
        until_known(0, true);
        until_requests(3); /* asked again and again */
        assert_int_equal(t.problems, 0);
        http_server_free(take(&t.server));
        until_known(0, false);
        assert_int_equal(t.problems, 1); /* said once */
        assert_non_null(strstr(t.why, "the probe: no answer"));
}

static void a_service_that_is_not_there(void **state)
{
        static const struct scenario_probe probe = { .kind = SCENARIO_PROBE_CONFIG, .text = "nobody", .on = "nobody", .key = "k", .is = "", .body = "", .method = "",
                                                     .path = "", .pointer = "", .check = "", .every_ms = 1000, .timeout_ms = 100 };
        int64_t deadline = clock_mono_ms() + DEADLINE_MS;

        (void)state;
        prober_watch(t.prober, (const struct scenario_probe *const[]){ &probe }, 1);
        while (!t.problems && clock_mono_ms() < deadline) (void)loop_turn(t.loop, 20);
        assert_string_equal(t.why, "nobody: this stack has no such service");
        assert_false(prober_sample(t.prober, 0).known);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(values),
                cmocka_unit_test_setup_teardown(asks_again_before_it_counts, setup, teardown),
                cmocka_unit_test_setup_teardown(what_is_old_is_missing, setup, teardown),
                cmocka_unit_test_setup_teardown(a_service_that_is_not_there, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
