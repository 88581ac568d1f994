/* tune: random search for the parameters of a rule on training episodes: the best of `candidates` by mean reward.
 * Owner: the caller.  Memory: freed on return.  Units: reward per episode.  Limits: TUNE_PARAMS_MAX.  Fails: ERR_NOMEM,
 * ERR_STATE when stopped. */
#ifndef LEARN_TRAIN_TUNE_H
#define LEARN_TRAIN_TUNE_H

#include "learn/policy/policy.h"
#include "learn/rng/seed.h"

enum { TUNE_PARAMS_MAX = 16 };

struct tune_setup {
        const struct sim_kernel *kernel;
        const struct feat_params *feat;
        struct seed_train seed;
        uint32_t candidates, episodes; /* the best 10 % are judged again on ten times the episodes */
        bool (*stop)(void *context);
        void *context;
};

struct tune_rule {
        int params;
        void (*bounds)(int index, float *ret_lo, float *ret_hi);
        int (*decide)(const void *self, const struct policy_input *in, struct xoshiro *rng);
};
extern const struct tune_rule tune_rule_tuned, tune_rule_belief;

MUST_USE enum err tune_search(const struct tune_setup *setup, const struct tune_rule *rule, float *ret_params, double *ret_reward);
/* Mean return of a policy on training episodes; for tuning and learning curves, never for claims. */
MUST_USE enum err train_score(const struct sim_kernel *k, const struct policy *p, struct seed_train seed, uint32_t first, uint32_t episodes,
                              double *ret);

#endif
