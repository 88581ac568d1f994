/* Repairs by the learner and the agent: an action is shown, its task is what happens to the stack. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/text/json.h"
#include "server/engine/fault.h"
#include "server/engine/run_internal.h"

static struct run_action *action_new(struct run *run, const struct run_event *event)
{
        struct run_action *action;

        if (mem_grow((void **)&run->actions, &run->action_capacity, run->action_count + 1, sizeof *run->actions, RUN_ACTIONS_MAX)) {
                run->nomem = true;
                return NULL;
        }
        action = &run->actions[run->action_count];
        *action = (struct run_action){ .kind = run_copy(run, event->action), .on = run_copy(run, event->on),
                                       .args = run_copy(run, event->args && event->args[0] ? event->args : "{}"),
                                       .by = run_copy(run, event->by && event->by[0] ? event->by : "learner"),
                                       .reason = run_copy(run, event->text), .detail = "", .time_ms = run->now_ms, .undone_by = -1 };
        run_emit(run, RUN_DO_ACTION, (uint32_t)run->action_count++);
        return action;
}

static enum err check_target(const struct run *run, const struct fault_kind *kind, const char *on, struct err_note *reterr)
{
        const struct world_service *service;

        if (kind->target == FAULT_TARGET_NONE) /* the service it goes through may be named */
                return on[0] && !(kind->via && str_eq(on, kind->via)) ? err_note(reterr, ERR_INVAL, "'%s' takes no 'on'", kind->name) : ERR_OK;
        if (!on[0]) return err_note(reterr, ERR_INVAL, "'%s' has no 'on'; expected is a service", kind->name);
        if (!run->world || !run->world->service_count || kind->target == FAULT_TARGET_EDGE) return ERR_OK;
        service = world_service_find(run->world, on);
        if (!service) return err_note(reterr, ERR_NOT_FOUND, "no service '%s' in this stack", on);
        if (kind->target == FAULT_TARGET_SERVICE && !service->configurable)
                return err_note(reterr, ERR_INVAL, "'%s' has no configuration of its own", on);
        return ERR_OK;
}

static enum err begin_undo(struct run *run, const struct run_event *event, const struct json *args, struct err_note *reterr)
{
        const char *id = json_get_str(args, "action", "");
        struct run_action *action;
        struct run_task *task, *undo_task;
        uint64_t number;

        if (id[0] != 'a' || str_parse_u64(id + 1, run->action_count, &number) != ERR_OK || number == 0)
                return err_note(reterr, ERR_NOT_FOUND, "no action '%s' to undo", id);
        if (run->task_count >= RUN_TASKS_MAX) return err_note(reterr, ERR_LIMIT, "more than %d changes in one run", RUN_TASKS_MAX);
        action = &run->actions[number - 1];
        task = run->tasks[action->task - 1];
        if (action->is_undo || !run_task_undoable(task))
                return err_note(reterr, ERR_STATE, "action %s has nothing to undo", id);
        if (action->state != RUN_ACTION_APPLIED || task->state != RUN_TASK_APPLIED)
                return err_note(reterr, ERR_STATE, "action %s is %s; only an applied one can be undone", id, run_task_state_text(task->state));
        undo_task = run_task_new(run, RUN_PURPOSE_ACTION, "undo", task->on, event->args, 0);
        action->undone_by = (int)run->action_count;
        action = action_new(run, event);
        if (!action || !undo_task) return ERR_OK;
        action->is_undo = true;
        action->on = task->on;
        action->task = undo_task->id;
        undo_task->undo_of = task->id;
        undo_task->undo = "null";
        undo_task->by = action->by;
        undo_task->reason = action->reason;
        undo_task->action = (int)run->action_count - 1;
        undo_task->state = RUN_TASK_APPLYING;
        run_emit(run, RUN_DO_TASK, undo_task->id);
        task->state = RUN_TASK_UNDOING;
        run_emit(run, RUN_DO_TASK, task->id);
        run_emit(run, RUN_DO_UNDO, task->id);
        return ERR_OK;
}

static enum err print_args(struct run *run, const struct json *args, const char **ret)
{
        AUTO_BUF text;
        enum err e;

        buf_init(&text, RUN_ARGS_BYTES_MAX);
        e = json_print(args, &text);
        if (e) return e;
        *ret = run_copy(run, text.data);
        return ERR_OK;
}

enum err run_action_event(struct run *run, const struct run_event *event, struct err_note *reterr)
{
        const char *name = event->action ? event->action : "", *on = event->on ? event->on : "";
        const char *text = event->args && event->args[0] ? event->args : "{}", *task_args;
        AUTO(json_free) struct json *args = NULL;
        const struct json *arguments;
        const struct fault_kind *kind;
        struct run_action *action;
        struct run_task *task;
        int64_t for_ms;
        enum err e;

        if (run->state != RUN_RUNNING) return err_note(reterr, ERR_STATE, "no incident is running");
        if (run->action_count >= RUN_ACTIONS_MAX || run->task_count >= RUN_TASKS_MAX)
                return err_note(reterr, ERR_LIMIT, "more than %d actions in one run", RUN_ACTIONS_MAX);
        e = strlen(text) > RUN_ARGS_BYTES_MAX ? ERR_LIMIT : json_parse(text, strlen(text), &args, reterr);
        if (e == ERR_NOMEM) return e;
        if (e || !json_is(args, JSON_OBJECT)) return err_note(reterr, ERR_INVAL, "'args' is not a JSON object");
        if (str_eq(name, "undo")) return begin_undo(run, event, args, reterr);
        kind = fault_find(str_eq(name, "config.patch") ? "config.set" : name);
        if (!kind || !kind->repair)
                return err_note(reterr, ERR_INVAL, "unknown action '%s'; expected is config.patch, process.restart or another repair", name);
        e = check_target(run, kind, on, reterr);
        if (e) return e;
        if (kind->target == FAULT_TARGET_NONE) on = "";
        arguments = str_eq(name, "config.patch") ? json_get(args, "patch") : args;
        if (!json_is(arguments, JSON_OBJECT) || (kind->any_args && !json_count(arguments)))
                return err_note(reterr, ERR_INVAL, "'%s' changes nothing; expected is at least one key%s", name,
                                str_eq(name, "config.patch") ? " in 'args.patch'" : "");
        for_ms = json_get_int(args, "for_ms", 0);
        json_remove(args, "for_ms");
        e = print_args(run, arguments, &task_args);
        if (e) return err_note(reterr, e, "'args' is too large");
        action = action_new(run, event);
        task = run_task_new(run, RUN_PURPOSE_ACTION, kind->name, on, task_args, for_ms);
        if (!action || !task) return ERR_OK;
        action->task = task->id;
        task->action = (int)run->action_count - 1;
        task->by = action->by;
        task->reason = action->reason;
        run->assisted |= str_eq(action->by, "agent");
        run_clock_set(run, RUN_CLOCK_ACKNOWLEDGED);
        run_task_begin(run, task);
        return ERR_OK;
}

/* "config.set api: worker_threads 2 -> 16" for people. */
static const char *changed_text(struct run *run, const struct run_task *task)
{
        AUTO(json_free) struct json *changed = NULL;
        AUTO_BUF text;

        buf_init(&text, 800);
        buf_printf(&text, "%s%s%s", task->kind, task->on[0] ? " " : "", task->on);
        if (json_parse(task->changed, strlen(task->changed), &changed, NULL) != ERR_OK) run->nomem = true; /* it was checked */
        JSON_EACH(member, changed) {
                const struct json *from = json_get(member, "from"), *to = json_get(member, "to");

                buf_printf(&text, "%s %s ", member == json_first(changed) ? ":" : ",", json_key(member));
                if (from && json_print(from, &text) == ERR_NOMEM) run->nomem = true;
                buf_str(&text, " -> ");
                if (to && json_print(to, &text) == ERR_NOMEM) run->nomem = true;
        }
        if (buf_status(&text) == ERR_NOMEM) run->nomem = true;
        return run_copy(run, text.data);
}

static bool on_truth(const struct run *run, const char *on)
{
        for (size_t i = 0; i < run->s->cause_count; i++)
                if (on[0] && (run->world ? world_same(run->world, run->s->causes[i].component, on) : str_eq(run->s->causes[i].component, on)))
                        return true;
        return false;
}

static void action_applied(struct run *run, const struct run_task *task)
{
        const struct fault_kind *kind = fault_find(task->kind);
        const char *text = changed_text(run, task);
        bool effective = false;

        if (kind) run->harm.cost += kind->cost;
        for (size_t i = 0; i < run->s->solution_count; i++)
                for (size_t k = 0; k < run->s->solutions[i].count; k++)
                        effective |= run_step_matches(run, &run->s->solutions[i].step[k], task, &run->nomem);
        if (effective) run_clock_set(run, RUN_CLOCK_EFFECTIVE_ACTION);
        if (effective || on_truth(run, task->on)) run_clock_set(run, RUN_CLOCK_COMPONENT_FOUND);
        run_say(run, RUN_FEED_ACTION, task->by, text, -1);
        run_mark(run, RUN_LANE_ACTION, task->on, text);
        run_replays_reset(run);
        run_rules_actions(run);
}

/* The task was undone: at the learner's word, or at the end of the run. */
static void undo_over(struct run *run, struct run_action *done, const struct run_task *task)
{
        struct run_action *undo = done->undone_by >= 0 ? &run->actions[done->undone_by] : NULL;
        struct run_task *undo_task = undo ? run->tasks[undo->task - 1] : NULL;

        if (run->state < RUN_ENDED || (undo && undo->state == RUN_ACTION_PENDING))
                done->undone = task->state == RUN_TASK_UNDONE; /* the clearing up at the end says nothing about the repair */
        if (!undo || undo->state != RUN_ACTION_PENDING) return;
        undo->state = done->undone ? RUN_ACTION_APPLIED : RUN_ACTION_FAILED;
        undo->detail = undo_task->detail = task->detail;
        undo_task->state = done->undone ? RUN_TASK_APPLIED : RUN_TASK_FAILED;
        undo_task->applied_ms = done->undone ? run->now_ms : 0;
        run_emit(run, RUN_DO_TASK, undo_task->id);
        run_emit(run, RUN_DO_ACTION, (uint32_t)done->undone_by);
        if (!done->undone || run->state >= RUN_ENDED) return;
        run_say(run, RUN_FEED_ACTION, undo->by, run_text(run, "undone: %s %s (a%d)", task->kind, task->on, task->action + 1), -1);
        run_mark(run, RUN_LANE_ACTION, task->on, run_text(run, "undone: %s %s", task->kind, task->on));
        run_replays_reset(run);
        run_rules_actions(run);
}

void run_action_changed(struct run *run, const struct run_task *task)
{
        struct run_action *action = &run->actions[task->action];

        run_emit(run, RUN_DO_ACTION, (uint32_t)task->action);
        switch (task->state) {
        case RUN_TASK_APPLIED:
                action->state = RUN_ACTION_APPLIED;
                if (run->state < RUN_ENDED) action_applied(run, task);
                break;
        case RUN_TASK_FAILED:
        case RUN_TASK_SKIPPED:
                action->state = RUN_ACTION_FAILED;
                action->detail = task->detail[0] ? task->detail : "the run had ended before it was applied";
                break;
        case RUN_TASK_UNDONE:
        case RUN_TASK_UNDO_FAILED:
                undo_over(run, action, task);
                break;
        default:
                break;
        }
}
