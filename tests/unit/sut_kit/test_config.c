#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/file.h"
#include "common/text/schema.h"
#include "sut/kit/config.h"

enum { THREADS, RATIO, DEBUG, ALGORITHM, NAME, TAGS, KNOB_COUNT };
static const char *const algorithms[] = { "efficient", "regressed", NULL };
static const struct knob knobs[KNOB_COUNT] = {
        [THREADS] = KNOB_INT("worker_threads", 8, 1, 64, "threads", "Workers", "Worker threads", "How many."),
        [RATIO] = KNOB_NUM("ratio", 0.5, 0, 1, "", "Workers", "Ratio", "How much."),
        [DEBUG] = KNOB_SWITCH("debug", 0, "Logs", "Debug", "Whether."),
        [ALGORITHM] = KNOB_ONE_OF_DEPLOY("algorithm", "efficient", algorithms, "Business", "Algorithm", "Which."),
        [NAME] = KNOB_TEXT("name", "shop", "Business", "Name", "Who."),
        [TAGS] = KNOB_WORDS("tags", "Business", "Tags", "What."),
};

struct seen {
        int applied, changed;
        enum err refuse;
};

static enum err seen_apply(void *ctx, const struct json *changed, struct err_note *reterr)
{
        struct seen *seen = ctx;

        if (seen->refuse) return err_note(reterr, seen->refuse, "the server said no");
        seen->applied += (int)json_count(changed);
        return ERR_OK;
}

static void seen_changed(void *ctx)
{
        ((struct seen *)ctx)->changed++;
}

static struct kit_config *config_of(const char *path, struct seen *seen)
{
        struct kit_config_hooks hooks = { seen, seen_apply, seen_changed };
        struct kit_config *c = NULL;

        assert_int_equal(kit_config_new("Test", knobs, KNOB_COUNT, path, seen ? &hooks : NULL, &c), ERR_OK);
        return c;
}

static struct json *parsed(const char *text)
{
        struct json *j = NULL;
        struct err_note note;

        if (json_parse(text, strlen(text), &j, &note)) fail_msg("%s", note.text);
        return j;
}

static enum err patched(struct kit_config *c, const char *text, char *out, size_t out_bytes)
{
        struct json *patch = parsed(text), *changed = NULL, *findings = NULL;
        struct err_note note = { 0 };
        struct buf b;
        enum err e = kit_config_patch(c, patch, "learner", "test", 1000, &changed, &findings, &note);

        buf_init(&b, 4096);
        if (changed || findings) assert_int_equal(json_print(changed ? changed : findings, &b), ERR_OK);
        if (out) str_cut(out, out_bytes, b.size_bytes ? b.data : note.text);
        buf_done(&b);
        json_free(patch);
        json_free(changed);
        json_free(findings);
        return e;
}

static void test_patch_rows(void **state)
{
        static const struct {
                const char *name, *patch;
                enum err want;
                const char *answer;
        } rows[] = {
                { "one value", "{\"worker_threads\":2}", ERR_OK, "{\"worker_threads\":{\"from\":8,\"to\":2}}" },
                { "same value", "{\"worker_threads\":8}", ERR_OK, "{}" },
                { "null is the default", "{\"worker_threads\":null}", ERR_OK, "{}" },
                { "choice", "{\"algorithm\":\"regressed\"}", ERR_OK, "{\"algorithm\":{\"from\":\"efficient\",\"to\":\"regressed\"}}" },
                { "list", "{\"tags\":[\"a\"]}", ERR_OK, "{\"tags\":{\"from\":[],\"to\":[\"a\"]}}" },
                { "too much", "{\"worker_threads\":65}", ERR_INVAL,
                  "[{\"pointer\":\"/worker_threads\",\"detail\":\"must be at most 64, is 65\"}]" },
                { "wrong type", "{\"debug\":1}", ERR_INVAL, "[{\"pointer\":\"/debug\",\"detail\":\"must be a boolean, is integer\"}]" },
                { "unknown key", "{\"worker_thread\":1}", ERR_INVAL,
                  "[{\"pointer\":\"/worker_thread\",\"detail\":\"is not a configuration key of this service; did you mean "
                  "'worker_threads'?\"}]" },
                { "not an object", "[1]", ERR_INVAL,
                  "[{\"pointer\":\"\",\"detail\":\"must be an object of configuration keys and values\"}]" },
        };

        (void)state;
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                struct kit_config *c = config_of(NULL, NULL);
                char answer[512];

                if (patched(c, rows[i].patch, answer, sizeof answer) != rows[i].want || strcmp(answer, rows[i].answer))
                        fail_msg("%s: %s", rows[i].name, answer);
                kit_config_free(c);
        }
        assert_int_equal(alloc_live_count(), 0);
}

static void test_all_or_nothing(void **state)
{
        struct seen seen = { 0 };
        struct kit_config *c = config_of(NULL, &seen);
        char answer[512];

        (void)state;
        assert_int_equal(patched(c, "{\"worker_threads\":2,\"ratio\":7}", answer, sizeof answer), ERR_INVAL);
        assert_int_equal(kit_config_int(c, THREADS), 8);
        seen.refuse = ERR_UNAVAILABLE;
        assert_int_equal(patched(c, "{\"worker_threads\":2}", answer, sizeof answer), ERR_UNAVAILABLE);
        assert_string_equal(answer, "the server said no");
        assert_int_equal(kit_config_int(c, THREADS), 8);
        assert_int_equal(kit_config_revision(c), 1);
        assert_int_equal(seen.changed, 0);
        seen.refuse = ERR_OK;
        assert_int_equal(patched(c, "{\"worker_threads\":2,\"ratio\":0.25,\"debug\":false}", answer, sizeof answer), ERR_OK);
        assert_int_equal(seen.applied, 2); /* debug did not differ */
        assert_int_equal(seen.changed, 1);
        assert_int_equal(kit_config_revision(c), 2);
        kit_config_free(c);
}

static void test_values_and_version(void **state)
{
        struct kit_config *c = config_of(NULL, NULL);
        char version[16], name[16];

        (void)state;
        kit_config_version(c, version, sizeof version);
        assert_string_equal(version, "v1");
        assert_int_equal(patched(c, "{\"worker_threads\":3}", NULL, 0), ERR_OK);
        kit_config_version(c, version, sizeof version);
        assert_string_equal(version, "v1"); /* not a deploy */
        assert_int_equal(patched(c, "{\"algorithm\":\"regressed\",\"debug\":true,\"name\":\"x\",\"tags\":[\"a\",\"b\"],\"ratio\":0.75}", NULL, 0),
                         ERR_OK);
        kit_config_version(c, version, sizeof version);
        assert_string_equal(version, "v2");
        assert_int_equal(kit_config_choice(c, ALGORITHM), 1);
        assert_true(kit_config_on(c, DEBUG));
        assert_true(kit_config_num(c, RATIO) == 0.75);
        kit_config_text(c, NAME, name, sizeof name);
        assert_string_equal(name, "x");
        assert_true(kit_config_list_has(c, TAGS, "b"));
        assert_false(kit_config_list_has(c, TAGS, "c"));
        kit_config_free(c);
}

static void test_file_round_trip(void **state)
{
        char dir[] = "/tmp/fd-kit-XXXXXX", path[FILE_PATH_BYTES];
        struct kit_config *c, *again;
        struct seen seen = { 0 };
        struct err_note note;

        (void)state;
        assert_non_null(mkdtemp(dir));
        assert_int_equal(path_join(path, dir, "x.json"), ERR_OK);
        c = config_of(path, NULL);
        assert_int_equal(kit_config_load(c, &note), ERR_OK); /* none yet: defaults */
        assert_int_equal(patched(c, "{\"worker_threads\":5,\"algorithm\":\"regressed\"}", NULL, 0), ERR_OK);
        again = config_of(path, &seen);
        assert_int_equal(kit_config_load(again, &note), ERR_OK);
        assert_int_equal(kit_config_int(again, THREADS), 5);
        assert_int_equal(kit_config_revision(again), 2);
        assert_int_equal(seen.changed, 1);
        assert_int_equal(file_remove(path, &note), ERR_OK); /* a stack reset */
        assert_int_equal(kit_config_load(again, &note), ERR_OK);
        assert_int_equal(kit_config_int(again, THREADS), 8);
        assert_int_equal(kit_config_revision(again), 1);
        kit_config_free(c);
        kit_config_free(again);
        assert_int_equal(dir_remove(dir, &note), ERR_OK);
}

static void test_bad_files(void **state)
{
        static const struct {
                const char *name, *text;
                enum err want;
        } rows[] = {
                { "not JSON", "{", ERR_CORRUPT },
                { "no config", "{\"revision\":1,\"deploys\":1,\"history\":[]}", ERR_CORRUPT },
                { "revision 0", "{\"revision\":0,\"deploys\":1,\"config\":{},\"history\":[]}", ERR_CORRUPT },
                { "value out of range", "{\"revision\":1,\"deploys\":1,\"config\":{\"worker_threads\":0},\"history\":[]}", ERR_INVAL },
        };
        char dir[] = "/tmp/fd-kit-XXXXXX", path[FILE_PATH_BYTES];
        struct err_note note;

        (void)state;
        assert_non_null(mkdtemp(dir));
        assert_int_equal(path_join(path, dir, "x.json"), ERR_OK);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                struct kit_config *c = config_of(path, NULL);

                assert_int_equal(file_write_atomic(path, rows[i].text, strlen(rows[i].text), 0600, false, &note), ERR_OK);
                if (kit_config_load(c, &note) != rows[i].want || !strstr(note.text, path)) fail_msg("%s: %s", rows[i].name, note.text);
                assert_int_equal(kit_config_int(c, THREADS), 8);
                kit_config_free(c);
        }
        assert_int_equal(dir_remove(dir, &note), ERR_OK);
}

static void test_history(void **state)
{
        struct kit_config *c = config_of(NULL, NULL);
        struct json *history;
        char patch[64];

        (void)state;
        for (int i = 0; i < CONFIG_HISTORY_MAX + 5; i++) {
                snprintf(patch, sizeof patch, "{\"worker_threads\":%d}", 1 + i % 2);
                assert_int_equal(patched(c, patch, NULL, 0), ERR_OK);
        }
        history = kit_config_history(c);
        assert_int_equal(json_count(json_get(history, "entries")), CONFIG_HISTORY_MAX);
        assert_int_equal(json_value(json_path(history, "/entries/0/revision")), 7);
        assert_int_equal(json_value(json_path(history, "/entries/199/revision")), 206);
        assert_string_equal(json_text(json_path(history, "/entries/199/author")), "learner");
        assert_int_equal(json_value(json_path(history, "/entries/199/at_ms")), 1000);
        json_free(history);
        kit_config_free(c);
}

static void test_schema_is_ours_and_defaults_fit(void **state)
{
        struct kit_config *c = config_of(NULL, NULL);
        struct json *j = kit_config_json(c);
        struct err_note note = { 0 };

        (void)state;
        if (schema_supported(json_get(j, "schema"), &note)) fail_msg("%s", note.text);
        assert_int_equal(schema_check(json_get(j, "schema"), json_get(j, "defaults"), NULL, NULL), 0);
        assert_true(json_equal(json_get(j, "defaults"), json_get(j, "config")));
        assert_string_equal(json_text(json_path(j, "/schema/properties/worker_threads/x-unit")), "threads");
        assert_true(json_true(json_path(j, "/schema/properties/algorithm/x-deploy")));
        json_free(j);
        kit_config_free(c);
}

static void test_observe_skips_apply(void **state)
{
        struct seen seen = { 0 };
        struct kit_config *c = config_of(NULL, &seen);
        struct json *values = parsed("{\"worker_threads\":12}"), *history;

        (void)state;
        assert_int_equal(kit_config_observe(c, values, "outside", "changed in the server", 5), ERR_OK);
        assert_int_equal(kit_config_observe(c, values, "outside", "changed in the server", 6), ERR_OK);
        assert_int_equal(kit_config_int(c, THREADS), 12);
        assert_int_equal(seen.applied, 0);
        assert_int_equal(seen.changed, 1);
        history = kit_config_history(c);
        assert_int_equal(json_count(json_get(history, "entries")), 1);
        json_free(history);
        json_free(values);
        kit_config_free(c);
}

static void test_patch_survives_want_of_memory(void **state)
{
        struct json *patch = parsed("{\"worker_threads\":2,\"tags\":[\"a\"]}");

        (void)state;
        for (size_t nth = 1; nth < 2000; nth++) {
                struct kit_config *c = config_of(NULL, NULL);
                struct json *changed = NULL, *findings = NULL;
                struct err_note note;
                enum err e;
                bool fired;

                fault_arm(nth, false);
                e = kit_config_patch(c, patch, "learner", "", 1, &changed, &findings, &note);
                fired = fault_disarm();
                if (e) assert_int_equal(kit_config_int(c, THREADS), 8);
                if (!e) assert_int_equal(kit_config_int(c, THREADS), 2);
                json_free(changed);
                json_free(findings);
                kit_config_free(c);
                if (!fired) break;
        }
        json_free(patch);
        assert_int_equal(alloc_live_count(), 0);
}

/* Reads its file again whenever it is asked to, as SIGHUP makes a service do. */
struct rereader {
        struct kit_config *c;
        sem_t asked, done;
        bool stop;
};

static void *reread(void *ctx)
{
        struct rereader *r = ctx;
        struct err_note note;

        for (;;) {
                sem_wait(&r->asked);
                if (r->stop) return NULL;
                if (kit_config_load(r->c, &note)) return (void *)"it cannot be read";
                sem_post(&r->done);
        }
}

/* A patch that was answered stays, whatever was read from the file a moment before it. */
static void test_patch_beside_reload(void **state)
{
        char path[] = "/tmp/fd-config-XXXXXX";
        struct rereader r = { .stop = false };
        pthread_t thread;
        void *failed;
        int lost = 0, fd = mkstemp(path);

        (void)state;
        assert_true(fd >= 0);
        close(fd);
        unlink(path);
        r.c = config_of(path, NULL);
        sem_init(&r.asked, 0, 0);
        sem_init(&r.done, 0, 0);
        assert_int_equal(pthread_create(&thread, NULL, reread, &r), 0);
        for (int i = 0; i < 400; i++) {
                AUTO(json_free) struct json *patch = NULL;
                struct err_note note;
                char text[40];

                (void)snprintf(text, sizeof text, "{\"worker_threads\":%d}", 1 + i % 64);
                patch = parsed(text);
                sem_post(&r.asked);
                assert_int_equal(kit_config_patch(r.c, patch, "learner", "", i, NULL, NULL, &note), ERR_OK);
                sem_wait(&r.done);
                lost += kit_config_int(r.c, THREADS) != 1 + i % 64;
        }
        r.stop = true;
        sem_post(&r.asked);
        assert_int_equal(pthread_join(thread, &failed), 0);
        assert_null(failed);
        assert_int_equal(lost, 0);
        sem_destroy(&r.asked);
        sem_destroy(&r.done);
        kit_config_free(r.c);
        unlink(path);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_patch_rows), cmocka_unit_test(test_all_or_nothing),
                cmocka_unit_test(test_values_and_version), cmocka_unit_test(test_file_round_trip),
                cmocka_unit_test(test_bad_files), cmocka_unit_test(test_history),
                cmocka_unit_test(test_schema_is_ours_and_defaults_fit), cmocka_unit_test(test_observe_skips_apply),
                cmocka_unit_test(test_patch_survives_want_of_memory), cmocka_unit_test(test_patch_beside_reload),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
