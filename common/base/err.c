#include "common/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"

static const char *const err_texts[ERR_COUNT] = {
#define X(name, text) [ERR_##name] = text,
        ERR_LIST(X)
#undef X
};

static const char *const err_names[ERR_COUNT] = {
#define X(name, text) [ERR_##name] = #name,
        ERR_LIST(X)
#undef X
};

const char *err_text(enum err e)
{
        CHECK(e >= 0 && e < ERR_COUNT);
        return err_texts[e];
}

const char *err_name(enum err e)
{
        CHECK(e >= 0 && e < ERR_COUNT);
        return err_names[e];
}

enum err err_note(struct err_note *reterr, enum err e, const char *format, ...)
{
        va_list args;

        CHECK(e != ERR_OK);
        if (!reterr) return e;
        reterr->code = e;
        va_start(args, format);
        vsnprintf(reterr->text, sizeof reterr->text, format, args);
        va_end(args);
        return e;
}

void err_note_prefix(struct err_note *reterr, const char *format, ...)
{
        char old[ERR_NOTE_BYTES];
        va_list args;
        size_t used;

        if (!reterr) return;
        memcpy(old, reterr->text, sizeof old);
        va_start(args, format);
        vsnprintf(reterr->text, sizeof reterr->text, format, args);
        va_end(args);
        used = strlen(reterr->text);
        if (used + 3 < sizeof reterr->text) {
                memcpy(reterr->text + used, ": ", 3);
                used += 2;
                strncpy(reterr->text + used, old, sizeof reterr->text - used - 1);
                reterr->text[sizeof reterr->text - 1] = '\0';
        }
}
