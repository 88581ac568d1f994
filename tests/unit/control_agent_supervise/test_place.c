/* place and command: what ${...} means, which program is taken, how a service's command line looks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "control-agent/supervise/command.h"

static const char list[] =
        "schema: 1\nservices:\n"
        "  - {name: web, title: W, kind: service, program: fd-web, port: 81, upstreams: {db: pg, me: web}}\n"
        "  - {name: pg, title: P, kind: component, program: sh, port: 82, search: [/bin],\n"
        "     args: [-D, '${data}', '${name}@${address}:${port}', '${sockets}'], env: {A: b},\n"
        "     files: {t.conf: config/pg.conf}}\n"
        "  - {name: none, title: N, kind: service, program: fd-not-built, port: 83}\n"
        "  - {name: prometheus, title: M, kind: component, program: /bin/sh, port: 84}\n";

static char root[64];
static struct stack_spec *spec;

static int setup(void **state)
{
        char path[128];
        struct diag_list diags;
        FILE *f;

        (void)state;
        (void)snprintf(root, sizeof(root), "/tmp/fdu-XXXXXX");
        if (!mkdtemp(root)) return -1;
        (void)snprintf(path, sizeof(path), "%s/fd-web", root);
        f = fopen(path, "w");
        if (!f) return -1;
        (void)fclose(f);
        (void)chmod(path, 0755);
        (void)snprintf(path, sizeof(path), "%s/t.conf", root);
        f = fopen(path, "w");
        if (!f) return -1;
        (void)fputs("dir ${data}\n$x ${ {}\n", f);
        (void)fclose(f);
        diag_list_init(&diags, "list");
        return stack_spec_parse(list, strlen(list), &diags, &spec) ? -1 : 0;
}

static int teardown(void **state)
{
        (void)state;
        stack_spec_free(spec);
        return dir_remove(root, NULL) ? -1 : 0;
}

static void proxy(void *ctx, unsigned number, size_t edge, char *dst, size_t dst_bytes)
{
        (void)ctx;
        (void)snprintf(dst, dst_bytes, "127.77.%u.%zu:99", number, edge + 2);
}

static void test_expand(void **state)
{
        static const struct {
                const char *text, *expect;
        } rows[] = {
                {"", ""},
                {"plain $x {y}", "plain $x {y}"},
                {"${address}", "127.77.7.1"},
                {"a${name}b${port}c", "awebb81c"},
                {"${upstream:db}", "127.77.7.1:82"},
                {"${stack}/${dir}", "7//h/stacks/7"},
                {"${data}|${config}", "/h/stacks/7/data/web|/h/stacks/7/config"},
                {"${unclosed", "${unclosed"},
                {"${scrape_configs}", "scrape_configs:\n  - job_name: stack\n    static_configs:\n"
                                      "      - {targets: ['127.77.7.1:81'], labels: {service: web, instance: web-1}}\n"
                                      "      - {targets: ['127.77.7.1:84'], labels: {service: prometheus, instance: "
                                      "prometheus-1}}\n"},
        };
        struct place p;
        struct err_note note;

        (void)state;
        assert_int_equal(place_init(&p, spec, 7, "/h", root, root, &note), ERR_OK);
        assert_true(p.built[0]);
        assert_true(p.built[1]);
        assert_false(p.built[2]);
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                AUTO_BUF b;

                buf_init(&b, 4096);
                assert_int_equal(place_expand(&p, 0, rows[i].text, &b, &note), ERR_OK);
                assert_string_equal(b.data, rows[i].expect);
        }
        for (size_t i = 0; i < 2; i++) {
                static const char *const bad[] = {"${nothing}", "${upstream:cache}"};
                AUTO_BUF b;

                buf_init(&b, 4096);
                assert_int_equal(place_expand(&p, 0, bad[i], &b, &note), ERR_NOT_FOUND);
                assert_non_null(strstr(note.text, "means nothing for web"));
        }
}

static void test_kit_command(void **state)
{
        static const char *const expect[] = {NULL /* the program's path */,
                                             "--name",
                                             "web",
                                             "--instance",
                                             "web-1",
                                             "--listen",
                                             "127.77.7.1:81",
                                             "--dir",
                                             "/h/stacks/7",
                                             "--upstream",
                                             "db=127.77.7.2:99",
                                             "--upstream",
                                             "me=127.77.7.3:99"};
        struct command_options options = {.ready_fd = 3, .seed = 42};
        AUTO(command_free) struct command *c = NULL;
        struct place p;
        struct err_note note;
        int found = 0;

        (void)state;
        assert_int_equal(place_init(&p, spec, 7, "/h", root, root, &note), ERR_OK);
        p.edge_address = proxy;
        assert_int_equal(command_new(&p, 0, &options, &c, &note), ERR_OK);
        assert_int_equal(c->argv_count, ARRAY_COUNT(expect));
        assert_string_equal(c->argv[0], c->program);
        for (size_t i = 1; i < ARRAY_COUNT(expect); i++) assert_string_equal(c->argv[i], expect[i]);
        for (size_t i = 0; i < c->env_count; i++)
                found += str_eq(c->envp[i], "FIREDRILL_READY_FD=3") + str_eq(c->envp[i], "FIREDRILL_SEED=42") +
                         str_eq(c->envp[i], "FIREDRILL_STACK=7");
        assert_int_equal(found, 3);
}

static void test_component_command(void **state)
{
        struct command_options options = {.ready_fd = -1, .notify_name = "n-1"};
        AUTO(command_free) struct command *c = NULL;
        char home[80];
        struct place p;
        struct err_note note;
        int found = 0;

        (void)state;
        (void)snprintf(home, sizeof(home), "%s/h", root);
        assert_int_equal(place_init(&p, spec, 7, home, root, root, &note), ERR_OK);
        assert_int_equal(command_new(&p, 1, &options, &c, &note), ERR_OK);
        assert_int_equal(c->argv_count, 5);
        assert_string_equal(c->argv[3], "pg@127.77.7.1:82");
        assert_string_equal(c->program, "/bin/sh");
        for (size_t i = 0; i < c->env_count; i++)
                found += str_eq(c->envp[i], "A=b") + str_eq(c->envp[i], "NOTIFY_SOCKET=@n-1") +
                         str_starts(c->envp[i], "FIREDRILL_READY_FD");
        assert_int_equal(found, 2);

        /* A template with a broken placeholder names its file. */
        assert_int_equal(dir_make(p.dir, 0755, &note), ERR_OK);
        assert_int_equal(command_files(&p, 1, &note), ERR_NOT_FOUND);
        assert_non_null(strstr(note.text, "t.conf: '${ {}' means nothing for pg"));
}

static void test_long_home(void **state)
{
        char home[900];
        struct place p;
        struct err_note note = {0};
        AUTO_BUF b;

        (void)state;
        memset(home, 'x', sizeof(home));
        home[0] = '/';
        home[sizeof(home) - 1] = '\0';
        assert_int_equal(place_init(&p, spec, 250, home, root, root, &note), ERR_OK);
        buf_init(&b, 4096);
        assert_int_equal(place_expand(&p, 1, "${sockets}", &b, &note), ERR_OK);
        assert_string_equal(b.data, ""); /* too long for a Unix socket: none */
}

static void test_nth_fault(void **state)
{
        struct command_options options = {.ready_fd = 3};
        size_t live = alloc_live_count();
        struct place p;
        struct err_note note;

        (void)state;
        assert_int_equal(place_init(&p, spec, 7, "/h", root, root, &note), ERR_OK);
        for (size_t nth = 1;; nth++) {
                struct command *c = NULL;
                enum err e;
                bool fired;

                fault_arm(nth, false);
                e = command_new(&p, 1, &options, &c, &note);
                fired = fault_disarm();
                assert_int_equal(fired, e != ERR_OK);
                assert_true(e == ERR_OK || !c);
                command_free(c);
                assert_int_equal(alloc_live_count(), live);
                if (!fired) break;
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_expand),
                cmocka_unit_test(test_kit_command),
                cmocka_unit_test(test_component_command),
                cmocka_unit_test(test_long_home),
                cmocka_unit_test(test_nth_fault),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
