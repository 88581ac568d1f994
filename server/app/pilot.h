/* pilot: does what the advisor decides, as far as the run lets it: one action at a time, by "agent". A reduction of the load ends
 * by itself after PILOT_SHED_MS, because nobody wants it to be forgotten.
 * Owner:  the loop thread. Memory: the caller's struct, pilot_done before its loop dies. Units: ms.
 * Limits: one action under way. Fails: a refused action is told through `failed` and the next decision comes in a moment. */
#ifndef SERVER_APP_PILOT_H
#define SERVER_APP_PILOT_H

#include <stdbool.h>
#include <stddef.h>

#include "server/advisor/advisor.h"
#include "server/stage/conductor.h"

enum { PILOT_SHED_MS = 30000 };

struct pilot {
        struct loop *loop;
        struct conductor *conductor;
        const struct advisor *advisor;
        struct loop_timer *timer, *shed_timer;
        bool busy;
        size_t done_count, failed_count;
        void (*failed)(void *ctx, const char *kind, const char *on, const char *why);
        void *ctx;
};

void pilot_init(struct pilot *p, struct loop *loop, struct conductor *conductor, const struct advisor *advisor);
void pilot_done(struct pilot *p);
/* The advisor has decided anew. Acts later, from the loop. */
void pilot_see(struct pilot *p);

#endif
