#include "common/base/buf.h"

#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"

static char empty[1] = "";

void buf_init(struct buf *b, size_t max_bytes)
{
        *b = (struct buf){ .data = empty, .max_bytes = max_bytes };
}

void buf_done(struct buf *b)
{
        if (b->capacity_bytes) mem_free(b->data);
        buf_init(b, b->max_bytes);
}

void buf_clear(struct buf *b)
{
        b->size_bytes = 0;
        b->status = ERR_OK;
        if (b->capacity_bytes) b->data[0] = '\0';
}

/* Room for `more` bytes and the NUL, or a sticky failure. */
static bool buf_reserve(struct buf *b, size_t more)
{
        void *data = b->capacity_bytes ? b->data : NULL;
        enum err e;

        if (b->status) return false;
        if (more > b->max_bytes - b->size_bytes) {
                b->status = ERR_LIMIT;
                return false;
        }
        e = mem_grow(&data, &b->capacity_bytes, b->size_bytes + more + 1, 1, b->max_bytes + 1);
        if (e) {
                b->status = e;
                return false;
        }
        b->data = data;
        return true;
}

void buf_append(struct buf *b, const void *bytes, size_t size_bytes)
{
        if (size_bytes == 0 || !buf_reserve(b, size_bytes)) return;
        memcpy(b->data + b->size_bytes, bytes, size_bytes);
        b->size_bytes += size_bytes;
        b->data[b->size_bytes] = '\0';
}

void buf_str(struct buf *b, const char *text)
{
        buf_append(b, text, strlen(text));
}

void buf_char(struct buf *b, char c)
{
        buf_append(b, &c, 1);
}

void buf_vprintf(struct buf *b, const char *format, va_list args)
{
        va_list again;
        int n;

        va_copy(again, args);
        n = vsnprintf(NULL, 0, format, again);
        va_end(again);
        CHECK(n >= 0);
        if (!buf_reserve(b, (size_t)n)) return;
        vsnprintf(b->data + b->size_bytes, (size_t)n + 1, format, args);
        b->size_bytes += (size_t)n;
}

void buf_printf(struct buf *b, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        buf_vprintf(b, format, args);
        va_end(args);
}

void buf_consume(struct buf *b, size_t size_bytes)
{
        CHECK(size_bytes <= b->size_bytes);
        if (size_bytes == 0) return;
        memmove(b->data, b->data + size_bytes, b->size_bytes - size_bytes + 1);
        b->size_bytes -= size_bytes;
}

enum err buf_status(const struct buf *b)
{
        return b->status;
}

char *buf_take(struct buf *b, size_t *ret_size_bytes)
{
        char *data;
        size_t size = b->size_bytes;

        if (b->status) return NULL;
        data = b->capacity_bytes ? b->data : mem_strdup("");
        if (!data) return NULL;
        buf_init(b, b->max_bytes);
        if (ret_size_bytes) *ret_size_bytes = size;
        return data;
}
