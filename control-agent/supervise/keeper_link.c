#include "control-agent/supervise/keeper_link.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "control-agent/supervise/keeper.h"
#include "control-agent/supervise/privilege.h"
#include "control-agent/supervise/proc_tree.h"

enum { SOCKET_BUFFER_BYTES = 1 << 20, CHILD_FAILED = 126 };

struct keeper_link {
        struct keeper_link_options o;
        int socket_fd, pid_fd;
        pid_t pid;
        struct loop_fd *socket_handle, *pid_handle;
};

/* Who this process is, read before the clone: the child then only makes system calls. */
struct identity {
        uid_t outer_uid, inner_uid;
        gid_t outer_gid, inner_gid;
};

static struct identity identity_read(void)
{
        struct identity who = {geteuid(), geteuid(), getegid(), getegid()};

        if (who.outer_uid == 0) who.inner_uid = privilege_user(&who.inner_gid);
        return who;
}

/* clone3 without shared memory: returns as fork does. */
static pid_t make_child(enum keeper_mode mode, int *ret_pid_fd)
{
        struct clone_args args = {
                .flags = CLONE_PIDFD, .pidfd = (uint64_t)(uintptr_t)ret_pid_fd, .exit_signal = SIGCHLD};
        pid_t pid;

        if (mode == KEEPER_SUBREAPER) { /* clone3 itself may be refused there */
                pid = fork();
                if (pid > 0) *ret_pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
                return pid;
        }
        args.flags |= CLONE_NEWPID | CLONE_NEWNS;
        if (mode == KEEPER_PIDNS_USER) args.flags |= CLONE_NEWUSER;
        return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

/* In the child: identity and /proc of the new namespaces. */
static int enter(enum keeper_mode mode, const struct identity *who)
{
        if (mode == KEEPER_SUBREAPER) return 0;
        if (mode == KEEPER_PIDNS_USER &&
            privilege_map(who->inner_uid, who->inner_gid, who->outer_uid, who->outer_gid) < 0)
                return -1;
        /* Containers that mask parts of /proc refuse a fresh one; services then see the outer one, which is harmless.
         */
        if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0)
                (void)mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
        return 0;
}

static bool mode_works(enum keeper_mode mode)
{
        struct identity who = identity_read();
        int pid_fd = -1, status = -1;
        pid_t pid = make_child(mode, &pid_fd);

        if (pid == 0) _exit(enter(mode, &who) < 0 ? CHILD_FAILED : 0);
        if (pid < 0) return false;
        if (pid_fd >= 0) close(pid_fd);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
        return status == 0;
}

enum err keeper_mode_find(enum keeper_wish wish, enum keeper_mode *ret, struct err_note *reterr)
{
        static const enum keeper_mode order[] = {KEEPER_PIDNS_USER, KEEPER_PIDNS};

        for (size_t i = 0; i < ARRAY_COUNT(order) && wish != KEEPER_WISH_SUBREAPER; i++) {
                if (!mode_works(order[i])) continue;
                *ret = order[i];
                return ERR_OK;
        }
        if (wish == KEEPER_WISH_PIDNS)
                return err_note(reterr, ERR_UNSUPPORTED,
                                "this machine does not allow PID namespaces; use --mode auto or --mode subreaper");
        *ret = KEEPER_SUBREAPER;
        return ERR_OK;
}

const char *keeper_mode_text(enum keeper_mode mode)
{
        return mode == KEEPER_SUBREAPER ? "subreaper" : "pidns";
}

/* In the child: never returns. */
static void become_keeper(const struct keeper_link_options *o, int socket_fd, const struct identity *who)
{
        char name[] = "firedrill-control", verb[] = "keeper";
        char *argv[] = {name, verb, NULL};
        int high_socket, high_lock;

        if (enter(o->mode, who) < 0) _exit(CHILD_FAILED);
        if (o->mode != KEEPER_SUBREAPER) (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)setsid(); /* a terminal's Ctrl-C is for the agent, which then ends the stack in order */
        high_socket = fcntl(socket_fd, F_DUPFD, 64);
        high_lock = fcntl(o->lock_fd, F_DUPFD, 64);
        if (dup2(high_socket, KEEPER_SOCKET_FD) < 0 || dup2(high_lock, KEEPER_LOCK_FD) < 0) _exit(CHILD_FAILED);
        (void)syscall(SYS_close_range, KEEPER_LOCK_FD + 1, ~0U, 0);
        execve(o->program, argv, environ);
        _exit(CHILD_FAILED);
}

static pid_t pid_of(int pid_fd)
{
        char path[64], text[512];
        const char *line;
        FILE *f;
        size_t n;

        (void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pid_fd);
        f = fopen(path, "re");
        if (!f) return -1;
        n = fread(text, 1, sizeof(text) - 1, f);
        (void)fclose(f);
        text[n] = '\0';
        line = strstr(text, "\nPid:");
        return line ? (pid_t)atoi(line + 5) : -1;
}

/* One message; false when there is none. */
static bool receive(struct keeper_link *l)
{
        struct keeper_news news;
        struct iovec iov = {.iov_base = &news, .iov_len = sizeof(news)};
        union {
                struct cmsghdr header;
                char bytes[CMSG_SPACE(sizeof(int))];
        } control = {0};
        struct msghdr msg = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
        ssize_t n = recvmsg(l->socket_fd, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
        struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
        int pid_fd = -1;

        if (n != (ssize_t)sizeof(news)) return false;
        if (c && c->cmsg_type == SCM_RIGHTS) memcpy(&pid_fd, CMSG_DATA(c), sizeof(int));
        if (news.kind == KEEPER_STARTED && pid_fd >= 0) {
                l->o.on_started(l->o.ctx, news.tag, pid_of(pid_fd), pid_fd);
                return true;
        }
        if (pid_fd >= 0) close(pid_fd);
        if (news.kind == KEEPER_FAILED) l->o.on_failed(l->o.ctx, news.tag, news.error);
        if (news.kind == KEEPER_EXITED) l->o.on_exited(l->o.ctx, news.tag, news.code, news.status);
        return true;
}

static void on_socket(void *ctx, uint32_t events)
{
        struct keeper_link *l = ctx;

        /* One message a turn: its callback may free the link, so nothing is touched after it. */
        if (receive(l)) return;
        if (events & (EPOLLHUP | EPOLLERR)) loop_fd_remove(take(&l->socket_handle));
}

static void on_pid(void *ctx, uint32_t events)
{
        struct keeper_link *l = ctx;

        (void)events;
        loop_fd_remove(take(&l->pid_handle));
        (void)waitpid(l->pid, NULL, WNOHANG);
        l->pid = -1;
        l->o.on_gone(l->o.ctx);
}

static enum err watch(struct loop *loop, struct keeper_link *l)
{
        enum err e = loop_fd_add(loop, l->socket_fd, EPOLLIN, on_socket, l, &l->socket_handle);

        return e ? e : loop_fd_add(loop, l->pid_fd, EPOLLIN, on_pid, l, &l->pid_handle);
}

enum err keeper_link_new(struct loop *loop, const struct keeper_link_options *options, struct keeper_link **ret,
                         struct err_note *reterr)
{
        AUTO(keeper_link_free) struct keeper_link *l = mem_zalloc(1, sizeof(*l));
        struct identity who = identity_read();
        int pair[2], buffer = SOCKET_BUFFER_BYTES;
        enum err e;

        if (!l) return err_note(reterr, ERR_NOMEM, "cannot make a keeper: out of memory");
        *l = (struct keeper_link){.o = *options, .socket_fd = -1, .pid_fd = -1, .pid = -1};
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return err_note(reterr, ERR_IO, "cannot make a keeper's socket: %s", strerror(errno));
        l->socket_fd = pair[0];
        (void)setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
        l->pid = make_child(options->mode, &l->pid_fd);
        if (l->pid == 0) become_keeper(options, pair[1], &who);
        close(pair[1]);
        if (l->pid < 0 || l->pid_fd < 0)
                return err_note(reterr, ERR_IO, "cannot start a keeper process: %s", strerror(errno));
        (void)fcntl(l->pid_fd, F_SETFD, FD_CLOEXEC);
        e = watch(loop, l);
        if (e) return err_note(reterr, e, "cannot watch a keeper process: %s", err_text(e));
        *ret = take(&l);
        return ERR_OK;
}

static enum err compose(const struct keeper_start *start, uint64_t tag, struct buf *b)
{
        struct keeper_request request = {
                .tag = tag, .has_ready = start->ready_fd >= 0, .unprivileged = start->unprivileged};

        while (start->argv[request.argv_count]) request.argv_count++;
        while (start->envp[request.env_count]) request.env_count++;
        if (request.argv_count > KEEPER_TEXTS_MAX || request.env_count > KEEPER_TEXTS_MAX) return ERR_LIMIT;
        buf_append(b, &request, sizeof(request));
        buf_append(b, start->program, strlen(start->program) + 1);
        buf_append(b, start->directory, strlen(start->directory) + 1);
        for (size_t i = 0; i < request.argv_count; i++) buf_append(b, start->argv[i], strlen(start->argv[i]) + 1);
        for (size_t i = 0; i < request.env_count; i++) buf_append(b, start->envp[i], strlen(start->envp[i]) + 1);
        return buf_status(b);
}

enum err keeper_link_start(struct keeper_link *l, uint64_t tag, const struct keeper_start *start,
                           struct err_note *reterr)
{
        int fds[2] = {start->output_fd, start->ready_fd};
        size_t fds_count = start->ready_fd >= 0 ? 2 : 1;
        union {
                struct cmsghdr header;
                char bytes[CMSG_SPACE(2 * sizeof(int))];
        } control = {0};
        struct iovec iov;
        struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control};
        struct cmsghdr *c;
        AUTO_BUF b;
        enum err e;

        buf_init(&b, KEEPER_MESSAGE_BYTES);
        e = compose(start, tag, &b);
        if (e) return err_note(reterr, e, "the command line of '%s' is too long", start->program);
        iov = (struct iovec){.iov_base = b.data, .iov_len = b.size_bytes};
        msg.msg_controllen = CMSG_SPACE(fds_count * sizeof(int));
        c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(fds_count * sizeof(int));
        memcpy(CMSG_DATA(c), fds, fds_count * sizeof(int));
        if (sendmsg(l->socket_fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
                return err_note(reterr, errno == EAGAIN ? ERR_LIMIT : ERR_UNAVAILABLE,
                                "cannot ask the keeper to start '%s': %s", start->program, strerror(errno));
        return ERR_OK;
}

void keeper_link_end(struct keeper_link *l)
{
        (void)shutdown(l->socket_fd, SHUT_RDWR);
        if (l->o.mode != KEEPER_SUBREAPER) (void)syscall(SYS_pidfd_send_signal, l->pid_fd, SIGKILL, NULL, 0);
}

pid_t keeper_link_pid(const struct keeper_link *l)
{
        return l->pid;
}

void keeper_link_free(struct keeper_link *l)
{
        if (!l) return;
        loop_fd_remove(l->socket_handle);
        loop_fd_remove(l->pid_handle);
        if (l->socket_fd >= 0) close(l->socket_fd);
        if (l->pid_fd >= 0) close(l->pid_fd);
        mem_free(l);
}
