/* kit_breaker: circuit breaker in front of one upstream. Pure: time comes in as an argument.
 *
 *      failures >= error_percent of the last BREAKER_WINDOW_S seconds (and calls >= calls_min)
 *   CLOSED ------------------------------------------------------------------------> OPEN
 *     ^                                                                           |   ^
 *     | probes_needed successes                          open_ms have passed      v   | one failure
 *     +---------------------------------------------------------------------- HALF_OPEN
 *
 * Owner:  the caller, who also locks.        Memory: none allocated.
 * Units:  ms of the monotonic clock.         Limits: at most probes_needed calls at once while half open.
 * Fails:  nothing; a refused call is `false`. */
#ifndef SUT_KIT_BREAKER_H
#define SUT_KIT_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

enum { BREAKER_WINDOW_S = 10 };

#define BREAKER_STATE_LIST(X) X(CLOSED, "closed") X(OPEN, "open") X(HALF_OPEN, "half_open")
enum breaker_state {
#define X(name, text) BREAKER_##name,
        BREAKER_STATE_LIST(X)
#undef X
        BREAKER_STATE_COUNT
};

struct breaker_limits {
        bool enabled; /* disabled: every call is allowed, nothing is counted */
        int error_percent;
        int calls_min;
        int64_t open_ms;
        int probes_needed;
};

struct kit_breaker {
        enum breaker_state state;
        int64_t opened_ms;
        int probes_out, probes_ok;
        struct {
                int64_t second;
                int ok, failed;
        } window[BREAKER_WINDOW_S];
        uint64_t opened_count;
};

void kit_breaker_init(struct kit_breaker *b);
/* True if a call may go out now; each true must be followed by one kit_breaker_report(). */
bool kit_breaker_allow(struct kit_breaker *b, const struct breaker_limits *limits, int64_t now_ms);
/* A look without consequences: true while the breaker is open. */
bool kit_breaker_refuses(const struct kit_breaker *b, const struct breaker_limits *limits, int64_t now_ms);
void kit_breaker_report(struct kit_breaker *b, const struct breaker_limits *limits, bool ok, int64_t now_ms);
const char *kit_breaker_state_text(enum breaker_state state);

#endif
