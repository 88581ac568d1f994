/* rehearse: a dry run of a scenario: the engine itself, with a pretend stack that obeys at once, and samples made up from the conditions:
 * everything is well until the first fault, ill while one is in force, well again when the repair has been done. So it shows what a learner
 * is told and when, which hints come, and how a run ends; whether the real system feels it so is what `firedrill verify` proves.
 * Owner:  caller, pure. Memory: none kept.   Units: ms, from the first fault in the answer.
 * Limits: REHEARSE_EVENTS_MAX entries, about REHEARSE_STEPS steps up to the time limit; the scenario's own.   Fails: ERR_NOMEM, ERR_LIMIT (no room in out), ERR_INVAL (no such solution). */
#ifndef SERVER_ENGINE_REHEARSE_H
#define SERVER_ENGINE_REHEARSE_H

#include "common/base/buf.h"
#include "server/engine/scenario.h"
#include "server/engine/world.h"

enum { REHEARSE_EVENTS_MAX = 1000, REHEARSE_STEP_MS = 1000, REHEARSE_STEPS = 600 };

struct rehearse_options {
        uint64_t seed;         /* 0: the scenario's */
        bool fast;
        size_t solution;       /* counted from 1; 0: nobody does anything */
        int64_t solve_after_ms; /* from the page */
};

/* {"outcome","reason","page_ms","ended_ms","time_limit_ms","events":[{"at_ms","kind","text","on"}]}; kinds: state, fault, herring, over,
 * brief, say, hint, deploy, met, lost, held, action, guard. */
MUST_USE enum err rehearse_json(const struct scenario *s, const struct scenario_world *world, const struct rehearse_options *options,
                                struct buf *out, struct err_note *reterr);

#endif
