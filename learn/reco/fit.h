/* fit: what was measured on the real stack in place of the simulator's assumptions: how each kind of failure shows, how noisy it is,
 * what actions lose. fit_* gathers it from labelled observations; the result is a file (models/calibration.json) and changes a kernel,
 * on which a model is then trained. How a failure goes on, and what cures it, stays the simulator's, and so does the price of an act: it is
 * the score's (server/engine/fault.c), and what was lost comes on top.
 * Owner:  the caller's structs.  Memory: none kept.  Units: as kernel.h; costs in requests of one nominal 5 s step.
 * Limits: FIT_SAMPLES_MAX observations, FIT_COSTS_MAX measured actions.
 * Fails:  ERR_LIMIT; ERR_STATE with too little to fit; fit_read ERR_PARSE with the field that is wrong. */
#ifndef LEARN_RECO_FIT_H
#define LEARN_RECO_FIT_H

#include "common/base/buf.h"
#include "common/text/json.h"
#include "learn/sim/sim1.h"

enum { FIT_SAMPLES_MAX = 40000, FIT_COSTS_MAX = 256, FIT_NAME_BYTES = 32 };

struct fit {
        float base[SIM_PRESSURES][SIM_CHANNELS];     /* nothing wrong */
        float signature[MODE_COUNT][SIM_CHANNELS];   /* what a level of severity adds; errors are the level itself */
        float sigma[SIM_CHANNELS];
        float lost[ACT_COUNT];                       /* by a restart of a healthy service, in requests of one nominal step */
        float shed;                                  /* share of the requests that a reduction of the load loses */
        float known;                                 /* surprise below which 99 % of the stack's observations lie; 0: not measured */
        uint32_t samples[MODE_COUNT], costs[ACT_COUNT];
};

struct fit_data {
        struct fit_sample {
                uint8_t mode, sev, pressure;
                float obs[SIM_CHANNELS];
        } sample[FIT_SAMPLES_MAX];
        size_t samples;
        struct fit_cost {
                char on[FIT_NAME_BYTES];
                uint8_t action;
                double lost; /* in requests of one nominal step */
        } cost[FIT_COSTS_MAX];
        size_t costs;
};

/* The level whose mean error is nearest; 0 for none. */
int fit_severity(const struct sim_kernel *k, double error);
MUST_USE enum err fit_sample_add(struct fit_data *d, int mode, int sev, int pressure, const float obs[SIM_CHANNELS]);
MUST_USE enum err fit_cost_add(struct fit_data *d, const char *on, enum sim_action action, double lost);
/* k: the simulator's own kernel, for what was not seen. */
MUST_USE enum err fit_solve(const struct fit_data *d, const struct sim_kernel *k, struct fit *ret, struct err_note *reterr);

void fit_kernel(const struct fit *f, struct sim_kernel *k);
/* costs by service are written for the reader and not read back. */
void fit_write(const struct fit *f, const struct fit_data *d, struct buf *out);
MUST_USE enum err fit_read(const char *json, size_t bytes, struct fit *ret, struct err_note *reterr);

#endif
