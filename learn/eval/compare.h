/* compare: the mission's figures per policy with intervals, and the paired comparisons between policies.
 * Owner:  the caller.  Memory: records are lent; intervals are written into the entry.  Units: per episode, steps of 5 s.
 * Limits: COMPARE_ENTRIES_MAX.  Fails: ERR_NOMEM. */
#ifndef LEARN_EVAL_COMPARE_H
#define LEARN_EVAL_COMPARE_H

#include "learn/eval/stat.h"

#define METRIC_LIST(X)                                                                                                 \
        X(REWARD, "reward", "cumulative reward", "per episode", 1)                                                     \
        X(UNNECESSARY, "unnecessary_restarts", "unnecessary restarts (hindsight)", "per episode", -1)                  \
        X(EX_ANTE, "unnecessary_restarts_ex_ante", "unnecessary restarts (ex ante)", "per episode", -1)                \
        X(RESTARTS, "restarts", "restarts", "per episode", -1)                                                         \
        X(COST, "recovery_cost", "recovery cost", "per episode", -1)                                                   \
        X(TIME, "time_to_stability", "time to stability", "steps, restricted mean", -1)                                \
        X(RELAPSE, "recurrence", "recurrence", "relapses per episode", -1)                                             \
        X(UNSTABLE, "unstable_steps", "time outside the objective", "steps per episode", -1)
enum metric {
#define X(name, id, title, unit, better) METRIC_##name,
        METRIC_LIST(X)
#undef X
        METRIC_COUNT
};

enum { COMPARE_ENTRIES_MAX = 32, COMPARE_NAME_BYTES = 32 };

struct compare_entry {
        char name[COMPARE_NAME_BYTES];
        struct run_record *records; /* [seeds * episodes] */
        uint32_t seeds;             /* training seeds; 1 for what was not trained */
        bool clairvoyant, ablation;
        struct stat_ci metric[METRIC_COUNT];
        double train_s;             /* wall time of the training, for the report; 0: none */
};

struct compare {
        struct compare_entry *entry[COMPARE_ENTRIES_MAX];
        uint32_t count, episodes, replicates;
        uint8_t *stratum; /* [episodes], of the policy `ignore`: what fate had in store */
};

MUST_USE enum err compare_measure(const struct compare *c, struct compare_entry *e);
MUST_USE enum err compare_pair(const struct compare *c, const struct compare_entry *a, const struct compare_entry *b, enum metric metric,
                               enum stat_kind kind, struct stat_ci *ret);
struct compare_entry *compare_find(const struct compare *c, const char *name); /* NULL if there is none */
const char *metric_id(enum metric m);
const char *metric_title(enum metric m);
const char *metric_unit(enum metric m);
float metric_of(enum metric m, const struct run_record *r); /* not for METRIC_TIME */

#endif
