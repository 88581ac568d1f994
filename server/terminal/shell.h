/* shell: one shell on a pseudo-terminal, and the thread that moves its bytes, so that neither a shell that floods nor one that does not
 * read holds up anybody.
 * Owner:  shell_start and shell_free: one thread, the same for all calls; on_news comes from the shell's own thread.
 * Memory: shell_free ends the shell and all it started, then returns.   Units: bytes, characters.
 * Limits: SHELL_OUTPUT_BYTES_MAX unread (then the shell waits), SHELL_INPUT_BYTES_MAX unwritten (then ERR_LIMIT).
 * Fails:  at the start with a note; the end is told once through shell_read. */
#ifndef SERVER_TERMINAL_SHELL_H
#define SERVER_TERMINAL_SHELL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/err.h"

enum { SHELL_OUTPUT_BYTES_MAX = 64 * 1024, SHELL_INPUT_BYTES_MAX = 64 * 1024, SHELL_SIDE_MAX = 500 };

struct shell;

struct shell_options {
        const char *const *env;      /* the whole environment, ended by NULL; lent for the call */
        void (*on_news)(void *ctx);  /* there is something to read, or the shell has ended */
        void *ctx;
};

MUST_USE enum err shell_start(const struct shell_options *options, struct shell **ret, struct err_note *reterr);
void shell_free(struct shell *shell);
AUTO_DEFINE(struct shell, shell_free)
/* What the shell said, at most dst_bytes; *ret_ended: it has ended and everything was read. */
size_t shell_read(struct shell *shell, void *dst, size_t dst_bytes, bool *ret_ended);
MUST_USE enum err shell_write(struct shell *shell, const void *bytes, size_t size_bytes);
void shell_resize(struct shell *shell, unsigned columns, unsigned rows); /* 1 to SHELL_SIDE_MAX */

#endif
