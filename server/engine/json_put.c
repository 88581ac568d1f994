#include "server/engine/json_put.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/text/json.h"

void put_item(struct buf *out)
{
        char last = out->size_bytes ? out->data[out->size_bytes - 1] : '{';

        if (last != '{' && last != '[') buf_char(out, ',');
}

void put_key(struct buf *out, const char *key)
{
        put_item(out);
        json_quote(out, key);
        buf_char(out, ':');
}

void put_str(struct buf *out, const char *key, const char *text)
{
        put_key(out, key);
        if (text) json_quote(out, text);
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
        for (int digits = 15; digits <= 17; digits++) {
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
                json_quote(out, words[i]);
        }
        buf_char(out, ']');
}
