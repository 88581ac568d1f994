/* reco: what a trained model advises for one service, with how sure it is, why, and what would change its mind.
 *
 *   reco_obs_from_live --> reco_start, then each step: reco_feel(action done, observation) --> reco_decide --> reco_json
 *
 * The model proposes; the safety rules dispose: a blocked best action is named with its reason, and the best legal one is
 * advised. An action set that holds both a restart and something gentler means the model abstains and advises to observe
 * (delay). Observations unlike all training ones fall back to the belief rule and say so.
 * Owner:  the model is lent and immutable, a session belongs to one service and one thread.
 * Memory: session and recommendation are the caller's structs (a session is about 1 KB); a twin is made once and reused.
 * Units:  steps of model step_s (5 s); q in requests of one nominal step; times in ms.
 * Limits: RECO_WHY_BYTES of text.        Fails: reco_twin_new ERR_NOMEM; deciding never fails. */
#ifndef LEARN_RECO_RECO_H
#define LEARN_RECO_RECO_H

#include "common/base/buf.h"
#include "learn/model/model.h"
#include "learn/reco/safety.h"

enum { RECO_WHY_BYTES = 320, RECO_FLIPS = SIM_CHANNELS, RECO_REPLAYS = 1000, RECO_HORIZON = 24, RECO_RECOVERED_BY = 12,
       RECO_VISITS_MIN = 100 };

/* One service as the metrics show it (learn/reco/live.h reads it from series); what is not known is NAN. */
struct reco_live {
        double error_ratio;                       /* 0..1 over the last seconds */
        double latency_ms, latency_normal_ms;     /* p95 now and when healthy */
        double cpu_cores, cpu_normal_cores;       /* in use now and when healthy */
        double memory_bytes, memory_normal_bytes; /* now and when healthy */
        double rps, rps_normal;                   /* what users send */
        double admission;                         /* share of requests let in, 1: no shedding */
        int restarts_10m;
        bool up;
};
void reco_obs_from_live(const struct reco_live *live, float ret_obs[OBS_COUNT]);

struct reco_session {
        struct feat_tracker tracker;
        float obs[OBS_COUNT];
        uint32_t steps;
        bool calm;
};
void reco_start(const struct model *m, struct reco_session *s, const float obs[OBS_COUNT]);
void reco_feel(const struct model *m, struct reco_session *s, enum sim_action done, const float obs[OBS_COUNT]);

struct reco_forecast {
        float p_recovered;                    /* inside the objective within RECO_RECOVERED_BY steps */
        float lost_p10, lost_p50, lost_p90;   /* requests over RECO_HORIZON steps, in nominal steps */
};

struct reco_flip {
        int channel;        /* an OBS_ number, -1: none */
        float from, to;
        enum sim_action action;
};

struct reco {
        enum sim_action action, best; /* best: of the model, before safety and abstention */
        float p_optimal;              /* calibrated probability that no other action is better by more than RECO_TIE */
        uint32_t action_set;          /* conformal: holds an optimal action in 9 of 10 cases */
        bool hung;                    /* it answers nobody and nothing starts it: neither the model nor the belief speaks, but a rule for that */
        bool abstain, fallback;       /* fallback: out of distribution (of observations, or of states trained in): the belief rule speaks */
        char why[RECO_WHY_BYTES];
        float q[ACT_COUNT], columns[ACT_COUNT][REW_COUNT];
        int decided_by;               /* the reward column that parts the best from the runner-up */
        float belief[MODE_COUNT], severity, surprise;
        bool has_forecast;
        struct reco_forecast forecast[ACT_COUNT];
        struct reco_flip flip[RECO_FLIPS];
        int flips;
        uint32_t mask;
        enum safety_code blocked_by[ACT_COUNT];
        float state6[S6_COUNT];
};
#define RECO_TIE 0.15f /* of reward: less than what a delayed step costs twice */

/* The twin replays the near future of each action; NULL: no forecast. One twin serves many sessions of one thread. */
struct reco_twin;
MUST_USE enum err reco_twin_new(const struct sim_kernel *k, struct reco_twin **ret);
void reco_twin_free(struct reco_twin *t);
AUTO_DEFINE(struct reco_twin, reco_twin_free)
void reco_twin_forecast(struct reco_twin *t, const struct feat_tracker *tracker, uint64_t seed, struct reco_forecast ret[ACT_COUNT]);

/* safety may be NULL (then only "not while down" holds). */
void reco_decide(const struct model *m, const struct reco_session *s, struct safety *safety, int service, int64_t now_ms,
                 struct reco_twin *twin, struct reco *ret);
/* The model's own action values from a tracker, by kind (table or network); columns are the table's. */
void reco_values(const struct model *m, const struct feat_tracker *t, float ret_q[ACT_COUNT], float ret_columns[ACT_COUNT][REW_COUNT]);
/* {"action":"delay","target":"api","p_optimal":0.93,"action_set":[...],"abstain":false,"why":"...",...} */
void reco_json(const struct reco *r, const char *target, const char *model_id, struct buf *to);

/* As a policy for the runner: advice with abstention; self: struct reco_policy. */
struct reco_policy {
        const struct model *model;
        bool advise; /* false: the model's best action, bare */
};
int reco_policy_decide(const void *self, const struct policy_input *in, struct xoshiro *rng);

#endif
