/* ghost: one driver that meets a learner's incident on a stack of its own: this program run again as "play", whose lines are
 * folded into a lane. It lives in a temporary home of its own; its end undoes and removes everything, also when this process dies.
 *
 *     new ──> playing ──(its run is over, or ghost_interrupt)──> ended: told once through on_end
 *
 * Owner:  the loop thread. Memory: ghost_free; the lane is lent and must outlive the ghost. Units: none.
 * Limits: those of child.h. Fails: ghost_new with a sentence; what goes wrong later is in the lane. */
#ifndef SERVER_RACE_GHOST_H
#define SERVER_RACE_GHOST_H

#include "common/base/err.h"
#include "common/sys/loop.h"
#include "server/race/lane.h"

struct ghost;

struct ghost_options {
        struct loop *loop;
        const char *file; /* the scenario; may be removed when the ghost plays */
        const char *log;  /* what it says on stderr */
        int stack;
        uint64_t seed;
        bool fast;
        struct lane *lane; /* its policy is the driver */
        void (*on_end)(void *ctx, struct ghost *ghost);
        void *ctx;
};

MUST_USE enum err ghost_new(const struct ghost_options *options, struct ghost **ret, struct err_note *reterr);
void ghost_interrupt(struct ghost *ghost, const char *why); /* it undoes what it did, and ends */
bool ghost_has_ended(const struct ghost *ghost);
int ghost_stack(const struct ghost *ghost);
void ghost_free(struct ghost *ghost);
AUTO_DEFINE(struct ghost, ghost_free)

#endif
