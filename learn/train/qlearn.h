/* qlearn: phase two, double tabular Q-learning with one table per reward column, over decisions (steps while the service is
 * down are rewards of the decision before them), n-step returns.
 *   Q[s,a] += alpha * (sum of discounted rewards over n decisions + discount * Q'[s_n, argmax Q(s_n)] - Q[s,a]), columnwise
 * A time limit is bootstrapped through, an unrecoverable end is not.
 * Owner:  one thread.     Memory: qlearn_new allocates all.     Units: episodes, learning steps (one per decision).
 * Limits: QLEARN_N_MAX.   Fails: ERR_NOMEM. */
#ifndef LEARN_TRAIN_QLEARN_H
#define LEARN_TRAIN_QLEARN_H

#include "learn/env/env.h"
#include "learn/policy/policy.h"
#include "learn/rng/seed.h"

enum { QLEARN_N_MAX = 8, QLEARN_ROWS = 64 };

struct qlearn_opts {
        const struct sim_kernel *kernel;
        const struct feat_params *feat;
        struct seed_train seed;
        uint64_t episodes;         /* of the whole schedule: exploration falls over the first 60 % */
        float gamma;               /* 0: contextual bandit */
        float epsilon_from, epsilon_to;
        float alpha_from, alpha_to; /* floor of the step size: high while early errors must be forgotten, low in the end */
        int n_step;
};
extern const struct qlearn_opts qlearn_defaults; /* kernel, feat and seed to be filled in */

struct qlearn;
MUST_USE enum err qlearn_new(const struct qlearn_opts *opts, struct qlearn **ret);
void qlearn_free(struct qlearn *q);
AUTO_DEFINE(struct qlearn, qlearn_free)
/* Goes on until `episodes` more have ended. */
void qlearn_run(struct qlearn *q, uint64_t episodes);
uint64_t qlearn_episodes(const struct qlearn *q);
uint64_t qlearn_steps(const struct qlearn *q);
double qlearn_recent_return(const struct qlearn *q); /* mean return of the episodes of the last qlearn_run */
void qlearn_table(const struct qlearn *q, struct qtab *ret); /* mean of the two tables */

#endif
