#include "learn/rca/rca.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/attr.h"
#include "common/base/check.h"

enum { WALK_ROUNDS = 30, ONSET_RUN = 3 };
#define RESTART 0.25f  /* of the walk */
#define ABNORMAL 3.0f  /* robust score from which a sample is abnormal */
#define CLOSE 1.25f    /* the first must beat the second by this factor */

static int by_float(const void *a, const void *b)
{
        float x = *(const float *)a, y = *(const float *)b;

        return (x > y) - (x < y);
}

/* Median and spread of the window before; the spread has a floor, or a silent metric would shout at its first word. */
static bool baseline(const float *x, int count, float *ret_median, float *ret_spread)
{
        float sorted[RCA_WINDOW];
        int n = 0;

        for (int i = 0; i < count; i++)
                if (!isnan(x[i])) sorted[n++] = x[i];
        if (n < 4) return false;
        qsort(sorted, (size_t)n, sizeof *sorted, by_float);
        *ret_median = sorted[n / 2];
        *ret_spread = fmaxf((sorted[n * 3 / 4] - sorted[n / 4]) / 1.35f, fmaxf(1e-3f, 0.02f * fabsf(*ret_median)));
        return true;
}

/* Median score after the change: one spike is not an incident. */
static void score_metric(const struct rca_input *in, const float *x, float *ret_score, int *ret_onset)
{
        float median, spread, after[RCA_WINDOW];
        int n = 0, run = 0;

        *ret_score = 0;
        *ret_onset = -1;
        if (!baseline(x, in->change, &median, &spread)) return;
        for (int i = in->change; i < in->count; i++) {
                float z;

                if (isnan(x[i])) continue;
                z = fabsf(x[i] - median) / spread;
                after[n++] = z;
                run = z > ABNORMAL ? run + 1 : 0;
                if (run == ONSET_RUN && *ret_onset < 0) *ret_onset = i - ONSET_RUN + 1;
        }
        if (!n) return;
        qsort(after, (size_t)n, sizeof *after, by_float);
        *ret_score = after[n * 3 / 5];
}

static void score_services(const struct rca_graph *g, const struct rca_input *in, struct rca_candidate *c)
{
        for (int s = 0; s < g->services; s++) {
                float others = 0;

                c[s] = (struct rca_candidate){ .service = s, .onset = -1 };
                for (int m = 0; m < in->metrics; m++) {
                        float score;
                        int onset;

                        score_metric(in, in->sample[s][m], &score, &onset);
                        others += logf(1 + score);
                        if (onset >= 0 && (c[s].onset < 0 || onset < c[s].onset)) c[s].onset = onset;
                        if (score > c[s].anomaly) c[s].anomaly = score, c[s].metric = m;
                }
                /* Damped, so that one metric with a tiny spread does not outweigh a service that is sick all over. */
                c[s].anomaly = c[s].anomaly > 0 ? 0.5f * logf(1 + c[s].anomaly) + 0.5f * others / (float)in->metrics : 0;
        }
}

/* A callee that fell ill no later than its caller explains as much of the caller's anomaly as it has itself. */
static void explain(const struct rca_graph *g, struct rca_candidate *c)
{
        for (int s = 0; s < g->services; s++) {
                for (int t = 0; t < g->services; t++) {
                        bool ill = c[t].onset >= 0, first = ill && (c[s].onset < 0 || c[t].onset <= c[s].onset + 2);

                        if (!(g->calls[s] >> t & 1) || t == s || !ill) continue;
                        c[s].explained = fmaxf(c[s].explained, (first ? 0.9f : 0.5f) * fminf(c[t].anomaly, c[s].anomaly));
                }
        }
}

static void walk(const struct rca_graph *g, struct rca_candidate *c)
{
        float start[RCA_SERVICES], p[RCA_SERVICES], total = 0;

        for (int s = 0; s < g->services; s++) {
                float left = c[s].anomaly - c[s].explained;

                start[s] = c[s].onset >= 0 ? left * left : 0.05f * left * left;
                total += start[s];
        }
        for (int s = 0; s < g->services; s++) p[s] = start[s] = total > 0 ? start[s] / total : 0;
        for (int round = 0; round < WALK_ROUNDS && total > 0; round++) {
                float next[RCA_SERVICES] = { 0 };

                for (int s = 0; s < g->services; s++) {
                        /* Stay by what is one's own, move on to callees by theirs. */
                        float out[RCA_SERVICES] = { 0 }, sum = out[s] = 0.2f + c[s].anomaly - c[s].explained;

                        for (int t = 0; t < g->services; t++)
                                if (t != s && (g->calls[s] >> t & 1) && c[t].onset >= 0) out[t] = c[t].anomaly, sum += out[t];
                        out[s] = 0.2f + c[s].anomaly - c[s].explained;
                        for (int t = 0; t < g->services; t++) next[t] += (1 - RESTART) * p[s] * out[t] / sum;
                }
                for (int s = 0; s < g->services; s++) p[s] = next[s] + RESTART * start[s];
        }
        for (int s = 0; s < g->services; s++) c[s].score = p[s];
}

static int by_score(const void *a, const void *b)
{
        const struct rca_candidate *x = a, *y = b;

        if (x->score != y->score) return x->score < y->score ? 1 : -1;
        if (x->onset != y->onset) return (x->onset < 0 ? RCA_WINDOW : x->onset) - (y->onset < 0 ? RCA_WINDOW : y->onset);
        return x->service - y->service;
}

void rca_rank(const struct rca_graph *g, const struct rca_input *in, struct rca_result *ret)
{
        CHECK(g->services >= 1 && g->services <= RCA_SERVICES && in->metrics >= 1 && in->metrics <= RCA_METRICS);
        CHECK(in->count <= RCA_WINDOW && in->change >= 0 && in->change <= in->count);
        memset(ret, 0, sizeof *ret);
        ret->count = g->services;
        score_services(g, in, ret->candidate);
        explain(g, ret->candidate);
        walk(g, ret->candidate);
        qsort(ret->candidate, (size_t)ret->count, sizeof ret->candidate[0], by_score);
        ret->abstain = ret->candidate[0].onset < 0 || (ret->count > 1 && ret->candidate[0].score < CLOSE * ret->candidate[1].score);
}

int rca_rule_strongest(const struct rca_graph *g, const struct rca_input *in)
{
        float best = 0;
        int service = -1;

        for (int s = 0; s < g->services; s++) {
                for (int m = 0; m < in->metrics; m++) {
                        float score;
                        int onset;

                        score_metric(in, in->sample[s][m], &score, &onset);
                        if (score > best) best = score, service = s;
                }
        }
        return service;
}

int rca_rule_first(const struct rca_graph *g, const struct rca_input *in)
{
        int first = RCA_WINDOW, service = -1;

        for (int s = 0; s < g->services; s++) {
                for (int m = 0; m < in->metrics; m++) {
                        float score;
                        int onset;

                        score_metric(in, in->sample[s][m], &score, &onset);
                        if (onset >= 0 && onset < first) first = onset, service = s;
                }
        }
        return service;
}
