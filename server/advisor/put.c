/* put: a decision as the RECOMMENDATION message of docs/contracts.md. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/base/str.h"
#include "server/advisor/advisor_impl.h"

static const struct {
        const char *title, *unit;
} signals[SIGNAL_COUNT] = {
#define X(name, series, title, unit, step) { title, unit },
        LIVE_SIGNAL_LIST(X)
#undef X
};

static struct json *why_json(const struct advisor_service *s)
{
        struct json *list = json_array();

        for (int k = 0; k < ADVISOR_RCA_SIGNALS; k++) {
                struct json *o;

                if (isnan(s->live.now[k])) continue;
                o = json_object();
                json_set_str(o, "feature", signals[k].title);
                json_set_num(o, "value", s->live.now[k]);
                if (s->live.count[k]) json_set_num(o, "normal", live_normal(&s->live, (enum live_signal)k, 0));
                json_set_str(o, "unit", signals[k].unit);
                json_push(list, o);
        }
        return list;
}

static struct json *q_json(const struct advisor *a, const struct reco *r)
{
        struct json *list = json_array();

        for (int k = 0; k < ACT_COUNT; k++) {
                struct json *o = json_object();

                json_set_str(o, "action", sim_action_name(k));
                json_set_num(o, "value", r->q[k]);
                json_set_bool(o, "chosen", (int)a->advice.action == k);
                if (r->blocked_by[k] != SAFETY_OK) {
                        json_set_str(o, "blocked_by", safety_name(r->blocked_by[k]));
                        json_set_str(o, "blocked", safety_text(r->blocked_by[k]));
                }
                if (r->has_forecast) {
                        json_set_num(o, "p_recovered", r->forecast[k].p_recovered);
                        json_set_num(o, "lost_p50", r->forecast[k].lost_p50);
                }
                json_push(list, o);
        }
        return list;
}

static struct json *set_json(uint32_t set)
{
        struct json *list = json_array();

        for (int k = 0; k < ACT_COUNT; k++)
                if (set >> k & 1) json_push(list, json_string(sim_action_name(k)));
        return list;
}

static struct json *belief_json(const struct reco *r)
{
        struct json *o = json_object();

        for (int k = 0; k < MODE_COUNT; k++) json_set_num(o, sim_mode_name(k), r->belief[k]);
        return o;
}

static struct json *flip_json(const struct reco *r)
{
        static const char *const channels[OBS_COUNT] = {
#define X(name, text, lo, hi) text,
                SIM1_OBS_LIST(X)
#undef X
        };
        struct json *list = json_array();

        for (int k = 0; k < r->flips; k++) {
                struct json *o = json_object();

                if (r->flip[k].channel < 0) continue;
                json_set_str(o, "observation", channels[r->flip[k].channel]);
                json_set_num(o, "from", r->flip[k].from);
                json_set_num(o, "to", r->flip[k].to);
                json_set_str(o, "action", sim_action_name((int)r->flip[k].action));
                json_push(list, o);
        }
        return list;
}

/* What two simple rules would blame: what a ranking is worth shows beside them. */
static void cause_rule(struct json *o, const char *key, const struct advisor *a, int service)
{
        if (service >= 0) json_set_str(o, key, a->service[service].live.name);
        else json_set_null(o, key);
}

static struct json *cause_json(const struct advisor *a)
{
        struct json *o = json_object(), *list = json_array();

        for (int i = 0; i < a->cause.count && i < 5; i++) {
                struct json *c = json_object();

                json_set_str(c, "service", a->service[a->cause.candidate[i].service].live.name);
                json_set_num(c, "score", a->cause.candidate[i].score);
                json_set_str(c, "signal", signals[a->cause.candidate[i].metric].title);
                json_push(list, c);
        }
        json_set(o, "ranked", list);
        cause_rule(o, "strongest", a, rca_rule_strongest(&a->graph, a->rca));
        cause_rule(o, "first", a, rca_rule_first(&a->graph, a->rca));
        json_set_bool(o, "abstain", a->cause.abstain || a->cause.count == 0);
        return o;
}

static void put_subject(const struct advisor *a, struct json *o, const struct advisor_service *s)
{
        const struct reco *r = &s->reco;

        json_set_str(o, "target", s->live.name);
        json_set(o, "why", why_json(s));
        if (a->o.policy != ADVISOR_AGENT) return;
        json_set_num(o, "confidence", r->p_optimal);
        json_set(o, "q", q_json(a, r));
        json_set(o, "action_set", set_json(r->action_set));
        json_set_bool(o, "abstain", r->abstain);
        json_set_bool(o, "out_of_calibration", r->fallback);
        if (!r->hung) json_set(o, "belief", belief_json(r)); /* none of the kinds it knows */
        json_set(o, "flip", flip_json(r));
        json_set_str(o, "decided_by", sim_reward_name(r->decided_by));
}

void advisor_put(const struct advisor *a, struct buf *out)
{
        AUTO(json_free) struct json *o = json_object();
        char id[32], observed[20];

        (void)snprintf(id, sizeof(id), "%s.%u", a->run_id, a->told);
        (void)snprintf(observed, sizeof(observed), "%016" PRIx64, a->observed);
        json_set_str(o, "id", id);
        json_set_num(o, "at_ms", a->onset_ms ? (double)(a->now_ms - a->onset_ms) : 0);
        json_set_str(o, "policy", advisor_policy_name(a->o.policy));
        json_set_str(o, "model", a->model_id);
        json_set_str(o, "observed", observed);
        json_set_bool(o, "early", a->early);
        json_set_str(o, "name", sim_action_name((int)a->advice.action));
        json_set_str(o, "reason", a->advice.sentence);
        if (a->advice.kind[0]) {
                AUTO(json_free) struct json *args = NULL;
                struct json *action = json_object();

                json_set_str(action, "kind", a->advice.kind);
                if (a->advice.on[0]) json_set_str(action, "on", a->advice.on);
                if (json_parse(a->advice.args, strlen(a->advice.args), &args, NULL)) args = json_object();
                json_set(action, "args", take(&args));
                json_set(o, "action", action);
        } else {
                json_set_null(o, "action");
        }
        if (a->subject >= 0) put_subject(a, o, &a->service[a->subject]);
        json_set_bool(o, "drift", advisor_drifted(a));
        json_set(o, "cause", cause_json(a));
        if (json_print(o, out) && !out->status) out->status = ERR_NOMEM;
}
