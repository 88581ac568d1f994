/* The manifest of a pack. */
#include "fixture.h"

#include "server/engine/pack.h"

#define GOOD "schema: 1\nname: acme\ntitle: Acme's drills\nversion: '1.2'\nscenarios: [one.yaml, two-b.yaml]\n"

static void test_good(void **state)
{
        AUTO(scenario_pack_free) struct scenario_pack *pack = NULL;
        struct diag_list diags;

        (void)state;
        diag_list_init(&diags, "pack.yaml");
        assert_int_equal(scenario_pack_load(GOOD, strlen(GOOD), &diags, &pack), ERR_OK);
        assert_int_equal(diags.count, 0);
        assert_string_equal(pack->name, "acme");
        assert_string_equal(pack->version, "1.2");
        assert_string_equal(pack->author, "");
        assert_int_equal(pack->file_count, 2);
        assert_string_equal(pack->file[1], "two-b.yaml");
        diag_list_done(&diags);
}

static void test_bad(void **state)
{
        static const struct {
                const char *name, *text, *says;
        } rows[] = {
                { "empty", "", "0:0: error" },
                { "no name", "schema: 1\ntitle: T\nscenarios: [a.yaml]\n", "a pack has no 'name'" },
                { "bad name", "schema: 1\nname: A B\ntitle: T\nscenarios: [a.yaml]\n", "2:7: error: 'name' is 'A B'; expected is an id" },
                { "unknown key", "schema: 1\nname: a\ntitle: T\nscenario: [a.yaml]\n", "4:1: error: unknown key 'scenario' in a pack; did you mean 'scenarios'?" },
                { "way out", "schema: 1\nname: a\ntitle: T\nscenarios: [../a.yaml]\n", "4:13: error: '../a.yaml' is not a file name" },
                { "absolute", "schema: 1\nname: a\ntitle: T\nscenarios: [/etc/passwd]\n", "4:13: error: '/etc/passwd' is not a file name" },
                { "twice", "schema: 1\nname: a\ntitle: T\nscenarios: [a.yaml, a.yaml]\n", "4:21: error: 'a.yaml' is named twice" },
                { "none", "schema: 1\nname: a\ntitle: T\nscenarios: []\n", "'scenarios' has 0 items; expected are 1 to 200" },
                { "a list", "- a\n", "a pack is a list; expected is a mapping" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                struct scenario_pack *pack = (void *)1;
                struct diag_list diags;
                AUTO_BUF out;

                buf_init(&out, 1 << 16);
                diag_list_init(&diags, "f");
                ROW(rows[i].name, scenario_pack_load(rows[i].text, strlen(rows[i].text), &diags, &pack) == ERR_PARSE);
                ROW(rows[i].name, pack == (void *)1);
                diag_list_print(&diags, &out);
                if (i && !strstr(out.data, rows[i].says)) fail_msg("row '%s': %s", rows[i].name, out.data);
                diag_list_done(&diags);
        }
}

static void test_no_memory(void **state)
{
        (void)state;
        for (size_t nth = 1;; nth++) {
                struct scenario_pack *pack = NULL;
                struct diag_list diags;
                bool fired;
                enum err e;

                diag_list_init(&diags, "f");
                fault_arm(nth, false);
                e = scenario_pack_load(GOOD, strlen(GOOD), &diags, &pack);
                fired = fault_disarm();
                assert_int_equal(e, fired ? ERR_NOMEM : ERR_OK);
                assert_true(!e || !pack);
                scenario_pack_free(pack);
                diag_list_done(&diags);
                assert_int_equal(alloc_live_count(), 0);
                if (!fired) break;
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good),
                cmocka_unit_test(test_bad),
                cmocka_unit_test(test_no_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
