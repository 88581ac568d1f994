/* Learned dynamics: rows by hand from counts, and the back end that plays them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/base/mem.h"
#include "learn/env/check.h"
#include "learn/train/dynamics.h"

enum { LEAK = MODE_ESCALATING * SIM_SEVS, SURGE = MODE_LOAD * SIM_SEVS };

static struct sim_kernel kernel, learned;
static struct collect_counts *counts;

static int setup(void **state)
{
        (void)state;
        kernel_init(&kernel, NULL);
        counts = mem_zalloc(1, sizeof *counts);
        return counts == NULL;
}

static int teardown(void **state)
{
        (void)state;
        mem_free(counts);
        return 0;
}

/* 100 steps of a leak at severity 7: 60 stay, 30 fall to 6, 10 crash to severity 3. */
static void a_row_is_what_was_counted(void **state)
{
        uint64_t odds[SIM_OUTCOMES];
        uint8_t code[SIM_OUTCOMES];
        double share[256] = { 0 };

        (void)state;
        memset(counts, 0, sizeof *counts);
        for (int i = 0; i < 60; i++) belief_count_move(&counts->belief, ACT_IGNORE, 1, LEAK + 7, LEAK + 7, false);
        for (int i = 0; i < 30; i++) belief_count_move(&counts->belief, ACT_IGNORE, 1, LEAK + 7, LEAK + 6, false);
        for (int i = 0; i < 10; i++) belief_count_move(&counts->belief, ACT_IGNORE, 1, LEAK + 7, LEAK + 3, true);
        counts->load[1][0] = 1, counts->load[1][1] = 2, counts->load[1][2] = 1;
        counts->recent_kept = 3, counts->recent_forgotten = 1;
        counts->onset[LEAK + 2] = 30, counts->onset[SURGE + 2] = 10;
        dynamics_fit(counts, &kernel, &learned);
        sim_row_odds(&learned, sim_row(LEAK + 7, ACT_IGNORE, 1), odds, code);
        for (int j = 0; j < SIM_OUTCOMES; j++) share[code[j]] += (double)odds[j] * 0x1p-32;
        assert_true(fabs(share[LEAK + 7] - .6) < 1e-6);
        assert_true(fabs(share[LEAK + 6] - .3) < 1e-6);
        assert_true(fabs(share[OUT_CRASH | (LEAK + 3)] - .1) < 1e-6);
        sim_load_odds(&learned, 1, odds);
        assert_true(fabs((double)odds[0] * 0x1p-32 - .25) < 1e-6 && fabs((double)odds[1] * 0x1p-32 - .5) < 1e-6);
        int leaks = 0;

        for (int i = 0; i < SIM_ONSETS; i++) leaks += learned.onset_cell[i] == LEAK + 2;
        assert_int_equal(leaks, 12); /* three quarters of sixteen */
        /* Never seen: it stays as it is. */
        sim_row_odds(&learned, sim_row(SURGE + 4, ACT_HARD, 2), odds, code);
        assert_int_equal(code[3], SURGE + 4);
        assert_true(odds[3] >= (UINT64_C(1) << 32) - 8);
}

/* The only row with weight loses .1 of one outcome to another. */
static void distance_by_hand(void **state)
{
        struct sim_kernel other = kernel;
        int row = sim_row(MODE_TRANSIENT * SIM_SEVS + 3, ACT_IGNORE, 1);
        uint64_t odds[SIM_OUTCOMES];
        uint8_t code[SIM_OUTCOMES];

        (void)state;
        memset(counts, 0, sizeof *counts);
        counts->belief.move[ACT_IGNORE][1][MODE_TRANSIENT * SIM_SEVS + 3][MODE_TRANSIENT * SIM_SEVS + 3] = 5;
        assert_true(dynamics_distance(&kernel, &other, counts) == 0);
        sim_row_odds(&kernel, row, odds, code);
        assert_true(code[0] != code[3] && odds[0] > (UINT64_C(1) << 31) / 5);
        other.threshold[row][0] -= (int32_t)(.1 * 4294967296.0);
        for (int j = 1; j < 3; j++) other.threshold[row][j] = other.threshold[row][0];
        for (int j = 1; j < 3; j++) assert_true(odds[j] == 0);
        assert_true(fabs(dynamics_distance(&kernel, &other, counts) - .1) < 1e-6);
}

static void learned_from_play_it_is_an_environment(void **state)
{
        const struct collect_setup collect = { &kernel, seed_train_at(40), 200, NULL, NULL };
        struct env_vec *v = NULL;
        struct err_note note = { 0 };

        (void)state;
        assert_int_equal(collect_count(&collect, counts), ERR_OK);
        dynamics_fit(counts, &kernel, &learned);
        assert_true(dynamics_distance(&kernel, &learned, counts) < .06);
        for (int ch = 0; ch < SIM_CHANNELS; ch++) assert_true(fabsf(learned.sigma[ch] / kernel.sigma[ch] - 1) < .35f);
        assert_int_equal(env_check("dyn", &(struct env_opts){ .kernel = &learned }, &note), ERR_OK);
        assert_int_equal(env_make("dyn", 1, NULL, &v, &note), ERR_INVAL);
        assert_non_null(strstr(note.text, "learned kernel"));
        assert_null(v);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_row_is_what_was_counted),
                cmocka_unit_test(distance_by_hand),
                cmocka_unit_test(learned_from_play_it_is_an_environment),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
