#include "learn/rca/rca.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/attr.h"
#include "common/base/check.h"

enum { WALK_ROUNDS = 30, ONSET_RUN = 3, TRIM = 6 };
#define RESTART 0.5f  /* of the walk */
#define ABNORMAL 3.0f  /* robust score from which a sample is abnormal */
#define FIRST 0.9f     /* of what a callee shows counts as explained, when it was ill first */
#define LATER 0.5f     /* and when it was ill later */
#define ENOUGH 10.0f   /* a callee as ill as this may make its callers as ill as they please: waiting multiplies on the way up */
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

/* Mean without the least and the greatest sixth: one spike is not an incident. */
static float middle(float *x, int n)
{
        int cut = n / TRIM;
        float sum = 0;

        qsort(x, (size_t)n, sizeof *x, by_float);
        for (int i = cut; i < n - cut; i++) sum += x[i];
        return sum / (float)(n - 2 * cut);
}

/* How far the metric moved: noise that goes both ways moves nothing. */
static void score_metric(const struct rca_input *in, const float *x, float *ret_score, float *ret_moved, int *ret_onset)
{
        float median, spread, after[RCA_WINDOW];
        int n = 0, run = 0;

        *ret_score = *ret_moved = 0;
        *ret_onset = -1;
        if (!baseline(x, in->change, &median, &spread)) return;
        for (int i = in->change; i < in->count; i++) {
                if (isnan(x[i])) continue;
                after[n++] = x[i];
                run = fabsf(x[i] - median) / spread > ABNORMAL ? run + 1 : 0;
                if (run == ONSET_RUN && *ret_onset < 0) *ret_onset = i - ONSET_RUN + 1;
        }
        if (!n) return;
        *ret_moved = middle(after, n) - median;
        *ret_score = fabsf(*ret_moved) / spread;
}

/* Of one service, by metric. */
struct symptom {
        float score[RCA_METRICS], moved[RCA_METRICS]; /* in spreads; in the metric's unit, signed */
};

/* Damped, so that one metric with a tiny spread does not outweigh a service that is sick all over. */
static float anomaly_of(const float *score, int metrics)
{
        float sum = 0, most = 0;

        for (int m = 0; m < metrics; m++) sum += logf(1 + score[m]), most = fmaxf(most, score[m]);
        return 0.5f * logf(1 + most) + 0.5f * sum / (float)metrics;
}

/* Whether this movement can be trouble of this service's own: what others ask of it is theirs, and quicker answers are none. */
static bool counts(const struct rca_graph *g, int service, enum rca_kind kind, float moved)
{
        if (kind == RCA_DEMAND) return !(g->called >> service & 1);
        return moved > 0 || kind == RCA_OWN;
}

static void score_services(const struct rca_graph *g, const struct rca_input *in, struct symptom *symptom, struct rca_candidate *c)
{
        for (int s = 0; s < g->services; s++) {
                c[s] = (struct rca_candidate){ .service = s, .onset = -1 };
                for (int m = 0; m < in->metrics; m++) {
                        float *score = &symptom[s].score[m];
                        int onset;

                        score_metric(in, in->sample[s][m], score, &symptom[s].moved[m], &onset);
                        if (!counts(g, s, in->kind[m], symptom[s].moved[m])) *score = 0, onset = -1;
                        if (onset >= 0 && (c[s].onset < 0 || onset < c[s].onset)) c[s].onset = onset;
                        if (*score > symptom[s].score[c[s].metric]) c[s].metric = m;
                }
                c[s].anomaly = anomaly_of(symptom[s].score, in->metrics);
        }
}

/* What is left of a caller's anomaly without what this callee explains: of what flows, by how ill the callee itself is (in orders of
 * magnitude); of waiting and idleness, as of what flows most. */
static float left_of(const struct rca_input *in, const struct symptom *caller, const struct symptom *callee, float trust)
{
        float score[RCA_METRICS], most = 0, flow = 0;

        for (int m = 0; m < in->metrics; m++) {
                float share;

                score[m] = caller->score[m];
                if (in->kind[m] != RCA_FLOWS || caller->score[m] <= 0) continue;
                share = trust * fmaxf(0, fminf(1, logf(1 + callee->score[m]) / logf(1 + fminf(caller->score[m], ENOUGH))));
                if (caller->score[m] > most) most = caller->score[m], flow = share;
                score[m] *= 1 - share;
        }
        for (int m = 0; m < in->metrics; m++)
                if (in->kind[m] == RCA_WAITS || (in->kind[m] == RCA_OWN && caller->moved[m] < 0)) score[m] *= 1 - flow;
        return anomaly_of(score, in->metrics);
}

/* A callee that fell ill no later than its caller explains what it shows itself; a later one half of that. */
static void explain(const struct rca_graph *g, const struct rca_input *in, const struct symptom *symptom, struct rca_candidate *c)
{
        for (int s = 0; s < g->services; s++) {
                for (int t = 0; t < g->services; t++) {
                        bool ill = c[t].onset >= 0, first = ill && (c[s].onset < 0 || c[t].onset <= c[s].onset + 2);

                        if (!(g->calls[s] >> t & 1) || t == s || !ill) continue;
                        c[s].explained = fmaxf(c[s].explained, c[s].anomaly - left_of(in, &symptom[s], &symptom[t], first ? FIRST : LATER));
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
        struct symptom symptom[RCA_SERVICES];

        CHECK(g->services >= 1 && g->services <= RCA_SERVICES && in->metrics >= 1 && in->metrics <= RCA_METRICS);
        CHECK(in->count <= RCA_WINDOW && in->change >= 0 && in->change <= in->count);
        memset(ret, 0, sizeof *ret);
        ret->count = g->services;
        score_services(g, in, symptom, ret->candidate);
        explain(g, in, symptom, ret->candidate);
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
                        float score, moved;
                        int onset;

                        score_metric(in, in->sample[s][m], &score, &moved, &onset);
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
                        float score, moved;
                        int onset;

                        score_metric(in, in->sample[s][m], &score, &moved, &onset);
                        if (onset >= 0 && onset < first) first = onset, service = s;
                }
        }
        return service;
}
