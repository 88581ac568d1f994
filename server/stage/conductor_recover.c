/* After a crash: what an earlier life left unfinished is ended and undone. First by rebuilding the run from its log,
 * which gives a whole debrief; if that is not possible, from the task table alone. */
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/clock.h"
#include "common/sys/file.h"
#include "server/engine/run_event.h"
#include "server/engine/run_json.h"
#include "server/stage/conductor_impl.h"

enum { RECOVER_LOG_BYTES_MAX = 64 << 20 };

static enum err recover_line(void *ctx, const struct store_event *event)
{
        struct buf *log = ctx;

        buf_str(log, event->data);
        buf_char(log, '\n');
        return buf_status(log);
}

struct recover_found {
        struct conductor *conductor;
        int64_t id;
        enum err loaded; /* of conductor_load */
        struct err_note note;
        char scenario[SCENARIO_NAME_BYTES_MAX + 1];
};

static enum err recover_load(void *ctx, const struct store_run *r)
{
        struct recover_found *found = ctx;

        found->id = r->id;
        str_cut(found->scenario, sizeof(found->scenario), r->scenario);
        found->loaded = conductor_load(found->conductor, r, &found->note);
        return ERR_OK;
}

static enum err recover_replay(struct conductor *c, int64_t run_id, struct run *run, struct err_note *reterr)
{
        AUTO_BUF log;
        enum err e;

        buf_init(&log, RECOVER_LOG_BYTES_MAX);
        e = store_event_each(c->o.store, run_id, 0, STORE_EVENTS_MAX, recover_line, &log, reterr);
        return e ? e : run_replay(run, log.data, log.size_bytes, reterr);
}

struct markdown_run {
        struct conductor *conductor;
        struct scenario *scenario;
        struct run *run;
        struct err_note *note;
};

static enum err markdown_load(void *ctx, const struct store_run *r)
{
        struct markdown_run *m = ctx;

        if (!r->outcome)
                return err_note(m->note, ERR_STATE, "run r%lld has no debrief before its end", (long long)r->id);
        return conductor_build(m->conductor, r, &m->scenario, &m->run, m->note);
}

enum err conductor_markdown(struct conductor *c, int64_t run_id, struct buf *out, struct err_note *reterr)
{
        struct markdown_run m = {.conductor = c, .note = reterr};
        enum err e = store_run_get(c->o.store, run_id, markdown_load, &m, reterr);

        if (!e) e = recover_replay(c, run_id, m.run, reterr);
        if (!e) run_debrief_markdown(m.run, out);
        run_free(m.run);
        scenario_free(m.scenario);
        return e;
}

/* Left is counted before the engine undoes it, for the sentence. */
static size_t recover_left(const struct run *run)
{
        size_t left = 0;

        for (uint32_t id = 1; id <= run_task_count(run); id++) {
                const struct run_task *task = run_task(run, id);
                bool is_open = task->state == RUN_TASK_APPLYING || task->state == RUN_TASK_APPLIED ||
                               task->state == RUN_TASK_UNDOING;

                if (is_open && !str_eq(task->undo, "null")) left++;
        }
        return left;
}

enum err conductor_recover(struct conductor *c, char ret_what[static ERR_NOTE_BYTES], struct err_note *reterr)
{
        struct recover_found found = {.conductor = c};
        size_t left;
        enum err e;

        if (c->active) return err_note(reterr, ERR_STATE, "a run is active");
        conductor_drop(c);
        e = store_run_each(c->o.store, true, 1, recover_load, &found, reterr);
        if (e) return e;
        ret_what[0] = '\0';
        if (!found.id) return ERR_OK;
        c->active = true;
        e = found.loaded;
        if (!e) e = recover_replay(c, c->run_id, c->run, &found.note);
        if (e) {
                conductor_drop(c);
                (void)snprintf(ret_what, ERR_NOTE_BYTES,
                               "the server was killed during run r%lld (%s); the run cannot be rebuilt (%.200s), so "
                               "what it changed is undone from "
                               "the journal",
                               (long long)found.id, found.scenario, found.note.text);
                conductor_rescue_begin(c, found.id, ret_what);
                return ERR_OK;
        }
        left = recover_left(c->run);
        (void)snprintf(
                ret_what, ERR_NOTE_BYTES,
                "the server was killed during run r%lld (%s): the run is over, and %zu change%s it left %s undone now",
                (long long)found.id, found.scenario, left, left == 1 ? "" : "s", left == 1 ? "is" : "are");
        if (run_state(c->run) == RUN_DEBRIEFED) {
                conductor_journal_run(c, true);
                conductor_idle(c);
                return ERR_OK;
        }
        conductor_feed(c, &(struct run_event){.kind = RUN_EV_RECOVER});
        return ERR_OK;
}

/* Rescue */

static void rescue_next(struct conductor *c);

static enum err rescue_collect(void *ctx, const struct store_task *task)
{
        struct json *item = json_object();

        json_set_num(item, "task", (double)task->task_id);
        json_set_str(item, "undo", task->undo ? task->undo : "null");
        json_push(ctx, item);
        return ERR_OK;
}

static void rescue_end(struct conductor *c)
{
        struct store_run r = {.id = c->rescue.run_id,
                              .state = run_state_text(RUN_DEBRIEFED),
                              .reason = c->rescue.reason,
                              .outcome = run_outcome_text(RUN_OUTCOME_FAILED),
                              .onset_ms = STORE_TIME_NONE,
                              .ended_ms = clock_wall_ms()};
        struct err_note note;

        json_free(take(&c->rescue.left));
        if (store_run_update(c->o.store, &r, &note)) conductor_journal_failed(c, &note);
        c->run_id = c->rescue.run_id;
        conductor_idle(c);
        c->run_id = 0;
}

static void rescue_answered(void *ctx, const struct stage_answer *a)
{
        struct conductor *c = ctx;
        AUTO(json_free) struct json *rest = json_array();
        const struct json *first = json_first(c->rescue.left);
        int64_t task = json_get_int(first, "task", 0);
        struct err_note note = {0};

        if (a->e)
                conductor_notice(c, "error", "change %lld of run r%lld could not be undone: %s", (long long)task,
                                 (long long)c->rescue.run_id, a->detail);
        else if (store_task_move(c->o.store, c->rescue.run_id, task, STORE_TASK_UNDONE, NULL, "", clock_wall_ms(),
                                 &note))
                conductor_journal_failed(c, &note);
        for (const struct json *item = json_next(first); item; item = json_next(item))
                json_push(rest, json_clone(item));
        json_free(c->rescue.left);
        c->rescue.left = take(&rest);
        rescue_next(c);
}

static void rescue_next(struct conductor *c)
{
        const struct json *first = json_first(c->rescue.left);

        if (!first) {
                rescue_end(c);
                return;
        }
        stage_undo(c->o.stage, json_get_str(first, "undo", "null"), "engine", "undo after a crash of the server",
                   rescue_answered, c);
}

void conductor_rescue_begin(struct conductor *c, int64_t run_id, const char *reason)
{
        struct err_note note;

        c->rescue.run_id = run_id;
        str_cut(c->rescue.reason, sizeof(c->rescue.reason), reason);
        json_free(c->rescue.left);
        c->rescue.left = json_array();
        if (store_task_open_each(c->o.store, run_id, rescue_collect, c->rescue.left, &note))
                conductor_journal_failed(c, &note);
        rescue_next(c);
}
