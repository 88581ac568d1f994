/* decide: from what the metrics show to one decision: feel each service, rank the causes, ask the policy, mind the safety rules. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/str.h"
#include "server/advisor/advisor_impl.h"

enum { ADVISOR_SHED_PERCENT = 70 };

/* About four steps of five services. */
#define UNLIKE_MEMORY 0.95f
#define UNLIKE_DRIFT 0.5f

bool advisor_drifted(const struct advisor *a)
{
        return a->unlike > UNLIKE_DRIFT;
}

static void feel(struct advisor *a, struct advisor_service *s)
{
        struct reco_live live;
        float obs[OBS_COUNT];

        live_state(&s->live, &a->load, &live);
        reco_obs_from_live(&live, obs);
        if (s->felt)
                reco_feel(a->model, &s->session, s->done, obs);
        else
                reco_start(a->model, &s->session, obs);
        s->felt = true;
        s->done = ACT_IGNORE;
        if (!s->session.tracker.up) return;
        a->unlike = UNLIKE_MEMORY * a->unlike + (1 - UNLIKE_MEMORY) * (s->session.tracker.belief.surprise > a->model->calibration.surprise_max);
        if (advisor_drifted(a)) s->session.tracker.belief.surprise = INFINITY; /* nobody's table speaks now, the rule on the belief does */
}

/* Of what is let in not more than all can go well: while nearly as much of everything does, a reduction cannot gain what it would be judged by. */
static bool reduction_loses(const struct advisor *a)
{
        return a->load.admission > 0.99 && a->load.good + (double)TRIED_BETTER > ADVISOR_SHED_PERCENT / 100.0;
}

/* The agent's own prudence, beside the rules that hold for everybody: no act again that had no effect or whose effect is not seen yet,
 * none that can only lose, and no restart for what one look shows. */
static enum sim_action prudent(const struct advisor *a, const struct advisor_service *s)
{
        enum sim_action wish = s->reco.action;

        if (tried_vain(&s->tried, wish)) return ACT_IGNORE;
        if (wish == ACT_REDUCE && reduction_loses(a)) return ACT_DELAY;
        if (wish >= ACT_SOFT && s->wish < ACT_SOFT) return ACT_DELAY;
        return wish;
}

/* The simple policies decide on the same observations; what they say is put in the same place. */
static enum sim_action decided(const struct advisor *a, struct advisor_service *s)
{
        struct policy_input in = { .tracker = &s->session.tracker, .obs = s->session.obs, .mask = s->reco.mask, .true_state = -1 };

        switch (a->o.policy) {
        case ADVISOR_AGENT: return prudent(a, s);
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

        for (int i = 0; i < a->services; i++)
                if (a->service[i].felt && a->service[i].reco.hung) return i; /* seen, and not guessed */
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

/* A service that hangs has no metrics any more which could be abnormal: it is put before those that are sick for its sake. */
static void cause_hung(struct advisor *a)
{
        struct rca_result *c = &a->cause;

        for (int i = 0; i < a->services; i++) {
                int at = 0;

                if (!a->safety.service[i].hung) continue;
                while (at < c->count && c->candidate[at].service != i) at++;
                if (at == RCA_SERVICES) return;
                if (at == c->count) c->count++;
                memmove(&c->candidate[1], &c->candidate[0], (size_t)at * sizeof(c->candidate[0]));
                for (int k = 1; k < c->count; k++) c->candidate[k].score /= 2; /* they stay shares of 1, or less */
                c->candidate[0] = (struct rca_candidate){ .service = i, .score = c->count > 1 ? 0.5f : 1, .metric = SIGNAL_UP, .onset = -1 };
                c->abstain = false;
        }
}

static void advice_set(struct advisor *a, const char *kind, const char *on, const char *args)
{
        str_cut(a->advice.kind, sizeof(a->advice.kind), kind);
        str_cut(a->advice.on, sizeof(a->advice.on), on);
        str_cut(a->advice.args, sizeof(a->advice.args), args);
}

static void prudence_word(struct advisor *a, const struct advisor_service *s)
{
        size_t used = strlen(a->advice.sentence);

        if (a->advice.action == s->reco.action) return;
        (void)snprintf(a->advice.sentence + used, sizeof(a->advice.sentence) - used, "%s",
                       s->reco.action >= ACT_SOFT && !tried_vain(&s->tried, s->reco.action) ? " One look is not enough for a restart."
                       : s->reco.action == ACT_REDUCE && !tried_vain(&s->tried, ACT_REDUCE) ? " Too much goes well now for that to gain anything."
                       : s->tried.restart.futile || s->tried.shed.futile ? " What the model would do was done in this incident and did not help."
                                                                          : " What was done needs a moment to show its effect.");
}

static void advice_word(struct advisor *a, const struct advisor_service *s)
{
        char args[64];

        advice_set(a, "", s ? s->live.name : "", "{}");
        switch (a->advice.action) {
        case ACT_SOFT: advice_set(a, "process.restart", s->live.name, "{}"); break;
        case ACT_HARD: advice_set(a, "process.kill", s->live.name, "{}"); break;
        case ACT_REDUCE:
                (void)snprintf(args, sizeof(args), "{\"admit_percent\":%d}", ADVISOR_SHED_PERCENT);
                advice_set(a, "load.shed", "", args); /* it has no place of its own: the gateway admits */
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
                       a->advice.action == ACT_SOFT || a->advice.action == ACT_HARD ? s->live.name : "", s && a->o.policy == ADVISOR_AGENT ? s->reco.why : "");
        if (s && a->o.policy == ADVISOR_AGENT) prudence_word(a, s);
}

static void decide(struct advisor *a)
{
        struct advisor_service *s;

        if (a->rca->change > 0 && a->rca->count > a->rca->change) rca_rank(&a->graph, a->rca, &a->cause);
        cause_hung(a);
        for (int i = 0; i < a->services; i++) {
                s = &a->service[i];
                if (!s->target || !advisor_seen(s)) continue;
                feel(a, s);
                reco_decide(a->model, &s->session, &a->safety, i, a->now_ms, NULL, &s->reco);
        }
        a->subject = subject_find(a);
        s = a->subject >= 0 ? &a->service[a->subject] : NULL;
        a->advice.action = s ? decided(a, s) : ACT_IGNORE;
        if (s && !(s->reco.mask >> a->advice.action & 1)) a->advice.action = ACT_IGNORE;
}

/* Once more, with a look ahead, for the one that is spoken about; the simulator cannot look ahead of what hangs. */
static void finish(struct advisor *a)
{
        struct advisor_service *s = a->subject >= 0 ? &a->service[a->subject] : NULL;

        if (s && !s->reco.hung) {
                reco_twin_forecast(a->twin, &s->session.tracker, a->steps, s->reco.forecast);
                s->reco.has_forecast = true;
        }
        advice_word(a, s);
        a->has_advice = true;
}

void advisor_decide(struct advisor *a)
{
        decide(a);
        finish(a);
        for (int i = 0; i < a->services; i++) {
                struct advisor_service *s = &a->service[i];

                if (!s->felt) continue;
                s->wish = s->reco.action;
                tried_judge(&s->tried, s->session.obs[OBS_ERROR], a->now_ms);
        }
        a->steps++;
}

/* The filter reckons in steps of five seconds: an early look must not count as one, so every session is put back. */
bool advisor_decide_early(struct advisor *a, bool anyhow)
{
        enum sim_action said = a->advice.action, done[ADVISOR_SERVICES_MAX];
        float unlike = a->unlike;
        int subject = a->subject;
        bool other;

        for (int i = 0; i < a->services; i++) {
                if (a->service[i].target && !a->service[i].felt) return false;
                a->kept[i] = a->service[i].session;
                done[i] = a->service[i].done;
        }
        decide(a);
        other = anyhow || a->advice.action != said || (a->subject != subject && said != ACT_IGNORE);
        if (other) finish(a);
        for (int i = 0; i < a->services; i++) {
                a->service[i].session = a->kept[i];
                a->service[i].done = done[i];
        }
        a->unlike = unlike;
        if (!other) a->subject = subject;
        return other;
}
