/* What is free of a machine, from texts as the kernel writes them (proc(5)). */
#include "tests/unit/unit.h"

#include <math.h>

#include "common/sys/machine.h"

static void test_meminfo(void **state)
{
        (void)state;
        assert_int_equal(machine_meminfo_parse("MemTotal:       1000 kB\nMemFree:         10 kB\nMemAvailable:    300 kB\n"), 300 * 1024);
        assert_int_equal(machine_meminfo_parse("MemTotal:       1000 kB\n"), 0);
        assert_int_equal(machine_meminfo_parse(""), 0);
}

static void test_stat(void **state)
{
        struct machine_ticks t = { 1, 2 };

        (void)state;
        assert_true(machine_stat_parse("cpu  10 20 30 400 5 6 7 8 9 9\ncpu0 1 1 1 1\n", &t));
        assert_int_equal(t.idle, 405);
        assert_int_equal(t.all, 486); /* guests are in user time already */
        t = (struct machine_ticks){ 1, 2 };
        assert_false(machine_stat_parse("intr 1 2 3\n", &t));
        assert_int_equal(t.all, 2);
}

static void test_idle(void **state)
{
        const struct machine_ticks a = { 100, 1000 }, b = { 150, 1200 };

        (void)state;
        assert_true(fabs(machine_idle_cores(&a, &b, 2) - 0.5) < 1e-9); /* a quarter of two cores */
        assert_true(machine_idle_cores(&a, &a, 2) < 0);
        assert_true(machine_idle_cores(&b, &a, 2) < 0);
}

static void test_here(void **state)
{
        struct machine_ticks t;

        (void)state;
        assert_true(machine_memory_available_bytes() > 0);
        assert_true(machine_cores() >= 0.1);
        assert_true(machine_ticks(&t) && t.all >= t.idle);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_meminfo), cmocka_unit_test(test_stat), cmocka_unit_test(test_idle), cmocka_unit_test(test_here) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
