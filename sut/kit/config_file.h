/* config_file: the file DIR/config/NAME.json: {"revision","deploys","config":{},"history":[]}.
 * Owner: caller. Memory: config_file_done frees. Units: none. Limits: CONFIG_FILE_BYTES_MAX.
 * Fails: ERR_CORRUPT / ERR_IO with path and reason; a file that is not there is an empty, valid one. */
#ifndef SUT_KIT_CONFIG_FILE_H
#define SUT_KIT_CONFIG_FILE_H

#include <stdint.h>

#include "common/text/json.h"

struct config_file {
        int64_t revision, deploys;
        struct json *values, *history;
};

/* path NULL or no such file: revision 1, no values, no history. */
MUST_USE enum err config_file_read(const char *path, struct config_file *ret, struct err_note *reterr);
/* Atomic: the old file or the new one, never half of one. path NULL: only proves that the trees are whole. */
MUST_USE enum err config_file_write(const char *path, const struct config_file *file, struct err_note *reterr);
void config_file_done(struct config_file *file);
/* Keeps the newest `most` entries. */
MUST_USE enum err config_history_trim(struct json **history, size_t most);

#endif
