/* load_plan: when the next request is meant to start. Pure: a profile (rate over time), a seed, and a position.
 * Open loop: the plan never looks at what became of a request. The same seed and the same changes at the same times give the
 * same arrivals.
 *
 *   steady  rps
 *   ramp    rps -> ramp_rps over ramp_s, then ramp_rps
 *   wave    rps +- wave_rps, a sine of period wave_s
 *   burst   burst_rps for burst_s, then rps; again every burst_every_s (0: once)
 *   replay  the numbers of replay_rps, one for each replay_step_s, over and over
 *
 * Owner:  the caller.                        Memory: none allocated.
 * Units:  requests/s, seconds in profiles, ns of any monotonic clock in positions.
 * Limits: LOAD_RPS_MAX, LOAD_REPLAY_MAX numbers. Fails: nothing. */
#ifndef SUT_LOADGEN_LOAD_PLAN_H
#define SUT_LOADGEN_LOAD_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LOAD_RPS_MAX = 2000, LOAD_REPLAY_MAX = 64 };

#define LOAD_PROFILE_LIST(X) X(STEADY, "steady") X(RAMP, "ramp") X(WAVE, "wave") X(BURST, "burst") X(REPLAY, "replay")
enum load_profile_kind {
#define X(name, text) LOAD_##name,
        LOAD_PROFILE_LIST(X)
#undef X
        LOAD_PROFILE_COUNT
};

/* paced: one arrival in each slot of 1/rate, at a random place in it: steady counts without a metronome's regularity.
 * poisson: independent users; the counts of 10 s scatter by their square root. */
#define LOAD_ARRIVAL_LIST(X) X(PACED, "paced") X(POISSON, "poisson")
enum load_arrival {
#define X(name, text) LOAD_##name,
        LOAD_ARRIVAL_LIST(X)
#undef X
        LOAD_ARRIVAL_COUNT
};

struct load_profile {
        enum load_profile_kind kind;
        enum load_arrival arrival;
        double rps;
        double ramp_rps, ramp_s;
        double wave_rps, wave_s;
        double burst_rps, burst_s, burst_every_s;
        double replay_rps[LOAD_REPLAY_MAX], replay_step_s;
        size_t replay_count;
};

struct load_plan {
        struct load_profile profile;
        uint64_t seed;
        uint64_t arrival_count;    /* how many have been planned: the counter of the random numbers */
        int64_t profile_start_ns;  /* when this profile began */
        int64_t position_ns;       /* the rate has been summed up to here */
        double need;               /* expected arrivals still to pass before the next one */
        double slot_rest;          /* paced: what is left of the current slot behind its arrival */
};

/* The rate of a profile, seconds after its beginning; never negative. */
double load_profile_rate(const struct load_profile *profile, double since_s);

void load_plan_init(struct load_plan *plan, uint64_t seed, const struct load_profile *profile, int64_t now_ns);
/* A new profile from now on; arrivals that were planned for later are not kept. */
void load_plan_change(struct load_plan *plan, const struct load_profile *profile, int64_t now_ns);
/* If an arrival is due at or before `until_ns`: true, and its time. Otherwise the plan stands at until_ns. */
bool load_plan_next(struct load_plan *plan, int64_t until_ns, int64_t *ret_ns);

#endif
