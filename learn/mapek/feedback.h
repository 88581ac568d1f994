/* feedback: five loops that turn outcomes into tuning, with everything recorded: signals, the actions they led to, and why.
 *   METRICS_LEARNING      a learned threshold        -> takes it over when its confidence is high enough
 *   PERFORMANCE           degradation 0..1           -> shortens the monitoring interval with it
 *   DECISION_QUALITY      quality of a decision 0..1 -> raises or lowers the learning rate
 *   ANOMALY               share of false alarms      -> moves the sensitivity
 *   RESOURCE              utilisation 0..1           -> moves the parallelism
 * Owner:  one thread; callbacks run inside feedback_signal.  Memory: feedback_new allocates all (about 2 MB).
 * Units:  values as above, ms.       Limits: FEEDBACK_SIGNALS, FEEDBACK_ACTIONS kept; FEEDBACK_CALLBACKS a loop.
 * Fails:  ERR_NOMEM, ERR_LIMIT, ERR_INVAL (a value that is no number). A failing callback is counted and harms nobody. */
#ifndef LEARN_MAPEK_FEEDBACK_H
#define LEARN_MAPEK_FEEDBACK_H

#include "learn/mapek/system_state.h"
#include "learn/mapek/threshold.h"

#define FEEDBACK_LIST(X)                                                                                               \
        X(METRICS_LEARNING, "metrics-learning") X(PERFORMANCE, "performance-adaptation") X(DECISION_QUALITY, "decision-quality") \
        X(ANOMALY, "anomaly-feedback") X(RESOURCE, "resource-optimisation")
enum feedback_loop {
#define X(name, text) LOOP_##name,
        FEEDBACK_LIST(X)
#undef X
        LOOP_COUNT
};

enum { FEEDBACK_SIGNALS = 10000, FEEDBACK_ACTIONS = 5000, FEEDBACK_CALLBACKS = 8, FEEDBACK_SOURCE_BYTES = 32, FEEDBACK_REASON_BYTES = 96 };

struct feedback_signal {
        enum feedback_loop loop;
        double value, confidence;
        int64_t at_ms;
        char source[FEEDBACK_SOURCE_BYTES]; /* parameter, service, ... */
};

struct feedback_action {
        enum feedback_loop loop;
        const char *parameter; /* static name of what was changed */
        double from, to;
        int64_t at_ms;
        char source[FEEDBACK_SOURCE_BYTES], reason[FEEDBACK_REASON_BYTES];
};

/* What the loops tune. */
struct feedback_tuning {
        struct system_parameters parameters;
        double anomaly_sigma;
};

struct feedback_stats {
        uint64_t signals, actions, callbacks, callback_failures;
        double value_mean, effectiveness; /* of the loop: share of signals that led to an action; mean of values */
};

/* 0: fine, anything else: failed. The action may be NULL: the signal led to none. */
typedef int feedback_callback(void *context, const struct feedback_signal *signal, const struct feedback_action *action);

struct feedback;
MUST_USE enum err feedback_new(struct feedback **ret);
void feedback_free(struct feedback *f);
AUTO_DEFINE(struct feedback, feedback_free)
MUST_USE enum err feedback_register(struct feedback *f, enum feedback_loop loop, feedback_callback *callback, void *context);
MUST_USE enum err feedback_signal(struct feedback *f, enum feedback_loop loop, const char *source, double value, double confidence, int64_t now_ms);
struct feedback_tuning *feedback_tuning(struct feedback *f);
/* Newest first, of one loop or of all (LOOP_COUNT), since `since_ms`; returns how many were written. */
size_t feedback_signals(const struct feedback *f, enum feedback_loop loop, int64_t since_ms, struct feedback_signal *ret, size_t max);
size_t feedback_actions(const struct feedback *f, enum feedback_loop loop, int64_t since_ms, struct feedback_action *ret, size_t max);
void feedback_stats(const struct feedback *f, enum feedback_loop loop /* LOOP_COUNT: all */, struct feedback_stats *ret);
const char *feedback_loop_name(enum feedback_loop loop);

#endif
