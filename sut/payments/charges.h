/* charges: the payment provider's memory of what it charged: idempotency key -> charge. Pure.
 * Owner:  the caller, who also locks.        Memory: all at birth.
 * Units:  cents.                             Limits: CHARGES_MAX charges are remembered; the oldest are forgotten.
 * Fails:  ERR_INVAL: the key was used with another amount. */
#ifndef SUT_PAYMENTS_CHARGES_H
#define SUT_PAYMENTS_CHARGES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"

enum { CHARGES_MAX = 16384, CHARGES_KEY_BYTES = 96 };

struct charges;

MUST_USE enum err charges_new(struct charges **ret);
void charges_free(struct charges *c);
AUTO_DEFINE(struct charges, charges_free)

/* The charge of this key: a new one (numbers rise from 1) or the one it made before (*ret_repeated). With idempotent false a key seen
 * before is charged again, and *ret_repeated tells that this is a double charge. */
MUST_USE enum err charges_make(struct charges *c, const char *key, int64_t amount_cents, bool idempotent, uint64_t *ret_number, bool *ret_repeated,
                               struct err_note *reterr);

#endif
