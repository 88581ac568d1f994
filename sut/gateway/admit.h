/* admit: who may come in: a share of the requests (load shedding), a rate (token bucket), a number at once. Pure.
 * Owner:  the caller, who also locks.        Memory: none allocated.
 * Units:  percent, requests/s, microseconds of the monotonic clock. Limits: as admit_limits say.
 * Fails:  nothing; a refusal is one of the values below. */
#ifndef SUT_GATEWAY_ADMIT_H
#define SUT_GATEWAY_ADMIT_H

#include <stdint.h>

#define ADMIT_LIST(X) X(YES, "admitted") X(SHED, "shed") X(RATE, "rate_limited") X(FULL, "full")
enum admit {
#define X(name, text) ADMIT_##name,
        ADMIT_LIST(X)
#undef X
        ADMIT_COUNT
};

struct admit_limits {
        int percent;      /* of requests that are let in; spread evenly, not by chance */
        double rate_rps;  /* 0: no limit */
        double burst;     /* tokens the bucket holds */
        int in_flight_max;
};

struct admit_state {
        uint64_t seen; /* requests the percentage has decided about */
        double tokens;
        int64_t filled_us; /* 0: the bucket has never been used and is full */
        int in_flight;
};

/* ADMIT_YES must be followed by one admit_leave(). */
enum admit admit_enter(struct admit_state *s, const struct admit_limits *limits, int64_t now_us);
void admit_leave(struct admit_state *s);
const char *admit_text(enum admit a);

#endif
