/* file: whole files and directories. Owner: none, thread-safe. Memory: into the caller's buf. Units: bytes.
 * Limits: max_bytes of the caller; FILE_PATH_BYTES for joined paths. Fails: with a note that names the path and the reason. */
#ifndef COMMON_SYS_FILE_H
#define COMMON_SYS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/buf.h"
#include "common/base/err.h"

enum { FILE_PATH_BYTES = 1024 };

/* Appends to b (already initialised); ERR_LIMIT if b's maximum is too small. */
MUST_USE enum err file_read(const char *path, struct buf *b, struct err_note *reterr);
/* Write to a temporary file beside it, flush to disk if `durable`, rename over: readers see old or new, never half. */
MUST_USE enum err file_write_atomic(const char *path, const void *bytes, size_t size_bytes, mode_t mode, bool durable,
                                    struct err_note *reterr);
MUST_USE enum err file_append(const char *path, const void *bytes, size_t size_bytes, mode_t mode, struct err_note *reterr);
MUST_USE enum err file_copy(const char *from, const char *to, mode_t mode, struct err_note *reterr);
bool file_exists(const char *path);
bool file_is_dir(const char *path);
MUST_USE enum err file_remove(const char *path, struct err_note *reterr); /* absent is fine */
MUST_USE enum err dir_make(const char *path, mode_t mode, struct err_note *reterr); /* with parents; existing is fine */
/* Removes a tree without following links; absent is fine. */
MUST_USE enum err dir_remove(const char *path, struct err_note *reterr);
/* Calls visit for each name but . and .. in alphabetical order; at most max names, else ERR_LIMIT. */
MUST_USE enum err dir_each(const char *path, size_t max, void (*visit)(void *ctx, const char *name), void *ctx,
                           struct err_note *reterr);
/* "a/b" into dst of FILE_PATH_BYTES; ERR_LIMIT if it does not fit. */
MUST_USE enum err path_join(char dst[static FILE_PATH_BYTES], const char *directory, const char *name);
MUST_USE enum err path_format(char dst[static FILE_PATH_BYTES], const char *format, ...) FMT_PRINTF(2, 3);
/* Folder of read-only product files (scenarios, sut/stack.yaml, db, ...): $FIREDRILL_SHARE, else the source tree the
 * program was built from if it is still there, else ../share/firedrill beside the program. */
MUST_USE enum err path_share(char dst[static FILE_PATH_BYTES], struct err_note *reterr);
/* Folder of the running program (where its sibling programs are). */
MUST_USE enum err path_programs(char dst[static FILE_PATH_BYTES], struct err_note *reterr);

#endif
