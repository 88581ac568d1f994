/* kit_pool: a bounded pool of reusable connections (HTTP handles, database sessions). A taker waits in order for a free
 * slot, then gets the connection that was used last (warm ones stay warm) or a new one, made outside the lock.
 * Owner:  shared; thread-safe.               Memory: the pool owns idle items, the taker a taken one until it gives it back.
 * Units:  ms, microseconds of waiting.       Limits: size (live-resizable) up to POOL_SIZE_MAX, queue_max waiting.
 * Fails:  ERR_TIMEOUT / ERR_LIMIT no connection in time, ERR_STATE closed, or what open() said; then nothing is taken. */
#ifndef SUT_KIT_POOL_H
#define SUT_KIT_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"

enum { POOL_SIZE_MAX = 256 };

struct kit_pool;

struct kit_pool_ops {
        enum err (*open)(void *ctx, void **ret_item, struct err_note *reterr); /* may block, called without a lock */
        void (*close)(void *ctx, void *item);
        void *ctx;
};

struct kit_pool_stat {
        int size, idle, used, waiting;
        uint64_t taken_count, opened_count, refused_count; /* refused: no connection in time */
};

MUST_USE enum err kit_pool_new(const struct kit_pool_ops *ops, int size, int queue_max, struct kit_pool **ret);
void kit_pool_free(struct kit_pool *p); /* nothing may be taken */
AUTO_DEFINE(struct kit_pool, kit_pool_free)

MUST_USE enum err kit_pool_take(struct kit_pool *p, int64_t wait_ms, void **ret_item, int64_t *ret_waited_us,
                                struct err_note *reterr);
/* broken: the item is closed and not used again. */
void kit_pool_give(struct kit_pool *p, void *item, bool broken);
void kit_pool_resize(struct kit_pool *p, int size);
/* Closes all idle items, and the taken ones when they come back (after a restart of the other side). */
void kit_pool_flush(struct kit_pool *p);
void kit_pool_stat(struct kit_pool *p, struct kit_pool_stat *ret);

#endif
