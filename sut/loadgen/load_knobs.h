/* load_knobs: what can be set at the users, and how the settings become a profile and a mix.
 * Owner: static. Memory: none. Units: in the table. Limits: in the table. Fails: load_profile_from: ERR_INVAL for a bad
 * replay list. */
#ifndef SUT_LOADGEN_LOAD_KNOBS_H
#define SUT_LOADGEN_LOAD_KNOBS_H

#include "sut/kit/config.h"
#include "sut/loadgen/load_crowd.h"
#include "sut/loadgen/load_plan.h"

enum load_knob {
        LOAD_KNOB_RPS,
        LOAD_KNOB_PROFILE,
        LOAD_KNOB_ARRIVALS,
        LOAD_KNOB_RAMP_RPS,
        LOAD_KNOB_RAMP_S,
        LOAD_KNOB_WAVE_RPS,
        LOAD_KNOB_WAVE_S,
        LOAD_KNOB_BURST_RPS,
        LOAD_KNOB_BURST_S,
        LOAD_KNOB_BURST_EVERY_S,
        LOAD_KNOB_REPLAY_RPS,
        LOAD_KNOB_REPLAY_STEP_S,
        LOAD_KNOB_SEED,
        LOAD_KNOB_USERS,
        LOAD_KNOB_IN_FLIGHT_MAX,
        LOAD_KNOB_TIMEOUT_MS,
        LOAD_KNOB_LOGIN,
        LOAD_KNOB_WEIGHT_VISIT,
        LOAD_KNOB_WEIGHT_COMPARE,
        LOAD_KNOB_WEIGHT_BUY,
        LOAD_KNOB_LOG_LEVEL,
        LOAD_KNOB_COUNT
};

extern const struct knob load_knobs[LOAD_KNOB_COUNT];

void load_profile_from(struct kit_config *config, struct load_profile *ret);
void load_mix_from(struct kit_config *config, struct crowd_mix *ret);
/* "10, 20.5, 0": numbers of the replay profile. ERR_INVAL tells which one is wrong. */
MUST_USE enum err load_replay_parse(const char *text, struct load_profile *profile, struct err_note *reterr);

#endif
