/* logs: what the simulator's service would write: metric records and log lines, as JSON lines. Neither names the failure, its
 * severity or its onset: those go to the truth channel only (sim_truth_json), which features never read. The mission's record
 * carried `failure_type`; here it is in the truth line.
 * Owner: none.  Memory: the caller's buf.  Units: seconds since the episode's start, ms, percent.  Limits: LOGS_STEP_MAX lines a
 * step.  Fails: through the buf. */
#ifndef LEARN_SIM_LOGS_H
#define LEARN_SIM_LOGS_H

#include "common/base/buf.h"
#include "learn/sim/sim1.h"

enum { LOGS_STEP_MAX = 3 };

void sim_metric_json(uint32_t timestamp_s, const float obs[OBS_COUNT], struct buf *to);
/* Lines of one step: what happened depends on the state, as in a real service; words overlap between the modes. */
void sim_logs_json(uint32_t timestamp_s, const struct sim_state *state, const float obs[OBS_COUNT], const uint32_t draws[4], struct buf *to);
void sim_truth_json(uint32_t timestamp_s, const struct sim_state *state, struct buf *to);

#endif
