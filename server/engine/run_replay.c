/* Replays: does the repair hold when the trigger comes once more?
 *
 *   waiting ──all of `after` held──> trigger ──over──> recovering ──all met again in time──> passed
 *      ^                                                   └──too late──> failed ──lost and held again──> trigger
 *      └──────────── a repair changed something ──────────────────────────────┘ (passed, failed) */
#include "common/base/str.h"
#include "server/engine/run_internal.h"

static bool after_all(const struct run *run, size_t index, bool held)
{
        for (size_t i = 0; i < run->s->criteria_count; i++) {
                const struct run_criterion *c = &run->criteria[i];

                if (!(run->s->criteria[index].after & (UINT32_C(1) << i))) continue;
                if (!c->known || !c->ok || (held && !c->held)) return false;
        }
        return true;
}

static void replay_enter(struct run *run, size_t index, enum run_replay_state state)
{
        struct run_criterion *c = &run->criteria[index];
        const char *title = run->s->criteria[index].title;

        c->replay = state;
        c->since_ms = run->now_ms;
        c->known = state == REPLAY_PASSED || state == REPLAY_FAILED;
        c->ok = c->held = state == REPLAY_PASSED;
        run_emit(run, RUN_DO_CRITERION, (uint32_t)index);
        if (!c->known) return;
        run_say(run, RUN_FEED_SYSTEM, "firedrill", run_text(run, "%s: %s", c->ok ? "Held" : "Not recovered in time", title), -1);
        run_mark(run, RUN_LANE_CRITERION, "", run_text(run, "%s: %s", c->ok ? "held" : "not recovered in time", title));
}

static void replay_begin(struct run *run, size_t index)
{
        const struct scenario_step *step = &run->s->criteria[index].replay;
        struct run_criterion *c = &run->criteria[index];
        struct run_task *task;

        if (c->replay_count >= RUN_REPLAY_MAX || run->task_count >= RUN_TASKS_MAX) return;
        task = run_task_new(run, RUN_PURPOSE_REPLAY, step->kind, step->on, step->args_json, step->for_ms);
        if (!task) return;
        c->replay_count++;
        c->replay_task = task->id;
        task->reason = "the trigger comes again";
        replay_enter(run, index, REPLAY_TRIGGER);
        run_say(run, RUN_FEED_SYSTEM, "firedrill", "The trigger comes once more: does the repair hold?", -1);
        run_task_begin(run, task);
}

void run_replays_step(struct run *run)
{
        for (size_t i = 0; i < run->s->criteria_count; i++) {
                const struct scenario_criterion *def = &run->s->criteria[i];
                struct run_criterion *c = &run->criteria[i];

                if (def->kind != SCENARIO_CHECK_REPLAY) continue;
                switch (c->replay) {
                case REPLAY_WAITING:
                        if (after_all(run, i, true)) replay_begin(run, i);
                        break;
                case REPLAY_RECOVERING:
                        if (run->now_ms - c->replay_over_ms < MIN((int64_t)RUN_REPLAY_SETTLE_MS, def->recover_within_ms)) break;
                        if (after_all(run, i, false)) replay_enter(run, i, REPLAY_PASSED);
                        else if (run->now_ms - c->replay_over_ms >= def->recover_within_ms) replay_enter(run, i, REPLAY_FAILED);
                        break;
                case REPLAY_FAILED:
                        if (!after_all(run, i, false)) replay_enter(run, i, REPLAY_WAITING);
                        break;
                case REPLAY_TRIGGER:
                case REPLAY_PASSED:
                        break;
                }
        }
}

void run_replay_task_over(struct run *run, const struct run_task *task)
{
        for (size_t i = 0; i < run->s->criteria_count; i++) {
                struct run_criterion *c = &run->criteria[i];

                if (run->s->criteria[i].kind != SCENARIO_CHECK_REPLAY || c->replay_task != task->id || c->replay != REPLAY_TRIGGER) continue;
                c->replay_over_ms = run->now_ms;
                replay_enter(run, i, REPLAY_RECOVERING);
        }
}

void run_replays_reset(struct run *run)
{
        for (size_t i = 0; i < run->s->criteria_count; i++) {
                struct run_criterion *c = &run->criteria[i];

                if (run->s->criteria[i].kind == SCENARIO_CHECK_REPLAY && (c->replay == REPLAY_PASSED || c->replay == REPLAY_FAILED)) {
                        c->replay = REPLAY_WAITING;
                        replay_enter(run, i, REPLAY_WAITING);
                }
        }
}

void run_replay_reason(const struct run *run, size_t index, struct buf *out)
{
        const struct run_criterion *c = &run->criteria[index];
        char within[32];

        str_duration(run->s->criteria[index].recover_within_ms, within, sizeof within);
        switch (c->replay) {
        case REPLAY_WAITING: buf_str(out, "waits until the other criteria are held; then the trigger comes once more"); break;
        case REPLAY_TRIGGER: buf_str(out, "the trigger is here again"); break;
        case REPLAY_RECOVERING: buf_printf(out, "the trigger is over; all must be met again within %s", within); break;
        case REPLAY_PASSED: buf_printf(out, "met again within %s after the trigger", within); break;
        case REPLAY_FAILED: buf_printf(out, "not met again within %s after the trigger: it would come back", within); break;
        }
}
