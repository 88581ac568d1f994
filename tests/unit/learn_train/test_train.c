#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/base/mem.h"
#include "learn/train/collect.h"
#include "learn/train/qlearn.h"
#include "learn/train/tune.h"

static struct sim_kernel kernel;
static struct feat_params *fp;

static int setup(void **state)
{
        const struct collect_setup collect = { &kernel, seed_train_at(1), 400, NULL, NULL };

        (void)state;
        kernel_init(&kernel, NULL);
        fp = mem_aligned(64, sizeof *fp);
        return !fp || collect_fit(&collect, fp) != ERR_OK;
}

static int teardown(void **state)
{
        (void)state;
        mem_free(fp);
        return 0;
}

/* The fit is near the kernel where data is plentiful: an escalation grows with .14 to .22. */
static void fit_is_near_the_kernel(void **state)
{
        float grows = fp->belief.move[ACT_IGNORE][1][MODE_ESCALATING - 1][3][4];

        (void)state;
        assert_true(grows > .12f && grows < .25f);
        assert_true(fp->belief.mean[1][0][MODE_TRANSIENT * SIM_SEVS + 2] > .12f && fp->belief.mean[1][0][MODE_TRANSIENT * SIM_SEVS + 2] < .18f);
        for (int i = 1; i < FEAT_SEV_BINS - 1; i++) assert_true(fp->sev_edge[i] >= fp->sev_edge[i - 1]);
}

static void same_seed_same_table(void **state)
{
        struct qtab *a = mem_zalloc(1, sizeof *a), *b = mem_zalloc(1, sizeof *b);
        struct qlearn_opts o = qlearn_defaults;

        (void)state;
        assert_true(a && b);
        o.kernel = &kernel, o.feat = fp, o.seed = seed_train_at(5), o.episodes = 200;
        for (int pass = 0; pass < 2; pass++) {
                struct qlearn *q = NULL;

                assert_int_equal(qlearn_new(&o, &q), ERR_OK);
                qlearn_run(q, 100);
                qlearn_run(q, 100);
                assert_true(qlearn_episodes(q) >= 200 && qlearn_steps(q) > 5000);
                qlearn_table(q, pass ? b : a);
                qlearn_free(q);
        }
        assert_memory_equal(a, b, sizeof *a);
        mem_free(a);
        mem_free(b);
}

/* A little training already beats doing whatever comes. */
static void learning_helps(void **state)
{
        struct qtab *table = mem_zalloc(1, sizeof *table);
        struct qlearn_opts o = qlearn_defaults;
        struct qlearn *q = NULL;
        const struct qtab_policy tp = { table, fp };
        const struct policy ours = { "qtab", qtab_decide, &tp, fp, false }, random = { "random", policy_random_decide, NULL, fp, false };
        double a, b;

        (void)state;
        assert_non_null(table);
        o.kernel = &kernel, o.feat = fp, o.seed = seed_train_at(6), o.episodes = 800;
        assert_int_equal(qlearn_new(&o, &q), ERR_OK);
        qlearn_run(q, 800);
        qlearn_table(q, table);
        assert_int_equal(train_score(&kernel, &ours, seed_train_at(7), 0, 64, &a), ERR_OK);
        assert_int_equal(train_score(&kernel, &random, seed_train_at(7), 0, 64, &b), ERR_OK);
        assert_true(a > b + 100);
        qlearn_free(q);
        mem_free(table);
}

static bool at_once(void *context)
{
        (void)context;
        return true;
}

static void stops_when_asked(void **state)
{
        const struct collect_setup collect = { &kernel, seed_train_at(1), 400, at_once, NULL };
        const struct tune_setup tune = { &kernel, fp, seed_train_at(2), 10, 64, at_once, NULL };
        float params[TUNE_PARAMS_MAX] = { -7 };
        double reward = -7;

        (void)state;
        assert_int_equal(collect_fit(&collect, fp), ERR_STATE);
        assert_int_equal(tune_search(&tune, &tune_rule_tuned, params, &reward), ERR_STATE);
        assert_true(params[0] == -7 && reward == -7);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(fit_is_near_the_kernel),
                cmocka_unit_test(same_seed_same_table),
                cmocka_unit_test(learning_helps),
                cmocka_unit_test(stops_when_asked),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
