/* rig: one home directory brought to life: store, control agent, stack, conductor, on one loop.
 *
 *     new ──start──> up ──stop──> down          (an interrupt during start is a stop)
 *
 * Owner:  main's thread, which turns the loop inside start, wait and stop. Memory: rig_free, after rig_stop.
 * Units:  ms.                      Limits: one stack.
 * Fails:  with a sentence; whatever was started is ended by rig_stop, also after a failed start. */
#ifndef SERVER_APP_RIG_H
#define SERVER_APP_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/http/client.h"
#include "common/sys/loop.h"
#include "server/advisor/advisor.h"
#include "server/app/site.h"
#include "server/control/control.h"
#include "server/stage/conductor.h"
#include "server/stage/stage.h"
#include "server/store/store.h"

struct rig;

struct rig_options {
        const struct site *site;
        const char *home; /* NULL: a temporary one, removed at the end */
        int stack;
        bool is_brief;           /* the agent and its stack end with this process, however that ends */
        bool no_control;         /* neither start nor stop the control agent */
        enum advisor_policy policy; /* who advises; 0: the trained agent */
        conductor_tell_fn *tell; /* messages of runs, and "notice" and "process" */
        void (*on_idle)(void *ctx, int64_t run_id);
        const char *driver;      /* who plays; NULL: a learner */
        bool shows_all_advice;   /* also what the run's mode hides from a learner */
        void (*on_advice)(void *ctx, const char *recommendation); /* each decision, also one that is not shown; may be NULL */
        void (*on_control)(void *ctx, bool up); /* the agent came or went, or its stack changed its state */
        void *ctx;
};

MUST_USE enum err rig_new(const struct rig_options *options, struct rig **ret, struct err_note *reterr);
/* Store, control agent, conductor; the stack is not touched. */
MUST_USE enum err rig_start(struct rig *rig, struct err_note *reterr);
/* The stack, and whatever an earlier life left on it: that is undone and told as a notice. From then on an agent that
 * dies is started again, and its stack with it. */
MUST_USE enum err rig_stack_start(struct rig *rig, struct err_note *reterr);
/* Ends the active run (undo), the stack and the agent, and removes a temporary home. Says what could not be ended. */
MUST_USE enum err rig_stop(struct rig *rig, struct err_note *reterr);
void rig_free(struct rig *rig);
AUTO_DEFINE(struct rig, rig_free)

/* Turns the loop until *done, an interrupt, or the deadline (timeout_ms 0: none). ERR_TIMEOUT, or ERR_STATE when
 * interrupted. */
MUST_USE enum err rig_wait(struct rig *rig, const bool *done, int64_t timeout_ms);
bool rig_interrupted(const struct rig *rig); /* SIGINT or SIGTERM came */

struct loop *rig_loop(struct rig *rig);
struct store *rig_store(struct rig *rig);
struct control *rig_control(struct rig *rig);
struct stage *rig_stage(struct rig *rig);
struct conductor *rig_conductor(struct rig *rig);
struct http_async *rig_http(struct rig *rig);
struct advisor *rig_advisor(struct rig *rig); /* NULL: no model fits; a notice said why */
const char *rig_home(const struct rig *rig);
const struct site *rig_site(const struct rig *rig);
int rig_stack(const struct rig *rig);

#endif
