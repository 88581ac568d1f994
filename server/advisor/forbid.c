/* forbid: the safety rules as they are asked by whoever carries a step out. */
#include <math.h>
#include <string.h>

#include "common/base/attr.h"
#include "common/base/str.h"
#include "server/advisor/advisor_impl.h"

#define MISSED_BELOW 0.9 /* share of requests that go well */

enum sim_action advisor_action_of(const char *kind)
{
        static const struct {
                const char *kind;
                enum sim_action action;
        } kinds[] = { { "process.restart", ACT_SOFT }, { "process.kill", ACT_HARD }, { "load.shed", ACT_REDUCE } };

        for (size_t i = 0; i < ARRAY_COUNT(kinds); i++)
                if (str_eq(kind, kinds[i].kind)) return kinds[i].action;
        return ACT_COUNT;
}

static double known(double value, double otherwise)
{
        return isnan(value) ? otherwise : value;
}

/* What a restart would cost the users now: the share of their requests that pass through the service and still go well. A service
 * that answers nobody in time can be restarted at no cost to anybody, however central it is. */
static double load_at_stake(const struct advisor *a, const struct live_service *s)
{
        double all = a->gateway >= 0 ? known(a->service[a->gateway].live.now[SIGNAL_RPS], 0) : 0;
        double share = all > 0 ? fmin(1, known(s->now[SIGNAL_RPS], 0) / all) : 0;

        return share * live_good(s->now[SIGNAL_ERRORS], s->now[SIGNAL_LATENCY], live_normal(s, SIGNAL_LATENCY, NAN));
}

bool advisor_seen(const struct advisor_service *s)
{
        return !isnan(s->live.now[SIGNAL_RPS]) || !isnan(s->live.now[SIGNAL_UP]);
}

/* Those who ask it, or the users at the front door, are not served well. Without this, whoever only cannot be measured would look hung. */
static bool missed_by_callers(const struct advisor *a, int service)
{
        if (service == a->gateway) return known(a->load.success, 1) < MISSED_BELOW;
        for (int i = 0; i < a->services; i++) {
                const struct live_service *s = &a->service[i].live;

                if (!(a->graph.calls[i] >> service & 1)) continue;
                if (live_good(s->now[SIGNAL_ERRORS], s->now[SIGNAL_LATENCY], live_normal(s, SIGNAL_LATENCY, NAN)) < MISSED_BELOW) return true;
        }
        return false;
}

void advisor_stakes(struct advisor *a)
{
        for (int i = 0; i < a->services; i++) {
                struct advisor_service *s = &a->service[i];
                bool down = known(s->live.now[SIGNAL_UP], 1) < 0.5;

                if (!s->target || !advisor_seen(s)) continue;
                /* Who never answered anybody's request (an adapter, who works from a queue) is missed by nobody who asks. */
                hung_see(&s->hung, !down || a->state != ADVISOR_WATCHING || live_normal(&s->live, SIGNAL_RPS, 0) <= 0, s->live.now[SIGNAL_RESTARTS], a->now_ms);
                a->safety.service[i].dependants = (float)load_at_stake(a, &s->live);
                a->safety.service[i].down = down;
                a->safety.service[i].hung = hung_is(&s->hung, a->now_ms) && missed_by_callers(a, i);
        }
}

/* A restart has no arguments: those that make it last, or aim it elsewhere, are not for an agent. */
static const char *args_forbidden(const struct advisor *a, enum sim_action action, const struct json *args, double *ret_admit)
{
        *ret_admit = json_get_num(args, "admit_percent", -1);
        if (action != ACT_REDUCE) return json_is(args, JSON_OBJECT) && !json_count(args) ? NULL : "an agent restarts without arguments";
        if (json_count(args) != 1 || !(*ret_admit >= 0 && *ret_admit <= 100)) return "letting fewer requests in takes 'admit_percent' from 0 to 100 and nothing else";
        return *ret_admit < 100 * (1 - (double)a->safety.config.shed_max) ? safety_text(SAFETY_SHED_LIMIT) : NULL;
}

const char *advisor_forbids(struct advisor *a, const struct advisor_step *step)
{
        AUTO(json_free) struct json *args = NULL;
        enum sim_action action = advisor_action_of(step->kind);
        int service = action == ACT_REDUCE ? a->gateway : advisor_service(a, step->on);
        enum safety_code code;
        const char *why;
        double admit;

        if (action == ACT_COUNT) return "an agent may restart, kill, or let fewer requests in, and nothing else";
        if (a->state != ADVISOR_WATCHING) return "no incident is running";
        if (service < 0) return "there is no such service";
        if (json_parse(step->args, strlen(step->args), &args, NULL)) return "its arguments cannot be read";
        why = args_forbidden(a, action, args, &admit);
        if (why || (action == ACT_REDUCE && admit >= 100)) return why; /* the end of it is always allowed */
        code = safety_check(&a->safety, service, action, a->now_ms);
        return code ? safety_text(code) : NULL;
}
