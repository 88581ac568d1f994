/* shape: the keys of the scenario format as tables: one list for checking a file, for the JSON Schema and for the reference.
 * Owner:  static data. Memory: none. Units: durations in ms. Limits: per field. Fails: findings go to the diag list. */
#ifndef SERVER_ENGINE_SHAPE_H
#define SERVER_ENGINE_SHAPE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/buf.h"
#include "common/text/diag.h"
#include "common/text/yaml.h"

#define SHAPE_TYPE_LIST(X)                                                                                             \
        X(TEXT, "text")                                                                                                \
        X(ID, "an id: lower-case letters, digits, '-' and '_', beginning with a letter")                               \
        X(INTEGER, "a whole number")                                                                                   \
        X(NUMBER, "a number")                                                                                          \
        X(BOOL, "true or false")                                                                                       \
        X(KIND, "a kind of the fault library such as config.set")                                                      \
        X(DURATION, "a duration such as 45s, 20m or 250ms")                                                            \
        X(WORDS, "a list of texts")                                                                                    \
        X(CHOICE, "one of a fixed list")                                                                               \
        X(TARGET, "a comparison such as '>= 0.98', '< 400ms' or '< 1.5 x baseline'")                                                       \
        X(PROMQL, "a PromQL expression")                                                                               \
        X(MAP, "a mapping")                                                                                            \
        X(LIST, "a list of mappings")                                                                                  \
        X(ARGS, "a mapping of arguments")                                                                              \
        X(RECIPE, "a list of steps such as {config.set: {on: api, args: {worker_threads: 8}}}")                        \
        X(RECIPES, "a list of solutions, each a list of steps")                                                        \
        X(SCORE, "'off', or the points of outcome, harm, diagnosis and hints")
enum shape_type {
#define X(name, text) SHAPE_##name,
        SHAPE_TYPE_LIST(X)
#undef X
        SHAPE_TYPE_COUNT
};

struct shape;

struct shape_field {
        const char *key;
        enum shape_type type;
        bool required;
        double min, max;      /* numbers: value; durations: ms; text: bytes; lists: items */
        const char *choices;  /* CHOICE: "a|b|c" */
        const struct shape *sub; /* MAP, LIST */
        const char *doc;
};

struct shape {
        const char *name; /* "a criterion" */
        const struct shape_field *fields; /* ends with a NULL key */
        const char *doc;
};

/* The tables (shape_tables.c). */
extern const struct shape shape_scenario, shape_step, shape_pack;
/* Every shape, in the order of the reference. */
size_t shape_count(void);
const struct shape *shape_at(size_t index);

/* Checks node and everything below it against the shape. */
void shape_check(const struct shape *shape, const struct yaml *node, struct diag_list *diags);
/* True if the node is of the field's type and in its range, without reporting. */
bool shape_fits(const struct shape_field *field, const struct yaml *node);
/* The JSON Schema of a shape's object (inline, with $refs into #/$defs for steps). */
void shape_schema_write(const struct shape *shape, struct buf *out);
const char *shape_type_text(enum shape_type type);

#endif
