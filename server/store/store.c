#include "server/store/store.h"

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "server/store/db.h"

struct store {
        struct db *db;
};

enum err store_open(const char *path, struct store **ret, struct err_note *reterr)
{
        AUTO(store_free) struct store *s = mem_zalloc(1, sizeof(*s));
        enum err e;

        if (!s) return err_note(reterr, ERR_NOMEM, "out of memory");
        e = db_open(path, &s->db, reterr);
        if (e) return e;
        *ret = take(&s);
        return ERR_OK;
}

void store_free(struct store *s)
{
        if (!s) return;
        db_free(s->db);
        mem_free(s);
}

struct db *store_db(struct store *s)
{
        return s->db;
}

void store_disk_full_simulate(struct store *s, bool full)
{
        db_growth_stop(s->db, full);
}

/* One number out of one row. */
static enum err store_number(struct db *db, enum db_stmt stmt, int64_t *ret, struct err_note *reterr)
{
        bool row = false;
        enum err e = db_step(db, stmt, &row, reterr);

        if (e) return e;
        if (!row) return ERR_NOT_FOUND;
        *ret = db_i64(db, stmt, 0);
        db_reset(db, stmt);
        return ERR_OK;
}

/* Runs */

static enum err store_run_insert(struct db *db, const struct store_run *r, struct err_note *reterr)
{
        int64_t count = 0;
        enum err e = db_start(db, DB_RUN_COUNT, reterr, "");

        if (!e) e = store_number(db, DB_RUN_COUNT, &count, reterr);
        if (!e && count >= STORE_RUNS_MAX) {
                e = db_start(db, DB_RUN_DROP_OLDEST, reterr, "");
                if (!e) e = db_run(db, DB_RUN_DROP_OLDEST, reterr);
        }
        if (e) return e;
        e = db_start(db, DB_RUN_NEW, reterr, "tttiiitttinnttt", r->scenario, r->driver, r->advice, r->seed,
                     (int64_t)r->stack, (int64_t)r->fast, r->state, r->outcome, r->reason, r->created_ms, r->onset_ms,
                     r->ended_ms, r->source, r->document, r->debrief);
        return e ? e : db_run(db, DB_RUN_NEW, reterr);
}

enum err store_run_new(struct store *s, struct store_run *r, struct err_note *reterr)
{
        enum err e = db_begin(s->db, reterr);
        int64_t id = 0;

        if (e) return e;
        e = store_run_insert(s->db, r, reterr);
        if (!e) id = db_last_id(s->db);
        e = db_end(s->db, e, reterr);
        if (!e) r->id = id;
        return e;
}

enum err store_run_update(struct store *s, const struct store_run *r, struct err_note *reterr)
{
        enum err e = db_start(s->db, DB_RUN_UPDATE, reterr, "tttnntti", r->state, r->outcome, r->reason, r->onset_ms,
                              r->ended_ms, r->document, r->debrief, r->id);

        if (!e) e = db_run(s->db, DB_RUN_UPDATE, reterr);
        if (e) return e;
        if (db_changes(s->db) == 0) return err_note(reterr, ERR_NOT_FOUND, "there is no run r%lld", (long long)r->id);
        return ERR_OK;
}

static void store_run_read(struct db *db, enum db_stmt q, struct store_run *r)
{
        *r = (struct store_run){
                .id = db_i64(db, q, 0),
                .scenario = db_text(db, q, 1),
                .driver = db_text(db, q, 2),
                .advice = db_text(db, q, 3),
                .seed = db_i64(db, q, 4),
                .stack = (int)db_i64(db, q, 5),
                .fast = db_i64(db, q, 6) != 0,
                .state = db_text(db, q, 7),
                .outcome = db_text(db, q, 8),
                .reason = db_text(db, q, 9),
                .created_ms = db_i64(db, q, 10),
                .onset_ms = db_i64(db, q, 11),
                .ended_ms = db_i64(db, q, 12),
                .source = db_text(db, q, 13),
                .document = db_text(db, q, 14),
                .debrief = db_text(db, q, 15),
        };
}

/* Steps a bound SELECT of runs; *ret_count tells how many rows fn saw. */
static enum err store_run_rows(struct db *db, enum db_stmt q, store_run_fn fn, void *ctx, size_t *ret_count,
                               struct err_note *reterr)
{
        size_t count = 0;

        for (;;) {
                struct store_run run;
                bool row = false;
                enum err e = db_step(db, q, &row, reterr);

                if (e) return e;
                if (!row) break;
                store_run_read(db, q, &run);
                count++;
                e = fn(ctx, &run);
                if (e) {
                        db_reset(db, q);
                        return e;
                }
        }
        *ret_count = count;
        return ERR_OK;
}

enum err store_run_get(struct store *s, int64_t id, store_run_fn fn, void *ctx, struct err_note *reterr)
{
        size_t count = 0;
        enum err e = db_start(s->db, DB_RUN_GET, reterr, "i", id);

        if (!e) e = store_run_rows(s->db, DB_RUN_GET, fn, ctx, &count, reterr);
        if (e) return e;
        return count ? ERR_OK : err_note(reterr, ERR_NOT_FOUND, "there is no run r%lld", (long long)id);
}

enum err store_run_each(struct store *s, bool unfinished_only, size_t limit, store_run_fn fn, void *ctx,
                        struct err_note *reterr)
{
        size_t count = 0;
        enum err e = db_start(s->db, DB_RUN_EACH, reterr, "ii", (int64_t)unfinished_only, (int64_t)limit);

        return e ? e : store_run_rows(s->db, DB_RUN_EACH, fn, ctx, &count, reterr);
}

/* Events */

enum err store_event_append(struct store *s, int64_t run_id, const struct store_event *event, int64_t *ret_seq,
                            struct err_note *reterr)
{
        int64_t last = 0;
        enum err e = db_start(s->db, DB_EVENT_LAST, reterr, "i", run_id);

        if (!e) e = store_number(s->db, DB_EVENT_LAST, &last, reterr);
        if (e) return e;
        if (last >= STORE_EVENTS_MAX)
                return err_note(reterr, ERR_LIMIT, "the log of run r%lld is full (%d events)", (long long)run_id,
                                STORE_EVENTS_MAX);
        e = db_start(s->db, DB_EVENT_NEW, reterr, "iiitt", run_id, last + 1, event->wall_ms, event->type, event->data);
        if (!e) e = db_run(s->db, DB_EVENT_NEW, reterr);
        if (!e) *ret_seq = last + 1;
        return e;
}

enum err store_event_each(struct store *s, int64_t run_id, int64_t after_seq, size_t limit, store_event_fn fn,
                          void *ctx, struct err_note *reterr)
{
        enum err e = db_start(s->db, DB_EVENT_EACH, reterr, "iii", run_id, after_seq, (int64_t)limit);

        while (!e) {
                struct store_event event;
                bool row = false;

                e = db_step(s->db, DB_EVENT_EACH, &row, reterr);
                if (e || !row) return e;
                event = (struct store_event){.seq = db_i64(s->db, DB_EVENT_EACH, 0),
                                             .wall_ms = db_i64(s->db, DB_EVENT_EACH, 1),
                                             .type = db_text(s->db, DB_EVENT_EACH, 2),
                                             .data = db_text(s->db, DB_EVENT_EACH, 3)};
                e = fn(ctx, &event);
        }
        db_reset(s->db, DB_EVENT_EACH);
        return e;
}

/* Actions */

enum err store_action_put(struct store *s, int64_t run_id, const struct store_action *action, struct err_note *reterr)
{
        int64_t others = 0;
        enum err e = db_start(s->db, DB_ACTION_COUNT, reterr, "it", run_id, action->action_id);

        if (!e) e = store_number(s->db, DB_ACTION_COUNT, &others, reterr);
        if (e) return e;
        if (others >= STORE_ACTIONS_MAX)
                return err_note(reterr, ERR_LIMIT, "run r%lld has %d actions already; no more are taken",
                                (long long)run_id, STORE_ACTIONS_MAX);
        e = db_start(s->db, DB_ACTION_PUT, reterr, "itntt", run_id, action->action_id, action->at_ms, action->author,
                     action->document);
        return e ? e : db_run(s->db, DB_ACTION_PUT, reterr);
}

enum err store_action_each(struct store *s, int64_t run_id, store_action_fn fn, void *ctx, struct err_note *reterr)
{
        enum err e = db_start(s->db, DB_ACTION_EACH, reterr, "i", run_id);

        while (!e) {
                struct store_action action;
                bool row = false;

                e = db_step(s->db, DB_ACTION_EACH, &row, reterr);
                if (e || !row) return e;
                action = (struct store_action){.action_id = db_text(s->db, DB_ACTION_EACH, 0),
                                               .at_ms = db_i64(s->db, DB_ACTION_EACH, 1),
                                               .author = db_text(s->db, DB_ACTION_EACH, 2),
                                               .document = db_text(s->db, DB_ACTION_EACH, 3)};
                e = fn(ctx, &action);
        }
        db_reset(s->db, DB_ACTION_EACH);
        return e;
}

/* Tasks */

/* task_moves[from][to]: the drawing in store.h. */
static const bool task_moves[STORE_TASK_STATE_COUNT][STORE_TASK_STATE_COUNT] = {
        [STORE_TASK_PLANNED] = {[STORE_TASK_APPLIED] = true, [STORE_TASK_FAILED] = true, [STORE_TASK_UNDONE] = true},
        [STORE_TASK_APPLIED] = {[STORE_TASK_UNDONE] = true},
};

static const char *const task_state_texts[STORE_TASK_STATE_COUNT] = {
#define X(name, text) [STORE_TASK_##name] = text,
        STORE_TASK_STATE_LIST(X)
#undef X
};

const char *store_task_state_text(enum store_task_state state)
{
        CHECK(state < STORE_TASK_STATE_COUNT);
        return task_state_texts[state];
}

static enum store_task_state store_task_state_parse(const char *text)
{
        for (int i = 0; i < STORE_TASK_STATE_COUNT; i++)
                if (str_eq(text, task_state_texts[i])) return (enum store_task_state)i;
        CHECK(!"the table's own CHECK constraint allows no other state");
        return STORE_TASK_FAILED;
}

enum err store_task_plan(struct store *s, int64_t run_id, const struct store_task *task, struct err_note *reterr)
{
        int64_t count = 0;
        enum err e = db_start(s->db, DB_TASK_COUNT, reterr, "i", run_id);

        if (!e) e = store_number(s->db, DB_TASK_COUNT, &count, reterr);
        if (e) return e;
        if (count >= STORE_TASKS_MAX)
                return err_note(reterr, ERR_LIMIT, "run r%lld has %d tasks already", (long long)run_id,
                                STORE_TASKS_MAX);
        e = db_start(s->db, DB_TASK_NEW, reterr,
                     "iittttt"
                     "ii",
                     run_id, task->task_id, task->kind, task->target, task->args, task->undo, task->detail,
                     task->changed_ms, task->changed_ms);
        return e ? e : db_run(s->db, DB_TASK_NEW, reterr);
}

enum err store_task_move(struct store *s, int64_t run_id, int64_t task_id, enum store_task_state to, const char *undo,
                         const char *detail, int64_t now_ms, struct err_note *reterr)
{
        enum store_task_state from;
        bool row = false;
        enum err e = db_start(s->db, DB_TASK_STATE, reterr, "ii", run_id, task_id);

        if (!e) e = db_step(s->db, DB_TASK_STATE, &row, reterr);
        if (e) return e;
        if (!row)
                return err_note(reterr, ERR_NOT_FOUND, "run r%lld has no task %lld", (long long)run_id,
                                (long long)task_id);
        from = store_task_state_parse(db_text(s->db, DB_TASK_STATE, 0));
        db_reset(s->db, DB_TASK_STATE);
        if (!task_moves[from][to])
                return err_note(reterr, ERR_STATE, "task %lld of run r%lld is %s and cannot become %s",
                                (long long)task_id, (long long)run_id, task_state_texts[from], task_state_texts[to]);
        e = db_start(s->db, DB_TASK_MOVE, reterr, "tttiii", task_state_texts[to], undo, detail, now_ms, run_id,
                     task_id);
        return e ? e : db_run(s->db, DB_TASK_MOVE, reterr);
}

static enum err store_task_rows(struct db *db, enum db_stmt q, store_task_fn fn, void *ctx, struct err_note *reterr)
{
        enum err e = ERR_OK;

        while (!e) {
                struct store_task task;
                bool row = false;

                e = db_step(db, q, &row, reterr);
                if (e || !row) return e;
                task = (struct store_task){.task_id = db_i64(db, q, 0),
                                           .kind = db_text(db, q, 1),
                                           .target = db_text(db, q, 2),
                                           .args = db_text(db, q, 3),
                                           .undo = db_text(db, q, 4),
                                           .detail = db_text(db, q, 5),
                                           .state = store_task_state_parse(db_text(db, q, 6)),
                                           .changed_ms = db_i64(db, q, 7)};
                e = fn(ctx, &task);
        }
        db_reset(db, q);
        return e;
}

enum err store_task_open_each(struct store *s, int64_t run_id, store_task_fn fn, void *ctx, struct err_note *reterr)
{
        enum err e = db_start(s->db, DB_TASK_OPEN, reterr, "i", run_id);

        return e ? e : store_task_rows(s->db, DB_TASK_OPEN, fn, ctx, reterr);
}

enum err store_task_each(struct store *s, int64_t run_id, store_task_fn fn, void *ctx, struct err_note *reterr)
{
        enum err e = db_start(s->db, DB_TASK_EACH, reterr, "i", run_id);

        return e ? e : store_task_rows(s->db, DB_TASK_EACH, fn, ctx, reterr);
}

/* Difficulty */

enum err store_episode_put(struct store *s, int64_t run_id, const char *scenario, const char *outcome, int64_t took_ms,
                           int64_t ended_ms, struct err_note *reterr)
{
        enum err e = db_start(s->db, DB_EPISODE_PUT, reterr, "ittii", run_id, scenario, outcome, took_ms, ended_ms);

        return e ? e : db_run(s->db, DB_EPISODE_PUT, reterr);
}

/* The lower median: with an even number of episodes it is one that really happened. */
enum err store_difficulty_get(struct store *s, const char *scenario, struct store_difficulty *ret,
                              struct err_note *reterr)
{
        struct store_difficulty d = {0};
        bool row = false;
        enum err e = db_start(s->db, DB_EPISODE_COUNT, reterr, "t", scenario);

        if (!e) e = db_step(s->db, DB_EPISODE_COUNT, &row, reterr);
        if (e) return e;
        CHECK(row);
        d.attempts = db_i64(s->db, DB_EPISODE_COUNT, 0);
        d.resolved = db_i64(s->db, DB_EPISODE_COUNT, 1);
        d.best_ms = db_i64(s->db, DB_EPISODE_COUNT, 2);
        db_reset(s->db, DB_EPISODE_COUNT);
        if (d.resolved > 0) {
                e = db_start(s->db, DB_EPISODE_MEDIAN, reterr, "ti", scenario, (d.resolved - 1) / 2);
                if (!e) e = store_number(s->db, DB_EPISODE_MEDIAN, &d.median_ms, reterr);
                if (e) return e;
        }
        *ret = d;
        return ERR_OK;
}
