/* kit_slots: a bounded number of slots with a bounded, first-come-first-served queue in front of them.
 * It is the worker pool of a service (a request thread that holds a slot is a worker) and the heart of kit_pool.
 * Both bounds may change while requests run: more slots let waiters in at once; fewer slots are reached as holders leave.
 * Owner:  shared; thread-safe.               Memory: one block a kit_slots; waiters live on their thread's stack.
 * Units:  ms, microseconds of waiting.       Limits: slots_max at once, queue_max waiting.
 * Fails:  ERR_LIMIT queue full, ERR_TIMEOUT no slot in time, ERR_STATE closed. */
#ifndef SUT_KIT_SLOTS_H
#define SUT_KIT_SLOTS_H

#include <stdint.h>

#include "common/base/err.h"

struct kit_slots;

struct kit_slots_stat {
        int slots_max, queue_max;
        int busy, waiting;
        uint64_t entered_count, refused_count, timeout_count;
};

MUST_USE enum err kit_slots_new(int slots_max, int queue_max, struct kit_slots **ret);
void kit_slots_free(struct kit_slots *s); /* nobody may hold or wait */
AUTO_DEFINE(struct kit_slots, kit_slots_free)

/* Waits at most wait_ms (0: not at all); ret_waited_us may be NULL, and is written on failure too. */
MUST_USE enum err kit_slots_enter(struct kit_slots *s, int64_t wait_ms, int64_t *ret_waited_us);
void kit_slots_leave(struct kit_slots *s);
void kit_slots_resize(struct kit_slots *s, int slots_max, int queue_max);
void kit_slots_close(struct kit_slots *s); /* waiters and newcomers get ERR_STATE */
void kit_slots_stat(struct kit_slots *s, struct kit_slots_stat *ret);

#endif
