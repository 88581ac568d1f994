#include "server/control/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/mem.h"

extern char **environ;

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

/* No descriptor of ours but the log, default signals, a session of its own. */
static enum err agent_spawn(const struct agent_options *o, pid_t *ret, struct err_note *reterr)
{
        char *const argv[] = {(char *)o->program, (char *)"--home", (char *)o->home, NULL};
        posix_spawn_file_actions_t files;
        posix_spawnattr_t attributes;
        sigset_t none, all;
        int failed;

        (void)sigemptyset(&none);
        (void)sigfillset(&all);
        if (posix_spawn_file_actions_init(&files)) return err_note(reterr, ERR_NOMEM, "out of memory");
        if (posix_spawnattr_init(&attributes)) {
                (void)posix_spawn_file_actions_destroy(&files);
                return err_note(reterr, ERR_NOMEM, "out of memory");
        }
        (void)posix_spawnattr_setflags(&attributes,
                                       POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        (void)posix_spawnattr_setsigmask(&attributes, &none);
        (void)posix_spawnattr_setsigdefault(&attributes, &all);
        failed = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
        if (!failed) failed = posix_spawn_file_actions_addopen(&files, 1, o->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        if (!failed) failed = posix_spawn_file_actions_adddup2(&files, 1, 2);
        if (!failed) failed = posix_spawn(ret, o->program, &files, &attributes, argv, environ);
        (void)posix_spawnattr_destroy(&attributes);
        (void)posix_spawn_file_actions_destroy(&files);
        if (failed)
                return err_note(reterr, ERR_IO, "cannot start the control agent '%s': %s", o->program,
                                strerror(failed));
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
