#include "common/sys/line.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/mem.h"

struct line {
        struct loop *loop;
        struct loop_fd *handle;
        struct loop_timer *end_timer;
        int fd;
        struct line_options o;
        struct buf in, out;
        const char *end_reason;
        bool *freed; /* set while callbacks run, so that line_free inside them is noticed */
};

static void on_end_timer(void *ctx)
{
        struct line *l = ctx;

        l->end_timer = NULL;
        l->o.on_end(l->o.ctx, l->end_reason);
}

static void end(struct line *l, const char *reason)
{
        if (l->end_reason) return;
        l->end_reason = reason;
        loop_fd_remove(take(&l->handle));
        if (loop_timer_add(l->loop, 0, 0, on_end_timer, l, &l->end_timer)) l->o.on_end(l->o.ctx, reason);
}

static void flush(struct line *l)
{
        while (l->out.size_bytes) {
                ssize_t n = send(l->fd, l->out.data, l->out.size_bytes, MSG_NOSIGNAL);

                if (n < 0 && errno == EINTR) continue;
                if (n < 0 && errno == EAGAIN) break;
                if (n < 0) {
                        end(l, "the peer has gone");
                        return;
                }
                buf_consume(&l->out, (size_t)n);
        }
        loop_fd_events(l->handle, l->out.size_bytes ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static bool deliver(struct line *l)
{
        bool freed = false;
        size_t start = 0;
        char *newline;

        l->freed = &freed;
        while (!l->end_reason && (newline = memchr(l->in.data + start, '\n', l->in.size_bytes - start))) {
                char *text = l->in.data + start;

                *newline = '\0';
                start = (size_t)(newline - l->in.data) + 1;
                if (newline == text) continue;
                l->o.on_line(l->o.ctx, text, (size_t)(newline - text));
                if (freed) return false;
        }
        l->freed = NULL;
        buf_consume(&l->in, start);
        return true;
}

static void on_io(void *ctx, uint32_t events)
{
        struct line *l = ctx;
        char chunk[16384];
        ssize_t n;

        if (events & EPOLLOUT) flush(l);
        if (l->end_reason || !(events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return;
        n = recv(l->fd, chunk, sizeof chunk, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (n <= 0) {
                end(l, "the peer has gone");
                return;
        }
        buf_append(&l->in, chunk, (size_t)n);
        if (l->in.status == ERR_NOMEM) {
                end(l, "out of memory");
                return;
        }
        if (l->in.status) {
                end(l, "a line is too long");
                return;
        }
        if (deliver(l) && !l->end_reason && l->in.size_bytes > l->o.line_bytes_max) end(l, "a line is too long");
}

enum err line_new(struct loop *loop, int fd, const struct line_options *options, struct line **ret)
{
        struct line *l = mem_zalloc(1, sizeof *l);
        enum err e;

        if (!l) return ERR_NOMEM;
        l->loop = loop;
        l->fd = fd;
        l->o = *options;
        buf_init(&l->in, options->line_bytes_max + 16384);
        buf_init(&l->out, options->queue_bytes_max);
        e = loop_fd_add(loop, fd, EPOLLIN, on_io, l, &l->handle);
        if (e) {
                mem_free(l);
                return e;
        }
        *ret = l;
        return ERR_OK;
}

void line_free(struct line *l)
{
        if (!l) return;
        if (l->freed) *l->freed = true;
        loop_fd_remove(l->handle);
        loop_timer_remove(l->end_timer);
        close(l->fd);
        buf_done(&l->in);
        buf_done(&l->out);
        mem_free(l);
}

enum err line_send(struct line *l, const char *text, size_t size_bytes)
{
        if (l->end_reason) return ERR_STATE;
        buf_append(&l->out, text, size_bytes);
        buf_char(&l->out, '\n');
        if (l->out.status) {
                enum err e = l->out.status;

                end(l, "the peer does not read: its queue is full");
                return e;
        }
        flush(l);
        return ERR_OK;
}
