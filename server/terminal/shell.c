#include "server/terminal/shell.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/mem.h"
#include "server/terminal/warden.h"

enum { SHELL_CHUNK_BYTES = 4096, SHELL_COLUMNS = 80, SHELL_ROWS = 24 };

struct shell {
        struct shell_options o;
        pid_t warden;
        int terminal, lifeline, wake; /* -1: none */
        pthread_t thread;
        bool has_thread;
        pthread_mutex_t lock; /* of what follows */
        struct buf output, input;
        bool ended, stopping;
};

/* ---- the thread ---- */

static void shell_wake(struct shell *s)
{
        uint64_t one = 1;

        if (write(s->wake, &one, sizeof(one)) < 0) return; /* full: it is awake anyway */
}

/* What the thread waits for; false: it is to end. */
static bool shell_wishes(struct shell *s, struct pollfd wait[2])
{
        bool go_on;

        pthread_mutex_lock(&s->lock);
        wait[0] = (struct pollfd){.fd = s->wake, .events = POLLIN};
        wait[1] = (struct pollfd){.fd = s->terminal};
        if (s->output.size_bytes + SHELL_CHUNK_BYTES <= SHELL_OUTPUT_BYTES_MAX) wait[1].events |= POLLIN;
        if (s->input.size_bytes) wait[1].events |= POLLOUT;
        if (!wait[1].events) wait[1].fd = -1; /* nothing is wanted of it: its hang-up can wait too */
        go_on = !s->stopping;
        pthread_mutex_unlock(&s->lock);
        return go_on;
}

static bool shell_take_output(struct shell *s)
{
        char chunk[SHELL_CHUNK_BYTES];
        ssize_t n = read(s->terminal, chunk, sizeof(chunk));

        if (n < 0 && (errno == EAGAIN || errno == EINTR)) return true;
        pthread_mutex_lock(&s->lock);
        if (n > 0) buf_append(&s->output, chunk, (size_t)n);
        else s->ended = true; /* EIO: the last one who had it open is gone */
        if (buf_status(&s->output)) s->ended = true;
        pthread_mutex_unlock(&s->lock);
        s->o.on_news(s->o.ctx);
        return n > 0;
}

static void shell_give_input(struct shell *s)
{
        ssize_t n;

        pthread_mutex_lock(&s->lock);
        n = write(s->terminal, s->input.data, s->input.size_bytes);
        if (n > 0) buf_consume(&s->input, (size_t)n);
        else if (n < 0 && errno != EAGAIN && errno != EINTR) buf_clear(&s->input);
        pthread_mutex_unlock(&s->lock);
}

static void *shell_run(void *ctx)
{
        struct shell *s = ctx;
        struct pollfd wait[2];
        uint64_t count;

        while (shell_wishes(s, wait)) {
                if (poll(wait, 2, -1) < 0) continue;
                if (wait[0].revents && read(s->wake, &count, sizeof(count)) < 0) continue;
                if (wait[1].revents & POLLOUT) shell_give_input(s);
                if ((wait[1].revents & (POLLIN | POLLHUP | POLLERR)) && !shell_take_output(s)) break;
        }
        return NULL;
}

/* ---- the start ---- */

/* After fork: only what is allowed in a program with threads. */
static NORETURN void shell_become_warden(const struct shell_options *o, int terminal, int lifeline)
{
        static char *const argv[] = {(char *)"firedrill", (char *)WARDEN_WORD, NULL};
        sigset_t none;
        int line;

        for (int number = 1; number < NSIG; number++) (void)signal(number, SIG_DFL);
        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        line = fcntl(lifeline, F_DUPFD, WARDEN_LIFELINE_FD + 1); /* out of the way of the numbers below */
        terminal = fcntl(terminal, F_DUPFD, WARDEN_LIFELINE_FD + 1);
        if (line < 0 || terminal < 0 || dup2(terminal, 0) < 0 || dup2(terminal, 1) < 0 || dup2(terminal, 2) < 0 ||
            dup2(line, WARDEN_LIFELINE_FD) < 0)
                _exit(127);
        (void)close(line);
        (void)close(terminal);
        (void)execve("/proc/self/exe", argv, (char *const *)o->env);
        _exit(127);
}

static int shell_terminal_open(int *ret_slave)
{
        char name[64];
        int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave = -1;

        if (master < 0) return -1;
        if (!grantpt(master) && !unlockpt(master) && !ptsname_r(master, name, sizeof(name)))
                slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (slave < 0 || fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK) < 0) {
                if (slave >= 0) (void)close(slave);
                (void)close(master);
                return -1;
        }
        *ret_slave = slave;
        return master;
}

static enum err shell_spawn(struct shell *s, struct err_note *reterr)
{
        int slave = -1, line[2];

        s->terminal = shell_terminal_open(&slave);
        if (s->terminal < 0) return err_note(reterr, ERR_IO, "no terminal can be made: %s", strerror(errno));
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, line)) {
                (void)close(slave);
                return err_note(reterr, ERR_IO, "no socket pair: %s", strerror(errno));
        }
        shell_resize(s, SHELL_COLUMNS, SHELL_ROWS);
        s->lifeline = line[0];
        s->warden = fork();
        if (s->warden == 0) shell_become_warden(&s->o, slave, line[1]);
        (void)close(slave);
        (void)close(line[1]);
        return s->warden < 0 ? err_note(reterr, ERR_LIMIT, "no process for a shell: %s", strerror(errno)) : ERR_OK;
}

enum err shell_start(const struct shell_options *options, struct shell **ret, struct err_note *reterr)
{
        AUTO(shell_free) struct shell *s = mem_zalloc(1, sizeof(*s));
        enum err e;

        if (!s) return err_note(reterr, ERR_NOMEM, "no memory for a shell");
        s->o = *options;
        s->terminal = s->lifeline = -1;
        (void)pthread_mutex_init(&s->lock, NULL);
        buf_init(&s->output, SHELL_OUTPUT_BYTES_MAX);
        buf_init(&s->input, SHELL_INPUT_BYTES_MAX);
        s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        e = s->wake < 0 ? err_note(reterr, ERR_LIMIT, "no descriptor for a shell: %s", strerror(errno)) : shell_spawn(s, reterr);
        if (e) return e;
        if (pthread_create(&s->thread, NULL, shell_run, s)) return err_note(reterr, ERR_LIMIT, "no thread for a shell");
        s->has_thread = true;
        *ret = take(&s);
        return ERR_OK;
}

/* ---- its owner ---- */

void shell_free(struct shell *s)
{
        if (!s) return;
        if (s->has_thread) {
                pthread_mutex_lock(&s->lock);
                s->stopping = true;
                pthread_mutex_unlock(&s->lock);
                shell_wake(s);
                (void)pthread_join(s->thread, NULL);
        }
        if (s->lifeline >= 0) (void)close(s->lifeline); /* the warden ends all, then itself */
        if (s->terminal >= 0) (void)close(s->terminal);
        while (s->warden > 0 && waitpid(s->warden, NULL, 0) < 0 && errno == EINTR) continue;
        if (s->wake >= 0) (void)close(s->wake);
        buf_done(&s->output);
        buf_done(&s->input);
        (void)pthread_mutex_destroy(&s->lock);
        mem_free(s);
}

size_t shell_read(struct shell *s, void *dst, size_t dst_bytes, bool *ret_ended)
{
        size_t n;

        pthread_mutex_lock(&s->lock);
        n = s->output.size_bytes < dst_bytes ? s->output.size_bytes : dst_bytes;
        if (n) {
                memcpy(dst, s->output.data, n);
                buf_consume(&s->output, n);
        }
        *ret_ended = s->ended && !s->output.size_bytes;
        pthread_mutex_unlock(&s->lock);
        if (n) shell_wake(s); /* there is room again */
        return n;
}

enum err shell_write(struct shell *s, const void *bytes, size_t size_bytes)
{
        bool fits;

        pthread_mutex_lock(&s->lock);
        fits = !s->ended && s->input.size_bytes + size_bytes <= SHELL_INPUT_BYTES_MAX;
        if (fits) buf_append(&s->input, bytes, size_bytes);
        if (fits && buf_status(&s->input)) {
                buf_clear(&s->input);
                fits = false;
        }
        pthread_mutex_unlock(&s->lock);
        shell_wake(s);
        return fits ? ERR_OK : ERR_LIMIT;
}

void shell_resize(struct shell *s, unsigned columns, unsigned rows)
{
        struct winsize size = {.ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows};

        (void)ioctl(s->terminal, TIOCSWINSZ, &size);
}
