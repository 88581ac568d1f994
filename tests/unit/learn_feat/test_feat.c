#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "learn/feat/belief_int.h"
#include "learn/feat/feat.h"
#include "learn/rng/philox.h"

static struct sim_kernel kernel;
static struct feat_params exact;

static int setup(void **state)
{
        (void)state;
        kernel_init(&kernel, NULL);
        memset(&exact, 0, sizeof exact);
        belief_params_true(&kernel, &exact.belief);
        exact.sure = .8f;
        for (int i = 0; i < FEAT_SEV_BINS - 1; i++) exact.sev_edge[i] = exact.error_edge[i] = (float)(i + 1);
        exact.history_edge[0] = .5f, exact.history_edge[1] = 1.5f, exact.since_edge[0] = 2, exact.since_edge[1] = 6;
        return 0;
}

static void predict_follows_the_row(void **state)
{
        struct belief b = { 0 };

        (void)state;
        b.p[MODE_ESCALATING * SIM_SEVS + 2] = 1;
        belief_predict(&exact.belief, &b, ACT_SOFT, 1);
        assert_true(fabsf(b.p[0] - .75f) < 1e-5f); /* cured */
        assert_true(fabsf(b.p[MODE_ESCALATING * SIM_SEVS + 2] - .25f) < 1e-5f);
}

/* Bayes by hand in double precision for one observation from a flat prior. */
static void observe_is_bayes(void **state)
{
        const float obs[SIM_CHANNELS] = { .2f, 130, 48, 52 };
        struct belief b;
        double want[SIM_CELLS], sum = 0;

        (void)state;
        belief_forget(&b);
        for (int c = 0; c < SIM_CELLS; c++) {
                double d = 0;

                want[c] = 0;
                if (!sim_cell_valid(c)) continue;
                for (int ch = 0; ch < SIM_CHANNELS; ch++) {
                        double z = ((double)obs[ch] - (double)kernel.mean[ch][c * SIM_PRESSURES + 1]) / (double)kernel.sigma[ch];

                        d += z * z;
                }
                want[c] = exp(-.5 * d);
                sum += want[c];
        }
        belief_observe(&exact.belief, &b, obs, 1, false);
        for (int c = 0; c < SIM_CELLS; c++) assert_true(fabs((double)b.p[c] - want[c] / sum) < 1e-4);
}

static void a_calm_look_is_sharper(void **state)
{
        const float obs[SIM_CHANNELS] = { .15f, 128, 49, 54 };
        struct belief noisy, calm;

        (void)state;
        belief_forget(&noisy), belief_forget(&calm);
        belief_observe(&exact.belief, &noisy, obs, 1, false);
        belief_observe(&exact.belief, &calm, obs, 1, true);
        assert_true(belief_mode(&calm, MODE_ESCALATING) > belief_mode(&noisy, MODE_ESCALATING));
}

static void fit_counts_back_to_the_rows(void **state)
{
        static struct belief_counts counts;
        static struct belief_params fit;
        enum { FROM = MODE_ESCALATING * SIM_SEVS + 2 };

        (void)state;
        for (int i = 0; i < 10000; i++) {
                const float obs[SIM_CHANNELS] = { .15f + (i % 2 ? .1f : -.1f), 100, 50, 40 };

                belief_count_move(&counts, ACT_IGNORE, 1, FROM, i % 5 == 0 ? FROM + 1 : FROM, false);
                belief_count_obs(&counts, FROM, 1, obs);
                belief_count_obs(&counts, 0, 1, obs);
        }
        belief_fit(&counts, &fit);
        assert_true(fabsf(fit.move[ACT_IGNORE][1][MODE_ESCALATING - 1][2][3] - .2f) < .01f);
        assert_true(fabsf(fit.mean[1][0][FROM] - .15f) < .001f);
        assert_true(fabsf(fit.precision[0][FROM] - 100) < 2); /* variance .01 */
        assert_true(fit.weight[MODE_LOAD * SIM_SEVS + 3] == 0); /* never seen: never believed */
}

static void slope_by_hand(void **state)
{
        const float rising[] = { 1, 2, 3, 4, 5, 6 }, flat[] = { 3, 3, 3, 3 }, bent[] = { 0, 0, 3 };

        (void)state;
        assert_true(fabsf(feat_slope(rising, 6) - 1) < 1e-6f);
        assert_true(feat_slope(flat, 4) == 0);
        assert_true(fabsf(feat_slope(bent, 3) - 1.5f) < 1e-6f);
        assert_true(feat_slope(rising, 1) == 0);
}

static void tracker_keeps_the_timers(void **state)
{
        float obs[OBS_COUNT] = { .01f, 80, 40, 45, 1, 0, 1, 1 };
        struct feat_tracker t;
        float s[S6_COUNT];

        (void)state;
        feat_start(&exact, &t, obs);
        obs[OBS_UP] = 0, obs[OBS_RESTARTS] = 1;
        feat_update(&exact, &t, ACT_HARD, obs);
        assert_int_equal(t.context.down, 3), assert_int_equal(t.context.cold, 4), assert_int_equal(t.since, 0);
        assert_false(t.crashed);
        feat_update(&exact, &t, ACT_IGNORE, obs);
        feat_update(&exact, &t, ACT_IGNORE, obs);
        assert_int_equal(t.context.down, 1);
        feat_update(&exact, &t, ACT_IGNORE, obs); /* takes longer than planned */
        assert_int_equal(t.context.down, 1);
        obs[OBS_UP] = 1;
        feat_update(&exact, &t, ACT_IGNORE, obs);
        assert_int_equal(t.context.down, 0);
        feat_state6(&exact, &t, s);
        assert_true(s[S6_HISTORY] > .85f && s[S6_SINCE] == 4);
        obs[OBS_UP] = 0;
        feat_update(&exact, &t, ACT_IGNORE, obs); /* down without an order */
        assert_true(t.crashed);
        assert_int_equal(t.context.down, 4);
        assert_true(belief_mode(&t.belief, MODE_ESCALATING) > .99f);
}

/* Fed by the simulator, the filter names the mode that is there much more often than chance. */
static void filter_finds_the_mode(void **state)
{
        int right = 0, asked = 0;

        (void)state;
        for (uint32_t episode = 0; episode < 40; episode++) {
                struct sim_state s = sim_start();
                struct feat_tracker t;
                float obs[OBS_COUNT], columns[REW_COUNT];
                uint32_t draws[4];

                philox_draw(5, episode, 0, 0, PHILOX_EMISSION, draws);
                sim1_observe(&kernel, &s, false, draws, obs);
                feat_start(&exact, &t, obs);
                for (uint32_t step = 0; step < 100; step++) {
                        int best = 0;

                        philox_draw(5, episode, step, 0, PHILOX_DYNAMICS, draws);
                        (void)sim1_plain(&kernel, &s, ACT_IGNORE, -1, draws, columns);
                        philox_draw(5, episode, step + 1, 0, PHILOX_EMISSION, draws);
                        sim1_observe(&kernel, &s, false, draws, obs);
                        feat_update(&exact, &t, ACT_IGNORE, obs);
                        assert_in_range(feat_cell(&exact, &t), 0, FEAT_STATES - 1);
                        if (s.cell % SIM_SEVS < 4 || s.down) continue;
                        for (int m = 1; m < MODE_COUNT; m++)
                                if (belief_mode(&t.belief, m) > belief_mode(&t.belief, best)) best = m;
                        asked++;
                        right += best == s.cell / SIM_SEVS;
                }
        }
        assert_true(asked > 200);
        assert_true(right > asked * 85 / 100);
}

/* The wide versions against the four lanes, over an episode of the true filter: the same bits. */
static void every_width_gives_the_same_bits(void **state)
{
        const struct belief_ops *const wide[] = { &belief_avx2, &belief_avx512 };
        const enum sim1_isa isa[] = { ISA_AVX2, ISA_AVX512 };

        (void)state;
        for (int w = 0; w < 2; w++) {
                struct belief a, b;
                uint32_t draws[4];

                if (!sim1_isa_usable(isa[w])) continue;
                belief_start(&a), belief_start(&b);
                for (uint32_t step = 0; step < 3000; step++) {
                        float obs[SIM_CHANNELS];

                        philox_draw(5, 0, step, 0, PHILOX_DYNAMICS, draws);
                        obs[0] = (float)(draws[0] >> 8) * 0x1p-24f, obs[1] = 40 + (float)(draws[1] >> 24);
                        obs[2] = 30 + (float)(draws[2] >> 26), obs[3] = 40 + (float)(draws[3] >> 26);
                        int kind = (int)(draws[0] % KIND_COUNT), pressure = (int)(draws[1] % SIM_PRESSURES);

                        belief_base.predict(&exact.belief, &a, kind, pressure), wide[w]->predict(&exact.belief, &b, kind, pressure);
                        assert_memory_equal(a.p, b.p, sizeof a.p);
                        belief_base.observe(&exact.belief, &a, obs, pressure, step % 5 == 0), wide[w]->observe(&exact.belief, &b, obs, pressure, step % 5 == 0);
                        assert_memory_equal(a.p, b.p, sizeof a.p);
                        assert_true(a.surprise == b.surprise);
                        if (step % 97 == 0) belief_forget(&a), belief_forget(&b);
                }
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(predict_follows_the_row), cmocka_unit_test(observe_is_bayes),
                cmocka_unit_test(a_calm_look_is_sharper),  cmocka_unit_test(fit_counts_back_to_the_rows),
                cmocka_unit_test(slope_by_hand),           cmocka_unit_test(tracker_keeps_the_timers),
                cmocka_unit_test(filter_finds_the_mode),     cmocka_unit_test(every_width_gives_the_same_bits),
        };

        return cmocka_run_group_tests(tests, setup, NULL);
}
