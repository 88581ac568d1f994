/* record: keeps what a run told, one JSON line a message, so that advice and root cause can be judged again without a stack, and
 * the model can be fitted to the stack: {"type":"run|series|action|fault","data":{...}}. Series are cut to what an advisor reads
 * and what users saw, six digits each. Faults are the truth: the advisor does not hear them, the fitting takes its labels from them.
 * Owner:  the loop thread. Memory: the caller's struct; the path is lent. Units: as the messages.
 * Limits: RECORD_BYTES_MAX a file.  Fails: once, with a sentence; from then on nothing is kept. */
#ifndef SERVER_APP_RECORD_H
#define SERVER_APP_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/err.h"

enum { RECORD_BYTES_MAX = 64 << 20 };

struct record {
        const char *path; /* NULL: nothing is kept */
        size_t bytes;
        bool is_lost;
};

/* Begins a new file. */
MUST_USE enum err record_init(struct record *r, const char *path, struct err_note *reterr);
/* Other types are not kept. ERR_OK for those, too. */
MUST_USE enum err record_message(struct record *r, const char *type, const char *json, struct err_note *reterr);

#endif
