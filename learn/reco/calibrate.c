#include "learn/reco/calibrate.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "learn/env/env.h"
#include "learn/reco/reco.h"

enum { ROWS = 64, SAMPLES_MAX = 400000, BINS = 10 };
#define CONFORMAL 0.90f
#define NOTHING_MAX 0.5f

struct sample {
        float score, slack; /* slack: by how much q of the truly best action falls short of the advised one */
        float p;
        bool optimal, covered, split; /* split: the set holds a restart and something gentler */
        float surprise;
        uint32_t order;
};

/* Restart or not is the question that matters: the gap to the best action of the other sort, relative to the values' size,
 * times how far the belief has settled. */
float calibrate_score(const float q[ACT_COUNT], uint32_t mask, const struct feat_tracker *t)
{
        int best = oracle_best(q, mask), other;
        uint32_t rest = mask & ~(1u << best);
        float most = 0, gap;

        /* Ignore and delay differ by the price of a look: they do not count as alternatives of each other. */
        if (best == ACT_IGNORE || best == ACT_DELAY) rest &= ~3u;
        if (!rest) return 100.0f;
        other = oracle_best(q, rest);
        gap = q[best] - q[other];
        for (int m = 0; m < MODE_COUNT; m++) {
                float p = belief_mode(&t->belief, m);

                most = p > most ? p : most;
        }
        return gap / (1.0f + gap) * most;
}

float calibrate_p(const struct model_calibration *c, float score)
{
        int k = 0;

        for (int i = 1; i < MODEL_KNOTS; i++)
                if (score >= c->score[i]) k = i;
        return c->p[k];
}

uint32_t calibrate_set(const struct model_calibration *c, const float q[ACT_COUNT], uint32_t mask, const struct feat_tracker *t)
{
        int best = oracle_best(q, mask);
        uint32_t set = 1u << best;

        if (belief_mode(&t->belief, MODE_NONE) > c->p_nothing_max) return set;
        for (int a = 0; a < ACT_COUNT; a++)
                if ((mask >> a & 1) && q[best] - q[a] <= c->slack) set |= 1u << a;
        return set;
}

static void judge(const struct model *m, const struct oracle *o, const struct feat_tracker *t, int state, struct sample *ret)
{
        const float *truth = o->q[state];
        float q[ACT_COUNT], columns[ACT_COUNT][REW_COUNT], best_true;
        uint32_t mask = (1u << ACT_COUNT) - 1, set;
        int advised;

        reco_values(m, t, q, columns);
        advised = oracle_best(q, mask);
        best_true = truth[oracle_best(truth, mask)];
        ret->score = calibrate_score(q, mask, t);
        ret->optimal = truth[advised] >= best_true - RECO_TIE;
        ret->slack = 1e6f;
        for (int a = 0; a < ACT_COUNT; a++)
                if (truth[a] >= best_true - RECO_TIE && q[advised] - q[a] < ret->slack) ret->slack = q[advised] - q[a];
        ret->p = calibrate_p(&m->calibration, ret->score);
        set = calibrate_set(&m->calibration, q, mask, t);
        ret->covered = ret->slack <= m->calibration.slack;
        ret->split = (set & (1 << ACT_SOFT | 1 << ACT_HARD)) && (set & 7u);
        ret->surprise = t->belief.surprise;
}

static enum err play(const struct calibrate_setup *setup, uint64_t seed, const struct model *m, struct sample *samples, size_t *ret_count)
{
        const struct env_opts opts = { .kernel = setup->kernel, .autoreset = ENV_SAME_STEP };
        AUTO(env_close) struct env_vec *v = NULL;
        AUTO(mem_free) struct feat_tracker *tracker = mem_aligned(64, ROWS * sizeof *tracker);
        size_t count = 0;
        enum err e = env_make("sim1", ROWS, &opts, &v, NULL);

        if (e || !tracker) return e ? e : ERR_NOMEM;
        env_reset(v, seed, NULL);
        for (uint32_t i = 0; i < ROWS; i++) feat_start(m->feat, &tracker[i], v->obs + (size_t)i * OBS_COUNT);
        for (uint64_t step = 0; step < (uint64_t)setup->episodes * ENV_STEPS_DEFAULT / ROWS; step++) {
                if (setup->stop && step % 64 == 0 && setup->stop(setup->context)) return ERR_STATE;
                for (uint32_t i = 0; i < ROWS; i++) {
                        float q[ACT_COUNT], columns[ACT_COUNT][REW_COUNT];
                        struct env_truth truth;

                        reco_values(m, &tracker[i], q, columns);
                        v->act[i] = (uint8_t)oracle_best(q, v->mask[i]);
                        if (tracker[i].context.down > 0 || belief_mode(&tracker[i].belief, MODE_NONE) > NOTHING_MAX || count >= SAMPLES_MAX) continue;
                        env_truth_peek(v, i, 0, &truth);
                        judge(m, setup->oracle, &tracker[i], truth.state, &samples[count]);
                        samples[count].order = (uint32_t)count;
                        count++;
                }
                env_step(v);
                for (uint32_t i = 0; i < ROWS; i++) {
                        const float *obs = v->obs + (size_t)i * OBS_COUNT;

                        if (v->terminated[i] || v->truncated[i]) feat_start(m->feat, &tracker[i], obs);
                        else feat_update(m->feat, &tracker[i], v->act[i], obs);
                }
        }
        *ret_count = count;
        return ERR_OK;
}

static int by_score(const void *a, const void *b)
{
        const struct sample *x = a, *y = b;

        if (x->score != y->score) return x->score < y->score ? -1 : 1;
        return x->order < y->order ? -1 : x->order > y->order;
}

static int by_float(const void *a, const void *b)
{
        float x = *(const float *)a, y = *(const float *)b;

        return (x > y) - (x < y);
}

/* Pool adjacent violators over equal-count blocks. */
static void isotonic(const struct sample *sorted, size_t count, struct model_calibration *ret)
{
        double sum[MODEL_KNOTS], n[MODEL_KNOTS];
        int first[MODEL_KNOTS], blocks = 0;

        for (int k = 0; k < MODEL_KNOTS; k++) {
                size_t from = count * (size_t)k / MODEL_KNOTS, to = count * (size_t)(k + 1) / MODEL_KNOTS;

                ret->score[k] = sorted[from].score;
                sum[blocks] = 0;
                n[blocks] = (double)(to - from);
                first[blocks] = k;
                for (size_t i = from; i < to; i++) sum[blocks] += sorted[i].optimal;
                blocks++;
                while (blocks > 1 && sum[blocks - 1] * n[blocks - 2] < sum[blocks - 2] * n[blocks - 1]) {
                        sum[blocks - 2] += sum[blocks - 1];
                        n[blocks - 2] += n[blocks - 1];
                        blocks--;
                }
        }
        for (int b = 0; b < blocks; b++)
                for (int k = first[b]; k < (b + 1 < blocks ? first[b + 1] : MODEL_KNOTS); k++) ret->p[k] = (float)((sum[b] + 1) / (n[b] + 2));
        for (int k = 1; k < MODEL_KNOTS; k++)
                if (ret->p[k] < ret->p[k - 1]) ret->p[k] = ret->p[k - 1];
}

static void measure(const struct sample *samples, size_t count, struct calibrate_measure *ret)
{
        double hit[BINS] = { 0 }, p[BINS] = { 0 }, n[BINS] = { 0 };

        *ret = (struct calibrate_measure){ .samples = count };
        for (size_t i = 0; i < count; i++) {
                int bin = MIN((int)(samples[i].p * BINS), BINS - 1);

                n[bin] += 1;
                p[bin] += (double)samples[i].p;
                hit[bin] += samples[i].optimal;
                ret->accuracy += samples[i].optimal;
                ret->coverage += samples[i].covered;
                ret->abstention += samples[i].split;
        }
        for (int b = 0; b < BINS; b++) ret->ece += __builtin_fabs(hit[b] - p[b]);
        if (!count) return;
        ret->ece /= (double)count;
        ret->accuracy /= (double)count;
        ret->coverage /= (double)count;
        ret->abstention /= (double)count;
}

enum err calibrate_measure(const struct calibrate_setup *setup, uint64_t seed, const struct model *m, struct calibrate_measure *ret)
{
        AUTO(mem_free) struct sample *samples = mem_zalloc(SAMPLES_MAX, sizeof *samples);
        size_t count;
        enum err e;

        if (!samples) return ERR_NOMEM;
        e = play(setup, seed, m, samples, &count);
        if (!e) measure(samples, count, ret);
        return e;
}

enum err calibrate_fit(const struct calibrate_setup *setup, struct model *m)
{
        AUTO(mem_free) struct sample *samples = mem_zalloc(SAMPLES_MAX, sizeof *samples);
        AUTO(mem_free) float *values = mem_zalloc(SAMPLES_MAX, sizeof *values);
        struct model_calibration *c = &m->calibration;
        struct calibrate_measure second;
        size_t count, half;
        enum err e;

        CHECK(seed_kind_of(setup->seed.value) == SEED_calib);
        if (!samples || !values) return ERR_NOMEM;
        memset(c, 0, sizeof *c);
        c->p_nothing_max = NOTHING_MAX;
        e = play(setup, setup->seed.value, m, samples, &count);
        if (e) return e;
        half = count / 2;
        if (half < MODEL_KNOTS * 4) return ERR_STATE;
        for (size_t i = 0; i < half; i++) values[i] = samples[i].surprise;
        qsort(values, half, sizeof *values, by_float);
        c->surprise_max = 1.5f * values[half - 1 - half / 1000];
        for (size_t i = 0; i < half; i++) values[i] = samples[i].slack;
        qsort(values, half, sizeof *values, by_float);
        c->slack = values[MIN((size_t)((double)(half + 1) * (double)CONFORMAL), half - 1)];
        qsort(samples, half, sizeof *samples, by_score);
        isotonic(samples, half, c);
        c->seed = setup->seed.value;
        c->samples = half;
        /* The second half: fresh seeds of the same kind, judged with what was just fitted. */
        e = calibrate_measure(setup, seed_calib_at((setup->seed.value & SEED_INDEX_MAX) + 1).value, m, &second);
        if (e) return e;
        c->ece = (float)second.ece;
        c->coverage = (float)second.coverage;
        c->abstention = (float)second.abstention;
        return ERR_OK;
}
