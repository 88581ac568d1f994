/* Fan-out: one publisher, many WebSocket clients on loopback, read by one thread. The time counts from push_publish to the client's read. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/sys/clock.h"
#include "common/sys/sock.h"
#include "server/push/push.h"
#include "tests/bench/bench.h"
#include "tests/support/wsclient.h"

enum { CLIENTS = 1000, CLIENT_BYTES = 64 * 1024, DATA_BYTES = 200 };

struct client {
        int fd;
        size_t used;
        char in[CLIENT_BYTES];
};

struct reader {
        struct client *clients;
        int epoll_fd;
        struct bench_samples samples;
        _Atomic uint64_t delivered;
        _Atomic bool is_counting, is_over;
};

static struct push *bench_push_room;

static void snapshot_wanted(void *ctx)
{
        (void)ctx;
        (void)push_snapshot(bench_push_room, "{}");
}

/* Counts the whole frames of one client; each data holds the time of its publishing. */
static void client_parse(struct reader *r, struct client *c)
{
        size_t at = 0;
        int64_t now_ns = clock_mono_ns();
        bool counts = atomic_load_explicit(&r->is_counting, memory_order_relaxed);

        while (c->used - at >= 2) {
                unsigned char *f = (unsigned char *)c->in + at;
                size_t n = f[1] & 0x7f, front = n == 126 ? 4 : 2;
                char *mark;

                if (c->used - at < front) break;
                if (n == 126) n = (size_t)f[2] << 8 | f[3];
                if (c->used - at < front + n) break;
                mark = memmem(f + front, n, "\"ns\":", 5);
                if (mark) {
                        atomic_fetch_add_explicit(&r->delivered, 1, memory_order_relaxed);
                        if (counts) bench_samples_add(&r->samples, now_ns - strtoll(mark + 5, NULL, 10));
                }
                at += front + n;
        }
        memmove(c->in, c->in + at, c->used - at);
        c->used -= at;
}

static void *reader_run(void *ctx)
{
        struct reader *r = ctx;
        struct epoll_event events[256];

        while (!atomic_load(&r->is_over)) {
                int count = epoll_wait(r->epoll_fd, events, 256, 100);

                for (int i = 0; i < count; i++) {
                        struct client *c = events[i].data.ptr;
                        ssize_t n = recv(c->fd, c->in + c->used, sizeof c->in - c->used, MSG_DONTWAIT);

                        if (n <= 0) continue;
                        c->used += (size_t)n;
                        client_parse(r, c);
                }
        }
        return NULL;
}

static void client_join(struct reader *r, struct client *c, int listener)
{
        static const char text[] = "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                   "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " WSCLIENT_KEY "\r\n\r\n";
        struct head head;
        struct err_note note = { 0 };
        struct pollfd p = { .fd = listener, .events = POLLIN };
        char byte, last[4] = { 0 };
        int status, server;

        if (sock_connect_tcp("127.0.0.1", sock_port(listener), &c->fd, &note)) goto failed;
        poll(&p, 1, 5000);
        server = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (head_parse(text, sizeof text - 1, &head, &status, &note) || push_adopt(bench_push_room, server, &head, "", 0, &note)) goto failed;
        fcntl(c->fd, F_SETFL, 0);
        while (memcmp(last, "\r\n\r\n", 4) != 0 && recv(c->fd, &byte, 1, 0) == 1) {
                memmove(last, last + 1, 3);
                last[3] = byte;
        }
        if (epoll_ctl(r->epoll_fd, EPOLL_CTL_ADD, c->fd, &(struct epoll_event){ .events = EPOLLIN, .data.ptr = c }) == 0) return;
failed:
        fprintf(stderr, "a client cannot join: %s\n", note.text);
        exit(3);
}

struct figure {
        double asked, delivered, p50_ms, p99_ms;
};

static struct figure measure(struct reader *r, int messages_per_second, int seconds)
{
        char data[DATA_BYTES + 64];
        int64_t start_ns = clock_mono_ns(), gap_ns = 1000000000 / messages_per_second;
        uint64_t before = atomic_load(&r->delivered), all = (uint64_t)messages_per_second * (uint64_t)seconds, after;
        struct figure figure = { .asked = (double)messages_per_second * CLIENTS };
        int64_t end_ns;

        r->samples.count = r->samples.total = 0;
        atomic_store(&r->is_counting, true);
        for (uint64_t i = 0; i < all; i++) {
                clock_sleep_until_ns(start_ns + (int64_t)i * gap_ns);
                snprintf(data, sizeof data, "{\"ns\":%lld,\"fill\":\"%0*d\"}", (long long)clock_mono_ns(), DATA_BYTES - 90, 0);
                (void)push_publish(bench_push_room, PUSH_FEED, data);
        }
        do {
                end_ns = clock_mono_ns();
                after = atomic_load(&r->delivered);
                if (after - before >= all * CLIENTS) break;
                poll(NULL, 0, 1);
        } while (end_ns - start_ns < (seconds + 5) * INT64_C(1000000000));
        atomic_store(&r->is_counting, false);
        poll(NULL, 0, 20); /* the reader has seen the flag */
        figure.delivered = (double)(after - before) * 1e9 / (double)(end_ns - start_ns);
        figure.p50_ms = bench_percentile_ms(&r->samples, 50);
        figure.p99_ms = bench_percentile_ms(&r->samples, 99);
        return figure;
}

static void *pong(void *ctx)
{
        int fd = *(int *)ctx;
        char text[DATA_BYTES];
        ssize_t n;

        while ((n = recv(fd, text, sizeof text, 0)) > 0)
                if (send(fd, text, (size_t)n, MSG_NOSIGNAL) < 0) break;
        return NULL;
}

/* What the machine gives without us: one message there and back, between two threads. */
static struct figure ping_pong(int listener, int seconds)
{
        struct bench_samples samples;
        struct pollfd p = { .fd = listener, .events = POLLIN };
        char text[DATA_BYTES] = { 0 };
        struct figure figure = { 0 };
        pthread_t thread;
        int client, server;
        int64_t end_ns;

        bench_samples_init(&samples);
        if (sock_connect_tcp("127.0.0.1", sock_port(listener), &client, NULL)) exit(3);
        poll(&p, 1, 5000);
        server = accept(listener, NULL, NULL);
        fcntl(client, F_SETFL, 0);
        pthread_create(&thread, NULL, pong, &server);
        end_ns = clock_mono_ns() + seconds * INT64_C(1000000000);
        while (clock_mono_ns() < end_ns) {
                int64_t start_ns = clock_mono_ns();

                if (send(client, text, sizeof text, MSG_NOSIGNAL) < 0 || recv(client, text, sizeof text, MSG_WAITALL) != sizeof text) exit(3);
                bench_samples_add(&samples, clock_mono_ns() - start_ns);
        }
        close(client);
        pthread_join(thread, NULL);
        close(server);
        figure.delivered = (double)samples.total / seconds;
        figure.p50_ms = bench_percentile_ms(&samples, 50);
        figure.p99_ms = bench_percentile_ms(&samples, 99);
        free(samples.us);
        return figure;
}

int main(int argc, char **argv)
{
        static const int rates[] = { 20, 100, 300 };
        struct bench_args args = bench_args_read(argc, argv, "Delivers messages to 1,000 WebSocket clients; beside a plain loopback ping-pong.");
        struct guard *guard = NULL;
        struct reader reader = { .clients = calloc(CLIENTS, sizeof(struct client)), .epoll_fd = epoll_create1(0) };
        struct figure plain, figures[3];
        struct push_stats stats;
        struct rusage usage;
        pthread_t thread;
        int listener;

        bench_raise_descriptors();
        bench_samples_init(&reader.samples);
        if (sock_listen_tcp("127.0.0.1", 0, 511, &listener, NULL) ||
            guard_new(&(struct guard_opts){ .listen_address = "127.0.0.1" }, &guard, NULL) ||
            push_new(&(struct push_opts){ .guard = guard, .connections_max = CLIENTS, .snapshot_wanted = snapshot_wanted }, &bench_push_room, NULL))
                return 3;
        plain = ping_pong(listener, args.seconds);
        for (int i = 0; i < CLIENTS; i++) client_join(&reader, &reader.clients[i], listener);
        pthread_create(&thread, NULL, reader_run, &reader);
        do push_stats_get(bench_push_room, &stats); while (stats.delivered < CLIENTS && poll(NULL, 0, 10) == 0); /* everybody has a snapshot */
        for (size_t i = 0; i < 3; i++) figures[i] = measure(&reader, rates[i], args.seconds);
        getrusage(RUSAGE_SELF, &usage);
        atomic_store(&reader.is_over, true);
        pthread_join(thread, NULL);
        if (args.json) {
                printf("{\"ping_pong\":{\"per_second\":%.0f,\"p50_ms\":%.3f,\"p99_ms\":%.3f},\"clients\":%d,\"fan_out\":[", plain.delivered, plain.p50_ms,
                       plain.p99_ms, CLIENTS);
                for (size_t i = 0; i < 3; i++)
                        printf("%s{\"asked_per_second\":%.0f,\"delivered_per_second\":%.0f,\"p50_ms\":%.2f,\"p99_ms\":%.2f}", i ? "," : "", figures[i].asked,
                               figures[i].delivered, figures[i].p50_ms, figures[i].p99_ms);
                printf("]}\n");
        } else {
                printf("plain loopback ping-pong, %d bytes: %.0f a second, p50 %.3f ms, p99 %.3f ms there and back\n", DATA_BYTES, plain.delivered,
                       plain.p50_ms, plain.p99_ms);
                printf("push to %d clients, %d bytes a message (publisher, push and all clients in one process):\n", CLIENTS, DATA_BYTES);
                for (size_t i = 0; i < 3; i++)
                        printf("  asked %7.0f/s   delivered %7.0f/s   p50 %7.2f ms   p99 %7.2f ms\n", figures[i].asked, figures[i].delivered,
                               figures[i].p50_ms, figures[i].p99_ms);
                printf("largest memory of the process: %ld KiB, %d KiB of it the clients' buffers\n", usage.ru_maxrss, CLIENTS * CLIENT_BYTES / 1024);
        }
        for (int i = 0; i < CLIENTS; i++) close(reader.clients[i].fd);
        push_free(bench_push_room);
        guard_free(guard);
        close(listener);
        return 0;
}
