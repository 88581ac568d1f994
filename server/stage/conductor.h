/* conductor: plays one run on a real stack: feeds the engine, carries out its effects, keeps the journal, tells
 * everybody.
 *
 *     idle ──start──> playing ──debriefed──> idle        (a run found unfinished at birth: recover, playing, idle)
 *
 * Order that is kept: an event is in the log before its effects are carried out, and a change is in the task table,
 * with its undo, before it is made. When the journal cannot be written, changes are refused and undos still done.
 * Owner:  the loop thread. Memory: what is told is lent for the call.   Units: ms of the wall clock.
 * Limits: one run at a time; CONDUCTOR_WAITERS_MAX actions waited for.  Fails: as said at each function; nothing
 * changed then. */
#ifndef SERVER_STAGE_CONDUCTOR_H
#define SERVER_STAGE_CONDUCTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/sys/loop.h"
#include "server/engine/run.h"
#include "server/engine/scenario.h"
#include "server/stage/stage.h"
#include "server/store/store.h"
#include "server/telemetry/poll.h"

enum {
        CONDUCTOR_WAITERS_MAX = 16,
        CONDUCTOR_TEXT_BYTES_MAX = 1 << 20,
        CONDUCTOR_TICK_MS = 1000,
        CONDUCTOR_RUN_ID_BYTES = 24
};

struct conductor;

/* type: of the WebSocket messages in docs/contracts.md ("run", "criterion", ...); json: its data. */
typedef void conductor_tell_fn(void *ctx, const char *type, const char *json);

struct conductor_options {
        struct loop *loop;
        struct store *store;
        struct stage *stage;
        struct http_async *http;          /* for the polling of metrics and alerts */
        const char *prometheus, *loadgen, *logproc; /* addresses */
        const struct scenario_world *world;
        const struct stack_spec *spec; /* where probes find services; outlives the conductor */
        int stack;
        conductor_tell_fn *tell;
        void (*on_idle)(void *ctx, int64_t run_id); /* a run is debriefed, all is undone; may be NULL */
        /* The recovery agent's advice of this moment in one sentence, or why there is none; NULL: there is no agent. */
        void (*advise)(void *ctx, char *dst, size_t dst_bytes);
        void *ctx;
};

struct conductor_play {
        const char *source; /* YAML */
        const char *name;   /* under which it is filed ("acme/card-declines"); NULL: its own id */
        size_t source_bytes;
        const char *driver; /* "learner", "none", "solution", ... */
        const char *advice; /* "off", "after", "live" */
        uint64_t seed;      /* 0: the scenario's */
        bool fast;
};

MUST_USE enum err conductor_new(const struct conductor_options *options, struct conductor **ret);
/* Does not end the run: what is open stays in the journal for the next life. */
void conductor_free(struct conductor *c);
AUTO_DEFINE(struct conductor, conductor_free)

/* ERR_STATE while a run is active; ERR_PARSE when the source does not load. ret_id: "r12". */
MUST_USE enum err conductor_start(struct conductor *c, const struct conductor_play *play,
                                  char ret_id[static CONDUCTOR_RUN_ID_BYTES], struct err_note *reterr);
/* Takes up what an earlier life left unfinished: the newest such run is ended and undone, older ones are closed. The
 * stack must be up. *ret_found: there was one, and reterr->text says what happened (also on ERR_OK). */
MUST_USE enum err conductor_recover(struct conductor *c, char ret_what[static ERR_NOTE_BYTES], struct err_note *reterr);

bool conductor_active(const struct conductor *c); /* a run is being played or undone */
const struct run *
conductor_run(const struct conductor *c);            /* the active run, or the last one of this life; NULL: none */
int64_t conductor_run_id(const struct conductor *c); /* its number in the store, 0: none */

/* An event of a person or driver (ACTION, HINT, EVIDENCE, DIAGNOSIS, NOTE, END). */
MUST_USE enum err conductor_event(struct conductor *c, const struct run_event *event, struct err_note *reterr);

/* An ACTION event; fn is told once, later, when it is done: json is ACTION, problem the refusal of the service if it
 * was one. Not told if this returns an error. */
typedef void conductor_action_fn(void *ctx, enum err e, const char *json, const char *detail, const char *problem);
MUST_USE enum err conductor_action(struct conductor *c, const struct run_event *event, conductor_action_fn *fn,
                                   void *ctx, struct err_note *reterr);
/* The stack died under the run: it ends as failed, and is undone as far as possible. */
void conductor_stack_lost(struct conductor *c, const char *why);

/* The debrief of any finished run as Markdown, rebuilt from its log. */
MUST_USE enum err conductor_markdown(struct conductor *c, int64_t run_id, struct buf *out, struct err_note *reterr);

/* {"run","criteria","guards","feed","actions"} of the active or last run, without the braces' other members. */
void conductor_snapshot(const struct conductor *c, struct buf *out);

#endif
