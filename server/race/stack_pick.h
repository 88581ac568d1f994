/* stack_pick: a stack number that nobody on this machine uses, found by asking for two of its ports and for the sign.
 * Fails: pick gives 0 when none is free. A stack that begins in the same moment without a sign is not seen: its start then fails, loudly. */
#ifndef SERVER_RACE_STACK_PICK_H
#define SERVER_RACE_STACK_PICK_H

#include <stdbool.h>

/* Whether a number is spoken for although nothing listens yet. */
typedef bool stack_taken_fn(const void *ctx, int number);

/* The next free number after `after` (0: from 1 on), round the end `max` and back to `after` itself. is_taken may be NULL.
 * ret_sign, unless NULL, gets a socket that listens on the number's address: as long as the caller keeps it open, nobody else picks the number. */
int stack_pick(int after, int max, stack_taken_fn *is_taken, const void *ctx, int *ret_sign);

#endif
