#include "control-agent/inject/flow.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/attr.h"
#include "common/base/mem.h"

enum { SPLICE_BYTES = 65536, SPLICE_TURNS = 4 };

struct piece {
        struct piece *next;
        int64_t due_us;
        size_t size, sent;
        char data[];
};

static bool pool_take(struct pipe_pool *pool, struct pipe_ends *ret)
{
        int ends[2];

        if (pool->count) {
                *ret = pool->pipes[--pool->count];
                return true;
        }
        if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) return false;
        *ret = (struct pipe_ends){ends[0], ends[1]};
        return true;
}

static void pool_give(struct pipe_pool *pool, struct pipe_ends pipe, bool empty)
{
        if (empty && pool->count < FLOW_PIPES_MAX) {
                pool->pipes[pool->count++] = pipe;
                return;
        }
        close(pipe.read_fd);
        close(pipe.write_fd);
}

void pipe_pool_done(struct pipe_pool *pool)
{
        while (pool->count) {
                pool->count--;
                close(pool->pipes[pool->count].read_fd);
                close(pool->pipes[pool->count].write_fd);
        }
}

void flow_init(struct flow *f, int from_fd, int to_fd, struct pipe_pool *pool, struct net_rng *rng)
{
        *f = (struct flow){.from_fd = from_fd, .to_fd = to_fd, .pool = pool, .rng = rng, .pipe = {-1, -1}};
        f->shape.piece_bytes = NET_PIECE_BYTES_MAX;
        f->shape.limit_bytes = f->shape.reset_us = -1;
}

void flow_done(struct flow *f)
{
        while (f->first) {
                struct piece *next = f->first->next;

                mem_free(f->first);
                f->first = next;
        }
        if (f->pipe.read_fd >= 0) pool_give(f->pool, f->pipe, f->pipe_bytes == 0);
        f->pipe.read_fd = f->pipe.write_fd = -1;
}

void flow_shape(struct flow *f, const struct net_shape *shape, int64_t now_us)
{
        int64_t latest = now_us + shape->latency_us + shape->jitter_us;

        f->shape = *shape;
        if (shape->bytes_per_s || shape->piece_us) return;
        f->line.free_us = MIN(f->line.free_us, now_us);
        f->line.last_us = MIN(f->line.last_us, latest);
        for (struct piece *p = f->first; p; p = p->next) p->due_us = MIN(p->due_us, latest);
        f->end_due_us = MIN(f->end_due_us, latest + shape->close_us);
}

static bool empty(const struct flow *f)
{
        return !f->first && f->pipe_bytes == 0;
}

bool flow_wants_read(const struct flow *f)
{
        return !f->ended_in && !f->shape.black_hole && f->pipe_bytes == 0 && f->pieces < FLOW_PIECES_MAX &&
               f->bytes < FLOW_BYTES_MAX;
}

static bool is_busy(void)
{
        return errno == EAGAIN || errno == EINTR;
}

/* The pipe before the queue: it was filled before the flow got its shape. */
static enum flow_state write_pipe(struct flow *f)
{
        while (f->pipe_bytes) {
                ssize_t n =
                        splice(f->pipe.read_fd, NULL, f->to_fd, NULL, f->pipe_bytes, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

                if (n <= 0) {
                        if (n == 0 || !is_busy()) return FLOW_BROKEN;
                        f->blocked = true;
                        return FLOW_OK;
                }
                f->pipe_bytes -= (size_t)n;
        }
        if (f->pipe.read_fd >= 0) pool_give(f->pool, f->pipe, true);
        f->pipe.read_fd = f->pipe.write_fd = -1;
        return FLOW_OK;
}

static enum flow_state write_queue(struct flow *f, int64_t now_us)
{
        while (f->first && f->first->due_us <= now_us) {
                struct piece *p = f->first;
                ssize_t n = send(f->to_fd, p->data + p->sent, p->size - p->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

                if (n < 0) {
                        if (!is_busy()) return FLOW_BROKEN;
                        f->blocked = true;
                        return FLOW_OK;
                }
                p->sent += (size_t)n;
                f->bytes -= (size_t)n;
                if (p->sent < p->size) continue;
                f->first = p->next;
                if (!f->first) f->last = NULL;
                f->pieces--;
                mem_free(p);
        }
        return FLOW_OK;
}

enum flow_state flow_write(struct flow *f, int64_t now_us)
{
        enum flow_state state;

        f->blocked = false;
        if (f->ended_out || f->shape.black_hole) return FLOW_OK;
        state = write_pipe(f);
        if (state == FLOW_OK && f->pipe_bytes == 0) state = write_queue(f, now_us);
        if (state == FLOW_OK && f->ended_in && empty(f) && f->end_due_us <= now_us) {
                f->ended_out = true;
                (void)shutdown(f->to_fd, SHUT_WR); /* a peer that is gone already needs no telling */
        }
        return state;
}

static void end_in(struct flow *f, int64_t now_us)
{
        f->ended_in = true;
        f->end_due_us = MAX(f->line.last_us, now_us) + f->shape.close_us;
}

static enum flow_state read_fast(struct flow *f, int64_t now_us)
{
        for (int turn = 0; turn < SPLICE_TURNS && !f->blocked; turn++) {
                ssize_t n;

                if (f->pipe.read_fd < 0 && !pool_take(f->pool, &f->pipe)) return FLOW_BROKEN;
                n = splice(f->from_fd, NULL, f->pipe.write_fd, NULL, SPLICE_BYTES, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
                if (n < 0) {
                        if (!is_busy()) return FLOW_BROKEN;
                        break;
                }
                if (n == 0) {
                        end_in(f, now_us);
                        break;
                }
                f->pipe_bytes += (size_t)n;
                f->passed_bytes += (uint64_t)n;
                if (write_pipe(f) == FLOW_BROKEN) return FLOW_BROKEN;
                if (n < SPLICE_BYTES / 2) break; /* most likely all there was */
        }
        return flow_write(f, now_us); /* gives the pipe back, passes on the end */
}

/* One piece into the queue. *ret_more: there may be more to take. */
static enum flow_state read_piece(struct flow *f, int64_t now_us, bool *ret_more)
{
        size_t room = f->shape.piece_bytes;
        struct piece *p;
        ssize_t n;

        *ret_more = false;
        if (f->shape.limit_bytes >= 0)
                room = MIN(room, (size_t)MAX(f->shape.limit_bytes - (int64_t)f->passed_bytes, 0));
        if (room == 0) { /* the limit is reached: the stream ends here, whatever else was meant to come */
                end_in(f, now_us);
                return FLOW_OK;
        }
        p = mem_alloc(sizeof(*p) + room);
        if (!p) return FLOW_BROKEN;
        n = recv(f->from_fd, p->data, room, MSG_DONTWAIT);
        if (n <= 0) {
                mem_free(p);
                if (n < 0) return is_busy() ? FLOW_OK : FLOW_BROKEN;
                end_in(f, now_us);
                return FLOW_OK;
        }
        p->next = NULL;
        p->sent = 0;
        p->size = (size_t)n;
        p->due_us = net_line_due(&f->line, &f->shape, f->rng, now_us, p->size);
        if (f->last)
                f->last->next = p;
        else
                f->first = p;
        f->last = p;
        f->pieces++;
        f->bytes += (size_t)n;
        f->passed_bytes += (uint64_t)n;
        *ret_more = (size_t)n == room;
        return FLOW_OK;
}

enum flow_state flow_read(struct flow *f, int64_t now_us)
{
        bool more = true;

        if (!f->shape.shaped && empty(f)) return read_fast(f, now_us);
        while (more && flow_wants_read(f))
                if (read_piece(f, now_us, &more) == FLOW_BROKEN) return FLOW_BROKEN;
        return flow_write(f, now_us);
}

int64_t flow_due(const struct flow *f)
{
        if (f->blocked || f->ended_out || f->shape.black_hole) return INT64_MAX;
        if (f->first) return f->first->due_us;
        return f->ended_in && f->pipe_bytes == 0 ? f->end_due_us : INT64_MAX;
}
