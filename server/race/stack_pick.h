/* stack_pick: a stack number that nobody on this machine uses, found by asking for two of its ports.
 * Fails: pick gives 0 when none is free. A stack that begins in the same moment is not seen: its start then fails, loudly. */
#ifndef SERVER_RACE_STACK_PICK_H
#define SERVER_RACE_STACK_PICK_H

#include <stdbool.h>

/* Whether a number is spoken for although nothing listens yet. */
typedef bool stack_taken_fn(const void *ctx, int number);

/* The next free number after `after` (0: from 1 on), round the end `max` and back to `after` itself. is_taken may be NULL. */
int stack_pick(int after, int max, stack_taken_fn *is_taken, const void *ctx);

#endif
