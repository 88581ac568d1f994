#include "tests/unit/unit.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/clock.h"
#include "common/sys/file.h"
#include "common/sys/line.h"
#include "common/sys/loop.h"
#include "common/sys/sock.h"

struct seen {
        struct loop *loop;
        struct loop_timer *timer;
        int count, stop_at;
        char text[256];
};

static void on_count(void *ctx)
{
        struct seen *s = ctx;

        if (++s->count == s->stop_at) loop_stop(s->loop);
}

static void on_signal(void *ctx, int number)
{
        struct seen *s = ctx;

        s->count = number;
        loop_stop(s->loop);
}

static struct loop *loop_made(void)
{
        struct loop *l = NULL;

        assert_int_equal(loop_new(&l, NULL), ERR_OK);
        return l;
}

static void test_timers(void **state)
{
        AUTO(loop_free) struct loop *l = loop_made();
        struct seen a = { .loop = l, .stop_at = 3 }, b = { .loop = l };

        (void)state;
        assert_int_equal(loop_timer_add(l, 1, 1, on_count, &a, &a.timer), ERR_OK);
        assert_int_equal(loop_timer_add(l, 60000, 0, on_count, &b, &b.timer), ERR_OK);
        loop_run(l);
        assert_int_equal(a.count, 3);
        assert_int_equal(b.count, 0);
        loop_timer_remove(b.timer);
}

static void test_signal(void **state)
{
        AUTO(loop_free) struct loop *l = loop_made();
        struct seen s = { .loop = l };

        (void)state;
        assert_int_equal(loop_signal_add(l, SIGUSR1, on_signal, &s), ERR_OK);
        kill(getpid(), SIGUSR1);
        loop_run(l);
        assert_int_equal(s.count, SIGUSR1);
}

static void *other_thread(void *ctx)
{
        struct seen *s = ctx;

        for (int i = 0; i < 100; i++) assert_int_equal(loop_call(s->loop, on_count, s, 5000), ERR_OK);
        return NULL;
}

static void test_calls(void **state)
{
        AUTO(loop_free) struct loop *l = loop_made();
        struct seen s = { .loop = l, .stop_at = 200 };
        pthread_t threads[2];

        (void)state;
        for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, other_thread, &s);
        loop_run(l);
        for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
        assert_int_equal(s.count, 200);
}

static void test_posts_limit(void **state)
{
        AUTO(loop_free) struct loop *l = loop_made();
        struct seen s = { .loop = l, .stop_at = LOOP_POSTS_MAX };

        (void)state;
        for (int i = 0; i < LOOP_POSTS_MAX; i++) assert_int_equal(loop_post(l, on_count, &s), ERR_OK);
        assert_int_equal(loop_post(l, on_count, &s), ERR_LIMIT);
        loop_run(l);
        assert_int_equal(s.count, LOOP_POSTS_MAX);
        assert_int_equal(loop_call(l, on_count, &s, 1), ERR_TIMEOUT);
        assert_true(loop_turn(l, 1000)); /* frees the abandoned call without running it */
        assert_int_equal(s.count, LOOP_POSTS_MAX);
}

static void on_text(void *ctx, const char *text, size_t size)
{
        struct seen *s = ctx;

        assert_int_equal(strlen(text), size);
        str_cut(s->text, sizeof s->text, text);
        if (++s->count == s->stop_at) loop_stop(s->loop);
}

static void on_closed(void *ctx, const char *reason)
{
        struct seen *s = ctx;

        str_cut(s->text, sizeof s->text, reason);
        loop_stop(s->loop);
}

static void test_lines(void **state)
{
        AUTO(loop_free) struct loop *l = loop_made();
        struct seen s = { .loop = l, .stop_at = 2 };
        struct line_options o = { .line_bytes_max = 20000, .queue_bytes_max = 1000, .on_line = on_text, .on_end = on_closed, .ctx = &s };
        struct line *line = NULL;
        static char big[40000];
        int pair[2];

        (void)state;
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
        assert_int_equal(line_new(l, pair[0], &o, &line), ERR_OK);
        assert_int_equal(write(pair[1], "on", 2), 2);
        assert_int_equal(write(pair[1], "e\n\ntwo\nthr", 10), 10);
        loop_run(l);
        assert_string_equal(s.text, "two");
        assert_int_equal(line_send(line, "{}", 2), ERR_OK);
        assert_int_equal(read(pair[1], big, 10), 3);
        memset(big, 'x', sizeof big);
        assert_int_equal(write(pair[1], big, sizeof big), sizeof big);
        loop_run(l);
        assert_string_equal(s.text, "a line is too long");
        assert_int_equal(line_send(line, "x", 1), ERR_STATE);
        line_free(line);
        close(pair[1]);
}

static void test_lines_full_queue(void **state)
{
        AUTO(loop_free) struct loop *l = loop_made();
        struct seen s = { .loop = l };
        struct line_options o = { .line_bytes_max = 100, .queue_bytes_max = 4000, .on_line = on_text, .on_end = on_closed, .ctx = &s };
        struct line *line = NULL;
        static const char text[1000];
        int pair[2];
        enum err e = ERR_OK;

        (void)state;
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
        assert_int_equal(line_new(l, pair[0], &o, &line), ERR_OK);
        for (int i = 0; i < 10000 && !e; i++) e = line_send(line, text, sizeof text);
        assert_int_equal(e, ERR_LIMIT);
        loop_run(l);
        assert_string_equal(s.text, "the peer does not read: its queue is full");
        line_free(line);
        close(pair[1]);
}

static void test_files(void **state)
{
        char root[] = "/tmp/fd-unit-XXXXXX", path[FILE_PATH_BYTES], sub[FILE_PATH_BYTES];
        struct err_note note = { .text = "" };
        AUTO_BUF b;

        (void)state;
        assert_non_null(mkdtemp(root));
        assert_int_equal(path_format(sub, "%s/a/b/c", root), ERR_OK);
        assert_int_equal(dir_make(sub, 0700, &note), ERR_OK);
        assert_int_equal(path_join(path, sub, "f"), ERR_OK);
        assert_int_equal(file_write_atomic(path, "hello", 5, 0600, true, &note), ERR_OK);
        buf_init(&b, 4);
        assert_int_equal(file_read(path, &b, &note), ERR_LIMIT);
        buf_done(&b);
        buf_init(&b, 100);
        assert_int_equal(file_read(path, &b, &note), ERR_OK);
        assert_string_equal(b.data, "hello");
        assert_int_equal(file_read("/nonexistent/x", &b, &note), ERR_NOT_FOUND);
        assert_string_equal(note.text, "cannot open '/nonexistent/x': No such file or directory");
        fault_arm(1, true);
        assert_int_equal(file_write_atomic(path, "new", 3, 0600, false, &note), ERR_IO);
        assert_true(fault_disarm());
        assert_true(str_ends(note.text, "No space left on device"));
        buf_clear(&b);
        assert_int_equal(file_read(path, &b, &note), ERR_OK);
        assert_string_equal(b.data, "hello");
        assert_int_equal(dir_make(path, 0700, &note), ERR_EXISTS);
        assert_int_equal(symlink("/etc", path_join(sub, root, "link") ? "" : sub), 0);
        assert_int_equal(dir_remove(root, &note), ERR_OK);
        assert_false(file_exists(root));
        assert_true(file_exists("/etc/passwd"));
        assert_int_equal(dir_remove(root, &note), ERR_OK);
}

static void test_sockets(void **state)
{
        char path[] = "/tmp/fd-unit-sock-XXXXXX", host[SOCK_ADDRESS_BYTES], expected[96], address[96];
        struct err_note note = { .text = "" };
        struct stat st;
        uint16_t port;
        int fd, again = -1;

        (void)state;
        assert_true(mkstemp(path) >= 0);
        assert_int_equal(sock_listen_unix(path, 0600, &fd, &note), ERR_OK); /* a stale file is replaced */
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        assert_int_equal(sock_listen_unix(path, 0600, &again, &note), ERR_EXISTS);
        close(fd);
        assert_int_equal(sock_connect_unix(path, &again, &note), ERR_UNAVAILABLE);
        unlink(path);
        assert_int_equal(sock_listen_tcp("127.0.0.1", 0, 5, &fd, &note), ERR_OK);
        snprintf(expected, sizeof expected, "address 127.0.0.1:%u is already in use", sock_port(fd));
        assert_int_equal(sock_listen_tcp("127.0.0.1", sock_port(fd), 5, &again, &note), ERR_EXISTS);
        assert_string_equal(note.text, expected);
        snprintf(address, sizeof address, "127.0.0.1:%u", sock_port(fd));
        assert_int_equal(sock_split(address, host, &port), ERR_OK);
        assert_int_equal(port, sock_port(fd));
        close(fd);
        assert_int_equal(sock_split("127.0.0.1", host, &port), ERR_PARSE);
        assert_int_equal(sock_split("127.0.0.1:0", host, &port), ERR_PARSE);
        assert_int_equal(sock_split(":80", host, &port), ERR_PARSE);
        assert_true(sock_is_loopback("127.77.3.1"));
        assert_false(sock_is_loopback("0.0.0.0"));
}

static void test_clock_text(void **state)
{
        char text[CLOCK_TEXT_BYTES];

        (void)state;
        clock_text(1767323045678, text); /* date -u -d @1767323045 */
        assert_string_equal(text, "2026-01-02T03:04:05.678Z");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_signal), cmocka_unit_test(test_timers), cmocka_unit_test(test_calls), cmocka_unit_test(test_posts_limit),
                cmocka_unit_test(test_lines), cmocka_unit_test(test_lines_full_queue), cmocka_unit_test(test_files),
                cmocka_unit_test(test_sockets), cmocka_unit_test(test_clock_text),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
