#include "tests/unit/unit.h"

#include <string.h>

#include "common/base/buf.h"
#include "common/base/hash.h"
#include "common/base/mem.h"
#include "common/base/str.h"

static void test_duration(void **state)
{
        static const struct {
                const char *text;
                enum err e;
                int64_t ms;
        } rows[] = {
                { "0", ERR_OK, 0 }, { "250ms", ERR_OK, 250 }, { "45s", ERR_OK, 45000 }, { "20m", ERR_OK, 1200000 },
                { "1h", ERR_OK, 3600000 }, { "1.5s", ERR_OK, 1500 }, { "5", ERR_PARSE, -1 }, { "", ERR_PARSE, -1 },
                { "-1s", ERR_PARSE, -1 }, { "1 s", ERR_PARSE, -1 }, { "s", ERR_PARSE, -1 }, { "1e30h", ERR_LIMIT, -1 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                int64_t ms = -1;

                ROW(rows[i].text, str_parse_duration_ms(rows[i].text, &ms) == rows[i].e);
                ROW(rows[i].text, ms == rows[i].ms);
        }
}

static void test_duration_text(void **state)
{
        static const struct {
                int64_t ms;
                const char *text;
        } rows[] = { { 0, "0s" }, { 250, "250ms" }, { 45000, "45s" }, { 62000, "1m2s" }, { 1200000, "20m" }, { 3720000, "1h2m" }, { 3600000, "1h" } };
        char text[32];

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                str_duration(rows[i].ms, text, sizeof text);
                assert_string_equal(text, rows[i].text);
        }
}

static void test_numbers(void **state)
{
        static const struct {
                const char *text;
                enum err e;
                int64_t value;
        } rows[] = {
                { "0", ERR_OK, 0 }, { "-5", ERR_OK, -5 }, { "100", ERR_OK, 100 }, { "101", ERR_LIMIT, 77 }, { "-6", ERR_LIMIT, 77 },
                { "", ERR_PARSE, 77 }, { " 1", ERR_PARSE, 77 }, { "1x", ERR_PARSE, 77 }, { "0x10", ERR_PARSE, 77 }, { "+1", ERR_PARSE, 77 },
                { "99999999999999999999", ERR_LIMIT, 77 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                int64_t value = 77;

                ROW(rows[i].text, str_parse_i64(rows[i].text, -5, 100, &value) == rows[i].e);
                ROW(rows[i].text, value == rows[i].value);
        }
}

static void test_suggest(void **state)
{
        static const char *const words[] = { "worker_threads", "queue_max", "algorithm" };

        (void)state;
        assert_int_equal(str_distance("", "abc"), 3);
        assert_int_equal(str_distance("kitten", "sitting"), 3);
        assert_int_equal(str_distance("ab", "ba"), 1);
        assert_string_equal(str_suggest("worker_thread", words, 3), "worker_threads");
        assert_string_equal(str_suggest("algoritmh", words, 3), "algorithm");
        assert_null(str_suggest("zebra", words, 3));
}

static void test_copy(void **state)
{
        char dst[4] = "xyz";

        (void)state;
        assert_int_equal(str_copy(dst, sizeof dst, "abc"), ERR_OK);
        assert_string_equal(dst, "abc");
        assert_int_equal(str_copy(dst, sizeof dst, "abcd"), ERR_LIMIT);
        assert_string_equal(dst, "");
        str_cut(dst, sizeof dst, "abcdef");
        assert_string_equal(dst, "abc");
        assert_true(str_is_id("worker-pool_2", 20));
        assert_false(str_is_id("Worker", 20));
        assert_false(str_is_id("2x", 20));
        assert_false(str_is_id("abc", 2));
}

/* Published vectors of FNV-1a 64. */
static void test_hash(void **state)
{
        (void)state;
        assert_true(hash_fnv_str("") == UINT64_C(0xcbf29ce484222325));
        assert_true(hash_fnv_str("a") == UINT64_C(0xaf63dc4c8601ec8c));
        assert_true(hash_fnv_str("foobar") == UINT64_C(0x85944171f73967e8));
}

static void test_buf(void **state)
{
        struct buf b;
        char *taken;
        size_t size = 99;

        (void)state;
        buf_init(&b, 10);
        buf_printf(&b, "%d-%s", 42, "abc");
        assert_string_equal(b.data, "42-abc");
        buf_str(&b, "12345");
        assert_int_equal(buf_status(&b), ERR_LIMIT);
        assert_string_equal(b.data, "42-abc");
        buf_str(&b, "x");
        assert_string_equal(b.data, "42-abc");
        assert_null(buf_take(&b, &size));
        buf_clear(&b);
        buf_str(&b, "0123456789");
        assert_int_equal(buf_status(&b), ERR_OK);
        buf_consume(&b, 4);
        assert_string_equal(b.data, "456789");
        taken = buf_take(&b, &size);
        assert_int_equal(size, 6);
        assert_string_equal(taken, "456789");
        mem_free(taken);
        buf_done(&b);
        assert_int_equal(alloc_live_count(), 0);
}

static void test_fault_points(void **state)
{
        void *a, *b;

        (void)state;
        fault_arm(2, false);
        a = mem_alloc(8);
        b = mem_alloc(8);
        assert_non_null(a);
        assert_null(b);
        b = mem_alloc(8);
        assert_non_null(b);
        assert_true(fault_disarm());
        mem_free(b);
        fault_arm(1, true);
        assert_null(mem_zalloc(1, 1));
        assert_null(mem_strdup("x"));
        assert_true(fault_disarm());
        assert_false(fault_disarm());
        mem_free(a);
        assert_null(mem_zalloc(SIZE_MAX / 2, 4));
        assert_int_equal(alloc_live_count(), 0);
}

static void test_note(void **state)
{
        struct err_note note = { .code = ERR_OK };

        (void)state;
        assert_int_equal(err_note(NULL, ERR_IO, "x"), ERR_IO);
        assert_int_equal(err_note(&note, ERR_IO, "disk %s", "full"), ERR_IO);
        err_note_prefix(&note, "saving '%s'", "a");
        assert_string_equal(note.text, "saving 'a': disk full");
        assert_string_equal(err_name(ERR_NOT_FOUND), "NOT_FOUND");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_duration), cmocka_unit_test(test_duration_text), cmocka_unit_test(test_numbers),
                cmocka_unit_test(test_suggest), cmocka_unit_test(test_copy), cmocka_unit_test(test_hash), cmocka_unit_test(test_buf),
                cmocka_unit_test(test_fault_points), cmocka_unit_test(test_note),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
