/* dqn: a small value network and its training: 18 -> 64 -> 64 -> five dueling heads, double targets, n-step returns, Huber
 * loss, Adam, bootstrapped heads whose spread says how unsure the network is.
 *   weights: w1 (18, 64), b1, w2 (64, 64), b2, w3 (64, 32), b3;   output head * 6: value, five advantages; 30, 31 unused
 * Owner:  one thread.  Memory: dqn_new allocates all (replay about 16 MB).  Units: as qlearn.h.
 * Limits: DQN_REPLAY transitions.  Fails: ERR_NOMEM. */
#ifndef LEARN_NN_DQN_H
#define LEARN_NN_DQN_H

#include "learn/env/env.h"
#include "learn/nn/dense.h"
#include "learn/policy/policy.h"
#include "learn/rng/seed.h"

enum {
        DQN_IN = FEAT_VECTOR,
        DQN_HIDDEN = 64,
        DQN_HEADS = 5,
        DQN_OUT = 32,
        DQN_FLOATS = DQN_IN * DQN_HIDDEN + DQN_HIDDEN + DQN_HIDDEN * DQN_HIDDEN + DQN_HIDDEN + DQN_HIDDEN * DQN_OUT + DQN_OUT,
        DQN_BATCH = 64,
        DQN_REPLAY = 100000,
};

/* Each head's values for a batch of at most DQN_BATCH rows. */
void dqn_heads(const float *net, const float *x, int batch, float (*ret)[DQN_HEADS][ACT_COUNT], const struct dense_ops *ops);
/* Mean over the heads. */
void dqn_values(const float *net, const float x[DQN_IN], float ret_q[ACT_COUNT]);
/* Largest standard deviation over the heads of any action's value. */
float dqn_spread(const float *net, const float x[DQN_IN]);

struct dqn_batch {
        float x[DQN_BATCH][DQN_IN];
        int action[DQN_BATCH];
        float target[DQN_BATCH][DQN_HEADS];
        uint8_t heads[DQN_BATCH]; /* bit h: head h learns from this row */
};
/* Huber loss of a batch, mean over rows and heads, and its gradient by the weights. */
float dqn_loss(const float *net, const struct dqn_batch *batch, float *ret_gradient /* [DQN_FLOATS] or NULL */, const struct dense_ops *ops);

struct dqn_opts {
        const struct sim_kernel *kernel;
        const struct feat_params *feat;
        struct seed_train seed;
        uint64_t updates;          /* of the whole schedule */
        float gamma, epsilon_from, epsilon_to, rate, polyak;
        int n_step, updates_per_step;
};
extern const struct dqn_opts dqn_defaults;

struct dqn;
MUST_USE enum err dqn_new(const struct dqn_opts *opts, struct dqn **ret);
void dqn_free(struct dqn *d);
AUTO_DEFINE(struct dqn, dqn_free)
void dqn_run(struct dqn *d, uint64_t updates); /* goes on by so many gradient updates */
uint64_t dqn_updates(const struct dqn *d);
uint64_t dqn_episodes(const struct dqn *d);
double dqn_recent_return(const struct dqn *d);
const float *dqn_net(const struct dqn *d); /* [DQN_FLOATS], lent until the next dqn_run */

struct dqn_policy {
        const float *net;
        const struct feat_params *feat;
};
int dqn_decide(const void *self, const struct policy_input *in, struct xoshiro *rng);

#endif
