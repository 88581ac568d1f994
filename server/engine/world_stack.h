/* world_stack: the world of a stack's description, and of what its services can be set to.
 * Owner:  caller; texts lend from the spec, which must outlive it. Memory: inside the struct, schemas in its arena until
 * world_stack_done. Units: none. Limits: those of the spec; WORLD_KNOBS_BYTES_MAX of schemas.
 * Fails:  world_stack_knobs: ERR_PARSE with a sentence, ERR_NOMEM; keys are then not checked. */
#ifndef SERVER_ENGINE_WORLD_STACK_H
#define SERVER_ENGINE_WORLD_STACK_H

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/stack/stack.h"
#include "server/engine/world.h"

enum { WORLD_KNOBS_BYTES_MAX = 1 << 20 };

struct world_stack {
        struct arena arena;
        struct world_service services[STACK_SERVICES_MAX];
        struct world_edge edges[STACK_EDGES_MAX];
        struct scenario_world world; /* points into this struct: do not copy it */
};

void world_stack_init(struct world_stack *ret, const struct stack_spec *spec);
void world_stack_done(struct world_stack *w);
/* sut/knobs.json: {"api": JSON Schema of its configuration, ...}. */
MUST_USE enum err world_stack_knobs(struct world_stack *w, const char *bytes, size_t size_bytes, struct err_note *reterr);

#endif
