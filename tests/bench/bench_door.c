/* Requests a second: the HTTP server directly, through the door, and through the door with 1,000 silent connections open. The three are
 * measured in turns, five times, and the middle one of each counts, so that a busy moment of the machine hits all alike. */
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/sys/clock.h"
#include "common/sys/sock.h"
#include "server/door/door.h"
#include "server/http/front.h"
#include "tests/bench/bench.h"

enum { SILENT = 1000, AT_ONCE = 32, ROUNDS = 5 };

struct caller {
        int fd;
        int64_t start_ns;
        size_t got;
};

struct figure {
        double per_second, p50_ms, p99_ms;
        uint64_t failed;
};

static const char bench_request[] = "GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n";

static void bench_api(void *ctx, struct http_exchange *x)
{
        (void)ctx;
        http_reply_text(x, 200, "application/json", "{\"status\":\"ok\",\"what\":\"an answer of about two hundred bytes, as most are that the control panel asks for "
                                                    "once a second or so while somebody is looking at it\"}");
}

static void caller_start(struct caller *c, int epoll_fd, uint16_t port)
{
        *c = (struct caller){ .fd = -1, .start_ns = clock_mono_ns() };
        if (sock_connect_tcp("127.0.0.1", port, &c->fd, NULL) ||
            epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &(struct epoll_event){ .events = EPOLLOUT, .data.ptr = c })) {
                fprintf(stderr, "cannot connect to port %u: %s\n", port, strerror(errno));
                exit(3);
        }
}

static struct figure measure(uint16_t port, int seconds)
{
        struct caller callers[AT_ONCE];
        struct bench_samples samples;
        struct epoll_event events[AT_ONCE];
        struct figure figure = { 0 };
        int epoll_fd = epoll_create1(0);
        int64_t start_ns = clock_mono_ns(), end_ns = start_ns + seconds * INT64_C(1000000000);
        char text[4096];

        bench_samples_init(&samples);
        for (int i = 0; i < AT_ONCE; i++) caller_start(&callers[i], epoll_fd, port);
        while (clock_mono_ns() < end_ns) {
                int count = epoll_wait(epoll_fd, events, AT_ONCE, 100);

                for (int i = 0; i < count; i++) {
                        struct caller *c = events[i].data.ptr;
                        ssize_t n;

                        if (events[i].events & EPOLLOUT) {
                                if (send(c->fd, bench_request, sizeof bench_request - 1, MSG_NOSIGNAL) < 0) figure.failed++;
                                epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &(struct epoll_event){ .events = EPOLLIN, .data.ptr = c });
                                continue;
                        }
                        n = recv(c->fd, text, sizeof text, 0);
                        if (n > 0) {
                                if (!c->got && memcmp(text, "HTTP/1.1 200", 12) != 0) figure.failed++;
                                c->got += (size_t)n;
                                continue;
                        }
                        if (n < 0 && errno == EAGAIN) continue;
                        if (!c->got) figure.failed++;
                        bench_samples_add(&samples, clock_mono_ns() - c->start_ns);
                        close(c->fd);
                        caller_start(c, epoll_fd, port);
                }
        }
        figure.per_second = (double)samples.total * 1e9 / (double)(clock_mono_ns() - start_ns);
        for (int i = 0; i < AT_ONCE; i++) close(callers[i].fd);
        close(epoll_fd);
        figure.p50_ms = bench_percentile_ms(&samples, 50);
        figure.p99_ms = bench_percentile_ms(&samples, 99);
        free(samples.us);
        return figure;
}

static int figure_compare(const void *a, const void *b)
{
        double x = ((const struct figure *)a)->per_second, y = ((const struct figure *)b)->per_second;

        return x < y ? -1 : x > y;
}

/* Opens silent connections and waits until the door has them all. */
static void silence_begin(struct door *door, int *fds)
{
        struct door_stats stats;

        for (int i = 0; i < SILENT; i++)
                if (sock_connect_tcp("127.0.0.1", door_port(door), &fds[i], NULL)) exit(3);
        do door_stats_get(door, &stats); while (stats.connections < SILENT && poll(NULL, 0, 1) == 0);
}

static void silence_end(struct door *door, int *fds)
{
        struct door_stats stats;

        for (int i = 0; i < SILENT; i++) close(fds[i]);
        do door_stats_get(door, &stats); while (stats.connections && poll(NULL, 0, 1) == 0);
}

int main(int argc, char **argv)
{
        static const char *const names[] = { "HTTP server directly", "through the door", "with 1,000 silent connections" };
        static const char *const keys[] = { "direct", "door", "door_silent" };
        struct bench_args args = bench_args_read(argc, argv, "Requests through the door, with and without silent connections; beside the HTTP server directly.");
        static int silent[SILENT];
        const struct ui_files no_ui = { 0 };
        struct figure figures[3][ROUNDS];
        struct guard *guard = NULL;
        struct front *front = NULL;
        struct door *door = NULL;

        bench_raise_descriptors();
        if (guard_new(&(struct guard_opts){ .listen_address = "127.0.0.1" }, &guard, NULL) ||
            front_new(&(struct front_opts){ .guard = guard, .ui = &no_ui, .api = bench_api }, &front, NULL) ||
            door_new(&(struct door_opts){ .address = "127.0.0.1", .backend_port = front_port(front), .relays_max = front_capacity(front),
                                          .head_ms = 600 * 1000 }, &door, NULL))
                return 3;
        for (int round = 0; round < ROUNDS; round++) {
                figures[0][round] = measure(front_port(front), args.seconds);
                figures[1][round] = measure(door_port(door), args.seconds);
                silence_begin(door, silent);
                figures[2][round] = measure(door_port(door), args.seconds);
                silence_end(door, silent);
        }
        for (int i = 0; i < 3; i++) qsort(figures[i], ROUNDS, sizeof figures[i][0], figure_compare);
        if (args.json) printf("{\"at_once\":%d", AT_ONCE);
        else printf("one request a connection, %d at once:\n", AT_ONCE);
        for (int i = 0; i < 3; i++) {
                struct figure *f = &figures[i][ROUNDS / 2];
                double ratio = f->per_second / figures[0][ROUNDS / 2].per_second;

                if (args.json)
                        printf(",\"%s\":{\"per_second\":%.0f,\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"failed\":%llu,\"ratio_to_direct\":%.3f}", keys[i], f->per_second,
                               f->p50_ms, f->p99_ms, (unsigned long long)f->failed, ratio);
                else
                        printf("  %-30s %7.0f/s   p50 %6.2f ms   p99 %6.2f ms   failed %llu   %.2f of direct\n", names[i], f->per_second, f->p50_ms, f->p99_ms,
                               (unsigned long long)f->failed, ratio);
        }
        if (args.json) printf("}\n");
        else printf("  silent connections cost %.1f %%\n", 100 * (1 - figures[2][ROUNDS / 2].per_second / figures[1][ROUNDS / 2].per_second));
        door_free(door);
        front_free(front);
        guard_free(guard);
        return 0;
}
