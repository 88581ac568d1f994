#include "server/guard/token.h"

#include <string.h>

#include "common/base/buf.h"
#include "common/sys/entropy.h"
#include "common/sys/file.h"

enum { TOKEN_RANDOM_BYTES = 32, TOKEN_FILE_BYTES_MAX = 4096 };

enum err token_read(const char *path, char dst[static TOKEN_TEXT_BYTES], struct err_note *reterr)
{
        AUTO_BUF text;
        char *begin, *end;
        enum err e;

        buf_init(&text, TOKEN_FILE_BYTES_MAX);
        e = file_read(path, &text, reterr);
        if (e) return e;
        begin = text.data + strspn(text.data, " \t");
        end = begin + strcspn(begin, "\r\n");
        while (end > begin && (end[-1] == ' ' || end[-1] == '\t')) end--;
        if (text.size_bytes) *end = '\0';
        if (!guard_is_token(begin))
                return err_note(reterr, ERR_INVAL,
                                "the first line of '%s' is not a token: expected are %d to %d characters out of letters, digits, '-' and '_'", path,
                                GUARD_TOKEN_BYTES_MIN, GUARD_TOKEN_BYTES_MAX);
        memcpy(dst, begin, strlen(begin) + 1);
        explicit_bzero(text.data, text.size_bytes);
        return ERR_OK;
}

void token_make(char dst[static TOKEN_TEXT_BYTES])
{
        entropy_hex(dst, TOKEN_RANDOM_BYTES);
}
