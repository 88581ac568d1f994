/* The rules of every scenario (load_allow.c), as far as actions break them. An action breaks a rule as long as it is in force: not
 * undone, and not made good by a later one. What a solution of the scenario does is a fair repair and breaks nothing. */
#include <string.h>

#include "common/base/check.h"
#include "common/base/str.h"
#include "common/text/json.h"
#include "server/engine/run_internal.h"

/* Settings that switch a part of the shop off. to: the value, as JSON; NULL: any. */
static const struct {
        enum scenario_rule rule;
        const char *on, *key, *to;
} settings[] = {
        { SCENARIO_RULE_USERS, "loadgen", NULL, NULL },
        { SCENARIO_RULE_FEATURES, "api", "feature_live_stock", "false" },
        { SCENARIO_RULE_FEATURES, "gateway", "token_mode", "\"off\"" },
        { SCENARIO_RULE_FEATURES, "worker", "paused", "true" },
        { SCENARIO_RULE_FEATURES, "payments", "idempotency_keys", "false" },
        { SCENARIO_RULE_DATA, "mq", "jobs_max_messages", NULL },
        { SCENARIO_RULE_DATA, "mq", "jobs_max_age_s", NULL },
};

static bool setting_breaks(size_t row, const struct json *change)
{
        AUTO(json_free) struct json *bad = NULL;
        const struct json *from = json_get(change, "from"), *to = json_get(change, "to");

        if (settings[row].rule == SCENARIO_RULE_DATA) return json_value(to) < json_value(from); /* jobs beyond a lower limit are thrown away */
        if (!settings[row].to) return true;
        if (json_parse(settings[row].to, strlen(settings[row].to), &bad, NULL) != ERR_OK) return false;
        return json_equal(to, bad) && !json_equal(from, to);
}

static bool change_breaks(const struct run_task *task, enum scenario_rule rule, bool *nomem)
{
        AUTO(json_free) struct json *changed = NULL;

        if (json_parse(task->changed, strlen(task->changed), &changed, NULL) != ERR_OK) {
                *nomem = true; /* it was checked when it came in */
                return false;
        }
        for (size_t row = 0; row < ARRAY_COUNT(settings); row++) {
                if (settings[row].rule != rule || !str_eq(settings[row].on, task->on)) continue;
                JSON_EACH(member, changed)
                        if ((!settings[row].key || str_eq(settings[row].key, json_key(member))) && setting_breaks(row, member)) return true;
        }
        return false;
}

/* Which rule it breaks to take this process away. */
static enum scenario_rule process_rule(const struct run *run, const char *on)
{
        static const char *const watchers[] = { "prometheus", "alertmanager", "logproc" };
        const struct world_service *service = run->world ? world_service_find(run->world, on) : NULL;

        if (str_eq(on, "loadgen")) return SCENARIO_RULE_USERS;
        for (size_t i = 0; i < ARRAY_COUNT(watchers); i++)
                if (str_eq(on, watchers[i])) return SCENARIO_RULE_ALERTS;
        return service && service->adapter_of ? SCENARIO_RULE_ALERTS : SCENARIO_RULE_FEATURES;
}

static bool is_taking_away(const struct run_task *task)
{
        return str_eq(task->kind, "process.stop") || str_eq(task->kind, "process.pause");
}

static bool in_force(const struct run *run, size_t action)
{
        const struct run_action *a = &run->actions[action];

        return !a->is_undo && a->state == RUN_ACTION_APPLIED && !a->undone && run->tasks[a->task - 1]->state == RUN_TASK_APPLIED;
}

/* A later action on the same place: the process runs again, or the same keys were set anew (and are judged there). */
static bool made_good(const struct run *run, size_t action, bool *nomem)
{
        const struct run_task *task = run->tasks[run->actions[action].task - 1];

        for (size_t i = action + 1; i < run->action_count; i++) {
                const struct run_task *later = run->tasks[run->actions[i].task - 1];
                AUTO(json_free) struct json *old = NULL, *new = NULL;

                if (run->actions[i].is_undo || run->actions[i].state != RUN_ACTION_APPLIED || run->actions[i].undone || !str_eq(later->on, task->on)) continue;
                if (is_taking_away(task)) {
                        if (str_starts(later->kind, "process.") && !is_taking_away(later)) return true;
                        continue;
                }
                if (json_parse(task->changed, strlen(task->changed), &old, NULL) != ERR_OK || json_parse(later->changed, strlen(later->changed), &new, NULL) != ERR_OK) {
                        *nomem = true;
                        return false;
                }
                JSON_EACH(member, old)
                        if (json_get(new, json_key(member))) return true;
        }
        return false;
}

static bool is_a_solution(const struct run *run, const struct run_task *task, bool *nomem)
{
        for (size_t i = 0; i < run->s->solution_count; i++)
                for (size_t k = 0; k < run->s->solutions[i].count; k++)
                        if (run_step_matches(run, &run->s->solutions[i].step[k], task, nomem)) return true;
        return false;
}

static bool broken_by_actions(struct run *run, enum scenario_rule rule)
{
        for (size_t i = 0; i < run->action_count; i++) {
                const struct run_task *task = run->tasks[run->actions[i].task - 1];
                bool breaks;

                if (!in_force(run, i)) continue;
                breaks = is_taking_away(task) ? process_rule(run, task->on) == rule : change_breaks(task, rule, &run->nomem);
                if (breaks && !is_a_solution(run, task, &run->nomem) && !made_good(run, i, &run->nomem)) return true;
        }
        return false;
}

void run_rules_actions(struct run *run)
{
        if (run->state != RUN_RUNNING) return;
        for (size_t i = 0; i < run->s->guard_count; i++) {
                const struct scenario_guard *def = &run->s->guards[i];
                struct run_guard *g = &run->guards[i];

                if (def->rule == SCENARIO_RULE_NONE) continue;
                g->cheated = broken_by_actions(run, def->rule);
                run_guard_set(run, i, g->cheated || (g->bad_ms && run->now_ms - g->bad_ms >= def->for_ms));
        }
}
