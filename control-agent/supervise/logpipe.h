/* logpipe: what a service writes to stdout and stderr, kept in a log file that rotates by size: NAME.log, NAME.log.1.
 * Owner:  the loop's thread. Memory: logpipe_free reads what is still in the pipe, then closes all.
 * Units:  bytes. Limits: file_bytes_max a file, then it becomes NAME.log.1 at the end of a line; LOGPIPE_LINE_BYTES of
 * the last line are remembered. Fails: a file that cannot be written loses lines, which logpipe_lost counts; the pipe
 * is always emptied, so that a full disk does not stop the service. */
#ifndef CONTROL_AGENT_SUPERVISE_LOGPIPE_H
#define CONTROL_AGENT_SUPERVISE_LOGPIPE_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/sys/loop.h"

enum { LOGPIPE_LINE_BYTES = 240, LOGPIPE_FILE_BYTES_MAX = 8 << 20 };

struct logpipe;

/* *ret_write_fd is for the service and becomes the caller's. */
MUST_USE enum err logpipe_new(struct loop *loop, const char *path, size_t file_bytes_max, struct logpipe **ret,
                              int *ret_write_fd, struct err_note *reterr);
/* The last whole line, cut; "" if none. */
const char *logpipe_last_line(const struct logpipe *l);
uint64_t logpipe_lost(const struct logpipe *l);
void logpipe_free(struct logpipe *l);

#endif
