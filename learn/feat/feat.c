#include "learn/feat/feat.h"

#include <string.h>

#include "common/base/attr.h"

const char *feat_state6_name(int column)
{
        static const char *const names[] = {
#define X(name, text) text,
                FEAT_STATE6_LIST(X)
#undef X
        };

        return column >= 0 && column < S6_COUNT ? names[column] : NULL;
}

const char *feat_ablation_name(int ablation)
{
        static const char *const names[] = { "full", "no-belief", "no-history" };

        return ablation >= 0 && ablation < FEAT_ABLATIONS ? names[ablation] : NULL;
}

/* The four channels at once. */
typedef float quad __attribute__((vector_size(4 * SIM_CHANNELS), aligned(4)));

static void window_push(struct feat_tracker *t, const float *obs)
{
        int at = (int)(t->count % FEAT_WINDOW), n = (int)MIN(t->count + 1, (uint32_t)FEAT_WINDOW);

        t->error[at] = obs[OBS_ERROR];
        t->latency[at] = obs[OBS_LATENCY];
        memcpy(t->channel[at], obs, sizeof t->channel[at]);
        t->count++;
        quad sum = { 0 };

        for (int i = 0; i < n; i++) {
                quad sample;

                memcpy(&sample, t->channel[i], sizeof sample);
                sum += sample;
        }
        sum /= (float)n;
        memcpy(t->mean, &sum, sizeof sum);
}

void feat_start(const struct feat_params *fp, struct feat_tracker *t, const float obs[OBS_COUNT])
{
        memset(t, 0, sizeof *t);
        belief_start(&t->belief);
        t->context = sim_start();
        t->context.load = (int32_t)obs[OBS_LOAD];
        t->context.recent = (int32_t)obs[OBS_RESTARTS];
        t->since = FEAT_SINCE_MAX;
        t->up = obs[OBS_UP] > 0.5f;
        window_push(t, obs);
        if (t->up) belief_observe(&fp->belief, &t->belief, obs, sim_pressure(t->context.load, t->context.shed, t->context.cold), false);
}

void feat_update(const struct feat_params *fp, struct feat_tracker *t, int action, const float obs[OBS_COUNT])
{
        bool up_before = t->context.down == 0, up = obs[OBS_UP] > 0.5f, restart = up_before && action >= ACT_SOFT;
        struct sim_state before = t->context;
        int shed = up_before && action == ACT_REDUCE ? 1 : before.shed;

        if (fp->ablation == FEAT_NO_HISTORY) belief_forget(&t->belief);
        else belief_predict(&fp->belief, &t->belief, up_before ? action : (int)KIND_DOWN, sim_pressure(before.load, shed, before.cold));
        t->crashed = up_before && !restart && !up;
        sim_ctx_next(&before, (enum sim_action)action, t->crashed, &t->context);
        if (t->crashed && fp->ablation != FEAT_NO_HISTORY) belief_crashed(&fp->belief, &t->belief);
        /* What is seen corrects what was reckoned: a restart may take longer or shorter than planned. */
        if (up) t->context.down = 0;
        else if (t->context.down == 0) t->context.down = 1;
        t->context.load = (int32_t)obs[OBS_LOAD];
        t->context.recent = (int32_t)obs[OBS_RESTARTS];
        if (obs[OBS_ADMIT] > 0.99f) t->context.shed = 0;
        t->up = up;
        t->history = .97f * t->history + (restart ? 1.0f : 0.0f);
        t->since = up_before && action >= ACT_REDUCE ? 0 : MIN(t->since + 1, FEAT_SINCE_MAX);
        t->last_action = action;
        window_push(t, obs);
        if (up)
                belief_observe(&fp->belief, &t->belief, obs, sim_pressure(t->context.load, t->context.shed, t->context.cold),
                               action == ACT_DELAY);
}

float feat_slope(const float *values, int count)
{
        float mean_x = (float)(count - 1) / 2, sum = 0, xy = 0, xx = 0;

        if (count < 2) return 0;
        for (int i = 0; i < count; i++) sum += values[i];
        for (int i = 0; i < count; i++) {
                float x = (float)i - mean_x;

                xy += x * (values[i] - sum / (float)count);
                xx += x * x;
        }
        return xy / xx;
}

static float latency_slope(const struct feat_tracker *t)
{
        int n = (int)MIN(t->count, (uint32_t)FEAT_WINDOW), first = (int)(t->count % FEAT_WINDOW);
        float ordered[FEAT_WINDOW];

        if (n < FEAT_WINDOW) first = 0;
        for (int i = 0; i < n; i++) ordered[i] = t->latency[(first + i) % FEAT_WINDOW];
        return feat_slope(ordered, n);
}

static int kmeans_cluster(const struct feat_params *fp, const struct feat_tracker *t)
{
        float best = 1e30f;
        int cluster = 0;

        for (int c = 0; c < FEAT_KMEANS; c++) {
                float distance = 0;

                for (int ch = 0; ch < SIM_CHANNELS; ch++) {
                        float d = (t->mean[ch] - fp->kmeans[c][ch]) * fp->kmeans_scale[ch];

                        distance += d * d;
                }
                if (distance < best) best = distance, cluster = c;
        }
        return cluster;
}

static int cluster_of(const struct feat_params *fp, const struct feat_tracker *t)
{
        int best = 0;
        float p, best_p = -1;

        if (fp->ablation == FEAT_NO_BELIEF) return 2 * kmeans_cluster(fp, t);
        for (int m = 0; m < MODE_COUNT; m++) {
                p = belief_mode(&t->belief, m);
                if (p > best_p) best_p = p, best = m;
        }
        return 2 * best + (best_p > fp->sure);
}

void feat_state6(const struct feat_params *fp, const struct feat_tracker *t, float ret[S6_COUNT])
{
        bool memory = fp->ablation != FEAT_NO_HISTORY;

        ret[S6_ERROR_WINDOW] = t->mean[0];
        ret[S6_LATENCY_TREND] = latency_slope(t);
        ret[S6_CLUSTER] = (float)cluster_of(fp, t);
        ret[S6_HISTORY] = memory ? t->history : 0.0f;
        ret[S6_LOAD] = (float)t->context.load;
        ret[S6_SINCE] = memory ? (float)t->since : 0.0f;
}

static int bin(const float *edges, int count, float x)
{
        int b = 0;

        for (int i = 0; i < count; i++) b += x >= edges[i];
        return b;
}

int feat_cell(const struct feat_params *fp, const struct feat_tracker *t)
{
        float s[S6_COUNT];
        int cell;

        feat_state6(fp, t, s);
        if (fp->ablation == FEAT_NO_BELIEF) cell = bin(fp->error_edge, FEAT_SEV_BINS - 1, s[S6_ERROR_WINDOW]);
        else cell = bin(fp->sev_edge, FEAT_SEV_BINS - 1, belief_severity(&t->belief));
        cell = cell * FEAT_TREND_BINS + bin(fp->trend_edge, FEAT_TREND_BINS - 1, s[S6_LATENCY_TREND]);
        cell = cell * FEAT_CLUSTERS + (int)s[S6_CLUSTER];
        cell = cell * FEAT_HISTORY_BINS + bin(fp->history_edge, FEAT_HISTORY_BINS - 1, s[S6_HISTORY]);
        cell = cell * SIM_LOADS + (int)s[S6_LOAD];
        return cell * FEAT_SINCE_BINS + bin(fp->since_edge, FEAT_SINCE_BINS - 1, s[S6_SINCE]);
}

void feat_vector(const struct feat_params *fp, const struct feat_tracker *t, float ret[FEAT_VECTOR])
{
        float s[S6_COUNT];
        int at = 0;

        feat_state6(fp, t, s);
        ret[at++] = s[S6_ERROR_WINDOW];
        ret[at++] = s[S6_LATENCY_TREND] * 0.02f;
        ret[at++] = s[S6_CLUSTER] * (1.0f / FEAT_CLUSTERS);
        ret[at++] = s[S6_HISTORY] * 0.33f;
        ret[at++] = s[S6_LOAD] * 0.5f;
        ret[at++] = s[S6_SINCE] * (1.0f / FEAT_SINCE_MAX);
        for (int m = 0; m < MODE_COUNT; m++) ret[at++] = belief_mode(&t->belief, m);
        ret[at++] = belief_severity(&t->belief) * (1.0f / (SIM_SEVS - 1));
        ret[at++] = t->context.shed > 0 ? (float)t->context.shed / (SIM_SHEDS - 1) : 0.0f;
        ret[at++] = t->context.cold > 0 ? (float)t->context.cold / (SIM_COLDS - 1) : 0.0f;
        ret[at++] = (float)t->context.recent / (SIM_RECENTS - 1);
        ret[at++] = t->mean[2] * 0.01f;
        ret[at++] = t->mean[3] * 0.01f;
}
