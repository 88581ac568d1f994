/* Birth, accepting, deadlines and end; what happens with one connection is in door_conn.c. */
#include "server/door/door.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/clock.h"
#include "common/sys/sock.h"
#include "server/door/door_conn.h"

enum { DOOR_SWEEP_MS = 250, DOOR_ACCEPTS_A_TURN = 64, DOOR_BACKLOG = 511 };

static void door_peer_text(const struct sockaddr_storage *peer, char dst[static INET6_ADDRSTRLEN])
{
        const void *address = peer->ss_family == AF_INET6 ? (const void *)&((const struct sockaddr_in6 *)peer)->sin6_addr
                                                          : (const void *)&((const struct sockaddr_in *)peer)->sin_addr;

        if (!inet_ntop(peer->ss_family, address, dst, INET6_ADDRSTRLEN)) str_cut(dst, INET6_ADDRSTRLEN, "unknown");
}

/* Who has waited longest among those whose request is not whole yet; NULL: nobody. */
static struct door_conn *door_oldest_idle(struct door *door)
{
        return door->lists[DOOR_HEAD].first ? door->lists[DOOR_HEAD].first : door->lists[DOOR_BODY].first;
}

/* Makes room. */
static bool door_evict(struct door *door)
{
        struct door_conn *oldest = door_oldest_idle(door);

        if (!oldest) return false;
        door_conn_close(oldest);
        atomic_fetch_add(&door->evicted, 1);
        return true;
}

static bool door_is_full(struct door *door)
{
        return atomic_load(&door->connections) >= door->opts.connections_max;
}

/* Accepts nothing until a connection ends, or the next sweep. */
static void door_go_deaf(struct door *door)
{
        loop_fd_events(door->listener.handle, 0);
        door->is_deaf = true;
        door_sweep_soon(door);
}

static void door_on_listener(void *ctx, uint32_t events)
{
        struct door *door = ctx;

        (void)events;
        for (int i = 0; i < DOOR_ACCEPTS_A_TURN; i++) {
                struct sockaddr_storage peer = { 0 };
                socklen_t peer_bytes = sizeof peer;
                char text[INET6_ADDRSTRLEN];
                int yes = 1, room = DOOR_SOCKET_BYTES, fd;

                if (door_is_full(door) && !door_oldest_idle(door)) {
                        door_go_deaf(door); /* the kernel's backlog keeps them */
                        return;
                }
                fd = accept4(door->listener.fd, (struct sockaddr *)&peer, &peer_bytes, SOCK_NONBLOCK | SOCK_CLOEXEC);
                if (fd < 0) {
                        if (errno == EINTR || errno == ECONNABORTED || errno == EPROTO) continue;
                        if (errno == EAGAIN) return;
                        if (door_evict(door)) continue; /* no descriptors or memory: the silent pay first */
                        door_go_deaf(door);
                        return;
                }
                if (door_is_full(door)) (void)door_evict(door);
                atomic_fetch_add(&door->accepted, 1);
                (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
                (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
                door_peer_text(&peer, text);
                door_conn_open(door, fd, text);
        }
}

static void door_sweep(void *ctx)
{
        struct door *door = ctx;
        int64_t now_ms = clock_mono_ms();

        door->is_sweeping = false;
        for (size_t state = 0; state < DOOR_STATE_COUNT; state++) {
                struct door_conn *conn;

                /* An expired one leaves its list or moves behind the others with a later deadline, so this ends. */
                while ((conn = door->lists[state].first) && conn->deadline_ms <= now_ms) door_conn_expire(conn);
        }
        if (door->is_deaf) {
                door->is_deaf = false;
                loop_fd_events(door->listener.handle, EPOLLIN);
        }
        if (atomic_load(&door->connections) || door->is_deaf) door_sweep_soon(door);
}

void door_sweep_soon(struct door *door)
{
        struct loop_timer *timer;

        if (door->is_sweeping) return;
        door->is_sweeping = loop_timer_add(door->loop, DOOR_SWEEP_MS, 0, door_sweep, door, &timer) == ERR_OK;
}

static void *door_thread(void *ctx)
{
        struct door *door = ctx;

        loop_run(door->loop);
        for (size_t state = 0; state < DOOR_STATE_COUNT; state++)
                while (door->lists[state].first) door_conn_close(door->lists[state].first);
        return NULL;
}

static void door_dispose(struct door *door)
{
        if (door->loop) loop_fd_remove(door->listener.handle);
        if (door->listener.fd >= 0) close(door->listener.fd);
        loop_free(door->loop);
        mem_free(door->key);
        mem_free(door);
}

static enum err door_start(struct door *door, struct err_note *reterr)
{
        sigset_t all, before;
        int failed;
        enum err e = sock_listen_tcp(door->opts.address, door->opts.port, DOOR_BACKLOG, &door->listener.fd, reterr);

        if (e) return e;
        door->port = sock_port(door->listener.fd);
        e = loop_new(&door->loop, reterr);
        if (e) return e;
        e = loop_fd_add(door->loop, door->listener.fd, EPOLLIN, door_on_listener, door, &door->listener.handle);
        if (e) return err_note(reterr, e, "cannot watch the public port");
        sigfillset(&all); /* signals belong to the program's loop */
        pthread_sigmask(SIG_SETMASK, &all, &before);
        failed = pthread_create(&door->thread, NULL, door_thread, door);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        return failed ? err_note(reterr, ERR_LIMIT, "cannot start the door's thread: %s", strerror(failed)) : ERR_OK;
}

enum err door_new(const struct door_opts *opts, struct door **ret, struct err_note *reterr)
{
        struct door *door = mem_zalloc(1, sizeof *door);
        enum err e = ERR_OK;

        CHECK(opts->address && opts->backend_port);
        if (!door) return err_note(reterr, ERR_NOMEM, "no memory for the door");
        door->opts = *opts;
        door->listener.fd = -1;
        if (!door->opts.connections_max) door->opts.connections_max = 2000;
        if (!door->opts.relays_max) door->opts.relays_max = 128;
        if (!door->opts.body_bytes_max) door->opts.body_bytes_max = 256 * 1024;
        if (!door->opts.head_ms) door->opts.head_ms = 10 * 1000;
        if (!door->opts.body_ms) door->opts.body_ms = 30 * 1000;
        if (!door->opts.idle_ms) door->opts.idle_ms = 60 * 1000;
        if (opts->key) {
                door->key = mem_strdup(opts->key);
                if (!door->key) e = err_note(reterr, ERR_NOMEM, "no memory for the door");
        }
        if (!e) e = door_start(door, reterr);
        if (e) {
                door_dispose(door);
                return e;
        }
        *ret = door;
        return ERR_OK;
}

uint16_t door_port(const struct door *door)
{
        return door->port;
}

void door_stats_get(struct door *door, struct door_stats *ret)
{
        *ret = (struct door_stats){
                .connections = atomic_load(&door->connections),
                .relays = atomic_load(&door->relays),
                .accepted = atomic_load(&door->accepted),
                .relayed = atomic_load(&door->relayed),
                .upgraded = atomic_load(&door->upgraded),
                .answered = atomic_load(&door->answered),
                .evicted = atomic_load(&door->evicted),
                .timed_out = atomic_load(&door->timed_out),
        };
}

void door_free(struct door *door)
{
        if (!door) return;
        loop_stop(door->loop);
        pthread_join(door->thread, NULL);
        door_dispose(door);
}
