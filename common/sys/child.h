/* child: this program run again as a child whose output lines are read on the loop.
 * Owner:  the loop thread. Memory: lines are lent for the call. child_free ends the child (SIGTERM) and waits for it no
 * more. Units:  bytes. Limits: CHILD_LINE_BYTES_MAX a line, CHILD_ARGS_MAX words. Fails:  at the start; the end is told
 * once, with the exit status (128 + signal), after the last line. */
#ifndef COMMON_SYS_CHILD_H
#define COMMON_SYS_CHILD_H

#include <stddef.h>

#include "common/base/err.h"
#include "common/sys/loop.h"

enum { CHILD_LINE_BYTES_MAX = 1 << 20, CHILD_ARGS_MAX = 24 };

struct child;

struct child_options {
        struct loop *loop;
        const char *const *args; /* after the program's name; ended by NULL */
        const char *log; /* where its stderr is appended; NULL: to ours */
        void (*on_line)(void *ctx, const char *text, size_t size_bytes);
        void (*on_end)(void *ctx, int status);
        void *ctx;
};

MUST_USE enum err child_start(const struct child_options *options, struct child **ret, struct err_note *reterr);
void child_interrupt(const struct child *c); /* SIGINT: it undoes what it did, and ends */
void child_free(struct child *c);
AUTO_DEFINE(struct child, child_free)

#endif
