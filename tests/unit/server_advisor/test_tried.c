/* What had no effect is not done twice; what helped may be done again. */
#include "server/advisor/tried.h"
#include "tests/unit/unit.h"

static void test_verdicts(void **state)
{
        static const struct {
                const char *name;
                enum sim_action action;
                float before, after;
                bool vain;
        } rows[] = {
                { "a restart without effect", ACT_SOFT, .6f, .6f, true },
                { "a restart that made it worse", ACT_SOFT, .3f, .6f, true },
                { "a restart that cured", ACT_SOFT, .6f, .0f, false },
                { "a restart that helped in part", ACT_HARD, .6f, .45f, false },
                { "too little to count", ACT_HARD, .6f, .55f, true },
                { "shedding without effect", ACT_REDUCE, .6f, .6f, true },
                { "nothing was wrong, nothing is", ACT_REDUCE, .01f, .02f, false },
        };

        (void)state;
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct tried t = { .restart = { .at_ms = 0 } };

                ROW(rows[i].name, !tried_vain(&t, rows[i].action));
                tried_note(&t, rows[i].action, rows[i].before, 1000);
                ROW(rows[i].name, tried_vain(&t, rows[i].action)); /* its effect is awaited */
                tried_judge(&t, rows[i].after, 1000 + TRIED_JUDGE_MS - 1);
                ROW(rows[i].name, tried_vain(&t, rows[i].action));
                tried_judge(&t, rows[i].after, 1000 + TRIED_JUDGE_MS);
                ROW(rows[i].name, tried_vain(&t, rows[i].action) == rows[i].vain);
                tried_judge(&t, 0, 1000 + 10 * TRIED_JUDGE_MS); /* a verdict stays */
                ROW(rows[i].name, tried_vain(&t, rows[i].action) == rows[i].vain);
        }
}

static void test_kinds_are_apart(void **state)
{
        struct tried t = { .restart = { .at_ms = 0 } };

        (void)state;
        tried_note(&t, ACT_SOFT, .5f, 0);
        tried_judge(&t, .5f, TRIED_JUDGE_MS);
        assert_true(tried_vain(&t, ACT_SOFT) && tried_vain(&t, ACT_HARD));
        assert_false(tried_vain(&t, ACT_REDUCE) || tried_vain(&t, ACT_IGNORE) || tried_vain(&t, ACT_DELAY));
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_verdicts), cmocka_unit_test(test_kinds_are_apart) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
