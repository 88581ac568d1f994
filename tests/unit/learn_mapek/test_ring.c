/* The metrics buffer: the mission's eight tests, the edge cases, and what the running sums must not do. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/base/mem.h"
#include "learn/mapek/metric_ring.h"

static struct metric_ring *ring;

static int fresh(void **state)
{
        (void)state;
        return ring_new(RING_POINTS_DEFAULT, &ring) != ERR_OK;
}

static int gone(void **state)
{
        (void)state;
        ring_free(ring);
        return 0;
}

static bool near(double a, double b, double relative)
{
        return fabs(a - b) <= relative * fabs(b) + 1e-9;
}

static void initialisation_and_sizing(void **state)
{
        (void)state;
        assert_int_equal(ring_count(ring), 0);
        assert_int_equal(ring_capacity(ring), 10000);
        struct metric_ring *r = (void *)ring;

        assert_int_equal(ring_new(1, &r), ERR_INVAL);
        assert_int_equal(ring_new(RING_POINTS_MAX + 1, &r), ERR_INVAL);
        assert_ptr_equal(r, ring);
}

static void single_addition(void **state)
{
        (void)state;
        assert_true(ring_add(ring, 42));
        assert_int_equal(ring_count(ring), 1);
        assert_true(ring_at(ring, 0) == 42);
}

static void multiple_additions(void **state)
{
        (void)state;
        for (int i = 0; i < 100; i++) assert_true(ring_add(ring, i));
        assert_int_equal(ring_count(ring), 100);
        assert_true(ring_at(ring, 0) == 0 && ring_at(ring, 99) == 99);
}

static void maximum_size(void **state)
{
        struct ring_summary s;

        (void)state;
        for (int i = 0; i < 10050; i++) assert_true(ring_add(ring, i));
        assert_int_equal(ring_count(ring), 10000);
        assert_true(ring_at(ring, 0) == 50);
        ring_summary(ring, &s);
        assert_true(near(s.min, 50, .01)); /* evicted values are gone from the buckets, too */
        assert_true(near(s.mean, 5049.5, 1e-9));
}

/* 1..1000: mean 500.5, sigma sqrt(1000 * 1001 / 12), quantiles at q * 999 + 1. */
static void statistics_are_right(void **state)
{
        struct ring_summary s, exact;

        (void)state;
        for (int i = 1; i <= 1000; i++) assert_true(ring_add(ring, i));
        ring_summary(ring, &s);
        assert_int_equal(ring_exact(ring, &exact), ERR_OK);
        assert_true(near(s.mean, 500.5, 1e-12) && near(exact.mean, 500.5, 1e-12));
        assert_true(near(s.sigma, sqrt(1000.0 * 1001.0 / 12), 1e-9) && near(exact.sigma, s.sigma, 1e-9));
        assert_true(near(exact.p25, 250.75, 1e-12) && near(exact.p95, 950.05, 1e-12));
}

static void percentiles_within_a_percent(void **state)
{
        static const double q[] = { .25, .75, .90, .95, .99 };
        struct ring_summary s, exact;

        (void)state;
        for (int i = 0; i < 5000; i++) assert_true(ring_add(ring, exp((double)((i * 7919) % 5000) / 500))); /* 1 .. 22000, skewed */
        ring_summary(ring, &s);
        assert_int_equal(ring_exact(ring, &exact), ERR_OK);
        const double got[] = { s.p25, s.p75, s.p90, s.p95, s.p99 }, want[] = { exact.p25, exact.p75, exact.p90, exact.p95, exact.p99 };

        for (int i = 0; i < 5; i++) {
                assert_true(near(got[i], want[i], .01));
                assert_true(near(ring_quantile(ring, q[i]), want[i], .01));
        }
}

static void caching_key(void **state)
{
        uint64_t before;

        (void)state;
        assert_true(ring_add(ring, 1));
        before = ring_epoch(ring);
        assert_false(ring_add(ring, (double)NAN));
        assert_true(ring_epoch(ring) == before); /* nothing changed: what was computed still holds */
        assert_true(ring_add(ring, 2));
        assert_true(ring_epoch(ring) != before);
}

static void trend_detection(void **state)
{
        double slope;

        (void)state;
        for (int i = 0; i < 50; i++) assert_true(ring_add(ring, i + (i % 2)));
        assert_int_equal(ring_trend(ring, 50, &slope), RING_RISING);
        assert_true(near(slope, 1, .02));
        for (int i = 0; i < 50; i++) assert_true(ring_add(ring, 100 - i));
        assert_int_equal(ring_trend(ring, 50, &slope), RING_FALLING);
        assert_true(near(slope, -1, .02));
        for (int i = 0; i < 50; i++) assert_true(ring_add(ring, 10 + (i * 7) % 5));
        assert_int_equal(ring_trend(ring, 50, &slope), RING_STABLE);
        assert_string_equal(ring_trend_name(RING_STABLE), "stable");
}

/* Theil-Sen by hand: the median of all 66 slopes between 12 points, sorted here. */
static void slope_is_the_median_of_all_pairs(void **state)
{
        const double x[12] = { 3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8 };
        double slopes[66], slope;
        int n = 0;

        (void)state;
        for (int i = 0; i < 12; i++) assert_true(ring_add(ring, x[i]));
        for (int i = 0; i < 12; i++)
                for (int j = i + 1; j < 12; j++) slopes[n++] = (x[j] - x[i]) / (j - i);
        for (int i = 0; i < n; i++)
                for (int j = i + 1; j < n; j++)
                        if (slopes[j] < slopes[i]) {
                                double swap = slopes[i];

                                slopes[i] = slopes[j];
                                slopes[j] = swap;
                        }
        (void)ring_trend(ring, 12, &slope);
        assert_true(fabs(slope - (slopes[32] + slopes[33]) / 2) < 1e-12);
}

static void empty_buffer(void **state)
{
        struct ring_summary s;

        (void)state;
        ring_summary(ring, &s);
        assert_true(s.count == 0 && s.mean == 0 && s.p99 == 0);
        assert_int_equal(ring_exact(ring, &s), ERR_OK);
        assert_true(s.count == 0);
        assert_true(ring_quantile(ring, .5) == 0);
        assert_int_equal(ring_trend(ring, 10, NULL), RING_STABLE);
}

static void single_value(void **state)
{
        struct ring_summary s;

        (void)state;
        assert_true(ring_add(ring, 7));
        ring_summary(ring, &s);
        assert_true(s.count == 1 && s.mean == 7 && s.sigma == 0 && near(s.p50, 7, .01));
}

static void nan_and_infinity(void **state)
{
        (void)state;
        assert_false(ring_add(ring, (double)NAN));
        assert_false(ring_add(ring, (double)INFINITY));
        assert_false(ring_add(ring, -(double)INFINITY));
        assert_int_equal(ring_refused(ring), 3);
        assert_int_equal(ring_count(ring), 0);
}

static void zero_variance(void **state)
{
        struct ring_summary s;

        (void)state;
        for (int i = 0; i < 500; i++) assert_true(ring_add(ring, 3.25));
        ring_summary(ring, &s);
        assert_true(s.sigma == 0 && s.mean == 3.25);
        assert_int_equal(ring_trend(ring, 50, NULL), RING_STABLE);
}

static void negatives_and_extremes(void **state)
{
        struct ring_summary s;

        (void)state;
        for (int i = -50; i <= 50; i++) assert_true(ring_add(ring, i));
        ring_summary(ring, &s);
        assert_true(s.p50 == 0 && near(s.min, -50, .01) && near(s.max, 50, .01));
        assert_true(ring_add(ring, 1e300) && ring_add(ring, -1e300) && ring_add(ring, 1e-300));
}

/* After a hundred windows over a huge offset, mean and sigma are still those of the window. */
static void sums_do_not_drift(void **state)
{
        struct metric_ring *r = NULL;
        struct ring_summary s, exact;

        (void)state;
        assert_int_equal(ring_new(1000, &r), ERR_OK);
        for (int i = 0; i < 100000; i++) assert_true(ring_add(r, 1e9 + sin(i) * (i % 3000 < 10 ? 1e6 : 1)));
        ring_summary(r, &s);
        assert_int_equal(ring_exact(r, &exact), ERR_OK);
        assert_true(near(s.mean, exact.mean, 1e-12) && near(s.sigma, exact.sigma, 1e-6));
        ring_free(r);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, fresh, gone)
        const struct CMUnitTest tests[] = {
                T(initialisation_and_sizing), T(single_addition), T(multiple_additions), T(maximum_size), T(statistics_are_right),
                T(percentiles_within_a_percent), T(caching_key), T(trend_detection), T(slope_is_the_median_of_all_pairs), T(empty_buffer), T(single_value), T(nan_and_infinity),
                T(zero_variance), T(negatives_and_extremes), T(sums_do_not_drift),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
