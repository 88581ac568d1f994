/* The messages of docs/contracts.md. Times inside a run are ms from onset; before an onset is known they are ms before now. */
#include "server/engine/run_json.h"

#include <string.h>

#include "common/base/check.h"
#include "common/base/str.h"
#include "common/text/json.h"
#include "server/engine/json_put.h"
#include "server/engine/run_internal.h"
#include "server/engine/scenario_parts.h"

#define TEXT_TABLE(function, type, list)                                                                               \
        const char *function(type value)                                                                               \
        {                                                                                                              \
                static const char *const texts[] = { list(X) };                                                        \
                CHECK((unsigned)value < ARRAY_COUNT(texts));                                                           \
                return texts[value];                                                                                   \
        }
#define X(name, text) text,
TEXT_TABLE(run_state_text, enum run_state, RUN_STATE_LIST)
TEXT_TABLE(run_outcome_text, enum run_outcome, RUN_OUTCOME_LIST)
TEXT_TABLE(run_clock_text, enum run_clock, RUN_CLOCK_LIST)
TEXT_TABLE(run_event_text, enum run_event_kind, RUN_EVENT_LIST)
TEXT_TABLE(run_effect_text, enum run_effect_kind, RUN_EFFECT_LIST)
TEXT_TABLE(run_feed_kind_text, enum run_feed_kind, RUN_FEED_LIST)
TEXT_TABLE(run_lane_text, enum run_lane, RUN_LANE_LIST)
#undef X

static int64_t at_ms(const struct run *run, int64_t time_ms)
{
        return time_ms - (run->onset_ms ? run->onset_ms : run->now_ms);
}

static void put_at(const struct run *run, struct buf *out, const char *key, int64_t time_ms)
{
        if (time_ms) put_int(out, key, at_ms(run, time_ms));
        else put_null(out, key);
}

static void put_wall(struct buf *out, const char *key, int64_t time_ms)
{
        if (time_ms) put_int(out, key, time_ms);
        else put_null(out, key);
}

static void put_clocks(const struct run *run, struct buf *out)
{
        put_key(out, "clocks");
        buf_char(out, '{');
        for (int i = 0; i < RUN_CLOCK_COUNT; i++) {
                int64_t ms = run_clock(run, (enum run_clock)i);

                if (ms >= 0) put_int(out, run_clock_text((enum run_clock)i), ms);
                else put_null(out, run_clock_text((enum run_clock)i));
        }
        buf_char(out, '}');
}

void run_json(const struct run *run, struct buf *out)
{
        const struct scenario *s = run->s;
        bool shown = run->page_ms != 0 || run->state >= RUN_ENDED;

        buf_char(out, '{');
        put_str(out, "id", run->id);
        put_str(out, "scenario", s->id);
        put_str(out, "title", s->title);
        put_int(out, "level", s->level);
        put_str(out, "state", run_state_text(run->state));
        put_str(out, "outcome", run->outcome ? run_outcome_text(run->outcome) : NULL);
        put_str(out, "reason", run->reason);
        put_int(out, "seed", (int64_t)run->seed);
        put_int(out, "stack", run->stack);
        put_bool(out, "fast", run->fast);
        put_str(out, "advice", run->advice);
        put_int(out, "created_ms", run->created_ms);
        put_wall(out, "onset_ms", run->onset_ms);
        put_wall(out, "page_ms", run->page_ms);
        put_wall(out, "deadline_ms", run->page_ms ? run->page_ms + run_time_limit_ms(run) : 0);
        put_wall(out, "ended_ms", run->ended_ms);
        put_int(out, "time_limit_ms", run_time_limit_ms(run));
        put_clocks(run, out);
        put_str(out, "brief", shown ? s->brief : "");
        put_words(out, "objectives", s->objectives.item, s->objectives.count);
        put_bool(out, "needs_diagnosis", s->needs_diagnosis);
        put_bool(out, "diagnosed", run->diagnosis_count > 0);
        put_bool(out, "complete", run->complete);
        put_bool(out, "assisted", run->assisted);
        put_bool(out, "autopilot", run_autopilot(run));
        buf_char(out, '}');
}

static void put_after(const struct run *run, size_t index, struct buf *out)
{
        const char *ids[SCENARIO_CRITERIA_MAX];
        size_t count = 0;

        for (size_t i = 0; i < run->s->criteria_count; i++)
                if (run_criterion_after(run, index, i)) ids[count++] = run->s->criteria[i].id;
        put_words(out, "after", ids, count);
}

void run_criterion_json(const struct run *run, size_t index, struct buf *out)
{
        const struct scenario_criterion *def = &run->s->criteria[index];
        const struct run_criterion *c = &run->criteria[index];
        bool replay = def->kind == SCENARIO_CHECK_REPLAY;
        double threshold;
        AUTO_BUF reason;

        CHECK(index < run->s->criteria_count);
        buf_init(&reason, 2048);
        run_criterion_reason(run, index, &reason);
        buf_char(out, '{');
        put_str(out, "id", def->id);
        put_str(out, "title", def->title);
        put_str(out, "kind", scenario_kind_text(def));
        put_str(out, "promql", def->kind == SCENARIO_CHECK_PROMQL ? def->check.promql : NULL);
        put_str(out, "probe", def->kind == SCENARIO_CHECK_PROBE ? def->probe.text : NULL);
        put_str(out, "mode", replay ? NULL : scenario_mode_text(def->mode));
        put_str(out, "target", replay ? "recovers" : def->check.text);
        put_str(out, "op", replay ? NULL : scenario_op_text(def->check.op));
        if (replay || !run_threshold(run, &def->check, c->query, &threshold)) put_null(out, "threshold");
        else put_num(out, "threshold", threshold);
        put_str(out, "unit", def->unit);
        put_num(out, "weight", def->weight);
        put_int(out, "hold_ms", replay ? 0 : run_criterion_hold_ms(run, index));
        if (c->known && !replay) put_num(out, "value", c->value);
        else put_null(out, "value");
        if (c->known) put_bool(out, "ok", c->ok);
        else put_null(out, "ok");
        put_bool(out, "due", run_criterion_due(run, index));
        put_after(run, index, out);
        put_at(run, out, "since_ms", c->since_ms);
        put_int(out, "held_ms", c->held_ms);
        put_int(out, "best_hold_ms", c->best_hold_ms);
        put_bool(out, "held", c->held);
        put_str(out, "reason", reason.data);
        buf_char(out, '}');
}

void run_guard_json(const struct run *run, size_t index, struct buf *out)
{
        const struct run_guard *g = &run->guards[index];

        CHECK(index < run->s->guard_count);
        buf_char(out, '{');
        put_str(out, "id", run->s->guards[index].id);
        put_str(out, "reason", run->s->guards[index].reason);
        put_bool(out, "ok", !g->violated);
        put_bool(out, "general", run->s->guards[index].rule != SCENARIO_RULE_NONE);
        put_at(run, out, "violated_at_ms", g->violated_ms);
        buf_char(out, '}');
}

static void put_hint(const struct run *run, size_t index, struct buf *out)
{
        put_key(out, "hint");
        buf_char(out, '{');
        put_str(out, "id", run->s->hints[index].id);
        put_int(out, "cost", run->s->hints[index].cost);
        put_bool(out, "taken", run->hints[index].taken);
        put_bool(out, "agent", run->s->hints[index].agent);
        buf_char(out, '}');
}

void run_feed_json(const struct run *run, size_t index, struct buf *out)
{
        const struct run_feed *f = &run->feed[index];

        CHECK(index < run->feed_count);
        buf_char(out, '{');
        put_key(out, "id");
        buf_printf(out, "\"f%zu\"", index + 1);
        put_int(out, "at_ms", at_ms(run, f->time_ms));
        put_int(out, "time_ms", f->time_ms);
        put_str(out, "kind", run_feed_kind_text(f->kind));
        put_str(out, "from", f->from);
        put_str(out, "text", f->hint >= 0 ? run->hints[f->hint].text : f->text);
        if (f->hint >= 0) put_hint(run, (size_t)f->hint, out);
        buf_char(out, '}');
}

static void put_action_id(struct buf *out, const char *key, int index)
{
        put_key(out, key);
        if (index >= 0) buf_printf(out, "\"a%d\"", index + 1);
        else buf_str(out, "null");
}

void run_action_json(const struct run *run, size_t index, struct buf *out)
{
        static const char *const states[] = { "pending", "applied", "failed" };
        const struct run_action *a = &run->actions[index];
        const struct run_task *task = run_action_task(run, index);

        buf_char(out, '{');
        put_action_id(out, "id", (int)index);
        put_int(out, "at_ms", at_ms(run, a->time_ms));
        put_int(out, "time_ms", a->time_ms);
        put_str(out, "by", a->by);
        put_str(out, "kind", a->kind);
        put_str(out, "on", a->is_undo ? task->on : a->on);
        put_raw(out, "args", a->args);
        put_raw(out, "changed", a->is_undo ? "{}" : task->changed);
        put_raw(out, "undo", a->is_undo ? "null" : task->undo);
        put_bool(out, "undone", a->undone);
        put_action_id(out, "undone_by", a->undone ? a->undone_by : -1);
        put_str(out, "state", states[a->state]);
        put_str(out, "detail", a->detail);
        put_str(out, "reason", a->reason);
        put_int(out, "task", task->id);
        buf_char(out, '}');
}

void run_task_json(const struct run *run, uint32_t id, struct buf *out)
{
        const struct run_task *task = run_task(run, id);

        buf_char(out, '{');
        put_int(out, "id", task->id);
        put_str(out, "purpose", run_purpose_text(task->purpose));
        put_str(out, "state", run_task_state_text(task->state));
        put_str(out, "kind", task->kind);
        put_str(out, "on", task->on);
        put_raw(out, "args", task->args);
        put_str(out, "by", task->by);
        put_int(out, "for_ms", task->for_ms);
        if (task->due_ms == INT64_MAX) put_null(out, "due_ms");
        else put_int(out, "due_ms", task->due_ms);
        put_wall(out, "applied_ms", task->applied_ms);
        put_wall(out, "over_ms", task->over_ms);
        put_raw(out, "undo", task->undo);
        put_raw(out, "changed", task->changed);
        put_str(out, "detail", task->detail);
        buf_char(out, '}');
}
