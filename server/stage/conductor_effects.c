/* Effects of the engine, carried out on the stage; the stage's answers go back as events. */
#include <stdio.h>

#include "common/base/check.h"
#include "common/base/str.h"
#include "server/engine/run_json.h"
#include "server/stage/conductor_impl.h"

static struct conductor_call *call_new(struct conductor *c, uint32_t task)
{
        for (size_t i = 0; i < STAGE_JOBS_MAX; i++) {
                if (c->call[i].task) continue;
                c->call[i] = (struct conductor_call){.conductor = c, .task = task, .run_id = c->run_id};
                return &c->call[i];
        }
        return NULL;
}

/* Frees the call; NULL if its run is not the present one any more. */
static struct conductor *call_end(struct conductor_call *call, uint32_t *task)
{
        struct conductor *c = call->conductor;
        bool stale = call->run_id != c->run_id || !c->run;

        *task = call->task;
        call->task = 0;
        return stale ? NULL : c;
}

static void task_failed(struct conductor *c, uint32_t task, const struct stage_answer *a)
{
        const struct run_task *t = run_task(c->run, task);

        for (size_t i = 0; i < CONDUCTOR_WAITERS_MAX; i++) {
                if (!c->waiter[i].fn || t->action < 0 || c->waiter[i].action != (size_t)t->action) continue;
                c->waiter[i].e = a->e;
                c->waiter[i].problem = a->problem;
        }
        conductor_feed(c, &(struct run_event){.kind = RUN_EV_TASK_FAILED, .task = task, .text = a->detail});
}

static void prepared(void *ctx, const struct stage_answer *a)
{
        uint32_t task;
        struct conductor *c = call_end(ctx, &task);

        if (!c) return;
        if (a->e)
                task_failed(c, task, a);
        else
                conductor_feed(c, &(struct run_event){.kind = RUN_EV_TASK_PREPARED, .task = task, .undo = a->json});
}

static void applied(void *ctx, const struct stage_answer *a)
{
        uint32_t task;
        struct conductor *c = call_end(ctx, &task);

        if (!c) return;
        if (a->e)
                task_failed(c, task, a);
        else
                conductor_feed(c, &(struct run_event){.kind = RUN_EV_TASK_APPLIED, .task = task, .changed = a->json});
}

static void undone(void *ctx, const struct stage_answer *a)
{
        uint32_t task;
        struct conductor *c = call_end(ctx, &task);

        if (!c) return;
        if (a->e)
                conductor_feed(c,
                               &(struct run_event){.kind = RUN_EV_TASK_UNDO_FAILED, .task = task, .text = a->detail});
        else
                conductor_feed(c, &(struct run_event){.kind = RUN_EV_TASK_UNDONE, .task = task});
}

static void reset_done(void *ctx, const struct stage_answer *a)
{
        uint32_t task;
        struct conductor *c = call_end(ctx, &task);

        if (!c) return;
        if (a->e)
                conductor_feed(c, &(struct run_event){.kind = RUN_EV_STACK_FAILED, .text = a->detail});
        else
                conductor_feed(c, &(struct run_event){.kind = RUN_EV_STACK_READY});
}

static void reset_progress(void *ctx, const char *text)
{
        struct conductor_call *call = ctx;

        conductor_notice(call->conductor, "progress", "%s", text);
}

static const struct stage_answer too_many = {
        .e = ERR_LIMIT, .detail = "too many changes are under way on the stack", .json = "{}"};

/* The learner's undo is signed by the learner, the end of a fault by its scenario, the clearing up by the engine. */
static const char *undo_author(const struct conductor *c, const struct run_task *task)
{
        for (uint32_t id = 1; id <= run_task_count(c->run); id++) {
                const struct run_task *other = run_task(c->run, id);

                if (other->undo_of == task->id && other->state != RUN_TASK_APPLIED && other->state != RUN_TASK_FAILED)
                        return other->by;
        }
        return run_outcome(c->run) != RUN_OUTCOME_NONE ? "engine" : task->by;
}

static struct stage_change change_of(const struct run_task *task)
{
        return (struct stage_change){
                .kind = task->kind, .on = task->on, .args = task->args, .by = task->by, .reason = task->reason};
}

static void effect_prepare(struct conductor *c, uint32_t id)
{
        struct conductor_call *call = call_new(c, id);
        struct stage_change change = change_of(run_task(c->run, id));

        if (call)
                stage_prepare(c->o.stage, &change, prepared, call);
        else
                task_failed(c, id, &too_many);
}

static void effect_apply(struct conductor *c, uint32_t id)
{
        struct stage_change change = change_of(run_task(c->run, id));
        struct conductor_call *call;
        struct err_note note;
        enum err e = conductor_journal_plan(c, run_task(c->run, id), &note);

        if (e) {
                task_failed(c, id, &(struct stage_answer){.e = e, .detail = note.text, .json = "{}"});
                return;
        }
        call = call_new(c, id);
        if (call)
                stage_apply(c->o.stage, &change, applied, call);
        else
                task_failed(c, id, &too_many);
}

static void effect_undo(struct conductor *c, uint32_t id)
{
        const struct run_task *task = run_task(c->run, id);
        struct conductor_call *call = call_new(c, id);
        char reason[160];

        (void)snprintf(reason, sizeof(reason), "undo: %.100s", task->reason ? task->reason : task->kind);
        if (call)
                stage_undo(c->o.stage, task->undo, undo_author(c, task), reason, undone, call);
        else
                conductor_feed(
                        c, &(struct run_event){.kind = RUN_EV_TASK_UNDO_FAILED, .task = id, .text = too_many.detail});
}

static void effect_reset(struct conductor *c)
{
        struct conductor_call *call = call_new(c, UINT32_MAX);

        if (call)
                stage_reset(c->o.stage, run_seed(c->run), reset_done, reset_progress, call);
        else
                conductor_feed(c, &(struct run_event){.kind = RUN_EV_STACK_FAILED, .text = too_many.detail});
}

static void effect_watch(struct conductor *c)
{
        const struct scenario_probe *probes[SCENARIO_QUERIES_MAX];
        const char *queries[SCENARIO_QUERIES_MAX];
        size_t query_count = 0, probe_count = 0;

        CHECK(run_query_count(c->run) <= SCENARIO_QUERIES_MAX);
        for (size_t i = 0; i < run_query_count(c->run); i++) {
                if (run_probe(c->run, i)) probes[probe_count++] = run_probe(c->run, i);
                else queries[query_count++] = run_query(c->run, i);
        }
        prober_watch(c->prober, probes, probe_count);
        if (poll_watch(c->poll, queries, query_count))
                conductor_notice(c, "error", "the criteria cannot be watched: out of memory");
}

static void effect_unwatch(struct conductor *c)
{
        prober_watch(c->prober, NULL, 0);
        CHECK(poll_watch(c->poll, NULL, 0) == ERR_OK); /* watching nothing needs no memory */
}

/* Messages */

static void tell_list(struct conductor *c, const char *type, size_t index,
                      void (*write)(const struct run *, size_t, struct buf *))
{
        AUTO_BUF out;

        buf_init(&out, CONDUCTOR_TEXT_BYTES_MAX);
        write(c->run, index, &out);
        conductor_tell(c, type, &out);
}

void conductor_tell_standing(struct conductor *c)
{
        AUTO_BUF out, harm;

        buf_init(&out, CONDUCTOR_TEXT_BYTES_MAX);
        run_standing_json(c->run, &out);
        conductor_tell(c, "standing", &out);
        buf_init(&harm, CONDUCTOR_TEXT_BYTES_MAX);
        run_harm_json(c->run, &harm);
        conductor_tell(c, "harm", &harm);
}

/* How the run stood at its end is told before the end itself: who hears that has heard everything. */
static void tell_run(struct conductor *c)
{
        AUTO_BUF out;

        if (run_state(c->run) == RUN_ENDED) conductor_tell_standing(c);

        buf_init(&out, CONDUCTOR_TEXT_BYTES_MAX);
        run_json(c->run, &out);
        conductor_tell(c, "run", &out);
}

static void effect_task(struct conductor *c, uint32_t id)
{
        const struct run_task *task = run_task(c->run, id);
        AUTO_BUF out = {0};

        conductor_journal_task(c, task);
        if (task->action >= 0) conductor_waiters_end(c, (size_t)task->action);
        if (task->purpose == RUN_PURPOSE_ACTION || task->purpose == RUN_PURPOSE_LOAD) return;
        buf_init(&out, CONDUCTOR_TEXT_BYTES_MAX);
        run_task_json(c->run, id, &out);
        conductor_tell(c, "fault", &out);
}

static void waiters_give_up(struct conductor *c)
{
        for (size_t i = 0; i < CONDUCTOR_WAITERS_MAX; i++) {
                struct conductor_waiter w = c->waiter[i];

                if (!w.fn) continue;
                c->waiter[i] = (struct conductor_waiter){0};
                w.fn(w.ctx, ERR_STATE, "null", "the run ended before the action was done", NULL);
        }
}

void conductor_idle(struct conductor *c)
{
        c->active = false;
        waiters_give_up(c);
        if (c->o.on_idle) c->o.on_idle(c->o.ctx, c->run_id);
}

static void effect_one(struct conductor *c, const struct run_effect *x, bool can_change)
{
        static const struct stage_answer no_journal = {
                .e = ERR_IO, .json = "{}", .detail = "nothing is changed, because the journal cannot be written"};

        switch (x->kind) {
        case RUN_DO_RESET_STACK:
                effect_reset(c);
                return;
        case RUN_DO_WATCH:
                effect_watch(c);
                return;
        case RUN_DO_UNWATCH:
                effect_unwatch(c);
                return;
        case RUN_DO_PREPARE:
                effect_prepare(c, x->index);
                return;
        case RUN_DO_APPLY:
                if (can_change)
                        effect_apply(c, x->index);
                else
                        task_failed(c, x->index, &no_journal);
                return;
        case RUN_DO_UNDO:
                effect_undo(c, x->index);
                return;
        case RUN_DO_TASK:
                effect_task(c, x->index);
                return;
        case RUN_DO_RUN:
        case RUN_DO_ENDED:
                conductor_journal_run(c, false);
                tell_run(c);
                return;
        case RUN_DO_CRITERION:
                tell_list(c, "criterion", x->index, run_criterion_json);
                return;
        case RUN_DO_GUARD:
                tell_list(c, "guard", x->index, run_guard_json);
                return;
        case RUN_DO_FEED:
                tell_list(c, "feed", x->index, run_feed_json);
                return;
        case RUN_DO_ACTION:
                conductor_journal_action(c, x->index);
                tell_list(c, "action", x->index, run_action_json);
                conductor_waiters_end(c, x->index);
                return;
        case RUN_DO_ADVISE:
        case RUN_DO_DEBRIEF:
        case RUN_EFFECT_COUNT:
                return;
        }
}

/* Advice and the end are answered when everything else of the step is done, because both step again. */
void conductor_effects(struct conductor *c, const struct run_effects *effects, bool can_change)
{
        bool debriefed = false;

        for (size_t i = 0; i < effects->count && c->run; i++) {
                effect_one(c, &effects->item[i], can_change);
                debriefed = debriefed || effects->item[i].kind == RUN_DO_DEBRIEF;
        }
        for (size_t i = 0; i < effects->count && c->run; i++) {
                char advice[ERR_NOTE_BYTES] = "No recovery agent is connected to this run, so there is no advice.";

                if (effects->item[i].kind != RUN_DO_ADVISE) continue;
                if (c->o.advise) c->o.advise(c->o.ctx, advice, sizeof(advice));
                conductor_feed(c,
                               &(struct run_event){
                                       .kind = RUN_EV_ADVICE,
                                       .hint = run_scenario(c->run)->hints[effects->item[i].index].id,
                                       .text = advice});
        }
        if (!debriefed || !c->run) return;
        conductor_journal_run(c, true);
        conductor_journal_episode(c);
        tell_run(c);
        conductor_idle(c);
}
