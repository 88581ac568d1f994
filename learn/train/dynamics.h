/* dynamics: a model of the failure process learned from transitions: the structure of the process is assumed (a mode, its severity, the
 * timers that actions start), every probability, mean and spread in it is counted from random interaction. It comes as a kernel, so the
 * environment back end "dyn" plays it and the oracle plans on it. The reward's weights are its definition and are not learned.
 * A row keeps the three commonest outcomes besides staying. Unseen rows stay.
 * Owner: the caller.  Memory: the caller's structs.  Units: as kernel.h.  Limits: none.  Fails: never. */
#ifndef LEARN_TRAIN_DYNAMICS_H
#define LEARN_TRAIN_DYNAMICS_H

#include "learn/train/collect.h"

void dynamics_fit(const struct collect_counts *c, const struct sim_kernel *reward /* weights, objective, users by load */, struct sim_kernel *ret);
/* Mean over the rows of `weight`, by how often each was visited, of the total variation distance between two kernels' outcomes. */
double dynamics_distance(const struct sim_kernel *a, const struct sim_kernel *b, const struct collect_counts *weight);

/* How well the fitted process forecasts what a service shows h steps ahead while nobody acts, on episodes it has not seen: mean squared
 * error over the four channels, each in units of its variance, beside "as it is now". */
struct dynamics_skill {
        double model, persistence; /* errors */
        uint64_t forecasts;
};
struct dynamics_test {
        const struct sim_kernel *kernel; /* that produces the episodes */
        const struct sim_kernel *learned;
        const struct feat_params *feat;  /* with the filter fitted from the same counts */
        struct seed_test seed;
        uint32_t episodes, horizon;
};
MUST_USE enum err dynamics_forecast(const struct dynamics_test *t, struct dynamics_skill *ret);

#endif
