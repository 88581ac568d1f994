#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "learn/rng/philox.h"
#include "learn/sim/sim1.h"

static struct sim_kernel kernel;

static int setup(void **state)
{
        (void)state;
        kernel_init(&kernel, NULL);
        return 0;
}

static void rows_are_distributions_over_valid_cells(void **state)
{
        (void)state;
        for (int row = 0; row < SIM_ROWS; row++) {
                uint64_t odds[SIM_OUTCOMES], sum = 0;
                uint8_t code[SIM_OUTCOMES];

                sim_row_odds(&kernel, row, odds, code);
                for (int j = 0; j < SIM_OUTCOMES; j++) {
                        sum += odds[j];
                        assert_true(odds[j] <= UINT64_C(1) << 32);
                        assert_true((code[j] & OUT_ONSET) || sim_cell_valid(code[j] & OUT_CELL_MASK));
                }
                assert_true(sum == UINT64_C(1) << 32);
        }
}

/* Hand-written rows: what the modes are meant to do (docs/learning.md). */
static void rows_say_what_the_modes_mean(void **state)
{
        enum { T = MODE_TRANSIENT * 8, E = MODE_ESCALATING * 8, L = MODE_LOAD * 8, S = MODE_SENSITIVE * 8 };
        static const struct {
                const char *name;
                int cell, kind, pressure, to;
                double p;
        } rows[] = {
                { "transient heals by itself", T + 3, ACT_IGNORE, 1, T + 2, .35 },
                { "transient is not healed by a restart", T + 3, ACT_HARD, 1, T + 3, 1 },
                { "escalating grows", E + 2, ACT_IGNORE, 1, E + 3, .18 },
                { "soft restart cures early", E + 2, ACT_SOFT, 1, 0, .75 },
                { "soft restart seldom cures late", E + 6, ACT_SOFT, 1, 0, .10 },
                { "hard restart cures late", E + 6, ACT_HARD, 1, 0, .95 },
                { "shedding cures load", L + 5, ACT_REDUCE, 1, L + 4, .6 },
                { "metastable load grows without a surge", L + 4, ACT_IGNORE, 1, L + 5, .15 },
                { "a restart cools the cache under load", L + 2, ACT_SOFT, 1, L + 3, 1 },
                { "a restart loses the rebuild's progress", S + 3, ACT_SOFT, 1, S + 5, 1 },
                { "a hard restart loses all of it", S + 1, ACT_HARD, 1, S + 7, 1 },
        };

        (void)state;
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                uint64_t odds[SIM_OUTCOMES], p = 0;
                uint8_t code[SIM_OUTCOMES];

                sim_row_odds(&kernel, sim_row(rows[i].cell, rows[i].kind, rows[i].pressure), odds, code);
                for (int j = 0; j < SIM_OUTCOMES; j++)
                        if (code[j] == rows[i].to) p += odds[j];
                if (p < rows[i].p * 4294967296.0 - 2 || p > rows[i].p * 4294967296.0 + 2)
                        fail_msg("%s: probability %.4f, expected %.4f", rows[i].name, (double)p / 4294967296.0, rows[i].p);
        }
}

static void modes_start_alike(void **state)
{
        (void)state;
        for (int m = MODE_TRANSIENT; m < MODE_COUNT; m++)
                for (int p = 0; p < SIM_PRESSURES; p++)
                        assert_true(kernel.mean[0][(m * SIM_SEVS + SIM_ONSET_SEV) * SIM_PRESSURES + p] == .15f);
        for (int i = 0; i < SIM_ONSETS; i++) assert_int_equal(kernel.onset_cell[i] % SIM_SEVS, SIM_ONSET_SEV);
}

static void states_are_numbered_once(void **state)
{
        (void)state;
        for (int i = 0; i < SIM_STATES; i += 7) {
                struct sim_state s;

                sim_state_at(i, &s);
                assert_int_equal(sim_index(&s), i);
        }
}

static void contexts_move_as_drawn(void **state)
{
        const struct sim_state calm = { .load = 1 }, down = { .load = 1, .down = 3, .cold = 4, .recent = 2 };
        struct sim_state to;

        (void)state;
        sim_ctx_next(&calm, ACT_SOFT, false, &to);
        assert_int_equal(to.down, 1), assert_int_equal(to.cold, 2), assert_int_equal(to.recent, 1);
        sim_ctx_next(&calm, ACT_HARD, false, &to);
        assert_int_equal(to.down, 3), assert_int_equal(to.cold, 4), assert_int_equal(to.recent, 1);
        sim_ctx_next(&calm, ACT_REDUCE, false, &to);
        assert_int_equal(to.shed, 6), assert_int_equal(to.recent, 0);
        sim_ctx_next(&down, ACT_HARD, false, &to); /* nothing can be done to what is down */
        assert_int_equal(to.down, 2), assert_int_equal(to.cold, 4), assert_int_equal(to.recent, 2);
        sim_ctx_next(&calm, ACT_IGNORE, true, &to);
        assert_int_equal(to.down, 4), assert_int_equal(to.cold, 4), assert_int_equal(to.recent, 1);
}

/* A crash with three recent restarts ends the episode, and costs more than any other step. */
static void crash_loop_is_the_end(void **state)
{
        struct sim_state s = { .cell = MODE_ESCALATING * 8 + 7, .load = 1, .recent = 3 };
        const uint32_t grow[4] = { 0, 0x80000000u, 0xffffffffu, 0 };
        float columns[REW_COUNT];

        (void)state;
        assert_true(sim1_plain(&kernel, &s, ACT_IGNORE, -1, grow, columns));
        assert_true(columns[REW_STABILITY] == -52.0f);
        assert_true(columns[REW_DISRUPTION] == 0.0f);
}

static void rewards_by_hand(void **state)
{
        const uint32_t still[4] = { 0xffffffffu, 0x80000000u, 0xffffffffu, 0 };
        struct sim_state s = { .load = 1, .recent = 2 };
        float c[REW_COUNT];

        (void)state;
        assert_false(sim1_plain(&kernel, &s, ACT_SOFT, -1, still, c));
        assert_true(c[REW_STABILITY] == 0.0f && c[REW_RECOVERY] == -2.0f && c[REW_DISRUPTION] == -3.0f && c[REW_OVER] == -3.0f);
        s = (struct sim_state){ .load = 1 };
        assert_false(sim1_plain(&kernel, &s, ACT_IGNORE, -1, still, c));
        assert_true(c[REW_STABILITY] == 0.5f && c[REW_RECOVERY] == 0.0f && c[REW_OVER] == 0.0f);
        assert_true(c[REW_DISRUPTION] > -.0181f && c[REW_DISRUPTION] < -.0179f); /* 3 * 1.0 * .006 */
        s = (struct sim_state){ .load = 1 };
        assert_false(sim1_plain(&kernel, &s, ACT_REDUCE, -1, still, c));
        assert_true(c[REW_RECOVERY] == -0.5f && c[REW_DISRUPTION] < -.467f && c[REW_DISRUPTION] > -.469f);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(rows_are_distributions_over_valid_cells),
                cmocka_unit_test(rows_say_what_the_modes_mean),
                cmocka_unit_test(modes_start_alike),
                cmocka_unit_test(states_are_numbered_once),
                cmocka_unit_test(contexts_move_as_drawn),
                cmocka_unit_test(crash_loop_is_the_end),
                cmocka_unit_test(rewards_by_hand),
        };

        return cmocka_run_group_tests(tests, setup, NULL);
}
