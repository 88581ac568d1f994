/* mem: counted allocation and fault points. Floor 0.
 * Every allocation of ours goes through here, so tests can count what lives and make the nth one fail.
 * Owner:  caller. Thread-safe.      Memory: mem_free(NULL) is fine.      Limits: MEM_BYTES_MAX a block.
 * Fails:  NULL, for real or because a test armed a fault. */
#ifndef COMMON_BASE_MEM_H
#define COMMON_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/attr.h"
#include "common/base/err.h"

#define MEM_BYTES_MAX ((size_t)1 << 32)

MUST_USE void *mem_alloc(size_t size_bytes);                            /* uninitialised */
MUST_USE void *mem_zalloc(size_t count, size_t item_bytes);             /* zeroed, overflow-checked */
MUST_USE void *mem_resize(void *block, size_t size_bytes);              /* block unchanged on failure */
MUST_USE void *mem_aligned(size_t alignment_bytes, size_t size_bytes);  /* zeroed; free with mem_free */
MUST_USE char *mem_strdup(const char *text);
MUST_USE char *mem_strndup(const char *text, size_t size_bytes);
void mem_free(void *block);

static inline __attribute__((unused)) void mem_free_auto(void *p)
{
        mem_free(*(void **)p);
}

/* Grows an array: on success *items has room for `need` items of item_bytes (need <= max, else ERR_LIMIT). */
MUST_USE enum err mem_grow(void **items, size_t *capacity, size_t need, size_t item_bytes, size_t max);

/* Blocks alive now, over all threads. */
size_t alloc_live_count(void);

/* Fault points: the nth (1-based) allocation or fault_point() after arming fails; persistent: and all after it.
 * For tests only; not armed in production. fault_disarm() tells whether any fault fired. */
void fault_arm(size_t nth, bool persistent);
bool fault_disarm(void);
/* True if a test wants this place to fail: if (fault_point()) return ERR_IO; */
bool fault_point(void);

#endif
