/* The HTTP side, asked as the door asks it: over its private port, byte for byte. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/sys/sock.h"
#include "server/http/front.h"

#define TOKEN "0123456789abcdef0123456789abcdef"

static const struct ui_file test_rows[] = {
        { "/index.html", (const unsigned char *)"<p>hello</p>", NULL, 12, 0, "W/\"11\"" },
        { "/assets/a-1234.js", (const unsigned char *)"plain js", (const unsigned char *)"GZ", 8, 2, "W/\"22\"" },
};
static const struct ui_files test_ui = { test_rows, 2 }, test_no_ui = { NULL, 0 };

static _Atomic int test_calls; /* requests that reached the API */

static void test_api(void *ctx, struct http_exchange *x)
{
        (void)ctx;
        atomic_fetch_add(&test_calls, 1);
        http_reply_text(x, 200, "application/json", "{\"api\":true}");
}

struct bed {
        struct guard *guard;
        struct front *front;
};

static void bed_open(struct bed *bed, const char *address, const char *token, const char *key, const struct ui_files *ui)
{
        assert_int_equal(guard_new(&(struct guard_opts){ .listen_address = address, .token = token }, &bed->guard, NULL), ERR_OK);
        assert_int_equal(front_new(&(struct front_opts){ .guard = bed->guard, .door_key = key, .ui = ui, .api = test_api, .threads = 2 },
                                   &bed->front, NULL),
                         ERR_OK);
        atomic_store(&test_calls, 0);
}

static void bed_close(struct bed *bed)
{
        front_free(bed->front);
        guard_free(bed->guard);
        assert_int_equal(alloc_live_count(), 0);
}

static const char *ask(struct bed *bed, const char *request)
{
        static char text[65536];
        struct pollfd p = { .events = POLLIN };
        size_t n = 0;
        ssize_t got;

        assert_int_equal(sock_connect_tcp("127.0.0.1", front_port(bed->front), &p.fd, NULL), ERR_OK);
        fcntl(p.fd, F_SETFL, 0);
        assert_int_equal(send(p.fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
        while (poll(&p, 1, 20000) == 1 && (got = recv(p.fd, text + n, sizeof text - 1 - n, 0)) > 0) n += (size_t)got;
        text[n] = '\0';
        close(p.fd);
        return text;
}

static void must(const char *text, const char *part)
{
        if (!strstr(text, part)) fail_msg("no '%s' in:\n%s", part, text);
}

static void must_not(const char *text, const char *part)
{
        if (strstr(text, part)) fail_msg("'%s' in:\n%s", part, text);
}

#define REQUEST(line, more) line " HTTP/1.1\r\nHost: localhost:8080\r\n" more "\r\n"

static void serves_files(void **state)
{
        struct bed bed;
        const char *text;

        (void)state;
        bed_open(&bed, "127.0.0.1", NULL, NULL, &test_ui);
        text = ask(&bed, REQUEST("GET /", ""));
        must(text, "HTTP/1.1 200 OK\r\n");
        must(text, "Content-Type: text/html; charset=utf-8\r\n");
        must(text, "Cache-Control: no-cache\r\n");
        must(text, "ETag: W/\"11\"\r\n");
        must(text, "Content-Security-Policy: default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'\r\n");
        must(text, "X-Content-Type-Options: nosniff\r\n");
        must(text, "Referrer-Policy: no-referrer\r\n");
        must(text, "Cross-Origin-Opener-Policy: same-origin\r\n");
        must_not(text, "Access-Control-Allow-Origin");
        must(text, "\r\n\r\n<p>hello</p>");
        text = ask(&bed, REQUEST("HEAD /index.html", ""));
        must(text, "Content-Length: 12\r\n");
        must_not(text, "hello");
        text = ask(&bed, REQUEST("GET /assets/a-1234.js", "Accept-Encoding: deflate, gzip;q=0.5\r\n"));
        must(text, "Content-Encoding: gzip\r\n");
        must(text, "Cache-Control: public, max-age=31536000, immutable\r\n");
        must(text, "Vary: Accept-Encoding\r\n");
        must(text, "\r\n\r\nGZ");
        text = ask(&bed, REQUEST("GET /assets/a-1234.js", "Accept-Encoding: gzip;q=0, br\r\n"));
        must_not(text, "Content-Encoding");
        must(text, "\r\n\r\nplain js");
        must_not(ask(&bed, REQUEST("GET /", "Accept-Encoding: gzip\r\n")), "Content-Encoding"); /* not worth it */
        text = ask(&bed, REQUEST("GET /assets/a-1234.js", "If-None-Match: \"99\", W/\"22\"\r\n"));
        must(text, "HTTP/1.1 304 Not Modified\r\n");
        must(text, "ETag: W/\"22\"\r\n");
        must_not(text, "plain js");
        must(ask(&bed, REQUEST("GET /assets/a-1234.js", "If-None-Match: W/\"2\"\r\n")), "HTTP/1.1 200");
        bed_close(&bed);
}

static void origins_are_cut_out_of_addresses(void **state)
{
        static const struct {
                const char *url, *origin; /* NULL: refused */
        } rows[] = {
                { "http://localhost:3000", "http://localhost:3000" },
                { "https://grafana.example/sub/path", "https://grafana.example" },
                { "http://[::1]:3000/", "http://[::1]:3000" },
                { "localhost:3000", NULL },
                { "ftp://x", NULL },
                { "http://", NULL },
                { "http:///x", NULL },
                { "http://user@host", NULL },
                { "http://x; script-src *", NULL },
                { "http://x/;script-src *", NULL },
                { "http://x\r\nSet-Cookie: a=b", NULL },
                { "http://x?y", NULL },
                { "http://*", NULL },
        };
        char origin[FRONT_ORIGIN_BYTES];
        struct err_note note;

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                enum err e = front_origin(rows[i].url, origin, &note);

                print_message("  %s\n", rows[i].url);
                assert_int_equal(e, rows[i].origin ? ERR_OK : ERR_INVAL);
                if (rows[i].origin) assert_string_equal(origin, rows[i].origin);
        }
}

static void knows_its_paths(void **state)
{
        static const struct {
                const char *request, *expect;
        } rows[] = {
                { REQUEST("GET /run/42", ""), "HTTP/1.1 404" },
                { REQUEST("GET /assets/", ""), "HTTP/1.1 404" },
                { REQUEST("GET /assets/../index.html", ""), "HTTP/1.1 404" },
                { REQUEST("GET /%2e%2e/%2e%2e/etc/passwd", ""), "HTTP/1.1 404" },
                { REQUEST("GET /index.html%00.js", ""), "HTTP/1.1 400" },
                { REQUEST("POST /", "Content-Length: 0\r\n"), "HTTP/1.1 405" },
                { REQUEST("DELETE /assets/a-1234.js", ""), "Allow: GET, HEAD\r\n" },
                { REQUEST("GET /api/v1/runs", ""), "{\"api\":true}" },
                { REQUEST("GET /apis", ""), "HTTP/1.1 404" },
                { REQUEST("GET /favicon.ico", ""), "HTTP/1.1 204" },
        };
        struct bed bed;

        (void)state;
        bed_open(&bed, "127.0.0.1", NULL, NULL, &test_ui);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) must(ask(&bed, rows[i].request), rows[i].expect);
        assert_int_equal(atomic_load(&test_calls), 1);
        must(ask(&bed, REQUEST("GET /api/v1/runs", "")), "Cache-Control: no-store\r\n");
        bed_close(&bed);
        bed_open(&bed, "127.0.0.1", NULL, NULL, &test_no_ui);
        must(ask(&bed, REQUEST("GET /", "")), "HTTP/1.1 503");
        must(ask(&bed, REQUEST("GET /", "")), "web/dist");
        must(ask(&bed, REQUEST("GET /api/v1/runs", "")), "{\"api\":true}");
        bed_close(&bed);
}

static void refuses_strangers(void **state)
{
        static const struct {
                const char *name, *request, *expect;
                int calls;
        } rows[] = {
                { "rebound name", "GET /api/v1/runs HTTP/1.1\r\nHost: evil.example\r\n\r\n", "HTTP/1.1 403", 0 },
                { "rebound name on a file", "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", "HTTP/1.1 403", 0 },
                { "foreign page posts", REQUEST("POST /api/v1/runs", "Origin: http://evil.example\r\nContent-Length: 2\r\n") "{}", "HTTP/1.1 403", 0 },
                { "foreign port posts", REQUEST("POST /api/v1/runs", "Origin: http://localhost:3000\r\nContent-Length: 2\r\n") "{}", "HTTP/1.1 403", 0 },
                { "sandboxed page puts", REQUEST("PUT /api/v1/runs", "Origin: null\r\nContent-Length: 2\r\n") "{}", "HTTP/1.1 403", 0 },
                { "foreign page deletes", REQUEST("DELETE /api/v1/runs", "Origin: http://evil.example\r\n"), "HTTP/1.1 403", 0 },
                { "foreign preflight", REQUEST("OPTIONS /api/v1/runs", "Origin: http://evil.example\r\nAccess-Control-Request-Method: PUT\r\n"), "HTTP/1.1 403", 0 },
                { "own page posts", REQUEST("POST /api/v1/runs", "Origin: http://localhost:8080\r\nContent-Length: 2\r\n") "{}", "HTTP/1.1 200", 1 },
                { "no browser posts", REQUEST("POST /api/v1/runs", "Content-Length: 2\r\n") "{}", "HTTP/1.1 200", 1 },
        };
        struct bed bed;

        (void)state;
        bed_open(&bed, "127.0.0.1", NULL, NULL, &test_ui);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                const char *text;

                atomic_store(&test_calls, 0);
                text = ask(&bed, rows[i].request);
                if (!strstr(text, rows[i].expect)) fail_msg("%s:\n%s", rows[i].name, text);
                assert_int_equal(atomic_load(&test_calls), rows[i].calls);
                must_not(text, "Access-Control-Allow");
        }
        bed_close(&bed);
}

static void answers_the_door_only(void **state)
{
        struct bed bed;

        (void)state;
        bed_open(&bed, "127.0.0.1", NULL, "the-key", &test_ui);
        must(ask(&bed, REQUEST("GET /", "")), "HTTP/1.1 403");
        must(ask(&bed, REQUEST("GET /", "X-Firedrill-Door: the-kez\r\n")), "HTTP/1.1 403");
        must(ask(&bed, REQUEST("GET /", "X-Firedrill-Door: the-key-\r\n")), "HTTP/1.1 403");
        must(ask(&bed, REQUEST("GET /", "X-Firedrill-Door: \r\n")), "HTTP/1.1 403");
        must(ask(&bed, REQUEST("GET /", "X-Firedrill-Door: the-key\r\n")), "HTTP/1.1 200");
        bed_close(&bed);
}

static void asks_for_the_token(void **state)
{
        struct bed bed;
        const char *text;

        (void)state;
        bed_open(&bed, "0.0.0.0", TOKEN, NULL, &test_ui);
        text = ask(&bed, "GET / HTTP/1.1\r\nHost: 10.0.0.7:8080\r\n\r\n");
        must(text, "HTTP/1.1 401");
        must(text, "?token=");
        must_not(text, TOKEN);
        must(ask(&bed, REQUEST("GET /assets/a-1234.js", "")), "HTTP/1.1 401");
        text = ask(&bed, REQUEST("GET /api/v1/runs", ""));
        must(text, "HTTP/1.1 401");
        must(text, "application/problem+json");
        must(ask(&bed, REQUEST("GET /api/v1/health", "")), "HTTP/1.1 200");
        must(ask(&bed, REQUEST("POST /api/v1/health", "Content-Length: 0\r\n")), "HTTP/1.1 401");
        must(ask(&bed, REQUEST("GET /?token=" TOKEN "x", "")), "HTTP/1.1 401");
        must(ask(&bed, REQUEST("GET /?token=", "")), "HTTP/1.1 401");
        must(ask(&bed, REQUEST("GET /api/v1/runs?token=" TOKEN, "")), "HTTP/1.1 401"); /* addresses end up in logs: only at the front page */
        text = ask(&bed, REQUEST("GET /?token=" TOKEN, ""));
        must(text, "HTTP/1.1 200");
        must(text, "Set-Cookie: firedrill_token=" TOKEN "; Path=/; HttpOnly; SameSite=Strict\r\n");
        must(text, "Cache-Control: no-store\r\n");
        must(text, "http-equiv=\"refresh\"");
        must(ask(&bed, REQUEST("GET /", "Cookie: firedrill_token=" TOKEN "\r\n")), "<p>hello</p>");
        must(ask(&bed, REQUEST("GET /api/v1/runs", "Cookie: a=b; firedrill_token=" TOKEN "\r\n")), "{\"api\":true}");
        must(ask(&bed, REQUEST("GET /api/v1/runs", "Authorization: Bearer " TOKEN "\r\n")), "{\"api\":true}");
        must(ask(&bed, REQUEST("POST /api/v1/runs", "Cookie: firedrill_token=" TOKEN "\r\nOrigin: http://evil.example\r\nContent-Length: 2\r\n") "{}"),
             "HTTP/1.1 403");
        bed_close(&bed);
        bed_open(&bed, "127.0.0.1", NULL, NULL, &test_ui);
        must_not(ask(&bed, REQUEST("GET /?token=x", "")), "Set-Cookie"); /* no token, no cookie */
        bed_close(&bed);
}

static void holds_the_body_limit(void **state)
{
        static char big[HTTP_BODY_BYTES_DEFAULT + 512];
        struct bed bed;
        size_t n;

        (void)state;
        bed_open(&bed, "127.0.0.1", NULL, NULL, &test_ui);
        n = (size_t)snprintf(big, sizeof big, REQUEST("POST /api/v1/runs", "Content-Length: %d\r\n"), HTTP_BODY_BYTES_DEFAULT);
        memset(big + n, ' ', HTTP_BODY_BYTES_DEFAULT);
        big[n + HTTP_BODY_BYTES_DEFAULT] = '\0';
        must(ask(&bed, big), "HTTP/1.1 200");
        n = (size_t)snprintf(big, sizeof big, REQUEST("POST /api/v1/runs", "Content-Length: %d\r\n"), HTTP_BODY_BYTES_DEFAULT + 1);
        memset(big + n, ' ', HTTP_BODY_BYTES_DEFAULT + 1);
        big[n + HTTP_BODY_BYTES_DEFAULT + 1] = '\0';
        must(ask(&bed, big), "HTTP/1.1 413");
        assert_int_equal(atomic_load(&test_calls), 1);
        bed_close(&bed);
}

static void survives_every_fault_at_birth(void **state)
{
        struct guard *guard = NULL;

        (void)state;
        assert_int_equal(guard_new(&(struct guard_opts){ .listen_address = "127.0.0.1" }, &guard, NULL), ERR_OK);
        for (size_t nth = 1;; nth++) {
                struct front *front = NULL;
                enum err e;
                bool fired;

                fault_arm(nth, false);
                e = front_new(&(struct front_opts){ .guard = guard, .ui = &test_ui, .api = test_api, .threads = 1 }, &front, NULL);
                fired = fault_disarm();
                assert_int_equal(fired, e != ERR_OK);
                assert_int_equal(e != ERR_OK, front == NULL);
                front_free(front);
                if (!fired) break;
        }
        guard_free(guard);
        assert_int_equal(alloc_live_count(), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(serves_files), cmocka_unit_test(origins_are_cut_out_of_addresses),       cmocka_unit_test(knows_its_paths),
                cmocka_unit_test(refuses_strangers),  cmocka_unit_test(answers_the_door_only),
                cmocka_unit_test(asks_for_the_token), cmocka_unit_test(holds_the_body_limit),
                cmocka_unit_test(survives_every_fault_at_birth),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
