#include "sut/kit/pool.h"

#include <pthread.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "sut/kit/slots.h"

/* Every taken item holds one slot; idle items hold none, and there are never more of them than free slots. */
struct kit_pool {
        struct kit_pool_ops ops;
        struct kit_slots *slots;
        int queue_max;
        pthread_mutex_t lock;
        int size, idle_count, used_count;
        uint64_t opened_count;
        uint64_t epoch; /* items older than this are closed when they come back */
        struct idle {
                void *item;
                uint64_t epoch;
        } idle[POOL_SIZE_MAX], used[POOL_SIZE_MAX * 2]; /* twice: after a shrink more may be out than fit */
};

enum err kit_pool_new(const struct kit_pool_ops *ops, int size, int queue_max, struct kit_pool **ret)
{
        AUTO(kit_pool_free) struct kit_pool *p = mem_zalloc(1, sizeof *p);
        enum err e;

        CHECK(size > 0 && size <= POOL_SIZE_MAX);
        if (!p) return ERR_NOMEM;
        pthread_mutex_init(&p->lock, NULL);
        p->ops = *ops;
        p->size = size;
        p->queue_max = queue_max;
        e = kit_slots_new(size, queue_max, &p->slots);
        if (e) return e;
        *ret = take(&p);
        return ERR_OK;
}

void kit_pool_free(struct kit_pool *p)
{
        if (!p) return;
        CHECK(p->used_count == 0);
        kit_pool_flush(p);
        kit_slots_free(p->slots);
        pthread_mutex_destroy(&p->lock);
        mem_free(p);
}

static void used_add(struct kit_pool *p, void *item, uint64_t epoch)
{
        CHECK(p->used_count < (int)ARRAY_COUNT(p->used));
        p->used[p->used_count++] = (struct idle){ item, epoch };
}

enum err kit_pool_take(struct kit_pool *p, int64_t wait_ms, void **ret_item, int64_t *ret_waited_us,
                       struct err_note *reterr)
{
        void *item = NULL;
        uint64_t epoch;
        enum err e = kit_slots_enter(p->slots, wait_ms, ret_waited_us);

        if (e == ERR_LIMIT) return err_note(reterr, e, "too many requests wait for a connection (at most %d)", p->queue_max);
        if (e == ERR_TIMEOUT)
                return err_note(reterr, e, "no connection became free within %lld ms (pool size %d)",
                                (long long)wait_ms, p->size);
        if (e) return err_note(reterr, e, "the connection pool is closed");
        pthread_mutex_lock(&p->lock);
        epoch = p->epoch;
        if (p->idle_count > 0) {
                item = p->idle[--p->idle_count].item;
                used_add(p, item, epoch);
        }
        pthread_mutex_unlock(&p->lock);
        if (!item) {
                e = p->ops.open(p->ops.ctx, &item, reterr);
                if (e) {
                        kit_slots_leave(p->slots);
                        return e;
                }
                pthread_mutex_lock(&p->lock);
                p->opened_count++;
                used_add(p, item, epoch);
                pthread_mutex_unlock(&p->lock);
        }
        *ret_item = item;
        return ERR_OK;
}

static uint64_t used_remove(struct kit_pool *p, void *item)
{
        for (int i = 0; i < p->used_count; i++) {
                if (p->used[i].item != item) continue;
                uint64_t epoch = p->used[i].epoch;

                p->used[i] = p->used[--p->used_count];
                return epoch;
        }
        CHECK(!"an item that was taken from this pool");
        return 0;
}

void kit_pool_give(struct kit_pool *p, void *item, bool broken)
{
        pthread_mutex_lock(&p->lock);
        if (used_remove(p, item) != p->epoch || p->idle_count + p->used_count >= p->size) broken = true;
        if (!broken) p->idle[p->idle_count++] = (struct idle){ item, p->epoch };
        pthread_mutex_unlock(&p->lock);
        if (broken) p->ops.close(p->ops.ctx, item);
        kit_slots_leave(p->slots);
}

static void close_idle_above(struct kit_pool *p, int keep)
{
        for (;;) {
                void *item = NULL;

                pthread_mutex_lock(&p->lock);
                if (p->idle_count > 0 && p->idle_count + (keep ? p->used_count : 0) > keep)
                        item = p->idle[--p->idle_count].item;
                pthread_mutex_unlock(&p->lock);
                if (!item) return;
                p->ops.close(p->ops.ctx, item);
        }
}

void kit_pool_resize(struct kit_pool *p, int size)
{
        CHECK(size > 0 && size <= POOL_SIZE_MAX);
        pthread_mutex_lock(&p->lock);
        p->size = size;
        pthread_mutex_unlock(&p->lock);
        kit_slots_resize(p->slots, size, p->queue_max);
        close_idle_above(p, size);
}

void kit_pool_flush(struct kit_pool *p)
{
        pthread_mutex_lock(&p->lock);
        p->epoch++;
        pthread_mutex_unlock(&p->lock);
        close_idle_above(p, 0);
}

void kit_pool_stat(struct kit_pool *p, struct kit_pool_stat *ret)
{
        struct kit_slots_stat slots;

        kit_slots_stat(p->slots, &slots);
        pthread_mutex_lock(&p->lock);
        *ret = (struct kit_pool_stat){ .size = p->size,
                                       .idle = p->idle_count,
                                       .used = p->used_count,
                                       .waiting = slots.waiting,
                                       .taken_count = slots.entered_count,
                                       .opened_count = p->opened_count,
                                       .refused_count = slots.refused_count + slots.timeout_count };
        pthread_mutex_unlock(&p->lock);
}
