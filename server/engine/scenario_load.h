/* scenario_load: bytes of YAML -> struct scenario, with every finding of the file in one go as line, column, what is
 * wrong, what was expected, and the nearest known name.
 * Owner:  caller. Memory: on success the scenario owns everything it needs; bytes may go.
 * Units:  lines and columns from 1. Limits: scenario.h; SCENARIO_FILE_BYTES_MAX a file; DIAG_COUNT_MAX findings.
 * Fails:  ERR_PARSE when there is at least one error (warnings do not fail), ERR_LIMIT too big, ERR_NOMEM. */
#ifndef SERVER_ENGINE_SCENARIO_LOAD_H
#define SERVER_ENGINE_SCENARIO_LOAD_H

#include "common/base/err.h"
#include "common/text/diag.h"
#include "server/engine/scenario.h"
#include "server/engine/world.h"

/* name: the file's name, which must be "<id>.yaml" ("dir/x.yaml" is fine; NULL: not checked). */
MUST_USE enum err scenario_load(const char *bytes, size_t size_bytes, const char *name,
                                const struct scenario_world *world, struct diag_list *diags, struct scenario **ret);

/* How alike two scenarios are, 0..1: cause, faults, criteria, evidence; >= SCENARIO_NEAR_DUPLICATE is worth a warning. */
#define SCENARIO_NEAR_DUPLICATE 0.75
double scenario_likeness(const struct scenario *a, const struct scenario *b);
/* Warns in diags about every one of `others` that s nearly repeats. */
void scenario_warn_duplicates(const struct scenario *s, const struct scenario *const *others, size_t count,
                              struct diag_list *diags);

/* JSON Schema 2020-12 of the file format, for editors: what scenarios/schema.json holds. */
MUST_USE enum err scenario_schema_write(struct buf *out);
/* docs/scenario-reference.md, Markdown. */
void scenario_reference_write(struct buf *out);

#endif
