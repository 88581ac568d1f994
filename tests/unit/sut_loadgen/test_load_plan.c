/* load_plan: arrivals counted against the integral of each profile, worked out by hand. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "common/base/attr.h"
#include "common/base/check.h"
#include "sut/loadgen/load_chance.h"
#include "sut/loadgen/load_plan.h"

#define SECOND INT64_C(1000000000)

static int count_until(struct load_plan *plan, int64_t until_ns)
{
        int64_t at_ns = -1, before_ns = plan->position_ns;
        int count = 0;

        while (load_plan_next(plan, until_ns, &at_ns)) {
                assert_true(at_ns >= before_ns && at_ns <= until_ns);
                before_ns = at_ns;
                count++;
        }
        return count;
}

struct profile_row {
        const char *name;
        struct load_profile profile;
        double from_s, to_s;
        double expected; /* integral of the rate over that time */
};

static const struct profile_row profile_rows[] = {
        {"steady", {.kind = LOAD_STEADY, .rps = 40}, 0, 10, 400},
        {"fraction of a request a second", {.kind = LOAD_STEADY, .rps = 0.5}, 0, 60, 30},
        {"nothing", {.kind = LOAD_STEADY, .rps = 0}, 0, 10, 0},
        {"fast", {.kind = LOAD_STEADY, .rps = 2000}, 0, 5, 10000},
        {"ramp, on its way: (10 + 30) / 2 * 10", {.kind = LOAD_RAMP, .rps = 10, .ramp_rps = 30, .ramp_s = 10}, 0, 10, 200},
        {"ramp, after it", {.kind = LOAD_RAMP, .rps = 10, .ramp_rps = 30, .ramp_s = 10}, 10, 20, 300},
        {"ramp down to nothing", {.kind = LOAD_RAMP, .rps = 40, .ramp_rps = 0, .ramp_s = 10}, 0, 20, 200},
        {"ramp in no time", {.kind = LOAD_RAMP, .rps = 10, .ramp_rps = 30, .ramp_s = 0}, 0, 10, 300},
        {"wave, whole period", {.kind = LOAD_WAVE, .rps = 50, .wave_rps = 20, .wave_s = 20}, 0, 20, 1000},
        {"wave, upper half: 500 + 20 * 20 / pi", {.kind = LOAD_WAVE, .rps = 50, .wave_rps = 20, .wave_s = 20}, 0, 10, 627.3},
        {"burst, once", {.kind = LOAD_BURST, .rps = 40, .burst_rps = 200, .burst_s = 10}, 0, 30, 2000 + 800},
        {"burst, every 20 s", {.kind = LOAD_BURST, .rps = 40, .burst_rps = 200, .burst_s = 5, .burst_every_s = 20}, 0, 40,
         2 * (1000 + 600)},
        {"replay 10, 0, 30 of 2 s each, twice", {.kind = LOAD_REPLAY, .rps = 99, .replay_rps = {10, 0, 30}, .replay_count = 3,
         .replay_step_s = 2}, 0, 12, 160},
        {"replay of nothing is steady", {.kind = LOAD_REPLAY, .rps = 20, .replay_step_s = 2}, 0, 10, 200},
};

static void counts_follow_profile(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(profile_rows); i++) {
                const struct profile_row *row = &profile_rows[i];
                struct load_plan plan;
                int count;

                load_plan_init(&plan, 4217, &row->profile, 0);
                (void)count_until(&plan, (int64_t)(row->from_s * 1e9));
                count = count_until(&plan, (int64_t)(row->to_s * 1e9));
                print_message("%s: %d of %.1f\n", row->name, count, row->expected);
                assert_true(fabs(count - row->expected) <= 2); /* paced: at most one slot at each end */
        }
}

static void paced_windows_are_even(void **state)
{
        struct load_profile profile = {.kind = LOAD_STEADY, .rps = 40};
        struct load_plan plan;

        (void)state;
        load_plan_init(&plan, 7, &profile, 0);
        for (int second = 1; second <= 120; second++) {
                int count = count_until(&plan, second * SECOND);

                assert_true(count >= 39 && count <= 41);
        }
}

/* 10,000 windows of mean 40: the mean within 4 standard errors (4 * sqrt(40) / 100), the variance of a Poisson is its mean. */
static void poisson_scatters_as_it_should(void **state)
{
        struct load_profile profile = {.kind = LOAD_STEADY, .arrival = LOAD_POISSON, .rps = 40};
        struct load_plan plan;
        double sum = 0, squares = 0;
        const int windows = 10000;

        (void)state;
        load_plan_init(&plan, 11, &profile, 0);
        for (int i = 1; i <= windows; i++) {
                double count = count_until(&plan, i * SECOND);

                sum += count;
                squares += count * count;
        }
        double mean = sum / windows, variance = squares / windows - mean * mean;

        assert_true(fabs(mean - 40) < 0.253);
        assert_true(fabs(variance - 40) < 3);
}

static void same_seed_same_arrivals(void **state)
{
        struct load_profile profile = {.kind = LOAD_WAVE, .arrival = LOAD_POISSON, .rps = 40, .wave_rps = 10, .wave_s = 7};
        struct load_plan a, b, other;
        int64_t at_a = 0, at_b = 0, at_other = 0;
        int same = 0;

        (void)state;
        load_plan_init(&a, 5, &profile, 100);
        load_plan_init(&b, 5, &profile, 100);
        load_plan_init(&other, 6, &profile, 100);
        for (int i = 0; i < 1000; i++) {
                assert_true(load_plan_next(&a, 100 * SECOND, &at_a));
                /* asked in small pieces, the plan gives the same times but for the rounding of its steps */
                for (int64_t until = at_b; !load_plan_next(&b, until, &at_b); until += SECOND / 3) { }
                assert_true(llabs(at_a - at_b) < SECOND / 1000);
                assert_true(load_plan_next(&other, 100 * SECOND, &at_other));
                same += at_other == at_a;
        }
        assert_true(same < 10);
}

static void change_restarts_profile_clock(void **state)
{
        struct load_profile steady = {.kind = LOAD_STEADY, .rps = 40};
        struct load_profile burst = {.kind = LOAD_BURST, .rps = 40, .burst_rps = 200, .burst_s = 10};
        struct load_plan plan;

        (void)state;
        load_plan_init(&plan, 1, &steady, 0);
        assert_in_range(count_until(&plan, 5 * SECOND), 199, 201);
        load_plan_change(&plan, &burst, 5 * SECOND);
        assert_in_range(count_until(&plan, 15 * SECOND), 1998, 2002);
        assert_in_range(count_until(&plan, 20 * SECOND), 198, 202);
        load_plan_change(&plan, &steady, 20 * SECOND);
        assert_in_range(count_until(&plan, 30 * SECOND), 398, 402);
}

static void chance_is_uniform_and_fixed(void **state)
{
        int tens[10] = {0};

        (void)state;
        for (uint64_t n = 0; n < 100000; n++) {
                double unit = load_chance_unit(3, LOAD_STREAM_USER, n);
                uint32_t below = load_chance_below(3, LOAD_STREAM_USER, n, 10);

                assert_true(unit >= 0 && unit < 1);
                assert_true(below < 10);
                tens[below]++;
        }
        for (int i = 0; i < 10; i++) assert_in_range(tens[i], 9600, 10400); /* 4 sigma: 4 * sqrt(9000) */
        assert_true(load_chance_u64(3, LOAD_STREAM_USER, 5) == load_chance_u64(3, LOAD_STREAM_USER, 5));
        assert_true(load_chance_u64(3, LOAD_STREAM_USER, 5) != load_chance_u64(3, LOAD_STREAM_PRODUCT, 5));
        assert_true(load_chance_u64(3, LOAD_STREAM_USER, 5) != load_chance_u64(4, LOAD_STREAM_USER, 5));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(counts_follow_profile),       cmocka_unit_test(paced_windows_are_even),
                cmocka_unit_test(poisson_scatters_as_it_should), cmocka_unit_test(same_seed_same_arrivals),
                cmocka_unit_test(change_restarts_profile_clock), cmocka_unit_test(chance_is_uniform_and_fixed),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
