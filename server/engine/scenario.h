/* scenario: one incident as its author wrote it, checked and ready to play. Plain data, read by everybody, changed by nobody.
 * Owner:  whoever loaded it (scenario_load.h). Memory: all of it, strings too, lives until scenario_free.
 * Units:  times in ms, rates in requests/s, points of the score out of 100.
 * Limits: the enum below; a file beyond one is refused with its line.      Fails: nothing here fails. */
#ifndef SERVER_ENGINE_SCENARIO_H
#define SERVER_ENGINE_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/attr.h"
#include "common/base/err.h"

enum {
        SCENARIO_FILE_BYTES_MAX = 256 * 1024,
        SCENARIO_ID_BYTES_MAX = 64,
        SCENARIO_NAME_BYTES_MAX = 2 * SCENARIO_ID_BYTES_MAX + 1, /* PACK/ID */
        SCENARIO_TIMELINE_MAX = 64,
        SCENARIO_CRITERIA_MAX = 20,
        SCENARIO_GUARDS_MAX = 20,
        SCENARIO_RULES_MAX = SCENARIO_GUARDS_MAX + 4, /* the author's, and those of every scenario */
        SCENARIO_HINTS_MAX = 24,
        SCENARIO_SOLUTIONS_MAX = 8,
        SCENARIO_STEPS_MAX = 16,
        SCENARIO_WORDS_MAX = 24,   /* items of any list of words (tags, objectives, evidence, victims, ...) */
        SCENARIO_CAUSES_MAX = 3,
        SCENARIO_SYMPTOMS_MAX = 8,
        SCENARIO_SIGNALS_MAX = 12, /* items of the evidence that are compared with the healthy system */
        SCENARIO_QUERIES_MAX = 92, /* different PromQL expressions and probes one run watches */
        SCENARIO_PROBE_BODY_BYTES_MAX = 4096,
        SCENARIO_PROBE_PATH_BYTES_MAX = 200,
        SCENARIO_TIME_LIMIT_MS_MAX = 4 * 3600 * 1000,
};

#define SCENARIO_OP_LIST(X) X(GE, ">=") X(GT, ">") X(LE, "<=") X(LT, "<") X(EQ, "==") X(NE, "!=")
enum scenario_op {
#define X(name, text) SCENARIO_OP_##name,
        SCENARIO_OP_LIST(X)
#undef X
        SCENARIO_OP_COUNT
};
const char *scenario_op_text(enum scenario_op op);
bool scenario_op_holds(enum scenario_op op, double value, double threshold);


struct scenario_words {
        const char *const *item;
        size_t count;
};

/* "value of promql" op threshold. text is what the author wrote. of_baseline: threshold is a factor of the mean that the
 * healthy system showed before anything broke ("< 1.5 x baseline"). */
struct scenario_condition {
        const char *promql;
        const char *text;
        enum scenario_op op;
        double threshold;
        bool of_baseline;
};

/* A question to the running shop itself, of a fixed kind and only to services of the stack, by name: no address, no SQL, no
 * command. Its value is a number; a probe without an answer is missing data. */
#define SCENARIO_PROBE_LIST(X) X(HTTP, "http") X(CONFIG, "config") X(DATABASE, "database")
enum scenario_probe_kind {
#define X(name, text) SCENARIO_PROBE_##name,
        SCENARIO_PROBE_LIST(X)
#undef X
        SCENARIO_PROBE_COUNT
};
/* What of an HTTP answer is the value: 1 when it has the expected status, else 0; the status; its seconds; a number in its JSON. */
#define SCENARIO_READ_LIST(X) X(OK, "ok") X(STATUS, "status") X(SECONDS, "seconds") X(JSON, "json")
enum scenario_read {
#define X(name, text) SCENARIO_READ_##name,
        SCENARIO_READ_LIST(X)
#undef X
        SCENARIO_READ_COUNT
};
/* Counts the database adapter gives (GET /checks of sut/db): all are 0 on a healthy shop. */
#define SCENARIO_DB_CHECKS "orders_unsettled|orders_failed|orders_settled_wrong|payments_orphaned|seed_rows_missing"
struct scenario_probe {
        enum scenario_probe_kind kind;
        const char *text; /* for people, and what makes it the same probe */
        const char *on;   /* service */
        const char *method, *path, *body; /* HTTP; body "": none */
        enum scenario_read read;          /* HTTP */
        int status;                       /* HTTP, OK: the expected one */
        const char *pointer;              /* HTTP, JSON: where the number is */
        const char *key, *is;             /* CONFIG: is "": the number itself, otherwise 1 when equal, else 0 */
        const char *check;                /* DATABASE */
        int64_t every_ms, timeout_ms;
        int retries;                      /* asked again at once so often before a bad answer counts */
};


/* One thing done to the system: a fault of fault.h, or a repair. args_json is a JSON object, never NULL.
 * `on` is a service ("api"), an edge ("api->db") or "" when the kind needs none. */
struct scenario_step {
        const char *kind;
        const char *on;
        const char *args_json;
        int64_t for_ms;        /* 0: until the end of the run */
        unsigned line, column; /* where it stands in the file */
};

struct scenario_recipe { /* the steps of one solution or one wrong fix */
        const struct scenario_step *step;
        size_t count;
        const char *explain; /* wrong fixes: why it does not help; solutions: "" */
};

enum scenario_event_kind { SCENARIO_FAULT, SCENARIO_HERRING, SCENARIO_SAY };

struct scenario_event {
        enum scenario_event_kind kind;
        int64_t at_ms;     /* from the moment the baseline holds */
        int64_t jitter_ms; /* at_ms + [0, jitter_ms), drawn from the seed of the run */
        struct scenario_step step; /* fault, herring */
        bool deploy;               /* the learner sees it in the feed as a deploy */
        const char *note;          /* text of the deploy */
        const char *from, *text;   /* say */
};

enum scenario_criterion_kind { SCENARIO_CHECK_PROMQL, SCENARIO_CHECK_PROBE, SCENARIO_CHECK_REPLAY };

/* When a criterion (PromQL or probe) is judged: before the incident, during it, after the others are held.
 *            before  during  after
 * continuous   x       x           (held at the same moment as the others)
 * before       x
 * during               x
 * after                        x    (judged once the others are held)
 * edge         x               x */
#define SCENARIO_MODE_LIST(X) X(CONTINUOUS, "continuous") X(BEFORE, "before") X(DURING, "during") X(AFTER, "after") X(EDGE, "edge")
enum scenario_mode {
#define X(name, text) SCENARIO_MODE_##name,
        SCENARIO_MODE_LIST(X)
#undef X
        SCENARIO_MODE_COUNT
};

struct scenario_criterion {
        enum scenario_criterion_kind kind;
        const char *id, *title;
        enum scenario_mode mode;
        struct scenario_condition check; /* PROMQL; PROBE: without promql */
        struct scenario_probe probe;     /* PROBE */
        const char *unit;                /* "s", "ratio", "" */
        int64_t hold_ms;
        int64_t grace_ms;                /* a dip shorter than this does not end a hold (nor does it count) */
        double weight;
        const char *reason;              /* author's words for "not met", "" if none */
        uint32_t after;                  /* REPLAY: bit i: criterion i must be held first */
        struct scenario_step replay;     /* REPLAY: what is done again */
        int64_t recover_within_ms;       /* REPLAY */
};

/* Rules of every scenario, unless its `allow` names them: what a repair must not do, whatever the incident. */
#define SCENARIO_RULE_LIST(X)                                                                                          \
        X(USERS, "users", "users_kept", "The users were sent away or the load was turned down, so nothing is proved about the repair") \
        X(DATA, "data", "data_kept", "Data of the shop was deleted")                                                   \
        X(ALERTS, "alerts", "alerts_kept", "The monitoring was switched off: a silent alarm is not a repair")            \
        X(FEATURES, "features", "features_kept", "A part of the shop was switched off instead of repaired")
enum scenario_rule {
        SCENARIO_RULE_NONE, /* the author's own */
#define X(name, ...) SCENARIO_RULE_##name,
        SCENARIO_RULE_LIST(X)
#undef X
        SCENARIO_RULE_COUNT
};

struct scenario_guard {
        const char *id, *reason;
        enum scenario_rule rule;        /* not NONE: actions of its kind break it as well, unless a solution has them */
        struct scenario_condition when; /* violated while this is true; promql "": never by a value */
        int64_t for_ms;                 /* for this long */
        bool final;                     /* ends the run as failed; otherwise blocks "resolved" while violated */
};

struct scenario_symptom { /* of confirm: criterion `criterion` is (not) met, or `when` is true */
        const char *text;
        bool negated;
        int criterion; /* -1: `when` */
        struct scenario_condition when;
};

#define SCENARIO_TRAIL_LIST(X) X(SYMPTOM, "symptom") X(PATH, "path") X(CAUSE, "cause")
enum scenario_trail {
#define X(name, text) SCENARIO_TRAIL_##name,
        SCENARIO_TRAIL_LIST(X)
#undef X
        SCENARIO_TRAIL_COUNT
};
const char *scenario_trail_text(enum scenario_trail part);
const char *scenario_mode_text(enum scenario_mode mode);
const char *scenario_probe_text(enum scenario_probe_kind kind);
const char *scenario_read_text(enum scenario_read read);

enum scenario_when_kind { SCENARIO_WHEN_NONE, SCENARIO_WHEN_UNMET_FOR, SCENARIO_WHEN_HELD_FOR, SCENARIO_WHEN_VALUE };

struct scenario_when { /* user_p95.unmet_for > 6m; user_p95.held_for > 10s; fd:service_queue:depth > 50 */
        enum scenario_when_kind kind;
        const char *text;
        int criterion;
        int64_t than_ms;
        struct scenario_condition value;
};

/* A hint is offered when every condition it names is true. Free hints (cost 0) show their text at once. */
struct scenario_hint {
        const char *id;
        const char *text;   /* "" for agent hints */
        int64_t after_ms;   /* from the page, 0: at once */
        int unless_seen;    /* enum scenario_trail, -1: not asked */
        int seen;           /* only once something of this part was seen; -1: not asked */
        struct scenario_when when;
        bool agent;         /* the text is the agent's advice at that moment */
        int cost;           /* points */
};

struct scenario_cause {
        const char *component, *mechanism;
        const char *object_kind, *object_name; /* "key", "rpc_retries"; "" if the truth names none */
};

struct scenario {
        struct arena arena;
        const char *id, *title, *brief, *debrief, *instructor;
        int level, order;              /* order: place in the suggested path, 0 if none */
        int64_t time_limit_ms;
        uint64_t seed;
        struct scenario_words tags, objectives;
        struct {
                const char *profile;   /* steady, ramp, wave, burst, replay */
                double rps;            /* the base rate */
                const char *args_json; /* everything under load, as JSON */
        } load;
        struct {
                int64_t settle_ms, within_ms;
        } baseline;
        const struct scenario_event *timeline; /* in the order of at_ms */
        size_t timeline_count;
        struct {
                int64_t after_ms, within_ms; /* from the first fault */
                struct scenario_symptom symptom[SCENARIO_SYMPTOMS_MAX];
                size_t symptom_count;  /* 0: any criterion not met */
        } confirm;
        bool false_alarm;              /* nothing breaks: no symptom is expected, the right answer is to do no harm */
        bool needs_diagnosis;          /* "resolved" waits for the learner's diagnosis */
        bool restart_ok;               /* restarting everything is a fair repair */
        const struct scenario_criterion *criteria;
        size_t criteria_count;
        const struct scenario_guard *guards;
        size_t guard_count;
        struct scenario_cause causes[SCENARIO_CAUSES_MAX];
        size_t cause_count;
        struct scenario_words path, victims;
        struct scenario_words evidence[SCENARIO_TRAIL_COUNT];
        const struct scenario_hint *hints;
        size_t hint_count;
        const struct scenario_recipe *solutions, *wrong_fixes;
        size_t solution_count, wrong_fix_count;
        bool score_off;
        struct {
                int outcome, harm, diagnosis, hints;
        } score;
};

/* Whether a criterion is judged by samples (PromQL, probe) and not by a replay. */
bool scenario_is_sampled(const struct scenario_criterion *c);
/* The name under which the library lists it ("acme/card-declines"): what runs and figures are filed under. ERR_NOMEM. */
MUST_USE enum err scenario_rename(struct scenario *s, const char *name);
void scenario_free(struct scenario *s); /* NULL is fine */
AUTO_DEFINE(struct scenario, scenario_free)

/* The fixed list of mechanisms a truth and a diagnosis may name (docs/scenarios.md). */
#define SCENARIO_MECHANISM_LIST(X)                                                                                     \
        X(algorithm_regression, "a code path became more expensive")                                                   \
        X(concurrency_limit, "too few workers or slots for the load")                                                  \
        X(connection_pool_exhausted, "too few connections, callers wait for one")                                      \
        X(connection_leak, "connections are taken and never given back")                                               \
        X(missing_index, "a query reads far more rows than it needs")                                                  \
        X(slow_query, "a query is slow for a reason other than an index")                                              \
        X(lock_contention, "sessions wait for a lock that one of them holds")                                          \
        X(retry_amplification, "retries multiply the load")                                                            \
        X(timeout_mismatch, "a timeout is shorter or longer than the work behind it")                                  \
        X(cache_stampede, "many callers rebuild the same entry at once")                                               \
        X(cache_ineffective, "the cache is empty, full, off or thrown out too early")                                  \
        X(stale_data, "old data is served as if it were new")                                                          \
        X(bad_credentials, "a secret no longer matches")                                                               \
        X(token_expiry, "tokens expire too early or too late")                                                         \
        X(clock_skew, "clocks disagree")                                                                               \
        X(poison_message, "one message cannot be processed and blocks the rest")                                       \
        X(slow_consumer, "work arrives faster than it is taken, or is redelivered")                                    \
        X(config_error, "a wrong value was set")                                                                       \
        X(config_poisoning, "a wrong value was published and is picked up again and again")                            \
        X(feature_flag, "a flag switched on a broken path")                                                            \
        X(dependency_slow, "a dependency is slow or gone, and nothing bounds the wait")                                \
        X(network_fault, "the link between two processes is slow, lossy or black-holed")                               \
        X(resource_exhausted, "processor, memory, descriptors, ports or disk run out")                                 \
        X(memory_leak, "memory grows until the process dies")                                                          \
        X(process_hung, "a process lives but does nothing")                                                            \
        X(process_crash, "a process dies again and again")                                                             \
        X(overload, "more load than the system was built for")                                                         \
        X(recurring_job, "a scheduled actor breaks it again")                                                          \
        X(monitoring_gap, "the monitoring is blind or wrong")                                                          \
        X(false_alarm, "nothing is broken")
size_t scenario_mechanism_count(void);
const char *scenario_mechanism_name(size_t index);
const char *scenario_mechanism_text(size_t index);
bool scenario_mechanism_known(const char *name);

#endif
