/* Rules that concern more than one key: what the shape of a file cannot say. */
#include <stdio.h>
#include <string.h>

#include "common/base/str.h"
#include "common/text/json.h"
#include "server/engine/load_internal.h"

static const struct yaml *item_at(const struct yaml *list, size_t index)
{
        size_t i = 0;

        YAML_EACH(item, list && list->kind == YAML_LIST ? list : NULL)
                if (item->kind == YAML_MAP && i++ == index) return item;
        return NULL;
}

static void rule_unique_ids(struct load *l)
{
        const struct yaml *criteria = yaml_get(l->root, "criteria"), *guards = yaml_get(l->root, "must_not"), *hints = yaml_get(l->root, "hints");
        const struct scenario *s = l->s;

        for (size_t i = 0; i < s->criteria_count + s->guard_count; i++) {
                const char *id = i < s->criteria_count ? s->criteria[i].id : s->guards[i - s->criteria_count].id;

                for (size_t k = 0; k < i; k++) {
                        const char *other = k < s->criteria_count ? s->criteria[k].id : s->guards[k - s->criteria_count].id;

                        if (!id[0] || !str_eq(id, other)) continue;
                        load_error(l, i < s->criteria_count ? item_at(criteria, i) : item_at(guards, i - s->criteria_count),
                                   "the id '%s' is used twice among criteria and guards", id);
                        break;
                }
        }
        for (size_t i = 0; i < s->hint_count; i++)
                for (size_t k = 0; k < i; k++)
                        if (str_eq(s->hints[i].id, s->hints[k].id)) {
                                load_error(l, item_at(hints, i), "the hint id '%s' is used twice", s->hints[i].id);
                                break;
                        }
}

static void rule_timeline(struct load *l)
{
        const struct yaml *list = yaml_get(l->root, "timeline");
        const struct scenario *s = l->s;
        size_t faults = 0;

        for (size_t i = 0; i < s->timeline_count; i++) {
                const struct scenario_event *event = &s->timeline[i];

                if (event->kind == SCENARIO_FAULT) faults++;
                if (event->at_ms >= s->time_limit_ms)
                        load_error(l, item_at(list, i), "an event at %lld s comes after the time limit of %lld s",
                                   (long long)(event->at_ms / 1000), (long long)(s->time_limit_ms / 1000));
        }
        if (!list || list->kind != YAML_LIST) return;
        if (!faults && !s->false_alarm)
                load_error(l, list, "the timeline has no 'fault'; expected is at least one, or 'false_alarm: true'");
        if (faults && s->false_alarm) load_error(l, list, "a false alarm has no 'fault'; use 'herring' and 'say'");
}

static void rule_criteria(struct load *l)
{
        const struct yaml *list = yaml_get(l->root, "criteria");
        const struct scenario *s = l->s;
        size_t checks = 0;

        for (size_t i = 0; i < s->criteria_count; i++) {
                const struct scenario_criterion *c = &s->criteria[i];

                if (scenario_is_sampled(c) && (c->mode == SCENARIO_MODE_CONTINUOUS || c->mode == SCENARIO_MODE_DURING)) checks++;
                if (c->hold_ms >= s->time_limit_ms)
                        load_error(l, item_at(list, i), "criterion '%s' must hold for %lld s, longer than the time limit", c->id,
                                   (long long)(c->hold_ms / 1000));
        }
        if (list && list->kind == YAML_LIST && list->count && !checks)
                load_error(l, list, "no criterion with 'promql' or 'probe' is judged during the incident; expected is at least one");
}

static void rule_truth(struct load *l)
{
        const struct yaml *truth = yaml_get(l->root, "truth");
        const struct scenario *s = l->s;
        const struct scenario_cause *cause = &s->causes[0];

        if (!truth || !s->cause_count) return;
        if (s->false_alarm && !str_eq(cause->mechanism, "false_alarm"))
                load_error(l, truth, "a false alarm has the mechanism 'false_alarm', not '%s'", cause->mechanism);
        if (!s->false_alarm && str_eq(cause->mechanism, "false_alarm"))
                load_error(l, truth, "the mechanism 'false_alarm' needs 'false_alarm: true'");
        for (size_t i = 0; i < s->victims.count; i++)
                if (str_eq(s->victims.item[i], cause->component))
                        load_error(l, truth, "'%s' cannot be both the cause and a victim", cause->component);
}

static void rule_score(struct load *l)
{
        const struct yaml *score = yaml_get(l->root, "score");
        static const char *const parts[] = { "outcome", "harm", "diagnosis", "hints" };
        int *const points[] = { &l->s->score.outcome, &l->s->score.harm, &l->s->score.diagnosis, &l->s->score.hints };
        static const int presets[] = { 50, 20, 20, 10 };
        bool good = true;
        int sum = 0;

        for (size_t i = 0; i < ARRAY_COUNT(parts); i++)
                *points[i] = presets[i];
        if (!score) return;
        l->s->score_off = score->kind == YAML_SCALAR;
        if (score->kind != YAML_MAP) return;
        YAML_EACH(child, score) {
                char hint[160];
                size_t i = 0;
                double value = child->kind == YAML_SCALAR && !child->quoted ? load_number(score, child->key, -1) : -1;

                while (i < ARRAY_COUNT(parts) && !str_eq(parts[i], child->key))
                        i++;
                if (i == ARRAY_COUNT(parts)) {
                        load_suggest(hint, sizeof hint, child->key, parts, ARRAY_COUNT(parts));
                        good = false;
                        load_error(l, child, "unknown part '%s' of the score%s", child->key, hint);
                } else if (value < 0 || value > 100 || value != (double)(int)value) {
                        good = false;
                        load_error(l, child, "'%s' is not a whole number of points from 0 to 100", child->key);
                } else {
                        *points[i] = (int)value;
                }
        }
        for (size_t i = 0; i < ARRAY_COUNT(parts); i++) {
                if (!yaml_get(score, parts[i])) *points[i] = 0;
                sum += *points[i];
        }
        if (good && sum != 100) load_error(l, score, "the points of the score add up to %d; expected is 100", sum);
}

static bool step_same(const struct scenario_step *a, const struct scenario_step *b)
{
        return str_eq(a->kind, b->kind) && str_eq(a->on, b->on) && str_eq(a->args_json, b->args_json);
}

static bool recipe_same(const struct scenario_recipe *a, const struct scenario_recipe *b)
{
        if (a->count != b->count || !a->count) return false;
        for (size_t i = 0; i < a->count; i++)
                if (!step_same(&a->step[i], &b->step[i])) return false;
        return true;
}

static void rule_recipes(struct load *l)
{
        const struct yaml *solutions = yaml_get(l->root, "solutions"), *wrong = yaml_get(l->root, "wrong_fixes");
        const struct scenario *s = l->s;

        if (!s->solution_count && !s->false_alarm)
                load_error(l, solutions ? solutions : l->root, "the scenario has no 'solutions'; expected is at least one that repairs it");
        if (!s->wrong_fix_count) load_warning(l, wrong ? wrong : l->root, "no 'wrong_fixes': the debrief cannot explain any");
        for (size_t i = 0; i < s->wrong_fix_count; i++)
                for (size_t k = 0; k < s->solution_count; k++)
                        if (recipe_same(&s->wrong_fixes[i], &s->solutions[k]))
                                load_error(l, item_at(wrong, i), "this wrong fix is also solution %zu", k + 1);
        for (size_t i = 1; i < s->solution_count; i++)
                for (size_t k = 0; k < i; k++)
                        if (recipe_same(&s->solutions[i], &s->solutions[k]))
                                load_error(l, solutions, "solutions %zu and %zu are the same", k + 1, i + 1);
}

/* A hint that names the very key a solution changes takes the exercise away. */
static void rule_hints(struct load *l)
{
        const struct yaml *list = yaml_get(l->root, "hints");
        const struct scenario *s = l->s;

        if (!s->hint_count && !s->false_alarm) load_warning(l, list ? list : l->root, "no 'hints': a learner who is stuck stays stuck");
        for (size_t i = 0; i < s->hint_count; i++)
                for (size_t k = 0; k < s->solution_count; k++)
                        for (size_t n = 0; n < s->solutions[k].count; n++) {
                                AUTO(json_free) struct json *value = load_json(l, s->solutions[k].step[n].args_json);

                                JSON_EACH(member, value)
                                        if (strchr(json_key(member), '_') && strstr(s->hints[i].text, json_key(member)))
                                                load_warning(l, item_at(list, i), "hint '%s' gives the answer away: it names '%s'",
                                                             s->hints[i].id, json_key(member));
                        }
}

static void rule_rest(struct load *l)
{
        const struct scenario *s = l->s;
        size_t evidence = 0;

        for (int part = 0; part < SCENARIO_TRAIL_COUNT; part++)
                evidence += s->evidence[part].count;
        if (!evidence && !s->false_alarm)
                load_warning(l, l->root, "no 'evidence': the trail of the investigation cannot be judged");
        if (s->confirm.symptom_count && s->false_alarm)
                load_error(l, yaml_get(l->root, "confirm"), "a false alarm has no symptom to confirm");
        if (str_eq(s->load.profile, "ramp") && !strstr(s->load.args_json, "\"ramp_rps\""))
                load_error(l, yaml_get(l->root, "load"), "a ramp has no 'to_rps'; expected is the rate at its end");
        if (str_eq(s->load.profile, "burst") && !strstr(s->load.args_json, "\"burst_rps\""))
                load_error(l, yaml_get(l->root, "load"), "a burst has no 'to_rps'; expected is the rate while it lasts");
        if (str_eq(s->load.profile, "wave") && !strstr(s->load.args_json, "\"wave_rps\""))
                load_error(l, yaml_get(l->root, "load"), "a wave has no 'amplitude'; expected is how far the rate swings");
        if (str_eq(s->load.profile, "replay") && !strstr(s->load.args_json, "\"replay_rps\""))
                load_error(l, yaml_get(l->root, "load"), "a replay has no 'trace'; expected are rates such as '20,40,60,40'");
}

void load_rules(struct load *l)
{
        rule_unique_ids(l);
        rule_timeline(l);
        rule_criteria(l);
        rule_truth(l);
        rule_score(l);
        rule_recipes(l);
        rule_hints(l);
        rule_rest(l);
}
