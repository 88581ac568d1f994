/* buf: a growing byte buffer with a maximum; always NUL-terminated, so data can be read as a C string.
 * Owner:  caller, not thread-safe.  Memory: buf_done frees, buf_take gives the block away (free with mem_free).
 * Units:  bytes.                    Limits: max_bytes of content, fixed at init.
 * Fails:  sticky: after a failure nothing is appended and buf_status() tells ERR_LIMIT or ERR_NOMEM, so writers
 *         can append freely and check once. */
#ifndef COMMON_BASE_BUF_H
#define COMMON_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>

#include "common/base/err.h"

struct buf {
        char *data;            /* never NULL after init: points to "" when empty */
        size_t size_bytes;     /* without the NUL */
        size_t capacity_bytes; /* 0 while data is the static "" */
        size_t max_bytes;
        enum err status;
};

void buf_init(struct buf *b, size_t max_bytes);
void buf_done(struct buf *b);
void buf_clear(struct buf *b); /* empty and ERR_OK again, memory kept */
void buf_append(struct buf *b, const void *bytes, size_t size_bytes);
void buf_str(struct buf *b, const char *text);
void buf_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *format, ...) FMT_PRINTF(2, 3);
void buf_vprintf(struct buf *b, const char *format, va_list args) FMT_PRINTF(2, 0);
void buf_consume(struct buf *b, size_t size_bytes); /* drops bytes from the front */
MUST_USE enum err buf_status(const struct buf *b);
MUST_USE char *buf_take(struct buf *b, size_t *ret_size_bytes); /* NULL if nothing could be allocated */

static inline __attribute__((unused)) void buf_done_auto(struct buf *b)
{
        buf_done(b);
}
#define AUTO_BUF __attribute__((cleanup(buf_done_auto))) struct buf

#endif
