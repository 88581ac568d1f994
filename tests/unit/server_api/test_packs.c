/* Packs over real folders: a checkout, a folder of packs, bad ones that harm nothing, names that are taken, saving. */
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

static const struct scenario_world world;
static char root[64], shipped[96], own[96], home[96], checkout[96];
static struct api_options options;
static struct buf said;

static void put(const char *dir, const char *name, const char *text)
{
        char path[FILE_PATH_BYTES];

        assert_int_equal(dir_make(dir, 0755, NULL), ERR_OK);
        assert_int_equal(path_join(path, dir, name), ERR_OK);
        assert_int_equal(file_write_atomic(path, text, strlen(text), 0644, false, NULL), ERR_OK);
}

static const char *scenario(const char *id)
{
        static char text[2048];

        snprintf(text, sizeof text,
                 "schema: 1\nid: %s\ntitle: T\nlevel: 1\ntime_limit: 10m\nobjectives: [o]\nbrief: B\ndebrief: D\nload: {profile: steady, rps: 40}\n"
                 "timeline: [{at: 0s, fault: config.set, on: api, args: {worker_threads: 1}}]\n"
                 "criteria: [{id: ok, title: S, promql: 'fd:user_success:ratio10s', target: '>= 0.98'}]\n"
                 "truth: {component: api, mechanism: concurrency_limit}\nsolutions: [[{config.set: {on: api, args: {worker_threads: 8}}}]]\n", id);
        return text;
}

/* A folder below the root of packs. */
static void put_pack(const char *folder, const char *file, const char *text)
{
        char dir[FILE_PATH_BYTES];

        assert_int_equal(path_join(dir, home, folder), ERR_OK);
        put(dir, file, text);
}

static void say(void *ctx, const char *text)
{
        buf_printf(ctx, "%s\n", text);
}

static int setup(void **state)
{
        (void)state;
        buf_init(&said, 1 << 16);
        snprintf(root, sizeof root, "/tmp/fd-packs-XXXXXX");
        assert_non_null(mkdtemp(root));
        snprintf(shipped, sizeof shipped, "%s/shipped", root);
        snprintf(own, sizeof own, "%s/own", root);
        snprintf(home, sizeof home, "%s/packs", root);
        snprintf(checkout, sizeof checkout, "%s/checkout", root);
        put(shipped, "one.yaml", scenario("one"));
        options = (struct api_options){ .world = &world, .pack_count = 4, .say = say, .ctx = &said,
                                        .packs = { { .dir = shipped }, { .name = "user", .dir = own, .writable = true },
                                                   { .dir = home, .writable = true, .is_root = true }, { .dir = checkout, .is_root = true } } };
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        buf_done(&said);
        return dir_remove(root, NULL);
}

static struct library *opened(void)
{
        struct library *l = NULL;

        assert_int_equal(library_new(&options, &l), ERR_OK);
        return l;
}

/* The pack of the list with the name. */
static const struct json *pack_of(const struct json *packs, const char *name)
{
        const struct json *list = json_get(packs, "packs");

        JSON_EACH(item, list)
                if (str_eq(json_get_str(item, "name", ""), name)) return item;
        return NULL;
}

static void packs_are_found_and_named(void **state)
{
        AUTO(library_free) struct library *l = NULL;
        AUTO(json_free) struct json *packs = NULL;
        const struct json *acme;

        (void)state;
        put(checkout, "pack.yaml", "schema: 1\nname: acme\ntitle: Acme\nversion: '2'\nscenarios: [one.yaml, bad.yaml]\n");
        put(checkout, "one.yaml", scenario("one")); /* the product has a "one", too */
        put(checkout, "bad.yaml", "schema: 1\n");
        put(checkout, "not-named.yaml", scenario("not-named"));
        put_pack("plain", "pack.yaml", "schema: 1\nname: plain\ntitle: Plain\n"); /* names no files: every one is its */
        put_pack("plain", "two.yaml", scenario("two"));
        put_pack(".git", "HEAD", "x");
        l = opened();
        assert_int_equal(library_count(l), 4);
        assert_string_equal(library_find(l, "one")->pack, "");
        assert_string_equal(library_find(l, "acme/one")->pack, "acme");
        assert_string_equal(library_find(l, "acme/one")->scenario->id, "acme/one");
        assert_null(library_find(l, "acme/bad")->scenario); /* a bad file is listed with its findings */
        assert_true(json_count(library_find(l, "acme/bad")->problems) > 0);
        assert_non_null(library_find(l, "plain/two")->scenario);
        assert_null(library_find(l, "acme/not-named"));
        packs = library_packs(l);
        assert_int_equal(json_count(json_get(packs, "packs")), 2);
        acme = pack_of(packs, "acme");
        assert_true(json_get_bool(acme, "ok", false));
        assert_string_equal(json_get_str(acme, "version", ""), "2");
        assert_int_equal(json_get_int(acme, "scenarios", 0), 2);
        assert_int_equal(said.size_bytes, 0);
}

/* Each row is one bad pack beside a good one, which is untouched. */
static void a_bad_pack_is_reported_and_harms_nothing(void **state)
{
        static const struct {
                const char *folder, *manifest, *says;
        } rows[] = {
                { "none", NULL, "no pack.yaml" },
                { "broken", "schema: [\n", "not valid YAML" },
                { "nameless", "schema: 1\ntitle: T\n", "a pack has no 'name'" },
                { "taken", "schema: 1\nname: good\ntitle: T\n", "the name 'good' is taken by the pack in" },
                { "user", "schema: 1\nname: user\ntitle: T\n", "the name 'user' is taken" },
                { "outside", "schema: 1\nname: outside\ntitle: T\nscenarios: [../../shipped/one.yaml]\n", "is not a file name" },
                { "absent", "schema: 1\nname: absent\ntitle: T\nscenarios: [nothing.yaml]\n", "names 'nothing.yaml', which is not a file of the pack" },
                { "link", "schema: 1\nname: link\ntitle: T\nscenarios: [link.yaml]\n", "names 'link.yaml', which is not a file of the pack" },
        };
        AUTO(library_free) struct library *l = NULL;
        AUTO(json_free) struct json *packs = NULL;
        char link[FILE_PATH_BYTES];

        (void)state;
        put_pack("good", "pack.yaml", "schema: 1\nname: good\ntitle: Good\n");
        put_pack("good", "two.yaml", scenario("two"));
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                put_pack(rows[i].folder, "two.yaml", scenario("two"));
                if (rows[i].manifest) put_pack(rows[i].folder, "pack.yaml", rows[i].manifest);
        }
        assert_int_equal(path_format(link, "%s/link/link.yaml", home), ERR_OK);
        assert_int_equal(symlink("/etc/hostname", link), 0);
        l = opened();
        assert_int_equal(library_count(l), 2);
        assert_non_null(library_find(l, "good/two")->scenario);
        packs = library_packs(l);
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                const struct json *problem = NULL, *list = json_get(packs, "packs");
                char dir[FILE_PATH_BYTES];

                assert_int_equal(path_join(dir, home, rows[i].folder), ERR_OK);
                JSON_EACH(item, list)
                        if (str_eq(json_get_str(item, "dir", ""), dir)) {
                                assert_false(json_get_bool(item, "ok", true));
                                problem = json_first(json_get(item, "problems"));
                        }
                if (!strstr(json_get_str(problem, "message", ""), rows[i].says)) fail_msg("%s: %s", rows[i].folder, json_get_str(problem, "message", "nothing"));
                if (!strstr(said.data, dir)) fail_msg("%s was not told", rows[i].folder);
        }
        buf_clear(&said);
        library_refresh(l);
        assert_int_equal(said.size_bytes, 0); /* once is enough */
        put_pack("broken", "pack.yaml", "schema: 1\nname: broken\ntitle: Mended\n");
        library_refresh(l);
        assert_non_null(library_find(l, "broken/two"));
}

static void saving_into_a_pack(void **state)
{
        AUTO(json_free) struct json *findings = NULL;
        bool ok = false;
        AUTO(library_free) struct library *l = NULL;
        struct err_note note = { 0 };
        const char *text = scenario("mine");

        (void)state;
        put(checkout, "pack.yaml", "schema: 1\nname: acme\ntitle: Acme\nscenarios: [one.yaml]\n");
        put(checkout, "one.yaml", scenario("one"));
        l = opened();
        text = scenario("one");
        assert_int_equal(library_save(l, "acme/one", text, strlen(text), &note), ERR_OK);
        text = scenario("mine");
        assert_int_equal(library_save(l, "acme/mine", text, strlen(text), &note), ERR_STATE);
        assert_non_null(strstr(note.text, "add it to 'scenarios' in its pack.yaml first"));
        assert_int_equal(library_save(l, "nobody/mine", text, strlen(text), &note), ERR_NOT_FOUND);
        assert_int_equal(library_pack_make(l, "drills", "Our \"own\" drills", &note), ERR_OK);
        assert_int_equal(library_pack_make(l, "drills", "Again", &note), ERR_EXISTS);
        assert_int_equal(library_pack_make(l, "acme", "Taken", &note), ERR_EXISTS);
        assert_int_equal(library_pack_make(l, "../drills", "Out", &note), ERR_INVAL);
        assert_int_equal(library_pack_make(l, "two-lines", "a\nb", &note), ERR_INVAL);
        assert_int_equal(library_save(l, "drills/mine", text, strlen(text), &note), ERR_OK);
        assert_string_equal(library_find(l, "drills/mine")->pack, "drills");
        assert_non_null(library_find(l, "drills/mine")->scenario);
        findings = library_lint(l, text, strlen(text), "mine.yaml", &ok);
        assert_true(ok);
        JSON_EACH(finding, findings) /* it is not told to differ from itself */
                assert_null(strstr(json_get_str(finding, "message", ""), "drills/mine"));
        assert_string_equal(said.data ? said.data : "", "");
}

static void memory_may_run_out_anywhere(void **state)
{
        size_t live = alloc_live_count();

        (void)state;
        put(checkout, "pack.yaml", "schema: 1\nname: acme\ntitle: Acme\n");
        put(checkout, "one.yaml", scenario("one"));
        put_pack("broken", "pack.yaml", "schema: [\n");
        for (size_t nth = 1;; nth += 3) {
                struct library *l = NULL;
                enum err e;
                bool fired;

                options.say = NULL;
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
                cmocka_unit_test_setup_teardown(packs_are_found_and_named, setup, teardown),
                cmocka_unit_test_setup_teardown(a_bad_pack_is_reported_and_harms_nothing, setup, teardown),
                cmocka_unit_test_setup_teardown(saving_into_a_pack, setup, teardown),
                cmocka_unit_test_setup_teardown(memory_may_run_out_anywhere, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
