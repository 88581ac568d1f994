/* logpipe, readiness and proc_tree against real pipes, sockets and processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/mem.h"
#include "common/sys/clock.h"
#include "common/sys/file.h"
#include "common/sys/sock.h"
#include "control-agent/supervise/logpipe.h"
#include "control-agent/supervise/proc_tree.h"
#include "control-agent/supervise/readiness.h"

static struct loop *loop;
static char root[64];

static int setup(void **state)
{
        (void)state;
        (void)snprintf(root, sizeof(root), "/tmp/fdu-XXXXXX");
        return mkdtemp(root) && !loop_new(&loop, NULL) ? 0 : -1;
}

static int teardown(void **state)
{
        (void)state;
        loop_free(loop);
        return dir_remove(root, NULL) ? -1 : 0;
}

/* Turns the loop until *flag or two seconds. */
static void turn_until(const int *flag)
{
        int64_t deadline = clock_mono_ms() + 2000;

        while (!*flag && clock_mono_ms() < deadline) (void)loop_turn(loop, 20);
}

static size_t file_bytes(const char *path)
{
        struct stat st;

        return stat(path, &st) == 0 ? (size_t)st.st_size : 0;
}

static void test_log_rotates_at_a_line(void **state)
{
        char path[80], older[96], line[101];
        struct logpipe *l = NULL;
        int fd = -1;
        AUTO_BUF text;

        (void)state;
        (void)snprintf(path, sizeof(path), "%s/a.log", root);
        (void)snprintf(older, sizeof(older), "%s.1", path);
        assert_int_equal(logpipe_new(loop, path, 1000, &l, &fd, NULL), ERR_OK);
        memset(line, 'x', sizeof(line));
        line[99] = '\n';
        for (int i = 0; i < 25; i++) {
                line[0] = (char)('a' + i);
                assert_int_equal(write(fd, line, 100), 100);
                (void)loop_turn(loop, 100);
        }
        assert_int_equal(write(fd, "half", 4), 4);
        close(fd);
        assert_int_equal(logpipe_last_line(l)[0], 'y'); /* the 25th */
        assert_int_equal(logpipe_lost(l), 0);
        logpipe_free(l); /* reads what is left */
        buf_init(&text, 5000);
        assert_int_equal(file_read(path, &text, NULL), ERR_OK);
        assert_string_equal(text.data + text.size_bytes - 4, "half");
        assert_int_equal((text.size_bytes - 4) % 100, 0); /* whole lines on both sides of the cut */
        assert_int_equal(file_bytes(older) % 100, 0);
        assert_true(file_bytes(older) >= 1000 && file_bytes(older) <= 1100);
}

static void set_flag(void *ctx)
{
        *(int *)ctx = 1;
}

static void test_ready_by_byte(void **state)
{
        int flag = 0, fd = -1;
        struct readiness_options o = {.kind = STACK_READY_FD, .on_ready = set_flag, .ctx = &flag};
        struct readiness *r = NULL;

        (void)state;
        assert_int_equal(readiness_new(loop, &o, &r, &fd, NULL), ERR_OK);
        (void)loop_turn(loop, 10);
        assert_int_equal(flag, 0);
        assert_int_equal(write(fd, "1", 1), 1);
        turn_until(&flag);
        assert_int_equal(flag, 1);
        close(fd);
        readiness_free(r);
}

static void test_close_without_a_byte_is_not_ready(void **state)
{
        int flag = 0, fd = -1;
        struct readiness_options o = {.kind = STACK_READY_FD, .on_ready = set_flag, .ctx = &flag};
        struct readiness *r = NULL;

        (void)state;
        assert_int_equal(readiness_new(loop, &o, &r, &fd, NULL), ERR_OK);
        close(fd);
        for (int i = 0; i < 3; i++) (void)loop_turn(loop, 5);
        assert_int_equal(flag, 0);
        readiness_free(r);
}

static void test_ready_by_notify(void **state)
{
        struct sockaddr_un to = {.sun_family = AF_UNIX};
        int flag = 0, fd = -1, s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        char name[64];
        struct readiness_options o = {
                .kind = STACK_READY_NOTIFY, .notify_name = name, .on_ready = set_flag, .ctx = &flag};
        struct readiness *r = NULL;
        socklen_t size;

        (void)state;
        (void)snprintf(name, sizeof(name), "fdu-%d", (int)getpid());
        assert_int_equal(readiness_new(loop, &o, &r, &fd, NULL), ERR_OK);
        assert_int_equal(fd, -1);
        memcpy(to.sun_path + 1, name, strlen(name));
        size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
        assert_int_equal(sendto(s, "STATUS=READY=1 soon", 19, 0, (void *)&to, size), 19);
        for (int i = 0; i < 3; i++) (void)loop_turn(loop, 5);
        assert_int_equal(flag, 0);
        assert_int_equal(sendto(s, "STATUS=x\nREADY=1", 16, 0, (void *)&to, size), 16);
        turn_until(&flag);
        assert_int_equal(flag, 1);
        close(s);
        readiness_free(r);
}

struct web {
        int listen_fd;
        const char *answer;
        int asked;
        char request[512];
};

static void on_web(void *ctx, uint32_t events)
{
        struct web *w = ctx;
        int fd = accept4(w->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        ssize_t n;

        (void)events;
        if (fd < 0) return;
        /* The client's request follows at once on the same loop, so it may not be here yet: answer anyway. */
        n = recv(fd, w->request, sizeof(w->request) - 1, MSG_DONTWAIT);
        w->request[n > 0 ? n : 0] = '\0';
        w->asked++;
        assert_int_equal(send(fd, w->answer, strlen(w->answer), MSG_NOSIGNAL), strlen(w->answer));
        (void)shutdown(fd, SHUT_WR);
        close(fd);
}

static void test_ready_by_http(void **state)
{
        struct web web = {.answer = "HTTP/1.1 503 not yet\r\n\r\n"};
        int flag = 0, fd = -1;
        struct readiness_options o = {
                .kind = STACK_READY_HTTP, .host = "127.0.0.1", .path = "/ok", .on_ready = set_flag, .ctx = &flag};
        struct loop_fd *handle = NULL;
        struct readiness *r = NULL;
        int64_t deadline = clock_mono_ms() + 2000;

        (void)state;
        assert_int_equal(sock_listen_tcp("127.0.0.1", 0, 8, &web.listen_fd, NULL), ERR_OK);
        o.port = sock_port(web.listen_fd);
        assert_int_equal(loop_fd_add(loop, web.listen_fd, EPOLLIN, on_web, &web, &handle), ERR_OK);
        assert_int_equal(readiness_new(loop, &o, &r, &fd, NULL), ERR_OK);
        while (web.asked < 3 && clock_mono_ms() < deadline) (void)loop_turn(loop, 20);
        assert_int_equal(flag, 0); /* 503 is not ready, and it asks again */
        web.answer = "HTTP/1.1 200 OK\r\n\r\n";
        turn_until(&flag);
        assert_int_equal(flag, 1);
        readiness_free(r);
        loop_fd_remove(handle);
        close(web.listen_fd);
}

/* A child with two grandchildren, one in a session of its own; all sleep until they are killed. */
static pid_t family(void)
{
        int ends[2];
        char byte;
        pid_t pid;

        assert_int_equal(pipe(ends), 0);
        pid = fork();
        if (pid == 0) {
                for (int i = 0; i < 2; i++) {
                        if (fork() != 0) continue;
                        if (i) (void)setsid();
                        (void)!write(ends[1], "x", 1);
                        for (;;) (void)pause();
                }
                for (;;) (void)pause();
        }
        assert_int_equal(read(ends[0], &byte, 1), 1);
        assert_int_equal(read(ends[0], &byte, 1), 1);
        close(ends[0]);
        close(ends[1]);
        return pid;
}

static char state_of(pid_t pid)
{
        char path[64], text[256], *paren;
        FILE *f;
        size_t n;

        (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
        f = fopen(path, "r");
        if (!f) return '-';
        n = fread(text, 1, sizeof(text) - 1, f);
        (void)fclose(f);
        text[n] = '\0';
        paren = strrchr(text, ')');
        return paren ? paren[2] : '-';
}

/* A signal takes effect a moment after it was sent. */
static bool becomes(pid_t pid, bool stopped)
{
        int64_t deadline = clock_mono_ms() + 2000;

        while ((state_of(pid) == 'T') != stopped)
                if (clock_mono_ms() > deadline) return false;
        return true;
}

static void test_tree(void **state)
{
        pid_t pid = family(), below[PROC_TREE_MAX], other[PROC_TREE_MAX];

        (void)state;
        assert_int_equal(proc_tree_list(pid, below, PROC_TREE_MAX), 2);
        assert_int_equal(proc_tree_list_by_parent(pid, other, PROC_TREE_MAX), 2);
        assert_true((other[0] == below[0] && other[1] == below[1]) || (other[0] == below[1] && other[1] == below[0]));
        proc_tree_signal(pid, SIGSTOP);
        assert_true(becomes(pid, true) && becomes(below[0], true) && becomes(below[1], true));
        proc_tree_signal(pid, SIGCONT);
        assert_true(becomes(below[1], false));

        /* As the keeper does: subreaper, kill below, reap, until nothing is left. */
        assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
        do (void)proc_tree_kill_below(getpid(), 1);
        while (waitpid(-1, NULL, 0) > 0);
        assert_int_equal(errno, ECHILD);
        assert_int_equal(kill(pid, 0), -1);
        assert_int_equal(kill(below[0], 0), -1);
        assert_int_equal(kill(below[1], 0), -1);
        assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

static void test_sweep_finds_by_environment(void **state)
{
        char variable[96];
        char *const argv[] = {(char *)"sleep", (char *)"1000", NULL};
        char *envp[] = {variable, NULL};
        int status = 0;
        pid_t pid;

        (void)state;
        (void)snprintf(variable, sizeof(variable), "FIREDRILL_STACK_DIR=%s", root);
        pid = fork();
        if (pid == 0) {
                (void)execve("/bin/sleep", argv, envp);
                _exit(1);
        }
        for (int64_t deadline = clock_mono_ms() + 2000; clock_mono_ms() < deadline;)
                if (proc_tree_sweep(variable)) break; /* from its exec on */
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        assert_int_equal(proc_tree_sweep(variable), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_log_rotates_at_a_line),
                cmocka_unit_test(test_ready_by_byte),
                cmocka_unit_test(test_close_without_a_byte_is_not_ready),
                cmocka_unit_test(test_ready_by_notify),
                cmocka_unit_test(test_ready_by_http),
                cmocka_unit_test(test_tree),
                cmocka_unit_test(test_sweep_finds_by_environment),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
