#include "learn/mapek/metric_ring.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"

/* Buckets: 64 to a doubling, linear within it, taken from the bits of the double: width below 1/64 of the value, so the
 * middle is within 0.8 %. Negative values mirror the positive ones; zero has its own. */
enum { SUB_BITS = 6, SUBS = 1 << SUB_BITS, EXP_MIN = -30, EXP_MAX = 40, HALF = (EXP_MAX - EXP_MIN) * SUBS, BUCKETS = 2 * HALF + 1, GROUP = 64,
       GROUPS = (BUCKETS + GROUP - 1) / GROUP, TREND_MAX = 200, TREND_BLOCKS = 12,
       TREND_PAIRS = TREND_BLOCKS * (TREND_BLOCKS - 1) / 2 };

struct metric_ring {
        size_t capacity, count, head; /* head: where the next value goes */
        uint64_t refused, epoch;
        double sum, sum2, shift;      /* of value - shift, against cancellation */
        size_t until_recompute;
        uint32_t bucket[BUCKETS], group[GROUPS];
        int lowest; /* no group below it holds a value */
        double *value;
};

static int bucket_of(double x)
{
        uint64_t bits;
        double a = fabs(x);
        int exponent, at;

        if (a < 0x1p-30) return HALF;
        memcpy(&bits, &a, sizeof bits);
        exponent = (int)(bits >> 52) - 1023;
        at = exponent >= EXP_MAX ? HALF - 1 : (exponent - EXP_MIN) * SUBS + (int)(bits >> (52 - SUB_BITS) & (SUBS - 1));
        return x < 0 ? HALF - 1 - at : HALF + 1 + at;
}

static double bucket_middle(int at)
{
        int k = at > HALF ? at - HALF - 1 : HALF - 1 - at;
        uint64_t bits = (uint64_t)(EXP_MIN + k / SUBS + 1023) << 52 | (uint64_t)(k % SUBS) << (52 - SUB_BITS) | UINT64_C(1) << (51 - SUB_BITS);
        double x; /* 2^exponent * (1 + (k % SUBS + 0.5) / SUBS) */

        if (at == HALF) return 0;
        memcpy(&x, &bits, sizeof x);
        return at > HALF ? x : -x;
}

enum err ring_new(size_t capacity, struct metric_ring **ret)
{
        struct metric_ring *r;

        if (capacity < 2 || capacity > RING_POINTS_MAX) return ERR_INVAL;
        r = mem_zalloc(1, sizeof *r);
        if (!r) return ERR_NOMEM;
        r->value = mem_zalloc(capacity, sizeof *r->value);
        if (!r->value) {
                mem_free(r);
                return ERR_NOMEM;
        }
        r->capacity = r->until_recompute = capacity;
        r->lowest = GROUPS - 1;
        *ret = r;
        return ERR_OK;
}

void ring_free(struct metric_ring *r)
{
        if (!r) return;
        mem_free(r->value);
        mem_free(r);
}

size_t ring_count(const struct metric_ring *r)
{
        return r->count;
}

size_t ring_capacity(const struct metric_ring *r)
{
        return r->capacity;
}

uint64_t ring_refused(const struct metric_ring *r)
{
        return r->refused;
}

uint64_t ring_epoch(const struct metric_ring *r)
{
        return r->epoch;
}

double ring_at(const struct metric_ring *r, size_t index)
{
        CHECK(index < r->count);
        size_t at = r->head + r->capacity - r->count + index;

        return r->value[at >= r->capacity ? at - r->capacity : at];
}

static void recompute(struct metric_ring *r)
{
        double mean = 0;

        for (size_t i = 0; i < r->count; i++) mean += (r->value[i] - mean) / (double)(i + 1);
        r->shift = mean;
        r->sum = r->sum2 = 0;
        for (size_t i = 0; i < r->count; i++) {
                double d = r->value[i] - mean;

                r->sum += d;
                r->sum2 += d * d;
        }
        r->until_recompute = r->capacity;
}

bool ring_add(struct metric_ring *r, double value)
{
        double d;
        int at;

        if (!isfinite(value)) {
                r->refused++;
                return false;
        }
        if (r->count == r->capacity) {
                double old = r->value[r->head];

                at = bucket_of(old);
                r->bucket[at]--;
                r->group[at / GROUP]--;
                d = old - r->shift;
                r->sum -= d;
                r->sum2 -= d * d;
        } else {
                if (r->count == 0) r->shift = value;
                r->count++;
        }
        at = bucket_of(value);
        r->bucket[at]++;
        r->group[at / GROUP]++;
        if (at / GROUP < r->lowest) r->lowest = at / GROUP;
        d = value - r->shift;
        r->sum += d;
        r->sum2 += d * d;
        r->value[r->head] = value;
        r->head = r->head + 1 == r->capacity ? 0 : r->head + 1;
        r->epoch++;
        if (--r->until_recompute == 0) recompute(r);
        while (!r->group[r->lowest]) r->lowest++;
        return true;
}

/* Quantiles in ascending order in one walk over the groups. */
static void quantiles(const struct metric_ring *r, const double *q, int count, double *ret)
{
        size_t before = 0;
        int g = r->lowest, k = 0;

        for (; k < count; k++) {
                size_t rank = (size_t)(q[k] * (double)(r->count - 1) + 0.5), within;
                int at;

                while (before + r->group[g] <= rank) before += r->group[g++];
                within = before;
                at = g * GROUP;
                while (within + r->bucket[at] <= rank) within += r->bucket[at++];
                ret[k] = bucket_middle(at);
        }
}

static void moments(const struct metric_ring *r, struct ring_summary *ret)
{
        double n = (double)r->count, mean = r->sum / n, variance = r->count > 1 ? (r->sum2 - r->sum * mean) / (n - 1) : 0;

        ret->count = r->count;
        ret->mean = r->shift + mean;
        ret->sigma = variance > 0 ? sqrt(variance) : 0;
}

void ring_five(const struct metric_ring *r, struct ring_summary *ret)
{
        static const double q[] = { .25, .75, .95 };
        double out[3];

        memset(ret, 0, sizeof *ret);
        if (!r->count) return;
        moments(r, ret);
        quantiles(r, q, 3, out);
        ret->p25 = out[0], ret->p75 = out[1], ret->p95 = out[2];
}

void ring_summary(const struct metric_ring *r, struct ring_summary *ret)
{
        static const double q[] = { 0, .25, .5, .75, .9, .95, .99, 1 };
        double out[8];

        memset(ret, 0, sizeof *ret);
        if (!r->count) return;
        moments(r, ret);
        quantiles(r, q, 8, out);
        ret->min = out[0], ret->p25 = out[1], ret->p50 = out[2], ret->p75 = out[3], ret->p90 = out[4], ret->p95 = out[5], ret->p99 = out[6], ret->max = out[7];
}

void ring_quantiles(const struct metric_ring *r, const double *q, int count, double *ret)
{
        for (int i = 0; i < count; i++) {
                CHECK(q[i] >= 0 && q[i] <= 1 && (i == 0 || q[i] >= q[i - 1]));
                ret[i] = 0;
        }
        if (r->count) quantiles(r, q, count, ret);
}

double ring_quantile(const struct metric_ring *r, double q)
{
        double out = 0;

        CHECK(q >= 0 && q <= 1);
        if (r->count) quantiles(r, &q, 1, &out);
        return out;
}

static int by_double(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

/* Linear interpolation between order statistics, as most tools do it. */
static double sorted_quantile(const double *sorted, size_t count, double q)
{
        double at = q * (double)(count - 1);
        size_t low = (size_t)at;
        double rest = at - (double)low;

        return low + 1 < count ? sorted[low] * (1 - rest) + sorted[low + 1] * rest : sorted[count - 1];
}

enum err ring_exact(const struct metric_ring *r, struct ring_summary *ret)
{
        AUTO(mem_free) double *sorted = NULL;
        double mean = 0, ss = 0;

        if (!r->count) {
                memset(ret, 0, sizeof *ret);
                return ERR_OK;
        }
        sorted = mem_zalloc(r->count, sizeof *sorted);
        if (!sorted) return ERR_NOMEM;
        for (size_t i = 0; i < r->count; i++) sorted[i] = ring_at(r, i);
        qsort(sorted, r->count, sizeof *sorted, by_double);
        for (size_t i = 0; i < r->count; i++) mean += (sorted[i] - mean) / (double)(i + 1);
        for (size_t i = 0; i < r->count; i++) ss += (sorted[i] - mean) * (sorted[i] - mean);
        *ret = (struct ring_summary){ .count = r->count,
                                      .mean = mean,
                                      .sigma = r->count > 1 ? sqrt(ss / (double)(r->count - 1)) : 0,
                                      .min = sorted[0],
                                      .max = sorted[r->count - 1],
                                      .p25 = sorted_quantile(sorted, r->count, .25),
                                      .p50 = sorted_quantile(sorted, r->count, .50),
                                      .p75 = sorted_quantile(sorted, r->count, .75),
                                      .p90 = sorted_quantile(sorted, r->count, .90),
                                      .p95 = sorted_quantile(sorted, r->count, .95),
                                      .p99 = sorted_quantile(sorted, r->count, .99) };
        return ERR_OK;
}

const char *ring_trend_name(enum ring_trend t)
{
        return t == RING_RISING ? "rising" : t == RING_FALLING ? "falling" : "stable";
}

/* The value of rank k by quickselect. Both sides are written without a branch: a mispredicted one costs more than the rest. */
static double select_rank(const double *values, int count, int k)
{
        double x[TREND_PAIRS], less[TREND_PAIRS + 1], more[TREND_PAIRS + 1];

        memcpy(x, values, (size_t)count * sizeof *x);
        for (;;) {
                double pivot = x[count / 2];
                int n_less = 0, n_more = 0;

                for (int i = 0; i < count; i++) {
                        double v = x[i];

                        less[n_less] = more[n_more] = v;
                        n_less += v < pivot;
                        n_more += v > pivot;
                }
                if (k >= n_less && k < count - n_more) return pivot;
                if (k < n_less) {
                        memcpy(x, less, (size_t)n_less * sizeof *x);
                        count = n_less;
                } else {
                        memcpy(x, more, (size_t)n_more * sizeof *x);
                        k -= count - n_more;
                        count = n_more;
                }
        }
}

static double median_of(const double *x, int count)
{
        double upper = select_rank(x, count, count / 2), below = -INFINITY;
        int n_below = 0;

        if (count % 2) return upper;
        for (int i = 0; i < count; i++) {
                n_below += x[i] < upper;
                below = x[i] < upper && x[i] > below ? x[i] : below;
        }
        return ((n_below == count / 2 ? below : upper) + upper) / 2;
}

/* The window is cut into at most TREND_BLOCKS means first: 66 pairs tell a trend as well as 1,225 do, in a microsecond. */
enum ring_trend ring_trend(const struct metric_ring *r, size_t window, double *ret_slope)
{
        size_t n = MIN(MIN(window, r->count), (size_t)TREND_MAX), width = (n + TREND_BLOCKS - 1) / TREND_BLOCKS, blocks = width ? n / width : 0;
        double mean[TREND_BLOCKS], per_point[TREND_BLOCKS], slopes[TREND_PAIRS] = { 0 }, s = 0, z, variance;
        int pairs = 0, ties = 0;

        if (ret_slope) *ret_slope = 0;
        if (blocks < 4) return RING_STABLE;
        for (size_t b = 0, at = r->count - blocks * width; b < blocks; b++) {
                double sum = 0;

                for (size_t i = 0; i < width; i++) sum += ring_at(r, at++);
                mean[b] = sum / (double)width;
                per_point[b] = 1 / (double)(b * width + !b);
        }
        for (size_t i = 0; i < blocks; i++) {
                for (size_t j = i + 1; j < blocks; j++) {
                        double d = mean[j] - mean[i];

                        s += (d > 0) - (d < 0);
                        ties += d == 0;
                        slopes[pairs++] = d * per_point[j - i];
                }
        }
        if (ret_slope) *ret_slope = median_of(slopes, pairs);
        variance = (double)(blocks * (blocks - 1) * (2 * blocks + 5)) / 18 * (1 - (double)ties / pairs);
        if (variance <= 0) return RING_STABLE;
        z = s > 0 ? (s - 1) / sqrt(variance) : s < 0 ? (s + 1) / sqrt(variance) : 0;
        return z > 1.96 ? RING_RISING : z < -1.96 ? RING_FALLING : RING_STABLE;
}
