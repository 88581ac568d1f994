/* hung: whether a service has stopped without having ended. Its metrics stop like those of a process that is starting again, but nobody
 * starts it: a supervisor restarts what dies, and this has not died.
 *
 *      UP ──no answer──> DOWN ──HUNG_AFTER_MS, and nobody restarts it──> HUNG
 *       ^                 ^ │ restarted, or acted on: from the beginning
 *       └──answers────────┘─┘
 *
 * Owner:  the loop thread. Memory: the caller's struct, zeroed is UP. Units: ms of the series' clock, restarts as a count; NAN: not known.
 * Limits: none.            Fails: never. */
#ifndef SERVER_ADVISOR_HUNG_H
#define SERVER_ADVISOR_HUNG_H

#include <stdbool.h>
#include <stdint.h>

enum { HUNG_AFTER_MS = 15000 }; /* a supervised start has answered by then, with its longest backoff between two */

struct hung {
        int64_t since_ms; /* 0: it answers */
        double restarts;
};

void hung_see(struct hung *h, bool answers, double restarts, int64_t now_ms);
/* Somebody has restarted or killed it: it is given the same time again. */
void hung_acted(struct hung *h, int64_t now_ms);
bool hung_is(const struct hung *h, int64_t now_ms);

#endif
