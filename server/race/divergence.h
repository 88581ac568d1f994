/* divergence: where two players of the same incident first did something different. Pure.
 * Owner:  caller. Memory: the answer is the caller's. Units: ms from the onset. Limits: none of its own.
 * Fails:  NULL: they did the same at about the same time (or out of memory). */
#ifndef SERVER_RACE_DIVERGENCE_H
#define SERVER_RACE_DIVERGENCE_H

#include "common/text/json.h"

enum { DIVERGENCE_APART_MS = 30000 }; /* the same change this much earlier or later is a difference */

/* {"at_ms","kind":"only_you"|"only_they"|"different"|"timing","you":ITEM|null,"they":ITEM|null}; lists as of lane.h. */
struct json *divergence_find(const struct json *you, const struct json *they);

#endif
