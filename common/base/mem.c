#include "common/base/mem.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"

static atomic_size_t live_count;

/* fault_left counts down to 1 = "this one fails"; 0 = not armed. */
static atomic_size_t fault_left;
static atomic_bool fault_persistent;
static atomic_bool fault_fired;

bool fault_point(void)
{
        size_t left = atomic_load_explicit(&fault_left, memory_order_relaxed);

        if (left == 0) return false;
        while (left > 1)
                if (atomic_compare_exchange_weak(&fault_left, &left, left - 1)) return false;
        if (left == 0) return false;
        atomic_store(&fault_fired, true);
        if (!atomic_load(&fault_persistent)) atomic_store(&fault_left, 0);
        return true;
}

void fault_arm(size_t nth, bool persistent)
{
        CHECK(nth > 0);
        atomic_store(&fault_fired, false);
        atomic_store(&fault_persistent, persistent);
        atomic_store(&fault_left, nth);
}

bool fault_disarm(void)
{
        atomic_store(&fault_left, 0);
        return atomic_exchange(&fault_fired, false);
}

size_t alloc_live_count(void)
{
        return atomic_load(&live_count);
}

static void *counted(void *block)
{
        if (block) atomic_fetch_add_explicit(&live_count, 1, memory_order_relaxed);
        return block;
}

void *mem_alloc(size_t size_bytes)
{
        if (size_bytes > MEM_BYTES_MAX || fault_point()) return NULL;
        return counted(malloc(size_bytes ? size_bytes : 1));
}

void *mem_zalloc(size_t count, size_t item_bytes)
{
        if ((item_bytes && count > MEM_BYTES_MAX / item_bytes) || fault_point()) return NULL;
        return counted(calloc(count ? count : 1, item_bytes ? item_bytes : 1));
}

void *mem_resize(void *block, size_t size_bytes)
{
        if (!block) return mem_alloc(size_bytes);
        if (size_bytes > MEM_BYTES_MAX || fault_point()) return NULL;
        return realloc(block, size_bytes ? size_bytes : 1);
}

void *mem_aligned(size_t alignment_bytes, size_t size_bytes)
{
        size_t rounded = (size_bytes + alignment_bytes - 1) / alignment_bytes * alignment_bytes;
        void *block;

        if (size_bytes > MEM_BYTES_MAX || fault_point()) return NULL;
        block = counted(aligned_alloc(alignment_bytes, rounded ? rounded : alignment_bytes));
        if (block) memset(block, 0, rounded);
        return block;
}

char *mem_strdup(const char *text)
{
        return mem_strndup(text, strlen(text));
}

char *mem_strndup(const char *text, size_t size_bytes)
{
        size_t n = strnlen(text, size_bytes);
        char *copy = mem_alloc(n + 1);

        if (!copy) return NULL;
        memcpy(copy, text, n);
        copy[n] = '\0';
        return copy;
}

void mem_free(void *block)
{
        if (!block) return;
        atomic_fetch_sub_explicit(&live_count, 1, memory_order_relaxed);
        free(block);
}

enum err mem_grow(void **items, size_t *capacity, size_t need, size_t item_bytes, size_t max)
{
        size_t next = *capacity ? *capacity : 8;
        void *grown;

        if (need <= *capacity) return ERR_OK;
        if (need > max) return ERR_LIMIT;
        while (next < need) next *= 2;
        if (next > max) next = max;
        if (item_bytes && next > MEM_BYTES_MAX / item_bytes) return ERR_LIMIT;
        grown = mem_resize(*items, next * item_bytes);
        if (!grown) return ERR_NOMEM;
        *items = grown;
        *capacity = next;
        return ERR_OK;
}
