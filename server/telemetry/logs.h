/* logs: search in the log files of a stack, for when logproc does not answer: DIR/logs/NAME.log (and the rotated NAME.log.1): JSON lines of our services,
 * plain text of the components. Newest lines win when there are more than asked for; the answer is oldest first. Owner:
 * caller; no state, any thread (files are only read). Memory: the answer is the caller's. Units:  ms of the wall clock.
 * Limits: LOGS_TAIL_BYTES of each file, LOGS_LINES_MAX lines, LOGS_LINE_BYTES_MAX a line. Fails:  ERR_INVAL for a bad
 * filter, ERR_NOT_FOUND for an unknown service, ERR_NOMEM, ERR_IO. A missing file is no lines. */
#ifndef SERVER_TELEMETRY_LOGS_H
#define SERVER_TELEMETRY_LOGS_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/text/json.h"
#include "common/text/pairs.h"

enum { LOGS_TAIL_BYTES = 2 << 20, LOGS_LINES_MAX = 1000, LOGS_LINE_BYTES_MAX = 16384, LOGS_FILES_MAX = 64 };

struct logs_filter {
        const char *service;    /* NULL: all */
        const char *text;       /* NULL: all; else must occur in the line, upper and lower case alike */
        const char *level;      /* NULL: all; debug, info, warn, error: this or worse */
        const char *event, *trace_id;        /* NULL: all */
        const char *field_key, *field_value; /* NULL: all; else a member of the line and its text or number */
        const struct pairs *not;             /* NULL: none; members with these values let a line out */
        int64_t from_ms, to_ms; /* 0: open */
        size_t limit;           /* 1..LOGS_LINES_MAX */
};

/* dir is "stacks/N/logs". {"lines":[{...}]}; a plain line becomes {"time","service","level":"info","message"}. */
MUST_USE enum err logs_search(const char *dir, const struct logs_filter *filter, struct json **ret,
                              struct err_note *reterr);

/* "2026-01-02T03:04:05.678Z" as ms; -1 if it is not such a time. */
int64_t logs_time_ms(const char *text);

#endif
