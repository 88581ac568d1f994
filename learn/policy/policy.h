/* policy: one way of choosing an action for one service, and the baselines.
 * Owner:  a policy is immutable while it is used; self is lent.  Memory: none allocated here.
 * Units:  thresholds in the units of the observations.           Limits: only legal actions are returned.
 * Fails:  never. */
#ifndef LEARN_POLICY_POLICY_H
#define LEARN_POLICY_POLICY_H

#include <string.h>

#include "learn/feat/feat.h"
#include "learn/oracle/vi.h"
#include "learn/rng/xoshiro.h"

struct policy_input {
        const struct feat_tracker *tracker;
        const float *obs;  /* [OBS_COUNT] */
        uint32_t mask;     /* legal actions */
        int true_state;    /* for clairvoyant references only; -1 for everybody else */
};

struct policy {
        const char *name;
        int (*decide)(const void *self, const struct policy_input *in, struct xoshiro *rng);
        const void *self;
        const struct feat_params *feat; /* what its tracker is made with */
        bool clairvoyant;
};

static inline int policy_decide(const struct policy *p, const struct policy_input *in, struct xoshiro *rng)
{
        int action = p->decide(p->self, in, rng);

        return in->mask >> action & 1 ? action : ACT_IGNORE;
}

/* The mission's rule, literally: error rate above a threshold: restart; too many restarts: delay; latency low: ignore. */
struct rule_literal {
        float error_max, latency_low_ms;
        int restarts_max;
};
extern const struct rule_literal rule_literal_default;

/* What an experienced operator writes: windows, memory and load tell a leak from a surge; thresholds found on training seeds. */
#define RULE_TUNED_LIST(X)                                                                                             \
        X(shed_error, .08f, .40f) X(shed_latency, 110, 320) X(leak_memory, 46, 72) X(leak_error, .08f, .5f) X(hard_error, .25f, .8f)          \
        X(blind_error, .3f, 1.2f) X(watch_error, .05f, .4f) X(restarts_max, 1, 4)
struct rule_tuned {
#define X(name, lo, hi) float name;
        RULE_TUNED_LIST(X)
#undef X
};

/* The same operator reading the belief. */
#define RULE_BELIEF_LIST(X)                                                                                            \
        X(p_leak, .35f, .98f) X(sev_hard, 2.2f, 6.0f) X(p_load, .2f, .9f) X(sev_shed, .5f, 4.0f) X(p_rebuild, .2f, .95f) X(p_unsure, .3f, .8f)  \
        X(restarts_max, 1, 4)
struct rule_belief {
#define X(name, lo, hi) float name;
        RULE_BELIEF_LIST(X)
#undef X
};

/* Bounds of a rule's parameter, for tuning; parameters are read as an array of floats. */
enum { RULE_TUNED_PARAMS = sizeof(struct rule_tuned) / sizeof(float), RULE_BELIEF_PARAMS = sizeof(struct rule_belief) / sizeof(float) };
void rule_tuned_bounds(int index, float *ret_lo, float *ret_hi);
void rule_belief_bounds(int index, float *ret_lo, float *ret_hi);

int policy_random_decide(const void *self, const struct policy_input *in, struct xoshiro *rng);
int policy_constant_decide(const void *self, const struct policy_input *in, struct xoshiro *rng); /* self: const int * */
int rule_literal_decide(const void *self, const struct policy_input *in, struct xoshiro *rng);
int rule_tuned_decide(const void *self, const struct policy_input *in, struct xoshiro *rng);
int rule_belief_decide(const void *self, const struct policy_input *in, struct xoshiro *rng);
/* self: struct oracle. Clairvoyant reads the true state, QMDP weighs q by the belief. */
int policy_clairvoyant_decide(const void *self, const struct policy_input *in, struct xoshiro *rng);
int policy_qmdp_decide(const void *self, const struct policy_input *in, struct xoshiro *rng);
void qmdp_values(const struct oracle *o, const struct feat_tracker *t, float ret[ACT_COUNT]);

/* The table of a trained tabular policy: one column per reward column, whose sum decides. */
struct qtab {
        float q[FEAT_STATES][ACT_COUNT][REW_COUNT];
        uint32_t visits[FEAT_STATES][ACT_COUNT];
};
int qtab_decide(const void *self, const struct policy_input *in, struct xoshiro *rng); /* self: struct qtab_policy */
struct qtab_policy {
        const struct qtab *table;
        const struct feat_params *feat;
};
static inline float qtab_value(const struct qtab *t, int cell, int action)
{
        const float *q = t->q[cell][action];

        return ((q[0] + q[1]) + q[2]) + q[3];
}
/* All actions of a cell, each as qtab_value: four columns of four actions are added at once. */
static inline void qtab_values(const struct qtab *t, int cell, float ret[ACT_COUNT])
{
        typedef float quad __attribute__((vector_size(16), aligned(4)));
        quad r[4], low0, low1, high0, high1, sum;

        _Static_assert(ACT_COUNT == 5 && REW_COUNT == 4, "four actions in lanes and one alone");
        memcpy(r, t->q[cell], sizeof r);
        low0 = __builtin_shufflevector(r[0], r[1], 0, 4, 1, 5), high0 = __builtin_shufflevector(r[0], r[1], 2, 6, 3, 7);
        low1 = __builtin_shufflevector(r[2], r[3], 0, 4, 1, 5), high1 = __builtin_shufflevector(r[2], r[3], 2, 6, 3, 7);
        sum = ((__builtin_shufflevector(low0, low1, 0, 1, 4, 5) + __builtin_shufflevector(low0, low1, 2, 3, 6, 7)) +
               __builtin_shufflevector(high0, high1, 0, 1, 4, 5)) +
              __builtin_shufflevector(high0, high1, 2, 3, 6, 7);
        memcpy(ret, &sum, sizeof sum);
        ret[4] = qtab_value(t, cell, 4);
}
int qtab_best(const struct qtab *t, int cell, uint32_t mask);

#endif
