#include "tests/unit/unit.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/http/client.h"
#include "common/http/server.h"
#include "common/http/trace.h"

static struct http_server *server;
static char base[64];
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void handle(void *ctx, struct http_exchange *x)
{
        char id[32];
        size_t size;

        (void)ctx;
        if (str_eq(http_path(x), "/echo")) {
                http_set_header(x, "X-Bad\r\nInjected", "1");
                http_set_header(x, "Retry-After", "7");
                http_body(x, &size);
                http_reply(x, 201, "text/plain", http_body(x, NULL), size);
        } else if (http_path_match("/item/{id}/x", http_path(x), id, sizeof id)) {
                struct json *o = json_object();

                json_set_str(o, "id", id);
                json_set_str(o, "q", http_param(x, "q"));
                json_set_str(o, "method", http_method(x));
                http_reply_json(x, 200, o);
        } else if (str_eq(http_path(x), "/wait")) {
                pthread_mutex_lock(&gate);
                pthread_mutex_unlock(&gate);
                http_reply_text(x, 200, "text/plain", "late");
        } else if (str_eq(http_path(x), "/silent")) {
                return;
        } else {
                http_problem(x, 404, "NOT_FOUND", "no '%s' here", http_path(x));
        }
}

static int start(void **state)
{
        struct http_server_options o = { .address = "127.0.0.1:0", .threads = 12, .keep_alive = true, .handler = handle, .body_bytes_max = 1000 };
        struct err_note note = { .text = "" };

        (void)state;
        if (http_server_new(&o, &server, &note)) return -1;
        snprintf(base, sizeof base, "http://127.0.0.1:%u", http_server_port(server));
        return 0;
}

static int stop(void **state)
{
        (void)state;
        http_server_free(server);
        return 0;
}

static enum err get(const char *path, const char *method, const char *body, struct http_response *r, struct err_note *note)
{
        AUTO(http_client_free) struct http_client *c = NULL;
        char url[256];
        struct http_request q = { .method = method, .url = url, .body = body, .body_bytes = body ? strlen(body) : 0, .timeout_ms = 5000 };

        snprintf(url, sizeof url, "%s%s", base, path);
        assert_int_equal(http_client_new(&c), ERR_OK);
        return http_do(c, &q, r, note);
}

static void test_exchange(void **state)
{
        static const struct {
                const char *method, *path, *body;
                int status;
                const char *answer;
        } rows[] = {
                { "POST", "/echo", "hello", 201, "hello" },
                { "GET", "/item/a%20b/x?q=1%2B1+2&z", NULL, 200, "{\"id\":\"a b\",\"q\":\"1+1 2\",\"method\":\"GET\"}" },
                { "GET", "/nope", NULL, 404, "{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404,\"code\":\"NOT_FOUND\",\"detail\":\"no '/nope' here\"}" },
                { "GET", "/%00", NULL, 400, NULL },
                { "GET", "/%zz", NULL, 400, NULL },
                { "GET", "/silent", NULL, 500, NULL },
                { "DELETE", "/item/q/x", NULL, 200, "{\"id\":\"q\",\"q\":null,\"method\":\"DELETE\"}" },
        };
        struct http_response r;

        (void)state;
        http_response_init(&r);
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
                struct err_note note = { .text = "" };

                if (get(rows[i].path, rows[i].method, rows[i].body, &r, &note)) fail_msg("%s: %s", rows[i].path, note.text);
                ROW(rows[i].path, r.status == rows[i].status);
                if (rows[i].answer) assert_string_equal(r.body.data, rows[i].answer);
        }
        assert_int_equal(get("/echo", "POST", "", &r, NULL), ERR_OK);
        assert_int_equal(r.retry_after_s, 7);
        http_response_done(&r);
}

static void test_body_limit(void **state)
{
        static char big[2001];
        struct http_response r;

        (void)state;
        memset(big, 'x', 2000);
        http_response_init(&r);
        assert_int_equal(get("/echo", "POST", big, &r, NULL), ERR_OK);
        assert_int_equal(r.status, 413);
        http_response_done(&r);
}

static void test_keep_alive(void **state)
{
        AUTO(http_client_free) struct http_client *c = NULL;
        struct http_response r;
        char url[128];
        struct http_request q = { .url = url };

        (void)state;
        snprintf(url, sizeof url, "%s/item/1/x", base);
        http_response_init(&r);
        assert_int_equal(http_client_new(&c), ERR_OK);
        assert_int_equal(http_do(c, &q, &r, NULL), ERR_OK);
        assert_false(r.reused);
        assert_int_equal(http_do(c, &q, &r, NULL), ERR_OK);
        assert_true(r.reused);
        http_client_disconnect(c);
        assert_int_equal(http_do(c, &q, &r, NULL), ERR_OK);
        assert_false(r.reused);
        http_response_done(&r);
}

static void test_failures(void **state)
{
        AUTO(http_client_free) struct http_client *c = NULL;
        struct http_request refused = { .url = "http://127.0.0.1:1/" }, bad = { .url = "file:///etc/passwd" }, late = { .timeout_ms = 20 };
        struct http_response r;
        struct err_note note;
        char url[128];

        (void)state;
        http_response_init(&r);
        assert_int_equal(http_client_new(&c), ERR_OK);
        assert_int_equal(http_do(c, &refused, &r, &note), ERR_UNAVAILABLE);
        assert_int_equal(http_do(c, &bad, &r, &note), ERR_INVAL);
        snprintf(url, sizeof url, "%s/wait", base);
        late.url = url;
        pthread_mutex_lock(&gate);
        assert_int_equal(http_do(c, &late, &r, &note), ERR_TIMEOUT);
        pthread_mutex_unlock(&gate);
        snprintf(url, sizeof url, "%s/item/1/x", base);
        late.timeout_ms = 5000;
        late.body_bytes_max = 5;
        assert_int_equal(http_do(c, &late, &r, &note), ERR_LIMIT);
        http_response_done(&r);
}

struct async_seen {
        struct loop *loop;
        int done, failed, wanted;
};

static void on_done(void *ctx, enum err e, const struct err_note *note, const struct http_response *r)
{
        struct async_seen *s = ctx;

        (void)note;
        if (e || r->status != 200) s->failed++;
        if (++s->done == s->wanted) loop_stop(s->loop);
}

static void test_async(void **state)
{
        AUTO(loop_free) struct loop *l = NULL;
        struct http_async *a = NULL;
        struct async_seen s = { .wanted = 50 };
        struct http_ticket *waiting;
        char url[128], slow[128];
        struct http_request q = { .url = url }, w = { .url = slow };

        (void)state;
        snprintf(url, sizeof url, "%s/item/1/x", base);
        snprintf(slow, sizeof slow, "%s/wait", base);
        assert_int_equal(loop_new(&l, NULL), ERR_OK);
        s.loop = l;
        assert_int_equal(http_async_new(l, &a), ERR_OK);
        pthread_mutex_lock(&gate);
        assert_int_equal(http_async_start(a, &w, on_done, &s, &waiting), ERR_OK);
        for (int i = 0; i < 49; i++) assert_int_equal(http_async_start(a, &q, on_done, &s, NULL), ERR_OK);
        q.url = "http://127.0.0.1:1/";
        assert_int_equal(http_async_start(a, &q, on_done, &s, NULL), ERR_OK);
        loop_run(l);
        assert_int_equal(s.failed, 1);
        http_async_cancel(waiting);
        pthread_mutex_unlock(&gate);
        http_async_free(a);
}

static void test_port_in_use(void **state)
{
        struct http_server_options o = { .threads = 1, .handler = handle };
        struct http_server *second = (struct http_server *)(uintptr_t)0x1;
        struct err_note note = { .text = "" };
        char address[64];

        (void)state;
        snprintf(address, sizeof address, "127.0.0.1:%u", http_server_port(server));
        o.address = address;
        assert_int_equal(http_server_new(&o, &second, &note), ERR_EXISTS);
        assert_true(second == (struct http_server *)(uintptr_t)0x1);
        assert_non_null(strstr(note.text, address));
}

static void test_trace(void **state)
{
        static const struct {
                const char *header;
                enum err e;
        } rows[] = {
                { "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", ERR_OK },
                { "00-00000000000000000000000000000000-b7ad6b7169203331-01", ERR_PARSE },
                { "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", ERR_PARSE },
                { "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", ERR_PARSE },
                { "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", ERR_PARSE },
                { "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x", ERR_PARSE },
                { "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what", ERR_OK },
                { "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", ERR_PARSE },
                { "", ERR_PARSE },
        };
        char header[TRACE_HEADER_BYTES];
        struct trace t, child;

        (void)state;
        for (size_t i = 0; i < ARRAY_COUNT(rows); i++) ROW(rows[i].header, trace_parse(rows[i].header, &t) == rows[i].e);
        assert_int_equal(trace_parse(rows[0].header, &t), ERR_OK);
        assert_string_equal(t.parent_id, "b7ad6b7169203331");
        assert_true(t.sampled);
        trace_child(&t, &child);
        assert_string_equal(child.trace_id, "0af7651916cd43dd8448eb211c80319c");
        assert_string_equal(child.parent_id, t.span_id);
        trace_header(&child, header);
        assert_int_equal(strlen(header), 55);
        assert_true(str_starts(header, "00-0af7651916cd43dd8448eb211c80319c-"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_exchange), cmocka_unit_test(test_body_limit), cmocka_unit_test(test_keep_alive),
                cmocka_unit_test(test_failures), cmocka_unit_test(test_async), cmocka_unit_test(test_port_in_use), cmocka_unit_test(test_trace),
        };

        return cmocka_run_group_tests(tests, start, stop);
}
