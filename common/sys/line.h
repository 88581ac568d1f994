/* line: a connection of text lines (JSON lines) on a loop, both directions bounded.
 * Owner:  the loop's thread. Memory: line_free closes the descriptor; on_line lends the text for the call (NUL-
 *         terminated, without the newline). line_free inside a callback is allowed.
 * Limits: line_bytes_max a line in, queue_bytes_max waiting out. Fails: a line too long, a full queue or a closed peer end the
 *         connection: on_end is called once, later, with the reason, and only line_free may follow. */
#ifndef COMMON_SYS_LINE_H
#define COMMON_SYS_LINE_H

#include "common/sys/loop.h"

struct line;

struct line_options {
        size_t line_bytes_max, queue_bytes_max;
        void (*on_line)(void *ctx, const char *text, size_t size_bytes);
        void (*on_end)(void *ctx, const char *reason);
        void *ctx;
};

MUST_USE enum err line_new(struct loop *loop, int fd, const struct line_options *options, struct line **ret); /* takes fd on success */
void line_free(struct line *l);
/* Queues text and a newline. ERR_LIMIT: queue full, the connection ends. ERR_STATE: it has ended. */
MUST_USE enum err line_send(struct line *l, const char *text, size_t size_bytes);

#endif
