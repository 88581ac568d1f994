/* tail: follows the log files of a folder (NAME.log, which becomes NAME.log.1 when it rotates) and hands out whole lines. The position
 * in each file is told after each line, so that whoever stores the lines can store it with them and read each line once.
 * Owner:  one thread.                        Memory: lines lend for the call.
 * Units:  bytes.                             Limits: TAIL_FILES_MAX files, TAIL_TURN_BYTES a file and turn; a longer line is cut.
 * Fails:  a file that cannot be read is left out and tried again; birth: ERR_NOMEM. */
#ifndef SUT_LOGPROC_TAIL_H
#define SUT_LOGPROC_TAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

enum { TAIL_FILES_MAX = 64, TAIL_TURN_BYTES = 256 * 1024, TAIL_NAME_BYTES = 64 };

struct tail;

/* name: the file without ".log". False: no more room now; this line comes again at the next turn. */
typedef bool tail_line_fn(void *ctx, const char *name, const char *line, size_t size_bytes);

struct tail_place {
        char name[TAIL_NAME_BYTES];
        uint64_t inode;
        int64_t offset;
};

MUST_USE enum err tail_new(const char *folder, struct tail **ret);
void tail_free(struct tail *t);
AUTO_DEFINE(struct tail, tail_free)
/* Where to go on; for a file with another inode it means nothing, and the file is read from its beginning. Before the first turn. */
void tail_resume(struct tail *t, const struct tail_place *place);
/* Looks for new files and new lines once; true if something is left that the limit kept for the next turn. */
bool tail_turn(struct tail *t, tail_line_fn *fn, void *ctx);
/* The place of file `index`; false beyond the last. */
bool tail_place_at(const struct tail *t, size_t index, struct tail_place *ret);

#endif
