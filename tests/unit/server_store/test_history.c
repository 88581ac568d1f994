/* What is kept of finished runs: the best recording is found, old ones go, episodes outlive their runs. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "server/store/history.h"

static char test_dir[64], test_path[96];
static struct store *store;

static int setup(void **state)
{
        struct err_note note;

        (void)state;
        (void)snprintf(test_dir, sizeof(test_dir), "/tmp/fd-history-XXXXXX");
        if (!mkdtemp(test_dir)) return 1;
        (void)snprintf(test_path, sizeof(test_path), "%s/firedrill.db", test_dir);
        return store_open(test_path, &store, &note) ? 1 : 0;
}

static int teardown(void **state)
{
        static const char *const suffixes[] = { "", "-wal", "-shm" };
        char path[128];

        (void)state;
        store_free(store);
        for (size_t i = 0; i < ARRAY_COUNT(suffixes); i++) {
                (void)snprintf(path, sizeof(path), "%s%s", test_path, suffixes[i]);
                (void)unlink(path);
        }
        return rmdir(test_dir) || alloc_live_count();
}

static void put(const char *policy, const char *model, int64_t seed, const char *document)
{
        const struct history_recording r = { .scenario = "pool", .source = "abc", .policy = policy, .model = model, .outcome = "resolved",
                                             .document = document, .seed = seed, .recorded_ms = 1000 + seed, .fast = true };

        assert_int_equal(history_recording_put(store, &r, NULL), ERR_OK);
}

static enum err copy_document(void *ctx, const struct history_recording *r)
{
        str_cut(ctx, 32, r->document);
        return ERR_OK;
}

static void expect_found(const char *source, const char *policy, int64_t seed, bool fast, const char *document)
{
        const struct history_recording like = { .scenario = "pool", .source = source, .policy = policy, .seed = seed, .fast = fast };
        char found[32] = "";

        assert_int_equal(history_recording_find(store, &like, copy_document, found, NULL), ERR_OK);
        assert_string_equal(found, document);
}

static enum err count_one(void *ctx, const struct history_recording *r)
{
        (void)r;
        ++*(int *)ctx;
        return ERR_OK;
}

static void test_recordings(void **state)
{
        int count = 0;

        (void)state;
        put("agent", "m1", 7, "old");
        put("agent", "m1", 7, "seven");
        put("agent", "m2", 8, "eight");
        put("rule", "", 7, "rule");
        expect_found("abc", "agent", 7, true, "seven");  /* the same seed, though another is newer */
        expect_found("abc", "agent", 99, true, "eight"); /* else the newest */
        expect_found("abc", "rule", 99, true, "rule");
        expect_found("abc", "tuned", 7, true, "");
        expect_found("changed", "agent", 7, true, ""); /* another incident under the same name */
        expect_found("abc", "agent", 7, false, "");    /* another pace */
        assert_int_equal(history_recording_each(store, "pool", 10, count_one, &count, NULL), ERR_OK);
        assert_int_equal(count, 3); /* the second replaced the first */
        count = 0;
        assert_int_equal(history_recording_each(store, "other", 10, count_one, &count, NULL), ERR_OK);
        assert_int_equal(count, 0);
}

static void test_recordings_limit(void **state)
{
        int count = 0;

        (void)state;
        for (int i = 0; i < HISTORY_RECORDINGS_MAX + 5; i++) put("agent", "m1", i + 1, "x");
        assert_int_equal(history_recording_each(store, NULL, HISTORY_RECORDINGS_MAX + 9, count_one, &count, NULL), ERR_OK);
        assert_int_equal(count, HISTORY_RECORDINGS_MAX);
        expect_found("abc", "agent", HISTORY_RECORDINGS_MAX + 5, true, "x");
}

static enum err copy_text(void *ctx, const char *document)
{
        str_cut(ctx, 32, document);
        return ERR_OK;
}

static void test_comparison(void **state)
{
        struct store_run run = { .scenario = "pool", .driver = "learner", .advice = "off", .seed = 7, .stack = 1, .state = "preparing", .reason = "",
                                 .onset_ms = STORE_TIME_NONE, .ended_ms = STORE_TIME_NONE, .source = "id: pool\n" };
        char text[32] = "";
        struct err_note note;

        (void)state;
        assert_int_equal(history_comparison_get(store, 1, copy_text, text, &note), ERR_NOT_FOUND);
        assert_int_not_equal(history_comparison_put(store, 1, "{}", &note), ERR_OK); /* of a run that is not there */
        assert_int_equal(store_run_new(store, &run, &note), ERR_OK);
        assert_int_equal(history_comparison_put(store, run.id, "{}", &note), ERR_OK);
        assert_int_equal(history_comparison_put(store, run.id, "{\"a\":1}", &note), ERR_OK);
        assert_int_equal(history_comparison_get(store, run.id, copy_text, text, &note), ERR_OK);
        assert_string_equal(text, "{\"a\":1}");
}

static enum err list_one(void *ctx, const struct history_episode *x)
{
        char *text = ctx;
        size_t used = strlen(text);

        (void)snprintf(text + used, 256 - used, "%lld %s %s%s;", (long long)x->run_id, x->scenario, x->lines, x->assisted ? " assisted" : "");
        return ERR_OK;
}

static void test_episodes(void **state)
{
        struct history_episode x = { .run_id = 3, .scenario = "pool", .driver = "learner", .outcome = "resolved", .lines = "a", .seed = 7, .steps = 2, .assisted = true };
        char text[256] = "";
        struct err_note note;

        (void)state;
        assert_int_equal(history_episode_put(store, &x, NULL), ERR_OK);
        x = (struct history_episode){ .run_id = 5, .scenario = "lock", .driver = "agent", .outcome = "time_up", .lines = "b" };
        assert_int_equal(history_episode_put(store, &x, NULL), ERR_OK);
        assert_int_equal(history_episode_each(store, NULL, 0, 10, list_one, text, NULL), ERR_OK);
        assert_string_equal(text, "3 pool a assisted;5 lock b;");
        text[0] = '\0';
        assert_int_equal(history_episode_each(store, NULL, 3, 10, list_one, text, NULL), ERR_OK);
        assert_string_equal(text, "5 lock b;");
        text[0] = '\0';
        assert_int_equal(history_episode_each(store, "pool", 0, 10, list_one, text, NULL), ERR_OK);
        assert_string_equal(text, "3 pool a assisted;");
        text[0] = '\0';
        assert_int_equal(history_episode_get(store, 5, list_one, text, NULL), ERR_OK);
        assert_string_equal(text, "5 lock b;");
        assert_int_equal(history_episode_get(store, 4, list_one, text, &note), ERR_NOT_FOUND);
        assert_non_null(strstr(note.text, "r4"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_recordings, setup, teardown),
                cmocka_unit_test_setup_teardown(test_recordings_limit, setup, teardown),
                cmocka_unit_test_setup_teardown(test_comparison, setup, teardown),
                cmocka_unit_test_setup_teardown(test_episodes, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
