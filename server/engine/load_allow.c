/* The rules of every scenario: an author need not think of the cheats that every incident has. `allow` switches them off one
 * by one; a guard of the author's with the same id takes the place of one. What actions break them is in run_rules.c. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/base/str.h"
#include "server/engine/load_internal.h"

enum { ALLOW_USERS_FOR_MS = 15000, ALLOW_DATA_FOR_MS = 10000 };
#define ALLOW_USERS_SHARE 0.5 /* of the least rate the scenario sends */
#define ALLOW_DATA_QUERY "sum(postgres_rows{table=~\"customers|orders|products\"})"
#define ALLOW_DATA_SHARE 0.8  /* of the healthy system's; the server's own estimate of rows is not exact */

static const struct {
        const char *word, *id, *reason;
} rules[SCENARIO_RULE_COUNT] = {
#define X(name, word, id, reason) [SCENARIO_RULE_##name] = { word, id, reason },
        SCENARIO_RULE_LIST(X)
#undef X
};

static double arg_number(struct load *l, const char *args_json, const char *key, double otherwise)
{
        AUTO(json_free) struct json *args = load_json(l, args_json);

        return json_get_num(args, key, otherwise);
}

/* The least of "20,40,60". */
static double least_of_trace(const char *trace, double otherwise)
{
        double least = otherwise;

        for (const char *at = trace; *at;) {
                char part[32];
                double value;
                size_t size = strcspn(at, ",");

                str_cut(part, MIN(sizeof part, size + 1), at);
                if (str_parse_double(part, &value) == ERR_OK) least = fmin(least, value);
                at += size + (at[size] == ',');
        }
        return least;
}

/* The least rate that the scenario itself sends at any time; 0: nobody can say. */
static double least_rps(struct load *l)
{
        const struct scenario *s = l->s;
        const char *args = s->load.args_json;
        double least = s->load.rps;

        if (str_eq(s->load.profile, "ramp")) least = fmin(least, arg_number(l, args, "ramp_rps", least));
        if (str_eq(s->load.profile, "wave")) least -= arg_number(l, args, "wave_rps", 0);
        if (str_eq(s->load.profile, "replay")) {
                AUTO(json_free) struct json *value = load_json(l, args);

                least = least_of_trace(json_get_str(value, "replay_rps", ""), least);
        }
        for (size_t i = 0; i < s->timeline_count; i++) {
                const struct scenario_step *step = &s->timeline[i].step;

                if (s->timeline[i].kind == SCENARIO_SAY) continue;
                if (str_eq(step->on, "loadgen") || strstr(step->on, "loadgen->")) return 0;
                if (!str_starts(step->kind, "load.")) continue;
                least = fmin(least, arg_number(l, step->args_json, "rps", least) - arg_number(l, step->args_json, "amplitude", 0));
        }
        return fmax(0, least);
}

static bool allowed(const struct load *l, enum scenario_rule rule)
{
        const struct yaml *list = yaml_get(l->root, "allow");

        YAML_EACH(item, list && list->kind == YAML_LIST ? list : NULL)
                if (item->kind == YAML_SCALAR && str_eq(item->text, rules[rule].word)) return true;
        for (size_t i = 0; i < l->s->guard_count; i++)
                if (str_eq(l->s->guards[i].id, rules[rule].id)) return true;
        return false;
}

static void check_words(struct load *l)
{
        const struct yaml *list = yaml_get(l->root, "allow");
        const char *words[SCENARIO_RULE_COUNT];
        size_t count = 0;

        for (int rule = SCENARIO_RULE_NONE + 1; rule < SCENARIO_RULE_COUNT; rule++)
                words[count++] = rules[rule].word;
        YAML_EACH(item, list && list->kind == YAML_LIST ? list : NULL) {
                char hint[160];
                size_t i = 0;

                if (item->kind != YAML_SCALAR) continue;
                while (i < count && !str_eq(words[i], item->text))
                        i++;
                load_suggest(hint, sizeof hint, item->text, words, count);
                if (i == count) load_error(l, item, "unknown rule '%.40s' in 'allow'%s%s", item->text, hint, hint[0] ? "" : "; expected are users, data, alerts, features");
        }
}

void load_allow(struct load *l, struct scenario_guard *guards)
{
        double least = least_rps(l);

        check_words(l);
        for (int rule = SCENARIO_RULE_NONE + 1; rule < SCENARIO_RULE_COUNT; rule++) {
                struct scenario_guard *g = &guards[l->s->guard_count];

                if (allowed(l, (enum scenario_rule)rule)) continue;
                *g = (struct scenario_guard){ .id = rules[rule].id, .reason = rules[rule].reason, .rule = (enum scenario_rule)rule,
                                              .when = { .promql = "", .text = "" } };
                if (rule == SCENARIO_RULE_USERS && least * ALLOW_USERS_SHARE >= 1) {
                        g->when = (struct scenario_condition){ .promql = "fd:offered_rps", .text = "fd:offered_rps", .op = SCENARIO_OP_LT,
                                                               .threshold = least * ALLOW_USERS_SHARE };
                        g->for_ms = ALLOW_USERS_FOR_MS;
                }
                if (rule == SCENARIO_RULE_DATA) {
                        g->when = (struct scenario_condition){ .promql = ALLOW_DATA_QUERY, .text = ALLOW_DATA_QUERY, .op = SCENARIO_OP_LT,
                                                               .threshold = ALLOW_DATA_SHARE, .of_baseline = true };
                        g->for_ms = ALLOW_DATA_FOR_MS;
                }
                l->s->guard_count++;
        }
}
