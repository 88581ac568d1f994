/* net_shape: how faults add up, and when pieces are due; all figures by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "control-agent/inject/net_shape.h"

static void test_faults_add_up(void **state)
{
        const struct net_fault faults[NET_FAULTS_MAX] = {
                {.kind = NET_LATENCY, .ways = NET_WAYS_BOTH, .ms = 30, .jitter_ms = 5},
                {.kind = NET_LATENCY, .ways = 1U << NET_UP, .ms = 70},
                {.kind = NET_BANDWIDTH, .ways = 1U << NET_DOWN_WAY, .bytes_per_s = 2000},
                {.kind = NET_BANDWIDTH, .ways = NET_WAYS_BOTH, .bytes_per_s = 4000},
                {.kind = NET_SLICE, .ways = NET_WAYS_BOTH, .bytes = 10, .ms = 2},
                {.kind = NET_RESET, .ms = 500},
                {.kind = NET_LIMIT, .ways = 1U << NET_UP, .bytes = 99},
                {.kind = NET_TIMEOUT, .ways = 1U << NET_DOWN_WAY},
        };
        struct net_shape up, down;

        (void)state;
        up = net_shape_of(faults, 0, NET_UP);
        assert_false(up.shaped);
        assert_int_equal(up.limit_bytes, -1);
        assert_int_equal(up.reset_us, -1);
        assert_int_equal(up.piece_bytes, NET_PIECE_BYTES_MAX);

        up = net_shape_of(faults, 0x7f, NET_UP);
        assert_true(up.shaped);
        assert_int_equal(up.latency_us, 100000);
        assert_int_equal(up.jitter_us, 5000);
        assert_int_equal(up.bytes_per_s, 4000);
        assert_int_equal(up.piece_bytes, 10);
        assert_int_equal(up.piece_us, 2000);
        assert_int_equal(up.reset_us, 500000);
        assert_int_equal(up.limit_bytes, 99);
        assert_false(up.black_hole);

        down = net_shape_of(faults, 0xff, NET_DOWN_WAY);
        assert_int_equal(down.latency_us, 30000);
        assert_int_equal(down.bytes_per_s, 2000);
        assert_int_equal(down.limit_bytes, -1);
        assert_true(down.black_hole);

        down = net_shape_of(faults, 1U << 2, NET_DOWN_WAY);
        assert_int_equal(down.piece_bytes, 100); /* a twentieth of a second */
        up = net_shape_of(faults, 1U << 5, NET_UP);
        assert_false(up.shaped); /* a reset to come does not slow the data before it */
}

static void test_due(void **state)
{
        static const struct {
                const char *name;
                struct net_shape shape;
                struct {
                        int64_t now_us;
                        size_t bytes;
                        int64_t due_us;
                } pieces[3];
        } rows[] = {
                {"latency only", {.latency_us = 1000}, {{0, 10, 1000}, {1, 9000, 1001}, {500, 1, 1500}}},
                {"bandwidth queues", {.bytes_per_s = 1000}, {{0, 10, 10000}, {0, 10, 20000}, {50000, 1, 51000}}},
                {"slices pause", {.piece_us = 300}, {{0, 1, 0}, {0, 1, 300}, {10000, 1, 10000}}},
                {"both", {.bytes_per_s = 1000, .latency_us = 5000}, {{0, 10, 15000}, {0, 10, 25000}, {0, 1, 26000}}},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct net_line line = {0};
                struct net_rng rng = {7};

                for (size_t k = 0; k < 3; k++)
                        assert_int_equal(net_line_due(&line, &rows[i].shape, &rng, rows[i].pieces[k].now_us,
                                                      rows[i].pieces[k].bytes),
                                         rows[i].pieces[k].due_us);
        }
}

static void test_jitter_keeps_order_and_bounds(void **state)
{
        const struct net_shape shape = {.latency_us = 1000, .jitter_us = 800};
        struct net_rng rng = {99}, again = {99};
        struct net_line line = {0}, other = {0};
        int64_t before = 0, spread = 0;

        (void)state;
        for (int64_t now = 0; now < 1000000; now += 100) {
                int64_t due = net_line_due(&line, &shape, &rng, now, 1);

                assert_true(due >= before && due >= now + 1000 && due < now + 1800);
                assert_int_equal(due, net_line_due(&other, &shape, &again, now, 1)); /* the seed is all there is */
                if (due - now - 1000 > spread) spread = due - now - 1000;
                before = due;
        }
        assert_true(spread > 700);
}

static void test_rng_is_even(void **state)
{
        struct net_rng rng = {4217};
        int below = 0;

        (void)state;
        for (int i = 0; i < 100000; i++) {
                double x = net_rng_unit(&rng);

                assert_true(x >= 0 && x < 1);
                below += x < 0.3;
        }
        assert_in_range(below, 29500, 30500); /* 30000 expected, sigma 145 */
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_faults_add_up),
                cmocka_unit_test(test_due),
                cmocka_unit_test(test_jitter_keeps_order_and_bounds),
                cmocka_unit_test(test_rng_is_even),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
