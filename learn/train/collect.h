/* collect: phase one, random interaction: plays training episodes with a mostly waiting random policy and counts what the
 * filter needs; then freezes bin edges and the k-means patterns of the ablation from the same training traces.
 * The fault injected (truth channel) labels training traces only; what is fitted never sees a test seed.
 * Owner: the caller.  Memory: freed on return.  Units: episodes.  Limits: COLLECT_EPISODES_MAX.  Fails: ERR_NOMEM, ERR_STATE
 * when stopped. */
#ifndef LEARN_TRAIN_COLLECT_H
#define LEARN_TRAIN_COLLECT_H

#include "learn/env/env.h"
#include "learn/feat/feat.h"
#include "learn/rng/seed.h"

enum { COLLECT_EPISODES_MAX = 1000000, COLLECT_EPISODES_DEFAULT = 6000 };

struct collect_setup {
        const struct sim_kernel *kernel;
        struct seed_train seed;
        uint32_t episodes;
        bool (*stop)(void *context);
        void *context;
};

/* What one pass of random interaction counted. */
struct collect_counts {
        struct belief_counts belief;
        double load[SIM_LOADS][SIM_LOADS];        /* from, to */
        double recent_kept, recent_forgotten;     /* steps with a recent restart and without a new one */
        double onset[SIM_CELLS];                  /* where faults begin */
};
MUST_USE enum err collect_count(const struct collect_setup *setup, struct collect_counts *ret);
MUST_USE enum err collect_fit(const struct collect_setup *setup, struct feat_params *ret);

#endif
