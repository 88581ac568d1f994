/* docs/ports.md says what sut/stack.yaml says. FD_UPDATE=1 writes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/stack/stack.h"

enum { BYTES_MAX = 65536 };

static size_t read_whole(const char *path, char *dst)
{
        FILE *f = fopen(path, "r");
        size_t n = f ? fread(dst, 1, BYTES_MAX - 1, f) : 0;

        dst[n] = '\0';
        if (f) (void)fclose(f);
        return n;
}

static void test_ports(void **state)
{
        static char list[BYTES_MAX], docs[BYTES_MAX];
        struct stack_spec *spec = NULL;
        struct diag_list diags;
        FILE *f;
        AUTO_BUF b;

        (void)state;
        buf_init(&b, BYTES_MAX);
        diag_list_init(&diags, "sut/stack.yaml");
        assert_int_equal(stack_spec_parse(list, read_whole("sut/stack.yaml", list), &diags, &spec), ERR_OK);
        stack_ports_write(spec, &b);
        assert_int_equal(buf_status(&b), ERR_OK);
        assert_non_null(strstr(b.data, "| 3 | `gateway` | API gateway | service | 127.77.N.1:8000 |"));
        if (getenv("FD_UPDATE")) {
                f = fopen("docs/ports.md", "w");
                assert_non_null(f);
                assert_int_equal(fwrite(b.data, 1, b.size_bytes, f), b.size_bytes);
                (void)fclose(f);
        }
        (void)read_whole("docs/ports.md", docs);
        if (strcmp(docs, b.data) != 0)
                fail_msg("docs/ports.md is not what sut/stack.yaml says; run FD_UPDATE=1 "
                         "build/dev/tests/unit.common_stack.test_ports");
        stack_spec_free(spec);
        diag_list_done(&diags);
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_ports)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
