/* stat: figures with their uncertainty. Episodes pair across policies; training seeds are a second level of chance, so both
 * are resampled: episodes within their strata, seeds as wholes.
 * Owner: the caller.  Memory: freed on return.  Units: the caller's.  Limits: STAT_SEEDS_MAX training seeds.
 * Fails: ERR_NOMEM. */
#ifndef LEARN_EVAL_STAT_H
#define LEARN_EVAL_STAT_H

#include "learn/eval/runner.h"

enum { STAT_SEEDS_MAX = 32, STAT_REPLICATES = 10000, STAT_TAU = 60 };

struct stat_ci {
        double value, lo, hi; /* 95 % percentile interval */
};

/* One figure of a policy: value[episode * seeds + seed]. */
struct stat_sample {
        const float *value;
        uint32_t episodes, seeds;
        const uint8_t *stratum; /* [episodes] */
};

enum stat_kind {
        STAT_MEAN,  /* mean of a; b unused */
        STAT_DIFF,  /* mean of a - mean of b */
        STAT_CHANGE /* mean of a / mean of b - 1 */
};
MUST_USE enum err stat_boot(enum stat_kind kind, const struct stat_sample *a, const struct stat_sample *b, uint32_t replicates, uint64_t seed,
                            struct stat_ci *ret);

/* Restricted mean time to stability over STAT_TAU steps by Kaplan-Meier over all incidents; records[seed * episodes + e]. */
struct stat_times {
        const struct run_record *records;
        uint32_t episodes, seeds;
        const uint8_t *stratum;
};
double stat_restricted_mean(const struct stat_times *t);
/* By kind; b NULL with STAT_MEAN. */
MUST_USE enum err stat_times_boot(enum stat_kind kind, const struct stat_times *a, const struct stat_times *b, uint32_t replicates, uint64_t seed,
                                  struct stat_ci *ret);

/* Mean of the middle half. Sorts values. */
double stat_iqm(double *values, size_t count);
/* Share of pairs in which a is better, ties half. */
double stat_probability_better(const struct stat_sample *a, const struct stat_sample *b);

#endif
