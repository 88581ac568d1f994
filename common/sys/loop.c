#include "common/sys/loop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/sys/clock.h"

enum { SIGNALS_MAX = 16, TURN_EVENTS = 64 };

struct loop_fd {
        struct loop *loop;
        int fd;
        loop_fd_fn *fn;
        void *ctx;
        bool dead;
        struct loop_fd *next_dead;
};

/* Timers live in a binary heap by due time; `index` is the place in it, so removal is O(log n). */
struct loop_timer {
        struct loop *loop;
        int64_t due_ms, period_ms;
        loop_fn *fn;
        void *ctx;
        size_t index;
};

struct post {
        loop_fn *fn;
        void *ctx;
};

struct signal_row {
        int number;
        loop_signal_fn *fn;
        void *ctx;
};

struct loop {
        int epoll_fd, wake_fd, signal_fd;
        pthread_t owner;
        bool owned;
        atomic_bool stop;
        struct loop_timer **heap;
        size_t heap_count, heap_capacity, fd_count;
        struct loop_fd *dead, *wake_handle, *signal_handle;
        struct signal_row signals[SIGNALS_MAX];
        size_t signal_count;
        sigset_t mask;
        pthread_mutex_t lock; /* guards the posts */
        struct post posts[LOOP_POSTS_MAX];
        size_t post_first, post_count;
};

static bool heap_before(const struct loop *l, size_t a, size_t b)
{
        return l->heap[a]->due_ms < l->heap[b]->due_ms;
}

static void heap_swap(struct loop *l, size_t a, size_t b)
{
        struct loop_timer *t = l->heap[a];

        l->heap[a] = l->heap[b];
        l->heap[b] = t;
        l->heap[a]->index = a;
        l->heap[b]->index = b;
}

static void heap_fix(struct loop *l, size_t i)
{
        while (i > 0 && heap_before(l, i, (i - 1) / 2)) {
                heap_swap(l, i, (i - 1) / 2);
                i = (i - 1) / 2;
        }
        for (;;) {
                size_t least = i;

                for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < l->heap_count; child++)
                        if (heap_before(l, child, least)) least = child;
                if (least == i) return;
                heap_swap(l, i, least);
                i = least;
        }
}

enum err loop_timer_add(struct loop *loop, int64_t after_ms, int64_t period_ms, loop_fn *fn, void *ctx,
                        struct loop_timer **ret)
{
        void *heap = loop->heap;
        struct loop_timer *t;
        enum err e = mem_grow(&heap, &loop->heap_capacity, loop->heap_count + 1, sizeof(struct loop_timer *), LOOP_TIMERS_MAX);

        CHECK(loop_is_mine(loop) && fn);
        if (e) return e;
        loop->heap = heap;
        t = mem_alloc(sizeof *t);
        if (!t) return ERR_NOMEM;
        *t = (struct loop_timer){ .loop = loop, .due_ms = clock_mono_ms() + (after_ms > 0 ? after_ms : 0),
                                  .period_ms = period_ms, .fn = fn, .ctx = ctx, .index = loop->heap_count };
        loop->heap[loop->heap_count++] = t;
        heap_fix(loop, t->index);
        if (ret) *ret = t;
        return ERR_OK;
}

void loop_timer_remove(struct loop_timer *t)
{
        struct loop *l;
        size_t i;

        if (!t) return;
        l = t->loop;
        CHECK(loop_is_mine(l));
        i = t->index;
        heap_swap(l, i, --l->heap_count);
        if (i < l->heap_count) heap_fix(l, i);
        mem_free(t);
}

static void timers_fire(struct loop *l)
{
        int64_t now = clock_mono_ms();

        for (size_t fired = 0; fired < LOOP_TIMERS_MAX && l->heap_count && l->heap[0]->due_ms <= now; fired++) {
                struct loop_timer *t = l->heap[0];
                loop_fn *fn = t->fn;
                void *ctx = t->ctx;

                if (t->period_ms) {
                        t->due_ms += t->period_ms;
                        if (t->due_ms <= now) t->due_ms = now + t->period_ms;
                        heap_fix(l, 0);
                } else {
                        loop_timer_remove(t);
                }
                fn(ctx);
        }
}

enum err loop_fd_add(struct loop *loop, int fd, uint32_t events, loop_fd_fn *fn, void *ctx, struct loop_fd **ret)
{
        struct loop_fd *h;
        struct epoll_event event = { .events = events };

        CHECK(loop_is_mine(loop) && fn);
        if (loop->fd_count >= LOOP_FDS_MAX) return ERR_LIMIT;
        h = mem_zalloc(1, sizeof *h);
        if (!h) return ERR_NOMEM;
        *h = (struct loop_fd){ .loop = loop, .fd = fd, .fn = fn, .ctx = ctx };
        event.data.ptr = h;
        if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
                mem_free(h);
                return ERR_IO;
        }
        loop->fd_count++;
        if (ret) *ret = h;
        return ERR_OK;
}

void loop_fd_events(struct loop_fd *h, uint32_t events)
{
        struct epoll_event event = { .events = events, .data.ptr = h };

        CHECK(loop_is_mine(h->loop) && !h->dead);
        CHECK(epoll_ctl(h->loop->epoll_fd, EPOLL_CTL_MOD, h->fd, &event) == 0);
}

/* The memory stays until the end of the turn, because this turn's event list may still name it. */
void loop_fd_remove(struct loop_fd *h)
{
        if (!h) return;
        CHECK(loop_is_mine(h->loop) && !h->dead);
        epoll_ctl(h->loop->epoll_fd, EPOLL_CTL_DEL, h->fd, NULL);
        h->dead = true;
        h->loop->fd_count--;
        h->next_dead = h->loop->dead;
        h->loop->dead = h;
}

static void dead_bury(struct loop *l)
{
        while (l->dead) {
                struct loop_fd *h = l->dead;

                l->dead = h->next_dead;
                mem_free(h);
        }
}

static void wake(struct loop *l)
{
        uint64_t one = 1;
        ssize_t n = write(l->wake_fd, &one, sizeof one);

        (void)n; /* EAGAIN: a wake-up is already pending, which is all we want */
}

static void on_wake(void *ctx, uint32_t events)
{
        struct loop *l = ctx;
        uint64_t ignored;
        ssize_t n = read(l->wake_fd, &ignored, sizeof ignored);
        size_t todo;

        (void)n;
        (void)events;
        pthread_mutex_lock(&l->lock);
        todo = l->post_count; /* what is posted by these callbacks runs in the next turn */
        pthread_mutex_unlock(&l->lock);
        while (todo--) {
                struct post p;

                pthread_mutex_lock(&l->lock);
                p = l->posts[l->post_first];
                l->post_first = (l->post_first + 1) % LOOP_POSTS_MAX;
                l->post_count--;
                pthread_mutex_unlock(&l->lock);
                p.fn(p.ctx);
        }
        pthread_mutex_lock(&l->lock);
        if (l->post_count) wake(l);
        pthread_mutex_unlock(&l->lock);
}

enum err loop_post(struct loop *l, loop_fn *fn, void *ctx)
{
        enum err e = ERR_OK;

        CHECK(fn);
        pthread_mutex_lock(&l->lock);
        if (l->post_count == LOOP_POSTS_MAX)
                e = ERR_LIMIT;
        else
                l->posts[(l->post_first + l->post_count++) % LOOP_POSTS_MAX] = (struct post){ fn, ctx };
        pthread_mutex_unlock(&l->lock);
        if (!e) wake(l);
        return e;
}

static void on_signal(void *ctx, uint32_t events)
{
        struct loop *l = ctx;
        struct signalfd_siginfo info;

        (void)events;
        while (read(l->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
                for (size_t i = 0; i < l->signal_count; i++)
                        if (l->signals[i].number == (int)info.ssi_signo) l->signals[i].fn(l->signals[i].ctx, l->signals[i].number);
}

enum err loop_signal_add(struct loop *l, int signal_number, loop_signal_fn *fn, void *ctx)
{
        int fd;

        CHECK(loop_is_mine(l));
        if (l->signal_count == SIGNALS_MAX) return ERR_LIMIT;
        sigaddset(&l->mask, signal_number);
        pthread_sigmask(SIG_BLOCK, &l->mask, NULL);
        fd = signalfd(l->signal_fd, &l->mask, SFD_NONBLOCK | SFD_CLOEXEC);
        if (fd < 0) return ERR_IO;
        if (l->signal_fd < 0) {
                enum err e = loop_fd_add(l, fd, EPOLLIN, on_signal, l, &l->signal_handle);

                if (e) {
                        close(fd);
                        return e;
                }
                l->signal_fd = fd;
        }
        l->signals[l->signal_count++] = (struct signal_row){ signal_number, fn, ctx };
        return ERR_OK;
}

enum err loop_new(struct loop **ret, struct err_note *reterr)
{
        AUTO(loop_free) struct loop *l = mem_zalloc(1, sizeof *l);
        enum err e;

        if (!l) return err_note(reterr, ERR_NOMEM, "cannot make an event loop: out of memory");
        pthread_mutex_init(&l->lock, NULL);
        sigemptyset(&l->mask);
        l->signal_fd = -1;
        l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        l->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        if (l->epoll_fd < 0 || l->wake_fd < 0)
                return err_note(reterr, ERR_IO, "cannot make an event loop: %s", strerror(errno));
        e = loop_fd_add(l, l->wake_fd, EPOLLIN, on_wake, l, &l->wake_handle);
        if (e) return err_note(reterr, e, "cannot make an event loop: %s", err_text(e));
        *ret = take(&l);
        return ERR_OK;
}

void loop_free(struct loop *l)
{
        if (!l) return;
        l->owned = false;
        while (l->heap_count) loop_timer_remove(l->heap[0]);
        mem_free(l->heap);
        loop_fd_remove(l->wake_handle);
        loop_fd_remove(l->signal_handle);
        dead_bury(l);
        if (l->epoll_fd >= 0) close(l->epoll_fd);
        if (l->wake_fd >= 0) close(l->wake_fd);
        if (l->signal_fd >= 0) close(l->signal_fd);
        pthread_mutex_destroy(&l->lock);
        mem_free(l);
}

bool loop_is_mine(const struct loop *l)
{
        return !l->owned || pthread_equal(l->owner, pthread_self());
}

void loop_stop(struct loop *l)
{
        atomic_store(&l->stop, true);
        wake(l);
}

bool loop_turn(struct loop *l, int64_t wait_ms_max)
{
        struct epoll_event events[TURN_EVENTS];
        int64_t wait = wait_ms_max;
        int count;

        l->owner = pthread_self();
        l->owned = true;
        if (l->heap_count) {
                int64_t until = l->heap[0]->due_ms - clock_mono_ms();

                if (until < 0) until = 0;
                if (wait < 0 || until < wait) wait = until;
        }
        if (atomic_load(&l->stop)) wait = 0;
        count = epoll_wait(l->epoll_fd, events, TURN_EVENTS, wait > 1000000 ? 1000000 : (int)wait);
        for (int i = 0; i < count; i++) {
                struct loop_fd *h = events[i].data.ptr;

                if (!h->dead) h->fn(h->ctx, events[i].events);
        }
        timers_fire(l);
        dead_bury(l);
        return !atomic_load(&l->stop);
}

void loop_run(struct loop *l)
{
        while (loop_turn(l, -1)) {}
        atomic_store(&l->stop, false);
        l->owned = false;
}

/* loop_call: shared by the caller and the loop; whoever comes last frees it. */
enum call_state { CALL_WAITING, CALL_RUNNING, CALL_DONE, CALL_ABANDONED };

struct call {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        enum call_state state;
        loop_fn *fn;
        void *ctx;
};

static void call_free(struct call *c)
{
        pthread_mutex_destroy(&c->lock);
        pthread_cond_destroy(&c->changed);
        mem_free(c);
}

static void call_on_loop(void *ctx)
{
        struct call *c = ctx;
        bool abandoned;

        pthread_mutex_lock(&c->lock);
        abandoned = c->state == CALL_ABANDONED;
        if (!abandoned) c->state = CALL_RUNNING;
        pthread_mutex_unlock(&c->lock);
        if (abandoned) {
                call_free(c);
                return;
        }
        c->fn(c->ctx);
        pthread_mutex_lock(&c->lock);
        c->state = CALL_DONE;
        pthread_cond_signal(&c->changed);
        pthread_mutex_unlock(&c->lock);
}

enum err loop_call(struct loop *l, loop_fn *fn, void *ctx, int64_t timeout_ms)
{
        struct call *c = mem_zalloc(1, sizeof *c);
        pthread_condattr_t attr;
        struct timespec until;
        int64_t due = clock_mono_ns() + timeout_ms * 1000000;
        enum err e;

        if (!c) return ERR_NOMEM;
        c->fn = fn;
        c->ctx = ctx;
        pthread_mutex_init(&c->lock, NULL);
        pthread_condattr_init(&attr);
        pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        pthread_cond_init(&c->changed, &attr);
        pthread_condattr_destroy(&attr);
        e = atomic_load(&l->stop) ? ERR_UNAVAILABLE : loop_post(l, call_on_loop, c);
        if (e) {
                call_free(c);
                return e;
        }
        until = (struct timespec){ .tv_sec = due / 1000000000, .tv_nsec = due % 1000000000 };
        pthread_mutex_lock(&c->lock);
        while (c->state == CALL_WAITING)
                if (pthread_cond_timedwait(&c->changed, &c->lock, &until) == ETIMEDOUT && c->state == CALL_WAITING)
                        c->state = CALL_ABANDONED;
        while (c->state == CALL_RUNNING) pthread_cond_wait(&c->changed, &c->lock);
        e = c->state == CALL_DONE ? ERR_OK : ERR_TIMEOUT;
        pthread_mutex_unlock(&c->lock);
        if (!e) call_free(c);
        return e;
}
