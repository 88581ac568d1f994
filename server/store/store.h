/* store: what the server must still know after it was killed: runs, their event logs, the task journal, actions,
 * difficulty. Owner:  the loop thread; not thread-safe.   Memory: strings handed to callbacks live until the callback
 * returns. Units:  times in ms of the wall clock, at_ms from fault onset; a time of STORE_TIME_NONE is unknown yet.
 * Limits: STORE_TEXT_BYTES_MAX a text, STORE_EVENTS_MAX events a run, STORE_RUNS_MAX kept runs (older ones are dropped,
 * their episode stays). Fails: ERR_IO (disk full and the like, sentence in the note), ERR_LIMIT, ERR_NOT_FOUND,
 * ERR_STATE, ERR_UNSUPPORTED for a database of a newer version; a failed call changes nothing. */
#ifndef SERVER_STORE_STORE_H
#define SERVER_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

#define STORE_TIME_NONE INT64_MIN

enum {
        STORE_TEXT_BYTES_MAX = 1 << 20,
        STORE_EVENTS_MAX = 100000,
        STORE_RUNS_MAX = 1000,
        STORE_ACTIONS_MAX = 2000,
        STORE_TASKS_MAX = 4000,
};

struct store;

/* Opens or makes the database at `path` and brings its schema up to date. One process at a time: a second one gets
 * ERR_STATE. */
MUST_USE enum err store_open(const char *path, struct store **ret, struct err_note *reterr);
void store_free(struct store *s); /* NULL is fine */
AUTO_DEFINE(struct store, store_free)

/* Runs. Texts are borrowed: by store_run_new and store_run_update until they return, in callbacks until those return.
 */
struct store_run {
        int64_t id; /* set by store_run_new */
        const char *scenario;
        const char *driver;
        const char *advice;
        int64_t seed;
        int stack;
        bool fast;
        const char *state;
        const char *outcome; /* NULL until the end */
        const char *reason;
        int64_t created_ms;
        int64_t onset_ms;
        int64_t ended_ms;
        const char *source;   /* YAML; never changed by an update */
        const char *document; /* RUN as JSON, or NULL */
        const char *debrief;  /* DEBRIEF as JSON, or NULL; an update with NULL keeps what is there */
};
typedef enum err (*store_run_fn)(void *ctx, const struct store_run *run);

/* Writes r->id. Drops the oldest finished run when STORE_RUNS_MAX is reached. */
MUST_USE enum err store_run_new(struct store *s, struct store_run *r, struct err_note *reterr);
/* Writes state, outcome, reason, onset_ms, ended_ms, document, debrief of run r->id. */
MUST_USE enum err store_run_update(struct store *s, const struct store_run *r, struct err_note *reterr);
/* Calls fn once, with run `id`; its error is passed on. */
MUST_USE enum err store_run_get(struct store *s, int64_t id, store_run_fn fn, void *ctx, struct err_note *reterr);
/* Calls fn with each run, newest first, at most `limit`; unfinished_only: those not yet debriefed. */
MUST_USE enum err store_run_each(struct store *s, bool unfinished_only, size_t limit, store_run_fn fn, void *ctx,
                                 struct err_note *reterr);

/* The log of a run: seq rises by one from 1 and is given by the store. */
struct store_event {
        int64_t seq;
        int64_t wall_ms;
        const char *type;
        const char *data; /* JSON */
};
typedef enum err (*store_event_fn)(void *ctx, const struct store_event *event);
MUST_USE enum err store_event_append(struct store *s, int64_t run_id, const struct store_event *event, int64_t *ret_seq,
                                     struct err_note *reterr);
MUST_USE enum err store_event_each(struct store *s, int64_t run_id, int64_t after_seq, size_t limit, store_event_fn fn,
                                   void *ctx, struct err_note *reterr);

/* The task journal.
 *
 *     plan (with undo) ──> planned ──applied──> applied ──undone──> undone
 *                             └─────failed────> failed
 *                             └─────undone─────────────────────────> undone   (a crash came between plan and applied)
 *
 * Whatever is planned or applied must be undone: store_task_open_each tells what, newest first. */
#define STORE_TASK_STATE_LIST(X) X(PLANNED, "planned") X(APPLIED, "applied") X(UNDONE, "undone") X(FAILED, "failed")
enum store_task_state {
#define X(name, text) STORE_TASK_##name,
        STORE_TASK_STATE_LIST(X)
#undef X
                STORE_TASK_STATE_COUNT
};
const char *store_task_state_text(enum store_task_state state);

struct store_task {
        int64_t task_id; /* unique in its run */
        const char *kind;
        const char *target;
        const char *args;   /* JSON */
        const char *undo;   /* JSON, or NULL: nothing to undo */
        const char *detail; /* why it failed, or "" */
        enum store_task_state state;
        int64_t changed_ms;
};
typedef enum err (*store_task_fn)(void *ctx, const struct store_task *task);
MUST_USE enum err store_task_plan(struct store *s, int64_t run_id, const struct store_task *task,
                                  struct err_note *reterr);
/* Moves a task along the drawing; any other move is ERR_STATE. undo: NULL keeps the planned one. */
MUST_USE enum err store_task_move(struct store *s, int64_t run_id, int64_t task_id, enum store_task_state to,
                                  const char *undo, const char *detail, int64_t now_ms, struct err_note *reterr);
MUST_USE enum err store_task_open_each(struct store *s, int64_t run_id, store_task_fn fn, void *ctx,
                                       struct err_note *reterr);
MUST_USE enum err store_task_each(struct store *s, int64_t run_id, store_task_fn fn, void *ctx,
                                  struct err_note *reterr);

/* Actions as shown (ACTION as JSON); putting one with a known id replaces it. */
struct store_action {
        const char *action_id;
        int64_t at_ms;
        const char *author;
        const char *document;
};
typedef enum err (*store_action_fn)(void *ctx, const struct store_action *action);
MUST_USE enum err store_action_put(struct store *s, int64_t run_id, const struct store_action *action,
                                   struct err_note *reterr);
MUST_USE enum err store_action_each(struct store *s, int64_t run_id, store_action_fn fn, void *ctx,
                                    struct err_note *reterr);

/* Measured difficulty. */
struct store_difficulty {
        int64_t attempts;
        int64_t resolved;
        int64_t median_ms; /* of resolved ones, 0 without any */
        int64_t best_ms;   /* fastest resolved one, 0 without any */
};
MUST_USE enum err store_episode_put(struct store *s, int64_t run_id, const char *scenario, const char *outcome,
                                    int64_t took_ms, int64_t ended_ms, struct err_note *reterr);
MUST_USE enum err store_difficulty_get(struct store *s, const char *scenario, struct store_difficulty *ret,
                                       struct err_note *reterr);

/* For tests: from now on the database may not grow beyond what it holds, as on a full disk (false: as it was). */
void store_disk_full_simulate(struct store *s, bool full);

#endif
