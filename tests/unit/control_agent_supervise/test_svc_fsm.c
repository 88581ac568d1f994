/* The supervision table: every cell is walked, and its content is written out here a second time, by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/attr.h"
#include "control-agent/supervise/svc_fsm.h"

/* Rows: states; columns: events in the order of the list. "." refuses; else the next state's letter, and what is sent:
 * s spawn, t stop signal, k SIGKILL, p SIGSTOP, c SIGCONT, h SIGHUP.
 * Letters: D down, W waiting, S starting, U up, P paused, T stopping, C cycling, B backoff, F failed. */
static const char *const expect[SVC_STATE_COUNT][SVC_EVENT_COUNT] = {
        /*               START STOP  RESTART KILL PAUSE RESUME RELOAD DEPS  READY EXITED LAST TIMEOUT */
        [SVC_DOWN] = {"W", "D", "W", ".", ".", ".", ".", ".", ".", ".", ".", "."},
        [SVC_WAITING] = {"W", "D", "W", ".", ".", ".", ".", "Ss", ".", ".", ".", "."},
        [SVC_STARTING] = {"S", "Tt", "Ct", "Sk", ".", ".", ".", ".", "U", "B", "F", "Sk"},
        [SVC_UP] = {"U", "Tt", "Ct", "Uk", "Pp", "Uc", "Uh", ".", "U", "B", "F", "."},
        [SVC_PAUSED] = {".", "Ttc", "Ctc", "Pk", "P", "Uc", ".", ".", ".", "B", "F", "."},
        [SVC_STOPPING] = {"C", "T", "C", "Tk", ".", ".", ".", ".", "T", "D", "D", "Tk"},
        [SVC_CYCLING] = {"C", "T", "C", "Ck", ".", ".", ".", ".", "C", "W", "W", "Ck"},
        [SVC_BACKOFF] = {"W", "D", "W", ".", ".", ".", ".", ".", ".", ".", ".", "W"},
        [SVC_FAILED] = {"W", "D", "W", ".", ".", ".", ".", ".", ".", ".", ".", "."},
};

static const struct {
        char letter;
        unsigned action;
} actions[] = {{'s', SVC_DO_SPAWN}, {'t', SVC_DO_TERM}, {'k', SVC_DO_KILL},
               {'p', SVC_DO_STOP},  {'c', SVC_DO_CONT}, {'h', SVC_DO_HUP}};

static void test_every_cell(void **state)
{
        static const char letters[] = "DWSUPTCBF";

        (void)state;
        assert_int_equal(strlen(letters), SVC_STATE_COUNT);
        for (int s = 0; s < SVC_STATE_COUNT; s++) {
                for (int e = 0; e < SVC_EVENT_COUNT; e++) {
                        struct svc_cell cell = svc_fsm_cell((enum svc_state)s, (enum svc_event)e);
                        const char *want = expect[s][e];
                        unsigned sent = 0;

                        assert_non_null(want);
                        if (cell.allowed != (*want != '.'))
                                fail_msg("%s, %s: allowed is %d", svc_state_name((enum svc_state)s),
                                         svc_event_text((enum svc_event)e), cell.allowed);
                        if (!cell.allowed) continue;
                        for (size_t i = 0; i < ARRAY_COUNT(actions); i++)
                                if (strchr(want + 1, actions[i].letter)) sent |= actions[i].action;
                        if (letters[cell.next] != *want || cell.actions != sent)
                                fail_msg("%s, %s: expected %s, got %s and actions %u",
                                         svc_state_name((enum svc_state)s), svc_event_text((enum svc_event)e), want,
                                         svc_state_name(cell.next), cell.actions);
                }
        }
}

/* Whatever happens, a state that sends no more events of a process has none, and the other way round. */
static void test_exit_leaves_no_process(void **state)
{
        (void)state;
        for (int s = 0; s < SVC_STATE_COUNT; s++) {
                struct svc_cell cell = svc_fsm_cell((enum svc_state)s, SVC_EV_EXITED);

                assert_int_equal(cell.allowed, svc_state_has_process((enum svc_state)s));
                if (cell.allowed) assert_false(svc_state_has_process(cell.next));
        }
}

static void test_tally(void **state)
{
        static const int64_t delays[] = {100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000, 5000};
        struct svc_tally tally = {0};
        int64_t delay = -7;

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(delays); i++) {
                assert_true(svc_tally_death(&tally, 10, &delay));
                assert_int_equal(delay, delays[i]);
        }
        delay = -7;
        assert_false(svc_tally_death(&tally, 10, &delay));
        assert_int_equal(delay, -7);
        assert_int_equal(tally.deaths, 11);
        svc_tally_forgive(&tally);
        assert_true(svc_tally_death(&tally, 10, &delay));
        assert_int_equal(delay, 100);
        assert_true(svc_tally_death(&tally, SVC_CALM_MS, &delay)); /* a calm life: the row begins anew */
        assert_int_equal(delay, 100);
        assert_int_equal(tally.deaths, 13);
}

static void test_texts(void **state)
{
        (void)state;
        assert_string_equal(svc_state_text(SVC_WAITING), "starting");
        assert_string_equal(svc_state_text(SVC_CYCLING), "stopping");
        assert_string_equal(svc_state_text(SVC_BACKOFF), "backoff");
        assert_string_equal(svc_event_text(SVC_EV_RELOAD), "reload");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_cell),
                cmocka_unit_test(test_exit_leaves_no_process),
                cmocka_unit_test(test_tally),
                cmocka_unit_test(test_texts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
