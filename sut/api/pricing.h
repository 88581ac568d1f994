/* pricing: process_business_data, the work behind every quote and order. A basket is combined with every partner product of the
 * shop; each combination gets the discount of the last offer whose threshold it reaches; the best combination decides the price.
 * Two algorithms that give the same answer: efficient sorts the offers once and searches (n log n), regressed looks at every
 * offer for every combination (n^2).
 * Owner:  caller; pure.                      Memory: one block during the call.
 * Units:  cents; percent.                    Limits: PRICING_OFFERS_MAX offers.
 * Fails:  ERR_NOMEM. */
#ifndef SUT_API_PRICING_H
#define SUT_API_PRICING_H

#include <stdint.h>

#include "common/base/err.h"

enum { PRICING_OFFERS_MAX = 20000, PRICING_DISCOUNT_MAX = 15 };
enum pricing_algorithm { PRICING_EFFICIENT, PRICING_REGRESSED };

struct pricing_basket {
        int64_t product_id, price_cents, quantity;
        int64_t past_orders; /* of this customer: loyalty */
        int offer_count;     /* offers, and partner products */
};

struct pricing_result {
        int64_t total_cents;
        int discount_percent;
        int64_t combinations; /* that reached any offer */
        uint64_t fingerprint; /* over every combination's discount: two algorithms must agree on each */
};

MUST_USE enum err process_business_data(const struct pricing_basket *basket, enum pricing_algorithm algorithm, struct pricing_result *ret);

#endif
