/* decide: from what the metrics show to one decision: feel each service, rank the causes, ask the policy, mind the safety rules. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/str.h"
#include "server/advisor/advisor_impl.h"

enum { ADVISOR_SHED_PERCENT = 70 };

double advisor_normal(const struct advisor_service *s, enum advisor_signal signal, double otherwise)
{
        return s->count[signal] ? s->sum[signal] / s->count[signal] : otherwise;
}

static double known(double value, double otherwise)
{
        return isnan(value) ? otherwise : value;
}

void advisor_live(const struct advisor *a, const struct advisor_service *s, struct reco_live *ret)
{
        double latency_normal = advisor_normal(s, SIGNAL_LATENCY, 0);

        *ret = (struct reco_live){
                .error_ratio = known(s->now[SIGNAL_ERRORS], 0),
                .latency_ms = known(s->now[SIGNAL_LATENCY], latency_normal) * 1000,
                .latency_normal_ms = latency_normal * 1000,
                .cpu_ratio = isnan(s->now[SIGNAL_CPU]) ? NAN : fmin(1, s->now[SIGNAL_CPU]),
                .memory_bytes = s->now[SIGNAL_MEMORY],
                .memory_normal_bytes = advisor_normal(s, SIGNAL_MEMORY, NAN),
                .rps = known(s->now[SIGNAL_RPS], 0),
                .rps_normal = advisor_normal(s, SIGNAL_RPS, 0),
                .admission = a->admission,
                .restarts_10m = (int)known(s->now[SIGNAL_RESTARTS], 0),
                .up = known(s->now[SIGNAL_UP], 1) > 0.5,
        };
}

/* What a restart would cost the users now: the share of their requests that pass through the service and still go well. A service
 * that answers nobody in time can be restarted at no cost to anybody, however central it is. */
static double load_at_stake(const struct advisor *a, const struct advisor_service *s)
{
        double all = a->gateway >= 0 ? known(a->service[a->gateway].now[SIGNAL_RPS], 0) : 0;
        double share = all > 0 ? fmin(1, known(s->now[SIGNAL_RPS], 0) / all) : 0;
        double normal = advisor_normal(s, SIGNAL_LATENCY, 0), latency = known(s->now[SIGNAL_LATENCY], normal);
        double in_time = latency > 4 * normal && latency > 0 ? 4 * normal / latency : 1;

        return share * (1 - known(s->now[SIGNAL_ERRORS], 0)) * in_time;
}

static void feel(struct advisor *a, struct advisor_service *s)
{
        struct reco_live live;
        float obs[OBS_COUNT];

        advisor_live(a, s, &live);
        reco_obs_from_live(&live, obs);
        if (s->felt)
                reco_feel(a->model, &s->session, s->done, obs);
        else
                reco_start(a->model, &s->session, obs);
        s->felt = true;
        s->done = ACT_IGNORE;
}

/* The simple policies decide on the same observations; what they say is put in the same place. */
static enum sim_action decided(const struct advisor *a, struct advisor_service *s)
{
        struct policy_input in = { .tracker = &s->session.tracker, .obs = s->session.obs, .mask = s->reco.mask, .true_state = -1 };

        switch (a->o.policy) {
        case ADVISOR_AGENT: return s->reco.action;
        case ADVISOR_RULE: return (enum sim_action)rule_literal_decide(&rule_literal_default, &in, NULL);
        case ADVISOR_TUNED: return (enum sim_action)rule_tuned_decide(&a->model->tuned, &in, NULL);
        case ADVISOR_IGNORE:
        case ADVISOR_POLICY_COUNT: break;
        }
        return ACT_IGNORE;
}

/* The service to speak about: the likeliest cause that may be acted on if the ranking is sure, else the one that is worst off. */
static int subject_find(const struct advisor *a)
{
        double worst = 0.5;
        int found = -1;

        for (int i = 0; i < a->cause.count && i < 3 && !a->cause.abstain; i++)
                if (a->service[a->cause.candidate[i].service].target && a->service[a->cause.candidate[i].service].felt)
                        return a->cause.candidate[i].service;
        for (int i = 0; i < a->services; i++) {
                const struct advisor_service *s = &a->service[i];
                double sick = s->reco.severity * (1 - s->reco.belief[MODE_NONE]);

                if (!s->target || !s->felt || sick <= worst) continue;
                worst = sick;
                found = i;
        }
        return found;
}

static void advice_set(struct advisor *a, const char *kind, const char *on, const char *args)
{
        str_cut(a->advice.kind, sizeof(a->advice.kind), kind);
        str_cut(a->advice.on, sizeof(a->advice.on), on);
        str_cut(a->advice.args, sizeof(a->advice.args), args);
}

static void advice_word(struct advisor *a, const struct advisor_service *s)
{
        char args[64];

        advice_set(a, "", s ? s->name : "", "{}");
        switch (a->advice.action) {
        case ACT_SOFT: advice_set(a, "process.restart", s->name, "{}"); break;
        case ACT_HARD: advice_set(a, "process.kill", s->name, "{}"); break;
        case ACT_REDUCE:
                (void)snprintf(args, sizeof(args), "{\"admit_percent\":%d}", ADVISOR_SHED_PERCENT);
                advice_set(a, "load.shed", "gateway", args);
                break;
        case ACT_IGNORE:
        case ACT_DELAY:
        case ACT_COUNT: break;
        }
        (void)snprintf(a->advice.sentence, sizeof(a->advice.sentence), "%s%s. %s",
                       a->advice.action == ACT_IGNORE  ? "Leave the processes alone"
                       : a->advice.action == ACT_DELAY ? "Look longer before you restart anything"
                       : a->advice.action == ACT_REDUCE ? "Let fewer requests in for a while"
                       : a->advice.action == ACT_SOFT  ? "Restart "
                                                       : "Kill and restart ",
                       a->advice.action == ACT_SOFT || a->advice.action == ACT_HARD ? s->name : "", s && a->o.policy == ADVISOR_AGENT ? s->reco.why : "");
}

void advisor_decide(struct advisor *a)
{
        struct advisor_service *s;

        if (a->rca->change > 0 && a->rca->count > a->rca->change) rca_rank(&a->graph, a->rca, &a->cause);
        for (int i = 0; i < a->services; i++) {
                s = &a->service[i];
                if (!s->target || (isnan(s->now[SIGNAL_RPS]) && isnan(s->now[SIGNAL_UP]))) continue;
                a->safety.service[i].dependants = (float)load_at_stake(a, s);
                a->safety.service[i].down = known(s->now[SIGNAL_UP], 1) < 0.5;
                feel(a, s);
                reco_decide(a->model, &s->session, &a->safety, i, a->now_ms, NULL, &s->reco);
        }
        a->subject = subject_find(a);
        s = a->subject >= 0 ? &a->service[a->subject] : NULL;
        a->advice.action = s ? decided(a, s) : ACT_IGNORE;
        if (s && !(s->reco.mask >> a->advice.action & 1)) a->advice.action = ACT_IGNORE;
        if (s) { /* once more, with a look ahead, for the one that is spoken about */
                reco_twin_forecast(a->twin, &s->session.tracker, a->steps, s->reco.forecast);
                s->reco.has_forecast = true;
        }
        advice_word(a, s);
        a->steps++;
        a->has_advice = true;
}
