/* The life of a run: construction, the step, the states. What the states do in detail stands in run_task.c (changes of the
 * stack), run_check.c (criteria, guards, replays), run_action.c (repairs) and run_learn.c (hints, evidence, diagnosis). */
#include "server/engine/run.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "server/engine/run_internal.h"

const char *run_copy(struct run *run, const char *text)
{
        const char *copy = !text || !*text ? "" : arena_strdup(&run->arena, text);

        if (copy) return copy;
        run->nomem = true;
        return "";
}

const char *run_text(struct run *run, const char *format, ...)
{
        char text[1024];
        va_list args;

        va_start(args, format);
        vsnprintf(text, sizeof text, format, args);
        va_end(args);
        return run_copy(run, text);
}

void run_emit(struct run *run, enum run_effect_kind kind, uint32_t index)
{
        struct run_effects *list = run->effects;

        CHECK(list);
        for (size_t i = 0; i < list->count; i++) /* one of each is enough, but a RUN after an ENDED stays after it */
                if (list->item[i].kind == kind && list->item[i].index == index) return;
        if (mem_grow((void **)&list->item, &list->capacity, list->count + 1, sizeof *list->item, 1 << 16)) {
                run->nomem = true;
                return;
        }
        list->item[list->count++] = (struct run_effect){ kind, index };
}

void run_effects_done(struct run_effects *list)
{
        mem_free(list->item);
        *list = (struct run_effects){ 0 };
}

void run_say(struct run *run, enum run_feed_kind kind, const char *from, const char *text, int hint)
{
        if (run->feed_count == RUN_FEED_MAX) return; /* a learner reads no thousand messages */
        if (mem_grow((void **)&run->feed, &run->feed_capacity, run->feed_count + 1, sizeof *run->feed, RUN_FEED_MAX)) {
                run->nomem = true;
                return;
        }
        run->feed[run->feed_count] = (struct run_feed){ .kind = kind, .time_ms = run->now_ms, .from = from, .text = text, .hint = hint };
        run_emit(run, RUN_DO_FEED, (uint32_t)run->feed_count++);
}

void run_mark(struct run *run, enum run_lane lane, const char *on, const char *text)
{
        if (run->mark_count == RUN_MARKS_MAX) return;
        if (mem_grow((void **)&run->marks, &run->mark_capacity, run->mark_count + 1, sizeof *run->marks, RUN_MARKS_MAX)) {
                run->nomem = true;
                return;
        }
        run->marks[run->mark_count++] = (struct run_mark){ .lane = lane, .time_ms = run->now_ms, .text = text, .on = on, .lost = run->harm.lost };
}

void run_clock_set(struct run *run, enum run_clock clock)
{
        if (run->onset_ms && !run->clock_ms[clock]) {
                run->clock_ms[clock] = run->now_ms;
                run_emit(run, RUN_DO_RUN, 0);
        }
}

int64_t run_scaled(const struct run *run, int64_t ms)
{
        return ms / run->factor;
}

static int64_t run_limit_ms(const struct run *run)
{
        int64_t limit = run_scaled(run, run->s->time_limit_ms);

        return run->fast && limit < RUN_FAST_LIMIT_MS_MIN ? MIN(run->s->time_limit_ms, (int64_t)RUN_FAST_LIMIT_MS_MIN) : limit;
}

enum err run_new(const struct scenario *scenario, const struct scenario_world *world, const struct run_options *options,
                 struct run **ret)
{
        AUTO(run_free) struct run *run = mem_zalloc(1, sizeof *run);
        enum err e;

        if (!run) return ERR_NOMEM;
        arena_init(&run->arena, RUN_MEMORY_BYTES_MAX);
        run->s = scenario;
        run->world = world;
        run->id = run_copy(run, options->id);
        run->advice = run_copy(run, options->advice);
        run->seed = options->seed ? options->seed : scenario->seed;
        run->stack = options->stack;
        run->fast = options->fast;
        run->factor = options->fast ? RUN_FAST_FACTOR : 1;
        run->created_ms = run->now_ms = options->created_ms;
        run->reason = run->forward_note = "";
        run_users_find(run);
        run_checks_init(run);
        e = run_tasks_plan(run);
        if (e || run->nomem) return e ? e : ERR_NOMEM;
        *ret = take(&run);
        return ERR_OK;
}

void run_free(struct run *run)
{
        if (!run) return;
        mem_free(run->tasks);
        mem_free(run->apply_order);
        mem_free(run->feed);
        mem_free(run->actions);
        mem_free(run->evidence);
        mem_free(run->marks);
        arena_done(&run->arena);
        mem_free(run);
}

static void enter(struct run *run, enum run_state state)
{
        run->state = state;
        run_emit(run, RUN_DO_RUN, 0);
}

void run_end(struct run *run, enum run_outcome outcome, const char *reason)
{
        if (run->state >= RUN_ENDED) return;
        run->outcome = outcome;
        run->reason = reason;
        run->ended_ms = run->now_ms;
        enter(run, RUN_ENDED);
        run_mark(run, RUN_LANE_CRITERION, "", reason);
        run_say(run, RUN_FEED_SYSTEM, "firedrill", reason, -1);
        run_emit(run, RUN_DO_UNWATCH, 0);
        run_emit(run, RUN_DO_ENDED, 0);
}

static void begin_baseline(struct run *run)
{
        enter(run, RUN_BASELINE);
        run->baseline_ms = run->now_ms;
        run_emit(run, RUN_DO_WATCH, 0);
}

static void step_preparing(struct run *run)
{
        const struct run_task *load = run->tasks[0];

        if (run->stack_ready && load->state == RUN_TASK_PLANNED) run_task_begin(run, run->tasks[0]);
        if (run->stack_ready && load->state == RUN_TASK_APPLIED) begin_baseline(run);
}

static void step_baseline(struct run *run)
{
        int64_t settle_ms = run->s->baseline.settle_ms / (run->fast ? RUN_FAST_SETTLE_FACTOR : 1);

        if (!run_all_ok(run)) run->healthy_ms = 0;
        else if (!run->healthy_ms) run->healthy_ms = run->now_ms;
        if (run->healthy_ms && run->now_ms - run->healthy_ms >= settle_ms) {
                run->zero_ms = run->now_ms;
                enter(run, RUN_INJECTING);
                run_tasks_release(run);
        } else if (run->now_ms - run->baseline_ms > run->s->baseline.within_ms) {
                run_end(run, RUN_OUTCOME_FAILED, run_text(run, "environment not healthy: %s", run_unhealthy_text(run)));
        }
}

static void begin_running(struct run *run)
{
        run->page_ms = run->now_ms;
        if (!run->onset_ms) run->onset_ms = run->now_ms; /* a false alarm has no other */
        enter(run, RUN_RUNNING);
        run_checks_restart(run);
        run_clock_set(run, RUN_CLOCK_ALERT_FIRED);
        if (!run->s->false_alarm) run_clock_set(run, RUN_CLOCK_USER_VISIBLE);
        for (size_t i = 0; i < run->feed_count; i++) /* their at_ms is now known */
                run_emit(run, RUN_DO_FEED, (uint32_t)i);
        run_say(run, RUN_FEED_BRIEF, "pager", run->s->brief, -1);
        run_mark(run, RUN_LANE_SYMPTOM, "", run->s->false_alarm ? "The page" : "The symptom is confirmed; the page goes out");
}

static void step_injecting(struct run *run)
{
        run_tasks_due(run);
        if (run->state != RUN_INJECTING) return;
        if (run->s->false_alarm || (run->onset_ms && run->now_ms - run->onset_ms >= run->s->confirm.after_ms && run_symptoms_show(run))) {
                begin_running(run);
        } else if (run->onset_ms && run->now_ms - run->onset_ms > run->s->confirm.within_ms) {
                char within[32];

                str_duration(run->s->confirm.within_ms, within, sizeof within);
                run_end(run, RUN_OUTCOME_FAILED,
                        run_text(run, "the fault did not bite: within %s no symptom was seen; this is not your doing, and there is no score", within));
        }
}

static void step_running(struct run *run)
{
        bool blocked = false;

        run_tasks_due(run);
        if (run->state != RUN_RUNNING) return;
        run_replays_step(run);
        run_hints_step(run);
        for (size_t i = 0; i < run->s->guard_count; i++) {
                blocked |= run->guards[i].violated;
                if (run->guards[i].violated && run->s->guards[i].final) {
                        run_end(run, RUN_OUTCOME_FAILED, run_text(run, "rule broken: %s", run->s->guards[i].reason));
                        return;
                }
        }
        if (run_all_held(run)) run_clock_set(run, RUN_CLOCK_HELD);
        else run->clock_ms[RUN_CLOCK_HELD] = 0;
        if (run_all_held(run) && !blocked && (run->diagnosis_count || !run->s->needs_diagnosis))
                run_end(run, RUN_OUTCOME_RESOLVED, run_copy(run, "resolved: all criteria are met and were held"));
        else if (run->now_ms - run->page_ms >= run_limit_ms(run))
                run_end(run, RUN_OUTCOME_TIME_UP, run_copy(run, "time is up"));
}

/* Lets time and what has become known take effect; each state hands over to the next in the same step. */
static void advance(struct run *run)
{
        if (run->state == RUN_PREPARING) step_preparing(run);
        if (run->state == RUN_BASELINE) step_baseline(run);
        if (run->state == RUN_INJECTING) step_injecting(run);
        if (run->state == RUN_RUNNING) step_running(run);
        if (run->state == RUN_ENDED) run_tasks_undo_next(run);
}

static enum err event_start(struct run *run, struct err_note *reterr)
{
        if (run->started) return err_note(reterr, ERR_STATE, "the run has started already");
        run->started = true;
        run_emit(run, RUN_DO_RESET_STACK, 0);
        run_emit(run, RUN_DO_RUN, 0);
        for (uint32_t id = 1; id <= run->task_count; id++)
                run_emit(run, RUN_DO_TASK, id);
        if (run->fast)
                run_say(run, RUN_FEED_SYSTEM, "firedrill",
                        run_text(run, "Fast mode: holds, hints and the time limit are divided by %d.", RUN_FAST_FACTOR), -1);
        return ERR_OK;
}

static enum err event_stack(struct run *run, const struct run_event *event, struct err_note *reterr)
{
        const char *why = event->text ? event->text : "no reason given";
        bool awaited = run->state == RUN_PREPARING && !run->stack_ready;

        if (run->state >= RUN_ENDED || (!awaited && event->kind == RUN_EV_STACK_READY))
                return err_note(reterr, ERR_STATE, "the stack is no longer waited for");
        if (event->kind == RUN_EV_STACK_READY)
                run->stack_ready = true;
        else
                run_end(run, RUN_OUTCOME_FAILED, run_text(run, awaited ? "the stack did not start: %s" : "the stack was lost: %s", why));
        return ERR_OK;
}

static enum err event_end(struct run *run, const struct run_event *event, struct err_note *reterr)
{
        const char *how = event->by ? event->by : "abandoned";
        size_t held = 0;

        if (run->state >= RUN_ENDED) return err_note(reterr, ERR_STATE, "the run has ended already");
        if (!str_eq(how, "abandoned") && !str_eq(how, "complete"))
                return err_note(reterr, ERR_INVAL, "reason is '%s'; expected is 'abandoned' or 'complete'", how);
        if (str_eq(how, "complete") && run->state != RUN_RUNNING)
                return err_note(reterr, ERR_STATE, "the incident has not begun; there is nothing to complete");
        for (size_t i = 0; i < run->s->criteria_count; i++)
                held += run->criteria[i].held;
        if (str_eq(how, "abandoned")) {
                run_end(run, RUN_OUTCOME_ABANDONED, run_copy(run, "abandoned"));
                return ERR_OK;
        }
        run->complete = true;
        if (held == run->s->criteria_count)
                run_end(run, RUN_OUTCOME_RESOLVED, run_copy(run, "marked complete, with all criteria held"));
        else
                run_end(run, RUN_OUTCOME_ABANDONED,
                        run_text(run, "marked complete while %zu of %zu criteria were held", held, run->s->criteria_count));
        return ERR_OK;
}

static enum err event_alert(struct run *run, const struct run_event *event, struct err_note *reterr)
{
        if (run->state != RUN_INJECTING && run->state != RUN_RUNNING)
                return err_note(reterr, ERR_STATE, "no incident is running");
        run_clock_set(run, RUN_CLOCK_ALERT_FIRED);
        run_say(run, RUN_FEED_ALERT, run_copy(run, event->on), run_copy(run, event->text), -1);
        run_mark(run, RUN_LANE_SYMPTOM, "", run_text(run, "Alert: %s", event->on ? event->on : ""));
        return ERR_OK;
}

bool run_alert_firing(const struct run *run, const char *name)
{
        for (size_t i = run->feed_count; i > 0; i--) {
                const struct run_feed *f = &run->feed[i - 1];

                if ((f->kind == RUN_FEED_ALERT || f->kind == RUN_FEED_RESOLVED) && str_eq(f->from, name)) return f->kind == RUN_FEED_ALERT;
        }
        return false;
}

static enum err event_alert_resolved(struct run *run, const struct run_event *event, struct err_note *reterr)
{
        const char *name = event->on ? event->on : "";

        if (run->state >= RUN_ENDED || !run_alert_firing(run, name)) return err_note(reterr, ERR_STATE, "the alert '%s' is not firing in this run", name);
        run_say(run, RUN_FEED_RESOLVED, run_copy(run, name), "the alert is resolved", -1);
        run_mark(run, RUN_LANE_SYMPTOM, "", run_text(run, "Alert resolved: %s", name));
        return ERR_OK;
}

static enum err event_recover(struct run *run, struct err_note *reterr)
{
        if (run->state == RUN_DEBRIEFED) return err_note(reterr, ERR_STATE, "nothing of the run was left");
        run_tasks_recover(run);
        if (run->state < RUN_ENDED)
                run_end(run, RUN_OUTCOME_FAILED,
                        run_copy(run, "the server stopped during the run; everything it had changed is being undone"));
        return ERR_OK;
}

static enum err event_note(struct run *run, const struct run_event *event, struct err_note *reterr)
{
        if (!event->text || !event->text[0]) return err_note(reterr, ERR_INVAL, "the note is empty");
        run->forward_note = run_copy(run, event->text);
        return ERR_OK;
}

static enum err dispatch(struct run *run, const struct run_event *event, struct err_note *reterr)
{
        switch (event->kind) {
        case RUN_EV_START: return event_start(run, reterr);
        case RUN_EV_STACK_READY:
        case RUN_EV_STACK_FAILED: return event_stack(run, event, reterr);
        case RUN_EV_TASK_PREPARED:
        case RUN_EV_TASK_APPLIED:
        case RUN_EV_TASK_FAILED:
        case RUN_EV_TASK_UNDONE:
        case RUN_EV_TASK_UNDO_FAILED: return run_task_event(run, event, reterr);
        case RUN_EV_SAMPLES: return run_samples_event(run, event, reterr);
        case RUN_EV_TICK: return ERR_OK;
        case RUN_EV_ACTION: return run_action_event(run, event, reterr);
        case RUN_EV_HINT: return run_hint_event(run, event, reterr);
        case RUN_EV_ADVICE: return run_advice_event(run, event, reterr);
        case RUN_EV_EVIDENCE: return run_evidence_event(run, event, reterr);
        case RUN_EV_DIAGNOSIS: return run_diagnosis_event(run, event, reterr);
        case RUN_EV_ASSIST: return run_assist_event(run, event, reterr);
        case RUN_EV_ALERT: return event_alert(run, event, reterr);
        case RUN_EV_ALERT_RESOLVED: return event_alert_resolved(run, event, reterr);
        case RUN_EV_NOTE: return event_note(run, event, reterr);
        case RUN_EV_END: return event_end(run, event, reterr);
        case RUN_EV_RECOVER: return event_recover(run, reterr);
        case RUN_EVENT_COUNT: break;
        }
        CHECK(!"an event of the list");
        return ERR_INVAL;
}

enum err run_step(struct run *run, const struct run_event *event, int64_t now_ms, struct run_effects *effects,
                  struct err_note *reterr)
{
        int64_t before_ms = run->now_ms;
        enum err e;

        effects->count = 0;
        if (run->broken) return err_note(reterr, ERR_NOMEM, "the run is broken: memory ran out in an earlier step");
        if (!run->started && event->kind != RUN_EV_START) return err_note(reterr, ERR_STATE, "the run has not started");
        run->effects = effects;
        run->now_ms = MAX(now_ms, before_ms);
        e = dispatch(run, event, reterr);
        if (e) {
                run->now_ms = before_ms;
                effects->count = 0;
        } else {
                advance(run);
        }
        run->effects = NULL;
        if (!run->nomem) return e;
        run->broken = true;
        effects->count = 0;
        return err_note(reterr, ERR_NOMEM, "memory ran out during the run");
}

const struct scenario *run_scenario(const struct run *run)
{
        return run->s;
}

const char *run_id(const struct run *run)
{
        return run->id;
}

uint64_t run_seed(const struct run *run)
{
        return run->seed;
}

unsigned run_stack(const struct run *run)
{
        return run->stack;
}

bool run_fast(const struct run *run)
{
        return run->fast;
}

enum run_state run_state(const struct run *run)
{
        return run->state;
}

enum run_outcome run_outcome(const struct run *run)
{
        return run->outcome;
}

bool run_broken(const struct run *run)
{
        return run->broken;
}

const char *run_reason(const struct run *run)
{
        return run->reason;
}

int64_t run_onset_ms(const struct run *run)
{
        return run->onset_ms;
}

int64_t run_clock(const struct run *run, enum run_clock clock)
{
        CHECK((unsigned)clock < RUN_CLOCK_COUNT);
        return run->clock_ms[clock] ? run->clock_ms[clock] - run->onset_ms : -1;
}

int64_t run_time_limit_ms(const struct run *run)
{
        return run_limit_ms(run);
}

size_t run_query_count(const struct run *run)
{
        return run->query_count;
}

const char *run_query(const struct run *run, size_t index)
{
        CHECK(index < run->query_count);
        return run->query[index];
}

const struct scenario_probe *run_probe(const struct run *run, size_t index)
{
        CHECK(index < run->query_count);
        return run->probe[index];
}

size_t run_criterion_count(const struct run *run)
{
        return run->s->criteria_count;
}

size_t run_guard_count(const struct run *run)
{
        return run->s->guard_count;
}

size_t run_feed_count(const struct run *run)
{
        return run->feed_count;
}

size_t run_action_count(const struct run *run)
{
        return run->action_count;
}

uint32_t run_task_count(const struct run *run)
{
        return (uint32_t)run->task_count;
}

const struct run_task *run_task(const struct run *run, uint32_t id)
{
        CHECK(id >= 1 && id <= run->task_count);
        return run->tasks[id - 1];
}

const struct run_task *run_action_task(const struct run *run, size_t index)
{
        CHECK(index < run->action_count);
        return run_task(run, run->actions[index].task);
}
