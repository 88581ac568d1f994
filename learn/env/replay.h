/* replay: a recorded incident as an environment: its observations come back in order whatever is done (open loop), so a
 * policy's advice can be read off beside what was really done. Rewards are those recorded.
 * Owner: the caller, for longer than the environment.  Memory: env_recording_free.  Units: rows of one step.
 * Limits: RECORDING_STEPS_MAX.  Fails: ERR_LIMIT, ERR_NOMEM. */
#ifndef LEARN_ENV_REPLAY_H
#define LEARN_ENV_REPLAY_H

#include "learn/env/env.h"

enum { RECORDING_STEPS_MAX = 100000 };

struct env_recording_step {
        float obs[OBS_COUNT], columns[REW_COUNT];
        uint8_t act; /* what was done after this observation */
};

struct env_recording {
        struct env_recording_step *steps;
        size_t count, capacity;
};

MUST_USE enum err env_recording_append(struct env_recording *r, const struct env_recording_step *step);
void env_recording_done(struct env_recording *r);

#endif
