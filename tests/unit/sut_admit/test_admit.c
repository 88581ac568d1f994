#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "sut/gateway/admit.h"

static void test_percent_is_exact(void **state)
{
        static const int percents[] = { 0, 1, 25, 50, 99, 100 };

        (void)state;
        for (int i = 0; i < 6; i++) {
                struct admit_limits limits = { .percent = percents[i], .in_flight_max = 1 };
                struct admit_state s = { 0 };
                int in = 0;

                for (int n = 0; n < 1000; n++) {
                        if (admit_enter(&s, &limits, 1) != ADMIT_YES) continue;
                        in++;
                        admit_leave(&s);
                }
                assert_int_equal(in, percents[i] * 10);
        }
}

static void test_rate_and_burst(void **state)
{
        struct admit_limits limits = { .percent = 100, .rate_rps = 10, .burst = 5, .in_flight_max = 1 };
        struct admit_state s = { 0 };
        int in = 0;

        (void)state;
        for (int n = 0; n < 20; n++) { /* at once: the burst */
                if (admit_enter(&s, &limits, 1000000) != ADMIT_YES) continue;
                in++;
                admit_leave(&s);
        }
        assert_int_equal(in, 5);
        assert_int_equal(admit_enter(&s, &limits, 1099000), ADMIT_RATE);
        assert_int_equal(admit_enter(&s, &limits, 1100001), ADMIT_YES); /* a tenth of a second: one token */
        admit_leave(&s);
        for (int n = 0; n < 100; n++) { /* 100 requests in 5 s after that: 50 tokens, no more */
                if (admit_enter(&s, &limits, 1100001 + n * 50000) != ADMIT_YES) continue;
                in++;
                admit_leave(&s);
        }
        assert_in_range(in, 5 + 48, 5 + 50);
}

static void test_in_flight(void **state)
{
        struct admit_limits limits = { .percent = 100, .in_flight_max = 2 };
        struct admit_state s = { 0 };

        (void)state;
        assert_int_equal(admit_enter(&s, &limits, 1), ADMIT_YES);
        assert_int_equal(admit_enter(&s, &limits, 1), ADMIT_YES);
        assert_int_equal(admit_enter(&s, &limits, 1), ADMIT_FULL);
        admit_leave(&s);
        assert_int_equal(admit_enter(&s, &limits, 1), ADMIT_YES);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_percent_is_exact), cmocka_unit_test(test_rate_and_burst),
                                            cmocka_unit_test(test_in_flight) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
