/* common/stack: the real list loads and is complete; every kind of fault in it is told with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/mem.h"
#include "common/stack/stack.h"

#define TWO(b_keys)                                                                                                    \
        "schema: 1\nservices:\n  - {name: a, title: A, kind: service, program: pa, port: 1}\n"                         \
        "  - {name: b, title: B, kind: service, program: pb, " b_keys "}\n"

static const struct row {
        const char *name, *text, *expect;
} rows[] = {
        {"unknown key", TWO("port: 2, neds: [a]"), "f:4:62: error: unknown key 'neds'; did you mean 'needs'?"},
        {"unknown need", TWO("port: 2, needs: [aa]"), "f:4:70: error: no service 'aa'; did you mean 'a'?"},
        {"same port", TWO("port: 1"), "f:4:5: error: port 1 of 'b' is taken already by 'a'"},
        {"no port", TWO("number: 1"), "f:4:5: error: the key 'port' is missing"},
        {"port too high", TWO("port: 70000"), "f:4:59: error: 'port' must be a whole number from 1 to 65535"},
        {"circle", TWO("port: 2, needs: [b]"), "f:4:5: error: 'b' needs itself, in a circle of 'needs'"},
        {"bad kind", "schema: 1\nservices: [{name: a, title: A, kind: demon, program: p, port: 1}]\n",
         "f:2:38: error: 'kind' is 'demon', but must be one of: service, adapter, component"},
        {"adapter of nothing", "schema: 1\nservices: [{name: a, title: A, kind: adapter, program: p, port: 1}]\n",
         "f:2:12: error: adapter 'a' must say 'adapter_of'"},
        {"other schema", "schema: 2\nservices: [{name: a, title: A, kind: service, program: p, port: 1}]\n",
         "f:1:9: error: this program reads schema 1"},
        {"no services", "schema: 1\nservices: []\n", "f:2:11: error: 'services' must be a list of 1 to 32 services"},
        {"upper case name", "schema: 1\nservices: [{name: A, title: A, kind: service, program: p, port: 1}]\n",
         "f:2:12: error: 'A' is not a name: lower case letters, digits, - and _, at most 24"},
};

static void test_findings(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                struct stack_spec *spec = (void *)1;
                struct diag_list diags;
                AUTO_BUF out;

                buf_init(&out, 4096);
                diag_list_init(&diags, "f");
                assert_int_equal(stack_spec_parse(rows[i].text, strlen(rows[i].text), &diags, &spec), ERR_PARSE);
                assert_ptr_equal(spec, (void *)1);
                diag_list_print(&diags, &out);
                if (!strstr(out.data, rows[i].expect))
                        fail_msg("%s: expected\n%s\ngot\n%s", rows[i].name, rows[i].expect, out.data);
                diag_list_done(&diags);
        }
}

static char *read_all(size_t *ret_bytes)
{
        FILE *f = fopen("sut/stack.yaml", "r");
        char *text = mem_alloc(65536);

        assert_non_null(f);
        assert_non_null(text);
        *ret_bytes = fread(text, 1, 65536, f);
        (void)fclose(f);
        return text;
}

static void test_real_list(void **state)
{
        static const struct {
                const char *name;
                unsigned port;
        } expect[] = {{"gateway", 8000}, {"api", 8010},      {"auth", 8020},       {"config", 8030},
                      {"worker", 8040},  {"payments", 8050}, {"logproc", 8060},    {"loadgen", 8070},
                      {"db", 8110},      {"cache", 8120},    {"mq", 8130},         {"postgres", 5432},
                      {"redis", 6379},   {"nats", 4222},     {"prometheus", 9090}, {"alertmanager", 9093}};
        struct diag_list diags;
        struct stack_spec *spec = NULL;
        size_t bytes, edge = 999, numbers = 0;
        char *text = read_all(&bytes), name[64];
        struct err_note note;

        (void)state;
        diag_list_init(&diags, "sut/stack.yaml");
        assert_int_equal(stack_spec_parse(text, bytes, &diags, &spec), ERR_OK);
        assert_int_equal(spec->services_count, ARRAY_COUNT(expect));
        for (size_t i = 0; i < ARRAY_COUNT(expect); i++) {
                int at = stack_service_find(spec, expect[i].name);

                assert_true(at >= 0);
                assert_int_equal(spec->services[at].port, expect[i].port);
        }
        for (size_t i = 0; i < spec->services_count; i++) numbers |= 1u << spec->services[i].number;
        for (size_t i = 0; i < spec->outside_count; i++) numbers |= 1u << spec->outside[i].number;
        assert_int_equal(numbers & 0x1ffe, 0x1ffe); /* 1 to 12, each has a place */

        assert_int_equal(stack_edge_find(spec, "api->postgres", &edge, &note), ERR_OK);
        stack_edge_name(spec, edge, name, sizeof(name));
        assert_string_equal(name, "api->db");
        assert_int_equal(stack_edge_find(spec, "apy->db", &edge, &note), ERR_NOT_FOUND);
        assert_string_equal(note.text, "no service 'apy'; did you mean 'api'?");
        assert_int_equal(stack_edge_find(spec, "gateway->db", &edge, &note), ERR_NOT_FOUND);
        assert_string_equal(note.text, "gateway has no edge to 'db'; it has: config, api, auth, logproc");
        assert_int_equal(stack_edge_find(spec, "gateway", &edge, &note), ERR_NOT_FOUND);
        stack_spec_free(spec);
        diag_list_done(&diags);
        mem_free(text);
}

static void test_nth_fault(void **state)
{
        size_t bytes, live = alloc_live_count();
        char *text = read_all(&bytes);

        (void)state;
        for (size_t nth = 1;; nth += nth / 20 + 1) { /* every early point, then ever wider: the list has thousands */
                struct stack_spec *spec = NULL;
                struct diag_list diags;
                enum err e;
                bool fired;

                diag_list_init(&diags, "f");
                fault_arm(nth, false);
                e = stack_spec_parse(text, bytes, &diags, &spec);
                fired = fault_disarm();
                assert_int_equal(fired, e != ERR_OK);
                assert_true(e == ERR_OK || !spec);
                stack_spec_free(spec);
                diag_list_done(&diags);
                if (!fired) break;
        }
        mem_free(text);
        assert_int_equal(alloc_live_count(), live);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_findings),
                cmocka_unit_test(test_real_list),
                cmocka_unit_test(test_nth_fault),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
