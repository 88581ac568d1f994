#include "server/control/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/mem.h"

struct agent {
        pid_t pid;
        int pidfd;
        struct loop_fd *handle;
        struct agent_options options;
};

static void agent_exited(void *ctx, uint32_t events)
{
        struct agent *a = ctx;
        int status = 0;

        (void)events;
        if (waitpid(a->pid, &status, WNOHANG) != a->pid) return;
        loop_fd_remove(take(&a->handle));
        a->pid = 0;
        if (a->options.on_exit) a->options.on_exit(a->options.ctx, status);
}

/* In the child: a session of its own, default signals, no descriptor of ours but the log. Only what is allowed after
 * fork in a program with threads; 127 says that the program could not be run. */
static NORETURN void agent_become(const struct agent_options *o, char *const argv[], int log_fd, int null_fd,
                                  pid_t parent)
{
        sigset_t none;

        (void)setsid();
        for (int number = 1; number < NSIG; number++) (void)signal(number, SIG_DFL);
        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        if (o->dies_with_us) {
                (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
                if (getppid() != parent) _exit(127);
        }
        if (dup2(null_fd, 0) < 0 || dup2(log_fd, 1) < 0 || dup2(log_fd, 2) < 0) _exit(127);
        (void)execv(o->program, argv);
        _exit(127);
}

static enum err agent_spawn(const struct agent_options *o, pid_t *ret, struct err_note *reterr)
{
        char *const argv[] = {(char *)o->program, (char *)"--home", (char *)o->home, NULL};
        int log_fd, null_fd;
        pid_t parent = getpid(), pid = -1;

        if (access(o->program, X_OK))
                return err_note(reterr, ERR_IO, "cannot start the control agent '%s': %s", o->program, strerror(errno));
        log_fd = open(o->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (log_fd >= 0 && null_fd >= 0) pid = fork();
        if (pid == 0) agent_become(o, argv, log_fd, null_fd, parent);
        if (pid < 0)
                (void)err_note(reterr, ERR_IO, "cannot start the control agent with its log '%s': %s", o->log,
                               strerror(errno));
        if (log_fd >= 0) (void)close(log_fd);
        if (null_fd >= 0) (void)close(null_fd);
        if (pid < 0) return ERR_IO;
        *ret = pid;
        return ERR_OK;
}

enum err agent_start(const struct agent_options *options, struct agent **ret, struct err_note *reterr)
{
        AUTO(agent_free) struct agent *a = mem_zalloc(1, sizeof(*a));
        enum err e;

        if (!a) return err_note(reterr, ERR_NOMEM, "out of memory");
        a->options = *options;
        a->pidfd = -1;
        e = agent_spawn(options, &a->pid, reterr);
        if (e) return e;
        a->pidfd = (int)syscall(SYS_pidfd_open, a->pid, 0);
        if (a->pidfd < 0) {
                e = err_note(reterr, ERR_IO, "cannot watch the control agent: %s", strerror(errno));
        } else {
                e = loop_fd_add(options->loop, a->pidfd, EPOLLIN, agent_exited, a, &a->handle);
                if (e) (void)err_note(reterr, e, "cannot watch the control agent: %s", err_text(e));
        }
        if (e) {
                (void)kill(a->pid, SIGTERM);
                return e;
        }
        *ret = take(&a);
        return ERR_OK;
}

void agent_free(struct agent *a)
{
        if (!a) return;
        loop_fd_remove(a->handle);
        if (a->pidfd >= 0) (void)close(a->pidfd);
        mem_free(a);
}

pid_t agent_pid(const struct agent *a)
{
        return a->pid;
}

void agent_terminate(const struct agent *a)
{
        if (a->pid > 0) (void)kill(a->pid, SIGTERM);
}
