/* tried: what was done to a service in this incident, and whether it helped. The simulator's failures are all curable by one of the five
 * actions; those of a real stack often are not, and what has failed once is not worth its price twice.
 *
 *      NOT ──acted──> PENDING ──TRIED_JUDGE_MS later──> HELPED (as NOT) or FUTILE (until the incident is over)
 *
 * Owner:  the loop thread. Memory: the caller's struct, zeroed is empty. Units: ms, bad: share of requests that do not go well, 0..1.
 * Limits: one judgement a kind of act.   Fails: never. */
#ifndef SERVER_ADVISOR_TRIED_H
#define SERVER_ADVISOR_TRIED_H

#include <stdbool.h>
#include <stdint.h>

#include "learn/sim/kernel.h"

enum { TRIED_JUDGE_MS = 25000 };
#define TRIED_BETTER 0.10f /* less of the requests must go wrong than before, or hardly any */
#define TRIED_WELL 0.05f

struct tried {
        struct tried_act {
                int64_t at_ms;
                float before;
                bool pending, futile;
        } restart, shed; /* a kill is a restart, too */
};

void tried_note(struct tried *t, enum sim_action action, float bad, int64_t now_ms);
/* A whole step has been felt. */
void tried_judge(struct tried *t, float bad, int64_t now_ms);
/* Whether this action need not be thought of now: its effect is awaited, or it had none. */
bool tried_vain(const struct tried *t, enum sim_action action);

#endif
