/* The push thread with real sockets: handshakes, streams, slow and rude browsers. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "common/base/mem.h"
#include "common/sys/sock.h"
#include "server/push/push.h"
#include "tests/support/wsclient.h"

enum { WAIT_MS = 20000 };

struct bed {
        struct guard *guard;
        struct push *push;
        int listener;
        _Atomic int wanted; /* times a snapshot was asked for */
        _Atomic bool is_mute; /* the owner does not answer */
};

static void bed_snapshot_wanted(void *ctx)
{
        struct bed *bed = ctx;

        atomic_fetch_add(&bed->wanted, 1);
        if (!atomic_load(&bed->is_mute)) (void)push_snapshot(bed->push, "{\"run\":null}"); /* fails in the sweep of faults */
}

static void bed_open(struct bed *bed, size_t connections_max)
{
        *bed = (struct bed){ .listener = -1 };
        assert_int_equal(guard_new(&(struct guard_opts){ .listen_address = "127.0.0.1" }, &bed->guard, NULL), ERR_OK);
        assert_int_equal(push_new(&(struct push_opts){ .guard = bed->guard,
                                                       .connections_max = connections_max,
                                                       .snapshot_wanted = bed_snapshot_wanted,
                                                       .ctx = bed },
                                  &bed->push, NULL),
                         ERR_OK);
        assert_int_equal(sock_listen_tcp("127.0.0.1", 0, 128, &bed->listener, NULL), ERR_OK);
}

static void bed_close(struct bed *bed)
{
        push_free(bed->push);
        guard_free(bed->guard);
        close(bed->listener);
        assert_int_equal(alloc_live_count(), 0);
}

/* A pair of connected TCP sockets; the server's end is returned as the door would give it. */
static int bed_pair(struct bed *bed, int *ret_client)
{
        struct pollfd p = { .fd = bed->listener, .events = POLLIN };
        int server;

        assert_int_equal(sock_connect_tcp("127.0.0.1", sock_port(bed->listener), ret_client, NULL), ERR_OK);
        assert_int_equal(poll(&p, 1, WAIT_MS), 1);
        server = accept4(bed->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        assert_true(server >= 0);
        fcntl(*ret_client, F_SETFL, 0); /* the client's end blocks */
        return server;
}

static enum err bed_adopt(struct bed *bed, int fd, const char *text, struct err_note *note)
{
        struct head head;
        size_t size = strlen(text), end = head_end(text, size, 0);
        int status;

        assert_int_equal(head_parse(text, end, &head, &status, note), ERR_OK);
        return push_adopt(bed->push, fd, &head, text + end, size - end, note);
}

#define HANDSHAKE(target, host, more)                                                                                  \
        "GET " target " HTTP/1.1\r\nHost: " host "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"                   \
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " WSCLIENT_KEY "\r\n" more "\r\n"

static struct wsclient *bed_join(struct bed *bed, const char *handshake)
{
        struct wsclient *c = calloc(1, sizeof *c);
        int fd = bed_pair(bed, &c->fd);
        struct err_note note = { 0 };

        if (bed_adopt(bed, fd, handshake, &note)) fail_msg("adopt: %s", note.text);
        assert_true(wsclient_greet(c, WAIT_MS));
        return c;
}

static void bed_leave(struct wsclient *c)
{
        close(c->fd);
        free(c);
}

static void expect(struct wsclient *c, const char *type, const char *part)
{
        if (!wsclient_read_type(c, type, WAIT_MS)) fail_msg("no %s came", type);
        if (!strstr(c->text, part)) fail_msg("%s lacks %s", c->text, part);
}

/* Until the counter is as expected: everything happens on another thread. */
static void await_connections(struct bed *bed, uint64_t count)
{
        int64_t deadline_ms = clock_mono_ms() + WAIT_MS;
        struct push_stats stats;

        do {
                assert_true(clock_mono_ms() < deadline_ms);
                push_stats_get(bed->push, &stats);
                poll(NULL, 0, 1);
        } while (stats.connections != count);
}

static void snapshot_then_deltas(void **state)
{
        struct bed bed;
        struct wsclient *c;
        char epoch[PUSH_EPOCH_BYTES], mark[64];

        (void)state;
        bed_open(&bed, 10);
        push_epoch(bed.push, epoch);
        assert_int_equal(strlen(epoch), 16);
        assert_int_equal(push_publish(bed.push, PUSH_FEED, "{\"text\":\"before\"}"), ERR_OK);
        c = bed_join(&bed, HANDSHAKE("/ws", "127.0.0.1:1", "Origin: http://127.0.0.1:1\r\n"));
        assert_true(wsclient_read(c, WAIT_MS));
        assert_non_null(strstr(c->text, "\"type\":\"snapshot\""));
        assert_memory_equal(c->text, "{\"seq\":1,", 9);
        snprintf(mark, sizeof mark, "\"data\":{\"epoch\":\"%s\",\"run\":null}}", epoch);
        assert_non_null(strstr(c->text, mark));
        for (int i = 0; i < 100; i++) {
                char data[32];

                snprintf(data, sizeof data, "{\"n\":%d}", i);
                assert_int_equal(push_publish(bed.push, PUSH_FEED, data), ERR_OK);
        }
        for (int i = 0; i < 100; i++) {
                snprintf(mark, sizeof mark, "{\"seq\":%d,", i + 2);
                do assert_true(wsclient_read(c, WAIT_MS)); while (strstr(c->text, "\"beat\""));
                assert_memory_equal(c->text, mark, strlen(mark));
        }
        expect(c, "beat", "{\"seq\":101,"); /* silence is filled, without a number of its own */
        bed_leave(c);
        await_connections(&bed, 0);
        bed_close(&bed);
}

static void refuses_strangers(void **state)
{
        static const struct {
                const char *name, *text;
                enum err expect;
        } rows[] = {
                { "foreign Origin", HANDSHAKE("/ws", "127.0.0.1:1", "Origin: http://evil.example\r\n"), ERR_DENIED },
                { "null Origin", HANDSHAKE("/ws", "127.0.0.1:1", "Origin: null\r\n"), ERR_DENIED },
                { "other port's page", HANDSHAKE("/ws", "127.0.0.1:1", "Origin: http://127.0.0.1:2\r\n"), ERR_DENIED },
                { "rebound Host", HANDSHAKE("/ws", "evil.example", "Origin: http://evil.example\r\n"), ERR_DENIED },
                { "no upgrade", "GET /ws HTTP/1.1\r\nHost: localhost\r\n\r\n", ERR_INVAL },
                { "old version", "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Key: " WSCLIENT_KEY "\r\n\r\n", ERR_UNSUPPORTED },
                { "no key", "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n", ERR_INVAL },
                { "bad key", "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZ!Bub25jZQ==\r\n\r\n", ERR_INVAL },
                { "a body", HANDSHAKE("/ws", "localhost", "Content-Length: 5\r\n"), ERR_INVAL },
        };
        struct bed bed;

        (void)state;
        bed_open(&bed, 10);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                struct err_note note = { 0 };
                int client, server = bed_pair(&bed, &client);
                enum err e = bed_adopt(&bed, server, rows[i].text, &note);

                if (e != rows[i].expect) fail_msg("%s: %s", rows[i].name, err_text(e));
                assert_true(note.text[0]);
                assert_true(fcntl(server, F_GETFD) >= 0); /* still ours */
                close(server);
                close(client);
        }
        bed_close(&bed);
}

static void resumes(void **state)
{
        struct bed bed;
        struct wsclient *c;
        char epoch[PUSH_EPOCH_BYTES], text[400];

        (void)state;
        bed_open(&bed, 10);
        push_epoch(bed.push, epoch);
        for (int i = 0; i < 5; i++) assert_int_equal(push_publish(bed.push, PUSH_FEED, "{}"), ERR_OK);
        snprintf(text, sizeof text, HANDSHAKE("/ws?epoch=%s&seq=3", "localhost", ""), epoch);
        c = bed_join(&bed, text); /* by address: no snapshot, straight on */
        assert_true(wsclient_read(c, WAIT_MS));
        assert_memory_equal(c->text, "{\"seq\":4,", 9);
        assert_true(wsclient_read(c, WAIT_MS));
        assert_memory_equal(c->text, "{\"seq\":5,", 9);
        bed_leave(c);
        assert_int_equal(atomic_load(&bed.wanted), 0);

        atomic_store(&bed.is_mute, true);
        c = bed_join(&bed, HANDSHAKE("/ws", "localhost", "")); /* by message, before the snapshot came */
        snprintf(text, sizeof text, "{\"type\":\"resume\",\"data\":{\"epoch\":\"%s\",\"seq\":4}}", epoch);
        assert_true(wsclient_say(c, text));
        assert_true(wsclient_read(c, WAIT_MS));
        assert_memory_equal(c->text, "{\"seq\":5,", 9);
        bed_leave(c);

        atomic_store(&bed.is_mute, false);
        c = bed_join(&bed, HANDSHAKE("/ws?epoch=0000000000000000&seq=3", "localhost", "")); /* another life */
        expect(c, "snapshot", "{\"seq\":5,");
        bed_leave(c);
        bed_close(&bed);
}

static void asks_again_for_a_snapshot(void **state)
{
        struct bed bed;
        struct wsclient *c;

        (void)state;
        bed_open(&bed, 10);
        atomic_store(&bed.is_mute, true);
        c = bed_join(&bed, HANDSHAKE("/ws", "localhost", ""));
        while (atomic_load(&bed.wanted) < 1) poll(NULL, 0, 1);
        atomic_store(&bed.is_mute, false);
        expect(c, "snapshot", "\"run\":null"); /* asked again after two seconds */
        assert_true(atomic_load(&bed.wanted) >= 2);
        bed_leave(c);
        bed_close(&bed);
}

static void closes_the_rude(void **state)
{
        static char big[PUSH_INPUT_BYTES_MAX + 100];
        static const struct {
                const char *name;
                unsigned first;
                const char *bytes;
                size_t size_bytes;
                const char *notice;
        } rows[] = {
                { "unknown type", 0x81, "{\"type\":\"shutdown\"}", 19, "not 'shutdown'" },
                { "not JSON", 0x81, "x", 1, "" },
                { "too large", 0x81, big, sizeof big, "at most 4096 bytes" },
                { "binary", 0x82, "abc", 3, "not binary" },
        };
        struct bed bed;

        (void)state;
        memset(big, 'x', sizeof big);
        bed_open(&bed, 10);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                struct wsclient *c = bed_join(&bed, HANDSHAKE("/ws", "localhost", ""));

                expect(c, "snapshot", "");
                assert_true(wsclient_send(c, rows[i].first, rows[i].bytes, rows[i].size_bytes));
                expect(c, "notice", rows[i].notice);
                assert_true(wsclient_read(c, WAIT_MS));
                if (wsclient_close_code(c) != 1008) fail_msg("%s: closed by %d", rows[i].name, wsclient_close_code(c));
                bed_leave(c);
        }
        await_connections(&bed, 0);
        bed_close(&bed);
}

static void survives_broken_frames(void **state)
{
        static const struct {
                const char *bytes;
                size_t size_bytes;
        } rows[] = {
                { "\x81\x05hello", 7 },                          /* not masked */
                { "\xf1\x81\x01\x02\x03\x04x", 7 },              /* reserved bits */
                { "\x83\x81\x01\x02\x03\x04x", 7 },              /* reserved opcode */
                { "\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10 }, /* length 2^64-1 */
                { "\x80\x81\x01\x02\x03\x04x", 7 },              /* continuation of nothing */
                { "\x89\xfe\x01\x00", 4 },                       /* long ping */
        };
        struct bed bed;

        (void)state;
        bed_open(&bed, 10);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                struct wsclient *c = bed_join(&bed, HANDSHAKE("/ws", "localhost", ""));

                send(c->fd, rows[i].bytes, rows[i].size_bytes, MSG_NOSIGNAL);
                shutdown(c->fd, SHUT_WR);
                while (wsclient_read(c, WAIT_MS)) {} /* to the end of the connection */
                bed_leave(c);
        }
        await_connections(&bed, 0);
        bed_close(&bed);
}

static void resyncs_the_slow(void **state)
{
        static char big[16 * 1024];
        struct bed bed;
        struct wsclient *slow, *fast;
        struct push_stats stats;
        uint64_t seq = 0;

        (void)state;
        memset(big, '7', sizeof big - 1);
        bed_open(&bed, 10);
        slow = bed_join(&bed, HANDSHAKE("/ws", "localhost", ""));
        fast = bed_join(&bed, HANDSHAKE("/ws", "localhost", ""));
        expect(slow, "snapshot", "");
        expect(fast, "snapshot", "");
        do {
                assert_true(++seq < 5000); /* kernel buffers end somewhere */
                assert_int_equal(push_publish(bed.push, PUSH_FEED, big), ERR_OK);
                expect(fast, "feed", "");
                push_stats_get(bed.push, &stats);
        } while (!stats.resyncs);
        assert_int_equal(stats.resyncs, 1); /* the fast one never noticed */
        while (wsclient_read_type(slow, "snapshot", WAIT_MS) && strtoull(slow->text + 7, NULL, 10) < 2) {}
        assert_non_null(strstr(slow->text, "\"snapshot\""));
        assert_int_equal(push_publish(bed.push, PUSH_FEED, "{\"after\":1}"), ERR_OK);
        do expect(slow, "feed", ""); while (!strstr(slow->text, "\"after\""));
        bed_leave(slow);
        bed_leave(fast);
        bed_close(&bed);
}

static void makes_losses_good(void **state)
{
        static char big[PUSH_DATA_BYTES_MAX + 2];
        struct bed bed;
        struct wsclient *c;
        char epoch[PUSH_EPOCH_BYTES], text[400];

        (void)state;
        bed_open(&bed, 10);
        push_epoch(bed.push, epoch);
        c = bed_join(&bed, HANDSHAKE("/ws", "localhost", ""));
        expect(c, "snapshot", "{\"seq\":0,");
        fault_arm(1, false);
        assert_int_equal(push_publish(bed.push, PUSH_FEED, "{}"), ERR_NOMEM);
        fault_disarm();
        expect(c, "snapshot", "{\"seq\":1,");
        snprintf(text, sizeof text, HANDSHAKE("/ws?epoch=%s&seq=0", "localhost", ""), epoch);
        memset(big, '7', sizeof big - 1); /* the same for what is too large */
        assert_int_equal(push_publish(bed.push, PUSH_FEED, big), ERR_LIMIT);
        expect(c, "snapshot", "{\"seq\":2,");
        bed_leave(c);
        c = bed_join(&bed, text); /* whoever was away does not jump over the gap */
        expect(c, "snapshot", "{\"seq\":2,");
        bed_leave(c);
        bed_close(&bed);
}

static void holds_its_limit_of_connections(void **state)
{
        struct bed bed;
        struct wsclient *a, *b;
        struct err_note note = { 0 };
        int client, server;

        (void)state;
        bed_open(&bed, 2);
        a = bed_join(&bed, HANDSHAKE("/ws", "localhost", ""));
        b = bed_join(&bed, HANDSHAKE("/ws", "localhost", ""));
        server = bed_pair(&bed, &client);
        assert_int_equal(bed_adopt(&bed, server, HANDSHAKE("/ws", "localhost", ""), &note), ERR_LIMIT);
        assert_non_null(strstr(note.text, "2 browsers"));
        close(client);
        close(server);
        bed_leave(a);
        await_connections(&bed, 1);
        a = bed_join(&bed, HANDSHAKE("/ws", "localhost", ""));
        bed_leave(a);
        bed_leave(b);
        bed_close(&bed);
}

static void says_goodbye(void **state)
{
        struct bed bed;
        struct wsclient *c;

        (void)state;
        bed_open(&bed, 10);
        c = bed_join(&bed, HANDSHAKE("/ws", "localhost", ""));
        expect(c, "snapshot", "");
        bed_close(&bed);
        while (wsclient_read(c, WAIT_MS)) {}
        assert_int_equal(wsclient_close_code(c), 1001);
        bed_leave(c);
}

enum { WRITERS = 4, WRITES = 300 };

struct writer {
        struct push *push;
        int number;
};

static void *writer_run(void *ctx)
{
        const struct writer *w = ctx;
        char data[64];

        for (int i = 0; i < WRITES; i++) {
                snprintf(data, sizeof data, "{\"writer\":%d,\"n\":%d}", w->number, i);
                (void)push_publish(w->push, PUSH_FEED, data);
        }
        return NULL;
}

static void keeps_the_order_of_each_thread(void **state)
{
        struct writer writers[WRITERS];
        pthread_t threads[WRITERS];
        struct bed bed;
        struct wsclient *c[2];

        (void)state;
        bed_open(&bed, 10);
        for (int i = 0; i < 2; i++) {
                c[i] = bed_join(&bed, HANDSHAKE("/ws", "localhost", ""));
                expect(c[i], "snapshot", "{\"seq\":0,");
        }
        for (int i = 0; i < WRITERS; i++) {
                writers[i] = (struct writer){ bed.push, i };
                assert_int_equal(pthread_create(&threads[i], NULL, writer_run, &writers[i]), 0);
        }
        for (int i = 0; i < 2; i++) {
                int next[WRITERS] = { 0 };

                for (uint64_t seq = 1; seq <= WRITERS * WRITES; seq++) {
                        int writer, n;

                        assert_true(wsclient_read_type(c[i], "feed", WAIT_MS));
                        assert_int_equal(strtoull(c[i]->text + 7, NULL, 10), seq); /* no gap over all */
                        assert_int_equal(sscanf(strstr(c[i]->text, "\"writer\""), "\"writer\":%d,\"n\":%d", &writer, &n), 2);
                        assert_int_equal(n, next[writer]++);
                }
        }
        for (int i = 0; i < WRITERS; i++) pthread_join(threads[i], NULL);
        for (int i = 0; i < 2; i++) bed_leave(c[i]);
        bed_close(&bed);
}

static void survives_every_fault_at_birth(void **state)
{
        struct guard *guard = NULL;

        (void)state;
        assert_int_equal(guard_new(&(struct guard_opts){ .listen_address = "127.0.0.1" }, &guard, NULL), ERR_OK);
        for (size_t nth = 1;; nth++) {
                struct push *push = NULL;
                enum err e;
                bool fired;

                fault_arm(nth, false);
                e = push_new(&(struct push_opts){ .guard = guard, .snapshot_wanted = bed_snapshot_wanted }, &push, NULL);
                fired = fault_disarm();
                assert_int_equal(fired, e != ERR_OK);
                assert_int_equal(e != ERR_OK, push == NULL);
                push_free(push);
                if (!fired) break;
        }
        guard_free(guard);
        assert_int_equal(alloc_live_count(), 0);
}

static void survives_every_fault_of_an_arrival(void **state)
{
        struct bed bed;

        (void)state;
        bed_open(&bed, 10);
        for (size_t nth = 1;; nth++) {
                struct wsclient *c = calloc(1, sizeof *c);
                int server = bed_pair(&bed, &c->fd);
                enum err e;
                bool fired;

                fault_arm(nth, false);
                e = bed_adopt(&bed, server, HANDSHAKE("/ws", "localhost", ""), NULL);
                if (e) close(server);
                else if (wsclient_greet(c, WAIT_MS)) expect(c, "snapshot", ""); /* through the push thread, or closed by it */
                fired = fault_disarm();
                bed_leave(c);
                await_connections(&bed, 0);
                if (!fired) break;
        }
        bed_close(&bed);
}

static void fans_out_to_a_thousand(void **state)
{
        enum { MANY = 1000, MESSAGES = 20 };
        struct rlimit limit;
        struct bed bed;
        struct wsclient **c = calloc(MANY, sizeof *c);
        size_t many = MANY;

        (void)state;
        getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
        if (limit.rlim_cur < 2 * MANY + 100) many = (limit.rlim_cur - 100) / 2;
        bed_open(&bed, MANY);
        for (size_t i = 0; i < many; i++) c[i] = bed_join(&bed, HANDSHAKE("/ws", "localhost", ""));
        for (size_t i = 0; i < many; i++) expect(c[i], "snapshot", "");
        for (int m = 0; m < MESSAGES; m++) assert_int_equal(push_publish(bed.push, PUSH_FEED, "{\"x\":1}"), ERR_OK);
        for (size_t i = 0; i < many; i++) {
                for (int m = 1; m <= MESSAGES; m++) {
                        expect(c[i], "feed", "");
                        assert_int_equal(strtoull(c[i]->text + 7, NULL, 10), m);
                }
                bed_leave(c[i]);
        }
        await_connections(&bed, 0);
        bed_close(&bed);
        free(c);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(snapshot_then_deltas),
                cmocka_unit_test(refuses_strangers),
                cmocka_unit_test(resumes),
                cmocka_unit_test(asks_again_for_a_snapshot),
                cmocka_unit_test(closes_the_rude),
                cmocka_unit_test(survives_broken_frames),
                cmocka_unit_test(resyncs_the_slow),
                cmocka_unit_test(makes_losses_good),
                cmocka_unit_test(holds_its_limit_of_connections),
                cmocka_unit_test(keeps_the_order_of_each_thread),
                cmocka_unit_test(says_goodbye),
                cmocka_unit_test(survives_every_fault_at_birth),
                cmocka_unit_test(survives_every_fault_of_an_arrival),
                cmocka_unit_test(fans_out_to_a_thousand),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
