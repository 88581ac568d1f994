#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/text/json.h"
#include "common/text/pairs.h"
#include "common/text/schema.h"
#include "common/text/yaml.h"

static struct json *parsed(const char *text)
{
        struct json *j = NULL;
        struct err_note note = { .text = "" };

        if (json_parse(text, strlen(text), &j, &note)) fail_msg("%s: %s", text, note.text);
        return j;
}

static void assert_prints(const struct json *j, const char *expected)
{
        AUTO_BUF b;

        buf_init(&b, 65536);
        assert_int_equal(json_print(j, &b), ERR_OK);
        assert_string_equal(b.data, expected);
}

static void test_pairs(void **state)
{
        static const struct {
                const char *text, *expected; /* as key=value; */
        } good[] = {
                { NULL, "" }, { "", "" }, { "\n\n", "" }, { "a:1", "a=1;" }, { "a:1\nb:2\n", "a=1;b=2;" }, { "at:10:30", "at=10:30;" }, { "a:", "a=;" },
        };
        static const char *const bad[] = { "a", ":1", "a:1\nb", "a:1\nb:1\nc:1\nd:1\ne:1\nf:1\ng:1\nh:1\ni:1" };
        struct pairs pairs;
        struct err_note note;
        char longest[PAIRS_TEXT_BYTES + 2];

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
                char got[64] = "";

                assert_int_equal(pairs_parse(good[i].text, &pairs, NULL), ERR_OK);
                for (size_t k = 0; k < pairs.count; k++)
                        snprintf(got + strlen(got), sizeof got - strlen(got), "%s=%s;", pairs.item[k].key, pairs.item[k].value);
                assert_string_equal(got, good[i].expected);
        }
        for (size_t i = 0; i < ARRAY_COUNT(bad); i++) assert_int_equal(pairs_parse(bad[i], &pairs, &note), i == 3 ? ERR_LIMIT : ERR_INVAL);
        memset(longest, 'x', sizeof longest - 1);
        longest[1] = ':';
        longest[sizeof longest - 1] = '\0';
        assert_int_equal(pairs_parse(longest, &pairs, &note), ERR_LIMIT);
        longest[PAIRS_TEXT_BYTES - 1] = '\0';
        assert_int_equal(pairs_parse(longest, &pairs, &note), ERR_OK);
}

static void test_json_bad(void **state)
{
        static const struct {
                const char *text, *note;
        } rows[] = {
                { "{\"a\":}", "not valid JSON at line 1, column 6" },
                { "{}\n x", "not valid JSON at line 2, column 2" },
                { "", "not valid JSON at line 1, column 1" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                struct json *j = (struct json *)(uintptr_t)0x1;
                struct err_note note = { .text = "" };

                ROW(rows[i].text, json_parse(rows[i].text, strlen(rows[i].text), &j, &note) == ERR_PARSE);
                ROW(rows[i].text, j == (struct json *)(uintptr_t)0x1);
                assert_string_equal(note.text, rows[i].note);
        }
}

static void test_json_depth(void **state)
{
        char deep[2 * 200 + 1];
        struct json *j = NULL;

        (void)state;
        memset(deep, '[', 200);
        memset(deep + 200, ']', 200);
        assert_int_equal(json_parse(deep, 400, &j, NULL), ERR_LIMIT);
        assert_null(j);
}

static void test_json_build(void **state)
{
        AUTO(json_free) struct json *o = json_object();
        struct json *list = json_array();

        (void)state;
        json_push(list, json_number(1.5));
        json_push(list, json_string("a\xff\"\n"));
        json_push(list, json_number(0.0 / 0.0));
        json_set(o, "list", list);
        json_set_bool(o, "yes", true);
        json_set_str(o, "yes", "replaced");
        assert_prints(o, "{\"list\":[1.5,\"a\xef\xbf\xbd\\\"\\n\",null],\"yes\":\"replaced\"}");
        assert_true(json_value(json_path(o, "/list/0")) == 1.5);
        assert_null(json_path(o, "/list/9"));
        assert_null(json_path(o, "/none/x"));
        assert_string_equal(json_type_name(json_path(o, "/list/0")), "number");
}

/* RFC 7396, appendix A. */
static void test_merge_patch(void **state)
{
        static const struct {
                const char *target, *patch, *result;
        } rows[] = {
                { "{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}" }, { "{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}" },
                { "{\"a\":\"b\"}", "{\"a\":null}", "{}" }, { "{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}" },
                { "{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}" }, { "{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}" },
                { "{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}" },
                { "{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}" }, { "[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]" },
                { "{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]" }, { "{\"a\":\"foo\"}", "null", "null" }, { "{\"a\":\"foo\"}", "\"bar\"", "\"bar\"" },
                { "{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}" }, { "[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}" },
                { "{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                AUTO(json_free) struct json *target = parsed(rows[i].target);
                AUTO(json_free) struct json *patch = parsed(rows[i].patch);
                AUTO(json_free) struct json *result = parsed(rows[i].result);

                assert_int_equal(json_merge_patch(&target, patch), ERR_OK);
                ROW(rows[i].patch, json_equal(target, result));
        }
}

static void test_json_faults(void **state)
{
        (void)state;
        for (size_t nth = 1;; nth++) {
                struct json *o = NULL;
                struct buf b;
                bool fired;
                enum err e;

                buf_init(&b, 1000);
                fault_arm(nth, false);
                o = json_object();
                json_set_str(o, "a", "text");
                json_set(o, "b", json_array());
                e = json_print(o, &b);
                fired = fault_disarm();
                assert_true(!fired == (e == ERR_OK));
                json_free(o);
                buf_done(&b);
                assert_int_equal(alloc_live_count(), 0);
                if (!fired) break;
        }
}

static struct yaml *yaml_of(const char *text, struct diag_list *diags)
{
        struct yaml *y = NULL;

        diag_list_init(diags, "f.yaml");
        if (yaml_parse(text, strlen(text), diags, &y)) assert_null(y);
        return y;
}

static void test_yaml_places(void **state)
{
        struct diag_list diags;
        AUTO(yaml_free) struct yaml *y = yaml_of("a: 1\nb:\n  - x: 'no'\n    y: no\n  - {z: 2.5, e: }\n", &diags);
        AUTO(json_free) struct json *j = NULL;

        (void)state;
        assert_non_null(y);
        assert_int_equal(yaml_at(y, "/b/0/y")->line, 4);
        assert_int_equal(yaml_at(y, "/b/0/y")->column, 8);
        assert_int_equal(yaml_at(y, "/b/1/z")->line, 5);
        assert_int_equal(yaml_get(y, "b")->key_line, 2);
        assert_int_equal(yaml_at(y, "/b/7/q")->line, 3);
        j = yaml_to_json(y);
        assert_prints(j, "{\"a\":1,\"b\":[{\"x\":\"no\",\"y\":\"no\"},{\"z\":2.5,\"e\":null}]}");
        assert_string_equal(yaml_kind_name(yaml_get(y, "a")), "a number");
        diag_list_done(&diags);
}

static void test_yaml_bad(void **state)
{
        static const struct {
                const char *text, *says;
        } rows[] = {
                { "a: [1", "f.yaml:2:1: error: not valid YAML" }, { "a: 1\na: 2\n", "f.yaml:2:1: error: key 'a' appears twice" },
                { "a: &x 1\nb: *x\n", "f.yaml:2:4: error: aliases (*name) are not supported" }, { "", "f.yaml:1:1: error: the file is empty" },
                { "? [1]\n: 2\n", "f.yaml:1:3: error: a key must be plain text" }, { "a: 1\n---\nb: 2\n", "f.yaml:2:1: error: a second document" },
                { "a: \"x\\0y\"\n", "f.yaml:1:4: error: the text holds a NUL byte" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                struct diag_list diags;
                struct yaml *y = yaml_of(rows[i].text, &diags);
                AUTO_BUF b;

                buf_init(&b, 4096);
                diag_list_print(&diags, &b);
                ROW(rows[i].text, y == NULL && diags.error_count >= 1);
                if (!str_starts(b.data, rows[i].says)) fail_msg("%s\n is not\n%s", b.data, rows[i].says);
                diag_list_done(&diags);
        }
        assert_int_equal(alloc_live_count(), 0);
}

static void test_yaml_faults(void **state)
{
        (void)state;
        for (size_t nth = 1;; nth++) {
                struct diag_list diags;
                struct yaml *y;
                bool fired;

                fault_arm(nth, true);
                y = yaml_of("a: {b: [1, 2, {c: d}]}\n", &diags);
                fired = fault_disarm();
                assert_true(fired == (y == NULL));
                yaml_free(y);
                diag_list_done(&diags);
                assert_int_equal(alloc_live_count(), 0);
                if (!fired) break;
        }
}

static void test_yaml_nesting(void **state)
{
        struct diag_list diags;
        char deep[101] = "";

        (void)state;
        memset(deep, '[', 50);
        memset(deep + 50, ']', 50);
        assert_null(yaml_of(deep, &diags));
        assert_int_equal(diags.error_count, 1);
        diag_list_done(&diags);
}

struct findings {
        char text[2048];
};

static void note_finding(void *ctx, const char *pointer, const char *detail)
{
        struct findings *f = ctx;
        size_t used = strlen(f->text);

        snprintf(f->text + used, sizeof f->text - used, "%s: %s;", pointer, detail);
}

static void test_schema(void **state)
{
        static const struct {
                const char *schema, *value, *says;
        } rows[] = {
                { "{\"type\":\"integer\",\"minimum\":1,\"maximum\":64}", "65", ": must be at most 64, is 65;" },
                { "{\"type\":\"integer\"}", "1.5", ": must be an integer, is number;" }, { "{\"type\":\"number\"}", "3", "" },
                { "{\"type\":[\"string\",\"null\"]}", "true", ": must be a string or null, is boolean;" },
                { "{\"enum\":[\"efficient\",\"regressed\"]}", "\"eficient\"",
                  ": must be one of: efficient, regressed (did you mean 'efficient'?);" },
                { "{\"type\":\"object\",\"properties\":{\"worker_threads\":{}},\"additionalProperties\":false}", "{\"worker_thread\":1}",
                  "/worker_thread: unknown key 'worker_thread', did you mean 'worker_threads'?;" },
                { "{\"required\":[\"id\"]}", "{}", ": key 'id' is missing;" },
                { "{\"items\":{\"type\":\"string\"},\"uniqueItems\":true}", "[\"a\",1,\"a\"]",
                  "/0: appears twice in the list;/1: must be a string, is integer;" },
                { "{\"$ref\":\"#/$defs/p\",\"$defs\":{\"p\":{\"exclusiveMinimum\":0}}}", "0", ": must be more than 0, is 0;" },
                { "{\"oneOf\":[{\"type\":\"string\"},{\"minimum\":5}]}", "3", ": must be a string, is integer;" },
                { "{\"pattern\":\"^[a-z]+$\",\"maxLength\":3}", "\"Abcd\"", ": must have at most 3 characters, has 4;: must match ^[a-z]+$;" },
                { "false", "1", ": is not allowed here;" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                AUTO(json_free) struct json *schema = parsed(rows[i].schema);
                AUTO(json_free) struct json *value = parsed(rows[i].value);
                struct findings f = { .text = "" };
                size_t count = schema_check(schema, value, note_finding, &f);

                assert_string_equal(f.text, rows[i].says);
                ROW(rows[i].schema, (count == 0) == (rows[i].says[0] == '\0'));
        }
}

static void test_schema_subset(void **state)
{
        AUTO(json_free) struct json *bad = parsed("{\"properties\":{\"a\":{\"multipleOf\":3}}}");
        AUTO(json_free) struct json *good = parsed("{\"properties\":{\"a\":{\"x-unit\":\"ms\",\"default\":3}}}");
        struct err_note note = { .text = "" };

        (void)state;
        assert_int_equal(schema_supported(bad, &note), ERR_INVAL);
        assert_string_equal(note.text, "schema keyword 'multipleOf' is outside our subset");
        assert_int_equal(schema_supported(good, &note), ERR_OK);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_pairs), cmocka_unit_test(test_json_bad), cmocka_unit_test(test_json_depth), cmocka_unit_test(test_json_build),
                cmocka_unit_test(test_merge_patch), cmocka_unit_test(test_json_faults), cmocka_unit_test(test_yaml_places),
                cmocka_unit_test(test_yaml_bad), cmocka_unit_test(test_yaml_faults), cmocka_unit_test(test_yaml_nesting),
                cmocka_unit_test(test_schema), cmocka_unit_test(test_schema_subset),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
