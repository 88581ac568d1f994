#include "server/engine/json_put.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/text/json.h"

void put_item(struct buf *out)
{
        char last = out->size_bytes ? out->data[out->size_bytes - 1] : '{';

        if (last != '{' && last != '[') buf_char(out, ',');
}

/* Most texts need no escape; json_quote, which goes through a tree, is for the others. */
static void put_text(struct buf *out, const char *text)
{
        size_t size = 0;

        for (; text[size]; size++) {
                unsigned char c = (unsigned char)text[size];

                if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') continue;
                json_quote(out, text);
                return;
        }
        buf_char(out, '"');
        buf_append(out, text, size);
        buf_char(out, '"');
}

void put_key(struct buf *out, const char *key)
{
        char text[64];
        char last = out->size_bytes ? out->data[out->size_bytes - 1] : '{';
        size_t size = strlen(key), at = 0;

        CHECK(size < sizeof text - 4); /* keys are ours, short and plain */
        if (last != '{' && last != '[') text[at++] = ',';
        text[at++] = '"';
        memcpy(text + at, key, size);
        at += size;
        text[at++] = '"';
        text[at++] = ':';
        buf_append(out, text, at);
}

void put_str(struct buf *out, const char *key, const char *text)
{
        put_key(out, key);
        if (text) put_text(out, text);
        else buf_str(out, "null");
}

void put_int(struct buf *out, const char *key, int64_t value)
{
        put_key(out, key);
        buf_printf(out, "%lld", (long long)value);
}

void put_number(struct buf *out, double value)
{
        char text[40];

        if (!isfinite(value)) {
                buf_str(out, "null");
                return;
        }
        if (value == floor(value) && fabs(value) < 1e15) {
                buf_printf(out, "%.0f", value);
                return;
        }
        for (int digits = 15; digits <= 17; digits += 2) {
                snprintf(text, sizeof text, "%.*g", digits, value);
                if (strtod(text, NULL) == value) break;
        }
        buf_str(out, text);
}

void put_num(struct buf *out, const char *key, double value)
{
        put_key(out, key);
        put_number(out, value);
}

void put_bool(struct buf *out, const char *key, bool value)
{
        put_key(out, key);
        buf_str(out, value ? "true" : "false");
}

void put_null(struct buf *out, const char *key)
{
        put_key(out, key);
        buf_str(out, "null");
}

void put_raw(struct buf *out, const char *key, const char *json)
{
        put_key(out, key);
        buf_str(out, json && json[0] ? json : "null");
}

void put_words(struct buf *out, const char *key, const char *const *words, size_t count)
{
        put_key(out, key);
        buf_char(out, '[');
        for (size_t i = 0; i < count; i++) {
                put_item(out);
                put_text(out, words[i]);
        }
        buf_char(out, ']');
}
