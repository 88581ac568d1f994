/* Shells over WebSocket: who is let in, how many, and how they end. Run as "terminal-shell" this program is the warden. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/sock.h"
#include "server/terminal/terminal.h"
#include "server/terminal/warden.h"
#include "tests/support/wsclient.h"

enum { WAIT_MS = 20000, BINARY = 2 };

#define HANDSHAKE(host, more)                                                                                          \
        "GET /ws/terminal HTTP/1.1\r\nHost: " host "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"                 \
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " WSCLIENT_KEY "\r\n" more "\r\n"

static struct guard *guard;
static struct terminal *room;
static int listener;

static int open_room(void **state)
{
        static const char *const env[] = {"PATH=/usr/bin:/bin", "HOME=/nonexistent", "PS1=> ", "GATEWAY=http://127.77.9.1:8000", NULL};

        (void)state;
        assert_int_equal(guard_new(&(struct guard_opts){.listen_address = "127.0.0.1"}, &guard, NULL), ERR_OK);
        assert_int_equal(terminal_new(&(struct terminal_opts){.guard = guard, .env = env}, &room, NULL), ERR_OK);
        assert_int_equal(sock_listen_tcp("127.0.0.1", 0, 16, &listener, NULL), ERR_OK);
        return 0;
}

static int close_room(void **state)
{
        (void)state;
        terminal_free(take(&room));
        guard_free(guard);
        close(listener);
        assert_int_equal(alloc_live_count(), 0);
        return 0;
}

static enum err adopt(struct wsclient *c, const char *text, struct err_note *note)
{
        struct pollfd p = {.fd = listener, .events = POLLIN};
        size_t size = strlen(text);
        struct head head;
        int status, server;
        enum err e;

        assert_int_equal(sock_connect_tcp("127.0.0.1", sock_port(listener), &c->fd, NULL), ERR_OK);
        assert_int_equal(poll(&p, 1, WAIT_MS), 1);
        server = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        fcntl(c->fd, F_SETFL, 0);
        assert_int_equal(head_parse(text, size, &head, &status, note), ERR_OK);
        e = terminal_adopt(room, server, &head, "", 0, note);
        if (e) close(server);
        return e;
}

static struct wsclient *join(void)
{
        struct wsclient *c = calloc(1, sizeof(*c));
        struct err_note note = {0};

        if (adopt(c, HANDSHAKE("localhost", "Origin: http://localhost\r\n"), &note)) fail_msg("adopt: %s", note.text);
        assert_true(wsclient_greet(c, WAIT_MS));
        return c;
}

static void leave(struct wsclient *c)
{
        close(c->fd);
        free(c);
}

static void hear(struct wsclient *c, const char *text)
{
        static char said[1 << 16];
        size_t n = 0;

        memset(said, 0, sizeof(said));
        while (!strstr(said, text)) {
                if (!wsclient_read(c, WAIT_MS)) fail_msg("'%s' was not said, but: %s", text, said);
                if (c->opcode != BINARY || n + c->size_bytes >= sizeof(said)) continue;
                memcpy(said + n, c->text, c->size_bytes);
                n += c->size_bytes;
        }
}

static void type(struct wsclient *c, const char *text)
{
        assert_true(wsclient_send(c, 0x82, text, strlen(text)));
}

static void is_a_shell_beside_the_stack(void **state)
{
        struct wsclient *c = join();

        (void)state;
        assert_true(wsclient_say(c, "{\"type\":\"size\",\"columns\":100,\"rows\":30}"));
        type(c, "echo at$GATEWAY $(stty size); exit\n");
        hear(c, "athttp://127.77.9.1:8000 30 100");
        assert_true(wsclient_read_type(c, "end", WAIT_MS));
        assert_non_null(strstr(c->text, "the shell has ended"));
        assert_true(wsclient_read(c, WAIT_MS));
        assert_int_equal(wsclient_close_code(c), 1000);
        leave(c);
}

static void refuses_strangers(void **state)
{
        struct wsclient *c = calloc(1, sizeof(*c));
        struct err_note note = {0};

        (void)state;
        assert_int_equal(adopt(c, HANDSHAKE("localhost", "Origin: http://evil.example\r\n"), &note), ERR_DENIED);
        close(c->fd);
        assert_int_equal(adopt(c, HANDSHAKE("evil.example", ""), &note), ERR_DENIED);
        leave(c);
}

static void holds_its_number(void **state)
{
        struct wsclient *c[TERMINAL_SHELLS_MAX], *more = calloc(1, sizeof(*more));
        struct err_note note = {0};
        int64_t deadline_ms;

        (void)state;
        for (int i = 0; i < TERMINAL_SHELLS_MAX; i++) c[i] = join();
        assert_int_equal(adopt(more, HANDSHAKE("localhost", ""), &note), ERR_LIMIT);
        leave(more);
        for (int i = 0; i < TERMINAL_SHELLS_MAX; i++) leave(c[i]);
        deadline_ms = clock_mono_ms() + WAIT_MS;
        for (enum err e = ERR_LIMIT; e;) { /* as soon as the others are gone there is room again */
                more = calloc(1, sizeof(*more));
                e = adopt(more, HANDSHAKE("localhost", ""), &note);
                leave(more);
                assert_true(clock_mono_ms() < deadline_ms);
                poll(NULL, 0, 5);
        }
}

static void closes_the_rude(void **state)
{
        static const char *const rude[] = {"{\"type\":\"size\",\"columns\":0,\"rows\":5}", "{\"type\":\"size\",\"columns\":1e9,\"rows\":5}",
                                           "{\"type\":\"run\"}", "nonsense", NULL};

        (void)state;
        for (int i = 0; rude[i]; i++) {
                struct wsclient *c = join();

                assert_true(wsclient_say(c, rude[i]));
                assert_true(wsclient_read_type(c, "end", WAIT_MS));
                while (!wsclient_close_code(c)) assert_true(wsclient_read(c, WAIT_MS));
                assert_int_equal(wsclient_close_code(c), 1008);
                leave(c);
        }
}

static void ends_with_the_run_and_the_server(void **state)
{
        struct wsclient *c = join();

        (void)state;
        hear(c, "> ");
        terminal_close_all(room, "the incident is over");
        assert_true(wsclient_read_type(c, "end", WAIT_MS));
        assert_non_null(strstr(c->text, "the incident is over"));
        leave(c);
        c = join();
        hear(c, "> ");
        terminal_free(take(&room));
        assert_true(wsclient_read_type(c, "end", WAIT_MS));
        assert_non_null(strstr(c->text, "the server is stopping"));
        leave(c);
}

int main(int argc, char **argv)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(is_a_shell_beside_the_stack, open_room, close_room),
                cmocka_unit_test_setup_teardown(refuses_strangers, open_room, close_room),
                cmocka_unit_test_setup_teardown(holds_its_number, open_room, close_room),
                cmocka_unit_test_setup_teardown(closes_the_rude, open_room, close_room),
                cmocka_unit_test_setup_teardown(ends_with_the_run_and_the_server, open_room, close_room),
        };

        if (argc == 2 && str_eq(argv[1], WARDEN_WORD)) return warden_main();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
