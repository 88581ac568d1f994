/* The vectorised step against the plain one, and what must not depend on batch, order or policy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/base/mem.h"
#include "learn/rng/philox.h"
#include "learn/sim/sim1.h"

enum { N = 37, STEPS = 150 };

static struct sim_kernel kernel;
static float obs[N][OBS_COUNT], reward[N], columns[N][REW_COUNT];
static uint8_t terminated[N], act[N];
static const struct sim1_out out = { &obs[0][0], OBS_COUNT, reward, columns, terminated };

static int setup(void **state)
{
        (void)state;
        kernel_init(&kernel, NULL);
        return 0;
}

static uint8_t action_at(int i, int t)
{
        return (uint8_t)((i * 7 + t * 13) % 23 < 17 ? ACT_IGNORE : (i + t) % ACT_COUNT);
}

static void every_isa_equals_the_plain_step(void **state)
{
        (void)state;
        for (int isa = ISA_BEST; isa < ISA_COUNT; isa++) {
                struct sim1 *s = NULL;
                struct sim_state plain[N];

                if (!sim1_isa_usable((enum sim1_isa)isa)) continue;
                assert_int_equal(sim1_new(&kernel, N, (enum sim1_isa)isa, &s), ERR_OK);
                s->seed = (UINT64_C(3) << 40) | 77;
                for (uint32_t i = 0; i < N; i++) sim1_start(s, i, i, obs[i]), plain[i] = sim_start();
                for (int t = 0; t < STEPS; t++) {
                        for (int i = 0; i < N; i++) act[i] = action_at(i, t);
                        sim1_step(s, 0, 5, act, &out); /* uneven ranges must not matter */
                        sim1_step(s, 5, N, act, &out);
                        for (uint32_t i = 0; i < N; i++) {
                                uint32_t dynamics[4], emission[4];
                                float want_columns[REW_COUNT], want_obs[OBS_COUNT];
                                bool dead;

                                philox_draw(s->seed, i, (uint32_t)t, 0, PHILOX_DYNAMICS, dynamics);
                                philox_draw(s->seed, i, (uint32_t)t + 1, 0, PHILOX_EMISSION, emission);
                                dead = sim1_plain(&kernel, &plain[i], act[i], -1, dynamics, want_columns);
                                sim1_observe(&kernel, &plain[i], act[i] == ACT_DELAY, emission, want_obs);
                                assert_int_equal(dead, terminated[i]);
                                assert_memory_equal(obs[i], want_obs, sizeof want_obs);
                                for (int c = 0; c < REW_COUNT; c++) assert_true(columns[i][c] == want_columns[c]);
                                assert_true(reward[i] == ((want_columns[0] + want_columns[1]) + want_columns[2]) + want_columns[3]);
                        }
                }
                sim1_free(s);
        }
}

/* Same seed, two policies: load and the noise of what both see alike are the same (common random numbers). */
static void policies_meet_the_same_world(void **state)
{
        struct sim1 *a = NULL, *b = NULL;
        uint8_t ignore[N] = { 0 }, soft[N];
        static float obs_b[N][OBS_COUNT];
        const struct sim1_out out_b = { &obs_b[0][0], OBS_COUNT, reward, columns, terminated };

        (void)state;
        memset(soft, ACT_SOFT, sizeof soft);
        assert_int_equal(sim1_new(&kernel, N, ISA_BEST, &a), ERR_OK);
        assert_int_equal(sim1_new(&kernel, N, ISA_BEST, &b), ERR_OK);
        a->seed = b->seed = 9;
        for (uint32_t i = 0; i < N; i++) sim1_start(a, i, i, obs[i]), sim1_start(b, i, i, obs_b[i]);
        for (int t = 0; t < STEPS; t++) {
                sim1_step(a, 0, N, ignore, &out);
                sim1_step(b, 0, N, t % 10 == 3 ? soft : ignore, &out_b);
                for (int i = 0; i < N; i++) assert_true(obs[i][OBS_LOAD] == obs_b[i][OBS_LOAD]);
        }
        sim1_free(a);
        sim1_free(b);
}

/* Two modes swap their numbers everywhere in the kernel: nothing observed may change by a bit. */
static void mode_labels_leave_no_trace(void **state)
{
        static struct sim_kernel swapped;
        static float other[N][OBS_COUNT];
        const struct sim1_out out_other = { &other[0][0], OBS_COUNT, reward, columns, terminated };
        struct sim1 *a = NULL, *b = NULL;
        int map[SIM_CELLS];

        (void)state;
        for (int c = 0; c < SIM_CELLS; c++) {
                int mode = c / SIM_SEVS;

                mode = mode == MODE_TRANSIENT ? MODE_ESCALATING : mode == MODE_ESCALATING ? MODE_TRANSIENT : mode;
                map[c] = mode * SIM_SEVS + c % SIM_SEVS;
        }
        swapped = kernel;
        for (int i = 0; i < SIM_ONSETS; i++) swapped.onset_cell[i] = map[kernel.onset_cell[i]];
        for (int c = 0; c < SIM_CELLS; c++) {
                for (int p = 0; p < SIM_PRESSURES; p++) {
                        for (int ch = 0; ch < SIM_CHANNELS; ch++)
                                swapped.mean[ch][map[c] * SIM_PRESSURES + p] = kernel.mean[ch][c * SIM_PRESSURES + p];
                        for (int kind = 0; kind < KIND_COUNT; kind++) {
                                int to = sim_row(map[c], kind, p), from = sim_row(c, kind, p);

                                memcpy(swapped.threshold[to], kernel.threshold[from], sizeof swapped.threshold[to]);
                                swapped.outcome[to] = 0;
                                for (int j = 0; j < SIM_OUTCOMES; j++) {
                                        uint32_t code = kernel.outcome[from] >> (8 * j) & 0xff;

                                        if (!(code & OUT_ONSET)) code = (code & OUT_CRASH) | (uint32_t)map[code & OUT_CELL_MASK];
                                        swapped.outcome[to] |= code << (8 * j);
                                }
                        }
                }
        }
        assert_int_equal(sim1_new(&kernel, N, ISA_BEST, &a), ERR_OK);
        assert_int_equal(sim1_new(&swapped, N, ISA_BEST, &b), ERR_OK);
        a->seed = b->seed = 4;
        for (uint32_t i = 0; i < N; i++) sim1_start(a, i, i, obs[i]), sim1_start(b, i, i, other[i]);
        for (int t = 0; t < STEPS; t++) {
                for (int i = 0; i < N; i++) act[i] = action_at(i, t);
                sim1_step(a, 0, N, act, &out);
                sim1_step(b, 0, N, act, &out_other);
                assert_memory_equal(obs, other, sizeof obs);
        }
        sim1_free(a);
        sim1_free(b);
}

static void refuses_and_fails_cleanly(void **state)
{
        struct sim1 *s = (struct sim1 *)&kernel;

        (void)state;
        assert_int_equal(sim1_new(&kernel, 0, ISA_BEST, &s), ERR_INVAL);
        assert_int_equal(sim1_new(&kernel, SIM1_ENVS_MAX + 1, ISA_BEST, &s), ERR_INVAL);
        assert_ptr_equal(s, &kernel);
        for (size_t nth = 1;; nth++) {
                size_t live = alloc_live_count();
                enum err e;
                bool fired;

                s = NULL;
                fault_arm(nth, false);
                e = sim1_new(&kernel, 3, ISA_BEST, &s);
                fired = fault_disarm();
                assert_int_equal(fired, e != ERR_OK);
                sim1_free(s);
                assert_int_equal(alloc_live_count(), live);
                if (!fired) break;
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_isa_equals_the_plain_step),
                cmocka_unit_test(policies_meet_the_same_world),
                cmocka_unit_test(mode_labels_leave_no_trace),
                cmocka_unit_test(refuses_and_fails_cleanly),
        };

        return cmocka_run_group_tests(tests, setup, NULL);
}
