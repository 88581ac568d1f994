#include "server/engine/world_stack.h"

void world_stack_init(struct world_stack *ret, const struct stack_spec *spec)
{
        for (size_t i = 0; i < spec->services_count; i++) {
                const struct stack_service *s = &spec->services[i];

                ret->services[i] = (struct world_service){ .name = s->name, .configurable = s->kind != STACK_COMPONENT,
                                                           .adapter_of = s->adapter_of < 0 ? NULL : spec->services[s->adapter_of].name };
        }
        for (size_t i = 0; i < spec->edges_count; i++)
                ret->edges[i] = (struct world_edge){ spec->services[spec->edges[i].from].name, spec->edges[i].name };
        ret->world = (struct scenario_world){ .services = ret->services, .service_count = spec->services_count, .edges = ret->edges,
                                              .edge_count = spec->edges_count };
}
