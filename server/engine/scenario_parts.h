/* scenario_parts: parts of a scenario as JSON, shared by the API's view and the debrief.
 * Owner: caller's buffer. Memory: none. Units: ms. Limits: those of the buffer. Fails: through buf_status(out). */
#ifndef SERVER_ENGINE_SCENARIO_PARTS_H
#define SERVER_ENGINE_SCENARIO_PARTS_H

#include "common/base/buf.h"
#include "server/engine/scenario.h"

const char *scenario_kind_text(const struct scenario_criterion *c); /* "promql", "probe", "replay" */
void scenario_step_json(const struct scenario_step *step, struct buf *out);
void scenario_recipe_json(const struct scenario_recipe *recipe, struct buf *out);
void scenario_truth_json(const struct scenario *s, struct buf *out);

#endif
