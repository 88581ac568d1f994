#include "learn/train/collect.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "learn/rng/xoshiro.h"

enum { ROWS = 64, SAMPLES_MAX = 200000, KMEANS_ROUNDS = 25 };

struct samples {
        float error[SAMPLES_MAX], severity[SAMPLES_MAX], slope[SAMPLES_MAX], mean[SAMPLES_MAX][SIM_CHANNELS];
        size_t count;
};

static uint8_t wandering(struct xoshiro *r, uint32_t mask)
{
        uint32_t draw = xoshiro_below(r, 20);
        uint8_t a = draw < 14 ? ACT_IGNORE : draw < 16 ? ACT_DELAY : draw < 18 ? ACT_REDUCE : draw == 18 ? ACT_SOFT : ACT_HARD;

        return mask >> a & 1 ? a : (uint8_t)ACT_IGNORE;
}

/* One step of one row for the counts: truth before and after, and the observation after. */
static void count_step(const struct sim_kernel *k, struct collect_counts *all, const struct sim_state *before, int action,
                       const struct sim_state *after, float crash_column, const float *obs)
{
        bool up = before->down == 0, crash = k->w.crash > 0 && crash_column <= -k->w.crash, restart = up && action >= ACT_SOFT;
        struct belief_counts *c = &all->belief;
        int pressure = sim_pressure(before->load, up && action == ACT_REDUCE ? 1 : before->shed, before->cold);

        all->load[before->load][after->load] += 1;
        if (before->recent > 0 && !restart && !crash) *(after->recent < before->recent ? &all->recent_forgotten : &all->recent_kept) += 1;
        if (before->cell == 0 && after->cell != 0) all->onset[after->cell] += 1;
        belief_count_move(c, up ? action : (int)KIND_DOWN, pressure, before->cell, after->cell, crash);
        if (after->down == 0 && action != ACT_DELAY)
                belief_count_obs(c, after->cell, sim_pressure(after->load, after->shed, after->cold), obs);
}

static enum err traces(const struct collect_setup *setup, const struct feat_params *fp, struct collect_counts *counts, struct samples *samples)
{
        const struct env_opts opts = { .kernel = setup->kernel, .autoreset = ENV_SAME_STEP };
        AUTO(env_close) struct env_vec *v = NULL;
        AUTO(mem_free) struct feat_tracker *tracker = mem_aligned(64, ROWS * sizeof *tracker);
        struct xoshiro rng;
        enum err e = env_make("sim1", ROWS, &opts, &v, NULL);

        if (e || !tracker) return e ? e : ERR_NOMEM;
        xoshiro_seed(&rng, setup->seed.value + (fp ? 1 : 0));
        env_reset(v, setup->seed.value, NULL);
        for (uint32_t i = 0; fp && i < ROWS; i++) feat_start(fp, &tracker[i], v->obs + (size_t)i * OBS_COUNT);
        for (uint64_t step = 0; step < (uint64_t)setup->episodes * ENV_STEPS_DEFAULT / ROWS; step++) {
                struct sim_state before[ROWS];

                if (setup->stop && step % 64 == 0 && setup->stop(setup->context)) return ERR_STATE;
                for (uint32_t i = 0; i < ROWS; i++) {
                        struct env_truth truth;

                        env_truth_peek(v, i, 0, &truth);
                        sim_state_at(truth.state, &before[i]);
                        v->act[i] = wandering(&rng, v->mask[i]);
                }
                env_step(v);
                for (uint32_t i = 0; i < ROWS; i++) {
                        bool ended = v->terminated[i] || v->truncated[i];
                        const float *obs = v->obs + (size_t)i * OBS_COUNT;
                        struct env_truth truth;
                        struct sim_state after;

                        if (ended) {
                                if (fp) feat_start(fp, &tracker[i], obs);
                                continue;
                        }
                        env_truth_peek(v, i, 0, &truth);
                        sim_state_at(truth.state, &after);
                        if (!fp) {
                                count_step(setup->kernel, counts, &before[i], v->act[i], &after, v->columns[i][REW_STABILITY], obs);
                                continue;
                        }
                        feat_update(fp, &tracker[i], v->act[i], obs);
                        if (belief_mode(&tracker[i].belief, MODE_NONE) < 0.5f && samples->count < SAMPLES_MAX && tracker[i].up) {
                                float s[S6_COUNT];
                                size_t at = samples->count++;

                                feat_state6(fp, &tracker[i], s);
                                samples->error[at] = s[S6_ERROR_WINDOW];
                                samples->slope[at] = s[S6_LATENCY_TREND];
                                samples->severity[at] = belief_severity(&tracker[i].belief);
                                memcpy(samples->mean[at], tracker[i].mean, sizeof samples->mean[at]);
                        }
                }
        }
        return ERR_OK;
}

static int by_value(const void *a, const void *b)
{
        float x = *(const float *)a, y = *(const float *)b;

        return (x > y) - (x < y);
}

/* Edges that split the samples into equal shares. */
static void quantile_edges(float *values, size_t count, float *ret_edges, int edges)
{
        qsort(values, count, sizeof *values, by_value);
        for (int i = 0; i < edges; i++) ret_edges[i] = count ? values[count * (size_t)(i + 1) / (size_t)(edges + 1)] : (float)(i + 1);
}

static void kmeans_fit(const struct samples *s, struct feat_params *fp)
{
        double sum[SIM_CHANNELS] = { 0 }, sum2[SIM_CHANNELS] = { 0 };

        for (size_t i = 0; i < s->count; i++)
                for (int ch = 0; ch < SIM_CHANNELS; ch++) sum[ch] += (double)s->mean[i][ch], sum2[ch] += (double)s->mean[i][ch] * (double)s->mean[i][ch];
        for (int ch = 0; ch < SIM_CHANNELS; ch++) {
                double n = s->count ? (double)s->count : 1, variance = sum2[ch] / n - sum[ch] / n * (sum[ch] / n);

                fp->kmeans_scale[ch] = variance > 0 ? (float)(1 / __builtin_sqrt(variance)) : 1.0f;
        }
        for (int c = 0; c < FEAT_KMEANS && s->count; c++) memcpy(fp->kmeans[c], s->mean[(s->count - 1) * (size_t)c / FEAT_KMEANS], sizeof fp->kmeans[c]);
        for (int round = 0; round < KMEANS_ROUNDS; round++) {
                double centre[FEAT_KMEANS][SIM_CHANNELS] = { 0 }, n[FEAT_KMEANS] = { 0 };

                for (size_t i = 0; i < s->count; i++) {
                        int best = 0;
                        float best_d = 1e30f;

                        for (int c = 0; c < FEAT_KMEANS; c++) {
                                float d = 0;

                                for (int ch = 0; ch < SIM_CHANNELS; ch++) {
                                        float x = (s->mean[i][ch] - fp->kmeans[c][ch]) * fp->kmeans_scale[ch];

                                        d += x * x;
                                }
                                if (d < best_d) best_d = d, best = c;
                        }
                        n[best] += 1;
                        for (int ch = 0; ch < SIM_CHANNELS; ch++) centre[best][ch] += (double)s->mean[i][ch];
                }
                for (int c = 0; c < FEAT_KMEANS; c++)
                        for (int ch = 0; ch < SIM_CHANNELS && n[c] > 0; ch++) fp->kmeans[c][ch] = (float)(centre[c][ch] / n[c]);
        }
}

enum err collect_count(const struct collect_setup *setup, struct collect_counts *ret)
{
        CHECK(setup->episodes >= 1 && setup->episodes <= COLLECT_EPISODES_MAX && seed_kind_of(setup->seed.value) == SEED_train);
        memset(ret, 0, sizeof *ret);
        return traces(setup, NULL, ret, NULL);
}

enum err collect_fit(const struct collect_setup *setup, struct feat_params *ret)
{
        AUTO(mem_free) struct collect_counts *counts = mem_zalloc(1, sizeof *counts);
        AUTO(mem_free) struct samples *samples = mem_zalloc(1, sizeof *samples);
        AUTO(mem_free) struct feat_params *fp = mem_aligned(64, sizeof *fp);
        enum err e;

        CHECK(setup->episodes >= 1 && setup->episodes <= COLLECT_EPISODES_MAX && seed_kind_of(setup->seed.value) == SEED_train);
        if (!counts || !samples || !fp) return ERR_NOMEM;
        e = traces(setup, NULL, counts, samples);
        if (e) return e;
        belief_fit(&counts->belief, &fp->belief);
        fp->sure = 0.8f;
        struct collect_setup again = *setup;

        again.episodes = MIN(setup->episodes, 2000u);
        e = traces(&again, fp, counts, samples);
        if (e) return e;
        kmeans_fit(samples, fp);
        quantile_edges(samples->severity, samples->count, fp->sev_edge, FEAT_SEV_BINS - 1);
        quantile_edges(samples->error, samples->count, fp->error_edge, FEAT_SEV_BINS - 1);
        quantile_edges(samples->slope, samples->count, fp->trend_edge, FEAT_TREND_BINS - 1);
        fp->history_edge[0] = 0.5f, fp->history_edge[1] = 1.5f;
        fp->since_edge[0] = 2.0f, fp->since_edge[1] = 6.0f;
        *ret = *fp;
        return ERR_OK;
}
