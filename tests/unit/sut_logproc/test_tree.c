/* tree: shapes that real traces have, and those that they should not have. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "sut/logproc/tree.h"

struct span_row {
        const char *id, *parent;
        double start_us, duration_ms;
};

struct tree_row {
        const char *name;
        struct span_row spans[6];
        const char *shape; /* "a(b*(c)d)": children in brackets, * on the critical path */
};

static const struct tree_row rows[] = {
        {"one span", {{"a", "", 0, 10}}, "a*"},
        {"two children, one after the other: both were waited for", {{"a", "", 0, 10}, {"b", "a", 1000, 3}, {"c", "a", 5000, 4}}, "a*(b*c*)"},
        {"two children at once: the later end was waited for", {{"a", "", 0, 10}, {"b", "a", 1000, 4}, {"c", "a", 1000, 8}}, "a*(bc*)"},
        {"a child that outlives its parent was not waited for", {{"a", "", 0, 10}, {"b", "a", 9000, 50}}, "a*(b)"},
        {"a child that ends a moment after its parent was waited for", {{"a", "", 0, 10}, {"b", "a", 1000, 9.4}}, "a*(b*)"},
        {"parent is missing: two roots", {{"a", "", 0, 10}, {"b", "x", 1000, 3}}, "a*b*"},
        {"its own parent", {{"a", "a", 0, 10}}, "a*"},
        {"a circle of parents is cut at its first span", {{"a", "b", 0, 10}, {"b", "a", 1000, 3}}, "a*(b*)"},
        {"grandchildren", {{"a", "", 0, 10}, {"b", "a", 1000, 8}, {"c", "b", 2000, 5}, {"d", "c", 3000, 2}}, "a*(b*(c*(d*)))"},
};

static void shape_print(const struct json *span, struct buf *b)
{
        buf_str(b, json_get_str(span, "span_id", "?"));
        if (json_get_bool(span, "critical", false)) buf_char(b, '*');
        if (json_count(json_get(span, "children")) == 0) return;
        buf_char(b, '(');
        JSON_EACH(child, json_get(span, "children")) shape_print(child, b);
        buf_char(b, ')');
}

static void shapes(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                AUTO(json_free) struct json *spans = json_array(), *tree = NULL;
                AUTO_BUF shape;

                for (int s = 0; s < 6 && rows[i].spans[s].id; s++) {
                        struct json *span = json_object();

                        json_set_str(span, "span_id", rows[i].spans[s].id);
                        json_set_str(span, "parent_id", rows[i].spans[s].parent);
                        json_set_str(span, "service", "api");
                        json_set_num(span, "start_us", rows[i].spans[s].start_us);
                        json_set_num(span, "duration_ms", rows[i].spans[s].duration_ms);
                        json_push(spans, span);
                }
                buf_init(&shape, 1000);
                tree = tree_make("t", spans);
                JSON_EACH(root, json_get(tree, "roots")) shape_print(root, &shape);
                print_message("%s\n", rows[i].name);
                assert_string_equal(shape.data, rows[i].shape);
        }
        assert_int_equal(alloc_live_count(), 0);
}

/* A chain deeper than the limit becomes several roots instead of a deep recursion. */
static void depth_is_bounded(void **state)
{
        AUTO(json_free) struct json *spans = json_array(), *tree = NULL;
        char id[16], parent[16] = "";

        (void)state;
        for (int i = 0; i < 200; i++) {
                struct json *span = json_object();

                snprintf(id, sizeof id, "s%d", i);
                json_set_str(span, "span_id", id);
                json_set_str(span, "parent_id", parent);
                json_set_num(span, "start_us", i);
                json_push(spans, span);
                memcpy(parent, id, sizeof parent);
        }
        tree = tree_make("t", spans);
        assert_non_null(tree);
        assert_int_equal(json_get_int(tree, "spans", 0), 200);
        assert_true(json_count(json_get(tree, "roots")) >= 2);
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(shapes), cmocka_unit_test(depth_is_bounded)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
