#include "common/base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"

enum { ARENA_CHUNK_BYTES = 4096, ARENA_ALIGN_BYTES = 16 };

struct arena_chunk {
        struct arena_chunk *next;
        size_t capacity_bytes;
        _Alignas(ARENA_ALIGN_BYTES) char data[];
};

void arena_init(struct arena *a, size_t max_bytes)
{
        *a = (struct arena){ .max_bytes = max_bytes };
}

void arena_done(struct arena *a)
{
        struct arena_chunk *chunk = a->chunks;

        while (chunk) {
                struct arena_chunk *next = chunk->next;

                mem_free(chunk);
                chunk = next;
        }
        arena_init(a, a->max_bytes);
}

void *arena_alloc(struct arena *a, size_t size_bytes)
{
        if (size_bytes > a->max_bytes) return NULL;
        size_t need = (size_bytes + ARENA_ALIGN_BYTES - 1) & ~(size_t)(ARENA_ALIGN_BYTES - 1);

        if (need == 0) need = ARENA_ALIGN_BYTES;
        if (need > a->max_bytes - a->total_bytes) return NULL;
        if (!a->chunks || need > a->chunks->capacity_bytes - a->used_bytes) {
                size_t capacity = need > ARENA_CHUNK_BYTES ? need : ARENA_CHUNK_BYTES;
                struct arena_chunk *chunk = mem_alloc(sizeof(*chunk) + capacity);

                if (!chunk) return NULL;
                *chunk = (struct arena_chunk){ .next = a->chunks, .capacity_bytes = capacity };
                a->chunks = chunk;
                a->used_bytes = 0;
        }
        void *block = a->chunks->data + a->used_bytes;

        a->used_bytes += need;
        a->total_bytes += need;
        return memset(block, 0, size_bytes);
}

void *arena_array(struct arena *a, size_t count, size_t item_bytes)
{
        size_t size_bytes;

        if (__builtin_mul_overflow(count, item_bytes, &size_bytes)) return NULL;
        return arena_alloc(a, size_bytes);
}

char *arena_strndup(struct arena *a, const char *text, size_t size_bytes)
{
        char *copy = arena_alloc(a, size_bytes + 1);

        if (copy) memcpy(copy, text, size_bytes);
        return copy;
}

char *arena_strdup(struct arena *a, const char *text)
{
        return arena_strndup(a, text, strlen(text));
}

char *arena_printf(struct arena *a, const char *format, ...)
{
        va_list args, again;
        char *text = NULL;

        va_start(args, format);
        va_copy(again, args);
        int size = vsnprintf(NULL, 0, format, again);

        va_end(again);
        if (size >= 0) text = arena_alloc(a, (size_t)size + 1);
        if (text) vsnprintf(text, (size_t)size + 1, format, args);
        va_end(args);
        return text;
}
