/* The library over real folders: order, bad files, changes seen, saving, and memory that runs out at every place. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/file.h"
#include "server/api/library.h"

static const struct world_service services[] = {
        {.name = "api", .configurable = true},
        {.name = "gateway", .configurable = true},
};
static const struct world_edge edges[] = {{"gateway", "api"}};
static const struct scenario_world world = {.services = services, .service_count = 2, .edges = edges, .edge_count = 1};

static char root[64];
static char shipped[96], own[96];
static struct api_options options;
static struct api_pack *const packs = options.packs;

/* A scenario that loads; level and key keep two of them from being the same. */
static void scenario_text(char *dst, size_t dst_bytes, const char *id, int level, const char *key)
{
        (void)snprintf(dst, dst_bytes,
                       "schema: 1\nid: %s\ntitle: T\nlevel: %d\ntime_limit: 10m\ntags: [x]\nobjectives: [Look]\nbrief: B\n"
                       "load: {profile: steady, rps: 40}\nbaseline: {settle: 5s}\n"
                       "timeline:\n  - {at: 0s, fault: config.set, on: api, args: {%s: 1}}\n"
                       "confirm: {within: 60s, symptom: [not p95]}\n"
                       "criteria:\n  - {id: p95, title: P, promql: 'fd:user_latency:p95_10s', target: '< 0.4', unit: s, hold: 30s, weight: 1}\n"
                       "truth: {component: api, mechanism: config_error, object: {key: %s}, path: [gateway], victims: [gateway]}\n"
                       "evidence: {symptom: ['panel:user.latency'], path: ['panel:api.latency'], cause: ['config:api.%s']}\n"
                       "hints:\n  - {after: 60s, text: Look.}\n"
                       "solutions:\n  - [{config.set: {on: api, args: {%s: 9}}}]\n"
                       "wrong_fixes:\n  - do: [{process.restart: {on: api}}]\n    explain: No.\n"
                       "debrief: D\ninstructor: I\n",
                       id, level, key, key, key, key);
}

static void put(const char *dir, const char *name, const char *text)
{
        char path[FILE_PATH_BYTES];

        assert_int_equal(path_join(path, dir, name), ERR_OK);
        assert_int_equal(file_write_atomic(path, text, strlen(text), 0644, false, NULL), ERR_OK);
}

static void put_good(const char *dir, const char *id, int level, const char *key)
{
        char text[4096], name[96];

        scenario_text(text, sizeof(text), id, level, key);
        (void)snprintf(name, sizeof(name), "%s.yaml", id);
        put(dir, name, text);
}

static int setup(void **state)
{
        (void)state;
        (void)snprintf(root, sizeof(root), "/tmp/fd-library-XXXXXX");
        assert_non_null(mkdtemp(root));
        (void)snprintf(shipped, sizeof(shipped), "%s/shipped", root);
        (void)snprintf(own, sizeof(own), "%s/own", root);
        assert_int_equal(dir_make(shipped, 0755, NULL), ERR_OK);
        options = (struct api_options){.world = &world, .pack_count = 2};
        packs[0] = (struct api_pack){.dir = shipped};
        packs[1] = (struct api_pack){.name = "user", .dir = own, .writable = true};
        put_good(shipped, "bravo", 3, "queue_max");
        put_good(shipped, "alpha", 1, "worker_threads");
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        return dir_remove(root, NULL);
}

static struct library *opened(void)
{
        struct library *l = NULL;

        assert_int_equal(library_new(&options, &l), ERR_OK);
        return l;
}

static void findings_fail(const struct library_entry *e)
{
        AUTO_BUF text;

        buf_init(&text, 1 << 16);
        if (!json_print(e->problems, &text)) fail_msg("%s: %s", e->id, text.data);
}

static void listed_by_level(void **state)
{
        AUTO(library_free) struct library *l = opened();

        (void)state;
        assert_int_equal(library_count(l), 2);
        if (!library_at(l, 0)->scenario) findings_fail(library_at(l, 0));
        assert_string_equal(library_at(l, 0)->id, "alpha");
        assert_string_equal(library_at(l, 1)->id, "bravo");
        assert_string_equal(library_at(l, 0)->pack, "");
        assert_string_equal(library_suggest(l, "alhpa"), "alpha");
        assert_null(library_find(l, "nobody"));
}

static void a_bad_file_is_listed_and_harms_nothing(void **state)
{
        AUTO(library_free) struct library *l = opened();

        (void)state;
        put(shipped, "broken.yaml", "schema: 1\nid: [\n");
        put(shipped, "not-a-scenario.txt", "x");
        put(shipped, "Bad Name.yaml", "x");
        library_refresh(l);
        assert_int_equal(library_count(l), 3);
        assert_null(library_find(l, "broken")->scenario);
        assert_true(json_count(library_find(l, "broken")->problems) > 0);
        assert_non_null(library_find(l, "alpha")->scenario);
}

static void changes_are_seen(void **state)
{
        AUTO(library_free) struct library *l = opened();
        char path[FILE_PATH_BYTES];

        (void)state;
        put_good(shipped, "alpha", 5, "worker_threads_max");
        library_refresh(l);
        assert_int_equal(library_find(l, "alpha")->scenario->level, 5);
        assert_string_equal(library_at(l, 0)->id, "bravo");
        assert_int_equal(path_join(path, shipped, "bravo.yaml"), ERR_OK);
        assert_int_equal(file_remove(path, NULL), ERR_OK);
        library_refresh(l);
        assert_null(library_find(l, "bravo"));
}

static void saving(void **state)
{
        AUTO(library_free) struct library *l = opened();
        struct err_note note = {0};
        char text[4096];

        (void)state;
        scenario_text(text, sizeof(text), "mine", 2, "db_pool_size");
        assert_int_equal(library_save(l, "alpha", text, strlen(text), &note), ERR_EXISTS);
        assert_non_null(strstr(note.text, "another id"));
        assert_int_equal(library_save(l, "mine", text, strlen(text), &note), ERR_OK);
        assert_string_equal(library_find(l, "mine")->pack, "user");
        assert_true(library_find(l, "mine")->writable);
        assert_int_equal(library_save(l, "mine", text, strlen(text), &note), ERR_OK); /* again: it is the user's own */
}

static void the_first_pack_keeps_an_id(void **state)
{
        AUTO(library_free) struct library *l = opened();

        (void)state;
        assert_int_equal(dir_make(own, 0755, NULL), ERR_OK);
        put_good(own, "alpha", 4, "other_key");
        library_refresh(l);
        assert_int_equal(library_count(l), 2);
        assert_int_equal(library_find(l, "alpha")->scenario->level, 1);
        library_refresh(l);
        assert_int_equal(library_find(l, "alpha")->scenario->level, 1);
}

static void unsaved_text_is_checked(void **state)
{
        AUTO(library_free) struct library *l = opened();
        AUTO(json_free) struct json *good = NULL, *bad = NULL;
        char text[4096];
        bool ok = false;

        (void)state;
        scenario_text(text, sizeof(text), "mine", 2, "db_pool_size");
        good = library_lint(l, text, strlen(text), "mine.yaml", &ok);
        assert_true(ok);
        bad = library_lint(l, "id: x\n", 6, NULL, &ok);
        assert_false(ok);
        assert_true(json_count(bad) > 0);
}

/* A scenario that could not be loaded for want of memory is listed as bad; nothing crashes, nothing leaks. */
static void memory_may_run_out_anywhere(void **state)
{
        size_t live = alloc_live_count();

        (void)state;
        for (size_t nth = 1;; nth++) {
                struct library *l = NULL;
                enum err e;
                bool fired;

                fault_arm(nth, false);
                e = library_new(&options, &l);
                fired = fault_disarm();
                assert_true(e == ERR_OK ? l != NULL : l == NULL);
                library_free(l);
                assert_int_equal(alloc_live_count(), live);
                if (!fired) break;
                assert_true(nth < 20000);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(listed_by_level, setup, teardown),
                cmocka_unit_test_setup_teardown(a_bad_file_is_listed_and_harms_nothing, setup, teardown),
                cmocka_unit_test_setup_teardown(changes_are_seen, setup, teardown),
                cmocka_unit_test_setup_teardown(saving, setup, teardown),
                cmocka_unit_test_setup_teardown(the_first_pack_keeps_an_id, setup, teardown),
                cmocka_unit_test_setup_teardown(unsaved_text_is_checked, setup, teardown),
                cmocka_unit_test_setup_teardown(memory_may_run_out_anywhere, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
