/* world_stack: the world of a stack's description.
 * Owner:  caller; texts lend from the spec, which must outlive it. Memory: inside the struct. Units: none.
 * Limits: those of the spec. Fails: nothing. */
#ifndef SERVER_ENGINE_WORLD_STACK_H
#define SERVER_ENGINE_WORLD_STACK_H

#include "common/stack/stack.h"
#include "server/engine/world.h"

struct world_stack {
        struct world_service services[STACK_SERVICES_MAX];
        struct world_edge edges[STACK_EDGES_MAX];
        struct scenario_world world; /* points into this struct: do not copy it */
};

void world_stack_init(struct world_stack *ret, const struct stack_spec *spec);

#endif
