#include "sut/api/pricing.h"

#include <stdlib.h>

#include "common/base/check.h"
#include "common/base/mem.h"

struct offer {
        int32_t from_cents, number, percent;
};

static uint64_t mixed(uint64_t z)
{
        z += UINT64_C(0x9e3779b97f4a7c15);
        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        return z ^ z >> 31;
}

/* The shop's offers: fixed, in the order in which marketing made them, which is no order at all. */
static void offers_fill(struct offer *offers, int count)
{
        for (int i = 0; i < count; i++) {
                uint64_t random = mixed((uint64_t)i);

                offers[i] = (struct offer){ .from_cents = 500 + (int32_t)(random % 60000), .number = i,
                                            .percent = (int32_t)(random >> 32) % (PRICING_DISCOUNT_MAX + 1) };
                if (offers[i].percent < 0) offers[i].percent += PRICING_DISCOUNT_MAX + 1;
        }
}

static int32_t combination_cents(const struct pricing_basket *basket, int partner)
{
        uint64_t random = mixed((uint64_t)basket->product_id << 20 ^ (uint64_t)partner);
        int64_t cents = basket->price_cents * basket->quantity + (int64_t)(random % 20000);

        return (int32_t)(cents > INT32_MAX ? INT32_MAX : cents);
}

static int by_threshold(const void *a, const void *b)
{
        const struct offer *x = a, *y = b;

        if (x->from_cents != y->from_cents) return x->from_cents < y->from_cents ? -1 : 1;
        return x->number < y->number ? -1 : x->number > y->number;
}

/* The percent of the offer with the highest threshold that is reached, the later number among equals; -1: none. */
static int percent_by_search(const struct offer *sorted, int count, int32_t cents)
{
        int low = 0, high = count;

        while (low < high) {
                int middle = low + (high - low) / 2;

                if (sorted[middle].from_cents <= cents)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low > 0 ? sorted[low - 1].percent : -1;
}

static int percent_by_looking(const struct offer *offers, int count, int32_t cents)
{
        int32_t best_from = -1;
        int percent = -1;

        for (int i = 0; i < count; i++) {
                if (offers[i].from_cents > cents || offers[i].from_cents < best_from) continue;
                best_from = offers[i].from_cents;
                percent = offers[i].percent;
        }
        return percent;
}

enum err process_business_data(const struct pricing_basket *basket, enum pricing_algorithm algorithm, struct pricing_result *ret)
{
        int count = basket->offer_count, best = 0, loyalty = (int)(basket->past_orders > 50 ? 5 : basket->past_orders / 10);
        struct offer *offers;
        struct pricing_result result = { 0 };

        CHECK(count > 0 && count <= PRICING_OFFERS_MAX);
        offers = mem_alloc((size_t)count * sizeof *offers);
        if (!offers) return ERR_NOMEM;
        offers_fill(offers, count);
        if (algorithm == PRICING_EFFICIENT) qsort(offers, (size_t)count, sizeof *offers, by_threshold);
        for (int partner = 0; partner < count; partner++) {
                int32_t cents = combination_cents(basket, partner);
                int percent = algorithm == PRICING_EFFICIENT ? percent_by_search(offers, count, cents)
                                                             : percent_by_looking(offers, count, cents);

                if (percent >= 0) result.combinations++;
                if (percent > best) best = percent;
                result.fingerprint = mixed(result.fingerprint ^ (uint64_t)(percent + 1));
        }
        mem_free(offers);
        result.discount_percent = best + loyalty > PRICING_DISCOUNT_MAX ? PRICING_DISCOUNT_MAX : best + loyalty;
        result.total_cents = basket->price_cents * basket->quantity * (100 - result.discount_percent) / 100;
        *ret = result;
        return ERR_OK;
}
