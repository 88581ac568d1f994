/* Down is not hung: what is started again, or was acted on, is given its time. */
#include <math.h>

#include "server/advisor/hung.h"
#include "tests/unit/unit.h"

enum { S = 1000, FROM = 100 * S };

static void test_states(void **state)
{
        /* A second each: 'u' answers, 'd' does not, 'r' does not and was restarted once more, 'a' does not and somebody acted, 'n' as d with no count of restarts. */
        static const struct {
                const char *name, *seconds;
                bool hung;
        } rows[] = {
                { "it answers", "uuuuuuuuuuuuuuuuuuuu", false },
                { "14 s", "uddddddddddddddd", false },
                { "15 s", "udddddddddddddddd", true },
                { "it answered once in between", "udddddddddddddduddddddd", false },
                { "it is restarted again and again", "uddddddrddddddrddddddrdddd", false },
                { "15 s after the last restart", "uddrddddddddddddddd", true },
                { "acted on a moment ago", "uddddddddddddddddddda", false },
                { "acted on, in vain", "uddddddddddddddddddaddddddddddddddd", true },
                { "restarts are not known", "unnnnnnnnnnnnnnnn", true },
        };

        (void)state;
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct hung h = { 0 };
                double restarts = 0;
                int64_t now = FROM;

                for (const char *c = rows[i].seconds; *c; c++, now += S) {
                        restarts += *c == 'r';
                        hung_see(&h, *c == 'u', *c == 'n' ? NAN : restarts, now);
                        if (*c == 'a') hung_acted(&h, now);
                }
                ROW(rows[i].name, hung_is(&h, now - S) == rows[i].hung);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_states) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
