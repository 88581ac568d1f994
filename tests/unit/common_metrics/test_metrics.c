#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/metrics/metrics.h"

static void test_exposition(void **state)
{
        AUTO(metrics_free) struct metrics *m = metrics_new();
        static const double bounds[] = { 0.1, 1 };
        struct metrics_series *h;
        AUTO_BUF b;

        (void)state;
        metrics_common_label(m, "version", "v1");
        metrics_add(metrics_at(metrics_counter(m, "a_total", "A.", "route"), "x\"\\\n"), 2.5);
        metrics_set(metrics_one(metrics_gauge(m, "g", "G.", "")), -1);
        h = metrics_one(metrics_histogram(m, "h_seconds", "H.", "", bounds, 2));
        metrics_observe(h, 0.1);
        metrics_observe(h, 0.5);
        metrics_observe_trace(h, 7, "0af7651916cd43dd8448eb211c80319c");
        buf_init(&b, 65536);
        assert_int_equal(metrics_write(m, false, &b), ERR_OK);
        assert_string_equal(b.data, "# HELP a_total A.\n# TYPE a_total counter\na_total{version=\"v1\",route=\"x\\\"\\\\\\n\"} 2.5\n"
                                    "# HELP g G.\n# TYPE g gauge\ng{version=\"v1\"} -1\n"
                                    "# HELP h_seconds H.\n# TYPE h_seconds histogram\nh_seconds_bucket{version=\"v1\",le=\"0.1\"} 1\n"
                                    "h_seconds_bucket{version=\"v1\",le=\"1\"} 2\nh_seconds_bucket{version=\"v1\",le=\"+Inf\"} 3\n"
                                    "h_seconds_sum{version=\"v1\"} 7.6\nh_seconds_count{version=\"v1\"} 3\n");
        buf_clear(&b);
        assert_int_equal(metrics_write(m, true, &b), ERR_OK);
        assert_non_null(strstr(b.data, "# TYPE a counter\na_total{"));
        assert_non_null(strstr(b.data, "le=\"+Inf\"} 3 # {trace_id=\"0af7651916cd43dd8448eb211c80319c\"} 7\n"));
        assert_non_null(strstr(b.data, "# EOF\n"));
}

static void test_series_limit(void **state)
{
        AUTO(metrics_free) struct metrics *m = metrics_new();
        struct metrics_family *f = metrics_counter(m, "c_total", "C.", "id");
        char id[16];

        (void)state;
        for (int i = 0; i < METRICS_SERIES_MAX + 10; i++) {
                snprintf(id, sizeof id, "%d", i);
                metrics_add(metrics_at(f, id), 1);
        }
        assert_true(metrics_value(metrics_at(f, "other")) == 10);
        assert_true(metrics_value(metrics_at(f, "0")) == 1);
}

static void test_faults(void **state)
{
        (void)state;
        for (size_t nth = 1;; nth++) {
                struct metrics *m;
                bool fired;

                fault_arm(nth, true);
                m = metrics_new();
                if (m) metrics_observe(metrics_at(metrics_histogram(m, "h", "H.", "k", NULL, 0), "v"), 1);
                fired = fault_disarm();
                metrics_free(m);
                assert_int_equal(alloc_live_count(), 0);
                if (!fired) break;
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_exposition), cmocka_unit_test(test_series_limit), cmocka_unit_test(test_faults) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
