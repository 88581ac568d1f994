/* knob: the description of one configuration value of a service, and the JSON Schema made from a table of them. Pure.
 * A service writes one static table, indexed by its own enum; everything else (schema, defaults, checking, docs) is derived.
 * Owner:  tables are static and constant.    Memory: knob_schema and knob_defaults give trees to the caller.
 * Units:  the unit names of docs/contracts.md. Limits: KNOB_COUNT_MAX a service, KNOB_TEXT_BYTES a text.
 * Fails:  NULL trees when out of memory (sticky, see common/text/json.h). */
#ifndef SUT_KIT_KNOB_H
#define SUT_KIT_KNOB_H

#include <stdbool.h>
#include <stddef.h>

#include "common/text/json.h"

enum { KNOB_COUNT_MAX = 64, KNOB_TEXT_BYTES = 256, KNOB_LIST_MAX = 32 };

enum knob_type { KNOB_INTEGER, KNOB_NUMBER, KNOB_BOOL, KNOB_CHOICE, KNOB_STRING, KNOB_LIST };

struct knob {
        const char *key;
        enum knob_type type;
        const char *unit, *group, *title, *description;
        bool deploy;                  /* a change counts as a deployment and moves `version` */
        double preset, min, max;      /* integer, number; bool: preset 0 or 1 */
        const char *text_preset;      /* choice, string */
        const char *const *choices;   /* choice: ends with NULL */
};

#define KNOB_INT(key_, preset_, min_, max_, unit_, group_, title_, description_)                                       \
        { .key = key_, .type = KNOB_INTEGER, .preset = preset_, .min = min_, .max = max_, .unit = unit_,               \
          .group = group_, .title = title_, .description = description_ }
#define KNOB_NUM(key_, preset_, min_, max_, unit_, group_, title_, description_)                                       \
        { .key = key_, .type = KNOB_NUMBER, .preset = preset_, .min = min_, .max = max_, .unit = unit_,                \
          .group = group_, .title = title_, .description = description_ }
#define KNOB_SWITCH(key_, preset_, group_, title_, description_)                                                       \
        { .key = key_, .type = KNOB_BOOL, .preset = preset_, .unit = "", .group = group_, .title = title_,             \
          .description = description_ }
#define KNOB_ONE_OF(key_, preset_, choices_, group_, title_, description_)                                             \
        { .key = key_, .type = KNOB_CHOICE, .text_preset = preset_, .choices = choices_, .unit = "", .group = group_,  \
          .title = title_, .description = description_ }
#define KNOB_ONE_OF_DEPLOY(key_, preset_, choices_, group_, title_, description_)                                      \
        { .key = key_, .type = KNOB_CHOICE, .text_preset = preset_, .choices = choices_, .unit = "", .group = group_,  \
          .title = title_, .description = description_, .deploy = true }
#define KNOB_TEXT(key_, preset_, group_, title_, description_)                                                         \
        { .key = key_, .type = KNOB_STRING, .text_preset = preset_, .unit = "", .group = group_, .title = title_,      \
          .description = description_ }
#define KNOB_WORDS(key_, group_, title_, description_)                                                                 \
        { .key = key_, .type = KNOB_LIST, .unit = "", .group = group_, .title = title_, .description = description_ }

/* The JSON value of a knob's default. */
struct json *knob_default(const struct knob *knob);
struct json *knob_defaults(const struct knob *knobs, size_t count);
struct json *knob_schema(const char *title, const struct knob *knobs, size_t count);
/* NULL if there is no such knob. */
const struct knob *knob_find(const struct knob *knobs, size_t count, const char *key);
/* A bug in a table (two knobs of one name, default out of range) ends the program. */
void knob_table_check(const struct knob *knobs, size_t count);

#endif
