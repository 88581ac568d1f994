/* run_internal: the inside of a run, shared by server/engine/run*.c and by nobody else.
 * Owner: one run. Memory: all strings live in the run's arena. Units: wall-clock ms unless a name says otherwise.
 * Limits: run.h. Fails: run->nomem is set and the step ends as ERR_NOMEM. */
#ifndef SERVER_ENGINE_RUN_INTERNAL_H
#define SERVER_ENGINE_RUN_INTERNAL_H

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "server/engine/run.h"

enum {
        RUN_REPLAY_MAX = 5,          /* attempts of one replay */
        RUN_REPLAY_SETTLE_MS = 10000, /* a replay is judged this long after it is over, when 10 s windows show it */
        RUN_GAP_MS_MAX = 10000,      /* good samples further apart than this do not count as held between them */
        RUN_FAST_HOLD_MS_MIN = 3000,
        RUN_UTILITY_STEP_MS = 5000,  /* the learner's step, see run_score.c */
};

enum run_replay_state { REPLAY_WAITING, REPLAY_TRIGGER, REPLAY_RECOVERING, REPLAY_PASSED, REPLAY_FAILED };

struct run_criterion {
        size_t query;
        bool known, ok;       /* ok means nothing while !known */
        bool due;             /* it was its turn at the last sample */
        double value;
        int64_t since_ms;     /* when (known, ok) last changed */
        int64_t held_ms;      /* of the present hold */
        int64_t best_hold_ms;
        int64_t good_ms;      /* the last sample, if it was good, 0: it was not */
        int64_t bad_ms;       /* first bad sample of a dip within the grace, 0: none */
        int64_t unmet_ms;     /* since when it is not met, 0: it is (or was never known) */
        bool held;
        enum run_replay_state replay;
        uint32_t replay_task;
        int64_t replay_over_ms;
        unsigned replay_count;
};

struct run_guard {
        size_t query;
        bool known, cheated;  /* cheated: an action that is in force breaks the rule */
        double value;
        int64_t bad_ms;       /* since when the rule is broken, 0: it is not */
        bool violated;        /* now */
        int64_t violated_ms;  /* first time, 0: never */
};

struct run_hint {
        bool offered, asked, taken;
        int64_t offered_ms, taken_ms;
        const char *text;     /* once taken */
        size_t feed;
        size_t query;
};

#define RUN_FEED_LIST(X) X(BRIEF, "brief") X(SAY, "say") X(HINT, "hint") X(DEPLOY, "deploy") X(ALERT, "alert") X(RESOLVED, "resolved") X(ACTION, "action") X(SYSTEM, "system")
#define X(name, text) RUN_FEED_##name,
enum run_feed_kind { RUN_FEED_LIST(X) RUN_FEED_KIND_COUNT };
#undef X

struct run_feed {
        enum run_feed_kind kind;
        int64_t time_ms;
        const char *from, *text;
        int hint;             /* index, -1 */
};

struct run_action {
        const char *kind, *on, *args, *by, *reason, *detail;
        int64_t time_ms;
        uint32_t task;        /* for "undo": a task of its own that mirrors the one it undoes */
        bool is_undo;
        enum { RUN_ACTION_PENDING, RUN_ACTION_APPLIED, RUN_ACTION_FAILED } state;
        int undone_by;        /* index of the action that undid it, -1 */
        bool undone;
};

struct run_evidence {
        const char *item;
        int64_t time_ms;
        int part;             /* enum scenario_trail, -1: not on the trail */
        bool late;            /* seen when the shop was well again: it shows what a healthy shop shows */
};

struct run_diagnosis {
        const char *component, *mechanism, *object, *note;
        const char *const *affected;
        size_t affected_count;
        int64_t time_ms;
};

#define RUN_LANE_LIST(X) X(FAULT, "fault") X(SYMPTOM, "symptom") X(HINT, "hint") X(VIEW, "view") X(ACTION, "action") X(CRITERION, "criterion") X(AGENT, "agent") X(SAY, "say")
#define X(name, text) RUN_LANE_##name,
enum run_lane { RUN_LANE_LIST(X) RUN_LANE_COUNT };
#undef X

struct run_mark { /* one entry of the debrief's timeline */
        enum run_lane lane;
        int64_t time_ms;
        const char *text, *on;
        double lost;          /* requests lost up to here: what a moment cost is the difference to the next */
};

/* What a query showed on the healthy system, while the baseline held. */
struct run_base {
        double mean, min, max;
        unsigned count;
};

/* An item of the evidence whose signal is compared with the healthy system. */
struct run_signal {
        const char *item;
        size_t query;
        bool moved; /* it showed something else than on the healthy system, or nobody can say */
};

/* Queries every run watches, besides those of its scenario. */
enum run_own_query { RUN_Q_OFFERED, RUN_Q_GOODPUT, RUN_Q_ORDERS, RUN_Q_REVENUE_LOST, RUN_OWN_QUERY_COUNT };

struct run_harm {
        int64_t at_ms;          /* up to when it is integrated */
        double offered, lost;   /* requests, from onset */
        double orders_lost, revenue_start, revenue_lost_cents;
        bool revenue_known;
        double base_offered, base_orders; /* means of the baseline */
        unsigned base_offered_count, base_orders_count;
        double healthy_offered, healthy_goodput, healthy_orders; /* the last samples of the baseline, when the load has come up */
        unsigned healthy_count;
        int64_t bad_ms;         /* time with a criterion not met, from onset */
        double utility, cost;   /* see run_score.c */
        double user_ms;         /* users x share not served x ms */
};

struct run {
        const struct scenario *s;
        const struct scenario_world *world;
        struct arena arena;
        bool nomem, broken, started;
        const char *id, *advice;
        uint64_t seed;
        unsigned stack;
        bool fast;
        int64_t factor;
        enum run_state state;
        enum run_outcome outcome;
        const char *reason;
        bool complete, assisted, autopilot;
        double users;        /* at once */
        int64_t now_ms, created_ms, healthy_ms, baseline_ms, zero_ms, onset_ms, page_ms, ended_ms;
        int64_t clock_ms[RUN_CLOCK_COUNT]; /* wall clock, 0: did not happen */
        bool stack_ready;
        struct run_criterion criteria[SCENARIO_CRITERIA_MAX];
        struct run_guard guards[SCENARIO_RULES_MAX];
        struct run_hint hints[SCENARIO_HINTS_MAX];
        bool said[SCENARIO_TIMELINE_MAX];
        size_t symptom_query[SCENARIO_SYMPTOMS_MAX];
        const char *query[SCENARIO_QUERIES_MAX];
        const struct scenario_probe *probe[SCENARIO_QUERIES_MAX]; /* NULL: PromQL */
        struct run_base base[SCENARIO_QUERIES_MAX];
        struct run_signal signals[SCENARIO_SIGNALS_MAX];
        size_t signal_count;
        struct run_sample sample[SCENARIO_QUERIES_MAX];
        size_t query_count, own_query[RUN_OWN_QUERY_COUNT];
        struct run_task **tasks; /* pointers, so that run_task() stays valid */
        uint32_t *apply_order;   /* task ids in the order they were (to be) applied */
        struct run_feed *feed;
        struct run_action *actions;
        struct run_evidence *evidence;
        struct run_mark *marks;
        size_t task_count, task_capacity, order_count, order_capacity, feed_count, feed_capacity, action_count, action_capacity,
                evidence_count, evidence_capacity, mark_count, mark_capacity;
        struct run_diagnosis diagnosis[SCENARIO_CAUSES_MAX]; /* the latest, newest last */
        size_t diagnosis_count;
        const char *forward_note;
        struct run_harm harm;
        struct run_effects *effects; /* of the step being made, else NULL */
};

const char *run_feed_kind_text(enum run_feed_kind k);
const char *run_lane_text(enum run_lane l);

/* run.c */
const char *run_copy(struct run *run, const char *text); /* never NULL; NULL in counts as "" */
const char *run_text(struct run *run, const char *format, ...) FMT_PRINTF(2, 3);
void run_emit(struct run *run, enum run_effect_kind kind, uint32_t index);
void run_say(struct run *run, enum run_feed_kind kind, const char *from, const char *text, int hint);
void run_mark(struct run *run, enum run_lane lane, const char *on, const char *text);
void run_clock_set(struct run *run, enum run_clock clock); /* the first time counts */
void run_end(struct run *run, enum run_outcome outcome, const char *reason);
int64_t run_scaled(const struct run *run, int64_t ms); /* by fast mode */

/* run_task.c */
enum err run_tasks_plan(struct run *run);
void run_tasks_release(struct run *run); /* the baseline holds: due times are known */
void run_tasks_due(struct run *run);
struct run_task *run_task_new(struct run *run, enum run_purpose purpose, const char *kind, const char *on, const char *args, int64_t for_ms);
void run_task_begin(struct run *run, struct run_task *task);
enum err run_task_event(struct run *run, const struct run_event *event, struct err_note *reterr);
void run_tasks_undo_next(struct run *run);
void run_tasks_recover(struct run *run);
bool run_task_undoable(const struct run_task *task);

/* run_action.c */
enum err run_action_event(struct run *run, const struct run_event *event, struct err_note *reterr);
void run_action_changed(struct run *run, const struct run_task *task);

/* run_check.c */
void run_checks_init(struct run *run);
enum err run_samples_event(struct run *run, const struct run_event *event, struct err_note *reterr);
void run_checks_restart(struct run *run); /* holds begin anew */
bool run_all_ok(const struct run *run);   /* every PromQL criterion is met now */
bool run_all_held(const struct run *run);
bool run_symptoms_show(const struct run *run);
const char *run_unhealthy_text(struct run *run); /* which criteria are not met, for people */
int64_t run_criterion_hold_ms(const struct run *run, size_t index); /* what is asked for, by fast mode */
size_t run_query_add(struct run *run, const char *text, const struct scenario_probe *probe); /* its index; each once */
/* What the value is compared with; false: relative to a baseline that is not known. */
bool run_threshold(const struct run *run, const struct scenario_condition *condition, size_t query, double *ret);
/* Whether the condition is true of the last sample; *ret_known false: nobody can say. */
bool run_condition(const struct run *run, const struct scenario_condition *condition, size_t query, bool *ret_known);
bool run_is_judged(const struct run *run, size_t index); /* now, by the criterion's mode */
bool run_criterion_due(const struct run *run, size_t index); /* judged, or a replay that does not wait */
bool run_criterion_after(const struct run *run, size_t index, size_t other); /* its turn comes after `other` is held */

/* run_replay.c: the trigger once more, after the repair */
void run_replays_step(struct run *run);
void run_replays_reset(struct run *run); /* a repair changed something: prove it again */
void run_replay_task_over(struct run *run, const struct run_task *task);
void run_replay_reason(const struct run *run, size_t index, struct buf *out);

/* run_reason.c */
void run_criterion_reason(const struct run *run, size_t index, struct buf *out); /* why it stands as it does, for people */

/* run_rules.c: the rules of every scenario, as far as actions break them */
void run_rules_actions(struct run *run);
void run_guard_set(struct run *run, size_t index, bool violated);

/* run_signal.c: evidence that a healthy system shows as well does not count */
void run_signals_init(struct run *run);
void run_signals_sample(struct run *run);
/* False if what the item shows never differed from the healthy system. */
bool run_signal_counts(const struct run *run, const char *item);
bool run_is_well_again(const struct run *run);

/* run_learn.c: what the learner asks, looks at and says */
void run_hints_step(struct run *run);
enum err run_hint_event(struct run *run, const struct run_event *event, struct err_note *reterr);
enum err run_advice_event(struct run *run, const struct run_event *event, struct err_note *reterr);
enum err run_evidence_event(struct run *run, const struct run_event *event, struct err_note *reterr);
enum err run_diagnosis_event(struct run *run, const struct run_event *event, struct err_note *reterr);
bool run_trail_seen(const struct run *run, enum scenario_trail part);
bool run_evidence_matches(const char *wanted, const char *seen);

/* run_assist.c: help that the learner had */
enum err run_assist_event(struct run *run, const struct run_event *event, struct err_note *reterr);

/* run_standing.c */
void run_users_find(struct run *run);
void run_agent_limits_json(const struct run *run, struct buf *out); /* {"can_repair","beyond":[{"kind","on","args"}]} */

/* run_score.c */
void run_harm_step(struct run *run, int64_t before_ms);
/* How much more is wanted now than of the healthy system, at least 1: by so much more it would have served. */
double run_harm_growth(const struct run *run);
double run_diagnosis_grade(const struct run *run);
double run_trail_grade(const struct run *run);
bool run_step_matches(const struct run *run, const struct scenario_step *step, const struct run_task *task, bool *nomem);
bool run_recipe_matched(const struct run *run, const struct scenario_recipe *recipe, bool *nomem); /* sets nomem, never clears it */
/* Points, except answer and trail (0..1) and utility (the shared scalar). False: there is no score, by its author's will or because the
 * environment failed. */
struct run_score {
        double total, outcome, harm, diagnosis, hints, answer, trail, utility;
};
bool run_score_of(const struct run *run, struct run_score *ret);
void run_score_json(const struct run *run, struct buf *out);

#endif
