/* The poll against an HTTP server that answers as Prometheus and the load generator do. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/http/server.h"
#include "common/sys/clock.h"
#include "server/telemetry/poll.h"

#define VECTOR(items) "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[" items "]}}"

static struct {
        struct loop *loop;
        struct http_async *http;
        struct http_server *server;
        char address[64];
        int rounds, series, users, problems;
        struct run_sample last[3];
        char text[1024];
} t;

/* On a worker thread: looks only at the request. */
static void answer(void *ctx, struct http_exchange *x)
{
        const char *query = http_param(x, "query");
        const char *body = VECTOR("");

        (void)ctx;
        if (str_eq(http_path(x), "/sample"))
                body = "{\"last\":7,\"requests\":[{\"journey\":\"buy\",\"ok\":true}]}";
        else if (query && str_starts(query, "{__name__"))
                body = VECTOR("{\"metric\":{\"__name__\":\"fd:service_up\",\"service\":\"api\"},\"value\":[1,\"1\"]}");
        else if (str_eq(query, "good"))
                body = VECTOR("{\"metric\":{},\"value\":[1,\"0.5\"]}");
        else if (str_eq(query, "two"))
                body = VECTOR("{\"metric\":{},\"value\":[1,\"1\"]},{\"metric\":{},\"value\":[1,\"2\"]}");
        http_reply_text(x, 200, "application/json", body);
}

static void on_samples(void *ctx, const struct run_sample *samples, size_t count)
{
        (void)ctx;
        assert_int_equal(count, 3);
        memcpy(t.last, samples, sizeof(t.last));
        t.rounds++;
}

static void on_series(void *ctx, const char *json)
{
        (void)ctx;
        str_cut(t.text, sizeof(t.text), json);
        t.series++;
}

static void on_users(void *ctx, const char *json)
{
        (void)ctx;
        assert_non_null(strstr(json, "\"journey\":\"buy\""));
        t.users++;
}

static void on_problem(void *ctx, const char *query, const char *why)
{
        (void)ctx, (void)query, (void)why;
        t.problems++;
}

static void until(const int *value, int least)
{
        int64_t deadline = clock_mono_ms() + 15000;

        while (*value < least && clock_mono_ms() < deadline) (void)loop_turn(t.loop, 50);
        assert_true(*value >= least);
}

static int setup(void **state)
{
        struct http_server_options o = {.address = "127.0.0.1:0", .threads = 8, .handler = answer};

        (void)state;
        memset(&t, 0, sizeof(t));
        assert_int_equal(loop_new(&t.loop, NULL), ERR_OK);
        assert_int_equal(http_async_new(t.loop, &t.http), ERR_OK);
        assert_int_equal(http_server_new(&o, &t.server, NULL), ERR_OK);
        (void)snprintf(t.address, sizeof(t.address), "127.0.0.1:%u", http_server_port(t.server));
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        http_async_free(t.http);
        http_server_free(t.server);
        loop_free(t.loop);
        return 0;
}

static struct poll *opened(void)
{
        struct poll_options o = {.loop = t.loop,
                                 .http = t.http,
                                 .prometheus = t.address,
                                 .loadgen = t.address,
                                 .on_samples = on_samples,
                                 .on_series = on_series,
                                 .on_users = on_users,
                                 .on_problem = on_problem};
        struct poll *p = NULL;

        assert_int_equal(poll_new(&o, &p), ERR_OK);
        return p;
}

static const char *const queries[] = {"good", "nothing", "two"};

static void a_round_has_all_answers_in_order(void **state)
{
        AUTO(poll_free) struct poll *p = opened();

        (void)state;
        assert_int_equal(poll_watch(p, queries, 3), ERR_OK);
        until(&t.rounds, 1);
        assert_true(t.last[0].known && t.last[0].value == 0.5);
        assert_false(t.last[1].known);
        assert_false(t.last[2].known);
        until(&t.rounds, 2);
        assert_int_equal(t.problems, 1); /* of "two", once for all rounds */
        until(&t.series, 1);
        assert_non_null(strstr(t.text, "\"fd:service_up|api\":1"));
        until(&t.users, 1);
}

static void nothing_watched_tells_no_samples(void **state)
{
        AUTO(poll_free) struct poll *p = opened();

        (void)state;
        until(&t.series, 2);
        assert_int_equal(t.rounds, 0);
}

static void a_silent_prometheus_is_missing_data(void **state)
{
        AUTO(poll_free) struct poll *p = NULL;

        (void)state;
        http_server_free(take(&t.server));
        p = opened();
        assert_int_equal(poll_watch(p, queries, 3), ERR_OK);
        until(&t.rounds, 2);
        assert_false(t.last[0].known);
        assert_int_equal(t.problems, 3); /* each query once */
        assert_int_equal(t.series, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_round_has_all_answers_in_order, setup, teardown),
                cmocka_unit_test_setup_teardown(nothing_watched_tells_no_samples, setup, teardown),
                cmocka_unit_test_setup_teardown(a_silent_prometheus_is_missing_data, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
