/* load_internal: what the files of the loader share. For server/engine/load_*.c and scenario_load.c only.
 * Owner: one load. Memory: everything read goes to the scenario's arena. Units: ms. Limits: scenario.h.
 * Fails: findings go to the diag list; lack of memory sets nomem and reading goes on with empty values. */
#ifndef SERVER_ENGINE_LOAD_INTERNAL_H
#define SERVER_ENGINE_LOAD_INTERNAL_H

#include "common/text/diag.h"
#include "common/text/json.h"
#include "common/text/yaml.h"
#include "server/engine/scenario.h"
#include "server/engine/world.h"

struct load {
        struct scenario *s;
        const struct scenario_world *world;
        struct diag_list *diags;
        const struct yaml *root;
        bool nomem;
};

/* Never NULL: "" when out of memory. */
const char *load_copy(struct load *l, const char *text);
void *load_array(struct load *l, size_t count, size_t item_bytes); /* NULL when count is 0 or memory is out */

struct json *load_json(struct load *l, const char *text); /* NULL if it is not JSON, or memory is out */

/* Values of a map's member; `otherwise` when it is absent or was refused by the shape. */
const char *load_text(struct load *l, const struct yaml *map, const char *key, const char *otherwise);
int64_t load_ms(const struct yaml *map, const char *key, int64_t otherwise);
double load_number(const struct yaml *map, const char *key, double otherwise);
bool load_flag(const struct yaml *map, const char *key);
size_t load_maps_in(const struct yaml *list, size_t max); /* items of a list that are mappings; list may be NULL */
struct scenario_words load_words(struct load *l, const struct yaml *map, const char *key);

void load_error(struct load *l, const struct yaml *at, const char *format, ...) FMT_PRINTF(3, 4);
void load_warning(struct load *l, const struct yaml *at, const char *format, ...) FMT_PRINTF(3, 4);
/* "...; did you mean 'x'?" or "" in dst. */
void load_suggest(char *dst, size_t dst_bytes, const char *word, const char *const *words, size_t count);

/* Names: report an unknown one at `at` with a suggestion and return false. */
bool load_known_service(struct load *l, const struct yaml *at, const char *name);
bool load_known_key(struct load *l, const struct yaml *at, const char *service, const char *key);
void load_known_metrics(struct load *l, const struct yaml *at, const char *promql);
bool load_known_mechanism(struct load *l, const struct yaml *at, const char *name);
bool load_known_evidence(struct load *l, const struct yaml *at, const char *item);

/* A step: its kind, where it is done and with what. role: "a fault", "a herring", "a repair", "a replay". */
enum load_role { LOAD_FAULT, LOAD_HERRING, LOAD_REPAIR, LOAD_REPLAY };
void load_step(struct load *l, enum load_role role, const struct yaml *at, const char *kind, const struct yaml *map,
               struct scenario_step *ret);
void load_recipe(struct load *l, const struct yaml *list, struct scenario_recipe *ret);

/* The usual target of such a probe, NULL when its author must name one. */
const char *load_probe(struct load *l, const struct yaml *map, struct scenario_probe *ret);
/* The rules of every scenario, after the author's own (load_allow.c). guards: room for SCENARIO_RULES_MAX. */
void load_allow(struct load *l, struct scenario_guard *guards);

/* `criteria:`, after the timeline: a replay takes its arguments from there (load_criteria.c). */
void load_criteria(struct load *l);

/* "expr < 36" -> condition, names checked. */
bool load_condition(struct load *l, const struct yaml *at, const char *text, struct scenario_condition *ret);
int load_criterion_find(const struct scenario *s, const char *id, size_t id_bytes); /* -1 if unknown */

/* Rules that concern more than one key (load_rules.c). */
void load_rules(struct load *l);

#endif
