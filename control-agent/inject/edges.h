/* edges: the proxies on every edge of every stack, on a thread of their own. Edge K of stack N listens on
 * 127.77.N.(K+2) with the port of what it leads to, so a service is only given another address. Owner:  the agent's
 * thread calls; the edges' thread does. Each call hands over its values and waits for the answer. Memory: edges_free
 * ends the thread and every connection. Units: as net_shape.h. Limits: EDGES_RELAYS_MAX connections over all stacks,
 * more are reset; NET_FAULTS_MAX faults an edge. Fails:  with a note that names the edge; nothing is changed then. */
#ifndef CONTROL_AGENT_INJECT_EDGES_H
#define CONTROL_AGENT_INJECT_EDGES_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/stack/stack.h"
#include "control-agent/inject/net_shape.h"

enum { EDGES_RELAYS_MAX = 3000, EDGES_ADDRESS_BYTES = 32 };

struct edges;

MUST_USE enum err edges_new(const struct stack_spec *spec, struct edges **ret, struct err_note *reterr);
void edges_free(struct edges *e);
AUTO_DEFINE(struct edges, edges_free)

/* "127.77.N.K:port" to dial instead of the upstream itself. */
void edges_address(const struct stack_spec *spec, unsigned stack, size_t edge, char *dst, size_t dst_bytes);

/* Opens the edges of a stack; nobody is let through yet. Open already: faults are cleared. seed: of probabilities. */
MUST_USE enum err edges_open(struct edges *e, unsigned stack, uint64_t seed, struct err_note *reterr);
void edges_close(struct edges *e, unsigned stack);
/* A service has a process or has none: edges that lead to it listen, or refuse as the service itself would. */
MUST_USE enum err edges_service(struct edges *e, unsigned stack, size_t service, bool alive, struct err_note *reterr);

/* *ret_slot names the fault for edges_undo. ERR_LIMIT: NET_FAULTS_MAX are there. ERR_STATE: the stack is not open. */
MUST_USE enum err edges_apply(struct edges *e, unsigned stack, size_t edge, const struct net_fault *fault,
                              size_t *ret_slot, struct err_note *reterr);
/* A slot that is free is fine. Fails only if the edge cannot listen again. */
MUST_USE enum err edges_undo(struct edges *e, unsigned stack, size_t edge, size_t slot, struct err_note *reterr);

struct edge_stats {
        uint64_t opened, bytes_up, bytes_down; /* bytes of connections that are over */
        size_t open;
        bool listening;
};
MUST_USE enum err edges_stats(struct edges *e, unsigned stack, size_t edge, struct edge_stats *ret);

#endif
