#include "learn/eval/stat.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"

static int by_double(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

/* Episodes ordered by stratum, so that a draw within a stratum is a draw within a range. */
struct strata {
        uint32_t *order, from[RUN_STRATA + 1], episodes;
};

static enum err strata_make(const uint8_t *stratum, uint32_t episodes, struct strata *ret)
{
        uint32_t at = 0;

        ret->order = mem_zalloc(episodes ? episodes : 1, sizeof *ret->order);
        if (!ret->order) return ERR_NOMEM;
        ret->episodes = episodes;
        for (int s = 0; s < RUN_STRATA; s++) {
                ret->from[s] = at;
                for (uint32_t e = 0; e < episodes; e++)
                        if (stratum[e] == s) ret->order[at++] = e;
        }
        ret->from[RUN_STRATA] = at;
        CHECK(at == episodes);
        return ERR_OK;
}

/* One resampling of the episodes, as counts per episode. */
static void draw_episodes(const struct strata *s, struct xoshiro *rng, uint16_t *counts)
{
        memset(counts, 0, s->episodes * sizeof *counts);
        for (int k = 0; k < RUN_STRATA; k++) {
                uint32_t n = s->from[k + 1] - s->from[k];

                for (uint32_t i = 0; i < n; i++) counts[s->order[s->from[k] + xoshiro_below(rng, n)]]++;
        }
}

static void draw_seeds(struct xoshiro *rng, uint32_t seeds, uint32_t *weights)
{
        memset(weights, 0, seeds * sizeof *weights);
        for (uint32_t i = 0; i < seeds; i++) weights[seeds == 1 ? 0 : xoshiro_below(rng, seeds)]++;
}

static double weighted_mean(const struct stat_sample *s, const uint16_t *counts, const uint32_t *weights)
{
        double sum[STAT_SEEDS_MAX] = { 0 }, total = 0;

        for (uint32_t e = 0; e < s->episodes; e++) {
                const float *row = s->value + (size_t)e * s->seeds;
                double c = counts ? counts[e] : 1;

                if (c == 0) continue;
                for (uint32_t k = 0; k < s->seeds; k++) sum[k] += c * (double)row[k];
        }
        for (uint32_t k = 0; k < s->seeds; k++) total += sum[k] * (weights ? weights[k] : 1);
        return total / ((double)s->episodes * s->seeds);
}

static double combine(enum stat_kind kind, double a, double b)
{
        return kind == STAT_MEAN ? a : kind == STAT_DIFF ? a - b : b != 0 ? a / b - 1 : 0;
}

static void interval(double *values, uint32_t count, struct stat_ci *ret)
{
        qsort(values, count, sizeof *values, by_double);
        ret->lo = values[(uint32_t)((double)count * 0.025)];
        ret->hi = values[(uint32_t)((double)count * 0.975)];
}

enum err stat_boot(enum stat_kind kind, const struct stat_sample *a, const struct stat_sample *b, uint32_t replicates, uint64_t seed,
                   struct stat_ci *ret)
{
        AUTO(mem_free) double *values = mem_zalloc(replicates, sizeof *values);
        AUTO(mem_free) uint16_t *counts = mem_zalloc(a->episodes, sizeof *counts);
        AUTO(mem_free) uint32_t *order = NULL;
        struct strata strata;
        struct xoshiro rng;
        enum err e = strata_make(a->stratum, a->episodes, &strata);

        if (e) return e;
        order = strata.order;
        if (!values || !counts) return ERR_NOMEM;
        CHECK(a->seeds <= STAT_SEEDS_MAX && (!b || (b->episodes == a->episodes && b->seeds <= STAT_SEEDS_MAX)));
        xoshiro_seed(&rng, seed);
        for (uint32_t r = 0; r < replicates; r++) {
                uint32_t weights_a[STAT_SEEDS_MAX], weights_b[STAT_SEEDS_MAX];

                draw_episodes(&strata, &rng, counts);
                draw_seeds(&rng, a->seeds, weights_a);
                if (b) draw_seeds(&rng, b->seeds, weights_b);
                values[r] = combine(kind, weighted_mean(a, counts, weights_a), b ? weighted_mean(b, counts, weights_b) : 0);
        }
        ret->value = combine(kind, weighted_mean(a, NULL, NULL), b ? weighted_mean(b, NULL, NULL) : 0);
        interval(values, replicates, ret);
        return ERR_OK;
}

struct survival {
        double event[STAT_TAU + 1], censored[STAT_TAU + 1], all;
};

static void survival_add(struct survival *s, const struct run_record *r, double count)
{
        int n = MIN((int)r->incidents, (int)RUN_INCIDENTS_MAX);

        for (int i = 0; i < n; i++) {
                int t = r->duration[i];

                if (t > STAT_TAU) t = STAT_TAU;
                if (r->censored[i] || r->duration[i] > STAT_TAU) s->censored[t] += count;
                else s->event[t] += count;
                s->all += count;
        }
}

/* Area under the Kaplan-Meier curve up to STAT_TAU. */
static double survival_mean(const struct survival *s)
{
        double at_risk = s->all, alive = 1, area = 0;

        for (int t = 0; t < STAT_TAU && at_risk > 0; t++) {
                alive *= 1 - s->event[t] / at_risk;
                at_risk -= s->event[t] + s->censored[t];
                area += alive;
        }
        return area;
}

static double times_mean(const struct stat_times *t, const uint16_t *counts, const uint32_t *weights)
{
        struct survival s = { 0 };

        for (uint32_t k = 0; k < t->seeds; k++) {
                double w = weights ? weights[k] : 1;

                for (uint32_t e = 0; e < t->episodes && w > 0; e++)
                        if (!counts || counts[e]) survival_add(&s, &t->records[(size_t)k * t->episodes + e], w * (counts ? counts[e] : 1));
        }
        return survival_mean(&s);
}

double stat_restricted_mean(const struct stat_times *t)
{
        return times_mean(t, NULL, NULL);
}

enum err stat_times_boot(enum stat_kind kind, const struct stat_times *a, const struct stat_times *b, uint32_t replicates, uint64_t seed,
                         struct stat_ci *ret)
{
        AUTO(mem_free) double *values = mem_zalloc(replicates, sizeof *values);
        AUTO(mem_free) uint16_t *counts = mem_zalloc(a->episodes, sizeof *counts);
        AUTO(mem_free) uint32_t *order = NULL;
        struct strata strata;
        struct xoshiro rng;
        enum err e = strata_make(a->stratum, a->episodes, &strata);

        if (e) return e;
        order = strata.order;
        if (!values || !counts) return ERR_NOMEM;
        xoshiro_seed(&rng, seed);
        for (uint32_t r = 0; r < replicates; r++) {
                uint32_t weights_a[STAT_SEEDS_MAX], weights_b[STAT_SEEDS_MAX];

                draw_episodes(&strata, &rng, counts);
                draw_seeds(&rng, a->seeds, weights_a);
                if (b) draw_seeds(&rng, b->seeds, weights_b);
                values[r] = combine(kind, times_mean(a, counts, weights_a), b ? times_mean(b, counts, weights_b) : 0);
        }
        ret->value = combine(kind, times_mean(a, NULL, NULL), b ? times_mean(b, NULL, NULL) : 0);
        interval(values, replicates, ret);
        return ERR_OK;
}

double stat_iqm(double *values, size_t count)
{
        double sum = 0, n = 0;

        CHECK(count > 0);
        qsort(values, count, sizeof *values, by_double);
        for (size_t i = 0; i < count; i++) {
                /* The share of the value's rank interval that lies in the middle half. */
                double from = (double)i / (double)count, to = (double)(i + 1) / (double)count;
                double share = MIN(to, 0.75) - MAX(from, 0.25);

                if (share <= 0) continue;
                sum += share * values[i];
                n += share;
        }
        return sum / n;
}

double stat_probability_better(const struct stat_sample *a, const struct stat_sample *b)
{
        double better = 0, n = 0;

        for (uint32_t e = 0; e < a->episodes; e++) {
                for (uint32_t i = 0; i < a->seeds; i++) {
                        for (uint32_t j = 0; j < b->seeds; j++) {
                                float x = a->value[(size_t)e * a->seeds + i], y = b->value[(size_t)e * b->seeds + j];

                                better += x > y ? 1 : x == y ? 0.5 : 0;
                                n += 1;
                        }
                }
        }
        return n > 0 ? better / n : 0.5;
}
