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

/* The database has less to do, or more, because the api asks so: that is no trouble of the database's. */
static void demand_is_the_callers(void **state)
{
        static const float moves[] = { 9, -9 };
        struct rca_graph called = graph;
        struct rca_result r;

        (void)state;
        called.called = 1 << API | 1 << DB;
        for (size_t i = 0; i < sizeof moves / sizeof *moves; i++) {
                setup(NULL);
                in.kind[1] = RCA_DEMAND;
                sicken(API, 0, 3, 31);
                sicken(DB, 1, moves[i], 30);
                rca_rank(&graph, &in, &r);
                assert_int_equal(r.candidate[0].service, DB); /* as long as nobody says who calls it */
                rca_rank(&called, &in, &r);
                assert_int_equal(r.candidate[0].service, API);
        }
}

/* A service that answers sooner than before, because it fails at once or has less to do, is not ill of that. */
static void sooner_is_no_symptom(void **state)
{
        struct rca_result r;

        (void)state;
        sicken(API, 0, -9, 30);
        rca_rank(&graph, &in, &r);
        assert_true(r.abstain);
        sicken(DB, 0, 4, 31);
        rca_rank(&graph, &in, &r);
        assert_int_equal(r.candidate[0].service, DB);
}

/* Its own processor works hard: the callee, a little slower beside it, does not explain that. Waiting it would. */
static void work_of_its_own(void **state)
{
        struct rca_result own, waits;

        (void)state;
        sicken(API, 0, 12, 30);
        sicken(API, 1, 12, 30);
        sicken(DB, 0, 2, 30);
        in.kind[1] = RCA_OWN;
        rca_rank(&graph, &in, &own);
        in.kind[1] = RCA_WAITS;
        rca_rank(&graph, &in, &waits);
        assert_int_equal(own.candidate[0].service, API);
        for (int i = 0; i < N; i++)
                for (int k = 0; k < N; k++)
                        if (own.candidate[i].service == API && waits.candidate[k].service == API) assert_true(own.candidate[i].explained < waits.candidate[k].explained);
}

/* One spike, however high, is not an incident. */
static void a_spike_is_nothing(void **state)
{
        struct rca_result r;

        (void)state;
        in.sample[API][0][40] += 1000;
        rca_rank(&graph, &in, &r);
        assert_true(r.abstain);
        for (int i = 0; i < N; i++) assert_true(r.candidate[i].onset < 0 && r.candidate[i].anomaly < 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(symptom_points_to_its_cause, setup),
                cmocka_unit_test_setup(a_leaf_alone, setup),
                cmocka_unit_test_setup(nothing_wrong_abstains, setup),
                cmocka_unit_test_setup(missing_samples_are_not_health, setup),
                cmocka_unit_test_setup(demand_is_the_callers, setup),
                cmocka_unit_test_setup(sooner_is_no_symptom, setup),
                cmocka_unit_test_setup(work_of_its_own, setup),
                cmocka_unit_test_setup(a_spike_is_nothing, setup),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
