/* Changes of the stack.
 *
 *   planned ──PREPARE──> preparing ──task_prepared──> applying ──task_applied──> applied ──UNDO──> undoing ──> undone
 *      │                     │  (undo is known           │                         ▲                  │
 *      └──> skipped <────────┘   before APPLY)           └──task_failed──> failed  └─ nothing to undo └──> undo_failed
 *
 * apply_order remembers the order in which tasks were (to be) applied; the end undoes it backwards, one at a time. */
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/text/json.h"
#include "server/engine/fault.h"
#include "server/engine/run_internal.h"

#define RUN_LOAD_SEED_MASK UINT64_C(0x7fffffff) /* what loadgen's seed holds */

static const char *const state_texts[] = {
#define X(name, text) text,
        RUN_TASK_LIST(X)
#undef X
};
static const char *const purpose_texts[] = {
#define X(name, text) text,
        RUN_PURPOSE_LIST(X)
#undef X
};

const char *run_task_state_text(enum run_task_state s)
{
        CHECK((unsigned)s < ARRAY_COUNT(state_texts));
        return state_texts[s];
}

const char *run_purpose_text(enum run_purpose p)
{
        CHECK((unsigned)p < ARRAY_COUNT(purpose_texts));
        return purpose_texts[p];
}

struct run_task *run_task_new(struct run *run, enum run_purpose purpose, const char *kind, const char *on, const char *args,
                              int64_t for_ms)
{
        struct run_task *task;

        CHECK(run->task_count < RUN_TASKS_MAX);
        task = arena_alloc(&run->arena, sizeof *task);
        if (!task || mem_grow((void **)&run->tasks, &run->task_capacity, run->task_count + 1, sizeof(struct run_task *), RUN_TASKS_MAX)) {
                run->nomem = true;
                return NULL;
        }
        *task = (struct run_task){ .id = (uint32_t)run->task_count + 1, .purpose = purpose, .kind = run_copy(run, kind),
                                   .on = run_copy(run, on), .args = run_copy(run, args), .by = "scenario", .reason = "",
                                   .for_ms = for_ms, .due_ms = INT64_MAX, .undo = "", .changed = "{}", .detail = "",
                                   .timeline = -1, .action = -1 };
        run->tasks[run->task_count++] = task;
        return task;
}

enum err run_tasks_plan(struct run *run)
{
        const struct scenario *s = run->s;
        size_t size = strlen(s->load.args_json);
        const char *args = arena_printf(&run->arena, "%.*s%s\"seed\":%llu}", (int)size - 1, s->load.args_json, size > 2 ? "," : "",
                                        (unsigned long long)(run->seed & RUN_LOAD_SEED_MASK));
        struct run_task *task = args ? run_task_new(run, RUN_PURPOSE_LOAD, "load.profile", "", args, 0) : NULL;

        if (!task) return ERR_NOMEM;
        task->reason = "load of the scenario";
        for (size_t i = 0; i < s->timeline_count; i++) {
                const struct scenario_event *event = &s->timeline[i];
                bool fault = event->kind == SCENARIO_FAULT;

                if (event->kind == SCENARIO_SAY) continue;
                task = run_task_new(run, fault ? RUN_PURPOSE_FAULT : RUN_PURPOSE_HERRING, event->step.kind, event->step.on,
                                    event->step.args_json, event->step.for_ms);
                if (!task) return ERR_NOMEM;
                task->timeline = (int)i;
                task->reason = event->note;
        }
        return ERR_OK;
}

/* Seeded and stateless (splitmix64): the jitter of event i depends on the seed and i only. */
static int64_t jitter_ms(uint64_t seed, size_t index, int64_t range_ms)
{
        uint64_t z = seed + (index + 1) * UINT64_C(0x9E3779B97F4A7C15);

        if (range_ms <= 0) return 0;
        z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
        z ^= z >> 31;
        return (int64_t)(z % (uint64_t)range_ms);
}

static int64_t event_due_ms(const struct run *run, size_t index)
{
        const struct scenario_event *event = &run->s->timeline[index];

        return run->zero_ms + event->at_ms + jitter_ms(run->seed, index, event->jitter_ms);
}

void run_tasks_release(struct run *run)
{
        for (size_t i = 0; i < run->task_count; i++) {
                struct run_task *task = run->tasks[i];

                if (task->timeline < 0) continue;
                task->due_ms = event_due_ms(run, (size_t)task->timeline);
                run_emit(run, RUN_DO_TASK, task->id);
        }
}

static void task_enter(struct run *run, struct run_task *task, enum run_task_state state)
{
        task->state = state;
        run_emit(run, RUN_DO_TASK, task->id);
        if (task->action >= 0) run_action_changed(run, task);
}

void run_task_begin(struct run *run, struct run_task *task)
{
        CHECK(task->state == RUN_TASK_PLANNED);
        task_enter(run, task, RUN_TASK_PREPARING);
        run_emit(run, RUN_DO_PREPARE, task->id);
}

static void say_due(struct run *run)
{
        for (size_t i = 0; i < run->s->timeline_count; i++) {
                const struct scenario_event *event = &run->s->timeline[i];

                if (event->kind != SCENARIO_SAY || run->said[i] || run->now_ms < event_due_ms(run, i)) continue;
                run->said[i] = true;
                run_say(run, RUN_FEED_SAY, event->from, event->text, -1);
                run_mark(run, RUN_LANE_SAY, "", event->text);
        }
}

bool run_task_undoable(const struct run_task *task)
{
        return task->undo[0] && !str_eq(task->undo, "null");
}

static void task_undo(struct run *run, struct run_task *task)
{
        task_enter(run, task, RUN_TASK_UNDOING);
        run_emit(run, RUN_DO_UNDO, task->id);
}

void run_tasks_due(struct run *run)
{
        say_due(run);
        for (size_t i = 0; i < run->task_count; i++) {
                struct run_task *task = run->tasks[i];

                if (task->state == RUN_TASK_PLANNED && task->timeline >= 0 && run->now_ms >= task->due_ms) run_task_begin(run, task);
                if (task->state != RUN_TASK_APPLIED || !task->for_ms || run->now_ms - task->applied_ms < task->for_ms) continue;
                if (run_task_undoable(task)) {
                        task_undo(run, task);
                } else if (task->purpose == RUN_PURPOSE_REPLAY) { /* a restart, a reload: over without an undo */
                        task->over_ms = run->now_ms;
                        task_enter(run, task, RUN_TASK_UNDONE);
                        run_replay_task_over(run, task);
                }
        }
}

/* A fault became real: it starts the clock, and shows as a deploy if its author said so. */
static void fault_applied(struct run *run, const struct run_task *task)
{
        const struct scenario_event *event = task->timeline >= 0 ? &run->s->timeline[task->timeline] : NULL;

        if (task->purpose == RUN_PURPOSE_FAULT && !run->onset_ms) {
                run->onset_ms = run->now_ms;
                run->harm.at_ms = run->now_ms;
                run_emit(run, RUN_DO_RUN, 0);
        }
        if (task->purpose == RUN_PURPOSE_FAULT || task->purpose == RUN_PURPOSE_HERRING || task->purpose == RUN_PURPOSE_REPLAY)
                run_mark(run, RUN_LANE_FAULT, task->on,
                         run_text(run, "%s%s %s %.600s", task->purpose == RUN_PURPOSE_HERRING ? "red herring: " :
                                  task->purpose == RUN_PURPOSE_REPLAY ? "trigger again: " : "", task->kind, task->on, task->args));
        if (event && event->deploy)
                run_say(run, RUN_FEED_DEPLOY, "deploys", event->note[0] ? event->note : run_text(run, "%s was changed", task->on), -1);
}

static enum err task_prepared(struct run *run, struct run_task *task, const struct run_event *event, struct err_note *reterr)
{
        AUTO(json_free) struct json *undo = NULL;
        const char *text = event->undo ? event->undo : "";

        if (task->state != RUN_TASK_PREPARING)
                return err_note(reterr, ERR_STATE, "task %u is %s, not preparing", task->id, run_task_state_text(task->state));
        if (json_parse(text, strlen(text), &undo, NULL) != ERR_OK || !(json_is(undo, JSON_NULL) || json_get_str(undo, "kind", NULL)))
                return err_note(reterr, ERR_INVAL, "the undo of task %u is not {\"kind\",\"on\",\"args\"} or null", task->id);
        task->undo = json_is(undo, JSON_NULL) ? "null" : run_copy(run, text);
        if (run->state >= RUN_ENDED) { /* too late: nothing was changed, and nothing will be */
                task_enter(run, task, RUN_TASK_SKIPPED);
                return ERR_OK;
        }
        if (mem_grow((void **)&run->apply_order, &run->order_capacity, run->order_count + 1, sizeof *run->apply_order, RUN_TASKS_MAX)) {
                run->nomem = true;
                return ERR_OK;
        }
        run->apply_order[run->order_count++] = task->id;
        task_enter(run, task, RUN_TASK_APPLYING);
        run_emit(run, RUN_DO_APPLY, task->id);
        return ERR_OK;
}

static enum err task_applied(struct run *run, struct run_task *task, const struct run_event *event, struct err_note *reterr)
{
        AUTO(json_free) struct json *changed = NULL;
        const char *text = event->changed && event->changed[0] ? event->changed : "{}";

        if (task->state != RUN_TASK_APPLYING)
                return err_note(reterr, ERR_STATE, "task %u is %s, not applying", task->id, run_task_state_text(task->state));
        if (json_parse(text, strlen(text), &changed, NULL) != ERR_OK || !json_is(changed, JSON_OBJECT))
                return err_note(reterr, ERR_INVAL, "what task %u changed is not a JSON object", task->id);
        task->changed = run_copy(run, text);
        task->applied_ms = run->now_ms;
        task_enter(run, task, RUN_TASK_APPLIED);
        if (run->state < RUN_ENDED) fault_applied(run, task);
        return ERR_OK;
}

static enum err task_failed(struct run *run, struct run_task *task, const struct run_event *event, struct err_note *reterr)
{
        const char *detail = event->text && event->text[0] ? event->text : "no reason given";

        if (task->state != RUN_TASK_PREPARING && task->state != RUN_TASK_APPLYING)
                return err_note(reterr, ERR_STATE, "task %u is %s, and cannot fail now", task->id, run_task_state_text(task->state));
        task->detail = run_copy(run, detail);
        task->over_ms = run->now_ms;
        task_enter(run, task, RUN_TASK_FAILED);
        if (task->purpose != RUN_PURPOSE_ACTION)
                run_end(run, RUN_OUTCOME_FAILED, run_text(run, "%s%s%s could not be applied: %s; this is not your doing, and there is no score",
                                                          task->kind, task->on[0] ? " on " : "", task->on, detail));
        return ERR_OK;
}

static enum err task_over(struct run *run, struct run_task *task, const struct run_event *event, struct err_note *reterr)
{
        bool undone = event->kind == RUN_EV_TASK_UNDONE;

        if (task->state != RUN_TASK_UNDOING)
                return err_note(reterr, ERR_STATE, "task %u is %s, not undoing", task->id, run_task_state_text(task->state));
        task->over_ms = run->now_ms;
        if (!undone) {
                task->detail = run_copy(run, event->text);
                run_say(run, RUN_FEED_SYSTEM, "firedrill", run_text(run, "%s %s could not be undone: %s", task->kind, task->on, task->detail), -1);
        }
        task_enter(run, task, undone ? RUN_TASK_UNDONE : RUN_TASK_UNDO_FAILED);
        if (run->state < RUN_ENDED && (task->purpose == RUN_PURPOSE_FAULT || task->purpose == RUN_PURPOSE_REPLAY))
                run_mark(run, RUN_LANE_FAULT, task->on, run_text(run, "over: %s %s", task->kind, task->on));
        if (task->purpose == RUN_PURPOSE_REPLAY) run_replay_task_over(run, task);
        return ERR_OK;
}

enum err run_task_event(struct run *run, const struct run_event *event, struct err_note *reterr)
{
        struct run_task *task;

        if (event->task < 1 || event->task > run->task_count)
                return err_note(reterr, ERR_NOT_FOUND, "no task %u; the last one is %zu", event->task, run->task_count);
        task = run->tasks[event->task - 1];
        if (task->undo_of) return err_note(reterr, ERR_STATE, "task %u mirrors task %u", task->id, task->undo_of);
        switch (event->kind) {
        case RUN_EV_TASK_PREPARED: return task_prepared(run, task, event, reterr);
        case RUN_EV_TASK_APPLIED: return task_applied(run, task, event, reterr);
        case RUN_EV_TASK_FAILED: return task_failed(run, task, event, reterr);
        default: return task_over(run, task, event, reterr);
        }
}

/* At the end: one step of the way back. Waits for whatever is on its way, so that nothing is undone while it is applied. */
void run_tasks_undo_next(struct run *run)
{
        for (size_t i = 0; i < run->task_count; i++) {
                struct run_task *task = run->tasks[i];

                if (task->state == RUN_TASK_PLANNED) task_enter(run, task, RUN_TASK_SKIPPED);
                if (task->state == RUN_TASK_PREPARING || task->state == RUN_TASK_APPLYING || task->state == RUN_TASK_UNDOING) return;
        }
        for (size_t i = run->order_count; i > 0; i--) {
                struct run_task *task = run->tasks[run->apply_order[i - 1] - 1];

                if (task->state != RUN_TASK_APPLIED || !run_task_undoable(task)) continue;
                task_undo(run, task);
                return;
        }
        run->state = RUN_DEBRIEFED;
        run_emit(run, RUN_DO_RUN, 0);
        run_emit(run, RUN_DO_DEBRIEF, 0);
}

/* Nobody answers any more for what was on its way: take it for applied, and undo it. */
void run_tasks_recover(struct run *run)
{
        for (size_t i = 0; i < run->task_count; i++) {
                struct run_task *task = run->tasks[i];

                if (task->state == RUN_TASK_PREPARING) {
                        task_enter(run, task, RUN_TASK_SKIPPED);
                } else if (task->state == RUN_TASK_APPLYING && !task->undo_of) {
                        task->applied_ms = run->now_ms;
                        task_enter(run, task, RUN_TASK_APPLIED);
                } else if (task->state == RUN_TASK_UNDOING) {
                        run_emit(run, RUN_DO_UNDO, task->id);
                }
        }
}
