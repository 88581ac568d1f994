#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "learn/eval/stat.h"

enum { N = 200 };
static float a[N], b[N], many[N * 4];
static uint8_t stratum[N];

static void iqm_by_hand(void **state)
{
        double eight[] = { 100, 1, 2, 3, 4, 5, 6, -100 }, five[] = { 5, 1, 2, 3, 4 };

        (void)state;
        assert_true(fabs(stat_iqm(eight, 8) - 3.5) < 1e-12); /* mean of 2, 3, 4, 5 */
        /* Of five, ranks .25 to .75: a quarter-rank of 2 (.75 of it), 3 whole, .75 of 4: (1.5 + 3 + 3) / 2.5 */
        assert_true(fabs(stat_iqm(five, 5) - 3) < 1e-12);
}

/* Two incidents: one over after 3 steps, one censored at 5. Alive 1 for three steps, then 1/2 to the horizon. */
static void kaplan_meier_by_hand(void **state)
{
        struct run_record r = { .incidents = 2, .duration = { 3, 5 }, .censored = { 0, 1 } };
        const struct stat_times t = { &r, 1, 1, stratum };

        (void)state;
        /* S(0..2) = 1, S(3..59) = .5, though nobody is at risk after 5 the curve is carried on until the last at risk leaves */
        double want = 3 + 0.5 * 3; /* t = 0,1,2 whole; t = 3,4,5 half; then nobody is at risk */

        assert_true(fabs(stat_restricted_mean(&t) - want) < 1e-9);
}

static void pairing_beats_noise(void **state)
{
        struct stat_ci ci;
        const struct stat_sample sa = { a, N, 1, stratum }, sb = { b, N, 1, stratum };

        (void)state;
        for (int i = 0; i < N; i++) b[i] = (float)((i * 37) % 100), a[i] = b[i] + 1, stratum[i] = (uint8_t)(i % 3);
        assert_int_equal(stat_boot(STAT_DIFF, &sa, &sb, 500, 1, &ci), ERR_OK);
        assert_true(fabs(ci.value - 1) < 1e-6 && ci.lo > .999 && ci.hi < 1.001);
        assert_true(stat_probability_better(&sa, &sb) == 1);
        assert_int_equal(stat_boot(STAT_MEAN, &sa, NULL, 2000, 1, &ci), ERR_OK);
        assert_true(ci.lo < ci.value && ci.value < ci.hi);
        /* Standard deviation of 0..99 is 28.9: half width near 1.96 * 28.9 / sqrt(200) = 4.0 */
        assert_true(ci.hi - ci.lo > 6.4 && ci.hi - ci.lo < 9.6);
}

static void seeds_are_chance_too(void **state)
{
        struct stat_ci one, four;
        const struct stat_sample s1 = { a, N, 1, stratum }, s4 = { many, N, 4, stratum };

        (void)state;
        for (int i = 0; i < N; i++) {
                a[i] = 10;
                for (int k = 0; k < 4; k++) many[i * 4 + k] = (float)(10 + 4 * k - 6);
        }
        assert_int_equal(stat_boot(STAT_MEAN, &s1, NULL, 500, 1, &one), ERR_OK);
        assert_int_equal(stat_boot(STAT_MEAN, &s4, NULL, 500, 1, &four), ERR_OK);
        assert_true(one.lo == 10 && one.hi == 10);
        assert_true(four.value == 10 && four.hi - four.lo > 4);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(iqm_by_hand),
                cmocka_unit_test(kaplan_meier_by_hand),
                cmocka_unit_test(pairing_beats_noise),
                cmocka_unit_test(seeds_are_chance_too),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
