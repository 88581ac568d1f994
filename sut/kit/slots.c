#include "sut/kit/slots.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#include "common/base/check.h"
#include "common/base/mem.h"

struct waiter {
        struct waiter *next;
        pthread_cond_t wake;
        bool granted;
};

/* Invariant under the lock: while somebody waits, busy >= slots_max or the slots are closed. */
struct kit_slots {
        pthread_mutex_t lock;
        struct waiter *first, **end;
        struct kit_slots_stat stat;
        bool closed;
};

enum err kit_slots_new(int slots_max, int queue_max, struct kit_slots **ret)
{
        struct kit_slots *s = mem_zalloc(1, sizeof *s);

        CHECK(slots_max > 0 && queue_max >= 0);
        if (!s) return ERR_NOMEM;
        pthread_mutex_init(&s->lock, NULL);
        s->end = &s->first;
        s->stat.slots_max = slots_max;
        s->stat.queue_max = queue_max;
        *ret = s;
        return ERR_OK;
}

void kit_slots_free(struct kit_slots *s)
{
        if (!s) return;
        CHECK(s->stat.busy == 0 && s->stat.waiting == 0);
        pthread_mutex_destroy(&s->lock);
        mem_free(s);
}

static struct timespec after_ms(struct timespec t, int64_t ms)
{
        t.tv_sec += ms / 1000;
        t.tv_nsec += ms % 1000 * 1000000;
        if (t.tv_nsec >= 1000000000) {
                t.tv_sec++;
                t.tv_nsec -= 1000000000;
        }
        return t;
}

static int64_t since_us(struct timespec start)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (now.tv_sec - start.tv_sec) * INT64_C(1000000) + (now.tv_nsec - start.tv_nsec) / 1000;
}

static void grant_waiters(struct kit_slots *s)
{
        while (s->first && s->stat.busy < s->stat.slots_max) {
                struct waiter *w = s->first;

                s->first = w->next;
                if (!s->first) s->end = &s->first;
                w->granted = true;
                s->stat.busy++;
                s->stat.waiting--;
                pthread_cond_signal(&w->wake);
        }
}

static void waiter_remove(struct kit_slots *s, struct waiter *w)
{
        struct waiter **at = &s->first;

        while (*at != w) at = &(*at)->next;
        *at = w->next;
        if (s->end == &w->next) s->end = at;
        s->stat.waiting--;
}

/* Called with the lock; the waiter is granted by the thread that frees a slot, so nobody can overtake the queue. */
static enum err wait_in_queue(struct kit_slots *s, struct timespec deadline)
{
        struct waiter w = { 0 };
        pthread_condattr_t attr;
        int rc = 0;

        pthread_condattr_init(&attr);
        pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        pthread_cond_init(&w.wake, &attr);
        pthread_condattr_destroy(&attr);
        *s->end = &w;
        s->end = &w.next;
        s->stat.waiting++;
        while (!w.granted && !s->closed && rc != ETIMEDOUT) rc = pthread_cond_timedwait(&w.wake, &s->lock, &deadline);
        if (!w.granted) waiter_remove(s, &w);
        pthread_cond_destroy(&w.wake);
        if (w.granted) return ERR_OK;
        return s->closed ? ERR_STATE : ERR_TIMEOUT;
}

enum err kit_slots_enter(struct kit_slots *s, int64_t wait_ms, int64_t *ret_waited_us)
{
        struct timespec start;
        enum err e = ERR_OK;

        clock_gettime(CLOCK_MONOTONIC, &start);
        pthread_mutex_lock(&s->lock);
        if (s->closed)
                e = ERR_STATE;
        else if (s->stat.busy < s->stat.slots_max && !s->first)
                s->stat.busy++;
        else if (s->stat.waiting >= s->stat.queue_max)
                e = ERR_LIMIT;
        else if (wait_ms <= 0)
                e = ERR_TIMEOUT;
        else
                e = wait_in_queue(s, after_ms(start, wait_ms));
        if (e == ERR_OK)
                s->stat.entered_count++;
        else if (e == ERR_LIMIT)
                s->stat.refused_count++;
        else if (e == ERR_TIMEOUT)
                s->stat.timeout_count++;
        pthread_mutex_unlock(&s->lock);
        if (ret_waited_us) *ret_waited_us = since_us(start);
        return e;
}

void kit_slots_leave(struct kit_slots *s)
{
        pthread_mutex_lock(&s->lock);
        CHECK(s->stat.busy > 0);
        s->stat.busy--;
        grant_waiters(s);
        pthread_mutex_unlock(&s->lock);
}

void kit_slots_resize(struct kit_slots *s, int slots_max, int queue_max)
{
        CHECK(slots_max > 0 && queue_max >= 0);
        pthread_mutex_lock(&s->lock);
        s->stat.slots_max = slots_max;
        s->stat.queue_max = queue_max;
        grant_waiters(s);
        pthread_mutex_unlock(&s->lock);
}

void kit_slots_close(struct kit_slots *s)
{
        pthread_mutex_lock(&s->lock);
        s->closed = true;
        for (struct waiter *w = s->first; w; w = w->next) pthread_cond_signal(&w->wake);
        pthread_mutex_unlock(&s->lock);
}

void kit_slots_stat(struct kit_slots *s, struct kit_slots_stat *ret)
{
        pthread_mutex_lock(&s->lock);
        *ret = s->stat;
        pthread_mutex_unlock(&s->lock);
}
