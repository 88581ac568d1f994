/* flow: one direction of one relayed connection. Untouched data go from socket to socket by splice through a borrowed
 * pipe, so that they never enter this process; shaped data wait in a queue until they are due.
 * Owner:  the thread of the edges. Memory: flow_done frees the queue and gives the pipe back.
 * Units:  microseconds of the monotonic clock, bytes. Limits: FLOW_PIECES_MAX pieces and FLOW_BYTES_MAX bytes wait,
 * then nothing more is read. Fails: FLOW_BROKEN: the connection must be reset. */
#ifndef CONTROL_AGENT_INJECT_FLOW_H
#define CONTROL_AGENT_INJECT_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control-agent/inject/net_shape.h"

enum { FLOW_PIECES_MAX = 256, FLOW_BYTES_MAX = 1 << 20, FLOW_PIPES_MAX = 64 };

struct pipe_ends {
        int read_fd, write_fd;
};
/* Pipes that nobody uses now: a flow holds one only while data are on their way. */
struct pipe_pool {
        struct pipe_ends pipes[FLOW_PIPES_MAX];
        size_t count;
};
void pipe_pool_done(struct pipe_pool *pool);

struct piece;

struct flow {
        int from_fd, to_fd;
        struct pipe_pool *pool;
        struct net_rng *rng;
        struct net_shape shape;
        struct net_line line;
        struct piece *first, *last;
        size_t pieces, bytes;  /* waiting in the queue */
        struct pipe_ends pipe; /* -1 none */
        size_t pipe_bytes;
        uint64_t passed_bytes;    /* taken in since the connection began */
        bool ended_in, ended_out; /* end of stream seen, passed on */
        int64_t end_due_us;
        bool blocked; /* the other end takes no more now */
};

enum flow_state { FLOW_OK, FLOW_BROKEN };

void flow_init(struct flow *f, int from_fd, int to_fd, struct pipe_pool *pool, struct net_rng *rng);
void flow_done(struct flow *f);
/* A new shape; what waits longer than the new latency is due sooner. */
void flow_shape(struct flow *f, const struct net_shape *shape, int64_t now_us);
bool flow_wants_read(const struct flow *f);
/* from_fd has something: takes it in, and passes on what is due. */
enum flow_state flow_read(struct flow *f, int64_t now_us);
/* Passes on what is due; the end of the stream last. */
enum flow_state flow_write(struct flow *f, int64_t now_us);
/* When flow_write should be called next, INT64_MAX if only events matter. */
int64_t flow_due(const struct flow *f);

#endif
