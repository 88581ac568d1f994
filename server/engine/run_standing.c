/* Where a run stands: score, harm, clocks, changes and restarts of this moment. One implementation for everybody who plays,
 * so that a learner, the agent and a rule can be told side by side. Also what of a repair lies outside an agent's reach.
 *
 * user-minutes  the users at once x the share of requests that did not go well x minutes, from onset
 * restarts      applied process.restart and process.kill; unnecessary: no reference solution has that step */
#include <math.h>
#include <string.h>

#include "common/base/str.h"
#include "common/text/json.h"
#include "server/engine/json_put.h"
#include "server/engine/run_internal.h"
#include "server/engine/run_json.h"

enum { RUN_USERS_OTHERWISE = 50 };

/* What a recovery agent can do at all; everything else is repair. */
static const char *const agent_kinds[] = { "process.restart", "process.kill", "load.shed" };

static bool agent_can(const char *kind)
{
        for (size_t i = 0; i < ARRAY_COUNT(agent_kinds); i++)
                if (str_eq(kind, agent_kinds[i])) return true;
        return false;
}

/* The users at once, as the load generator begins with. */
void run_users_find(struct run *run)
{
        const struct world_service *loadgen = run->world ? world_service_find(run->world, "loadgen") : NULL;
        AUTO(json_free) struct json *schema = NULL;
        enum err e = ERR_OK;

        if (loadgen && loadgen->config_schema) e = json_parse(loadgen->config_schema, strlen(loadgen->config_schema), &schema, NULL);
        if (e) run->nomem = true; /* the schema was read before */
        run->users = fmax(1, json_get_num(json_path(schema, "/properties/users"), "default", RUN_USERS_OTHERWISE));
}

static bool is_restart(const struct run_action *action)
{
        return !action->is_undo && action->state == RUN_ACTION_APPLIED && (str_eq(action->kind, "process.restart") || str_eq(action->kind, "process.kill"));
}

static bool asked_for(const struct run *run, const struct run_task *task, bool *nomem)
{
        for (size_t i = 0; i < run->s->solution_count; i++)
                for (size_t k = 0; k < run->s->solutions[i].count; k++)
                        if (run_step_matches(run, &run->s->solutions[i].step[k], task, nomem)) return true;
        return false;
}

static void put_changes(const struct run *run, struct buf *out)
{
        int64_t changes = 0, restarts = 0, unnecessary = 0;
        bool nomem = false;

        for (size_t i = 0; i < run->action_count; i++) {
                changes += !run->actions[i].is_undo && run->actions[i].state == RUN_ACTION_APPLIED;
                if (!is_restart(&run->actions[i])) continue;
                restarts++;
                unnecessary += !asked_for(run, run->tasks[run->actions[i].task - 1], &nomem);
        }
        put_int(out, "changes", changes);
        put_int(out, "restarts", restarts);
        put_int(out, "unnecessary_restarts", unnecessary);
        if (nomem && out->status == ERR_OK) out->status = ERR_NOMEM;
}

void run_standing_json(const struct run *run, struct buf *out)
{
        const struct run_harm *h = &run->harm;
        int64_t now_ms = run->ended_ms ? run->ended_ms : run->now_ms, met = 0;

        for (size_t i = 0; i < run->s->criteria_count; i++)
                met += run->criteria[i].known && run->criteria[i].ok;
        buf_char(out, '{');
        put_str(out, "id", run->id);
        put_str(out, "state", run_state_text(run->state));
        if (run->onset_ms) put_int(out, "at_ms", now_ms - run->onset_ms);
        else put_null(out, "at_ms");
        put_int(out, "met", met);
        put_int(out, "criteria", (int64_t)run->s->criteria_count);
        put_num(out, "users", run->users);
        put_num(out, "user_minutes_lost", round(h->user_ms / 600.0) / 100.0);
        put_int(out, "requests_lost", llround(h->lost));
        put_int(out, "requests_offered", llround(h->offered));
        put_int(out, "orders_lost", llround(h->orders_lost));
        put_int(out, "revenue_lost_cents", llround(h->revenue_lost_cents));
        put_int(out, "unmet_ms", h->bad_ms);
        put_num(out, "utility", round((h->utility - h->cost) * 1000.0) / 1000.0);
        put_changes(run, out);
        put_key(out, "clocks");
        buf_char(out, '{');
        for (int i = 0; i < RUN_CLOCK_COUNT; i++)
                if (run_clock(run, (enum run_clock)i) >= 0) put_int(out, run_clock_text((enum run_clock)i), run_clock(run, (enum run_clock)i));
        buf_char(out, '}');
        put_key(out, "score");
        run_score_json(run, out);
        buf_char(out, '}');
}

/* What the healthy system showed of one query, while the baseline held; NAN: no criterion of this scenario watches it. */
static double healthy_mean(const struct run *run, const char *query)
{
        for (size_t i = 0; i < run->query_count; i++)
                if (!run->probe[i] && str_eq(run->query[i], query) && run->base[i].count > 0) return run->base[i].mean;
        return NAN;
}

void run_harm_json(const struct run *run, struct buf *out)
{
        const struct run_harm *h = &run->harm;
        bool is_known = h->healthy_count > 0, begun = run->onset_ms != 0;
        double success = healthy_mean(run, "fd:user_success:ratio10s"), growth = begun ? run_harm_growth(run) : 1;

        if (!isfinite(success) && is_known && h->healthy_offered > 0) success = fmin(1, h->healthy_goodput / h->healthy_offered);
        buf_char(out, '{');
        put_str(out, "id", run->id);
        if (begun) put_int(out, "at_ms", h->at_ms - run->onset_ms);
        else put_null(out, "at_ms");
        put_int(out, "requests_lost", llround(h->lost));
        put_int(out, "requests_offered", llround(h->offered));
        put_num(out, "orders_lost", begun && is_known ? round(h->orders_lost * 10.0) / 10.0 : NAN);
        if (begun && h->revenue_known) put_int(out, "revenue_lost_cents", llround(h->revenue_lost_cents));
        else put_null(out, "revenue_lost_cents");
        put_key(out, "healthy");
        buf_char(out, '{');
        put_num(out, "success", success);
        put_num(out, "latency_p95_s", healthy_mean(run, "fd:user_latency:p95_10s"));
        put_num(out, "goodput_rps", is_known ? h->healthy_goodput * growth : NAN);
        put_num(out, "orders_rps", is_known ? h->healthy_orders * growth : NAN);
        buf_str(out, "}}");
}

static size_t beyond_count(const struct scenario_recipe *recipe)
{
        size_t count = 0;

        for (size_t k = 0; k < recipe->count; k++)
                count += !agent_can(recipe->step[k].kind);
        return count;
}

void run_agent_limits_json(const struct run *run, struct buf *out)
{
        const struct scenario_recipe *best = NULL;

        for (size_t i = 0; i < run->s->solution_count; i++)
                if (!best || beyond_count(&run->s->solutions[i]) < beyond_count(best)) best = &run->s->solutions[i];
        buf_char(out, '{');
        put_bool(out, "can_repair", !best || beyond_count(best) == 0);
        put_key(out, "beyond");
        buf_char(out, '[');
        for (size_t k = 0; best && k < best->count; k++) {
                if (agent_can(best->step[k].kind)) continue;
                put_item(out);
                buf_char(out, '{');
                put_str(out, "kind", best->step[k].kind);
                put_str(out, "on", best->step[k].on);
                put_raw(out, "args", best->step[k].args_json);
                buf_char(out, '}');
        }
        buf_str(out, "]}");
}
