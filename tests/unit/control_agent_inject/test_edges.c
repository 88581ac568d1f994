/* The proxies against a real echo server on the loopback: every fault bites, and its undo heals. Stack 19 is this
 * test's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/mem.h"
#include "common/sys/clock.h"
#include "common/sys/sock.h"
#include "control-agent/inject/edges.h"

enum { STACK = 19, WAIT_MS = 3000, BIG = 3 << 20 };

static const char list[] = "schema: 1\nservices:\n"
                           "  - {name: api, title: A, kind: service, program: a, port: 18191, upstreams: {db: pg}}\n"
                           "  - {name: pg, title: P, kind: component, program: p, port: 18192}\n";
static struct stack_spec *spec;
static struct edges *edges;
static int server_fd;
static pthread_t server;

/* Echoes each connection until its end of stream, then ends too. One thread a connection: the test keeps few. */
static void *echo_one(void *ctx)
{
        int fd = (int)(intptr_t)ctx;
        char bytes[65536];
        ssize_t n;

        while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0)
                for (ssize_t sent = 0, m; sent < n; sent += m)
                        if ((m = send(fd, bytes + sent, (size_t)(n - sent), MSG_NOSIGNAL)) < 0) break;
        close(fd);
        return NULL;
}

static void *serve(void *ctx)
{
        (void)ctx;
        for (;;) {
                struct pollfd p = {.fd = server_fd, .events = POLLIN};
                pthread_t thread;
                int fd;

                (void)poll(&p, 1, -1);
                fd = accept4(server_fd, NULL, NULL, SOCK_CLOEXEC);
                if (fd < 0 && errno != EAGAIN) return NULL;
                if (fd < 0) continue;
                if (pthread_create(&thread, NULL, echo_one, (void *)(intptr_t)fd))
                        close(fd);
                else
                        (void)pthread_detach(thread);
        }
}

static int setup(void **state)
{
        struct diag_list diags;
        struct err_note note;

        (void)state;
        diag_list_init(&diags, "list");
        if (stack_spec_parse(list, strlen(list), &diags, &spec)) return -1;
        if (sock_listen_tcp("127.77.19.1", 18192, 64, &server_fd, &note)) return -1;
        if (pthread_create(&server, NULL, serve, NULL)) return -1;
        if (edges_new(spec, &edges, &note)) return -1;
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        edges_free(edges);
        (void)shutdown(server_fd, SHUT_RDWR); /* ends its accept */
        (void)pthread_join(server, NULL);
        close(server_fd);
        stack_spec_free(spec);
        return 0;
}

/* A fresh set of edges for each test. */
static int open_edges(void **state)
{
        (void)state;
        if (edges_open(edges, STACK, 5, NULL)) return -1;
        return edges_service(edges, STACK, 1, true, NULL) ? -1 : 0;
}

static int dial(void)
{
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(18192)};
        const struct timeval wait = {.tv_sec = WAIT_MS / 1000};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        (void)inet_pton(AF_INET, "127.77.19.2", &to.sin_addr);
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
        if (connect(fd, (void *)&to, sizeof(to)) == 0) return fd;
        close(fd);
        return -1;
}

/* Sends and receives the echo; ms it took, or -errno. */
static int64_t ping(int fd, const char *text)
{
        int64_t t0 = clock_mono_ms();
        size_t size = strlen(text), have = 0;
        char back[256];

        assert_true(size <= sizeof(back));
        if (send(fd, text, size, MSG_NOSIGNAL) != (ssize_t)size) return -errno;
        while (have < size) {
                ssize_t n = recv(fd, back + have, size - have, 0);

                if (n <= 0) return n == 0 ? -EPIPE : -errno;
                have += (size_t)n;
        }
        assert_memory_equal(back, text, size);
        return clock_mono_ms() - t0;
}

static size_t apply(const struct net_fault *fault)
{
        struct err_note note = {0};
        size_t slot = 99;

        if (edges_apply(edges, STACK, 0, fault, &slot, &note)) fail_msg("%s", note.text);
        return slot;
}

static void undo(size_t slot)
{
        assert_int_equal(edges_undo(edges, STACK, 0, slot, NULL), ERR_OK);
}

static void test_address(void **state)
{
        char address[EDGES_ADDRESS_BYTES];

        (void)state;
        edges_address(spec, STACK, 0, address, sizeof(address));
        assert_string_equal(address, "127.77.19.2:18192");
}

struct pump {
        int fd;
        size_t sent;
};

static void *pump_out(void *ctx)
{
        struct pump *p = ctx;
        char bytes[60000];

        for (p->sent = 0; p->sent < BIG;) {
                ssize_t n;

                for (size_t i = 0; i < sizeof(bytes); i++) bytes[i] = (char)((p->sent + i) * 31 % 251);
                n = send(p->fd, bytes, sizeof(bytes) < BIG - p->sent ? sizeof(bytes) : BIG - p->sent, MSG_NOSIGNAL);
                if (n < 0) break;
                p->sent += (size_t)n;
        }
        (void)shutdown(p->fd, SHUT_WR);
        return NULL;
}

/* Megabytes both ways at once, ending with a half close: every byte arrives, in order. */
static void stream_whole(void)
{
        struct pump pump = {.fd = dial()};
        char bytes[65536];
        size_t have = 0;
        pthread_t thread;
        ssize_t n;

        assert_true(pump.fd >= 0);
        assert_int_equal(pthread_create(&thread, NULL, pump_out, &pump), 0);
        while ((n = recv(pump.fd, bytes, sizeof(bytes), 0)) > 0) {
                for (ssize_t i = 0; i < n; i++)
                        if (bytes[i] != (char)((have + (size_t)i) * 31 % 251)) fail_msg("byte %zu", have + (size_t)i);
                have += (size_t)n;
        }
        assert_int_equal(n, 0);
        assert_int_equal(have, BIG);
        (void)pthread_join(thread, NULL);
        close(pump.fd);
}

static void test_plain(void **state)
{
        struct edge_stats stats;
        int fd = dial();

        (void)state;
        assert_true(fd >= 0);
        assert_in_range(ping(fd, "hello"), 0, 1000);
        assert_int_equal(edges_stats(edges, STACK, 0, &stats), ERR_OK);
        assert_int_equal(stats.open, 1);
        assert_true(stats.listening);
        close(fd);
        stream_whole();
}

static void test_shaped_stream_is_whole(void **state)
{
        struct net_fault fault = {
                .kind = NET_LATENCY, .ways = NET_WAYS_BOTH, .probability = 1, .ms = 3, .jitter_ms = 4};

        (void)state;
        (void)apply(&fault);
        stream_whole();
}

static void test_latency(void **state)
{
        struct net_fault fault = {.kind = NET_LATENCY, .ways = NET_WAYS_BOTH, .probability = 1, .ms = 200};
        int fd = dial();
        size_t slot;

        (void)state;
        assert_in_range(ping(fd, "before"), 0, 190);
        slot = apply(&fault);
        assert_in_range(ping(fd, "during"), 400, 2000); /* an open connection is hit, both ways */
        undo(slot);
        assert_in_range(ping(fd, "after"), 0, 190);
        fault.ways = 1U << NET_UP;
        slot = apply(&fault);
        assert_in_range(ping(fd, "one way"), 200, 390);
        undo(slot);
        close(fd);
}

static void test_undo_frees_what_waits(void **state)
{
        struct net_fault fault = {.kind = NET_LATENCY, .ways = NET_WAYS_BOTH, .probability = 1, .ms = 60000};
        size_t slot = apply(&fault);
        int fd = dial();
        int64_t t0 = clock_mono_ms();
        char byte;

        (void)state;
        assert_int_equal(send(fd, "x", 1, 0), 1);
        undo(slot);
        assert_int_equal(recv(fd, &byte, 1, 0), 1);
        assert_in_range(clock_mono_ms() - t0, 0, 1000);
        close(fd);
}

static void test_bandwidth(void **state)
{
        struct net_fault fault = {.kind = NET_BANDWIDTH, .ways = 1U << NET_UP, .probability = 1, .bytes_per_s = 1000};
        char text[201];
        int fd;

        (void)state;
        (void)apply(&fault);
        fd = dial();
        memset(text, 'b', 200);
        text[200] = '\0';
        assert_in_range(ping(fd, text), 200, 2000); /* 200 bytes at 1000 a second */
        close(fd);
}

static void test_slice(void **state)
{
        struct net_fault fault = {.kind = NET_SLICE, .ways = 1U << NET_UP, .probability = 1, .bytes = 2, .ms = 20};
        int fd;

        (void)state;
        (void)apply(&fault);
        fd = dial();
        assert_in_range(ping(fd, "1234567890"), 80, 2000); /* five pieces, four pauses before the last */
        close(fd);
}

static void test_timeout_holds_and_loses_nothing(void **state)
{
        struct net_fault fault = {.kind = NET_TIMEOUT, .ways = NET_WAYS_BOTH, .probability = 1};
        int old = dial(), fresh;
        struct pollfd p[2];
        char byte;
        size_t slot;

        (void)state;
        assert_in_range(ping(old, "x"), 0, 1000);
        slot = apply(&fault);
        fresh = dial(); /* the kernel's handshake still works, then nothing comes */
        assert_true(fresh >= 0);
        assert_int_equal(send(old, "o", 1, 0), 1);
        assert_int_equal(send(fresh, "f", 1, 0), 1);
        p[0] = (struct pollfd){.fd = old, .events = POLLIN};
        p[1] = (struct pollfd){.fd = fresh, .events = POLLIN};
        assert_int_equal(poll(p, 2, 150), 0);
        undo(slot);
        assert_int_equal(recv(old, &byte, 1, 0), 1);
        assert_int_equal(byte, 'o');
        assert_int_equal(recv(fresh, &byte, 1, 0), 1);
        assert_int_equal(byte, 'f');
        close(old);
        close(fresh);
}

static void test_client_leaves_a_black_hole(void **state)
{
        struct net_fault fault = {.kind = NET_TIMEOUT, .ways = NET_WAYS_BOTH, .probability = 1};
        int64_t deadline = clock_mono_ms() + WAIT_MS;
        struct edge_stats stats = {.open = 1};
        int fd;

        (void)state;
        (void)apply(&fault);
        fd = dial();
        assert_int_equal(send(fd, "x", 1, 0), 1);
        close(fd);
        while (stats.open && clock_mono_ms() < deadline) assert_int_equal(edges_stats(edges, STACK, 0, &stats), ERR_OK);
        assert_int_equal(stats.open, 0);
}

static void test_reset(void **state)
{
        struct net_fault fault = {.kind = NET_RESET, .probability = 1, .ms = 80};
        int fd = dial();
        int64_t t0 = clock_mono_ms();
        char byte;
        size_t slot;

        (void)state;
        assert_in_range(ping(fd, "x"), 0, 1000);
        slot = apply(&fault);
        assert_int_equal(recv(fd, &byte, 1, 0), -1);
        assert_int_equal(errno, ECONNRESET);
        assert_in_range(clock_mono_ms() - t0, 80, 1000);
        close(fd);
        undo(slot);
        fd = dial();
        assert_in_range(ping(fd, "x"), 0, 1000);
        close(fd);
}

static void test_down(void **state)
{
        struct net_fault fault = {.kind = NET_DOWN, .probability = 1};
        int fd = dial();
        char byte;
        size_t slot;

        (void)state;
        assert_in_range(ping(fd, "x"), 0, 1000);
        slot = apply(&fault);
        assert_true(recv(fd, &byte, 1, 0) <= 0);
        close(fd);
        errno = 0;
        assert_int_equal(dial(), -1);
        assert_int_equal(errno, ECONNREFUSED);
        undo(slot);
        fd = dial();
        assert_in_range(ping(fd, "x"), 0, 1000);
        close(fd);
}

static void test_limit(void **state)
{
        struct net_fault fault = {.kind = NET_LIMIT, .ways = 1U << NET_DOWN_WAY, .probability = 1, .bytes = 4};
        int fd;

        (void)state;
        (void)apply(&fault);
        fd = dial();
        assert_in_range(ping(fd, "1234"), 0, 1000);
        assert_int_equal(ping(fd, "5"), -EPIPE); /* the stream ends */
        close(fd);
}

static void test_slow_close(void **state)
{
        struct net_fault fault = {.kind = NET_SLOW_CLOSE, .ways = 1U << NET_UP, .probability = 1, .ms = 120};
        int64_t t0;
        char byte;
        int fd;

        (void)state;
        (void)apply(&fault);
        fd = dial();
        assert_in_range(ping(fd, "x"), 0, 1000);
        t0 = clock_mono_ms();
        (void)shutdown(fd, SHUT_WR);
        assert_int_equal(recv(fd, &byte, 1, 0), 0);
        assert_in_range(clock_mono_ms() - t0, 120, 1000);
        close(fd);
}

static void test_probability(void **state)
{
        struct net_fault fault = {.kind = NET_RESET, .probability = 0.5};
        int hit = 0;

        (void)state;
        (void)apply(&fault);
        for (int i = 0; i < 60; i++) {
                int fd = dial();

                assert_true(fd >= 0);
                hit += ping(fd, "x") < 0;
                close(fd);
        }
        assert_in_range(hit, 15, 45); /* 30 expected, sigma 3.9 */
}

static void test_dead_service_refuses(void **state)
{
        int fd;

        (void)state;
        assert_int_equal(edges_service(edges, STACK, 1, false, NULL), ERR_OK);
        assert_int_equal(dial(), -1);
        assert_int_equal(errno, ECONNREFUSED);
        assert_int_equal(edges_service(edges, STACK, 1, true, NULL), ERR_OK);
        fd = dial();
        assert_in_range(ping(fd, "x"), 0, 1000);
        close(fd);
}

static void test_limits_and_states(void **state)
{
        struct net_fault fault = {.kind = NET_LATENCY, .ways = NET_WAYS_BOTH, .probability = 1, .ms = 1};
        struct err_note note;
        size_t slot = 77;

        (void)state;
        for (int i = 0; i < NET_FAULTS_MAX; i++) (void)apply(&fault);
        assert_int_equal(edges_apply(edges, STACK, 0, &fault, &slot, &note), ERR_LIMIT);
        assert_string_equal(note.text, "this edge has 8 faults already; undo one first");
        assert_int_equal(slot, 77);
        assert_int_equal(edges_apply(edges, STACK + 1, 0, &fault, &slot, &note), ERR_STATE);
        assert_int_equal(edges_undo(edges, STACK + 1, 0, 0, &note), ERR_OK);
        edges_close(edges, STACK);
        assert_int_equal(dial(), -1);
        assert_int_equal(edges_apply(edges, STACK, 0, &fault, &slot, &note), ERR_STATE);
}

static void test_nth_fault_of_the_constructor(void **state)
{
        (void)state;
        for (size_t nth = 1;; nth++) {
                struct edges *e = NULL;
                struct err_note note = {0};
                enum err status;
                bool fired;

                fault_arm(nth, false);
                status = edges_new(spec, &e, &note);
                fired = fault_disarm();
                assert_true(status == ERR_OK ? e != NULL : fired && !e && *note.text);
                edges_free(e);
                if (!fired) break;
        }
}

/* Without memory a connection is reset; nothing hangs, and the next one is served. */
static void test_nth_fault_of_a_connection(void **state)
{
        struct net_fault fault = {.kind = NET_LATENCY, .ways = NET_WAYS_BOTH, .probability = 1, .ms = 1};
        int served = 0, refused = 0;

        (void)state;
        (void)apply(&fault); /* so that pieces are allocated too */
        for (size_t nth = 1; nth <= 12; nth++) {
                int fd;

                fault_arm(nth, false);
                fd = dial();
                assert_true(fd >= 0);
                if (ping(fd, "x") >= 0)
                        served++;
                else
                        refused++;
                close(fd);
                (void)fault_disarm();
                fd = dial();
                assert_in_range(ping(fd, "y"), 0, 1000);
                close(fd);
        }
        assert_true(served > 0 && refused > 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup(name, open_edges)
        const struct CMUnitTest tests[] = {
                T(test_address),
                T(test_plain),
                T(test_shaped_stream_is_whole),
                T(test_latency),
                T(test_undo_frees_what_waits),
                T(test_bandwidth),
                T(test_slice),
                T(test_timeout_holds_and_loses_nothing),
                T(test_client_leaves_a_black_hole),
                T(test_reset),
                T(test_down),
                T(test_limit),
                T(test_slow_close),
                T(test_probability),
                T(test_dead_service_refuses),
                T(test_limits_and_states),
                T(test_nth_fault_of_the_constructor),
                T(test_nth_fault_of_a_connection),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
