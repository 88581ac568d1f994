/* runner: plays a policy through test episodes and records what the mission asks for, one record an episode.
 * Every policy meets the same episodes (same seed and number, action-independent draws), so records pair by index.
 *   incident: first sample outside the objective ... first of RUN_STABLE consecutive samples inside it; open at the end: censored
 *   relapse:  the same mode again within RUN_RELAPSE steps of a recovery
 *   unnecessary restart: a legal action other than a restart was at least as good, by the optimal values of the true state
 *   (hindsight), and of the exact filter's belief (ex ante)
 * Owner:  the caller.  Memory: records are the caller's.  Units: steps of 5 s, reward.  Limits: RUN_EPISODES_MAX.
 * Fails:  ERR_NOMEM; ERR_STATE if `stop` asked to end. */
#ifndef LEARN_EVAL_RUNNER_H
#define LEARN_EVAL_RUNNER_H

#include "learn/env/env.h"
#include "learn/policy/policy.h"
#include "learn/rng/seed.h"

enum { RUN_EPISODES_MAX = 1000000, RUN_STABLE = 6, RUN_RELAPSE = 24, RUN_INCIDENTS_MAX = 24, RUN_STRATA = 1 + (MODE_COUNT - 1) * SIM_LOADS };

struct run_record {
        float reward, columns[REW_COUNT];
        uint16_t actions[ACT_COUNT];
        uint16_t unnecessary, unnecessary_ex_ante; /* restarts */
        uint16_t incidents, recoveries, relapses, crashes, unstable; /* unstable: steps outside the objective */
        uint8_t duration[RUN_INCIDENTS_MAX], censored[RUN_INCIDENTS_MAX]; /* steps, of the first RUN_INCIDENTS_MAX incidents */
        uint8_t stratum, died; /* stratum: 0 no incident, else (first mode - 1) * SIM_LOADS + load + 1 */
};

static inline unsigned run_restarts(const struct run_record *r)
{
        return (unsigned)r->actions[ACT_SOFT] + r->actions[ACT_HARD];
}

struct run_setup {
        const struct sim_kernel *kernel;
        const struct oracle *oracle;          /* solved */
        const struct feat_params *exact;      /* features with the simulator's own filter, for the ex-ante verdict */
        struct seed_test seed;
        uint32_t episodes, first_episode, max_steps;
        bool (*stop)(void *context);          /* NULL: never; asked once a batch */
        void (*progress)(void *context, uint32_t episodes_done);
        void *context;
};

MUST_USE enum err run_policy(const struct run_setup *setup, const struct policy *policy, struct run_record *ret_records);

#endif
