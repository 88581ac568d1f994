#include "control-agent/inject/relay.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/sys/clock.h"
#include "common/sys/sock.h"

enum side_name { CLIENT, UPSTREAM, SIDES };

struct side {
        struct relay *relay;
        int fd;
        struct loop_fd *handle;
        uint32_t mask;
        bool fin;     /* the peer has said all; told once, then read when there is room */
        bool hung_up; /* nothing more will come or go: no longer watched, what is left is read as there is room */
};

struct relay {
        struct relay_home *home;
        struct side sides[SIDES];
        struct flow flows[NET_WAY_COUNT]; /* NET_UP reads from CLIENT, NET_DOWN_WAY from UPSTREAM */
        bool dialled, connected;
        unsigned hit;
        int64_t reset_at_us, timer_due_us; /* INT64_MAX none */
        struct loop_timer *timer;
        struct relay *next, *before;
};

static void relay_free(struct relay *r)
{
        struct relay_home *home = r->home;

        for (int i = 0; i < NET_WAY_COUNT; i++) {
                home->bytes[i] += r->flows[i].passed_bytes;
                flow_done(&r->flows[i]);
        }
        loop_timer_remove(r->timer);
        for (int i = 0; i < SIDES; i++) {
                loop_fd_remove(r->sides[i].handle);
                if (r->sides[i].fd >= 0) close(r->sides[i].fd);
        }
        if (r->before)
                r->before->next = r->next;
        else
                home->first = r->next;
        if (r->next) r->next->before = r->before;
        (*home->count)--;
        mem_free(r);
}

/* Both ends see "connection reset", as when a machine in between forgot the connection. */
static void relay_abort(struct relay *r)
{
        const struct linger hard = {.l_onoff = 1};

        for (int i = 0; i < SIDES; i++)
                if (r->sides[i].fd >= 0) (void)setsockopt(r->sides[i].fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
        relay_free(r);
}

static void on_side(void *ctx, uint32_t events);
static void advance(struct relay *r);

static void watch(struct side *s, uint32_t mask)
{
        if (s->hung_up || !s->handle || s->mask == mask) return;
        s->mask = mask;
        loop_fd_events(s->handle, mask);
}

static void on_timer(void *ctx)
{
        struct relay *r = ctx;

        r->timer = NULL;
        r->timer_due_us = INT64_MAX;
        advance(r);
}

static void arm(struct relay *r, int64_t now_us)
{
        int64_t due = r->reset_at_us;

        for (int i = 0; i < NET_WAY_COUNT && r->connected; i++) due = MIN(due, flow_due(&r->flows[i]));
        if (due == r->timer_due_us) return;
        loop_timer_remove(take(&r->timer));
        r->timer_due_us = INT64_MAX;
        if (due == INT64_MAX) return;
        /* A full timer table leaves the data waiting for the next event of this connection. */
        if (!loop_timer_add(r->home->loop, MAX(0, (due - now_us + 999) / 1000), 0, on_timer, r, &r->timer))
                r->timer_due_us = due;
        else
                r->timer = NULL;
}

static void set_masks(struct relay *r)
{
        for (int i = 0; i < SIDES; i++) {
                const struct flow *from = &r->flows[i == CLIENT ? NET_UP : NET_DOWN_WAY];
                const struct flow *to = &r->flows[i == CLIENT ? NET_DOWN_WAY : NET_UP];
                uint32_t mask = 0;

                if (r->connected && flow_wants_read(from))
                        mask |= EPOLLIN;
                else if (!from->ended_in)
                        mask |= EPOLLRDHUP;
                if (r->connected && to->blocked) mask |= EPOLLOUT;
                if (i == UPSTREAM && !r->connected) mask = EPOLLOUT;
                watch(&r->sides[i], mask);
        }
}

/* Does what can be done now, then arranges to be called for the rest. May free r. */
static void advance(struct relay *r)
{
        int64_t now_us = clock_mono_us();

        if (r->reset_at_us <= now_us) {
                relay_abort(r);
                return;
        }
        for (int i = 0; i < NET_WAY_COUNT && r->connected; i++) {
                struct flow *f = &r->flows[i];
                enum flow_state state = flow_write(f, now_us);

                while (state == FLOW_OK && r->sides[i == NET_UP ? CLIENT : UPSTREAM].hung_up && flow_wants_read(f))
                        state = flow_read(f, now_us);
                if (state == FLOW_BROKEN) {
                        relay_abort(r);
                        return;
                }
        }
        if (r->flows[NET_UP].ended_out && r->flows[NET_DOWN_WAY].ended_out) {
                relay_free(r);
                return;
        }
        set_masks(r);
        arm(r, now_us);
}

static void dial(struct relay *r)
{
        struct side *s = &r->sides[UPSTREAM];
        const int on = 1;

        if (r->dialled) return;
        r->dialled = true;
        if (sock_connect_tcp(r->home->host, r->home->port, &s->fd, NULL)) {
                s->fd = -1;
                r->reset_at_us = 0; /* refused: the next advance tells the client */
                return;
        }
        (void)setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        s->mask = EPOLLOUT;
        if (loop_fd_add(r->home->loop, s->fd, EPOLLOUT, on_side, s, &s->handle)) {
                s->handle = NULL;
                r->reset_at_us = 0;
                return;
        }
        r->flows[NET_UP].to_fd = r->flows[NET_DOWN_WAY].from_fd = s->fd;
}

/* The peer of this side has said all (fin), or is gone in both ways. False: r is gone. */
static bool hang_up(struct relay *r, struct side *s, uint32_t events, const struct flow *from, const struct flow *to)
{
        if (!r->connected || from->shape.black_hole || (events & EPOLLHUP && !to->ended_out)) {
                relay_abort(r);
                return false;
        }
        s->fin = true;
        if (!(events & EPOLLHUP)) return true;
        loop_fd_remove(take(&s->handle)); /* level-triggered: it would call again and again */
        s->hung_up = true;
        return true;
}

static void on_side(void *ctx, uint32_t events)
{
        struct side *s = ctx;
        struct relay *r = s->relay;
        bool client = s == &r->sides[CLIENT];
        struct flow *from = &r->flows[client ? NET_UP : NET_DOWN_WAY], *to = &r->flows[client ? NET_DOWN_WAY : NET_UP];

        if (!client && !r->connected) {
                if (sock_error(s->fd)) {
                        relay_abort(r);
                        return;
                }
                r->connected = true;
                advance(r);
                return;
        }
        if (events & EPOLLERR) {
                relay_abort(r);
                return;
        }
        if (events & EPOLLIN && r->connected && flow_wants_read(from) &&
            flow_read(from, clock_mono_us()) == FLOW_BROKEN) {
                relay_abort(r);
                return;
        }
        if (events & (EPOLLHUP | EPOLLRDHUP) && !hang_up(r, s, events, from, to)) return;
        advance(r);
}

static void reshape(struct relay *r, int64_t now_us)
{
        struct net_shape up = net_shape_of(r->home->faults, r->hit, NET_UP);
        struct net_shape down = net_shape_of(r->home->faults, r->hit, NET_DOWN_WAY);

        flow_shape(&r->flows[NET_UP], &up, now_us);
        flow_shape(&r->flows[NET_DOWN_WAY], &down, now_us);
        if (up.reset_us < 0)
                r->reset_at_us = INT64_MAX;
        else
                r->reset_at_us = MIN(r->reset_at_us, now_us + up.reset_us);
        if (!up.black_hole) dial(r); /* a connection attempt is lost in a black hole like all else */
}

static bool drawn(const struct relay_home *home, size_t slot)
{
        return net_rng_unit(home->rng) < home->faults[slot].probability;
}

enum err relay_new(struct relay_home *home, int client_fd)
{
        struct relay *r = mem_zalloc(1, sizeof(*r));
        const int on = 1;
        enum err e;

        if (!r) return ERR_NOMEM;
        *r = (struct relay){.home = home, .reset_at_us = INT64_MAX, .timer_due_us = INT64_MAX, .next = home->first};
        r->sides[CLIENT] = (struct side){.relay = r, .fd = client_fd, .mask = EPOLLRDHUP};
        r->sides[UPSTREAM] = (struct side){.relay = r, .fd = -1};
        e = loop_fd_add(home->loop, client_fd, EPOLLRDHUP, on_side, &r->sides[CLIENT], &r->sides[CLIENT].handle);
        if (e) {
                mem_free(r);
                return e;
        }
        (void)setsockopt(client_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        flow_init(&r->flows[NET_UP], client_fd, -1, home->pool, home->rng);
        flow_init(&r->flows[NET_DOWN_WAY], -1, client_fd, home->pool, home->rng);
        if (home->first) home->first->before = r;
        home->first = r;
        (*home->count)++;
        home->opened++;
        for (size_t i = 0; i < NET_FAULTS_MAX; i++)
                if (home->active & 1U << i && drawn(home, i)) r->hit |= 1U << i;
        reshape(r, clock_mono_us());
        advance(r);
        return ERR_OK;
}

void relay_faults_changed(struct relay_home *home, int slot)
{
        int64_t now_us = clock_mono_us();

        for (struct relay *r = home->first, *next; r; r = next) {
                next = r->next; /* advance may free r, and only r */
                r->hit &= home->active;
                if (slot >= 0) r->hit &= ~(1U << slot);
                if (slot >= 0 && drawn(home, (size_t)slot)) r->hit |= 1U << slot;
                reshape(r, now_us);
                advance(r);
        }
}

void relay_reset_all(struct relay_home *home)
{
        while (home->first) relay_abort(home->first);
}

size_t relay_count(const struct relay_home *home)
{
        size_t count = 0;

        for (const struct relay *r = home->first; r; r = r->next) count++;
        return count;
}
