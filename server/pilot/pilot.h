/* pilot: does what the advisor decides, as far as the safety rules and the run let it: one action at a time, by "agent". Each step is
 * asked of the safety rules once more in the moment it would be made, so that they hold for any policy. A reduction of the load ends
 * by itself after PILOT_SHED_MS, because nobody wants it to be forgotten.
 * Owner:  the loop thread. Memory: the caller's struct, pilot_done before its loop dies. Units: ms.
 * Limits: one action under way. Fails: a refused action is told through `failed` and the next decision comes in a moment. */
#ifndef SERVER_PILOT_PILOT_H
#define SERVER_PILOT_PILOT_H

#include <stdbool.h>
#include <stddef.h>

#include "server/advisor/advisor.h"
#include "server/stage/conductor.h"

enum { PILOT_SHED_MS = 30000 };

/* Who decides; false: nothing is to be done. */
typedef bool pilot_decide_fn(const struct advisor *a, struct advisor_step *ret);

struct pilot {
        struct loop *loop;
        struct conductor *conductor;
        struct advisor *advisor; /* NULL: there is none, and pilot_see is not called */
        pilot_decide_fn *decide; /* advisor_step_peek */
        bool autopilot_only;     /* acts only while the run's autopilot is on, not for a driver that plays alone */
        struct loop_timer *timer, *shed_timer;
        bool busy;
        bool sheds, asks_to_shed; /* a reduction of the load holds; what is under way is the beginning of one */
        size_t done_count, failed_count, forbidden_count;
        const char *forbidden; /* why the last step was not made; NULL: it was */
        void (*failed)(void *ctx, const char *kind, const char *on, const char *why);
        void *ctx;
};

void pilot_init(struct pilot *p, struct loop *loop, struct conductor *conductor, struct advisor *advisor);
void pilot_done(struct pilot *p);
/* The advisor has decided anew. Acts later, from the loop. */
void pilot_see(struct pilot *p);

#endif
