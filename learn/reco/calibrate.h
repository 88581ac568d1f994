/* calibrate: makes confidence mean what it says. On calibration seeds (never training, never test) the model plays; at each
 * decision where something may be wrong, the best action of the true state tells whether the advice was optimal.
 *   score = gap of the best to the next best action of the other sort, sharpened by the belief;   p = isotonic regression
 *   action set = all actions within `slack` of the best, slack = 90 % conformal quantile (first half of the samples)
 * The second half measures expected calibration error, coverage and abstention.
 * Owner: the caller.  Memory: freed on return.  Units: reward.  Limits: episodes as collect.h.  Fails: ERR_NOMEM, ERR_STATE. */
#ifndef LEARN_RECO_CALIBRATE_H
#define LEARN_RECO_CALIBRATE_H

#include "learn/model/model.h"
#include "learn/rng/seed.h"

enum { CALIBRATE_EPISODES_DEFAULT = 4000 };

float calibrate_score(const float q[ACT_COUNT], uint32_t mask, const struct feat_tracker *t);
float calibrate_p(const struct model_calibration *c, float score);
uint32_t calibrate_set(const struct model_calibration *c, const float q[ACT_COUNT], uint32_t mask, const struct feat_tracker *t);

struct calibrate_setup {
        const struct sim_kernel *kernel;
        const struct oracle *oracle; /* solved: it judges */
        struct seed_calib seed;
        uint32_t episodes;
        bool (*stop)(void *context);
        void *context;
};
/* Fills m->calibration. */
MUST_USE enum err calibrate_fit(const struct calibrate_setup *setup, struct model *m);

struct calibrate_measure {
        double ece, coverage, abstention, accuracy;
        uint64_t samples;
};
/* The same figures on seeds of another kind, for reports. */
MUST_USE enum err calibrate_measure(const struct calibrate_setup *setup, uint64_t seed, const struct model *m, struct calibrate_measure *ret);

#endif
