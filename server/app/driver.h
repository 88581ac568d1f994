/* driver: plays the learner's part: waits until the run is running, then does the steps of a recipe, one after the
 * other. Owner:  the loop thread. Memory: the recipe is lent and must outlive the driver.     Units: ms. Limits:
 * SCENARIO_STEPS_MAX steps. Fails:  a step that is refused or fails is told through `failed`; the steps after it are
 * done all the same. */
#ifndef SERVER_APP_DRIVER_H
#define SERVER_APP_DRIVER_H

#include <stdbool.h>
#include <stddef.h>

#include "common/stack/stack.h"
#include "server/engine/scenario.h"
#include "server/stage/conductor.h"

struct driver {
        struct conductor *conductor;
        struct loop *loop;
        struct loop_timer *timer; /* the beginning, which is later: the run is told from within its own step */
        const struct scenario_recipe *recipe; /* NULL: does nothing */
        size_t next;
        bool begun, busy;
        bool diagnoses; /* says what it was when the steps are done, where the scenario waits for that */
        size_t failed_count;
        void (*failed)(void *ctx, const char *kind, const char *on, const char *why);
        void *ctx;
};

void driver_init(struct driver *d, struct loop *loop, struct conductor *conductor,
                 const struct scenario_recipe *recipe);
void driver_done(struct driver *d);

/* "none", "solution", "solution:2", "wrong:1" (counted from 1), "restart" (everything, one after the other). *ret is
 * NULL for none; steps of restart live in `room`. The solution of a false alarm has no steps. ERR_INVAL with a sentence. */
struct driver_room {
        struct scenario_step step[STACK_SERVICES_MAX];
        struct scenario_recipe recipe;
};
MUST_USE enum err driver_find(const char *name, const struct scenario *scenario, const struct stack_spec *spec,
                              struct driver_room *room, const struct scenario_recipe **ret, struct err_note *reterr);
/* To be called with every "run" message: the driver begins when the state is running. Later steps follow by themselves.
 */
void driver_see(struct driver *d);

#endif
