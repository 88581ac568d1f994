#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "learn/reco/safety.h"

enum { S = 1000 };

static void rules_by_row(void **state)
{
        /* What was done before, what is asked at `at`, and what is answered. */
        static const struct {
                const char *name;
                struct {
                        int64_t at;
                        int service;
                        enum sim_action action;
                } before[3];
                int count;
                int64_t at;
                int service;
                enum sim_action action;
                enum safety_code want;
        } rows[] = {
                { "a first restart", { { 0 } }, 0, 0, 0, ACT_SOFT, SAFETY_OK },
                { "29 s after a soft one", { { 0, 0, ACT_SOFT } }, 1, 29 * S, 0, ACT_SOFT, SAFETY_COOLDOWN_SOFT },
                { "30 s after a soft one", { { 0, 0, ACT_SOFT } }, 1, 30 * S, 0, ACT_SOFT, SAFETY_OK },
                { "119 s after a hard one", { { 0, 0, ACT_HARD } }, 1, 119 * S, 0, ACT_SOFT, SAFETY_COOLDOWN_HARD },
                { "120 s after a hard one", { { 0, 0, ACT_HARD } }, 1, 120 * S, 0, ACT_HARD, SAFETY_OK },
                { "the third of one service", { { 0, 0, ACT_SOFT }, { 60 * S, 0, ACT_SOFT } }, 2, 120 * S, 0, ACT_SOFT, SAFETY_BUDGET_SERVICE },
                { "ten minutes later", { { 0, 0, ACT_SOFT }, { 60 * S, 0, ACT_SOFT } }, 2, 601 * S, 0, ACT_SOFT, SAFETY_OK },
                { "the fourth of all", { { 0, 0, ACT_SOFT }, { 60 * S, 1, ACT_SOFT }, { 90 * S, 2, ACT_SOFT } }, 3, 200 * S, 3, ACT_SOFT, SAFETY_BUDGET_ALL },
                { "shedding at one", { { 0 } }, 0, 0, 0, ACT_REDUCE, SAFETY_OK },
                { "shedding at two", { { 0, 0, ACT_REDUCE } }, 1, S, 1, ACT_REDUCE, SAFETY_SHED_LIMIT },
                { "shedding again at the same", { { 0, 0, ACT_REDUCE } }, 1, S, 0, ACT_REDUCE, SAFETY_OK },
                { "waiting is always allowed", { { 0, 0, ACT_HARD } }, 1, S, 0, ACT_DELAY, SAFETY_OK },
        };

        (void)state;
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                struct safety s;

                safety_init(&s, NULL, 4);
                for (int j = 0; j < rows[i].count; j++) safety_note(&s, rows[i].before[j].service, rows[i].before[j].action, rows[i].before[j].at);
                enum safety_code got = safety_check(&s, rows[i].service, rows[i].action, rows[i].at);

                if (got != rows[i].want) fail_msg("%s: %s, expected %s", rows[i].name, safety_name(got), safety_name(rows[i].want));
        }
}

static void states_of_services(void **state)
{
        struct safety s;

        (void)state;
        safety_init(&s, NULL, 3);
        s.service[0].down = true;
        s.service[0].dependants = .3f, s.service[1].dependants = .2f, s.service[2].dependants = .05f;
        assert_int_equal(safety_check(&s, 0, ACT_SOFT, 0), SAFETY_DOWN);
        assert_int_equal(safety_check(&s, 1, ACT_SOFT, 0), SAFETY_BLAST_RADIUS);
        assert_int_equal(safety_check(&s, 2, ACT_SOFT, 0), SAFETY_OK);
        s.service[2].targetable = false;
        assert_int_equal(safety_check(&s, 2, ACT_SOFT, 0), SAFETY_TARGET);
        s.config.kill_switch = true;
        assert_int_equal(safety_check(&s, 1, ACT_REDUCE, 0), SAFETY_KILL_SWITCH);
        assert_int_equal(safety_mask(&s, 1, 0, NULL), 3);
        assert_int_equal(s.refused[SAFETY_DOWN], 1);
}

/* Nobody is about to start what hangs: "not while down" protects nothing there, and everything else holds as ever. */
static void what_hangs_may_be_restarted(void **state)
{
        struct safety s;

        (void)state;
        safety_init(&s, NULL, 2);
        s.service[0].down = s.service[0].hung = true;
        assert_int_equal(safety_check(&s, 0, ACT_SOFT, 0), SAFETY_OK);
        assert_int_equal(safety_check(&s, 0, ACT_HARD, 0), SAFETY_OK);
        assert_int_equal(safety_check(&s, 0, ACT_REDUCE, 0), SAFETY_DOWN);
        s.service[1].down = true, s.service[1].dependants = .5f;
        assert_int_equal(safety_check(&s, 0, ACT_SOFT, 0), SAFETY_BLAST_RADIUS);
        s.service[1].down = false;
        safety_note(&s, 0, ACT_SOFT, 0);
        assert_int_equal(safety_check(&s, 0, ACT_HARD, 29 * S), SAFETY_COOLDOWN_SOFT);
        s.service[0].targetable = false;
        assert_int_equal(safety_check(&s, 0, ACT_SOFT, 60 * S), SAFETY_TARGET);
}

static void log_forgets_the_oldest(void **state)
{
        struct safety s;

        (void)state;
        safety_init(&s, NULL, 1);
        for (int i = 0; i < SAFETY_LOG + 10; i++) safety_note(&s, 0, ACT_SOFT, i * 1000000);
        assert_int_equal(s.restarts, SAFETY_LOG);
        assert_true(s.restart[0].at == 10 * 1000000);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(rules_by_row),
                cmocka_unit_test(states_of_services),
                cmocka_unit_test(what_hangs_may_be_restarted),
                cmocka_unit_test(log_forgets_the_oldest),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
