/* The design tests of the kernel, by exact values: no sampling, no seeds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/base/mem.h"
#include "learn/oracle/vi.h"

enum { STEPS = 120 };

static struct sim_kernel kernel;
static struct oracle *oracle;
static uint8_t policy[SIM_STATES];
static double optimum;

static int setup(void **state)
{
        (void)state;
        kernel_init(&kernel, NULL);
        if (oracle_new(&kernel, 0.95, &oracle)) return 1;
        return oracle_solve(oracle, 0.05, 2000) != ERR_OK;
}

static int teardown(void **state)
{
        (void)state;
        oracle_free(oracle);
        return 0;
}

static double value_of(void)
{
        struct sim_state start = sim_start();

        return oracle_policy_value(oracle, policy, STEPS, &start);
}

static double value_of_constant(int action)
{
        static double known[ACT_COUNT]; /* the same for every test */

        if (known[action] != 0) return known[action];
        memset(policy, action, sizeof policy);
        return known[action] = value_of();
}

/* Must run first: it reads the solved q, which the later ones overwrite. */
static void every_action_is_optimal_somewhere(void **state)
{
        int seen[ACT_COUNT] = { 0 };

        (void)state;
        oracle_greedy(oracle, policy);
        for (int i = 0; i < SIM_STATES; i++) {
                struct sim_state s;

                sim_state_at(i, &s);
                /* Reached within a few steps of an incident: calm context, load as it comes. */
                if (sim_cell_valid(s.cell) && s.down + s.cold + s.shed + s.recent == 0) seen[policy[i]]++;
        }
        for (int a = 0; a < ACT_COUNT; a++)
                if (!seen[a]) fail_msg("no reachable state wants %s", sim_action_name(a));
        optimum = value_of();
        assert_true(optimum > 0);
}

static void best_constant_loses_a_third(void **state)
{
        double best = value_of_constant(ACT_IGNORE);

        (void)state;
        best = best > value_of_constant(ACT_REDUCE) ? best : value_of_constant(ACT_REDUCE);
        assert_true(best < 0.7 * optimum);
}

static void restarting_always_is_worse_than_ignoring(void **state)
{
        double ignore = value_of_constant(ACT_IGNORE), restart;

        (void)state;
        for (int i = 0; i < SIM_STATES; i++) {
                struct sim_state s;

                sim_state_at(i, &s);
                policy[i] = s.cell != 0 ? ACT_SOFT : ACT_IGNORE;
        }
        restart = value_of();
        assert_true(restart < ignore);
        assert_true(ignore < optimum);
}

static void one_step_is_short_sighted(void **state)
{
        double ignore = value_of_constant(ACT_IGNORE), short_sighted, far_sighted;

        (void)state;
        oracle_look_ahead(oracle, 1);
        oracle_greedy(oracle, policy);
        short_sighted = value_of();
        assert_true(short_sighted - ignore < 0.2 * (optimum - ignore));
        oracle_look_ahead(oracle, 16);
        oracle_greedy(oracle, policy);
        far_sighted = value_of();
        assert_true(far_sighted - ignore > 0.95 * (optimum - ignore));
}

/* By hand: with one step ahead, waiting in a transient of severity 2 under steady load 1 is worth
 * E[reward of arriving] = -3 * E[load * error]; load 1 goes to 0, 1, 2 with .03, .93, .04 and error to .04 or .15. */
static void one_step_value_by_hand(void **state)
{
        struct sim_state s = { .cell = MODE_TRANSIENT * SIM_SEVS + 2, .load = 1 };
        double load = .03 * .6 + .93 * 1.0 + .04 * 1.4;
        double want = .35 * (.5 - 3 * load * .04) + .65 * (-3 * load * .15);

        (void)state;
        oracle_look_ahead(oracle, 1);
        assert_true((double)oracle->q[sim_index(&s)][ACT_IGNORE] > want - 1e-4);
        assert_true((double)oracle->q[sim_index(&s)][ACT_IGNORE] < want + 1e-4);
        /* A soft restart: cost 2, down one step: all of the load's requests are lost. */
        want = -2 - 3 * load;
        assert_true((double)oracle->q[sim_index(&s)][ACT_SOFT] > want - 1e-4);
        assert_true((double)oracle->q[sim_index(&s)][ACT_SOFT] < want + 1e-4);
}

static void gives_up_at_its_limit(void **state)
{
        (void)state;
        assert_int_equal(oracle_solve(oracle, 1e-9, 3), ERR_LIMIT);
        assert_int_equal(oracle->sweeps, 3);
}

static void fails_cleanly(void **state)
{
        (void)state;
        for (size_t nth = 1;; nth++) {
                size_t live = alloc_live_count();
                struct oracle *o = NULL;
                enum err e;
                bool fired;

                fault_arm(nth, false);
                e = oracle_new(&kernel, 0.9, &o);
                fired = fault_disarm();
                assert_int_equal(fired, e != ERR_OK);
                oracle_free(o);
                assert_int_equal(alloc_live_count(), live);
                if (!fired) break;
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_action_is_optimal_somewhere),
                cmocka_unit_test(best_constant_loses_a_third),
                cmocka_unit_test(restarting_always_is_worse_than_ignoring),
                cmocka_unit_test(one_step_is_short_sighted),
                cmocka_unit_test(one_step_value_by_hand),
                cmocka_unit_test(gives_up_at_its_limit),
                cmocka_unit_test(fails_cleanly),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
