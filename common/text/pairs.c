#include "common/text/pairs.h"

#include <string.h>

#include "common/base/str.h"

enum err pairs_parse(const char *text, struct pairs *ret, struct err_note *reterr)
{
        char *next;

        ret->count = 0;
        ret->text[0] = '\0';
        if (text && str_copy(ret->text, sizeof(ret->text), text))
                return err_note(reterr, ERR_LIMIT, "the pairs have %zu bytes, expected are at most %d", strlen(text), PAIRS_TEXT_BYTES - 1);
        for (char *line = ret->text; line; line = next) {
                char *colon;

                next = strchr(line, '\n');
                if (next) *next++ = '\0';
                if (!line[0]) continue;
                colon = strchr(line, ':');
                if (!colon || colon == line) return err_note(reterr, ERR_INVAL, "'%.60s' is no pair, expected KEY:VALUE, one a line", line);
                if (ret->count == PAIRS_MAX) return err_note(reterr, ERR_LIMIT, "more than %d pairs", PAIRS_MAX);
                *colon = '\0';
                ret->item[ret->count++] = (struct pair){.key = line, .value = colon + 1};
        }
        return ERR_OK;
}
