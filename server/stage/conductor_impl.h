/* conductor_impl: what the files of the conductor share. Private to server/stage.
 * Owner: the loop thread. Memory: with the conductor. Units: ms. Limits: as conductor.h. Fails: as conductor.h. */
#ifndef SERVER_STAGE_CONDUCTOR_IMPL_H
#define SERVER_STAGE_CONDUCTOR_IMPL_H

#include "common/text/json.h"
#include "server/stage/conductor.h"
#include "server/stage/prober.h"
#include "server/telemetry/alerts.h"
#include "server/telemetry/poll.h"

/* One request to the stage; free when task is 0. */
struct conductor_call {
        struct conductor *conductor;
        uint32_t task;
        int64_t run_id;
};

/* Somebody who wants to know how an action ended; free when fn is NULL. */
struct conductor_waiter {
        size_t action;
        conductor_action_fn *fn;
        void *ctx;
        enum err e;
        const char *problem; /* lent during the step that ends the action */
};

/* What is undone from the task table alone, when the run cannot be rebuilt. */
struct conductor_rescue {
        int64_t run_id;
        struct json *left; /* [{"task","undo"}], newest first; NULL: no rescue under way */
        char reason[ERR_NOTE_BYTES];
};

struct conductor {
        struct conductor_options o;
        struct poll *poll;
        struct prober *prober;
        struct alerts *alerts;
        struct loop_timer *timer;
        struct scenario *scenario;
        struct run *run;
        int64_t run_id;
        char driver[32];
        bool active, sampled, journal_told;
        struct conductor_call call[STAGE_JOBS_MAX];
        struct conductor_waiter waiter[CONDUCTOR_WAITERS_MAX];
        struct conductor_rescue rescue;
};

/* Feeds the engine: logs the event, carries out its effects. */
MUST_USE enum err conductor_step(struct conductor *c, const struct run_event *event, struct err_note *reterr);
/* The same for events that the engine cannot refuse; if it does, it is told as a notice. */
void conductor_feed(struct conductor *c, const struct run_event *event);
/* can_change: the event is in the journal, so changes may be made. */
void conductor_effects(struct conductor *c, const struct run_effects *effects, bool can_change);
void conductor_tell(struct conductor *c, const char *type, const struct buf *json);
void conductor_notice(struct conductor *c, const char *level, const char *format, ...) FMT_PRINTF(3, 4);
/* The scenario and a fresh run of a stored one; the scenario is written first and outlives the run. */
MUST_USE enum err conductor_build(const struct conductor *c, const struct store_run *r, struct scenario **ret_scenario,
                                  struct run **ret_run, struct err_note *reterr);
/* Loads the scenario and makes the run; the active run's place must be free. */
MUST_USE enum err conductor_load(struct conductor *c, const struct store_run *r, struct err_note *reterr);
void conductor_drop(struct conductor *c);
void conductor_tell_standing(struct conductor *c);
void conductor_waiters_end(struct conductor *c, size_t action);
void conductor_idle(struct conductor *c);

/* Journal. */
MUST_USE enum err conductor_journal_event(struct conductor *c, const struct run_event *event, int64_t now_ms,
                                          struct err_note *reterr);
MUST_USE enum err conductor_journal_plan(struct conductor *c, const struct run_task *task, struct err_note *reterr);
void conductor_journal_task(struct conductor *c, const struct run_task *task);
void conductor_journal_run(struct conductor *c, bool with_debrief);
void conductor_journal_episode(struct conductor *c);
void conductor_journal_action(struct conductor *c, size_t index);
/* Says once a run that the journal cannot be written. */
void conductor_journal_failed(struct conductor *c, const struct err_note *note);

void conductor_rescue_begin(struct conductor *c, int64_t run_id, const char *reason);

#endif
