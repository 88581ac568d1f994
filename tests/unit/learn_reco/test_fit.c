/* Fitting recovers what hand-made observations were made from, keeps the simulator's numbers for what it never saw, and its file is read back. */
#include <math.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/sys/file.h"
#include "learn/reco/fit.h"
#include "tests/unit/unit.h"

static struct sim_kernel kernel;
static struct fit_data *data;

static int setup(void **state)
{
        (void)state;
        kernel_init(&kernel, NULL);
        data = mem_zalloc(1, sizeof *data);
        return data ? 0 : -1;
}

static int teardown(void **state)
{
        (void)state;
        mem_free(data);
        return 0;
}

/* Healthy at 90 ms, 38 % and 44 %; a level of an escalation adds 60 ms, 2 % and 6 %; every sample is 3 sigma-units up or down. */
static void add(int mode, int sev, float wobble)
{
        const float error = sev ? kernel.mean[0][(mode * SIM_SEVS + sev) * SIM_PRESSURES + 1] : kernel.mean[0][1];
        const float obs[SIM_CHANNELS] = { error + .02f * wobble, 90 + 60 * (float)sev + 10 * wobble, 38 + 2 * (float)sev + 3 * wobble, 44 + 6 * (float)sev + wobble };

        assert_int_equal(fit_sample_add(data, mode, sev, 1, obs), ERR_OK);
}

static void recovers_what_was_put_in(void **state)
{
        struct err_note note = { .text = "" };
        struct fit f;
        struct sim_kernel k = kernel;
        int cell = MODE_ESCALATING * SIM_SEVS + 3, other = MODE_LOAD * SIM_SEVS + 1;

        (void)state;
        data->samples = data->costs = 0;
        for (int i = 0; i < 100; i++) add(MODE_NONE, 0, i % 2 ? 1 : -1);
        for (int i = 0; i < 100; i++) add(MODE_ESCALATING, 2 + i % 4 / 2 * 2, i % 2 ? 1 : -1);
        assert_int_equal(fit_cost_add(data, "api", ACT_SOFT, .2), ERR_OK);
        assert_int_equal(fit_cost_add(data, "auth", ACT_SOFT, .4), ERR_OK);
        assert_int_equal(fit_cost_add(data, "gateway", ACT_REDUCE, .3), ERR_OK);
        if (fit_solve(data, &kernel, &f, &note)) fail_msg("%s", note.text);
        assert_true(fabsf(f.base[1][1] - 90) < .01f && fabsf(f.base[1][2] - 38) < .01f && fabsf(f.base[1][3] - 44) < .01f);
        assert_true(fabsf(f.signature[MODE_ESCALATING][1] - 60) < .01f && fabsf(f.signature[MODE_ESCALATING][3] - 6) < .01f);
        assert_true(fabsf(f.sigma[0] - .02f) < 1e-4f && fabsf(f.sigma[1] - 10) < .01f && fabsf(f.sigma[2] - 3) < .01f && fabsf(f.sigma[3] - 1) < .01f);
        assert_true(fabsf(f.lost[ACT_SOFT] - .3f) < 1e-5f && f.lost[ACT_HARD] == 0 && fabsf(f.shed - .3f) < 1e-5f);
        assert_true(fabsf(f.signature[MODE_LOAD][1] - 44) < .01f); /* not seen: .55 of 80 ms, the simulator's */
        fit_kernel(&f, &k);
        assert_true(fabsf(k.mean[1][cell * SIM_PRESSURES + 1] - 270) < .01f && fabsf(k.mean[1][other * SIM_PRESSURES + 1] - 134) < .01f);
        assert_true(k.mean[0][cell * SIM_PRESSURES + 1] == kernel.mean[0][cell * SIM_PRESSURES + 1] && k.sigma[2] == f.sigma[2]);
        assert_true(fabsf(k.w.cost[ACT_SOFT] - 2.9f) < 1e-5f); /* 2 of the score, and .3 requests at 3 each */
}

static void too_little_is_refused(void **state)
{
        struct err_note note = { .text = "" };
        struct fit f;

        (void)state;
        data->samples = data->costs = 0;
        for (int i = 0; i < 49; i++) add(MODE_NONE, 0, 0);
        assert_int_equal(fit_solve(data, &kernel, &f, &note), ERR_STATE);
        assert_non_null(strstr(note.text, "only 49"));
}

static void the_file_is_read_back(void **state)
{
        struct err_note note = { .text = "" };
        struct fit f, again;
        AUTO_BUF file;
        char *at;

        (void)state;
        buf_init(&file, 1 << 16);
        data->samples = data->costs = 0;
        for (int i = 0; i < 100; i++) add(MODE_NONE, 0, i % 2 ? 1 : -1);
        assert_int_equal(fit_solve(data, &kernel, &f, &note), ERR_OK);
        fit_write(&f, data, &file);
        assert_int_equal(buf_status(&file), ERR_OK);
        if (fit_read(file.data, file.size_bytes, &again, &note)) fail_msg("%s", note.text);
        assert_true(fabsf(again.base[1][1] - f.base[1][1]) < 1e-4f && fabsf(again.sigma[3] - f.sigma[3]) < 1e-4f && again.lost[ACT_HARD] == f.lost[ACT_HARD] && again.samples[MODE_NONE] == 100);
        at = strstr(file.data, "\"sigma\"");
        assert_non_null(at);
        at[1] = 'S';
        again.shed = -7;
        assert_int_equal(fit_read(file.data, file.size_bytes, &again, &note), ERR_PARSE);
        assert_non_null(strstr(note.text, "'sigma' must be a list of 4 numbers"));
        assert_true(again.shed == -7);
}

/* The shipped file with one text in place of another. */
static void what_is_damaged_is_named(void **state)
{
        static const struct {
                const char *from, *to, *says;
        } rows[] = {
                { "\"version\":\t1", "\"version\":\t2", "'version' must be 1" },
                { "\"base\"", "\"bass\"", "'base' must be a list of 3 lists" },
                { "\"base\":\t[", "\"base\":\t[[1, 2, 3, 4], ", "'base' must be a list of 3 lists" },
                { "\"base\":\t[[", "\"base\":\t[[1, ", "'base' must be a list of 4 numbers" },
                { "\"base\":\t[[0.0183", "\"base\":\t[[1e999", "'base' must hold numbers below a million" },
                { "\"base\":\t[[0.0183", "\"base\":\t[[-1e7", "'base' must hold numbers below a million" },
                { "\"escalating\":\t[0,", "\"escalating\":\t[", "'signature' must be a list of 4 numbers" },
                { "\"escalating\":\t[0,", "\"escalating\":\t[null,", "'signature' must hold numbers" },
                { "\"escalating\":\t[0,", "\"escalating\":\t[\"0\",", "'signature' must hold numbers" },
                { "\"sigma\":\t[0", "\"sigma\":\t[-0", "'sigma' must hold positive numbers" },
                { "\"soft-restart\"", "\"soft\"", "'lost' needs 'soft-restart'" },
                { "\"hard-restart\":\t", "\"hard-restart\":\t-", "'lost' needs 'hard-restart', at least 0" },
                { "\"shed\":\t0", "\"shed\":\t1", "'shed' must be a share" },
                { "\"known\":\t", "\"known\":\t-", "'known' must be a surprise" },
                { "\"known\":\t22.33", "\"known\":\t1e300", "'known' must be a surprise" },
        };
        AUTO_BUF shipped;

        (void)state;
        buf_init(&shipped, 1 << 16);
        assert_int_equal(file_read("models/calibration.json", &shipped, NULL), ERR_OK);
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                const char *at = strstr(shipped.data, rows[i].from);
                struct err_note note = { .text = "" };
                struct fit f = { .shed = -7 };
                AUTO_BUF bad;

                ROW(rows[i].from, at != NULL);
                buf_init(&bad, 1 << 16);
                buf_append(&bad, shipped.data, (size_t)(at - shipped.data));
                buf_str(&bad, rows[i].to);
                buf_str(&bad, at + strlen(rows[i].from));
                ROW(rows[i].to, fit_read(bad.data, bad.size_bytes, &f, &note) == ERR_PARSE);
                if (!strstr(note.text, rows[i].says)) fail_msg("'%s' does not say '%s'", note.text, rows[i].says);
                assert_true(f.shed == -7);
        }
        for (size_t cut = 0; cut + 2 < shipped.size_bytes; cut += 7) {
                struct fit f;

                assert_int_not_equal(fit_read(shipped.data, cut, &f, NULL), ERR_OK);
        }
}

/* Means of the levels are .006 .04 .15 .25 .36 .48 .62 .80. */
static void severity_is_the_nearest_level(void **state)
{
        static const struct {
                double error;
                int sev;
        } rows[] = { { 0, 0 }, { .02, 0 }, { .03, 1 }, { .10, 2 }, { .3, 3 }, { .56, 6 }, { 1, 7 } };

        (void)state;
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) assert_int_equal(fit_severity(&kernel, rows[i].error), rows[i].sev);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(recovers_what_was_put_in),
                cmocka_unit_test(too_little_is_refused),
                cmocka_unit_test(the_file_is_read_back),
                cmocka_unit_test(what_is_damaged_is_named),
                cmocka_unit_test(severity_is_the_nearest_level),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
