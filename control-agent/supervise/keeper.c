#include "control-agent/supervise/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control-agent/supervise/privilege.h"
#include "control-agent/supervise/proc_tree.h"

enum { HIGH_FD = 64, FDS_MAX = 2, EXIT_NOT_STARTED = 127 };

struct known {
        uint64_t tag;
        pid_t pid;
};

static struct known processes[KEEPER_PROCESSES_MAX];
static char message[KEEPER_MESSAGE_BYTES + 1];

struct start {
        struct keeper_request request;
        char *program, *directory;
        char *argv[KEEPER_TEXTS_MAX + 1], *envp[KEEPER_TEXTS_MAX + 1];
        int output_fd, ready_fd;
        pid_t keeper;
};

static void tell(const struct keeper_news *news, int pid_fd)
{
        struct iovec iov = {.iov_base = (void *)news, .iov_len = sizeof(*news)};
        union {
                struct cmsghdr header;
                char bytes[CMSG_SPACE(sizeof(int))];
        } control = {0};
        struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

        if (pid_fd >= 0) {
                struct cmsghdr *c;

                msg.msg_control = &control;
                msg.msg_controllen = sizeof(control);
                c = CMSG_FIRSTHDR(&msg);
                c->cmsg_level = SOL_SOCKET;
                c->cmsg_type = SCM_RIGHTS;
                c->cmsg_len = CMSG_LEN(sizeof(int));
                memcpy(CMSG_DATA(c), &pid_fd, sizeof(int));
        }
        /* A failure means that the agent is gone, which the next poll tells. */
        (void)sendmsg(KEEPER_SOCKET_FD, &msg, MSG_NOSIGNAL);
}

/* In the new process: never returns. Descriptors were moved above HIGH_FD, so that nothing collides with 0 to 3. */
static void become(const struct start *start, int status_fd)
{
        const struct rlimit no_core = {0, 0};
        sigset_t none;
        int error, null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

        (void)setsid();
        sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        (void)signal(SIGPIPE, SIG_DFL);
        (void)signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error to handle (disk.fill), not a death */
        (void)setrlimit(RLIMIT_CORE, &no_core);
        if (null_fd < 0 || dup2(null_fd, 0) < 0 || dup2(start->output_fd, 1) < 0 || dup2(start->output_fd, 2) < 0)
                goto fail;
        if (start->ready_fd >= 0 && dup2(start->ready_fd, KEEPER_READY_FD) < 0) goto fail;
        if (chdir(start->directory) < 0) goto fail;
        if (start->request.unprivileged && geteuid() == 0 && privilege_drop() < 0) goto fail;
        /* After the change of identity, which would clear it. A keeper that died before this line is seen by getppid.
         */
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) goto fail;
        if (getppid() != start->keeper) _exit(EXIT_NOT_STARTED);
        execve(start->program, start->argv, start->envp);
fail:
        error = errno;
        (void)!write(status_fd, &error, sizeof(error));
        _exit(EXIT_NOT_STARTED);
}

static struct known *free_place(void)
{
        for (size_t i = 0; i < KEEPER_PROCESSES_MAX; i++)
                if (!processes[i].pid) return &processes[i];
        return NULL;
}

/* Forks and executes; 0 or an errno. Waits for the exec, which closes the status pipe. */
static int launch(const struct start *start, pid_t *ret_pid)
{
        int status[2], error = 0;
        ssize_t n;
        pid_t pid;

        if (pipe2(status, O_CLOEXEC) < 0) return errno;
        pid = fork();
        if (pid == 0) {
                int high = fcntl(status[1], F_DUPFD_CLOEXEC, HIGH_FD);

                become(start, high < 0 ? status[1] : high);
        }
        close(status[1]);
        if (pid < 0) {
                error = errno;
                close(status[0]);
                return error;
        }
        do n = read(status[0], &error, sizeof(error));
        while (n < 0 && errno == EINTR);
        close(status[0]);
        if (n != (ssize_t)sizeof(error)) error = 0;
        if (error) (void)waitpid(pid, NULL, 0);
        *ret_pid = pid;
        return error;
}

static void serve(const struct start *start)
{
        struct keeper_news news = {.tag = start->request.tag, .kind = KEEPER_STARTED};
        struct known *place = free_place();
        pid_t pid = 0;
        int pid_fd = -1;

        news.error = place ? launch(start, &pid) : EAGAIN;
        if (!news.error) {
                pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
                if (pid_fd < 0) {
                        news.error = errno;
                        (void)kill(pid, SIGKILL);
                }
                *place = (struct known){start->request.tag, pid};
        }
        if (news.error) news.kind = KEEPER_FAILED;
        if (pid_fd < 0 && place) place->pid = 0;
        tell(&news, pid_fd);
        if (pid_fd >= 0) close(pid_fd);
}

/* Splits the texts of a message; false if it is not well formed. */
static bool split(char *texts, size_t size_bytes, struct start *start)
{
        size_t need = 2 + (size_t)start->request.argv_count + start->request.env_count, count = 0;
        char *all[2 + 2 * KEEPER_TEXTS_MAX], *at = texts, *end = texts + size_bytes;

        if (start->request.argv_count > KEEPER_TEXTS_MAX || start->request.env_count > KEEPER_TEXTS_MAX) return false;
        while (at < end && count < need) {
                all[count++] = at;
                at += strlen(at) + 1; /* the message has a NUL behind it */
        }
        if (count < need || start->request.argv_count == 0) return false;
        start->program = all[0];
        start->directory = all[1];
        memcpy(start->argv, all + 2, start->request.argv_count * sizeof(char *));
        start->argv[start->request.argv_count] = NULL;
        memcpy(start->envp, all + 2 + start->request.argv_count, start->request.env_count * sizeof(char *));
        start->envp[start->request.env_count] = NULL;
        return true;
}

static size_t take_fds(struct msghdr *msg, int fds[FDS_MAX])
{
        struct cmsghdr *c = CMSG_FIRSTHDR(msg);
        size_t count = 0;

        if (!c || c->cmsg_type != SCM_RIGHTS) return 0;
        count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        if (count > FDS_MAX) count = FDS_MAX;
        memcpy(fds, CMSG_DATA(c), count * sizeof(int));
        for (size_t i = 0; i < count; i++) {
                int high = fcntl(fds[i], F_DUPFD_CLOEXEC, HIGH_FD);

                close(fds[i]);
                fds[i] = high;
        }
        return count;
}

/* One request; false when the agent is gone. */
static bool receive(void)
{
        static struct start start;
        struct iovec iov = {.iov_base = message, .iov_len = KEEPER_MESSAGE_BYTES};
        union {
                struct cmsghdr header;
                char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
        } control = {0};
        struct msghdr msg = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
        int fds[FDS_MAX] = {-1, -1};
        size_t fds_count;
        ssize_t n = recvmsg(KEEPER_SOCKET_FD, &msg, MSG_CMSG_CLOEXEC);

        if (n < 0) return errno == EINTR || errno == EAGAIN;
        if (n == 0) return false;
        fds_count = take_fds(&msg, fds);
        message[n] = '\0';
        if ((size_t)n > sizeof(start.request) && fds_count >= 1) {
                memcpy(&start.request, message, sizeof(start.request));
                start.keeper = getpid();
                start.output_fd = fds[0];
                start.ready_fd = start.request.has_ready ? fds[1] : -1;
                if (split(message + sizeof(start.request), (size_t)n - sizeof(start.request), &start)) serve(&start);
        }
        for (size_t i = 0; i < fds_count; i++) close(fds[i]);
        return true;
}

/* Reaps whoever ended; orphans that came to us by our being init or subreaper have no place and are only reaped. */
static void reap(void)
{
        siginfo_t info;

        for (;;) {
                info.si_pid = 0;
                if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0) return;
                for (size_t i = 0; i < KEEPER_PROCESSES_MAX; i++) {
                        struct keeper_news news = {.kind = KEEPER_EXITED};

                        if (processes[i].pid != info.si_pid) continue;
                        news.tag = processes[i].tag;
                        news.code = info.si_code;
                        news.status = info.si_status;
                        processes[i].pid = 0;
                        tell(&news, -1);
                }
        }
}

/* Everything below dies before the keeper does; each killed child wakes the wait, and its orphans are met next round.
 */
static void end_all(void)
{
        do (void)proc_tree_kill_below(getpid(), 1);
        while (waitpid(-1, NULL, 0) > 0 || errno == EINTR);
}

int keeper_main(void)
{
        struct pollfd polls[2] = {{.fd = KEEPER_SOCKET_FD, .events = POLLIN}, {.events = POLLIN}};
        struct signalfd_siginfo ignored;
        sigset_t mask;

        sigfillset(&mask);
        (void)sigprocmask(SIG_SETMASK, &mask, NULL);
        sigemptyset(&mask);
        sigaddset(&mask, SIGCHLD);
        (void)prctl(PR_SET_NAME, "firedrill-keep");
        (void)fcntl(KEEPER_SOCKET_FD, F_SETFD, FD_CLOEXEC);
        (void)fcntl(KEEPER_LOCK_FD, F_SETFD, FD_CLOEXEC);
        /* A namespace's init is the reaper anyway; the call then changes nothing. */
        if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0) return 1;
        polls[1].fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
        if (polls[1].fd < 0) return 1;
        for (;;) {
                if (poll(polls, 2, -1) < 0 && errno != EINTR) break;
                if (polls[1].revents) {
                        while (read(polls[1].fd, &ignored, sizeof(ignored)) > 0) continue;
                        reap();
                }
                if (polls[0].revents && !receive()) break;
        }
        if (getpid() != 1) end_all(); /* the end of a namespace's init ends all, by the kernel */
        return 0;
}
