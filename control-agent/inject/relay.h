/* relay: one connection through an edge: a client's socket, the upstream's socket, a flow each way.
 *
 *     HELD (black hole) --> DIALLING --> RELAYING --both streams ended--> gone
 *        any of them, on an error or by net.reset: both sides reset, gone
 *
 * Owner:  the thread of the edges. Memory: relay_free closes both sockets; a relay frees itself when it is over.
 * Units:  microseconds. Limits: those of flow.h. Fails: ERR_NOMEM, ERR_LIMIT: the client's socket stays the caller's.
 */
#ifndef CONTROL_AGENT_INJECT_RELAY_H
#define CONTROL_AGENT_INJECT_RELAY_H

#include "common/base/err.h"
#include "common/sys/loop.h"
#include "control-agent/inject/flow.h"

struct relay;

/* What the relays of one edge share; the edge owns it. */
struct relay_home {
        struct loop *loop;
        struct pipe_pool *pool;
        struct net_rng *rng;
        const char *host; /* of the upstream */
        uint16_t port;
        struct net_fault faults[NET_FAULTS_MAX];
        unsigned active;     /* bit i: faults[i] exists */
        struct relay *first; /* all relays of the edge */
        size_t *count;       /* of all edges together */
        uint64_t bytes[NET_WAY_COUNT], opened;
};

MUST_USE enum err relay_new(struct relay_home *home, int client_fd);
/* The faults changed: `slot` is new (drawn for each connection by its probability) or, -1, one has gone. */
void relay_faults_changed(struct relay_home *home, int slot);
/* Resets every connection of the edge. */
void relay_reset_all(struct relay_home *home);
size_t relay_count(const struct relay_home *home);

#endif
