/* The door with real sockets: the test is both the client and the HTTP server behind. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/sys/clock.h"
#include "common/sys/sock.h"
#include "server/door/door.h"
#include "server/door/door_text.h"

enum { WAIT_MS = 20000 };

struct bed {
        struct door *door;
        int listener; /* of the HTTP server behind */
        int taken;    /* given to `upgrade` */
        enum err upgrade_answer;
        size_t extra_bytes;
};

static enum err bed_upgrade(void *ctx, int fd, const struct head *head, const char *extra, size_t extra_bytes,
                            struct err_note *reterr)
{
        struct bed *bed = ctx;

        (void)extra;
        assert_true(head_text_is(head->path, "/ws"));
        bed->extra_bytes = extra_bytes;
        if (bed->upgrade_answer) return err_note(reterr, bed->upgrade_answer, "because \"we\" say so");
        bed->taken = fd;
        return ERR_OK;
}

static void bed_open(struct bed *bed, struct door_opts opts)
{
        *bed = (struct bed){ .taken = -1 };
        assert_int_equal(sock_listen_tcp("127.0.0.1", 0, 128, &bed->listener, NULL), ERR_OK);
        opts.address = "127.0.0.1";
        opts.backend_port = sock_port(bed->listener);
        opts.upgrade = bed_upgrade;
        opts.ctx = bed;
        assert_int_equal(door_new(&opts, &bed->door, NULL), ERR_OK);
}

static void bed_close(struct bed *bed)
{
        door_free(bed->door);
        close(bed->listener);
        assert_int_equal(alloc_live_count(), 0);
}

static bool readable(int fd, int64_t timeout_ms)
{
        struct pollfd p = { .fd = fd, .events = POLLIN };

        return poll(&p, 1, (int)timeout_ms) == 1;
}

static int client_open(struct bed *bed)
{
        int fd;

        assert_int_equal(sock_connect_tcp("127.0.0.1", door_port(bed->door), &fd, NULL), ERR_OK);
        fcntl(fd, F_SETFL, 0);
        return fd;
}

static void say(int fd, const char *text)
{
        size_t n = strlen(text);

        for (size_t at = 0; at < n;) {
                ssize_t sent = send(fd, text + at, n - at, MSG_NOSIGNAL);

                assert_true(sent > 0);
                at += (size_t)sent;
        }
}

/* The HTTP server's end of the next relay. */
static int backend_accept(struct bed *bed)
{
        int fd;

        assert_true(readable(bed->listener, WAIT_MS));
        fd = accept(bed->listener, NULL, NULL);
        assert_true(fd >= 0);
        return fd;
}

/* Reads until `mark` (NULL: until the end) into a text of the test's. */
static char *hear(int fd, const char *mark)
{
        static char text[4 << 20];
        size_t n = 0;

        text[0] = '\0';
        while (n < sizeof text - 1 && readable(fd, WAIT_MS)) {
                ssize_t got = recv(fd, text + n, mark ? 1 : sizeof text - 1 - n, 0);

                if (got <= 0) return text;
                n += (size_t)got;
                text[n] = '\0';
                if (mark && n >= strlen(mark) && strcmp(text + n - strlen(mark), mark) == 0) return text;
        }
        return text;
}

static bool nobody_comes(struct bed *bed)
{
        return !readable(bed->listener, 0);
}

static void await(struct bed *bed, uint64_t connections)
{
        int64_t deadline_ms = clock_mono_ms() + WAIT_MS;
        struct door_stats stats;

        do {
                assert_true(clock_mono_ms() < deadline_ms);
                door_stats_get(bed->door, &stats);
                poll(NULL, 0, 1);
        } while (stats.connections != connections);
}

static void relays_a_request(void **state)
{
        struct bed bed;
        int client, backend;
        char *text;

        (void)state;
        bed_open(&bed, (struct door_opts){ .key = "secret" });
        client = client_open(&bed);
        say(client, "POST /api/v1/runs?x=%20 HTTP/1.1\r\nhost: localhost:8080\r\nConnection: keep-alive, X-Odd\r\nKeep-Alive: 5\r\n"
                    "X-Forwarded-For: 6.6.6.6\r\nx-forwarded-proto: https\r\nForwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\nUpgrade: h2c\r\n"
                    "x-firedrill-door: guess\r\nContent-Length: 5\r\nX-Odd:   kept\t\r\n\r\nhelloGET /smuggled HTTP/1.1\r\n\r\n");
        backend = backend_accept(&bed);
        text = hear(backend, "hello");
        assert_string_equal(text, "POST /api/v1/runs?x=%20 HTTP/1.1\r\nhost: localhost:8080\r\nContent-Length: 5\r\nX-Odd: kept\r\n"
                                  "X-Forwarded-For: 127.0.0.1\r\nX-Firedrill-Door: secret\r\nConnection: close\r\n\r\nhello");
        say(backend, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
        assert_false(readable(backend, 50)); /* what came behind the body is not relayed */
        close(backend);
        assert_string_equal(hear(client, NULL), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
        close(client);
        await(&bed, 0);
        bed_close(&bed);
}

static void takes_heads_byte_by_byte(void **state)
{
        static const char text[] = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
        struct bed bed;
        int client, backend;

        (void)state;
        bed_open(&bed, (struct door_opts){ 0 });
        client = client_open(&bed);
        for (size_t i = 0; i < sizeof text - 1; i++) {
                char one[2] = { text[i], 0 };

                say(client, one);
                if (i % 7 == 0) sched_yield();
        }
        backend = backend_accept(&bed);
        assert_non_null(strstr(hear(backend, "abc"), "POST /x HTTP/1.1\r\n"));
        say(backend, "HTTP/1.1 204 No Content\r\n\r\n");
        close(backend);
        assert_string_equal(hear(client, NULL), "HTTP/1.1 204 No Content\r\n\r\n");
        close(client);
        bed_close(&bed);
}

static void answers_bad_heads(void **state)
{
        static char long_head[HEAD_BYTES_MAX + 100], long_target[HEAD_TARGET_BYTES_MAX + 200];
        const struct {
                const char *name, *text, *status;
        } rows[] = {
                { "no head", "nonsense\r\n\r\n", "400" },
                { "TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "400" },
                { "both lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", "400" },
                { "chunks", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "411" },
                { "two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", "400" },
                { "large body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 262145\r\n\r\n", "413" },
                { "odd expectation", "POST / HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\nContent-Length: 1\r\n\r\n", "417" },
                { "unknown method", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", "501" },
                { "HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505" },
                { "long head", long_head, "431" },
                { "long target", long_target, "414" },
        };
        struct bed bed;

        (void)state;
        memset(long_head, 'a', sizeof long_head - 1);
        memcpy(long_head, "GET / HTTP/1.1\r\nX: ", 19);
        memset(long_target, 'a', sizeof long_target - 1);
        memcpy(long_target, "GET /", 5);
        memcpy(long_target + sizeof long_target - 24, " HTTP/1.1\r\nHost: a\r\n\r\n", 23);
        bed_open(&bed, (struct door_opts){ 0 });
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                int client = client_open(&bed);
                char *text;

                if (send(client, rows[i].text, strlen(rows[i].text), MSG_NOSIGNAL) < 0) fail_msg("%s: send", rows[i].name);
                text = hear(client, NULL);
                if (strncmp(text, "HTTP/1.1 ", 9) != 0 || strncmp(text + 9, rows[i].status, 3) != 0)
                        fail_msg("%s: %.40s, expected %s", rows[i].name, text, rows[i].status);
                assert_non_null(strstr(text, "Content-Type: application/problem+json\r\n"));
                assert_non_null(strstr(text, "Connection: close\r\n"));
                assert_non_null(strstr(text, "\"detail\":\""));
                close(client);
        }
        assert_true(nobody_comes(&bed));
        bed_close(&bed);
}

static void ends_the_silent_and_the_slow(void **state)
{
        struct bed bed;
        int silent, slow;
        struct door_stats stats;

        (void)state;
        bed_open(&bed, (struct door_opts){ .head_ms = 300 });
        silent = client_open(&bed);
        slow = client_open(&bed);
        say(slow, "GET / HTTP/1.1\r\nHo");
        assert_string_equal(hear(silent, NULL), ""); /* closed without a word */
        assert_non_null(strstr(hear(slow, NULL), "HTTP/1.1 408 "));
        door_stats_get(bed.door, &stats);
        assert_int_equal(stats.timed_out, 2);
        assert_int_equal(stats.answered, 1);
        close(silent);
        close(slow);
        bed_close(&bed);
}

/* Bodies that drip hold up nobody but themselves: the HTTP server is asked for whole requests only. */
static void takes_bodies_whole(void **state)
{
        enum { DRIPPING = 100 };
        struct bed bed;
        int slow[DRIPPING], client, backend;

        (void)state;
        bed_open(&bed, (struct door_opts){ .body_ms = 300, .relays_max = 1 });
        for (int i = 0; i < DRIPPING; i++) {
                slow[i] = client_open(&bed);
                say(slow[i], "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n1");
        }
        client = client_open(&bed);
        say(client, "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
        assert_string_equal(hear(client, "\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
        say(client, "body");
        backend = backend_accept(&bed);
        assert_null(strstr(hear(backend, "\r\n\r\nbody"), "Expect"));
        say(backend, "HTTP/1.1 200 OK\r\n\r\nfine");
        close(backend);
        assert_non_null(strstr(hear(client, NULL), "fine"));
        close(client);
        assert_true(nobody_comes(&bed));
        for (int i = 0; i < DRIPPING; i++) {
                assert_non_null(strstr(hear(slow[i], NULL), "HTTP/1.1 408 "));
                close(slow[i]);
        }
        bed_close(&bed);
}

static void holds_its_limit_of_bodies(void **state)
{
        enum { MANY = 128 }; /* of 256 KiB: 32 MiB */
        struct pollfd p[MANY + 1];
        struct bed bed;
        int clients[MANY + 1], refused = 0;

        (void)state;
        bed_open(&bed, (struct door_opts){ 0 });
        for (int i = 0; i <= MANY; i++) {
                clients[i] = client_open(&bed);
                say(clients[i], "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 262144\r\n\r\n");
        }
        for (int i = 0; i <= MANY; i++) p[i] = (struct pollfd){ .fd = clients[i], .events = POLLIN };
        assert_true(poll(p, MANY + 1, WAIT_MS) > 0);
        for (int i = 0; i <= MANY; i++) {
                if (!p[i].revents) continue;
                assert_non_null(strstr(hear(clients[i], NULL), "HTTP/1.1 503 "));
                refused++;
        }
        assert_int_equal(refused, 1);
        for (int i = 0; i <= MANY; i++) close(clients[i]);
        await(&bed, 0);
        clients[0] = client_open(&bed); /* and all of it is given back */
        say(clients[0], "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 262144\r\n\r\n");
        assert_non_null(strstr(hear(clients[0], "\r\n\r\n"), "100 Continue"));
        close(clients[0]);
        bed_close(&bed);
}

static void gives_upgrades_away(void **state)
{
        static const char ws[] = "GET /ws?epoch=1 HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nxyz";
        static const struct {
                enum err answer;
                const char *status;
        } rows[] = { { ERR_DENIED, "403" }, { ERR_UNSUPPORTED, "426" }, { ERR_INVAL, "400" }, { ERR_LIMIT, "503" }, { ERR_NOMEM, "503" } };
        struct door_stats stats;
        struct bed bed;
        int client;
        char *text;

        (void)state;
        bed_open(&bed, (struct door_opts){ 0 });
        client = client_open(&bed);
        say(client, ws);
        do door_stats_get(bed.door, &stats); while (!stats.upgraded);
        assert_true(bed.taken >= 0);
        assert_int_equal(bed.extra_bytes, 3);
        say(bed.taken, "hello"); /* alive, and ours */
        assert_string_equal(hear(client, "hello"), "hello");
        close(bed.taken);
        close(client);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
                bed.upgrade_answer = rows[i].answer;
                client = client_open(&bed);
                say(client, ws);
                text = hear(client, NULL);
                assert_memory_equal(text + 9, rows[i].status, 3);
                assert_non_null(strstr(text, "because \\\"we\\\" say so"));
                assert_int_equal(strstr(text, "Retry-After: 1\r\n") != NULL, atoi(rows[i].status) == 503);
                close(client);
        }
        bed_close(&bed);
}

static void tells_when_nobody_is_behind(void **state)
{
        struct bed bed;
        int client, backend;

        (void)state;
        bed_open(&bed, (struct door_opts){ 0 });
        client = client_open(&bed);
        say(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        backend = backend_accept(&bed);
        close(backend); /* died before answering */
        assert_non_null(strstr(hear(client, NULL), "HTTP/1.1 502 "));
        close(client);
        shutdown(bed.listener, SHUT_RDWR);
        client = client_open(&bed);
        say(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_non_null(strstr(hear(client, NULL), "HTTP/1.1 502 "));
        close(client);
        bed_close(&bed);
}

static void refuses_when_full(void **state)
{
        struct bed bed;
        int first, second, backend;

        (void)state;
        bed_open(&bed, (struct door_opts){ .relays_max = 1 });
        first = client_open(&bed);
        say(first, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
        backend = backend_accept(&bed);
        second = client_open(&bed);
        say(second, "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_non_null(strstr(hear(second, NULL), "\r\nRetry-After: 1\r\n"));
        close(second);
        say(backend, "HTTP/1.1 200 OK\r\n\r\nfirst");
        close(backend);
        assert_non_null(strstr(hear(first, NULL), "first"));
        close(first);
        await(&bed, 0);
        second = client_open(&bed); /* and then there is room again */
        say(second, "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
        backend = backend_accept(&bed);
        say(backend, "HTTP/1.1 200 OK\r\n\r\nsecond");
        close(backend);
        assert_non_null(strstr(hear(second, NULL), "second"));
        close(second);
        bed_close(&bed);
}

static void sends_the_oldest_silent_away(void **state)
{
        struct bed bed;
        int silent[3], client, backend;

        (void)state;
        bed_open(&bed, (struct door_opts){ .connections_max = 3 });
        for (int i = 0; i < 3; i++) {
                silent[i] = client_open(&bed);
                await(&bed, (uint64_t)i + 1);
        }
        client = client_open(&bed);
        say(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        backend = backend_accept(&bed);
        assert_string_equal(hear(silent[0], NULL), "");
        assert_false(readable(silent[1], 0));
        say(backend, "HTTP/1.1 200 OK\r\n\r\nhere");
        close(backend);
        assert_non_null(strstr(hear(client, NULL), "here"));
        close(client);
        for (int i = 0; i < 3; i++) close(silent[i]);
        bed_close(&bed);
}

static void holds_back_for_slow_readers(void **state)
{
        static char big[8 << 20];
        struct bed bed;
        int client, backend, room = 64 * 1024;
        size_t sent = 0, got = 0;

        (void)state;
        memset(big, 'x', sizeof big);
        bed_open(&bed, (struct door_opts){ 0 });
        client = client_open(&bed);
        setsockopt(client, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
        say(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        backend = backend_accept(&bed);
        hear(backend, "\r\n\r\n");
        fcntl(backend, F_SETFL, O_NONBLOCK);
        for (int idle = 0; idle < 100 && sent < sizeof big;) { /* until nothing moves any more */
                ssize_t n = send(backend, big + sent, sizeof big - sent, MSG_NOSIGNAL);

                if (n > 0) {
                        sent += (size_t)n;
                        idle = 0;
                } else {
                        poll(NULL, 0, 1);
                        idle++;
                }
        }
        /* The door keeps at most its share; the kernel's own buffers come on top. 8 MiB would not fit. */
        assert_true(sent < sizeof big);
        fcntl(backend, F_SETFL, 0);
        while (got < sizeof big) {
                char chunk[65536];
                ssize_t n;

                if (sent < sizeof big) {
                        n = send(backend, big + sent, sizeof big - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
                        if (n > 0) sent += (size_t)n;
                        if (sent == sizeof big) close(backend);
                }
                assert_true(readable(client, WAIT_MS));
                n = recv(client, chunk, sizeof chunk, 0);
                assert_true(n > 0);
                got += (size_t)n;
        }
        assert_int_equal(recv(client, &room, 1, 0), 0);
        close(client);
        await(&bed, 0);
        bed_close(&bed);
}

static void relays_a_large_body(void **state)
{
        enum { BODY = 256 * 1024 };
        static char body[BODY + 1];
        struct bed bed;
        int client, backend;

        (void)state;
        for (int i = 0; i < BODY; i++) body[i] = (char)('a' + i % 26);
        bed_open(&bed, (struct door_opts){ 0 });
        client = client_open(&bed);
        say(client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 262144\r\n\r\n");
        assert_true(nobody_comes(&bed));
        say(client, body); /* the door takes it all before it asks */
        backend = backend_accept(&bed);
        hear(backend, "\r\n\r\n");
        for (size_t got = 0; got < BODY;) {
                char chunk[5000];
                ssize_t n = recv(backend, chunk, sizeof chunk, 0);

                assert_true(n > 0);
                assert_memory_equal(chunk, body + got, (size_t)n);
                got += (size_t)n;
        }
        say(backend, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
        close(backend);
        assert_non_null(strstr(hear(client, NULL), "201 Created"));
        close(client);
        bed_close(&bed);
}

static void bears_half_closed_and_vanished_peers(void **state)
{
        struct linger reset = { .l_onoff = 1 };
        struct bed bed;
        int client, backend;

        (void)state;
        bed_open(&bed, (struct door_opts){ 0 });
        client = client_open(&bed); /* asked, and shut its half: still gets its answer */
        say(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        shutdown(client, SHUT_WR);
        backend = backend_accept(&bed);
        say(backend, "HTTP/1.1 200 OK\r\n\r\nanswer");
        close(backend);
        assert_non_null(strstr(hear(client, NULL), "answer"));
        close(client);
        await(&bed, 0);
        client = client_open(&bed); /* half a body, then gone */
        say(client, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345");
        close(client);
        await(&bed, 0);
        assert_true(nobody_comes(&bed));
        client = client_open(&bed); /* reset while the answer is on its way */
        say(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        backend = backend_accept(&bed);
        hear(backend, "\r\n\r\n");
        setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(client);
        for (int i = 0; i < 100 && send(backend, "HTTP/1.1 200 OK\r\n\r\n", 19, MSG_NOSIGNAL) > 0; i++) poll(NULL, 0, 1);
        close(backend);
        await(&bed, 0);
        client = client_open(&bed); /* half a head, then gone */
        say(client, "GET / HT");
        close(client);
        await(&bed, 0);
        bed_close(&bed);
}

static void stands_a_thousand_silent(void **state)
{
        enum { MANY = 1000 };
        struct rlimit limit;
        struct bed bed;
        int *silent = calloc(MANY, sizeof *silent);
        size_t many = MANY, before;

        (void)state;
        getrlimit(RLIMIT_NOFILE, &limit);
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
        if (limit.rlim_cur < 2 * MANY + 100) many = (limit.rlim_cur - 100) / 2;
        bed_open(&bed, (struct door_opts){ 0 });
        before = alloc_live_count();
        for (size_t i = 0; i < many; i++) silent[i] = client_open(&bed);
        await(&bed, many);
        assert_true(alloc_live_count() <= before + 2 * many + 8); /* a record and a handle each, no buffers */
        for (int i = 0; i < 20; i++) {
                int client = client_open(&bed), backend;

                say(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
                backend = backend_accept(&bed);
                say(backend, "HTTP/1.1 200 OK\r\n\r\nquick");
                close(backend);
                assert_non_null(strstr(hear(client, NULL), "quick"));
                close(client);
        }
        for (size_t i = 0; i < many; i++) close(silent[i]);
        await(&bed, 0);
        bed_close(&bed);
        free(silent);
}

static void ends_in_the_middle(void **state)
{
        struct bed bed;
        int silent, half, relayed, backend;

        (void)state;
        bed_open(&bed, (struct door_opts){ 0 });
        silent = client_open(&bed);
        half = client_open(&bed);
        say(half, "GET / HTTP");
        relayed = client_open(&bed);
        say(relayed, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        backend = backend_accept(&bed);
        bed_close(&bed);
        close(silent);
        close(half);
        close(relayed);
        close(backend);
}

static void tells_a_port_in_use(void **state)
{
        struct bed bed;
        struct door *second = NULL;
        struct err_note note = { 0 };

        (void)state;
        bed_open(&bed, (struct door_opts){ 0 });
        assert_int_equal(door_new(&(struct door_opts){ .address = "127.0.0.1", .port = door_port(bed.door), .backend_port = 1 }, &second, &note),
                         ERR_EXISTS);
        assert_non_null(strstr(note.text, "already in use"));
        assert_null(second);
        bed_close(&bed);
}

static void survives_every_fault_at_birth(void **state)
{
        (void)state;
        for (size_t nth = 1;; nth++) {
                struct door *door = NULL;
                enum err e;
                bool fired;

                fault_arm(nth, false);
                e = door_new(&(struct door_opts){ .address = "127.0.0.1", .backend_port = 1, .key = "k" }, &door, NULL);
                fired = fault_disarm();
                assert_int_equal(fired, e != ERR_OK);
                assert_int_equal(e != ERR_OK, door == NULL);
                door_free(door);
                assert_int_equal(alloc_live_count(), 0);
                if (!fired) break;
        }
}

/* Whatever allocation fails in the middle of a request: the client gets an answer or an end, and nothing leaks. */
static void survives_every_fault_of_a_request(void **state)
{
        struct bed bed;

        (void)state;
        bed_open(&bed, (struct door_opts){ 0 });
        for (size_t nth = 1;; nth++) {
                int client, backend;
                bool fired;

                fault_arm(nth, false);
                client = client_open(&bed);
                (void)send(client, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 27, MSG_NOSIGNAL);
                for (;;) { /* either a relay arrives or the client hears something */
                        struct pollfd p[2] = { { .fd = client, .events = POLLIN }, { .fd = bed.listener, .events = POLLIN } };

                        assert_true(poll(p, 2, WAIT_MS) > 0);
                        if (p[0].revents) break;
                        backend = accept(bed.listener, NULL, NULL);
                        hear(backend, "\r\n\r\n");
                        (void)send(backend, "HTTP/1.1 200 OK\r\n\r\nfine", 23, MSG_NOSIGNAL);
                        close(backend);
                }
                hear(client, NULL);
                close(client);
                fired = fault_disarm();
                await(&bed, 0);
                if (!fired) break;
        }
        bed_close(&bed);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(relays_a_request),
                cmocka_unit_test(takes_heads_byte_by_byte),
                cmocka_unit_test(answers_bad_heads),
                cmocka_unit_test(ends_the_silent_and_the_slow),
                cmocka_unit_test(takes_bodies_whole),
                cmocka_unit_test(holds_its_limit_of_bodies),
                cmocka_unit_test(gives_upgrades_away),
                cmocka_unit_test(tells_when_nobody_is_behind),
                cmocka_unit_test(refuses_when_full),
                cmocka_unit_test(sends_the_oldest_silent_away),
                cmocka_unit_test(holds_back_for_slow_readers),
                cmocka_unit_test(relays_a_large_body),
                cmocka_unit_test(bears_half_closed_and_vanished_peers),
                cmocka_unit_test(stands_a_thousand_silent),
                cmocka_unit_test(ends_in_the_middle),
                cmocka_unit_test(tells_a_port_in_use),
                cmocka_unit_test(survives_every_fault_at_birth),
                cmocka_unit_test(survives_every_fault_of_a_request),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
