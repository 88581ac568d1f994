#include "common/sys/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/sys/line.h"

struct child {
        pid_t pid; /* 0 after its end */
        int pidfd, status;
        struct loop_fd *handle;
        struct line *line; /* NULL when the output has ended */
        struct child_options o;
};

/* The end is told when both have come: the exit, and the end of the output. */
static void child_maybe_end(struct child *c)
{
        if (!c->pid && !c->line) c->o.on_end(c->o.ctx, c->status);
}

static void child_exited(void *ctx, uint32_t events)
{
        struct child *c = ctx;
        int status = 0;

        (void)events;
        if (waitpid(c->pid, &status, WNOHANG) != c->pid) return;
        loop_fd_remove(take(&c->handle));
        c->pid = 0;
        c->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        child_maybe_end(c);
}

static void child_line(void *ctx, const char *text, size_t size_bytes)
{
        struct child *c = ctx;

        c->o.on_line(c->o.ctx, text, size_bytes);
}

static void child_output_end(void *ctx, const char *reason)
{
        struct child *c = ctx;

        (void)reason;
        line_free(take(&c->line));
        child_maybe_end(c);
}

/* After fork: the output goes to the socket, and the end of the parent is the end of the child, which then undoes what
 * it did. */
static NORETURN void child_become(const struct child_options *o, int out_fd, pid_t parent)
{
        const char *argv[CHILD_ARGS_MAX + 2] = {"firedrill"};
        sigset_t none;
        int log_fd = -1;

        for (size_t i = 0; o->args[i] && i < CHILD_ARGS_MAX; i++) argv[i + 1] = o->args[i];
        for (int number = 1; number < NSIG; number++) (void)signal(number, SIG_DFL);
        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        (void)setpgid(0, 0); /* the terminal's Ctrl-C goes to the parent, which tells its children once */
        (void)prctl(PR_SET_PDEATHSIG, SIGINT);
        if (o->log) log_fd = open(o->log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
        if (getppid() != parent || dup2(out_fd, 1) < 0 || (log_fd >= 0 && dup2(log_fd, 2) < 0)) _exit(127);
        (void)execv("/proc/self/exe", (char *const *)argv);
        _exit(127);
}

enum err child_start(const struct child_options *options, struct child **ret, struct err_note *reterr)
{
        AUTO(child_free) struct child *c = mem_zalloc(1, sizeof(*c));
        struct line_options lines = {.line_bytes_max = CHILD_LINE_BYTES_MAX,
                                     .queue_bytes_max = 1,
                                     .on_line = child_line,
                                     .on_end = child_output_end,
                                     .ctx = c};
        pid_t parent = getpid();
        int pair[2];
        enum err e;

        if (!c) return err_note(reterr, ERR_NOMEM, "out of memory");
        c->o = *options;
        c->pidfd = -1;
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
                return err_note(reterr, ERR_IO, "no socket pair: %s", strerror(errno));
        c->pid = fork();
        if (c->pid == 0) child_become(options, pair[1], parent);
        (void)close(pair[1]);
        if (c->pid < 0) {
                (void)close(pair[0]);
                c->pid = 0;
                return err_note(reterr, ERR_IO, "no process: %s", strerror(errno));
        }
        (void)fcntl(pair[0], F_SETFL, fcntl(pair[0], F_GETFL) | O_NONBLOCK);
        e = line_new(options->loop, pair[0], &lines, &c->line);
        if (e) (void)close(pair[0]);
        c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
        if (!e) e = c->pidfd < 0 ? ERR_IO : loop_fd_add(options->loop, c->pidfd, EPOLLIN, child_exited, c, &c->handle);
        if (e) return err_note(reterr, e, "the child cannot be watched: %s", err_text(e));
        *ret = take(&c);
        return ERR_OK;
}

void child_interrupt(const struct child *c)
{
        if (c->pid > 0) (void)kill(c->pid, SIGINT);
}

void child_free(struct child *c)
{
        if (!c) return;
        if (c->pid > 0) (void)kill(c->pid, SIGTERM);
        loop_fd_remove(c->handle);
        if (c->pidfd >= 0) (void)close(c->pidfd);
        line_free(c->line);
        mem_free(c);
}
