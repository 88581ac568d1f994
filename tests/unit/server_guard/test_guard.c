#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "common/base/mem.h"
#include "server/guard/guard.h"

static struct head_text text_of(const char *text)
{
        return (struct head_text){ text, text ? strlen(text) : 0 };
}

static struct guard *guard_make(const char *address, const char *token)
{
        static const char *const allowed[] = { "drill.example.org", ".gitpod.io" };
        struct guard *g = NULL;

        assert_int_equal(guard_new(&(struct guard_opts){ .listen_address = address,
                                                         .allow_hosts = allowed,
                                                         .allow_host_count = 2,
                                                         .token = token },
                                   &g, NULL),
                         ERR_OK);
        return g;
}

static void checks_hosts(void **state)
{
        static const struct {
                const char *address, *host;
                enum err expect;
        } rows[] = {
                { "127.0.0.1", "127.0.0.1:8080", ERR_OK },
                { "127.0.0.1", "localhost:8080", ERR_OK },
                { "127.0.0.1", "LocalHost", ERR_OK },
                { "127.0.0.1", "[::1]:8080", ERR_OK },
                { "127.0.0.1", "drill.example.org", ERR_OK },
                { "127.0.0.1", "8080-me.ws-eu.gitpod.io", ERR_OK },
                { "127.0.0.1", "gitpod.io", ERR_DENIED },
                { "127.0.0.1", "evilgitpod.io", ERR_DENIED },
                { "127.0.0.1", "evil.example", ERR_DENIED },
                { "127.0.0.1", "127.0.0.1.evil.example", ERR_DENIED },
                { "127.0.0.1", "localhost.evil.example:8080", ERR_DENIED },
                { "127.0.0.1", "10.0.0.7:8080", ERR_DENIED },
                { "127.0.0.1", "localhost:80x", ERR_DENIED },
                { "127.0.0.1", "localhost:8080@evil", ERR_DENIED },
                { "127.0.0.1", "[::1", ERR_DENIED },
                { "127.0.0.1", "[::1]x", ERR_DENIED },
                { "127.0.0.1", ":8080", ERR_DENIED },
                { "127.0.0.1", "", ERR_DENIED },
                { "127.77.50.1", "127.77.50.1:1", ERR_OK },
                { "0.0.0.0", "10.0.0.7:8080", ERR_OK },
                { "0.0.0.0", "[fe80::1]:8080", ERR_OK },
                { "0.0.0.0", "evil.example", ERR_DENIED },
                { "192.168.1.2", "192.168.1.2", ERR_OK },
                { "192.168.1.2", "192.168.1.3", ERR_DENIED },
        };

        (void)state;
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                AUTO(guard_free) struct guard *g = guard_make(rows[i].address, "0123456789abcdef");
                struct err_note note = { 0 };
                enum err e = guard_check_host(g, text_of(rows[i].host), &note);

                if (e != rows[i].expect) fail_msg("row %zu, Host '%s': %s", i, rows[i].host, err_text(e));
                assert_int_equal(note.text[0] != 0, e != ERR_OK);
        }
}

static void checks_origins(void **state)
{
        static const struct {
                const char *origin, *host;
                enum err expect;
        } rows[] = {
                { NULL, "localhost:8080", ERR_OK },
                { "http://localhost:8080", "localhost:8080", ERR_OK },
                { "https://LOCALHOST:8080", "localhost:8080", ERR_OK },
                { "http://[::1]:8080", "[::1]:8080", ERR_OK },
                { "http://localhost:3000", "localhost:8080", ERR_DENIED }, /* another program's page */
                { "http://localhost", "localhost:8080", ERR_DENIED },
                { "http://127.0.0.1:8080", "localhost:8080", ERR_DENIED },
                { "http://evil.example", "localhost:8080", ERR_DENIED },
                { "http://localhost:8080.evil.example", "localhost:8080", ERR_DENIED },
                { "null", "localhost:8080", ERR_DENIED },
                { "", "localhost:8080", ERR_DENIED },
                { "http://", "localhost:8080", ERR_DENIED },
                { "file://", "localhost:8080", ERR_DENIED },
                { "ftp://localhost:8080", "localhost:8080", ERR_DENIED },
                { "https://drill.example.org", "localhost:8080", ERR_OK }, /* a forwarding proxy changed the Host */
                { "https://8080-a.gitpod.io", "localhost:8080", ERR_OK },
                { "https://gitpod.io.evil.example", "localhost:8080", ERR_DENIED },
        };
        AUTO(guard_free) struct guard *g = guard_make("127.0.0.1", NULL);

        (void)state;
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                enum err e = guard_check_origin(g, text_of(rows[i].origin), text_of(rows[i].host), NULL);

                if (e != rows[i].expect) fail_msg("row %zu, Origin '%s': %s", i, rows[i].origin, err_text(e));
        }
}

static void checks_tokens(void **state)
{
        static const struct {
                const char *cookie, *authorization;
                enum err expect;
        } rows[] = {
                { NULL, NULL, ERR_DENIED },
                { "firedrill_token=0123456789abcdef", NULL, ERR_OK },
                { "a=b; firedrill_token=0123456789abcdef; c=d", NULL, ERR_OK },
                { "a=b; firedrill_token=wrong; firedrill_token=0123456789abcdef", NULL, ERR_OK },
                { "xfiredrill_token=0123456789abcdef", NULL, ERR_DENIED },
                { "firedrill_token=0123456789abcde", NULL, ERR_DENIED },
                { "firedrill_token=0123456789abcdef0", NULL, ERR_DENIED },
                { "firedrill_token=", NULL, ERR_DENIED },
                { ";;; ", NULL, ERR_DENIED },
                { NULL, "Bearer 0123456789abcdef", ERR_OK },
                { NULL, "bearer 0123456789abcdef", ERR_OK },
                { NULL, "Basic 0123456789abcdef", ERR_DENIED },
                { NULL, "Bearer ", ERR_DENIED },
        };
        AUTO(guard_free) struct guard *g = guard_make("0.0.0.0", "0123456789abcdef");
        AUTO(guard_free) struct guard *open = guard_make("127.0.0.1", NULL);

        (void)state;
        assert_true(guard_has_token(g));
        assert_false(guard_has_token(open));
        assert_int_equal(guard_check_token(open, text_of(NULL), text_of(NULL), NULL), ERR_OK);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                enum err e = guard_check_token(g, text_of(rows[i].cookie), text_of(rows[i].authorization), NULL);

                if (e != rows[i].expect) fail_msg("row %zu: %s", i, err_text(e));
        }
}

static void refuses_bad_options(void **state)
{
        const char *many[GUARD_HOSTS_MAX + 1];
        const struct {
                struct guard_opts opts;
                enum err expect;
        } rows[] = {
                { { .listen_address = "localhost" }, ERR_INVAL },
                { { .listen_address = "0.0.0.0" }, ERR_INVAL }, /* open to others, no token */
                { { .listen_address = "::" }, ERR_INVAL },
                { { .listen_address = "127.0.0.1", .token = "short" }, ERR_INVAL },
                { { .listen_address = "127.0.0.1", .token = "0123456789abcde;" }, ERR_INVAL },
                { { .listen_address = "127.0.0.1", .allow_hosts = (const char *[]){ "http://x" }, .allow_host_count = 1 }, ERR_INVAL },
                { { .listen_address = "127.0.0.1", .allow_hosts = (const char *[]){ "x:80" }, .allow_host_count = 1 }, ERR_INVAL },
                { { .listen_address = "127.0.0.1", .allow_hosts = (const char *[]){ "" }, .allow_host_count = 1 }, ERR_INVAL },
                { { .listen_address = "127.0.0.1", .allow_hosts = many, .allow_host_count = GUARD_HOSTS_MAX + 1 }, ERR_LIMIT },
        };

        (void)state;
        for (size_t i = 0; i <= GUARD_HOSTS_MAX; i++) many[i] = "x.example";
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                struct guard *g = (void *)1;
                struct err_note note = { 0 };

                assert_int_equal(guard_new(&rows[i].opts, &g, &note), rows[i].expect);
                assert_ptr_equal(g, (void *)1);
                assert_true(note.text[0]);
        }
        assert_int_equal(alloc_live_count(), 0);
}

static void survives_every_fault(void **state)
{
        (void)state;
        for (size_t nth = 1;; nth++) {
                struct guard *g = NULL;
                enum err e;
                bool fired;

                fault_arm(nth, false);
                e = guard_new(&(struct guard_opts){ .listen_address = "0.0.0.0",
                                                    .allow_hosts = (const char *[]){ "a", "b" },
                                                    .allow_host_count = 2,
                                                    .token = "0123456789abcdef" },
                              &g, NULL);
                fired = fault_disarm();
                assert_int_equal(fired, e != ERR_OK);
                guard_free(g);
                assert_int_equal(alloc_live_count(), 0);
                if (!fired) break;
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(checks_hosts),        cmocka_unit_test(checks_origins),
                cmocka_unit_test(checks_tokens),       cmocka_unit_test(refuses_bad_options),
                cmocka_unit_test(survives_every_fault),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
