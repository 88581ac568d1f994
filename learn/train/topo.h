/* topo: policies for the twelve services: one filter and one tracker a service, and a choice of one action on one service a step.
 * The filter's moves are fitted three times, by how sick the callees are (in training by the truth, in use by the callees' own filters).
 *
 *   rule     each service's own rule proposes; a service whose callee looks sicker than `root_error` is left alone (its turn comes when
 *            the callee is well); among proposals the largest error x share of users goes first, looking (delay) last
 *   learned  one table a service over (its cell, stress of its callees); the advantage of acting over ignoring decides which service
 *            and which action: Q[s](cell, a) learns the reward of s and what its sickness costs its dependants
 *
 * Owner:  the caller; one thread.  Memory: topo_learn_new allocates about 15 MB.  Units: reward of an episode.  Limits: none.
 * Fails:  ERR_NOMEM; ERR_STATE when stopped. */
#ifndef LEARN_TRAIN_TOPO_H
#define LEARN_TRAIN_TOPO_H

#include "learn/policy/policy.h"
#include "learn/rng/seed.h"
#include "learn/sim/sim12.h"

enum { TOPO_STRESSES = SIM_PRESSURES, TOPO_CELLS = FEAT_STATES * TOPO_STRESSES };

struct topo_feat {
        struct feat_params stress[TOPO_STRESSES];
};

struct topo_state {
        struct feat_tracker tracker[SIM12_SERVICES];
        int stress[SIM12_SERVICES]; /* as believed */
};

void topo_start(const struct topo_feat *tf, struct topo_state *s, const float *obs /* [SIM12_OBS] */);
/* The action was done on target if it was legal: mask and mask_target are those it was chosen under. */
void topo_update(const struct topo_feat *tf, struct topo_state *s, int action, int target, uint32_t mask, uint32_t mask_target, const float *obs);

struct topo_input {
        const struct topo_state *state;
        const float *obs;
        uint32_t mask, mask_target;
        const struct sim12 *truth; /* row `row` of it, for clairvoyant references only; NULL for everybody else */
        uint32_t row;
};
struct topo_choice {
        int action, target;
};
typedef struct topo_choice topo_decide_fn(const void *self, const struct topo_input *in);

struct topo_rule {
        int (*decide)(const void *self, const struct policy_input *in, struct xoshiro *rng);
        float params[16]; /* of the single-service rule, first */
        int count;        /* of them */
        float root_error; /* above 1: callees are not looked at */
};
topo_decide_fn topo_rule_decide, topo_ignore_decide, topo_learned_decide, topo_clairvoyant_decide;

struct topo_table {
        float q[SIM12_SERVICES][TOPO_CELLS][ACT_COUNT]; /* rows of services that cannot be acted on stay 0 */
};
/* self of topo_learned_decide: struct topo_learned. */
struct topo_learned {
        const struct topo_table *table;
        const struct topo_feat *feat;
};
/* self of topo_clairvoyant_decide: a solved oracle of the topology's kernel with stress_max 0: each service as if its callees were well. */

struct topo_setup {
        const struct sim_kernel *kernel; /* of the topology */
        const struct feat_params *edges; /* bin edges are these; the filter is fitted anew */
        struct seed_train seed;
        uint32_t episodes;
        bool (*stop)(void *context);
        void (*progress)(void *context, double episodes_done);
        void *context;
};
/* Phase one: random interaction. */
MUST_USE enum err topo_fit(const struct topo_setup *setup, struct topo_feat *ret);
/* Phase two. `start`: a single service's table to begin from, or NULL. */
MUST_USE enum err topo_learn(const struct topo_setup *setup, const struct topo_feat *tf, const struct qtab *start, struct topo_table *ret);
/* Random search for a rule's parameters and root_error on training episodes. */
MUST_USE enum err topo_tune(const struct topo_setup *setup, const struct topo_feat *tf, uint32_t candidates, void (*bounds)(int index, float *lo, float *hi),
                            struct topo_rule *rule, double *ret_reward);

struct topo_record {
        float reward;
        uint16_t restarts, astray; /* restarts; of them on a service whose failure was not the escalating one */
        uint16_t actions, unstable; /* all but ignore; service-steps outside the objective */
        bool died;
};
struct topo_run {
        const struct sim_kernel *kernel;
        const struct topo_feat *feat;
        uint64_t seed;
        uint32_t first, episodes;
        bool (*stop)(void *context);
        void *context;
        bool clairvoyant;
};
MUST_USE enum err topo_play(const struct topo_run *run, topo_decide_fn *decide, const void *self, struct topo_record *ret /* [episodes] */);

#endif
