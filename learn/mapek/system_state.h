/* system_state: how the loop should run, from how the system does: five states with hysteresis and dwell time.
 *
 *                    minor                     major
 *   HEALTHY <------------------> DEGRADED <------------> CRITICAL
 *    ^   |  ^                       |  ^                    |
 *    |   |  |   good for `recover`  v  | minor              | no longer major
 *    |   |  +-------------------- RECOVERING <--------------+
 *    |   v idle, well, learning asked      | major: back to CRITICAL
 *   OPTIMIZING  -- any trouble --> DEGRADED or CRITICAL
 *
 *              good        minor       major       learn (good and asked)
 *  HEALTHY     -           DEGRADED    CRITICAL    OPTIMIZING
 *  OPTIMIZING  HEALTHY     DEGRADED    CRITICAL    -
 *  DEGRADED    RECOVERING  -           CRITICAL    RECOVERING
 *  CRITICAL    RECOVERING  RECOVERING  -           RECOVERING
 *  RECOVERING  HEALTHY     DEGRADED    CRITICAL    HEALTHY
 *
 * Getting worse is immediate after `worse_samples` in a row; getting better needs `better_samples` and the dwell time.
 * Owner:  one thread.     Memory: the caller's struct.     Units: ratios 0..1, ms.
 * Limits: STATE_TRANSITIONS kept, the oldest forgotten.    Fails: never; NaN metrics are counted and skipped. */
#ifndef LEARN_MAPEK_SYSTEM_STATE_H
#define LEARN_MAPEK_SYSTEM_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SYSTEM_STATE_LIST(X)                                                                                           \
        /*  name        interval_s depth lookahead_s parallel rate */                                                  \
        X(HEALTHY, "healthy", 60, 100, 300, 4, 0.10)                                                                   \
        X(OPTIMIZING, "optimizing", 30, 150, 600, 8, 0.30)                                                             \
        X(DEGRADED, "degraded", 20, 60, 180, 2, 0.15)                                                                  \
        X(CRITICAL, "critical", 10, 20, 60, 1, 0.05)                                                                   \
        X(RECOVERING, "recovering", 15, 80, 120, 2, 0.10)
enum system_state {
#define X(name, text, interval, depth, lookahead, parallel, rate) SYSTEM_##name,
        SYSTEM_STATE_LIST(X)
#undef X
        SYSTEM_STATE_COUNT
};

enum { STATE_TRANSITIONS = 500 };

struct system_parameters {
        int monitoring_interval_s, analysis_depth, planning_lookahead_s, execution_parallelism;
        double learning_rate;
};

struct system_metrics {
        double success_ratio, latency_ratio /* p95 over its healthy value */, saturation;
};

struct system_limits {
        double success_minor, success_major, latency_minor, latency_major, saturation_minor, saturation_major;
        int worse_samples, better_samples;
        int64_t dwell_ms;
};
extern const struct system_limits system_limits_default;

struct system_transition {
        enum system_state from, to;
        int64_t at_ms;
        const char *reason; /* static text */
};

struct system_machine {
        struct system_limits limits;
        enum system_state state;
        int64_t since_ms;
        int worse, better, pending_event;
        bool learn_asked;
        struct system_transition log[STATE_TRANSITIONS];
        uint64_t transitions, samples, refused;
        int64_t time_in_ms[SYSTEM_STATE_COUNT];
};

void system_init(struct system_machine *m, const struct system_limits *limits /* NULL: default */, int64_t now_ms);
void system_ask_learning(struct system_machine *m, bool asked);
enum system_state system_feed(struct system_machine *m, const struct system_metrics *metrics, int64_t now_ms);
/* A person's decision; recorded with its reason (static text). */
void system_force(struct system_machine *m, enum system_state to, const char *reason, int64_t now_ms);
const struct system_parameters *system_parameters_of(enum system_state s);
const struct system_transition *system_transition_at(const struct system_machine *m, size_t index); /* oldest first; NULL past the last */
const char *system_state_name(enum system_state s);

#endif
