/* pairs: "KEY:VALUE" lines, as a search takes them: one a line; a key has no colon, a value may have some. Empty lines are none.
 * Owner:  caller; no state. Memory: inside the struct. Units: bytes. Limits: PAIRS_MAX pairs, PAIRS_TEXT_BYTES bytes of text.
 * Fails:  ERR_INVAL for a line that is no pair (the note names it), ERR_LIMIT for too many or too long. */
#ifndef COMMON_TEXT_PAIRS_H
#define COMMON_TEXT_PAIRS_H

#include <stddef.h>

#include "common/base/err.h"

enum { PAIRS_MAX = 8, PAIRS_TEXT_BYTES = 2048 };

struct pairs {
        size_t count;
        struct pair {
                const char *key, *value; /* into text */
        } item[PAIRS_MAX];
        char text[PAIRS_TEXT_BYTES];
};

MUST_USE enum err pairs_parse(const char *text, struct pairs *ret, struct err_note *reterr); /* NULL: none */

#endif
