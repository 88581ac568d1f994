/* A scenario as the API shows it: what a learner may know, or everything. */
#include "common/base/str.h"
#include "common/text/json.h"
#include "server/engine/json_put.h"
#include "server/engine/run_json.h"
#include "server/engine/scenario_parts.h"

const char *scenario_kind_text(const struct scenario_criterion *c)
{
        return c->kind == SCENARIO_CHECK_REPLAY ? "replay" : c->kind == SCENARIO_CHECK_PROBE ? "probe" : "promql";
}

void scenario_step_json(const struct scenario_step *step, struct buf *out)
{
        buf_char(out, '{');
        put_str(out, "kind", step->kind);
        put_str(out, "on", step->on);
        put_raw(out, "args", step->args_json);
        if (step->for_ms) put_int(out, "for_ms", step->for_ms);
        buf_char(out, '}');
}

void scenario_recipe_json(const struct scenario_recipe *recipe, struct buf *out)
{
        buf_char(out, '[');
        for (size_t i = 0; i < recipe->count; i++) {
                put_item(out);
                scenario_step_json(&recipe->step[i], out);
        }
        buf_char(out, ']');
}

static void put_cause(const struct scenario_cause *cause, struct buf *out)
{
        put_str(out, "component", cause->component);
        put_str(out, "mechanism", cause->mechanism);
        for (size_t i = 0; i < scenario_mechanism_count(); i++)
                if (str_eq(scenario_mechanism_name(i), cause->mechanism))
                        put_str(out, "mechanism_text", scenario_mechanism_text(i));
        put_key(out, "object");
        buf_char(out, '{');
        if (cause->object_kind[0]) { /* the author's words, both */
                json_quote(out, cause->object_kind);
                buf_char(out, ':');
                json_quote(out, cause->object_name);
        }
        buf_char(out, '}');
}

void scenario_truth_json(const struct scenario *s, struct buf *out)
{
        buf_char(out, '{');
        if (s->cause_count) put_cause(&s->causes[0], out);
        put_words(out, "path", s->path.item, s->path.count);
        put_words(out, "victims", s->victims.item, s->victims.count);
        put_key(out, "also");
        buf_char(out, '[');
        for (size_t i = 1; i < s->cause_count; i++) {
                put_item(out);
                buf_char(out, '{');
                put_cause(&s->causes[i], out);
                buf_char(out, '}');
        }
        buf_str(out, "],\"herrings\":[");
        for (size_t i = 0; i < s->timeline_count; i++) {
                if (s->timeline[i].kind != SCENARIO_HERRING) continue;
                put_item(out);
                buf_char(out, '{');
                put_int(out, "at_ms", s->timeline[i].at_ms);
                put_str(out, "note", s->timeline[i].note);
                put_key(out, "step");
                scenario_step_json(&s->timeline[i].step, out);
                buf_char(out, '}');
        }
        buf_str(out, "],\"evidence\":{");
        for (int part = 0; part < SCENARIO_TRAIL_COUNT; part++)
                put_words(out, scenario_trail_text((enum scenario_trail)part), s->evidence[part].item, s->evidence[part].count);
        buf_str(out, "}}");
}

static void put_criteria(const struct scenario *s, struct buf *out)
{
        put_key(out, "criteria");
        buf_char(out, '[');
        for (size_t i = 0; i < s->criteria_count; i++) {
                const struct scenario_criterion *c = &s->criteria[i];
                bool replay = c->kind == SCENARIO_CHECK_REPLAY;

                put_item(out);
                buf_char(out, '{');
                put_str(out, "id", c->id);
                put_str(out, "title", c->title);
                put_str(out, "kind", scenario_kind_text(c));
                put_str(out, "promql", c->kind == SCENARIO_CHECK_PROMQL ? c->check.promql : NULL);
                put_str(out, "probe", c->kind == SCENARIO_CHECK_PROBE ? c->probe.text : NULL);
                put_str(out, "mode", replay ? NULL : scenario_mode_text(c->mode));
                put_str(out, "target", replay ? "recovers" : c->check.text);
                put_str(out, "unit", c->unit);
                put_int(out, "hold_ms", c->hold_ms);
                put_num(out, "weight", c->weight);
                buf_char(out, '}');
        }
        buf_char(out, ']');
}

static void put_instructor(const struct scenario *s, struct buf *out)
{
        put_key(out, "timeline");
        buf_char(out, '[');
        for (size_t i = 0; i < s->timeline_count; i++) {
                const struct scenario_event *e = &s->timeline[i];

                put_item(out);
                buf_char(out, '{');
                put_int(out, "at_ms", e->at_ms);
                put_str(out, "kind", e->kind == SCENARIO_FAULT ? "fault" : e->kind == SCENARIO_HERRING ? "herring" : "say");
                put_str(out, "text", e->kind == SCENARIO_SAY ? e->text : e->note);
                put_key(out, "step");
                if (e->kind == SCENARIO_SAY) buf_str(out, "null");
                else scenario_step_json(&e->step, out);
                buf_char(out, '}');
        }
        buf_char(out, ']');
        put_key(out, "truth");
        scenario_truth_json(s, out);
        put_key(out, "solutions");
        buf_char(out, '[');
        for (size_t i = 0; i < s->solution_count; i++) {
                put_item(out);
                scenario_recipe_json(&s->solutions[i], out);
        }
        buf_char(out, ']');
        put_key(out, "wrong_fixes");
        buf_char(out, '[');
        for (size_t i = 0; i < s->wrong_fix_count; i++) {
                put_item(out);
                buf_str(out, "{\"do\":");
                scenario_recipe_json(&s->wrong_fixes[i], out);
                put_str(out, "explain", s->wrong_fixes[i].explain);
                buf_char(out, '}');
        }
        buf_char(out, ']');
        put_str(out, "debrief", s->debrief);
        put_str(out, "instructor", s->instructor);
}

void scenario_json(const struct scenario *s, bool instructor, struct buf *out)
{
        buf_char(out, '{');
        put_str(out, "id", s->id);
        put_str(out, "title", s->title);
        put_int(out, "level", s->level);
        if (s->order) put_int(out, "order", s->order);
        else put_null(out, "order");
        put_int(out, "time_limit_ms", s->time_limit_ms);
        put_words(out, "tags", s->tags.item, s->tags.count);
        put_words(out, "objectives", s->objectives.item, s->objectives.count);
        put_str(out, "brief", s->brief);
        put_bool(out, "scored", !s->score_off);
        put_int(out, "hints", (int64_t)s->hint_count);
        put_criteria(s, out);
        if (instructor) put_instructor(s, out);
        buf_char(out, '}');
}
