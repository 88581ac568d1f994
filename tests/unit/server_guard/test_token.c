#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/sys/file.h"
#include "server/guard/token.h"

static void reads_token_files(void **state)
{
        static const struct {
                const char *text, *expect; /* NULL: refused */
        } rows[] = {
                { "0123456789abcdef", "0123456789abcdef" },
                { "0123456789abcdef\n", "0123456789abcdef" },
                { "  0123456789-ABC_def \r\nrest of the file\n", "0123456789-ABC_def" },
                { "short\n", NULL },
                { "", NULL },
                { "\n0123456789abcdef\n", NULL },
                { "0123456789 abcdef\n", NULL },
                { "0123456789abcdef;Path=/\n", NULL },
        };
        char path[] = "/tmp/fd-token-XXXXXX", token[TOKEN_TEXT_BYTES];
        struct err_note note = { 0 };

        (void)state;
        close(mkstemp(path));
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                enum err e;

                assert_int_equal(file_write_atomic(path, rows[i].text, strlen(rows[i].text), 0600, false, NULL), ERR_OK);
                memset(token, 0xa5, sizeof token);
                e = token_read(path, token, &note);
                assert_int_equal(e, rows[i].expect ? ERR_OK : ERR_INVAL);
                if (rows[i].expect) assert_string_equal(token, rows[i].expect);
                else assert_int_equal((unsigned char)token[0], 0xa5);
        }
        assert_non_null(strstr(note.text, path));
        unlink(path);
        assert_int_equal(token_read(path, token, &note), ERR_NOT_FOUND);
        assert_int_equal(alloc_live_count(), 0);
}

static void makes_tokens(void **state)
{
        char a[TOKEN_TEXT_BYTES], b[TOKEN_TEXT_BYTES];

        (void)state;
        token_make(a);
        token_make(b);
        assert_int_equal(strlen(a), 64);
        assert_true(guard_is_token(a));
        assert_string_not_equal(a, b);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(reads_token_files), cmocka_unit_test(makes_tokens) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
