/* Root-cause accuracy: shares by hand, and incidents that are what they say. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "learn/eval/causes.h"
#include "learn/sim/sim12.h"

static void shares_by_hand(void **state)
{
        const struct cause_case cases[] = {
                { .first_right = true, .three_right = true, .strongest_right = true },
                { .first_right = true, .three_right = true },
                { .three_right = true, .abstains = true, .cascade = true },
                { .abstains = true, .earliest_right = true },
        };
        struct causes_summary s;

        (void)state;
        assert_int_equal(causes_summarise(cases, 4, CAUSES_ALL, &s), ERR_OK);
        assert_int_equal(s.incidents, 4);
        assert_true(s.first.value == .5 && s.three.value == .75 && s.abstains.value == .5 && s.first_when_sure.value == 1);
        assert_true(s.over_strongest.value == .25 && s.over_earliest.value == .25);
        assert_int_equal(causes_summarise(cases, 4, CAUSES_CASCADE, &s), ERR_OK);
        assert_true(s.incidents == 1 && s.first.value == 0 && s.three.value == 1);
        assert_int_equal(causes_summarise(cases, 4, CAUSES_SINGLE, &s), ERR_OK);
        assert_int_equal(s.incidents, 3);
        assert_int_equal(causes_summarise(cases, 0, CAUSES_ALL, &s), ERR_OK);
        assert_int_equal(s.incidents, 0);
}

static void incidents_repeat_and_make_sense(void **state)
{
        enum { N = 40 };
        struct cause_case a[N], b[N];
        struct causes_setup setup = { .seed = seed_test_at(5), .incidents = N };
        uint32_t count, silent, again, right = 0;

        (void)state;
        assert_int_equal(causes_run(&setup, a, &count, &silent), ERR_OK);
        assert_int_equal(causes_run(&setup, b, &again, &silent), ERR_OK);
        assert_int_equal(count, N);
        assert_memory_equal(a, b, sizeof a);
        for (uint32_t i = 0; i < N; i++) {
                bool called = false;

                for (int c = 0; c < SIM12_SERVICES; c++) called |= sim12_calls(c, a[i].root);
                assert_true(a[i].mode != MODE_NONE && a[i].mode != MODE_CASCADING);
                assert_true(a[i].three_right || !a[i].first_right);
                assert_true(called || !a[i].cascade);
                assert_true(a[i].delay < CAUSES_ALARM_STEPS);
                right += a[i].three_right;
        }
        assert_true(right > N / 2); /* chance would be a quarter */
}

static bool at_once(void *context)
{
        (void)context;
        return true;
}

static void stops_when_asked(void **state)
{
        struct cause_case one[4];
        const struct causes_setup setup = { .seed = seed_test_at(5), .incidents = 4, .stop = at_once };
        uint32_t count, silent;

        (void)state;
        assert_int_equal(causes_run(&setup, one, &count, &silent), ERR_STATE);
        assert_int_equal(count, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(shares_by_hand),
                cmocka_unit_test(incidents_repeat_and_make_sense),
                cmocka_unit_test(stops_when_asked),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
