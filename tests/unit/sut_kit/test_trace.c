#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "sut/kit/trace.h"

/* The first row is the example of https://www.w3.org/TR/trace-context/#examples-of-http-traceparent-headers */
static void test_parse(void **state)
{
        static const struct {
                const char *name, *text;
                bool valid, sampled;
        } rows[] = {
                { "specification", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true, true },
                { "not sampled", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", true, false },
                { "later version with more", "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-extra", true, true },
                { "version 00 with more", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-extra", false, false },
                { "version ff", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false, false },
                { "zero trace id", "00-00000000000000000000000000000000-00f067aa0ba902b7-01", false, false },
                { "zero span id", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false, false },
                { "upper case", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", false, false },
                { "short", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0", false, false },
                { "wrong separator", "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01", false, false },
                { "bad flags", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x", false, false },
                { "bad version", "0x-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false, false },
                { "empty", "", false, false },
                { "missing", NULL, false, false },
        };

        (void)state;
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                struct trace t;

                memset(&t, 'x', sizeof t);
                if (trace_parse(&t, rows[i].text) != rows[i].valid) fail_msg("%s", rows[i].name);
                if (!rows[i].valid) {
                        assert_int_equal(t.trace_id[0], 'x'); /* untouched */
                        continue;
                }
                assert_string_equal(t.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
                assert_string_equal(t.span_id, "00f067aa0ba902b7");
                assert_int_equal(t.sampled, rows[i].sampled);
        }
}

static void test_child_and_print(void **state)
{
        const uint8_t random[24] = { 0 }, other[8] = { 0xab, 0xcd };
        char text[TRACE_PARENT_BYTES];
        struct trace root, child;

        (void)state;
        trace_start(&root, random);
        trace_print(&root, text);
        assert_string_equal(text, "00-01000000000000000000000000000000-0100000000000000-01");
        trace_child(&child, &root, other);
        trace_print(&child, text);
        assert_string_equal(text, "00-01000000000000000000000000000000-abcd000000000000-01");
        assert_string_equal(child.parent_id, "0100000000000000");
        trace_child(&child, &child, random);
        assert_string_equal(child.parent_id, "abcd000000000000");
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_parse), cmocka_unit_test(test_child_and_print) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
