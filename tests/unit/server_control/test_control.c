/* The client against a scripted agent on a real Unix socket, on one loop. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/clock.h"
#include "common/sys/line.h"
#include "common/sys/sock.h"
#include "server/control/agent.h"
#include "server/control/control.h"

static struct {
        struct loop *loop;
        char dir[64], path[96];
        int listener;
        struct loop_fd *accepting;
        struct line *peer;
        char got[4096]; /* lines the agent got, in brackets, without ids */
        int64_t last_id;
        int ups, downs;
        char events[256];
        char replies[1024];
        int reply_count;
} t;

static void peer_line(void *ctx, const char *text, size_t size_bytes)
{
        AUTO(json_free) struct json *j = NULL;
        AUTO_BUF b;

        (void)ctx;
        assert_int_equal(json_parse(text, size_bytes, &j, NULL), ERR_OK);
        t.last_id = json_get_int(j, "id", -1);
        json_remove(j, "id");
        buf_init(&b, 4096);
        assert_int_equal(json_print(j, &b), ERR_OK);
        (void)strcat(t.got, b.data);
}

static void peer_end(void *ctx, const char *reason)
{
        (void)ctx, (void)reason;
        line_free(take(&t.peer));
}

static void peer_accept(void *ctx, uint32_t events)
{
        struct line_options o = {
                .line_bytes_max = 65536, .queue_bytes_max = 65536, .on_line = peer_line, .on_end = peer_end};
        int fd = accept4(t.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        (void)ctx, (void)events;
        assert_true(fd >= 0);
        assert_int_equal(line_new(t.loop, fd, &o, &t.peer), ERR_OK);
}

static void listen_on(void)
{
        assert_int_equal(sock_listen_unix(t.path, 0600, &t.listener, NULL), ERR_OK);
        assert_int_equal(loop_fd_add(t.loop, t.listener, EPOLLIN, peer_accept, NULL, &t.accepting), ERR_OK);
}

static void listen_off(void)
{
        loop_fd_remove(take(&t.accepting));
        (void)close(t.listener);
        (void)unlink(t.path);
}

static void on_state(void *ctx, bool up)
{
        (void)ctx;
        *(up ? &t.ups : &t.downs) += 1;
}

static void on_event(void *ctx, const struct json *event)
{
        (void)ctx;
        (void)strcat(t.events, json_get_str(event, "event", "?"));
}

static void on_reply(void *ctx, enum err e, const struct json *result, const struct err_note *note)
{
        size_t used = strlen(t.replies);

        t.reply_count++;
        (void)snprintf(t.replies + used, sizeof(t.replies) - used, "%s:%s:%s;", (const char *)ctx,
                       e ? err_name(e) : "OK", e ? note->text : json_get_str(result, "x", "-"));
}

static void on_progress(void *ctx, const char *text)
{
        (void)ctx;
        (void)strcat(t.events, text);
}

/* Turns the loop until *value reaches want; a deadline, not a pause. */
static void until(const int *value, int want)
{
        int64_t deadline = clock_mono_ms() + 5000;

        while (*value < want && clock_mono_ms() < deadline) (void)loop_turn(t.loop, 50);
        assert_int_equal(*value, want);
}

static void until_got(const char *text)
{
        int64_t deadline = clock_mono_ms() + 5000;

        while (!strstr(t.got, text) && clock_mono_ms() < deadline) (void)loop_turn(t.loop, 50);
        assert_non_null(strstr(t.got, text));
}

/* One line of the agent: {"id":N,<rest>. */
static void say(const char *rest, int64_t id)
{
        char text[512];

        (void)snprintf(text, sizeof(text), "{\"id\":%lld,%s", (long long)id, rest);
        assert_int_equal(line_send(t.peer, text, strlen(text)), ERR_OK);
}

static struct control *client(void)
{
        struct control_options o = {.loop = t.loop, .path = t.path, .on_state = on_state, .on_event = on_event};
        struct control *c = NULL;

        assert_int_equal(control_new(&o, &c, NULL), ERR_OK);
        return c;
}

static enum err ask(struct control *c, const char *name, int64_t timeout_ms)
{
        struct json *args = json_object();
        struct control_request r = {.verb = "service.restart",
                                    .stack = 1,
                                    .service = "api",
                                    .args = args,
                                    .timeout_ms = timeout_ms,
                                    .fn = on_reply,
                                    .progress = on_progress,
                                    .ctx = (void *)name};

        json_set_num(args, "n", 1);
        return control_call(c, &r, NULL);
}

static int setup(void **state)
{
        (void)state;
        memset(&t, 0, sizeof(t));
        (void)snprintf(t.dir, sizeof(t.dir), "/tmp/fd-control-XXXXXX");
        assert_non_null(mkdtemp(t.dir));
        (void)snprintf(t.path, sizeof(t.path), "%s/control.sock", t.dir);
        assert_int_equal(loop_new(&t.loop, NULL), ERR_OK);
        listen_on();
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        line_free(t.peer);
        listen_off();
        loop_free(t.loop);
        return rmdir(t.dir);
}

static void it_watches_and_asks(void **state)
{
        AUTO(control_free) struct control *c = client();

        (void)state;
        until(&t.ups, 1);
        assert_true(control_up(c));
        assert_int_equal(ask(c, "a", 5000), ERR_OK);
        until_got("{\"verb\":\"watch\"}{\"verb\":\"service.restart\",\"stack\":1,\"service\":\"api\",\"args\":{\"n\":1}"
                  "}");
}

static void answers_find_their_question(void **state)
{
        AUTO(control_free) struct control *c = client();
        int64_t first;

        (void)state;
        until(&t.ups, 1);
        assert_int_equal(ask(c, "a", 5000), ERR_OK);
        until_got("\"service\":\"api\"");
        first = t.last_id;
        t.got[0] = '\0';
        assert_int_equal(ask(c, "b", 5000), ERR_OK);
        until_got("\"service\":\"api\"");
        say("\"event\":\"service\"}", 0);
        say("\"progress\":\"...\"}", first);
        say("no json", 0);
        say("\"ok\":false,\"error\":{\"code\":\"NOT_FOUND\",\"detail\":\"no service 'apii'\"}}", t.last_id);
        say("\"ok\":true,\"result\":{\"x\":\"done\"}}", first);
        say("\"ok\":true,\"result\":{\"x\":\"twice\"}}", first);
        until(&t.reply_count, 2);
        assert_string_equal(t.replies, "b:NOT_FOUND:no service 'apii';a:OK:done;");
        assert_string_equal(t.events, "service...");
}

static void a_silent_agent_is_a_timeout(void **state)
{
        AUTO(control_free) struct control *c = client();

        (void)state;
        until(&t.ups, 1);
        assert_int_equal(ask(c, "a", 30), ERR_OK);
        until(&t.reply_count, 1);
        assert_string_equal(t.replies, "a:TIMEOUT:the control agent did not finish service.restart in time;");
}

static void a_dead_agent_fails_what_waits_and_is_found_again(void **state)
{
        AUTO(control_free) struct control *c = client();

        (void)state;
        until(&t.ups, 1);
        assert_int_equal(ask(c, "a", 60000), ERR_OK);
        until_got("\"service\":\"api\"");
        listen_off();
        line_free(take(&t.peer));
        until(&t.downs, 1);
        assert_int_equal(t.reply_count, 1);
        assert_non_null(strstr(t.replies, "a:UNAVAILABLE:the control agent went away during service.restart"));
        assert_int_equal(ask(c, "b", 1000), ERR_UNAVAILABLE);
        listen_on();
        until(&t.ups, 2);
        assert_int_equal(ask(c, "c", 60000), ERR_OK);
}

static void calls_are_bounded(void **state)
{
        AUTO(control_free) struct control *c = client();
        int taken = 0;

        (void)state;
        until(&t.ups, 1);
        until_got("watch");
        say("\"ok\":true,\"result\":{}}", t.last_id);
        while (taken < 2 * CONTROL_CALLS_MAX && !ask(c, "a", 60000)) taken++;
        assert_in_range(taken, CONTROL_CALLS_MAX - 1, CONTROL_CALLS_MAX);
}

static void too_long_a_path_is_said(void **state)
{
        struct control_options o = {.loop = t.loop};
        struct control *c = NULL;
        struct err_note note = {0};
        char path[300];

        (void)state;
        memset(path, 'x', sizeof(path) - 1);
        path[sizeof(path) - 1] = '\0';
        o.path = path;
        assert_int_equal(control_new(&o, &c, &note), ERR_LIMIT);
        assert_null(c);
        assert_non_null(strstr(note.text, "shorter --home"));
}

static int exit_count, exit_status;

static void on_exit_seen(void *ctx, int status)
{
        (void)ctx;
        exit_status = status;
        exit_count++;
}

static void the_agent_is_started_and_its_end_is_told(void **state)
{
        AUTO(agent_free) struct agent *a = NULL;
        struct agent_options o = {
                .loop = t.loop, .program = "/bin/false", .home = t.dir, .log = "/dev/null", .on_exit = on_exit_seen};
        struct err_note note = {0};

        (void)state;
        exit_count = 0;
        assert_int_equal(agent_start(&o, &a, &note), ERR_OK);
        assert_true(agent_pid(a) > 0);
        until(&exit_count, 1);
        assert_int_equal(agent_pid(a), 0);
        assert_int_equal(WEXITSTATUS(exit_status), 1);
        agent_free(take(&a));
        o.program = "/nonexistent/firedrill-control";
        assert_int_equal(agent_start(&o, &a, &note), ERR_IO);
        assert_null(a);
        assert_non_null(strstr(note.text, "No such file"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(it_watches_and_asks, setup, teardown),
                cmocka_unit_test_setup_teardown(answers_find_their_question, setup, teardown),
                cmocka_unit_test_setup_teardown(a_silent_agent_is_a_timeout, setup, teardown),
                cmocka_unit_test_setup_teardown(a_dead_agent_fails_what_waits_and_is_found_again, setup, teardown),
                cmocka_unit_test_setup_teardown(calls_are_bounded, setup, teardown),
                cmocka_unit_test_setup_teardown(too_long_a_path_is_said, setup, teardown),
                cmocka_unit_test_setup_teardown(the_agent_is_started_and_its_end_is_told, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
