/* One file, in this order: YAML; shape (keys, types, ranges); values into the struct, names checked; rules that concern
 * several keys. Each part goes on as far as it can, so that one load tells everything. */
#include "server/engine/scenario_load.h"

#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "server/engine/load_internal.h"
#include "server/engine/shape.h"

enum {
        LOAD_ARENA_BYTES_MAX = 8 * 1024 * 1024,
        LOAD_SETTLE_MS = 10000, LOAD_BASELINE_WITHIN_MS = 90000, LOAD_CONFIRM_WITHIN_MS = 60000,
        LOAD_GUARD_FOR_MS = 5000,
        LOAD_LOAD_BYTES_MAX = 4096, LOAD_TIME_LIMIT_MS = 20 * 60 * 1000,
};

/* `load:` as configuration of loadgen. */
static void load_users(struct load *l)
{
        static const struct {
                const char *profile, *key, *knob;
                bool seconds;
        } rows[] = {
                { "ramp", "to_rps", "ramp_rps", false }, { "ramp", "over", "ramp_s", true },
                { "wave", "amplitude", "wave_rps", false }, { "wave", "period", "wave_s", true },
                { "burst", "to_rps", "burst_rps", false }, { "burst", "for", "burst_s", true },
                { "burst", "period", "burst_every_s", true }, { "replay", "step", "replay_step_s", true },
        };
        const struct yaml *map = yaml_get(l->root, "load");
        AUTO(json_free) struct json *args = json_object();
        AUTO_BUF text;

        l->s->load.profile = load_text(l, map, "profile", "steady");
        l->s->load.rps = load_number(map, "rps", 1);
        json_set_str(args, "profile", l->s->load.profile);
        json_set_num(args, "rps", l->s->load.rps);
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                if (!str_eq(rows[i].profile, l->s->load.profile) || !yaml_get(map, rows[i].key)) continue;
                json_set_num(args, rows[i].knob, rows[i].seconds ? (double)load_ms(map, rows[i].key, 0) / 1000 : load_number(map, rows[i].key, 0));
        }
        if (yaml_get(map, "trace")) json_set_str(args, "replay_rps", load_text(l, map, "trace", ""));
        if (yaml_get(map, "sign_in")) json_set_bool(args, "login", load_flag(map, "sign_in"));
        buf_init(&text, LOAD_LOAD_BYTES_MAX);
        if (json_print(args, &text) == ERR_OK) l->s->load.args_json = load_copy(l, text.data);
        else l->nomem = true;
}

static void load_event(struct load *l, const struct yaml *item, struct scenario_event *ret)
{
        const struct yaml *fault = yaml_get(item, "fault"), *herring = yaml_get(item, "herring"), *say = yaml_get(item, "say");

        *ret = (struct scenario_event){ .at_ms = load_ms(item, "at", 0), .jitter_ms = load_ms(item, "jitter", 0),
                                        .note = load_text(l, item, "note", ""), .from = "", .text = "",
                                        .step = { .kind = "", .on = "", .args_json = "{}" } };
        if (!!fault + !!herring + !!say != 1) {
                load_error(l, item, "an event of the timeline has %s; expected is exactly one of 'fault', 'herring' and 'say'",
                           fault || herring || say ? "more than one of them" : "none of them");
                return;
        }
        if (say) {
                ret->kind = SCENARIO_SAY;
                ret->from = load_text(l, say, "from", "");
                ret->text = load_text(l, say, "text", "");
                return;
        }
        ret->kind = fault ? SCENARIO_FAULT : SCENARIO_HERRING;
        ret->deploy = herring || yaml_get(item, "as");
        load_step(l, fault ? LOAD_FAULT : LOAD_HERRING, item, load_text(l, item, fault ? "fault" : "herring", ""), item, &ret->step);
}

/* Stable: events of one moment stay in the order of the file. */
static void sort_events(struct scenario_event *events, size_t count)
{
        for (size_t i = 1; i < count; i++)
                for (size_t k = i; k > 0 && events[k - 1].at_ms > events[k].at_ms; k--) {
                        struct scenario_event swap = events[k];

                        events[k] = events[k - 1];
                        events[k - 1] = swap;
                }
}

static void load_timeline(struct load *l)
{
        const struct yaml *list = yaml_get(l->root, "timeline");
        size_t count = load_maps_in(list, SCENARIO_TIMELINE_MAX), i = 0;
        struct scenario_event *events = load_array(l, count, sizeof *events);

        if (!events) return;
        YAML_EACH(item, list)
                if (item->kind == YAML_MAP && i < count) load_event(l, item, &events[i++]);
        sort_events(events, count);
        l->s->timeline = events;
        l->s->timeline_count = count;
}

static void load_guards(struct load *l)
{
        const struct yaml *list = yaml_get(l->root, "must_not");
        size_t count = load_maps_in(list, SCENARIO_GUARDS_MAX), i = 0;
        struct scenario_guard *guards = load_array(l, SCENARIO_RULES_MAX, sizeof *guards);

        if (!guards) return;
        YAML_EACH(item, count ? list : NULL) {
                const struct yaml *promql = yaml_get(item, "promql");
                struct scenario_guard *g = &guards[i];

                if (item->kind != YAML_MAP || i++ >= count) continue;
                *g = (struct scenario_guard){ .id = load_text(l, item, "id", ""), .reason = load_text(l, item, "reason", ""),
                                              .for_ms = load_ms(item, "for", LOAD_GUARD_FOR_MS), .final = load_flag(item, "final"),
                                              .when = { .promql = "", .text = "" } };
                if (promql && promql->kind == YAML_SCALAR) load_condition(l, promql, promql->text, &g->when);
        }
        l->s->guards = guards;
        l->s->guard_count = count;
        load_allow(l, guards);
}

static void load_symptom(struct load *l, const struct yaml *item)
{
        struct scenario_symptom *symptom = &l->s->confirm.symptom[l->s->confirm.symptom_count];
        const char *id = item->text;
        bool negated = str_starts(id, "not ");

        if (negated) id += 4 + strspn(id + 4, " ");
        *symptom = (struct scenario_symptom){ .text = load_copy(l, item->text), .negated = negated };
        symptom->criterion = load_criterion_find(l->s, id, strlen(id));
        if (symptom->criterion >= 0) {
                if (l->s->criteria[symptom->criterion].kind == SCENARIO_CHECK_REPLAY)
                        load_error(l, item, "'%s' is a replay; a symptom needs a criterion with 'promql' or 'probe'", id);
        } else if (l->s->criteria_count == 0) {
                return; /* reported already */
        } else if (negated || str_is_id(id, SCENARIO_ID_BYTES_MAX)) {
                load_error(l, item, "symptom '%s' names no criterion of this scenario; expected is 'not ID' or a comparison", item->text);
                return;
        } else if (!load_condition(l, item, id, &symptom->when)) {
                return;
        }
        l->s->confirm.symptom_count++;
}

static void load_confirm(struct load *l)
{
        const struct yaml *map = yaml_get(l->root, "confirm"), *list = yaml_get(map, "symptom");
        const struct yaml *baseline = yaml_get(l->root, "baseline");

        l->s->baseline.settle_ms = load_ms(baseline, "settle", LOAD_SETTLE_MS);
        l->s->baseline.within_ms = load_ms(baseline, "within", LOAD_BASELINE_WITHIN_MS);
        l->s->confirm.after_ms = load_ms(map, "after", 0);
        l->s->confirm.within_ms = load_ms(map, "within", LOAD_CONFIRM_WITHIN_MS);
        if (l->s->confirm.after_ms >= l->s->confirm.within_ms)
                load_error(l, yaml_get(map, "after"), "'after' of confirm is not before 'within'; nothing could be confirmed");
        YAML_EACH(item, list && list->kind == YAML_LIST ? list : NULL) {
                if (item->kind != YAML_SCALAR) continue;
                if (l->s->confirm.symptom_count == SCENARIO_SYMPTOMS_MAX) {
                        load_error(l, item, "more than %d symptoms", SCENARIO_SYMPTOMS_MAX);
                        break;
                }
                load_symptom(l, item);
        }
}

static void load_cause(struct load *l, const struct yaml *map, struct scenario_cause *ret)
{
        const struct yaml *component = yaml_get(map, "component"), *mechanism = yaml_get(map, "mechanism");
        const struct yaml *object = yaml_get(map, "object");

        *ret = (struct scenario_cause){ .component = load_text(l, map, "component", ""), .mechanism = load_text(l, map, "mechanism", ""),
                                        .object_kind = "", .object_name = "" };
        if (component && component->kind == YAML_SCALAR && !str_eq(component->text, "none")) load_known_service(l, component, component->text);
        if (mechanism && mechanism->kind == YAML_SCALAR) load_known_mechanism(l, mechanism, mechanism->text);
        if (!object || object->kind != YAML_MAP) return;
        if (object->count != 1 || object->first->kind != YAML_SCALAR) {
                load_error(l, object, "'object' is a mapping of %zu; expected is one pair such as {key: rpc_retries}", object->count);
                return;
        }
        ret->object_kind = load_copy(l, object->first->key);
        ret->object_name = load_copy(l, object->first->text);
        if (str_eq(ret->object_kind, "key")) load_known_key(l, object->first, ret->component, ret->object_name);
}

static void load_truth(struct load *l)
{
        const struct yaml *map = yaml_get(l->root, "truth"), *also = yaml_get(map, "also");

        if (!map || map->kind != YAML_MAP) return;
        load_cause(l, map, &l->s->causes[l->s->cause_count++]);
        YAML_EACH(item, also && also->kind == YAML_LIST ? also : NULL)
                if (l->s->cause_count < SCENARIO_CAUSES_MAX) load_cause(l, item, &l->s->causes[l->s->cause_count++]);
        l->s->path = load_words(l, map, "path");
        l->s->victims = load_words(l, map, "victims");
        for (size_t part = 0; part < 2; part++) {
                const struct yaml *list = yaml_get(map, part ? "victims" : "path");

                YAML_EACH(item, list && list->kind == YAML_LIST ? list : NULL)
                        if (item->kind == YAML_SCALAR) load_known_service(l, item, item->text);
        }
}

static void load_evidence(struct load *l)
{
        const struct yaml *map = yaml_get(l->root, "evidence");

        for (int part = 0; part < SCENARIO_TRAIL_COUNT; part++) {
                const struct yaml *list = yaml_get(map, scenario_trail_text((enum scenario_trail)part));

                l->s->evidence[part] = load_words(l, map, scenario_trail_text((enum scenario_trail)part));
                YAML_EACH(item, list && list->kind == YAML_LIST ? list : NULL)
                        if (item->kind == YAML_SCALAR) load_known_evidence(l, item, item->text);
        }
}

/* ID.unmet_for > 6m | ID.held_for > 10s | PromQL comparison */
static void load_when(struct load *l, const struct yaml *node, struct scenario_when *ret)
{
        const char *text = node->text, *dot = strchr(text, '.'), *after;
        int64_t ms;

        ret->text = load_copy(l, text);
        if (!dot || !(str_starts(dot, ".unmet_for") || str_starts(dot, ".held_for"))) {
                if (load_condition(l, node, text, &ret->value)) ret->kind = SCENARIO_WHEN_VALUE;
                return;
        }
        ret->criterion = load_criterion_find(l->s, text, (size_t)(dot - text));
        if (ret->criterion < 0 && l->s->criteria_count == 0) return; /* reported already */
        if (ret->criterion < 0) {
                load_error(l, node, "'when' names no criterion of this scenario: '%.*s'", (int)(dot - text), text);
                return;
        }
        after = dot + (dot[1] == 'u' ? strlen(".unmet_for") : strlen(".held_for"));
        after += strspn(after, " ");
        if (*after != '>' || str_parse_duration_ms(after + 1 + strspn(after + 1, " "), &ms) != ERR_OK) {
                load_error(l, node, "'when' is '%s'; expected is a form such as user_p95.unmet_for > 6m", text);
                return;
        }
        ret->kind = dot[1] == 'u' ? SCENARIO_WHEN_UNMET_FOR : SCENARIO_WHEN_HELD_FOR;
        ret->than_ms = ms;
}

/* The part of the evidence that a hint asks about, -1: none. */
static int load_hint_part(struct load *l, const struct yaml *item, const char *key, const char *id)
{
        const struct yaml *word = yaml_get(item, key);

        for (int part = 0; word && part < SCENARIO_TRAIL_COUNT; part++) {
                if (!str_eq(word->text, scenario_trail_text((enum scenario_trail)part))) continue;
                if (l->s->evidence[part].count == 0)
                        load_error(l, word, "hint '%s' asks whether '%s' was seen, but evidence.%s is empty", id, word->text, word->text);
                return part;
        }
        return -1;
}

static void load_hint(struct load *l, const struct yaml *item, size_t index, struct scenario_hint *h)
{
        const struct yaml *when = yaml_get(item, "when");
        char id[24];

        snprintf(id, sizeof id, "h%zu", index + 1);
        *h = (struct scenario_hint){ .id = load_text(l, item, "id", NULL), .text = load_text(l, item, "text", ""),
                                     .after_ms = load_ms(item, "after", 0), .unless_seen = -1, .seen = -1, .agent = load_flag(item, "agent"),
                                     .cost = (int)MAX(0, MIN(100, load_number(item, "cost", 0))), .when = { .text = "", .criterion = -1 } };
        if (!h->id) h->id = load_copy(l, id);
        h->unless_seen = load_hint_part(l, item, "unless_seen", h->id);
        h->seen = load_hint_part(l, item, "seen", h->id);
        if (when && when->kind == YAML_SCALAR) load_when(l, when, &h->when);
        if (h->agent && h->text[0]) load_error(l, item, "hint '%s' has both 'agent' and 'text'; the agent writes its own", h->id);
        if (!h->agent && !h->text[0]) load_error(l, item, "hint '%s' has no 'text'", h->id);
}

static void load_hints(struct load *l)
{
        const struct yaml *list = yaml_get(l->root, "hints");
        size_t count = load_maps_in(list, SCENARIO_HINTS_MAX), i = 0;
        struct scenario_hint *hints = load_array(l, count, sizeof *hints);

        if (!hints) return;
        YAML_EACH(item, list) {
                if (item->kind != YAML_MAP || i >= count) continue;
                load_hint(l, item, i, &hints[i]);
                i++;
        }
        l->s->hints = hints;
        l->s->hint_count = count;
}

static void load_recipes(struct load *l)
{
        const struct yaml *good = yaml_get(l->root, "solutions"), *bad = yaml_get(l->root, "wrong_fixes");
        size_t good_count = good && good->kind == YAML_LIST ? good->count : 0, bad_count = load_maps_in(bad, SCENARIO_SOLUTIONS_MAX);
        struct scenario_recipe *solutions, *wrong;

        if (good_count > SCENARIO_SOLUTIONS_MAX) {
                load_error(l, good, "'solutions' has %zu items; expected are at most %d", good_count, SCENARIO_SOLUTIONS_MAX);
                good_count = SCENARIO_SOLUTIONS_MAX;
        }
        solutions = load_array(l, good_count, sizeof *solutions);
        wrong = load_array(l, bad_count, sizeof *wrong);
        YAML_EACH(item, solutions ? good : NULL)
                if (l->s->solution_count < good_count) load_recipe(l, item, &solutions[l->s->solution_count++]);
        YAML_EACH(item, wrong ? bad : NULL) {
                const struct yaml *steps = yaml_get(item, "do");
                struct scenario_recipe *recipe = &wrong[l->s->wrong_fix_count];

                if (item->kind != YAML_MAP || l->s->wrong_fix_count >= bad_count) continue;
                l->s->wrong_fix_count++;
                if (steps) load_recipe(l, steps, recipe);
                recipe->explain = load_text(l, item, "explain", "");
        }
        l->s->solutions = solutions;
        l->s->wrong_fixes = wrong;
}

static void load_head(struct load *l)
{
        struct scenario *s = l->s;

        s->id = load_text(l, l->root, "id", "");
        s->title = load_text(l, l->root, "title", "");
        s->brief = load_text(l, l->root, "brief", "");
        s->debrief = load_text(l, l->root, "debrief", "");
        s->instructor = load_text(l, l->root, "instructor", "");
        s->level = (int)MAX(1, MIN(5, load_number(l->root, "level", 1)));
        s->order = (int)MAX(0, MIN(999, load_number(l->root, "order", 0)));
        s->time_limit_ms = load_ms(l->root, "time_limit", LOAD_TIME_LIMIT_MS);
        if (s->time_limit_ms < 60 * 1000 || s->time_limit_ms > SCENARIO_TIME_LIMIT_MS_MAX) s->time_limit_ms = LOAD_TIME_LIMIT_MS; /* reported */
        s->seed = (uint64_t)MAX(1, MIN(4294967295.0, load_number(l->root, "seed", 1)));
        s->tags = load_words(l, l->root, "tags");
        s->objectives = load_words(l, l->root, "objectives");
        s->false_alarm = load_flag(l->root, "false_alarm");
        s->needs_diagnosis = load_flag(l->root, "needs_diagnosis") || s->false_alarm; /* there is nothing else to do right */
        s->restart_ok = load_flag(l->root, "restart_ok");
        s->load.args_json = "{}";
}

static void load_all(struct load *l, const char *name)
{
        shape_check(&shape_scenario, l->root, l->diags);
        if (l->root->kind != YAML_MAP) return;
        load_head(l);
        load_users(l);
        load_timeline(l);
        load_criteria(l);
        load_guards(l);
        load_confirm(l);
        load_truth(l);
        load_evidence(l);
        load_hints(l);
        load_recipes(l);
        load_rules(l);
        if (name && l->s->id[0]) {
                const char *base = strrchr(name, '/');
                char want[SCENARIO_ID_BYTES_MAX + 8];

                base = base ? base + 1 : name;
                snprintf(want, sizeof want, "%.64s.yaml", l->s->id);
                if (!str_eq(base, want))
                        load_error(l, yaml_get(l->root, "id"), "id '%s' is not the file's name; expected is '%.*s', or a file named '%s'",
                                   l->s->id, (int)strcspn(base, "."), base, want);
        }
}

enum err scenario_load(const char *bytes, size_t size_bytes, const char *name, const struct scenario_world *world,
                       struct diag_list *diags, struct scenario **ret)
{
        AUTO(scenario_free) struct scenario *s = NULL;
        AUTO(yaml_free) struct yaml *root = NULL;
        struct load l;
        enum err e;

        if (size_bytes > SCENARIO_FILE_BYTES_MAX) {
                diag_error(diags, 0, 0, "the file has %zu bytes; at most %d are allowed", size_bytes, SCENARIO_FILE_BYTES_MAX);
                return ERR_LIMIT;
        }
        e = yaml_parse(bytes, size_bytes, diags, &root);
        if (e) return e;
        if (!root) {
                diag_error(diags, 0, 0, "the file is empty; expected is a scenario");
                return ERR_PARSE;
        }
        s = mem_zalloc(1, sizeof *s);
        if (!s) return ERR_NOMEM;
        arena_init(&s->arena, LOAD_ARENA_BYTES_MAX);
        l = (struct load){ .s = s, .world = world, .diags = diags, .root = root };
        load_all(&l, name);
        diag_list_sort(diags);
        if (l.nomem) return ERR_NOMEM;
        if (diags->error_count) return ERR_PARSE;
        *ret = take(&s);
        return ERR_OK;
}
