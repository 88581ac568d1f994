/* world: the names a scenario may use: services, edges, metrics, configuration. Made by the caller from the stack's
 * description (sut/stack.yaml) and whatever else it knows; lent to the loader and to a run.
 * Owner:  caller, must outlive every run made with it. Memory: nothing is copied or freed here.
 * Units:  none.  Limits: none of its own.  Fails: nothing here fails. */
#ifndef SERVER_ENGINE_WORLD_H
#define SERVER_ENGINE_WORLD_H

#include <stdbool.h>
#include <stddef.h>

struct world_service {
        const char *name;        /* "api", "postgres", "db" */
        bool configurable;       /* has /config (services and adapters) */
        const char *adapter_of;  /* "postgres" for "db", else NULL */
        const char *config_schema; /* JSON Schema of its /config if known, else NULL: keys are then not checked */
};

struct world_edge {
        const char *from, *to; /* from calls to */
};

struct scenario_world {
        const struct world_service *services;
        size_t service_count;
        const struct world_edge *edges;
        size_t edge_count;
        const char *const *metrics; /* extra names besides world_metric_names(); NULL is fine */
        size_t metric_count;
};

/* Names of docs/contracts.md (recording rules, service and user metrics), NULL-terminated. */
const char *const *world_metric_names(size_t *ret_count);

const struct world_service *world_service_find(const struct scenario_world *world, const char *name);
bool world_has_edge(const struct scenario_world *world, const char *from, const char *to);
/* Steps between two services along edges, in either direction; -1 if one is unknown or they are not connected.
 * An adapter and what it fronts are one place. */
int world_distance(const struct scenario_world *world, const char *a, const char *b);
/* The same place in the topology: equal names, or an adapter and its component. */
bool world_same(const struct scenario_world *world, const char *a, const char *b);

#endif
