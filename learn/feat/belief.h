/* belief: an online Bayes filter over what is wrong (mode x severity) from noisy metrics, with fitted parameters.
 * Its structure (a mode lasts until it is over; severity moves) is assumed; every number in it is counted from training
 * traces by belief_fit_*, never read from the simulator. belief_params_true exists for the oracle's reference only.
 * Owner:  parameters are immutable after fitting and may be shared; a belief belongs to one episode.
 * Memory: the caller's structs.     Units: as the observations.     Limits: none.     Fails: never; an observation that no
 * cell explains leaves the prediction and is counted in `surprise`. */
#ifndef LEARN_FEAT_BELIEF_H
#define LEARN_FEAT_BELIEF_H

#include <stdint.h>

#include "common/base/err.h"
#include "learn/sim/sim1.h"

struct belief_params {
        /* [kind][pressure][mode - 1][from severity][to severity]; column 0 is the exit to NONE; rows may sum below 1, the
         * rest being a crash, which is seen. */
        float move[KIND_COUNT][SIM_PRESSURES][MODE_COUNT - 1][SIM_SEVS][SIM_SEVS];
        float from_none[KIND_COUNT][SIM_PRESSURES][SIM_CELLS];
        float after_crash[SIM_CELLS];
        float mean[SIM_PRESSURES][SIM_CHANNELS][SIM_CELLS];
        float precision[SIM_CHANNELS][SIM_CELLS]; /* 1 / variance; 0 in cells that do not exist */
        float weight[SIM_CELLS];                  /* normaliser of the density, up to a common factor */
};

/* p[cell] sums to 1. */
struct belief {
        float p[SIM_CELLS] __attribute__((aligned(64)));
        float surprise; /* squared distance to the nearest cell that was believed possible, in sigmas */
};

void belief_start(struct belief *b); /* certain that nothing is wrong */
/* The step without an observation: kind is the action or KIND_DOWN, pressure that of the step. */
void belief_predict(const struct belief_params *bp, struct belief *b, int kind, int pressure);
void belief_crashed(const struct belief_params *bp, struct belief *b);
/* The observation's four noisy channels; calm: it was taken after a delay, with half the noise. */
void belief_observe(const struct belief_params *bp, struct belief *b, const float obs[SIM_CHANNELS], int pressure, bool calm);
/* As belief_observe from a flat prior: what one sample alone says (the history ablation). */
void belief_forget(struct belief *b);

static inline float belief_mode(const struct belief *b, int mode)
{
        const float *p = b->p + mode * SIM_SEVS;

        return ((p[0] + p[1]) + (p[2] + p[3])) + ((p[4] + p[5]) + (p[6] + p[7]));
}
float belief_severity(const struct belief *b); /* expected */

/* Fitting by counts. */
struct belief_counts {
        double move[KIND_COUNT][SIM_PRESSURES][SIM_CELLS][SIM_CELLS];
        double crash[KIND_COUNT][SIM_PRESSURES][SIM_CELLS];
        double after_crash[SIM_CELLS];
        double n[SIM_PRESSURES][SIM_CELLS];
        double sum[SIM_PRESSURES][SIM_CHANNELS][SIM_CELLS], sum2[SIM_PRESSURES][SIM_CHANNELS][SIM_CELLS];
};
void belief_count_move(struct belief_counts *c, int kind, int pressure, int from_cell, int to_cell, bool crash);
void belief_count_obs(struct belief_counts *c, int cell, int pressure, const float obs[SIM_CHANNELS]);
void belief_fit(const struct belief_counts *c, struct belief_params *ret);
/* The simulator's own numbers, in the same form: an upper bound to compare a fit with. */
void belief_params_true(const struct sim_kernel *k, struct belief_params *ret);

#endif
