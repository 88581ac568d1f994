/* The follower of alerts against an HTTP server that answers as logproc's live tail does, call by call. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/http/server.h"
#include "common/sys/clock.h"
#include "server/telemetry/alerts.h"

#define LINE(alert, on, status, since)                                                                                          \
        "{\"id\":1,\"message\":\"" alert " " status "\",\"alert\":\"" alert "\",\"on\":\"" on "\",\"status\":\"" status "\",\"fingerprint\":\"" alert \
        "\",\"starts_at\":\"" since "\"}"

static const struct {
        const char *after; /* what must be asked; NULL: no number */
        int status;
        const char *body;
} calls[] = {
        {NULL, 503, "{}"},                                          /* logproc comes up */
        {NULL, 200, "{\"last\":40,\"lines\":[]}"},                  /* where now is */
        {"40", 200, "{\"last\":41,\"lines\":[" LINE("UsersWait", "", "firing", "t1") "]}"},
        {"41", 200, "{\"last\":42,\"lines\":[" LINE("UsersWait", "", "firing", "t1") "]}"}, /* Alertmanager repeats itself */
        {"42", 500, "no JSON"},
        {"42", 200, "{\"last\":43,\"lines\":[" LINE("UsersWait", "", "resolved", "t1") ",{\"message\":\"no alert\"}]}"},
        {"43", 200, "{\"last\":1,\"lines\":[" LINE("UsersWait", "", "firing", "t2") "," LINE("ServiceDown", "api", "firing", "t2") "]}"}, /* a new archive */
        {"1", 200, "{\"last\":0,\"lines\":[]}"},
        {"-1", 200, "{\"last\":5,\"lines\":[" LINE("End", "", "firing", "t3") "]}"},
};

static struct {
        struct loop *loop;
        struct http_async *http;
        struct http_server *server;
        char address[64];
        atomic_int call, wrong;
        char told[512];
} t;

/* On a worker thread. After the last row it answers nothing new, at once enough. */
static void answer(void *ctx, struct http_exchange *x)
{
        int n = atomic_fetch_add(&t.call, 1);
        const char *after = http_param(x, "after");

        (void)ctx;
        if (n >= (int)ARRAY_COUNT(calls)) {
                http_reply_text(x, 503, "application/json", "{}");
                return;
        }
        if (!str_eq(http_path(x), "/logs/tail") || !str_eq(http_param(x, "event"), "alert") || !str_eq(after ? after : "", calls[n].after ? calls[n].after : ""))
                atomic_store(&t.wrong, n + 1);
        http_reply_text(x, calls[n].status, "application/json", calls[n].body);
}

static void told(void *ctx, const struct alert *a)
{
        size_t used = strlen(t.told);

        (void)ctx;
        (void)snprintf(t.told + used, sizeof(t.told) - used, "%s/%s/%s/%s;", a->name, a->on, a->is_resolved ? "over" : "fires", a->summary);
}

static void each_alert_is_told_once_and_its_end(void **state)
{
        struct http_server_options o = {.address = "127.0.0.1:0", .threads = 2, .handler = answer};
        AUTO(alerts_free) struct alerts *a = NULL;
        int64_t deadline = clock_mono_ms() + 30000;

        (void)state;
        memset(&t, 0, sizeof(t));
        assert_int_equal(loop_new(&t.loop, NULL), ERR_OK);
        assert_int_equal(http_async_new(t.loop, &t.http), ERR_OK);
        assert_int_equal(http_server_new(&o, &t.server, NULL), ERR_OK);
        (void)snprintf(t.address, sizeof(t.address), "127.0.0.1:%u", http_server_port(t.server));
        assert_int_equal(alerts_new(t.loop, t.http, t.address, told, NULL, &a), ERR_OK);
        while (!strstr(t.told, "End/") && clock_mono_ms() < deadline) (void)loop_turn(t.loop, 50);
        assert_int_equal(atomic_load(&t.wrong), 0);
        assert_string_equal(t.told, "UsersWait//fires/UsersWait firing;UsersWait//over/UsersWait resolved;UsersWait//fires/UsersWait firing;"
                                    "ServiceDown/api/fires/ServiceDown firing;End//fires/End firing;");
        alerts_free(take(&a));
        http_async_free(t.http);
        http_server_free(t.server);
        loop_free(t.loop);
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(each_alert_is_told_once_and_its_end)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
