/* err: errors as values. Floor 0, libc only.
 * Functions that can fail return enum err (ERR_OK is 0) and write results only on success.
 * struct err_note carries the sentence for a person; it is written only on failure and told once, by the program.
 * Limits: a note keeps ERR_NOTE_BYTES - 1 bytes, longer text is cut. Fails: nothing here fails. */
#ifndef COMMON_BASE_ERR_H
#define COMMON_BASE_ERR_H

#include "common/base/attr.h"

#define ERR_LIST(X)                                                                                                    \
        X(OK, "ok")                                                                                                    \
        X(NOMEM, "out of memory")                                                                                      \
        X(LIMIT, "limit reached")                                                                                      \
        X(PARSE, "malformed input")                                                                                    \
        X(INVAL, "invalid value")                                                                                      \
        X(NOT_FOUND, "not found")                                                                                      \
        X(EXISTS, "already exists")                                                                                    \
        X(STATE, "not possible in this state")                                                                         \
        X(DENIED, "not allowed")                                                                                       \
        X(IO, "input or output failed")                                                                                \
        X(TIMEOUT, "timed out")                                                                                        \
        X(UNAVAILABLE, "not available now")                                                                            \
        X(UNSUPPORTED, "not supported")                                                                                \
        X(CORRUPT, "damaged data")

enum err {
#define X(name, text) ERR_##name,
        ERR_LIST(X)
#undef X
        ERR_COUNT
};

enum { ERR_NOTE_BYTES = 512 };

struct err_note {
        enum err code;
        char text[ERR_NOTE_BYTES];
};

/* Stable lower-case text of a code, never NULL. */
const char *err_text(enum err e);
/* Stable upper-case name of a code ("NOT_FOUND"), never NULL. */
const char *err_name(enum err e);

/* Fills reterr (may be NULL) and returns e, so that callers can write: return err_note(reterr, ERR_IO, "..."). */
enum err err_note(struct err_note *reterr, enum err e, const char *format, ...) FMT_PRINTF(3, 4);
/* Puts "<prefix>: " in front of a note that is already written. NULL is fine. */
void err_note_prefix(struct err_note *reterr, const char *format, ...) FMT_PRINTF(2, 3);

#endif
