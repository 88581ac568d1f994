/* Every malformed scenario of corpus/ is refused (or warned about) with exactly the findings its first lines expect:
 *   # expect: LINE:COLUMN: error: MESSAGE
 * A finding that is not expected fails, too: one mistake is told once, and drags no others along. */
#include "fixture.h"

#include <dirent.h>

#include "server/engine/run_json.h"

enum { CORPUS_MIN = 60 };

static struct fixture fixture;

/* Lines of the findings that the head of the file expects, sorted as they come. */
static void expected_of(const char *text, struct buf *out)
{
        static const char head[] = "# expect: ";

        while (str_starts(text, head)) {
                size_t size = strcspn(text, "\n");

                buf_append(out, text + strlen(head), size - strlen(head));
                buf_char(out, '\n');
                text += size + 1;
        }
}

static void findings_of(const struct diag_list *diags, struct buf *out)
{
        for (size_t i = 0; i < diags->count; i++)
                buf_printf(out, "%zu:%zu: %s: %s\n", diags->items[i].line, diags->items[i].column,
                           diags->items[i].severity == DIAG_ERROR ? "error" : "warning", diags->items[i].message);
}

static bool check_one(const char *path)
{
        struct scenario *s = NULL;
        struct diag_list diags;
        size_t size;
        char *text = fixture_read(path, &size);
        bool good, fails;
        enum err e;
        AUTO_BUF want;
        AUTO_BUF have;

        buf_init(&want, 1 << 16);
        buf_init(&have, 1 << 16);
        diag_list_init(&diags, path);
        e = scenario_load(text, size, NULL, &fixture.stack.world, &diags, &s);
        expected_of(text, &want);
        findings_of(&diags, &have);
        fails = strstr(want.data, ": error: ") != NULL;
        good = strcmp(want.data, have.data) == 0 && want.size_bytes > 0 && (e == ERR_PARSE) == fails && (s == NULL) == fails;
        if (!good) fprintf(stderr, "%s: %s\nexpected:\n%sfound:\n%s\n", path, err_text(e), want.data, have.data);
        diag_list_done(&diags);
        scenario_free(s);
        free(text);
        return good;
}

static void test_corpus(void **state)
{
        static const char folder[] = "tests/unit/server_engine/corpus";
        DIR *dir = opendir(folder);
        size_t count = 0, bad = 0;

        (void)state;
        assert_non_null(dir);
        for (struct dirent *entry; (entry = readdir(dir));) {
                char path[512];

                if (!str_ends(entry->d_name, ".yaml")) continue;
                snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
                count++;
                bad += !check_one(path);
        }
        closedir(dir);
        assert_int_equal(bad, 0);
        assert_true(count >= CORPUS_MIN);
}

/* Faults of the file as a whole, which have no place in it. */
static void test_whole_files(void **state)
{
        static const struct {
                const char *name, *text, *file, *says;
        } rows[] = {
                { "empty", "", NULL, "empty" },
                { "only a comment", "# nothing\n", NULL, "empty" },
                { "not YAML", "a: [\n", NULL, "not valid YAML" },
                { "a key twice", "schema: 1\nschema: 1\n", NULL, "schema" },
                { "an anchor", "a: &x 1\nb: *x\n", NULL, "aliases (*name) are not supported" },
                { "binary", "\x01\x02\x03", NULL, "not valid YAML" },
                { "other name", "schema: 1\nid: one\n", "dir/two.yaml", "id 'one' is not the file's name; expected is 'two', or a file named 'one.yaml'" },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                struct scenario *s = (void *)1;
                struct diag_list diags;
                AUTO_BUF out;

                buf_init(&out, 1 << 16);
                diag_list_init(&diags, "f");
                ROW(rows[i].name, scenario_load(rows[i].text, strlen(rows[i].text), rows[i].file, &fixture.stack.world, &diags, &s) != ERR_OK);
                ROW(rows[i].name, s == (void *)1);
                diag_list_print(&diags, &out);
                if (!strstr(out.data, rows[i].says)) fail_msg("row '%s': %s", rows[i].name, out.data);
                diag_list_done(&diags);
        }
}

static void test_too_large(void **state)
{
        char *text = malloc(SCENARIO_FILE_BYTES_MAX + 1);
        struct scenario *s = (void *)1;
        struct diag_list diags;

        (void)state;
        memset(text, '#', SCENARIO_FILE_BYTES_MAX + 1);
        diag_list_init(&diags, "f");
        assert_int_equal(scenario_load(text, SCENARIO_FILE_BYTES_MAX + 1, NULL, &fixture.stack.world, &diags, &s), ERR_LIMIT);
        assert_ptr_equal(s, (void *)1);
        diag_list_done(&diags);
        free(text);
}

static void test_no_memory(void **state)
{
        size_t size, live;
        char *text = fixture_read("scenarios/worker-pool-saturation.yaml", &size);
        struct scenario *whole = fixture_load(&fixture, text);

        (void)state;
        live = alloc_live_count();
        for (size_t nth = 1;; nth += nth < 200 ? 1 : 5) { /* every place at the beginning, every fifth later: a prime to the file's own rhythm */
                struct scenario *s = NULL;
                struct diag_list diags;
                bool fired;
                enum err e;

                diag_list_init(&diags, "f");
                fault_arm(nth, false);
                e = scenario_load(text, size, NULL, &fixture.stack.world, &diags, &s);
                fired = fault_disarm();
                diag_list_done(&diags);
                if (e != ERR_OK && e != ERR_NOMEM) fail_msg("allocation %zu: %s", nth, err_text(e));
                if ((e && s) || (e && !fired)) fail_msg("allocation %zu: %s", nth, err_text(e));
                if (!e) { /* an allocation one can do without, such as the place in a message */
                        AUTO_BUF one;
                        AUTO_BUF two;

                        buf_init(&one, 1 << 20);
                        buf_init(&two, 1 << 20);
                        scenario_json(s, true, &one);
                        scenario_json(whole, true, &two);
                        assert_string_equal(one.data, two.data);
                }
                scenario_free(s);
                assert_int_equal(alloc_live_count(), live);
                if (!fired) break;
        }
        scenario_free(whole);
        free(text);
}

static int setup(void **state)
{
        (void)state;
        fixture_init(&fixture, true);
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        fixture_done(&fixture);
        return alloc_live_count() == 0 ? 0 : 1;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_corpus),
                cmocka_unit_test(test_whole_files),
                cmocka_unit_test(test_too_large),
                cmocka_unit_test(test_no_memory),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
