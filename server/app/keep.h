/* keep: what is kept of a run at its end besides its log: the episode, and, for a driver, a recording to be set beside learners.
 * Owner:  the loop thread. Memory: keep_free. Units: none. Limits: those of server/episode and server/race.
 * Fails:  keep_new: ERR_NOMEM; not being able to keep something is a notice. */
#ifndef SERVER_APP_KEEP_H
#define SERVER_APP_KEEP_H

#include "common/base/err.h"
#include "common/stack/stack.h"
#include "server/stage/conductor.h"
#include "server/store/store.h"

struct keep;

struct keep_options {
        const struct stack_spec *spec;
        struct store *store;
        struct conductor *conductor;
        const char *driver; /* "learner": episodes only */
        conductor_tell_fn *tell; /* "notice" */
        void *ctx;
};

MUST_USE enum err keep_new(const struct keep_options *options, struct keep **ret);
void keep_free(struct keep *r);
AUTO_DEFINE(struct keep, keep_free)

void keep_hear(struct keep *r, const char *type, const char *json);
/* Everything of the run is undone: keeps what there is to keep. */
void keep_end(struct keep *r, int64_t run_id);

#endif
