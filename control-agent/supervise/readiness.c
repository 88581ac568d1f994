#include "control-agent/supervise/readiness.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/sock.h"
#include "control-agent/supervise/privilege.h"

enum { PROBE_EVERY_MS = 20, PROBE_ANSWER_MS = 1000, TEXT_BYTES = 512 };

struct readiness {
        struct loop *loop;
        struct readiness_options o;
        int fd; /* pipe, datagram socket or the probe under way; -1 none */
        struct loop_fd *handle;
        struct loop_timer *timer;
        bool asked; /* the HTTP request of this probe was sent */
};

static void drop_fd(struct readiness *r)
{
        loop_fd_remove(take(&r->handle));
        if (r->fd >= 0) close(r->fd);
        r->fd = -1;
}

static void ready(struct readiness *r)
{
        drop_fd(r);
        loop_timer_remove(take(&r->timer));
        r->o.on_ready(r->o.ctx); /* may free r */
}

static void on_pipe(void *ctx, uint32_t events)
{
        struct readiness *r = ctx;
        char byte;
        ssize_t n = read(r->fd, &byte, 1);

        (void)events;
        if (n < 0) return;
        if (n == 1)
                ready(r);
        else
                drop_fd(r); /* closed without a word: the deadline or the exit will tell */
}

/* True if the sender is this user, or the one that stands in for root. */
static bool is_ours(struct msghdr *msg)
{
        struct cmsghdr *c = CMSG_FIRSTHDR(msg);
        struct ucred who;
        gid_t gid;

        if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS) return false;
        memcpy(&who, CMSG_DATA(c), sizeof(who));
        return who.uid == geteuid() || (geteuid() == 0 && who.uid == privilege_user(&gid));
}

static void on_datagram(void *ctx, uint32_t events)
{
        struct readiness *r = ctx;
        char text[TEXT_BYTES];
        struct iovec iov = {.iov_base = text, .iov_len = sizeof(text) - 1};
        union {
                struct cmsghdr header;
                char bytes[CMSG_SPACE(sizeof(struct ucred))];
        } control = {0};
        struct msghdr msg = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
        ssize_t n = recvmsg(r->fd, &msg, MSG_DONTWAIT);

        (void)events;
        if (n <= 0 || !is_ours(&msg)) return;
        text[n] = '\0';
        if (strncmp(text, "READY=1", 7) == 0 || strstr(text, "\nREADY=1")) ready(r);
}

static enum err notify_listen(struct readiness *r)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        size_t n = strlen(r->o.notify_name);
        int on = 1;

        if (n + 1 > sizeof(address.sun_path)) return ERR_LIMIT;
        memcpy(address.sun_path + 1, r->o.notify_name, n);
        r->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (r->fd < 0 || setsockopt(r->fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0) return ERR_IO;
        if (bind(r->fd, (void *)&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n)) < 0)
                return ERR_IO;
        return loop_fd_add(r->loop, r->fd, EPOLLIN, on_datagram, r, &r->handle);
}

static void probe(void *ctx);

static void again(struct readiness *r, int64_t after_ms)
{
        if (loop_timer_add(r->loop, after_ms, 0, probe, r, &r->timer)) r->timer = NULL;
}

static void on_probe_late(void *ctx)
{
        struct readiness *r = ctx;

        r->timer = NULL;
        drop_fd(r);
        again(r, PROBE_EVERY_MS);
}

static void probe_failed(struct readiness *r)
{
        loop_timer_remove(take(&r->timer));
        drop_fd(r);
        again(r, PROBE_EVERY_MS);
}

static bool ask(struct readiness *r)
{
        char text[TEXT_BYTES];
        int n = snprintf(text, sizeof(text), "GET %s HTTP/1.0\r\nHost: %s:%u\r\n\r\n", r->o.path, r->o.host, r->o.port);

        r->asked = true;
        loop_fd_events(r->handle, EPOLLIN);
        return send(r->fd, text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) == n;
}

static void on_probe(void *ctx, uint32_t events)
{
        struct readiness *r = ctx;
        char text[TEXT_BYTES];
        ssize_t n;

        (void)events;
        if (!r->asked) {
                if (sock_error(r->fd))
                        probe_failed(r);
                else if (r->o.kind == STACK_READY_TCP)
                        ready(r);
                else if (!ask(r))
                        probe_failed(r);
                return;
        }
        n = recv(r->fd, text, sizeof(text) - 1, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
        text[n > 0 ? n : 0] = '\0';
        if (strncmp(text, "HTTP/1.", 7) == 0 && strncmp(text + 8, " 200", 4) == 0)
                ready(r);
        else
                probe_failed(r);
}

static void probe(void *ctx)
{
        struct readiness *r = ctx;

        r->timer = NULL;
        r->asked = false;
        if (sock_connect_tcp(r->o.host, r->o.port, &r->fd, NULL)) {
                r->fd = -1;
                again(r, PROBE_EVERY_MS);
                return;
        }
        if (loop_fd_add(r->loop, r->fd, EPOLLOUT, on_probe, r, &r->handle) ||
            loop_timer_add(r->loop, PROBE_ANSWER_MS, 0, on_probe_late, r, &r->timer))
                probe_failed(r);
}

enum err readiness_new(struct loop *loop, const struct readiness_options *options, struct readiness **ret, int *ret_fd,
                       struct err_note *reterr)
{
        struct readiness *r = mem_zalloc(1, sizeof(*r));
        int ends[2] = {-1, -1};
        enum err e = ERR_OK;

        if (!r) return err_note(reterr, ERR_NOMEM, "cannot wait for readiness: out of memory");
        *r = (struct readiness){.loop = loop, .o = *options, .fd = -1};
        if (options->kind == STACK_READY_FD) {
                e = pipe2(ends, O_CLOEXEC) < 0 ? ERR_IO : ERR_OK;
                r->fd = ends[0];
                if (!e) e = loop_fd_add(loop, r->fd, EPOLLIN, on_pipe, r, &r->handle);
        } else if (options->kind == STACK_READY_NOTIFY) {
                e = notify_listen(r);
        } else {
                again(r, PROBE_EVERY_MS);
                if (!r->timer) e = ERR_NOMEM;
        }
        if (e) {
                (void)err_note(reterr, e, "cannot wait for readiness: %s", errno ? strerror(errno) : err_text(e));
                if (ends[1] >= 0) close(ends[1]);
                readiness_free(r);
                return e;
        }
        *ret = r;
        *ret_fd = ends[1];
        return ERR_OK;
}

void readiness_free(struct readiness *r)
{
        if (!r) return;
        drop_fd(r);
        loop_timer_remove(r->timer);
        mem_free(r);
}
