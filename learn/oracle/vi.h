/* vi: the exact optimum of the failure kernel by value iteration, and the exact value of any policy on latent states.
 * "Clairvoyant": these policies see the mode and severity that a real one must infer.
 * Owner: the caller; not thread-safe, pure.  Memory: oracle_new allocates about 7 MB, oracle_free frees it.
 * Units: reward, discounted by gamma a step.  Limits: sweeps_max.
 * Fails: ERR_NOMEM; ERR_LIMIT if sweeps_max sweeps did not reach the tolerance. */
#ifndef LEARN_ORACLE_VI_H
#define LEARN_ORACLE_VI_H

#include "common/base/err.h"
#include "learn/sim/kernel.h"

struct oracle {
        const struct sim_kernel *kernel; /* lent, must outlive the oracle */
        double gamma;
        int sweeps;
        double residual;               /* largest change of the last sweep */
        float *v;                      /* [SIM_STATES] */
        float (*q)[ACT_COUNT];         /* [SIM_STATES] */
        float *arrive;                 /* [SIM_STATES], reward of being there */
        float *reach, *expected;       /* working memory */
        float (*odds)[SIM_OUTCOMES];   /* [SIM_ROWS]: the kernel's thresholds as probabilities */
        /* For a service among others, whose NONE and CASCADING rows are numbered by stress (sim12.h): */
        int stress_max;                /* the stress is the best for the service of 0 .. stress_max; -1 (default): alone */
        bool may_leave;                /* the rest may be given up for 0 at any time */
        uint32_t actions;              /* those there are, bits; default all */
        float price;                   /* of anything but ignoring, beside its cost */
};

MUST_USE enum err oracle_new(const struct sim_kernel *k, double gamma, struct oracle **ret);
void oracle_free(struct oracle *o);
AUTO_DEFINE(struct oracle, oracle_free)

/* The optimum to within `tolerance` of reward. */
MUST_USE enum err oracle_solve(struct oracle *o, double tolerance, int sweeps_max);
/* The best first action when only `horizon` steps are looked ahead (value 0 beyond): q and v of that horizon. */
void oracle_look_ahead(struct oracle *o, int horizon);
/* The best that `steps` undiscounted steps from `start` can bring: an upper bound for every policy, whatever it sees. */
double oracle_bound(struct oracle *o, int steps, const struct sim_state *start);
/* The value of the fixed policy action[SIM_STATES], undiscounted over `steps` steps from `start`. */
double oracle_policy_value(struct oracle *o, const uint8_t *action, int steps, const struct sim_state *start);
/* Greedy action of each state under o->q; ties go to the lower action, so the cheaper one. */
void oracle_greedy(const struct oracle *o, uint8_t *ret_action);

static inline int oracle_best(const float q[ACT_COUNT], uint32_t mask)
{
        int best = -1;

        for (int a = 0; a < ACT_COUNT; a++)
                if ((mask >> a & 1) && (best < 0 || q[a] > q[best])) best = a;
        return best;
}

#endif
