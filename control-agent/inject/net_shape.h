/* net_shape: what the faults on one edge do to one direction of one connection, and when each piece of data is due.
 * Pure. Owner:  caller. Memory: none. Units: microseconds of any one clock, bytes; ms in the arguments of faults.
 * Limits: NET_FAULTS_MAX faults an edge. Fails: nothing here fails. */
#ifndef CONTROL_AGENT_INJECT_NET_SHAPE_H
#define CONTROL_AGENT_INJECT_NET_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { NET_FAULTS_MAX = 8, NET_PIECE_BYTES_MAX = 16384 };

#define NET_KIND_LIST(X)                                                                                               \
        X(LATENCY, "net.latency")                                                                                      \
        X(BANDWIDTH, "net.bandwidth")                                                                                  \
        X(TIMEOUT, "net.timeout")                                                                                      \
        X(RESET, "net.reset")                                                                                          \
        X(SLOW_CLOSE, "net.slow_close")                                                                                \
        X(SLICE, "net.slice")                                                                                          \
        X(LIMIT, "net.limit")                                                                                          \
        X(DOWN, "net.down")
enum net_kind {
#define X(name, text) NET_##name,
        NET_KIND_LIST(X)
#undef X
                NET_KIND_COUNT
};

/* Up: from the owner of the edge to what it dials (requests); down: back (answers). */
enum net_way { NET_UP, NET_DOWN_WAY, NET_WAY_COUNT };
enum { NET_WAYS_BOTH = 3 }; /* bits 1 << NET_UP, 1 << NET_DOWN_WAY */

struct net_fault {
        enum net_kind kind;
        unsigned ways;      /* bits; of LATENCY, BANDWIDTH, TIMEOUT, SLOW_CLOSE, SLICE, LIMIT */
        double probability; /* that a connection is hit */
        int64_t ms, jitter_ms, bytes, bytes_per_s;
};

struct net_shape {
        bool shaped;     /* false: data pass untouched */
        bool black_hole; /* nothing passes, nothing is lost */
        int64_t latency_us, jitter_us;
        int64_t bytes_per_s; /* 0 = as fast as can be */
        size_t piece_bytes;  /* at most so much in one write */
        int64_t piece_us;    /* pause after each */
        int64_t limit_bytes; /* -1 none: the connection is closed after so many */
        int64_t close_us;    /* the end of the stream comes so much later */
        int64_t reset_us;    /* -1 none: the connection is reset so long after it was hit */
};

/* hit: bit i says that faults[i] exists and hits this connection. */
struct net_shape net_shape_of(const struct net_fault faults[NET_FAULTS_MAX], unsigned hit, enum net_way way);

/* Chance with a seed: the same seed gives the same run. */
struct net_rng {
        uint64_t state;
};
double net_rng_unit(struct net_rng *rng); /* 0 <= x < 1 */

/* The line of one direction: pieces leave in the order they came. */
struct net_line {
        int64_t free_us; /* when the next piece may begin */
        int64_t last_us; /* when the last one is due */
};
/* When `bytes` that came at now_us are due at the other end. */
int64_t net_line_due(struct net_line *line, const struct net_shape *shape, struct net_rng *rng, int64_t now_us,
                     size_t bytes);

const char *net_kind_text(enum net_kind kind);

#endif
