/* `criteria:` of a scenario: what is measured (an expression, a probe of the page, a fault that is played again), what it is compared with, and when. */
#include <string.h>

#include "common/base/str.h"
#include "server/engine/fault.h"
#include "server/engine/load_internal.h"
#include "server/engine/target.h"

enum { LOAD_HOLD_MS = 30000, LOAD_RECOVER_WITHIN_MS = 60000 };

static void load_target(struct load *l, const struct yaml *item, const char *usual, struct scenario_criterion *c)
{
        const struct yaml *target = yaml_get(item, "target");
        struct target t;

        c->check.text = load_text(l, item, "target", usual ? usual : "");
        if (!target && !usual) load_error(l, item, "criterion '%s' has no 'target'; expected is a comparison such as '>= 0.98'", c->id);
        if (target_parse(c->check.text, &t) != ERR_OK) { /* reported by the shape */
                c->check.text = "";
                return;
        }
        c->check.op = t.op;
        c->check.threshold = t.threshold;
        c->check.of_baseline = t.of_baseline;
        if (t.of_baseline && c->mode == SCENARIO_MODE_BEFORE)
                load_error(l, target, "criterion '%s' is judged before the incident only, when there is no baseline to compare with yet", c->id);
}

static void load_check(struct load *l, const struct yaml *item, struct scenario_criterion *c)
{
        const struct yaml *promql = yaml_get(item, "promql"), *probe = yaml_get(item, "probe");

        c->kind = probe ? SCENARIO_CHECK_PROBE : SCENARIO_CHECK_PROMQL;
        c->check.promql = load_text(l, item, "promql", "");
        load_target(l, item, probe ? load_probe(l, probe, &c->probe) : NULL, c);
        if (!yaml_get(item, "title")) load_error(l, item, "criterion '%s' has no 'title'; the learner reads it", c->id);
        if (promql && promql->kind == YAML_SCALAR) load_known_metrics(l, promql, promql->text);
}

/* Arguments a replay does not give come from the first event of the timeline with that kind. */
static void load_replay(struct load *l, const struct yaml *item, struct scenario_criterion *c)
{
        const char *kind = load_text(l, item, "replay", "");
        const struct scenario_event *like = NULL;

        c->kind = SCENARIO_CHECK_REPLAY;
        c->check = (struct scenario_condition){ .promql = "", .text = "" };
        for (size_t i = 0; i < l->s->timeline_count && !like; i++)
                if (str_eq(l->s->timeline[i].step.kind, kind)) like = &l->s->timeline[i];
        if (yaml_get(item, "args")) {
                load_step(l, LOAD_REPLAY, item, kind, item, &c->replay);
        } else if (!like) {
                if (fault_find(kind))
                        load_error(l, item, "replay '%s' has no 'args', and the timeline has no '%s' to take them from", c->id, kind);
                return;
        } else {
                c->replay = like->step;
                c->replay.for_ms = load_ms(item, "for", like->step.for_ms);
                c->replay.on = load_text(l, item, "on", like->step.on);
                if (!c->replay.for_ms && fault_find(kind) && fault_find(kind)->needs_for) return; /* reported there */
        }
        if (!c->replay.for_ms) load_error(l, item, "replay '%s' has no 'for'; expected is how long '%s' lasts", c->id, kind);
}

static void load_after(struct load *l, const struct yaml *item, size_t self, struct scenario_criterion *c)
{
        const struct yaml *after = yaml_get(item, "after");

        YAML_EACH(word, after && after->kind == YAML_LIST ? after : NULL) {
                int index = word->kind == YAML_SCALAR ? load_criterion_find(l->s, word->text, strlen(word->text)) : -1;

                if (index < 0 || (size_t)index == self || l->s->criteria[index].kind == SCENARIO_CHECK_REPLAY)
                        load_error(l, word, "'%s' in 'after' is not a criterion with 'promql' or 'probe' of this scenario", word->text ? word->text : "");
                else
                        c->after |= UINT32_C(1) << index;
        }
        if (c->kind == SCENARIO_CHECK_REPLAY && !after)
                load_error(l, item, "replay '%s' has no 'after'; expected are the ids of criteria", c->id);
        if (c->kind != SCENARIO_CHECK_REPLAY && after)
                load_error(l, after, "'after' belongs to a replay; criterion '%s' has '%s'", c->id, c->kind == SCENARIO_CHECK_PROBE ? "probe" : "promql");
}

static void load_criterion(struct load *l, const struct yaml *item, struct scenario_criterion *c)
{
        const struct yaml *promql = yaml_get(item, "promql"), *probe = yaml_get(item, "probe"), *replay = yaml_get(item, "replay");
        const char *mode = load_text(l, item, "mode", "continuous");

        for (int i = 0; i < SCENARIO_MODE_COUNT; i++)
                if (str_eq(mode, scenario_mode_text((enum scenario_mode)i))) c->mode = (enum scenario_mode)i;
        c->id = load_text(l, item, "id", "");
        c->title = load_text(l, item, "title", replay ? "It stays repaired when the trigger comes again" : "");
        c->unit = load_text(l, item, "unit", "");
        c->reason = load_text(l, item, "reason", "");
        c->hold_ms = load_ms(item, "hold", replay || c->mode == SCENARIO_MODE_AFTER || c->mode == SCENARIO_MODE_EDGE ? 0 : LOAD_HOLD_MS);
        c->grace_ms = load_ms(item, "grace", 0);
        c->weight = load_number(item, "weight", 1);
        c->recover_within_ms = load_ms(item, "recover_within", LOAD_RECOVER_WITHIN_MS);
        c->check = (struct scenario_condition){ .promql = "", .text = "" };
        c->replay = (struct scenario_step){ .kind = "", .on = "", .args_json = "{}" };
        if (!!promql + !!probe + !!replay != 1)
                load_error(l, item, "criterion '%s' has %s; expected is either 'promql' with 'target', or 'probe', or 'replay' with 'after'", c->id,
                           promql || probe || replay ? "more than one of 'promql', 'probe' and 'replay'" : "none of 'promql', 'probe' and 'replay'");
        else if (!replay) load_check(l, item, c);
        else load_replay(l, item, c);
        if (replay && yaml_get(item, "mode")) load_error(l, yaml_get(item, "mode"), "'mode' belongs to a criterion with 'promql' or 'probe'; a replay comes after the others");
}

void load_criteria(struct load *l)
{
        const struct yaml *list = yaml_get(l->root, "criteria");
        size_t count = load_maps_in(list, SCENARIO_CRITERIA_MAX), i = 0;
        struct scenario_criterion *criteria = load_array(l, count, sizeof *criteria);

        if (!criteria) return;
        YAML_EACH(item, list)
                if (item->kind == YAML_MAP && i < count) load_criterion(l, item, &criteria[i++]);
        l->s->criteria = criteria;
        l->s->criteria_count = count;
        i = 0;
        YAML_EACH(item, list) {
                if (item->kind != YAML_MAP || i >= count) continue;
                load_after(l, item, i, &criteria[i]);
                i++;
        }
}
