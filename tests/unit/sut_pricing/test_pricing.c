#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <time.h>

#include "common/base/mem.h"
#include "sut/api/pricing.h"

static double cpu_ms(void)
{
        struct timespec t;

        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* The two algorithms are each other's oracle: they share nothing but the data. */
static void test_algorithms_agree(void **state)
{
        static const int counts[] = { 1, 2, 3, 17, 500, 2000 };

        (void)state;
        for (int i = 0; i < 60; i++) {
                struct pricing_basket basket = { .product_id = 1 + i * 37 % 2000, .price_cents = 400 + i * 7919 % 9600, .quantity = 1 + i % 5,
                                                 .past_orders = i * 3, .offer_count = counts[i % 6] };
                struct pricing_result fast, slow;

                assert_int_equal(process_business_data(&basket, PRICING_EFFICIENT, &fast), ERR_OK);
                assert_int_equal(process_business_data(&basket, PRICING_REGRESSED, &slow), ERR_OK);
                assert_int_equal(fast.total_cents, slow.total_cents);
                assert_int_equal(fast.discount_percent, slow.discount_percent);
                assert_int_equal(fast.combinations, slow.combinations);
                assert_int_equal(fast.fingerprint, slow.fingerprint);
                assert_in_range(fast.total_cents, basket.price_cents * basket.quantity * 85 / 100, basket.price_cents * basket.quantity);
        }
}

static void test_loyalty_is_a_percent_for_ten_orders(void **state)
{
        struct pricing_basket basket = { .product_id = 5, .price_cents = 1, .quantity = 1, .offer_count = 1 };
        struct pricing_result result;

        (void)state;
        basket.price_cents = 400; /* below every offer's threshold but for the partner's price; compare two customers instead */
        assert_int_equal(process_business_data(&basket, PRICING_EFFICIENT, &result), ERR_OK);
        int without = result.discount_percent;

        basket.past_orders = 25;
        assert_int_equal(process_business_data(&basket, PRICING_EFFICIENT, &result), ERR_OK);
        assert_int_equal(result.discount_percent, without + 2 > 15 ? 15 : without + 2);
}

static void test_regression_costs_far_more(void **state)
{
        struct pricing_basket basket = { .product_id = 7, .price_cents = 4200, .quantity = 2, .offer_count = 6000 };
        struct pricing_result result;
        double start = cpu_ms(), fast, slow;

        (void)state;
        for (int i = 0; i < 10; i++) assert_int_equal(process_business_data(&basket, PRICING_EFFICIENT, &result), ERR_OK);
        fast = (cpu_ms() - start) / 10;
        start = cpu_ms();
        assert_int_equal(process_business_data(&basket, PRICING_REGRESSED, &result), ERR_OK);
        slow = cpu_ms() - start;
        print_message("efficient %.2f ms, regressed %.1f ms\n", fast, slow);
        assert_true(slow > 10 * fast);
}

static void test_want_of_memory(void **state)
{
        struct pricing_basket basket = { .product_id = 7, .price_cents = 4200, .quantity = 2, .offer_count = 10 };
        struct pricing_result result = { .total_cents = -1 };

        (void)state;
        fault_arm(1, false);
        assert_int_equal(process_business_data(&basket, PRICING_EFFICIENT, &result), ERR_NOMEM);
        assert_true(fault_disarm());
        assert_int_equal(result.total_cents, -1);
        assert_int_equal(alloc_live_count(), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_algorithms_agree), cmocka_unit_test(test_loyalty_is_a_percent_for_ten_orders),
                cmocka_unit_test(test_regression_costs_far_more), cmocka_unit_test(test_want_of_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
