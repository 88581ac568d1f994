/* run: one play of one scenario, as a pure state machine: (state, event, now) -> (state, effects).
 *
 *  preparing ──> baseline ──> injecting ──> running ──> ended ──> debriefed
 *      │            │             │            │          ▲
 *      └────────────┴─────────────┴────────────┴──────────┘   failed · abandoned · time_up · resolved
 *
 *  preparing  effects RESET_STACK, then the load's task and WATCH; ends with stack_ready and the load applied
 *  baseline   all criteria must hold for settle_ms within within_ms, or the run ends failed "environment not healthy"
 *  injecting  the timeline runs; all symptoms must show within confirm.within_ms, or the run ends failed loudly
 *  running    the learner's clock: criteria, guards, hints, actions; resolved when everything is held at once
 *  ended      everything applied is undone, last first, one at a time; a failed undo does not stop the rest
 *  debriefed  nothing of the run is left on the stack
 *
 * A change of the stack is a task: planned -> preparing (effect PREPARE: form the undo, change nothing) -> event
 * task_prepared carries the undo, and is logged before effect APPLY is carried out -> applying -> applied ->
 * (effect UNDO) undoing -> undone. So the log always knows how to undo what may have been done.
 * A run is its event log: append every accepted event (run_event.h) before carrying out its effects; a fresh
 * run fed with the same events has the same state. A refused event (not ERR_OK) changed nothing: do not log it.
 *
 * Owner:  caller, not thread-safe. Memory: the run copies what it keeps; scenario and world are lent and must outlive it.
 * Units:  ms of the wall clock; a `now` before the last one counts as the last one.
 * Limits: the enum below.  Fails: ERR_STATE, ERR_INVAL, ERR_NOT_FOUND, ERR_LIMIT: event refused, nothing changed;
 *         ERR_NOMEM: the run is broken and refuses everything: free it and rebuild it from its log. */
#ifndef SERVER_ENGINE_RUN_H
#define SERVER_ENGINE_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "server/engine/scenario.h"
#include "server/engine/world.h"

enum {
        RUN_TASKS_MAX = 512,
        RUN_ACTIONS_MAX = 256,
        RUN_FEED_MAX = 1024,
        RUN_EVIDENCE_MAX = 512,
        RUN_MARKS_MAX = 2048,          /* entries of the debrief's timeline */
        RUN_EVIDENCE_ITEM_BYTES_MAX = 512,
        RUN_ARGS_BYTES_MAX = 64 * 1024,
        RUN_MEMORY_BYTES_MAX = 32 * 1024 * 1024,
        RUN_FAST_FACTOR = 6,           /* fast mode divides holds, hints and the time limit by this */
        RUN_FAST_LIMIT_MS_MIN = 60000, /* and keeps at least this much time */
        RUN_FAST_SETTLE_FACTOR = 2,    /* the healthy state must last this much shorter */
};

#define RUN_STATE_LIST(X)                                                                                              \
        X(PREPARING, "preparing") X(BASELINE, "baseline") X(INJECTING, "injecting") X(RUNNING, "running")              \
        X(ENDED, "ended") X(DEBRIEFED, "debriefed")
#define RUN_OUTCOME_LIST(X)                                                                                            \
        X(NONE, "") X(RESOLVED, "resolved") X(TIME_UP, "time_up") X(ABANDONED, "abandoned") X(FAILED, "failed")
#define RUN_CLOCK_LIST(X)                                                                                              \
        X(USER_VISIBLE, "user_visible") X(ALERT_FIRED, "alert_fired") X(ACKNOWLEDGED, "acknowledged")                  \
        X(COMPONENT_FOUND, "component_found") X(EFFECTIVE_ACTION, "effective_action")                                  \
        X(SLO_RESTORED, "slo_restored") X(HELD, "held")
#define RUN_TASK_LIST(X)                                                                                               \
        X(PLANNED, "planned") X(PREPARING, "preparing") X(APPLYING, "applying") X(APPLIED, "applied")                  \
        X(UNDOING, "undoing") X(UNDONE, "undone") X(FAILED, "failed") X(UNDO_FAILED, "undo_failed") X(SKIPPED, "skipped")
#define RUN_PURPOSE_LIST(X)                                                                                            \
        X(LOAD, "load") X(FAULT, "fault") X(HERRING, "herring") X(ACTION, "action") X(REPLAY, "replay")
#define RUN_EVENT_LIST(X)                                                                                              \
        X(START, "start")                       /* first event of a run */                                             \
        X(STACK_READY, "stack_ready")                                                                                  \
        X(STACK_FAILED, "stack_failed")         /* text; also when a running stack is lost: the run ends as failed */  \
        X(TASK_PREPARED, "task_prepared")       /* task, undo */                                                       \
        X(TASK_APPLIED, "task_applied")         /* task, changed */                                                    \
        X(TASK_FAILED, "task_failed")           /* task, text */                                                       \
        X(TASK_UNDONE, "task_undone")           /* task */                                                             \
        X(TASK_UNDO_FAILED, "task_undo_failed") /* task, text */                                                       \
        X(SAMPLES, "samples")                   /* samples, sample_count = run_query_count() */                        \
        X(TICK, "tick")                                                                                                \
        X(ACTION, "action")                     /* by, action, on, args, text = reason */                              \
        X(HINT, "hint")                         /* hint */                                                             \
        X(ADVICE, "advice")                     /* hint, text */                                                       \
        X(EVIDENCE, "evidence")                 /* items */                                                            \
        X(DIAGNOSIS, "diagnosis")               /* component, mechanism, object, items = affected, text = note */      \
        X(ASSIST, "assist")                     /* by: "advice", "accepted", "ignored" (text, on) or "autopilot" (text: on, off) */ \
        X(ALERT, "alert")                       /* on = alert name, text */                                            \
        X(ALERT_RESOLVED, "alert_resolved")     /* on = alert name; refused unless it fires in this run */             \
        X(NOTE, "note")                         /* text = what the learner will do next time; after the end as well */ \
        X(END, "end")                           /* by: "abandoned" or "complete" */                                    \
        X(RECOVER, "recover")                   /* the server died during the run: ends it, undoes what was left */
#define RUN_EFFECT_LIST(X)                                                                                             \
        X(RESET_STACK, "reset_stack") /* bring the stack up fresh with run_seed(); answer stack_ready or stack_failed */ \
        X(WATCH, "watch")             /* from now on send samples of all run_query() questions, once a second */        \
        X(UNWATCH, "unwatch")         /* queries are no longer needed */                                               \
        X(PREPARE, "prepare")         /* task: form its undo; answer task_prepared or task_failed */                   \
        X(APPLY, "apply")             /* task: do it; answer task_applied or task_failed */                            \
        X(UNDO, "undo")               /* task: do its undo; answer task_undone or task_undo_failed */                  \
        X(TASK, "task")               /* task: its row changed */                                                      \
        X(RUN, "run")                 /* RUN changed */                                                                \
        X(CRITERION, "criterion")     /* index */                                                                      \
        X(GUARD, "guard")             /* index */                                                                      \
        X(FEED, "feed")               /* index: new or changed entry */                                                \
        X(ACTION, "action")           /* index: new or changed */                                                      \
        X(ADVISE, "advise")           /* index of the hint: answer advice with the agent's sentence, or why not */     \
        X(ENDED, "ended")             /* outcome is known; undoing begins */                                           \
        X(DEBRIEF, "debrief")         /* all undone: the debrief is final */

#define X(name, ...) RUN_##name,
enum run_state { RUN_STATE_LIST(X) RUN_STATE_COUNT };
#undef X
#define X(name, ...) RUN_OUTCOME_##name,
enum run_outcome { RUN_OUTCOME_LIST(X) RUN_OUTCOME_COUNT };
#undef X
#define X(name, ...) RUN_CLOCK_##name,
enum run_clock { RUN_CLOCK_LIST(X) RUN_CLOCK_COUNT };
#undef X
#define X(name, ...) RUN_TASK_##name,
enum run_task_state { RUN_TASK_LIST(X) RUN_TASK_STATE_COUNT };
#undef X
#define X(name, ...) RUN_PURPOSE_##name,
enum run_purpose { RUN_PURPOSE_LIST(X) RUN_PURPOSE_COUNT };
#undef X
#define X(name, ...) RUN_EV_##name,
enum run_event_kind { RUN_EVENT_LIST(X) RUN_EVENT_COUNT };
#undef X
#define X(name, ...) RUN_DO_##name,
enum run_effect_kind { RUN_EFFECT_LIST(X) RUN_EFFECT_COUNT };
#undef X

const char *run_state_text(enum run_state s);
const char *run_outcome_text(enum run_outcome o);
const char *run_clock_text(enum run_clock c);
const char *run_task_state_text(enum run_task_state s);
const char *run_purpose_text(enum run_purpose p);
const char *run_event_text(enum run_event_kind k);
const char *run_effect_text(enum run_effect_kind k);

struct run_sample {
        bool known;   /* false: the query had no result; that is neither success nor failure */
        double value; /* finite */
};

/* Fields that a kind does not name are ignored; strings may be NULL, which counts as "". Nothing is kept by reference. */
struct run_event {
        enum run_event_kind kind;
        uint32_t task;
        const char *hint;               /* id of the hint ("h2") */
        const char *text;
        const char *by;                 /* "learner" (default), "agent", "scenario", "engine"; end: the reason */
        const char *action, *on, *args; /* args: JSON object; action kinds of docs/contracts.md */
        const char *undo;               /* JSON {"kind","on","args"}, or "null" when there is nothing to undo */
        const char *changed;            /* JSON {"key":{"from","to"}} */
        const char *component, *mechanism, *object;
        const char *const *items;
        size_t item_count;
        const struct run_sample *samples;
        size_t sample_count;
};

struct run_effect {
        enum run_effect_kind kind;
        uint32_t index; /* task id, or index of criterion, guard, feed entry, action, hint; 0 otherwise */
};

/* List of effects: zero-initialise, lend it to every step (which clears it first), run_effects_done at the end. */
struct run_effects {
        struct run_effect *item;
        size_t count, capacity;
};
void run_effects_done(struct run_effects *list);

/* One change of the stack. Task ids count from 1; run_task(run, id) lives as long as the run. */
struct run_task {
        uint32_t id;
        enum run_purpose purpose;
        enum run_task_state state;
        const char *kind, *on, *args; /* kind of fault.h */
        const char *by, *reason;      /* for X-Author and X-Reason */
        int64_t for_ms;               /* the engine ends it by UNDO after this long; 0: at the end */
        int64_t due_ms;               /* planned: wall time, INT64_MAX when not known yet */
        int64_t applied_ms, over_ms;  /* wall time, 0 if it did not happen */
        const char *undo;             /* JSON, "" before it is prepared, "null" when nothing is to be undone */
        const char *changed;          /* JSON object */
        const char *detail;           /* why it failed */
        int timeline;                 /* index in the scenario's timeline, -1 */
        int action;                   /* index of the action, -1 */
        uint32_t undo_of;             /* action "undo": the task it undoes. Such a task has no effects of its own: it is
                                       * applying while the other is undoing, then applied or failed. */
};

struct run_options {
        const char *id;   /* "r12" */
        uint64_t seed;    /* 0: the scenario's */
        unsigned stack;
        bool fast;
        const char *advice; /* "off", "after", "live"; kept and shown, decides nothing here */
        int64_t created_ms;
};

struct run;
MUST_USE enum err run_new(const struct scenario *scenario, const struct scenario_world *world,
                          const struct run_options *options, struct run **ret);
void run_free(struct run *run); /* NULL is fine */
AUTO_DEFINE(struct run, run_free)

/* The step. reterr gets a sentence for a person when the event is refused. */
MUST_USE enum err run_step(struct run *run, const struct run_event *event, int64_t now_ms, struct run_effects *effects,
                           struct err_note *reterr);

/* Views. Indices are valid below the matching count. */
const struct scenario *run_scenario(const struct run *run);
const char *run_id(const struct run *run);
uint64_t run_seed(const struct run *run);
unsigned run_stack(const struct run *run);
bool run_fast(const struct run *run);
enum run_state run_state(const struct run *run);
enum run_outcome run_outcome(const struct run *run);
bool run_alert_firing(const struct run *run, const char *name); /* told by RUN_EV_ALERT, and not resolved since */
bool run_broken(const struct run *run);
bool run_assisted(const struct run *run);  /* somebody or something helped the learner */
bool run_autopilot(const struct run *run); /* the agent may act by itself now */
const char *run_reason(const struct run *run); /* why it ended, "" before */
int64_t run_onset_ms(const struct run *run);   /* wall clock; 0 before the first fault */
int64_t run_clock(const struct run *run, enum run_clock clock); /* ms from onset, -1 if it did not happen */
int64_t run_time_limit_ms(const struct run *run); /* by fast mode; counts from the page */
size_t run_query_count(const struct run *run);
const char *run_query(const struct run *run, size_t index);     /* PromQL, each expression once; of a probe its text */
const struct scenario_probe *run_probe(const struct run *run, size_t index); /* the query is this probe; NULL: it is PromQL */
size_t run_criterion_count(const struct run *run);
size_t run_guard_count(const struct run *run);
size_t run_feed_count(const struct run *run);
size_t run_action_count(const struct run *run);
uint32_t run_task_count(const struct run *run);
const struct run_task *run_task(const struct run *run, uint32_t id); /* 1 <= id <= count */
/* The task of the action at index: lets a caller find out whether it was applied. */
const struct run_task *run_action_task(const struct run *run, size_t index);

#endif
