/* metric_ring: a sliding window of one metric with cheap statistics: values, a histogram with logarithmic buckets from which
 * evicted values are taken out again, and sums that are recomputed every capacity additions so that they cannot drift.
 *   sketch path  ring_add + ring_summary: quantiles within 1 % (relative), constant time
 *   exact path   ring_exact: sorts a copy; for reports and tests
 * Owner:  one thread.     Memory: ring_new allocates all: 8 bytes a point (double) and about 9 kB of buckets.
 * Units:  the metric's.   Limits: RING_POINTS_MAX points; magnitudes from 1e-9 to 1e12, beyond they share the last bucket.
 * Fails:  ERR_NOMEM, ERR_INVAL at birth; NaN and infinities are refused and counted, never stored. */
#ifndef LEARN_MAPEK_METRIC_RING_H
#define LEARN_MAPEK_METRIC_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

enum { RING_POINTS_DEFAULT = 10000, RING_POINTS_MAX = 1000000 };

struct ring_summary {
        size_t count;
        double mean, sigma, min, max;
        double p25, p50, p75, p90, p95, p99;
};

enum ring_trend { RING_STABLE, RING_RISING, RING_FALLING };

struct metric_ring;
MUST_USE enum err ring_new(size_t capacity, struct metric_ring **ret);
void ring_free(struct metric_ring *r);
AUTO_DEFINE(struct metric_ring, ring_free)
bool ring_add(struct metric_ring *r, double value); /* false: refused */
size_t ring_count(const struct metric_ring *r);
size_t ring_capacity(const struct metric_ring *r);
uint64_t ring_refused(const struct metric_ring *r);
uint64_t ring_epoch(const struct metric_ring *r); /* grows with every stored value: a cache's key */
double ring_at(const struct metric_ring *r, size_t index); /* 0 is the oldest */
/* All zero when empty. p25, p75, p95, mean and sigma by buckets and sums. */
void ring_summary(const struct metric_ring *r, struct ring_summary *ret);
/* The five figures a control loop needs, nothing else: p25, p75, p95, mean, sigma. */
void ring_five(const struct metric_ring *r, struct ring_summary *ret);
MUST_USE enum err ring_exact(const struct metric_ring *r, struct ring_summary *ret);
void ring_quantiles(const struct metric_ring *r, const double *q /* ascending */, int count, double *ret);
double ring_quantile(const struct metric_ring *r, double q);
/* Mann-Kendall over the last `window` points (at most 200) at 95 %, on block means; slope by Theil-Sen, in units a
 * point. */
enum ring_trend ring_trend(const struct metric_ring *r, size_t window, double *ret_slope);
const char *ring_trend_name(enum ring_trend t);

#endif
