#include "learn/mapek/system_state.h"

#include <math.h>
#include <string.h>

#include "common/base/attr.h"
#include "common/base/check.h"

const struct system_limits system_limits_default = {
        .success_minor = .99, .success_major = .90, .latency_minor = 1.5, .latency_major = 4.0, .saturation_minor = .85, .saturation_major = .97,
        .worse_samples = 2, .better_samples = 3, .dwell_ms = 30000,
};

enum event { EVENT_GOOD, EVENT_MINOR, EVENT_MAJOR, EVENT_LEARN, EVENT_COUNT };

static const struct system_parameters parameters[] = {
#define X(name, text, interval, depth, lookahead, parallel, rate) { interval, depth, lookahead, parallel, rate },
        SYSTEM_STATE_LIST(X)
#undef X
};

/* The table drawn in the header; a state's own name: stay. */
static const uint8_t next[SYSTEM_STATE_COUNT][EVENT_COUNT] = {
        [SYSTEM_HEALTHY] = { SYSTEM_HEALTHY, SYSTEM_DEGRADED, SYSTEM_CRITICAL, SYSTEM_OPTIMIZING },
        [SYSTEM_OPTIMIZING] = { SYSTEM_HEALTHY, SYSTEM_DEGRADED, SYSTEM_CRITICAL, SYSTEM_OPTIMIZING },
        [SYSTEM_DEGRADED] = { SYSTEM_RECOVERING, SYSTEM_DEGRADED, SYSTEM_CRITICAL, SYSTEM_RECOVERING },
        [SYSTEM_CRITICAL] = { SYSTEM_RECOVERING, SYSTEM_RECOVERING, SYSTEM_CRITICAL, SYSTEM_RECOVERING },
        [SYSTEM_RECOVERING] = { SYSTEM_HEALTHY, SYSTEM_DEGRADED, SYSTEM_CRITICAL, SYSTEM_HEALTHY },
};
static const char *const reasons[EVENT_COUNT] = { "the system does well", "minor trouble", "major trouble", "it does well, and learning was asked for" };

const char *system_state_name(enum system_state s)
{
        static const char *const names[] = {
#define X(name, text, interval, depth, lookahead, parallel, rate) text,
                SYSTEM_STATE_LIST(X)
#undef X
        };

        return s < SYSTEM_STATE_COUNT ? names[s] : "unknown";
}

const struct system_parameters *system_parameters_of(enum system_state s)
{
        CHECK(s < SYSTEM_STATE_COUNT);
        return &parameters[s];
}

void system_init(struct system_machine *m, const struct system_limits *limits, int64_t now_ms)
{
        memset(m, 0, sizeof *m);
        m->limits = limits ? *limits : system_limits_default;
        m->since_ms = now_ms;
}

void system_ask_learning(struct system_machine *m, bool asked)
{
        m->learn_asked = asked;
}

void system_force(struct system_machine *m, enum system_state to, const char *reason, int64_t now_ms)
{
        CHECK(to < SYSTEM_STATE_COUNT);
        if (to == m->state) return;
        m->log[m->transitions++ % STATE_TRANSITIONS] = (struct system_transition){ m->state, to, now_ms, reason };
        m->time_in_ms[m->state] += now_ms - m->since_ms;
        m->state = to;
        m->since_ms = now_ms;
        m->worse = m->better = 0;
}

static enum event event_of(const struct system_machine *m, const struct system_metrics *x)
{
        const struct system_limits *l = &m->limits;

        if (x->success_ratio < l->success_major || x->latency_ratio > l->latency_major || x->saturation > l->saturation_major) return EVENT_MAJOR;
        if (x->success_ratio < l->success_minor || x->latency_ratio > l->latency_minor || x->saturation > l->saturation_minor) return EVENT_MINOR;
        return m->learn_asked ? EVENT_LEARN : EVENT_GOOD;
}

/* How bad a state is; OPTIMIZING counts as well as HEALTHY. */
static int badness(enum system_state s)
{
        static const int rank[] = { [SYSTEM_HEALTHY] = 0, [SYSTEM_OPTIMIZING] = 0, [SYSTEM_RECOVERING] = 1, [SYSTEM_DEGRADED] = 2, [SYSTEM_CRITICAL] = 3 };

        return rank[s];
}

enum system_state system_feed(struct system_machine *m, const struct system_metrics *x, int64_t now_ms)
{
        enum event event;
        enum system_state to;

        if (!isfinite(x->success_ratio) || !isfinite(x->latency_ratio) || !isfinite(x->saturation)) {
                m->refused++;
                return m->state;
        }
        m->samples++;
        event = event_of(m, x);
        to = (enum system_state)next[m->state][event];
        if (to == m->state) {
                m->worse = m->better = 0;
                return m->state;
        }
        if (badness(to) > badness(m->state)) {
                m->better = 0;
                m->worse++;
                if (m->worse >= m->limits.worse_samples) system_force(m, to, reasons[event], now_ms);
        } else {
                m->worse = 0;
                m->better++;
                if (m->better >= m->limits.better_samples && now_ms - m->since_ms >= m->limits.dwell_ms) system_force(m, to, reasons[event], now_ms);
        }
        return m->state;
}

const struct system_transition *system_transition_at(const struct system_machine *m, size_t index)
{
        size_t kept = (size_t)MIN(m->transitions, (uint64_t)STATE_TRANSITIONS);

        return index < kept ? &m->log[(m->transitions - kept + index) % STATE_TRANSITIONS] : NULL;
}
