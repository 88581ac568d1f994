#include "control-agent/inject/edges.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/sys/loop.h"
#include "common/sys/sock.h"
#include "control-agent/inject/relay.h"

enum { BACKLOG = 256, ACCEPT_TURNS = 16, CALL_MS = 5000 };

struct edge {
        struct edges *edges;
        struct relay_home home;
        char host[EDGES_ADDRESS_BYTES], target[EDGES_ADDRESS_BYTES];
        int listen_fd; /* -1: connections are refused */
        struct loop_fd *handle;
        bool alive; /* the service it leads to has a process */
};

/* The edges of one open stack. */
struct edge_set {
        struct net_rng rng;
        size_t count;
        struct edge items[];
};

struct edges {
        const struct stack_spec *spec;
        struct loop *loop;
        pthread_t thread;
        bool running;
        struct edge_set *sets[STACK_NUMBER_MAX + 1];
        struct pipe_pool pool;
        size_t relays;
};

static void on_accept(void *ctx, uint32_t events)
{
        struct edge *edge = ctx;

        (void)events;
        for (int i = 0; i < ACCEPT_TURNS; i++) {
                const struct linger hard = {.l_onoff = 1};
                int fd = accept4(edge->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

                if (fd < 0) return;
                if (edge->edges->relays < EDGES_RELAYS_MAX && !relay_new(&edge->home, fd)) continue;
                (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
                close(fd);
        }
}

static bool is_down(const struct edge *edge)
{
        for (size_t i = 0; i < NET_FAULTS_MAX; i++)
                if (edge->home.active & 1U << i && edge->home.faults[i].kind == NET_DOWN &&
                    edge->home.faults[i].probability >= 1)
                        return true;
        return false;
}

/* Listens, or not, as it should now. */
static enum err listen_or_not(struct edge *edge, struct err_note *reterr)
{
        bool wanted = edge->alive && !is_down(edge);
        enum err e;

        if (wanted == (edge->listen_fd >= 0)) return ERR_OK;
        if (!wanted) {
                loop_fd_remove(take(&edge->handle));
                close(edge->listen_fd);
                edge->listen_fd = -1;
                return ERR_OK;
        }
        e = sock_listen_tcp(edge->host, edge->home.port, BACKLOG, &edge->listen_fd, reterr);
        if (e) {
                edge->listen_fd = -1;
                return e;
        }
        e = loop_fd_add(edge->edges->loop, edge->listen_fd, EPOLLIN, on_accept, edge, &edge->handle);
        if (!e) return ERR_OK;
        close(edge->listen_fd);
        edge->listen_fd = -1;
        return err_note(reterr, e, "cannot watch %s:%u", edge->host, edge->home.port);
}

static void set_free(struct edge_set *set)
{
        if (!set) return;
        for (size_t i = 0; i < set->count; i++) {
                struct edge *edge = &set->items[i];

                edge->alive = false;
                (void)!listen_or_not(edge, NULL);
                relay_reset_all(&edge->home);
        }
        mem_free(set);
}

/* One call from the agent's thread, carried out on the edges' thread. */
struct call {
        struct edges *edges;
        unsigned stack;
        size_t index, slot; /* edge or service */
        uint64_t seed;
        bool alive;
        const struct net_fault *fault;
        struct edge_stats *stats;
        enum err e;
        struct err_note note;
};

static void edge_init(struct edges *e, struct edge_set *set, unsigned stack, size_t index)
{
        const struct stack_edge *spec = &e->spec->edges[index];
        struct edge *edge = &set->items[index];

        *edge = (struct edge){.edges = e, .listen_fd = -1};
        (void)snprintf(edge->host, sizeof(edge->host), "127.77.%u.%zu", stack, index + 2);
        (void)snprintf(edge->target, sizeof(edge->target), "127.77.%u.1", stack);
        edge->home = (struct relay_home){.loop = e->loop,
                                         .pool = &e->pool,
                                         .rng = &set->rng,
                                         .host = edge->target,
                                         .port = e->spec->services[spec->to].port,
                                         .count = &e->relays};
}

static void do_open(void *ctx)
{
        struct call *c = ctx;
        size_t count = c->edges->spec->edges_count;
        struct edge_set *set;

        set_free(take(&c->edges->sets[c->stack]));
        set = mem_zalloc(1, sizeof(*set) + count * sizeof(set->items[0]));
        if (!set) {
                c->e = err_note(&c->note, ERR_NOMEM, "cannot open the edges of stack %u: out of memory", c->stack);
                return;
        }
        set->rng.state = c->seed * UINT64_C(0x9E3779B97F4A7C15) + c->stack;
        set->count = count;
        for (size_t i = 0; i < count; i++) edge_init(c->edges, set, c->stack, i);
        c->edges->sets[c->stack] = set;
}

static void do_close(void *ctx)
{
        struct call *c = ctx;

        set_free(take(&c->edges->sets[c->stack]));
}

static void do_service(void *ctx)
{
        struct call *c = ctx;
        struct edge_set *set = c->edges->sets[c->stack];

        for (size_t i = 0; set && i < set->count; i++) {
                if (c->edges->spec->edges[i].to != c->index) continue;
                set->items[i].alive = c->alive;
                c->e = listen_or_not(&set->items[i], &c->note);
        }
}

static void do_apply(void *ctx)
{
        struct call *c = ctx;
        struct edge_set *set = c->edges->sets[c->stack];
        struct edge *edge = set ? &set->items[c->index] : NULL;

        if (!edge) {
                c->e = err_note(&c->note, ERR_STATE, "stack %u is not up", c->stack);
                return;
        }
        for (c->slot = 0; c->slot < NET_FAULTS_MAX && edge->home.active & 1U << c->slot; c->slot++) continue;
        if (c->slot == NET_FAULTS_MAX) {
                c->e = err_note(&c->note, ERR_LIMIT, "this edge has %d faults already; undo one first", NET_FAULTS_MAX);
                return;
        }
        edge->home.faults[c->slot] = *c->fault;
        edge->home.active |= 1U << c->slot;
        (void)!listen_or_not(edge, NULL); /* down only closes */
        relay_faults_changed(&edge->home, (int)c->slot);
}

static void do_undo(void *ctx)
{
        struct call *c = ctx;
        struct edge_set *set = c->edges->sets[c->stack];
        struct edge *edge = set ? &set->items[c->index] : NULL;

        if (!edge || !(edge->home.active & 1U << c->slot)) return;
        edge->home.active &= ~(1U << c->slot);
        c->e = listen_or_not(edge, &c->note);
        relay_faults_changed(&edge->home, -1);
}

static void do_stats(void *ctx)
{
        struct call *c = ctx;
        const struct edge_set *set = c->edges->sets[c->stack];
        const struct edge *edge = set ? &set->items[c->index] : NULL;

        if (!edge) {
                c->e = ERR_STATE;
                return;
        }
        *c->stats = (struct edge_stats){.opened = edge->home.opened,
                                        .bytes_up = edge->home.bytes[NET_UP],
                                        .bytes_down = edge->home.bytes[NET_DOWN_WAY],
                                        .open = relay_count(&edge->home),
                                        .listening = edge->listen_fd >= 0};
}

static enum err call(struct call *c, loop_fn *fn, struct err_note *reterr)
{
        enum err e = loop_call(c->edges->loop, fn, c, CALL_MS);

        if (e) return err_note(reterr, e, "the edges of stack %u do not answer", c->stack);
        return c->e ? err_note(reterr, c->e, "%s", c->note.text) : ERR_OK;
}

static void do_nothing(void *ctx)
{
        (void)ctx;
}

static void *run(void *ctx)
{
        struct edges *e = ctx;
        sigset_t all;

        sigfillset(&all); /* signals are the agent's loop's */
        (void)pthread_sigmask(SIG_SETMASK, &all, NULL);
        loop_run(e->loop);
        for (size_t i = 0; i <= STACK_NUMBER_MAX; i++) set_free(take(&e->sets[i]));
        return NULL;
}

enum err edges_new(const struct stack_spec *spec, struct edges **ret, struct err_note *reterr)
{
        AUTO(edges_free) struct edges *e = mem_zalloc(1, sizeof(*e));
        enum err status;

        if (!e) return err_note(reterr, ERR_NOMEM, "cannot make the edges: out of memory");
        e->spec = spec;
        status = loop_new(&e->loop, reterr);
        if (status) return status;
        if (fault_point() || pthread_create(&e->thread, NULL, run, e))
                return err_note(reterr, ERR_LIMIT, "cannot start the thread of the edges");
        e->running = true;
        status = loop_call(e->loop, do_nothing, e, CALL_MS); /* a stop before its loop runs would be lost */
        if (status) return err_note(reterr, status, "the thread of the edges does not answer");
        *ret = take(&e);
        return ERR_OK;
}

void edges_free(struct edges *e)
{
        if (!e) return;
        if (e->running) {
                loop_stop(e->loop);
                (void)pthread_join(e->thread, NULL);
        }
        pipe_pool_done(&e->pool);
        loop_free(e->loop);
        mem_free(e);
}

void edges_address(const struct stack_spec *spec, unsigned stack, size_t edge, char *dst, size_t dst_bytes)
{
        CHECK(edge < spec->edges_count);
        (void)snprintf(dst, dst_bytes, "127.77.%u.%zu:%u", stack, edge + 2, spec->services[spec->edges[edge].to].port);
}

enum err edges_open(struct edges *e, unsigned stack, uint64_t seed, struct err_note *reterr)
{
        struct call c = {.edges = e, .stack = stack, .seed = seed};

        CHECK(stack <= STACK_NUMBER_MAX);
        return call(&c, do_open, reterr);
}

void edges_close(struct edges *e, unsigned stack)
{
        struct call c = {.edges = e, .stack = stack};

        (void)!call(&c, do_close, NULL);
}

enum err edges_service(struct edges *e, unsigned stack, size_t service, bool alive, struct err_note *reterr)
{
        struct call c = {.edges = e, .stack = stack, .index = service, .alive = alive};

        return call(&c, do_service, reterr);
}

enum err edges_apply(struct edges *e, unsigned stack, size_t edge, const struct net_fault *fault, size_t *ret_slot,
                     struct err_note *reterr)
{
        struct call c = {.edges = e, .stack = stack, .index = edge, .fault = fault};
        enum err status;

        CHECK(edge < e->spec->edges_count && stack <= STACK_NUMBER_MAX);
        status = call(&c, do_apply, reterr);
        if (!status) *ret_slot = c.slot;
        return status;
}

enum err edges_undo(struct edges *e, unsigned stack, size_t edge, size_t slot, struct err_note *reterr)
{
        struct call c = {.edges = e, .stack = stack, .index = edge, .slot = slot};

        CHECK(edge < e->spec->edges_count && slot < NET_FAULTS_MAX);
        return call(&c, do_undo, reterr);
}

enum err edges_stats(struct edges *e, unsigned stack, size_t edge, struct edge_stats *ret)
{
        struct call c = {.edges = e, .stack = stack, .index = edge, .stats = ret};

        return call(&c, do_stats, NULL);
}
