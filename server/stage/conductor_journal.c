/* What the conductor writes down. */
#include <assert.h>

#include "common/base/str.h"
#include "common/sys/clock.h"
#include "server/engine/run_event.h"
#include "server/engine/run_json.h"
#include "server/stage/conductor_impl.h"

static_assert((int)RUN_TASKS_MAX <= (int)STORE_TASKS_MAX && (int)RUN_ACTIONS_MAX <= (int)STORE_ACTIONS_MAX,
              "the journal has room for every run");
static_assert((int)RUN_LINE_BYTES_MAX <= (int)STORE_TEXT_BYTES_MAX, "every event fits into the log");
static_assert((int)SCENARIO_TIME_LIMIT_MS_MAX / (int)CONDUCTOR_TICK_MS * 2 <= (int)STORE_EVENTS_MAX,
              "the longest run fits into the log");

void conductor_journal_failed(struct conductor *c, const struct err_note *note)
{
        if (c->journal_told) return;
        c->journal_told = true;
        conductor_notice(c, "error", "the run's journal cannot be written, so nothing more is changed on the stack: %s",
                         note->text);
}

enum err conductor_journal_event(struct conductor *c, const struct run_event *event, int64_t now_ms,
                                 struct err_note *reterr)
{
        AUTO_BUF line;
        int64_t seq = 0;
        enum err e;

        buf_init(&line, RUN_LINE_BYTES_MAX);
        run_event_write(event, now_ms, &line);
        e = buf_status(&line);
        if (e) return err_note(reterr, e, "an event is too large for the log");
        return store_event_append(
                c->o.store, c->run_id,
                &(struct store_event){.wall_ms = now_ms, .type = run_event_text(event->kind), .data = line.data}, &seq,
                reterr);
}

enum err conductor_journal_plan(struct conductor *c, const struct run_task *task, struct err_note *reterr)
{
        struct store_task row = {.task_id = task->id,
                                 .kind = task->kind,
                                 .target = task->on,
                                 .args = task->args,
                                 .undo = task->undo,
                                 .detail = "",
                                 .changed_ms = clock_wall_ms()};

        return store_task_plan(c->o.store, c->run_id, &row, reterr);
}

/* The engine's states of a task, as rows of the table. Before APPLYING there is no row: nothing was changed yet. */
void conductor_journal_task(struct conductor *c, const struct run_task *task)
{
        enum store_task_state to;
        struct err_note note;
        enum err e;

        switch (task->state) {
        case RUN_TASK_APPLIED:
                to = STORE_TASK_APPLIED;
                break;
        case RUN_TASK_UNDONE:
                to = STORE_TASK_UNDONE;
                break;
        case RUN_TASK_FAILED:
                to = STORE_TASK_FAILED;
                break;
        default:
                return;
        }
        e = store_task_move(c->o.store, c->run_id, task->id, to, NULL, task->detail ? task->detail : "",
                            clock_wall_ms(), &note);
        /* not found: it failed before it was planned; state: the same news twice */
        if (e && e != ERR_NOT_FOUND && e != ERR_STATE) conductor_journal_failed(c, &note);
}

static int64_t known_ms(int64_t ms)
{
        return ms > 0 ? ms : STORE_TIME_NONE;
}

/* Once, at the end. */
void conductor_journal_episode(struct conductor *c)
{
        struct err_note note;
        int64_t took = run_clock(c->run, RUN_CLOCK_HELD);
        enum err e;

        if (!str_eq(c->driver, "learner") || run_outcome(c->run) == RUN_OUTCOME_FAILED || run_onset_ms(c->run) == 0)
                return;
        if (took < 0) took = clock_wall_ms() - run_onset_ms(c->run);
        e = store_episode_put(c->o.store, c->run_id, run_scenario(c->run)->id, run_outcome_text(run_outcome(c->run)),
                              took, clock_wall_ms(), &note);
        if (e) conductor_journal_failed(c, &note);
}

void conductor_journal_run(struct conductor *c, bool with_debrief)
{
        AUTO_BUF document;
        AUTO_BUF debrief;
        AUTO(json_free) struct json *j = NULL;
        struct err_note note;
        bool has_outcome = run_outcome(c->run) != RUN_OUTCOME_NONE;
        struct store_run r = {.id = c->run_id,
                              .state = run_state_text(run_state(c->run)),
                              .reason = run_reason(c->run),
                              .outcome = has_outcome ? run_outcome_text(run_outcome(c->run)) : NULL,
                              .onset_ms = known_ms(run_onset_ms(c->run)),
                              .ended_ms = STORE_TIME_NONE};

        buf_init(&document, CONDUCTOR_TEXT_BYTES_MAX);
        buf_init(&debrief, CONDUCTOR_TEXT_BYTES_MAX);
        run_json(c->run, &document);
        if (with_debrief) run_debrief_json(c->run, &debrief);
        if (!buf_status(&document)) r.document = document.data;
        if (with_debrief && !buf_status(&debrief)) r.debrief = debrief.data;
        if (!json_parse(document.data, document.size_bytes, &j, NULL))
                r.ended_ms = known_ms(json_get_int(j, "ended_ms", 0));
        if (store_run_update(c->o.store, &r, &note)) conductor_journal_failed(c, &note);
}

void conductor_journal_action(struct conductor *c, size_t index)
{
        AUTO_BUF document;
        AUTO(json_free) struct json *j = NULL;
        struct store_action row = {0};
        struct err_note note;

        buf_init(&document, CONDUCTOR_TEXT_BYTES_MAX);
        run_action_json(c->run, index, &document);
        if (json_parse(document.data, document.size_bytes, &j, NULL)) return;
        row.action_id = json_get_str(j, "id", "");
        row.at_ms = json_get_int(j, "at_ms", 0);
        row.author = json_get_str(j, "by", "");
        row.document = document.data;
        if (store_action_put(c->o.store, c->run_id, &row, &note)) conductor_journal_failed(c, &note);
}
