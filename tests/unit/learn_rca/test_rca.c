#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "learn/rca/rca.h"

enum { GATEWAY, API, DB, LOG, N, METRICS = 2, BEFORE = 30, COUNT = 60 };

static const struct rca_graph graph = { .services = N, .name = { "gateway", "api", "db", "logproc" }, .calls = { 1 << API, 1 << DB, 0, 0 } };
static struct rca_input in;

static int setup(void **state)
{
        (void)state;
        in = (struct rca_input){ .metrics = METRICS, .count = COUNT, .change = BEFORE };
        for (int s = 0; s < N; s++)
                for (int m = 0; m < METRICS; m++)
                        for (int t = 0; t < COUNT; t++) in.sample[s][m][t] = 10 + (float)((s * 7 + m * 3 + t * 5) % 11) / 10;
        return 0;
}

static void sicken(int service, int metric, float by, int from)
{
        for (int t = from; t < COUNT; t++) in.sample[service][metric][t] += by;
}

static void symptom_points_to_its_cause(void **state)
{
        struct rca_result r;

        (void)state;
        sicken(DB, 0, 8, 30);
        sicken(API, 0, 12, 32);     /* worse than its cause, and later */
        sicken(GATEWAY, 0, 15, 33);
        rca_rank(&graph, &in, &r);
        assert_int_equal(r.candidate[0].service, DB);
        assert_false(r.abstain);
        assert_int_equal(rca_rule_strongest(&graph, &in), GATEWAY); /* what the simple rule says */
        assert_int_equal(rca_rule_first(&graph, &in), DB);
        assert_int_equal(r.candidate[0].onset, 30);
}

static void a_leaf_alone(void **state)
{
        struct rca_result r;

        (void)state;
        sicken(LOG, 1, 9, 35);
        rca_rank(&graph, &in, &r);
        assert_int_equal(r.candidate[0].service, LOG);
        assert_int_equal(r.candidate[0].metric, 1);
}

static void nothing_wrong_abstains(void **state)
{
        struct rca_result r;

        (void)state;
        rca_rank(&graph, &in, &r);
        assert_true(r.abstain);
        assert_int_equal(rca_rule_first(&graph, &in), -1);
}

static void missing_samples_are_not_health(void **state)
{
        struct rca_result r;

        (void)state;
        for (int t = 0; t < COUNT; t++) in.sample[GATEWAY][0][t] = in.sample[GATEWAY][1][t] = NAN;
        sicken(API, 0, 9, 31);
        rca_rank(&graph, &in, &r);
        assert_int_equal(r.candidate[0].service, API);
        for (int i = 0; i < N; i++) assert_true(isfinite(r.candidate[i].score));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(symptom_points_to_its_cause, setup),
                cmocka_unit_test_setup(a_leaf_alone, setup),
                cmocka_unit_test_setup(nothing_wrong_abstains, setup),
                cmocka_unit_test_setup(missing_samples_are_not_health, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
