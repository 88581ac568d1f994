/* The shipped scenarios: each loads without a finding (keys and values of the services' configuration included), is valid against scenarios/schema.json, and repeats no other. */
#include "fixture.h"

#include <dirent.h>

#include "common/text/json.h"
#include "common/text/schema.h"
#include "common/text/yaml.h"

enum { FILES_MAX = 100 };

static struct fixture fixture;
static struct scenario *loaded[FILES_MAX];
static size_t loaded_count;

static void load_one(const char *path)
{
        struct diag_list diags;
        size_t size;
        char *text = fixture_read(path, &size);
        AUTO_BUF out;
        enum err e;

        buf_init(&out, 1 << 16);
        diag_list_init(&diags, path);
        e = scenario_load(text, size, path, &fixture.stack.world, &diags, &loaded[loaded_count]);
        diag_list_print(&diags, &out);
        if (e || diags.count) fail_msg("%s: %s", err_text(e), out.data);
        diag_list_done(&diags);
        free(text);
        loaded_count++;
}

static void test_each_loads(void **state)
{
        DIR *dir = opendir("scenarios");

        (void)state;
        assert_non_null(dir);
        for (struct dirent *entry; (entry = readdir(dir));) {
                char path[512];

                if (!str_ends(entry->d_name, ".yaml")) continue;
                snprintf(path, sizeof path, "scenarios/%s", entry->d_name);
                load_one(path);
        }
        closedir(dir);
        assert_true(loaded_count >= 4);
}

static void test_guide_names_each(void **state)
{
        size_t size;
        char *guide = fixture_read("docs/instructors.md", &size);

        (void)state;
        for (size_t i = 0; i < loaded_count; i++) {
                char cell[SCENARIO_ID_BYTES_MAX + 8];

                snprintf(cell, sizeof cell, "| `%s` ", loaded[i]->id);
                if (!strstr(guide, cell)) fail_msg("docs/instructors.md does not list %s", loaded[i]->id);
        }
        free(guide);
}

static void test_no_near_duplicates(void **state)
{
        (void)state;
        for (size_t i = 0; i < loaded_count; i++)
                for (size_t k = 0; k < i; k++) {
                        double likeness = scenario_likeness(loaded[i], loaded[k]);

                        if (likeness >= SCENARIO_NEAR_DUPLICATE) fail_msg("%s and %s are %.2f alike", loaded[i]->id, loaded[k]->id, likeness);
                        if (loaded[i]->order && loaded[i]->order == loaded[k]->order) fail_msg("%s and %s have the same order", loaded[i]->id, loaded[k]->id);
                }
}

static void schema_finding(void *ctx, const char *pointer, const char *detail)
{
        fprintf(stderr, "%s: %s %s\n", (const char *)ctx, pointer, detail);
}

/* A committed file is what the tables say. If a change is meant, the test tells how to renew it. */
static void expect_file(const char *path, const char *made)
{
        const char *build = getenv("FD_BUILD_DIR"), *base = strrchr(path, '/') + 1;
        char out[512];
        size_t size;
        char *text = fixture_read(path, &size);
        FILE *f;

        while (size && text[size - 1] == '\n')
                text[--size] = '\0';
        if (strncmp(made, text, size) == 0 && strspn(made + size, "\n") == strlen(made + size)) {
                free(text);
                return;
        }
        free(text);
        snprintf(out, sizeof out, "%s/%s", build ? build : "build/dev", base);
        f = fopen(out, "w");
        if (f) fprintf(f, "%s%s", made, made[strlen(made) - 1] == '\n' ? "" : "\n"), fclose(f);
        fail_msg("%s is not what the tables say; if that is meant: cp %s %s", path, out, path);
}

static void test_reference(void **state)
{
        AUTO_BUF made;

        (void)state;
        buf_init(&made, 1 << 20);
        scenario_reference_write(&made);
        assert_int_equal(buf_status(&made), ERR_OK);
        expect_file("docs/scenario-reference.md", made.data);
}

static void test_schema(void **state)
{
        AUTO(json_free) struct json *schema = NULL;
        struct err_note note = { 0 };
        size_t size;
        char *text = fixture_read("scenarios/schema.json", &size);
        DIR *dir = opendir("scenarios");
        AUTO_BUF made;

        (void)state;
        buf_init(&made, 1 << 20);
        assert_int_equal(scenario_schema_write(&made), ERR_OK);
        expect_file("scenarios/schema.json", made.data);
        assert_int_equal(json_parse(text, size, &schema, &note), ERR_OK);
        if (schema_supported(schema, &note) != ERR_OK) fail_msg("%s", note.text);
        for (struct dirent *entry; (entry = readdir(dir));) {
                char path[512];
                struct diag_list diags;
                AUTO(yaml_free) struct yaml *root = NULL;
                AUTO(json_free) struct json *value = NULL;
                char *yaml;

                if (!str_ends(entry->d_name, ".yaml")) continue;
                snprintf(path, sizeof path, "scenarios/%s", entry->d_name);
                yaml = fixture_read(path, &size);
                diag_list_init(&diags, path);
                assert_int_equal(yaml_parse(yaml, size, &diags, &root), ERR_OK);
                value = yaml_to_json(root);
                assert_int_equal(schema_check(schema, value, schema_finding, path), 0);
                diag_list_done(&diags);
                free(yaml);
        }
        closedir(dir);
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
        for (size_t i = 0; i < loaded_count; i++)
                scenario_free(loaded[i]);
        fixture_done(&fixture);
        return alloc_live_count() == 0 ? 0 : 1;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_each_loads),
                cmocka_unit_test(test_guide_names_each),
                cmocka_unit_test(test_no_near_duplicates),
                cmocka_unit_test(test_schema),
                cmocka_unit_test(test_reference),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
