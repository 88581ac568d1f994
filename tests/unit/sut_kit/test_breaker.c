#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "sut/kit/breaker.h"
#include "sut/kit/retry.h"

static const struct breaker_limits limits = { .enabled = true, .error_percent = 50, .calls_min = 10, .open_ms = 5000, .probes_needed = 2 };

static void report_many(struct kit_breaker *b, int ok, int failed, int64_t now_ms)
{
        for (int i = 0; i < ok; i++) {
                assert_true(kit_breaker_allow(b, &limits, now_ms));
                kit_breaker_report(b, &limits, true, now_ms);
        }
        for (int i = 0; i < failed; i++) {
                assert_true(kit_breaker_allow(b, &limits, now_ms));
                kit_breaker_report(b, &limits, false, now_ms);
        }
}

static void test_few_calls_do_not_open(void **state)
{
        struct kit_breaker b;

        (void)state;
        kit_breaker_init(&b);
        report_many(&b, 0, 9, 1000);
        assert_int_equal(b.state, BREAKER_CLOSED);
        report_many(&b, 0, 1, 1000);
        assert_int_equal(b.state, BREAKER_OPEN);
        assert_int_equal(b.opened_count, 1);
}

static void test_ratio_counts(void **state)
{
        struct kit_breaker b;

        (void)state;
        kit_breaker_init(&b);
        report_many(&b, 11, 10, 1000); /* 47.6 % */
        assert_int_equal(b.state, BREAKER_CLOSED);
        report_many(&b, 0, 1, 1000); /* 11 of 22 */
        assert_int_equal(b.state, BREAKER_OPEN);
}

static void test_old_failures_are_forgotten(void **state)
{
        struct kit_breaker b;

        (void)state;
        kit_breaker_init(&b);
        report_many(&b, 0, 9, 1000);
        report_many(&b, 0, 9, 1000 + BREAKER_WINDOW_S * 1000);
        assert_int_equal(b.state, BREAKER_CLOSED);
        report_many(&b, 0, 1, 1000 + BREAKER_WINDOW_S * 1000);
        assert_int_equal(b.state, BREAKER_OPEN);
}

static void test_half_open_closes_after_probes(void **state)
{
        struct kit_breaker b;

        (void)state;
        kit_breaker_init(&b);
        report_many(&b, 0, 10, 1000);
        assert_false(kit_breaker_allow(&b, &limits, 5999));
        assert_true(kit_breaker_allow(&b, &limits, 6000));
        assert_int_equal(b.state, BREAKER_HALF_OPEN);
        assert_true(kit_breaker_allow(&b, &limits, 6000));
        assert_false(kit_breaker_allow(&b, &limits, 6000)); /* two probes are out */
        kit_breaker_report(&b, &limits, true, 6010);
        assert_int_equal(b.state, BREAKER_HALF_OPEN);
        kit_breaker_report(&b, &limits, true, 6020);
        assert_int_equal(b.state, BREAKER_CLOSED);
        report_many(&b, 0, 9, 6030); /* nothing old is left */
        assert_int_equal(b.state, BREAKER_CLOSED);
}

static void test_half_open_fails_back(void **state)
{
        struct kit_breaker b;

        (void)state;
        kit_breaker_init(&b);
        report_many(&b, 0, 10, 1000);
        assert_true(kit_breaker_allow(&b, &limits, 6000));
        kit_breaker_report(&b, &limits, false, 6100);
        assert_int_equal(b.state, BREAKER_OPEN);
        assert_false(kit_breaker_allow(&b, &limits, 11099));
        assert_true(kit_breaker_allow(&b, &limits, 11100));
        assert_int_equal(b.opened_count, 2);
}

static void test_disabled_lets_all_through(void **state)
{
        struct breaker_limits off = limits;
        struct kit_breaker b;

        (void)state;
        kit_breaker_init(&b);
        report_many(&b, 0, 10, 1000);
        off.enabled = false;
        assert_true(kit_breaker_allow(&b, &off, 1001));
        assert_int_equal(b.state, BREAKER_CLOSED);
}

static void test_budget(void **state)
{
        struct kit_retry_budget b;
        int granted = 0;

        (void)state;
        kit_retry_budget_init(&b);
        for (int i = 0; i < RETRY_TOKENS_START; i++) assert_true(kit_retry_budget_spend(&b, 10));
        assert_false(kit_retry_budget_spend(&b, 10));
        for (int i = 0; i < 1000; i++) { /* 10 % of 1000 first attempts may be retried, no more */
                kit_retry_budget_earn(&b, 10);
                granted += kit_retry_budget_spend(&b, 10);
        }
        assert_int_equal(granted, 100);
        assert_true(kit_retry_budget_spend(&b, 100)); /* 100: no budget */
        for (int i = 0; i < 100000; i++) kit_retry_budget_earn(&b, 10);
        assert_int_equal(b.hundredths, RETRY_TOKENS_MAX * 100);
        assert_false(kit_retry_budget_spend(&b, 0));
}

static void test_backoff(void **state)
{
        static const struct {
                const char *name;
                int attempt;
                int64_t base_ms, cap_ms;
                uint32_t random;
                int64_t want;
        } rows[] = {
                { "lowest", 0, 100, 1000, 0, 0 },
                { "highest of the first", 0, 100, 1000, UINT32_MAX, 100 },
                { "doubles", 2, 100, 1000, UINT32_MAX, 400 },
                { "capped", 9, 100, 1000, UINT32_MAX, 1000 },
                { "middle", 1, 100, 1000, UINT32_C(1) << 31, 100 },
                { "base zero", 3, 0, 1000, UINT32_MAX, 0 },
        };

        (void)state;
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                int64_t got = kit_retry_backoff_ms(rows[i].attempt, rows[i].base_ms, rows[i].cap_ms, rows[i].random);

                if (got != rows[i].want) fail_msg("%s: %lld", rows[i].name, (long long)got);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_few_calls_do_not_open), cmocka_unit_test(test_ratio_counts),
                cmocka_unit_test(test_old_failures_are_forgotten), cmocka_unit_test(test_half_open_closes_after_probes),
                cmocka_unit_test(test_half_open_fails_back), cmocka_unit_test(test_disabled_lets_all_through),
                cmocka_unit_test(test_budget), cmocka_unit_test(test_backoff),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
