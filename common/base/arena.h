/* arena: many small blocks with one end. Strings and arrays of an object that lives and dies whole.
 * Owner:  caller, not thread-safe.  Memory: arena_done frees everything handed out; no single free.
 * Units:  bytes.                    Limits: max_bytes of all blocks together, fixed at init.
 * Fails:  NULL (out of memory or over the limit), the arena stays usable. */
#ifndef COMMON_BASE_ARENA_H
#define COMMON_BASE_ARENA_H

#include <stddef.h>

#include "common/base/attr.h"

struct arena_chunk;

struct arena {
        struct arena_chunk *chunks; /* newest first */
        size_t used_bytes;          /* of the newest chunk */
        size_t total_bytes;         /* handed out */
        size_t max_bytes;
};

void arena_init(struct arena *a, size_t max_bytes);
void arena_done(struct arena *a);
MUST_USE void *arena_alloc(struct arena *a, size_t size_bytes); /* zeroed, aligned for any type */
MUST_USE void *arena_array(struct arena *a, size_t count, size_t item_bytes);
MUST_USE char *arena_strdup(struct arena *a, const char *text);
MUST_USE char *arena_strndup(struct arena *a, const char *text, size_t size_bytes);
MUST_USE char *arena_printf(struct arena *a, const char *format, ...) FMT_PRINTF(2, 3);

#endif
