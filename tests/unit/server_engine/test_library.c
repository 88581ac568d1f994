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
        assert_true(loaded_count >= 24);
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

static void expect_words(const struct scenario *s, const char *where, const char *text, const char *const *words, size_t count)
{
        for (size_t i = 0; i < count; i++)
                if (!strstr(text, words[i])) fail_msg("%s: its %s has no paragraph '%s'", s->id, where, words[i]);
}

/* By time, by what was not looked at, by how it goes, and the agent's advice. */
static void expect_hints_of_all_kinds(const struct scenario *s)
{
        bool by_time = false, by_trail = false, by_course = false, by_agent = false;

        for (size_t i = 0; i < s->hint_count; i++) {
                const struct scenario_hint *h = &s->hints[i];

                by_agent |= h->agent;
                by_trail |= h->unless_seen >= 0;
                by_course |= h->when.kind != SCENARIO_WHEN_NONE && !h->agent;
                by_time |= h->after_ms > 0 && h->unless_seen < 0 && h->when.kind == SCENARIO_WHEN_NONE && !h->agent;
        }
        if (!by_time || !by_trail || !by_course || !by_agent)
                fail_msg("%s: hints of all kinds are expected; by time %d, trail %d, course %d, agent %d", s->id, by_time, by_trail, by_course, by_agent);
}

static void expect_story(const struct scenario *s)
{
        size_t faults = 0, herrings = 0, words = 0;

        for (size_t i = 0; i < s->timeline_count; i++) {
                faults += s->timeline[i].kind == SCENARIO_FAULT;
                herrings += s->timeline[i].kind == SCENARIO_HERRING;
                words += s->timeline[i].kind == SCENARIO_SAY;
        }
        if ((faults == 0) != s->false_alarm || herrings == 0 || words == 0)
                fail_msg("%s: a fault, a red herring and somebody who says something are expected", s->id);
        for (int part = 0; part < SCENARIO_TRAIL_COUNT; part++)
                if (s->evidence[part].count == 0) fail_msg("%s: no evidence for the %s", s->id, scenario_trail_text((enum scenario_trail)part));
        if (s->solution_count == 0 && !s->false_alarm) fail_msg("%s: no solution", s->id);
        if (s->wrong_fix_count < 2) fail_msg("%s: two tempting wrong fixes at the least", s->id);
        for (size_t i = 0; i < s->wrong_fix_count; i++)
                if (strlen(s->wrong_fixes[i].explain) < 20) fail_msg("%s: wrong fix %zu is not explained", s->id, i + 1);
}

/* What a learner and an instructor are promised of every scenario. */
static void test_each_is_whole(void **state)
{
        static const char *const debrief[] = { "**What happened.**", "**How to see it.**", "**Repair.**", "**Prevent it.**" };
        static const char *const instructor[] = { "**Aim.**", "**Expected path.**", "**Ask.**" };

        (void)state;
        for (size_t i = 0; i < loaded_count; i++) {
                const struct scenario *s = loaded[i];

                if (strlen(s->brief) < 80 || s->objectives.count < 2) fail_msg("%s: a briefing and two objectives are expected", s->id);
                expect_hints_of_all_kinds(s);
                expect_story(s);
                expect_words(s, "debrief", s->debrief, debrief, ARRAY_COUNT(debrief));
                expect_words(s, "instructor's guide", s->instructor, instructor, ARRAY_COUNT(instructor));
        }
}

static size_t count_level(int level)
{
        size_t count = 0;

        for (size_t i = 0; i < loaded_count; i++)
                count += loaded[i]->level == level;
        return count;
}

static bool has_order(int order)
{
        for (size_t i = 0; i < loaded_count; i++)
                if (loaded[i]->order == order) return true;
        return false;
}

/* The kinds of failure a library of incidents must have; each is somebody's classic. */
static void test_covers_its_areas(void **state)
{
        static const char *const mechanisms[] = {
                "concurrency_limit", "connection_pool_exhausted", "connection_leak", "missing_index", "slow_query", "lock_contention", "retry_amplification",
                "timeout_mismatch", "cache_ineffective", "bad_credentials", "token_expiry", "clock_skew", "poison_message", "slow_consumer", "config_error",
                "config_poisoning", "dependency_slow", "network_fault", "resource_exhausted", "process_hung", "overload", "recurring_job", "monitoring_gap",
                "algorithm_regression", "false_alarm",
        };

        (void)state;
        for (size_t m = 0; m < ARRAY_COUNT(mechanisms); m++) {
                bool found = false;

                for (size_t i = 0; i < loaded_count; i++)
                        for (size_t k = 0; k < loaded[i]->cause_count; k++)
                                found |= str_eq(loaded[i]->causes[k].mechanism, mechanisms[m]);
                if (!found) fail_msg("no scenario is about %s", mechanisms[m]);
        }
        for (int level = 1; level <= 5; level++)
                if (count_level(level) == 0) fail_msg("no scenario has level %d", level);
        for (int order = 1; order <= 5; order++)
                if (!has_order(order)) fail_msg("no scenario has place %d of the suggested path", order);
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
                cmocka_unit_test(test_each_is_whole),
                cmocka_unit_test(test_covers_its_areas),
                cmocka_unit_test(test_no_near_duplicates),
                cmocka_unit_test(test_schema),
                cmocka_unit_test(test_reference),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
