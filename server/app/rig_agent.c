/* The control agent of a rig: found or started, heard, started again when it dies, ended. */
#include <stdio.h>

#include "common/base/str.h"
#include "common/sys/clock.h"
#include "server/app/rig_impl.h"

enum {
        RIG_REVIVES_MAX = 5,
        RIG_REVIVE_MS = 1000,
        RIG_FIND_MS = 600,
        RIG_AGENT_MS = 15000,
        RIG_SHUTDOWN_MS = 30000
};

static void rig_revive(void *ctx);

static void rig_revive_later(struct rig *rig)
{
        if (!rig->revives || rig->revive_timer || rig->stopping) return;
        if (rig->revived == RIG_REVIVES_MAX) {
                rig_notice(rig, "error",
                           "the control agent died too often and is not started again; start the server anew");
                return;
        }
        rig->revived++;
        if (loop_timer_add(rig->loop, RIG_REVIVE_MS, 0, rig_revive, rig, &rig->revive_timer)) rig->revive_timer = NULL;
}

static void rig_revived_stack(void *ctx, const struct stage_answer *a)
{
        struct rig *rig = ctx;
        char text[ERR_NOTE_BYTES];

        if (a->e) (void)snprintf(text, sizeof(text), "the stack did not come up again: %.400s", a->detail);
        rig_notice(rig, a->e ? "error" : "info", a->e ? text : "the stack is up again");
        if (a->e) rig_revive_later(rig);
}

static void rig_control_state(void *ctx, bool up)
{
        struct rig *rig = ctx;

        rig->control_up = up;
        if (rig->o.on_control) rig->o.on_control(rig->o.ctx, up);
        if (rig->stopping) return;
        if (up && rig->revives) stage_up(rig->stage, rig_revived_stack, NULL, rig);
        if (up) return;
        rig_notice(rig, "error", "the control agent went away; everything it ran has ended with it");
        if (rig->conductor) conductor_stack_lost(rig->conductor, "the control agent died, and the whole stack with it");
        rig_revive_later(rig);
}

static void rig_control_event(void *ctx, const struct json *event)
{
        struct rig *rig = ctx;
        AUTO_BUF out = {0};

        if (json_get_int(event, "stack", 0) != rig->o.stack) return;
        if (str_eq(json_get_str(event, "event", ""), "stack") && rig->o.on_control) rig->o.on_control(rig->o.ctx, true);
        if (!str_eq(json_get_str(event, "event", ""), "service")) return;
        buf_init(&out, CONTROL_LINE_BYTES_MAX);
        if (json_get(event, "service") && !json_print(json_get(event, "service"), &out))
                rig->o.tell(rig->o.ctx, "process", out.data);
}

static void rig_agent_exit(void *ctx, int status)
{
        struct rig *rig = ctx;

        (void)status;
        rig->agent_gone = true;
}

static enum err rig_agent_start(struct rig *rig, struct err_note *reterr)
{
        char programs[FILE_PATH_BYTES], program[FILE_PATH_BYTES], log[FILE_PATH_BYTES];
        struct agent_options start = {.loop = rig->loop,
                                      .program = program,
                                      .home = rig->home,
                                      .log = log,
                                      .dies_with_us = rig->is_temporary || rig->o.is_brief,
                                      .on_exit = rig_agent_exit,
                                      .ctx = rig};
        enum err e = path_programs(programs, reterr);

        if (!e && (path_join(program, programs, "firedrill-control") || path_join(log, rig->home, "control.log")))
                e = err_note(reterr, ERR_LIMIT, "the path of --home is too long");
        if (e) return e;
        agent_free(take(&rig->agent));
        rig->agent_gone = false;
        return agent_start(&start, &rig->agent, reterr);
}

/* The agent may also have come back by somebody else's hand; then there is nothing to do. */
static void rig_revive(void *ctx)
{
        struct rig *rig = ctx;
        struct err_note note = {0};

        rig->revive_timer = NULL;
        if (rig->control_up || rig->stopping) return;
        if (rig_agent_start(rig, &note)) {
                rig_notice(rig, "error", note.text);
                rig_revive_later(rig);
        }
}

enum err rig_agent_find(struct rig *rig, struct err_note *reterr)
{
        char socket[FILE_PATH_BYTES];
        struct control_options options = {.loop = rig->loop,
                                          .path = socket,
                                          .on_state = rig_control_state,
                                          .on_event = rig_control_event,
                                          .ctx = rig};
        enum err e = ERR_OK;

        if (path_join(socket, rig->home, "control.sock"))
                return err_note(reterr, ERR_LIMIT, "the path of --home is too long");
        e = control_new(&options, &rig->control, reterr);
        if (e) return e;
        if (file_exists(socket) || rig->o.no_control) e = rig_wait(rig, &rig->control_up, RIG_FIND_MS);
        if (rig->control_up) return ERR_OK;
        if (e == ERR_STATE) return err_note(reterr, e, "interrupted");
        if (rig->o.no_control)
                return err_note(reterr, ERR_UNAVAILABLE,
                                "no control agent answers on '%s' and --no-control forbids to start one", socket);
        e = rig_agent_start(rig, reterr);
        if (e) return e;
        for (int64_t deadline = clock_mono_ms() + RIG_AGENT_MS;
             !rig->control_up && !rig->agent_gone && clock_mono_ms() < deadline;)
                (void)loop_turn(rig->loop, RIG_TURN_MS);
        if (rig->control_up) return ERR_OK;
        return err_note(reterr, ERR_UNAVAILABLE, "the control agent %s; its words are in '%s/control.log'",
                        rig->agent_gone ? "ended at once" : "does not answer", rig->home);
}

static void rig_shutdown_answer(void *ctx, enum err e, const struct json *result, const struct err_note *note)
{
        struct rig *rig = ctx;

        (void)result, (void)note;
        rig->answered = true;
        rig->answer = e;
}

enum err rig_agent_stop(struct rig *rig, struct err_note *reterr)
{
        struct control_request shutdown = {
                .verb = "shutdown", .timeout_ms = RIG_SHUTDOWN_MS, .fn = rig_shutdown_answer, .ctx = rig};
        char socket[FILE_PATH_BYTES];
        int64_t deadline = clock_mono_ms() + RIG_SHUTDOWN_MS;

        if (rig->o.no_control || !rig->control) return ERR_OK;
        rig->answered = false;
        if (control_call(rig->control, &shutdown, NULL) && rig->agent) agent_terminate(rig->agent);
        /* Gone is gone: the child was reaped, or for an agent that was found, its connection has ended. */
        while (clock_mono_ms() < deadline && (rig->agent ? !rig->agent_gone : rig->control_up))
                (void)loop_turn(rig->loop, RIG_TURN_MS);
        if (rig->agent ? rig->agent_gone : !rig->control_up) {
                if (!path_join(socket, rig->home, "control.sock") && rig->is_temporary)
                        return file_remove(socket, reterr);
                return ERR_OK;
        }
        return err_note(reterr, ERR_TIMEOUT, "the control agent did not end in time");
}
