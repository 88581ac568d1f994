/* feat: from observations and own actions to what a policy may know: tracked context, rolling windows, belief, the six
 * values of the mission's state, and their discretisation with frozen edges. The truth channel is not an input.
 *
 *   obs, action --> context (what my actions set in motion) --\
 *               --> windows: error mean, latency slope --------+--> state6 --> one of FEAT_STATES cells
 *               --> belief filter: mode, severity -------------/
 *
 * Owner:  parameters shared and immutable; a tracker belongs to one episode.  Memory: the caller's structs.
 * Units:  FEAT_WINDOW samples of 5 s; latency slope in ms a sample.  Limits: as the enums.  Fails: never. */
#ifndef LEARN_FEAT_FEAT_H
#define LEARN_FEAT_FEAT_H

#include "learn/feat/belief.h"

#define FEAT_STATE6_LIST(X)                                                                                            \
        X(ERROR_WINDOW, "error_rate_window") X(LATENCY_TREND, "latency_trend") X(CLUSTER, "failure_pattern_cluster")   \
        X(HISTORY, "restart_history_score") X(LOAD, "load_level") X(SINCE, "time_since_last_action")
enum feat_state6 {
#define X(name, text) S6_##name,
        FEAT_STATE6_LIST(X)
#undef X
        S6_COUNT
};

enum {
        FEAT_WINDOW = 6,
        FEAT_SINCE_MAX = 20,
        FEAT_SEV_BINS = 6,
        FEAT_TREND_BINS = 2,
        FEAT_CLUSTERS = 2 * MODE_COUNT,
        FEAT_HISTORY_BINS = 3,
        FEAT_SINCE_BINS = 3,
        FEAT_STATES = FEAT_SEV_BINS * FEAT_TREND_BINS * FEAT_CLUSTERS * FEAT_HISTORY_BINS * SIM_LOADS * FEAT_SINCE_BINS,
        /* the continuous vector for networks: state6, belief of six modes, expected severity, context */
        FEAT_VECTOR = S6_COUNT + MODE_COUNT + 1 + 5,
        FEAT_KMEANS = 6,
};

/* Ablations: what is taken away, to show what it was worth. */
enum feat_ablation {
        FEAT_FULL,
        FEAT_NO_BELIEF,  /* k-means pattern and raw error window instead of the filter */
        FEAT_NO_HISTORY, /* restart history, time since action and the filter's memory are gone: one sample decides */
        FEAT_ABLATIONS
};

struct feat_params {
        struct belief_params belief;
        float sev_edge[FEAT_SEV_BINS - 1], error_edge[FEAT_SEV_BINS - 1], trend_edge[FEAT_TREND_BINS - 1],
                history_edge[FEAT_HISTORY_BINS - 1], since_edge[FEAT_SINCE_BINS - 1], sure; /* p of the mode above which it counts as sure */
        float kmeans[FEAT_KMEANS][SIM_CHANNELS], kmeans_scale[SIM_CHANNELS];
        uint32_t ablation;
};

struct feat_tracker {
        struct belief belief;
        struct sim_state context; /* cell unused: what is known of timers, load, recent restarts */
        float error[FEAT_WINDOW], latency[FEAT_WINDOW], mean[SIM_CHANNELS]; /* mean: of the window, all channels */
        float channel[FEAT_WINDOW][SIM_CHANNELS];
        uint32_t count; /* samples seen */
        int32_t since, last_action;
        float history;
        bool up, crashed;
};

void feat_start(const struct feat_params *fp, struct feat_tracker *t, const float obs[OBS_COUNT]);
/* After `action` the environment showed `obs`. */
void feat_update(const struct feat_params *fp, struct feat_tracker *t, int action, const float obs[OBS_COUNT]);
void feat_state6(const struct feat_params *fp, const struct feat_tracker *t, float ret[S6_COUNT]);
int feat_cell(const struct feat_params *fp, const struct feat_tracker *t); /* 0 .. FEAT_STATES-1 */
void feat_vector(const struct feat_params *fp, const struct feat_tracker *t, float ret[FEAT_VECTOR]); /* about -1..1 */
const char *feat_state6_name(int column);
const char *feat_ablation_name(int ablation);

/* Least-squares slope per sample over the last FEAT_WINDOW values, oldest first; 0 before two samples. */
float feat_slope(const float *values, int count);

#endif
