#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/base/mem.h"
#include "learn/env/check.h"
#include "learn/env/replay.h"
#include "learn/sim/sim12.h"

static void recording_fill(struct env_recording *r)
{
        for (int i = 0; i < 40; i++) {
                struct env_recording_step step = { .obs = { .1f, 100, 50, 40, 1, 0, 1, 1 }, .columns = { .5f, 0, -(float)i / 64, 0 } };

                assert_int_equal(env_recording_append(r, &step), ERR_OK);
        }
}

static void checker_passes(void **state)
{
        struct env_recording r = { 0 };
        struct env_opts opts = { 0 };
        struct err_note note = { 0 };
        static struct sim_kernel learned;

        (void)state;
        kernel_init(&learned, NULL); /* any kernel will do for the interface */
        recording_fill(&r);
        for (size_t i = 0; env_id_at(i); i++) {
                opts.recording = strcmp(env_id_at(i), "replay") == 0 ? &r : NULL;
                opts.kernel = strcmp(env_id_at(i), "dyn") == 0 ? &learned : NULL;
                if (env_check(env_id_at(i), &opts, &note)) fail_msg("%s", note.text);
        }
        env_recording_done(&r);
}

static void refuses_with_a_sentence(void **state)
{
        static const struct {
                const char *id;
                uint32_t n, max_steps;
                enum err e;
                const char *says;
        } rows[] = {
                { "sim2", 1, 0, ERR_NOT_FOUND, "did you mean 'sim1'" },
                { "gridworld", 1, 0, ERR_NOT_FOUND, "sim1, sim12, dyn, replay" },
                { "sim1", 0, 0, ERR_INVAL, "0 environments asked" },
                { "sim1", 1, 1u << 21, ERR_INVAL, "time limit" },
                { "replay", 1, 0, ERR_INVAL, "needs a recording" },
                { "dyn", 1, 0, ERR_INVAL, "needs a learned kernel" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                struct env_vec *v = (void *)&rows;
                struct env_opts opts = { .max_steps = rows[i].max_steps };
                struct err_note note = { 0 };

                assert_int_equal(env_make(rows[i].id, rows[i].n, &opts, &v, &note), rows[i].e);
                assert_ptr_equal(v, &rows);
                if (!strstr(note.text, rows[i].says)) fail_msg("'%s' does not say '%s'", note.text, rows[i].says);
        }
}

static void fails_cleanly(void **state)
{
        (void)state;
        for (size_t id = 0; id < 2; id++) {
                for (size_t nth = 1;; nth++) {
                        size_t live = alloc_live_count();
                        struct env_vec *v = NULL;
                        bool fired;
                        enum err e;

                        fault_arm(nth, false);
                        e = env_make(env_id_at(id), 3, NULL, &v, NULL);
                        fired = fault_disarm();
                        assert_int_equal(fired, e != ERR_OK);
                        env_close(v);
                        assert_int_equal(alloc_live_count(), live);
                        if (!fired) break;
                }
        }
}

/* A sick database reaches its callers; with the database well again they heal. */
static void cascades_climb_and_fall(void **state)
{
        enum { N = 64 };
        struct env_opts opts = { .max_steps = 400 };
        struct env_vec *v = NULL;
        int sick = 0, sick_after = 0;
        static struct sim_kernel quiet;

        (void)state;
        sim12_kernel_init(&quiet);
        for (int p = 0; p < SIM_PRESSURES; p++) /* no incidents but ours */
                for (int kind = 0; kind < KIND_COUNT; kind++) {
                        int row = sim_row(0, kind, p);

                        quiet.outcome[row] = quiet.outcome[row] & ~0xffu; /* the onset goes to NONE */
                }
        struct sim12 *s = NULL;
        static float obs[N][SIM12_OBS], reward[N], columns[N][REW_COUNT];
        static uint8_t terminated[N], act[N];
        static uint16_t target[N];
        static uint32_t mask[N], mask_target[N];
        const struct sim12_out out = { &obs[0][0], reward, columns, terminated, mask, mask_target, NULL };

        assert_int_equal(sim12_new(&quiet, N, ISA_BEST, &s), ERR_OK);
        for (uint32_t i = 0; i < N; i++) {
                sim12_start(s, i, 3, i, &out);
                s->service[SVC_DB]->cell[i] = MODE_TRANSIENT * SIM_SEVS + 6;
        }
        for (int t = 0; t < 4; t++) {
                for (uint32_t i = 0; i < N; i++) s->service[SVC_DB]->cell[i] = MODE_TRANSIENT * SIM_SEVS + 6;
                sim12_step(s, 0, N, act, target, &out);
        }
        for (uint32_t i = 0; i < N; i++) {
                sick += s->service[SVC_API]->cell[i] >= MODE_CASCADING * SIM_SEVS;
                assert_int_equal(s->service[SVC_LOGPROC]->cell[i], 0);
        }
        for (uint32_t i = 0; i < N; i++) s->service[SVC_DB]->cell[i] = 0;
        for (int t = 0; t < 60; t++) sim12_step(s, 0, N, act, target, &out);
        for (uint32_t i = 0; i < N; i++) sick_after += s->service[SVC_API]->cell[i] != 0;
        assert_true(sick > N / 2);
        assert_true(sick_after < N / 8);
        sim12_free(s);
        assert_int_equal(env_make("sim12", 2, &opts, &v, NULL), ERR_OK);
        env_close(v);
}

static void third_restart_is_refused(void **state)
{
        struct env_vec *v = NULL;

        (void)state;
        assert_int_equal(env_make("sim12", 1, NULL, &v, NULL), ERR_OK);
        env_reset(v, 1, NULL);
        v->act[0] = ACT_HARD, v->target[0] = SVC_AUTH, env_step(v);
        v->act[0] = ACT_HARD, v->target[0] = SVC_CACHE, env_step(v);
        assert_int_equal(v->mask[0], 7);
        assert_false(v->mask_target[0] >> SVC_AUTH & 1);
        assert_false(v->mask_target[0] >> SVC_PAYMENTS & 1);
        assert_true(v->mask_target[0] >> SVC_DB & 1);
        v->act[0] = ACT_HARD, v->target[0] = SVC_DB, env_step(v);
        assert_true(v->obs[SVC_DB * OBS_COUNT + OBS_UP] == 1.0f);
        v->act[0] = ACT_HARD, v->target[0] = SVC_PAYMENTS, env_step(v);
        assert_true(v->obs[SVC_PAYMENTS * OBS_COUNT + OBS_UP] == 1.0f);
        env_close(v);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(checker_passes),          cmocka_unit_test(refuses_with_a_sentence),
                cmocka_unit_test(fails_cleanly),           cmocka_unit_test(cascades_climb_and_fall),
                cmocka_unit_test(third_restart_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
