/* The edge proxies beside a direct connection: round trips one after another, bytes in one stream, and what 500 idle connections cost.
 * Direct and proxied are measured in turns, five times, and the middle one of each counts. Stack 250 is this program's. */
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/sys/clock.h"
#include "common/sys/sock.h"
#include "control-agent/inject/edges.h"
#include "tests/bench/bench.h"

enum { PORT = 18199, ROUNDS = 5, IDLE = 500, PING_BYTES = 200, BULK_BYTES = 65536, STACK = 250 };

static const char list[] = "schema: 1\nservices:\n"
                           "  - {name: api, title: A, kind: service, program: a, port: 18198, upstreams: {db: pg}}\n"
                           "  - {name: pg, title: P, kind: component, program: p, port: 18199}\n";

/* First byte 'e': echoes; 's': swallows. One thread a connection. */
static void *serve_one(void *ctx)
{
        int fd = (int)(intptr_t)ctx;
        char bytes[BULK_BYTES];
        bool echo = false, first = true;
        ssize_t n;

        while ((n = recv(fd, bytes, sizeof bytes, 0)) > 0) {
                if (first) echo = bytes[0] == 'e';
                first = false;
                if (echo && send(fd, bytes, (size_t)n, MSG_NOSIGNAL) != n) break;
        }
        if (!echo) (void)send(fd, "x", 1, MSG_NOSIGNAL); /* all has come */
        close(fd);
        return NULL;
}

static void *serve(void *ctx)
{
        int listen_fd = *(int *)ctx;

        for (;;) {
                struct pollfd p = { .fd = listen_fd, .events = POLLIN };
                pthread_attr_t attr;
                pthread_t thread;
                int fd;

                (void)poll(&p, 1, -1);
                fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
                if (fd < 0) continue;
                pthread_attr_init(&attr);
                pthread_attr_setstacksize(&attr, 4 * BULK_BYTES);
                pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
                if (pthread_create(&thread, &attr, serve_one, (void *)(intptr_t)fd)) close(fd);
                pthread_attr_destroy(&attr);
        }
        return NULL;
}

static int dial(const char *host)
{
        struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(PORT) };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (inet_pton(AF_INET, host, &to.sin_addr) != 1 || connect(fd, (void *)&to, sizeof to) < 0) {
                fprintf(stderr, "cannot connect to %s:%d\n", host, PORT);
                exit(3);
        }
        return fd;
}

struct figure {
        double per_second, p50_ms, p99_ms, cpu_us, mb_per_s;
};

static double cpu_us(void)
{
        struct rusage u;

        getrusage(RUSAGE_SELF, &u);
        return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void ping(const char *host, int seconds, struct figure *f)
{
        char bytes[PING_BYTES] = "e";
        struct bench_samples samples;
        int fd = dial(host);
        int64_t start = clock_mono_ns(), end = start + seconds * INT64_C(1000000000), now = start;
        double cpu = cpu_us();

        bench_samples_init(&samples);
        while (now < end) {
                int64_t before = now;

                if (send(fd, bytes, sizeof bytes, MSG_NOSIGNAL) != sizeof bytes || recv(fd, bytes, sizeof bytes, MSG_WAITALL) != sizeof bytes) exit(3);
                now = clock_mono_ns();
                bench_samples_add(&samples, now - before);
        }
        f->per_second = (double)samples.total * 1e9 / (double)(now - start);
        f->cpu_us = (cpu_us() - cpu) / (double)samples.total;
        f->p50_ms = bench_percentile_ms(&samples, 50);
        f->p99_ms = bench_percentile_ms(&samples, 99);
        free(samples.us);
        close(fd);
}

static void bulk(const char *host, int seconds, struct figure *f)
{
        static char bytes[BULK_BYTES] = "s";
        int fd = dial(host);
        int64_t start = clock_mono_ns(), end = start + seconds * INT64_C(1000000000);
        double sent = 0;
        char all;

        while (clock_mono_ns() < end) {
                ssize_t n = send(fd, bytes, sizeof bytes, MSG_NOSIGNAL);

                if (n <= 0) exit(3);
                sent += (double)n;
        }
        (void)shutdown(fd, SHUT_WR);
        if (recv(fd, &all, 1, 0) != 1) exit(3);
        f->mb_per_s = sent / 1e6 / ((double)(clock_mono_ns() - start) / 1e9);
        close(fd);
}

static int by_rate(const void *a, const void *b)
{
        double x = ((const struct figure *)a)->per_second, y = ((const struct figure *)b)->per_second;

        return x < y ? -1 : x > y;
}

static int by_bytes(const void *a, const void *b)
{
        double x = ((const struct figure *)a)->mb_per_s, y = ((const struct figure *)b)->mb_per_s;

        return x < y ? -1 : x > y;
}

/* The middle of ROUNDS. */
static struct figure middle(struct figure *all)
{
        struct figure f;

        qsort(all, ROUNDS, sizeof all[0], by_bytes);
        f = all[ROUNDS / 2];
        qsort(all, ROUNDS, sizeof all[0], by_rate);
        all[ROUNDS / 2].mb_per_s = f.mb_per_s;
        return all[ROUNDS / 2];
}

static double idle_cpu_ms(const char *host)
{
        int fds[IDLE];
        double cpu;
        char byte;

        for (int i = 0; i < IDLE; i++) {
                fds[i] = dial(host);
                if (send(fds[i], "e", 1, MSG_NOSIGNAL) != 1 || recv(fds[i], &byte, 1, 0) != 1) exit(3);
        }
        cpu = cpu_us();
        clock_sleep_until_ns(clock_mono_ns() + INT64_C(2000000000));
        cpu = (cpu_us() - cpu) / 2000;
        for (int i = 0; i < IDLE; i++) close(fds[i]);
        return cpu;
}

static void print(const struct bench_args *args, const struct figure *direct, const struct figure *proxied, double idle)
{
        if (args->json) {
                printf("{\"direct\":{\"round_trips_per_s\":%.0f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"cpu_us\":%.1f,\"mb_per_s\":%.0f},"
                       "\"edge\":{\"round_trips_per_s\":%.0f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"cpu_us\":%.1f,\"mb_per_s\":%.0f},"
                       "\"idle_connections\":%d,\"idle_cpu_ms_per_s\":%.2f}\n",
                       direct->per_second, direct->p50_ms, direct->p99_ms, direct->cpu_us, direct->mb_per_s, proxied->per_second, proxied->p50_ms,
                       proxied->p99_ms, proxied->cpu_us, proxied->mb_per_s, IDLE, idle);
                return;
        }
        printf("%-10s %14s %9s %9s %16s %9s\n", "", "round trips/s", "p50 ms", "p99 ms", "cpu us/trip", "MB/s");
        printf("%-10s %14.0f %9.3f %9.3f %16.1f %9.0f\n", "direct", direct->per_second, direct->p50_ms, direct->p99_ms, direct->cpu_us, direct->mb_per_s);
        printf("%-10s %14.0f %9.3f %9.3f %16.1f %9.0f\n", "edge", proxied->per_second, proxied->p50_ms, proxied->p99_ms, proxied->cpu_us, proxied->mb_per_s);
        printf("edge / direct: round trips %.2f, bytes %.2f; %d idle connections: %.2f ms of processor time a second\n",
               proxied->per_second / direct->per_second, proxied->mb_per_s / direct->mb_per_s, IDLE, idle);
}

int main(int argc, char **argv)
{
        struct bench_args args = bench_args_read(argc, argv, "Edge proxies beside direct connections. --seconds: of all rounds of one measurement.");
        struct figure direct[ROUNDS] = { { 0 } }, proxied[ROUNDS] = { { 0 } }, d, p;
        struct stack_spec *spec = NULL;
        struct edges *edges = NULL;
        struct diag_list diags;
        struct err_note note = { 0 };
        int each = args.seconds > ROUNDS ? args.seconds / ROUNDS : 1, listen_fd = -1;
        pthread_t server;
        double idle;

        bench_raise_descriptors();
        diag_list_init(&diags, "list");
        if (stack_spec_parse(list, strlen(list), &diags, &spec) || sock_listen_tcp("127.77.250.1", PORT, 256, &listen_fd, &note) ||
            pthread_create(&server, NULL, serve, &listen_fd) || edges_new(spec, &edges, &note) || edges_open(edges, STACK, 1, &note) ||
            edges_service(edges, STACK, 1, true, &note)) {
                fprintf(stderr, "%s\n", note.text);
                return 3;
        }
        for (int i = 0; i < ROUNDS; i++) {
                ping("127.77.250.1", each, &direct[i]);
                ping("127.77.250.2", each, &proxied[i]);
                bulk("127.77.250.1", each, &direct[i]);
                bulk("127.77.250.2", each, &proxied[i]);
        }
        d = middle(direct);
        p = middle(proxied);
        idle = idle_cpu_ms("127.77.250.2");
        print(&args, &d, &p, idle);
        edges_free(edges);
        stack_spec_free(spec);
        return 0;
}
