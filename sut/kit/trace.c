#include "sut/kit/trace.h"

#include <stdio.h>
#include <string.h>

#include "common/base/str.h"

static void hex(char *dst, const uint8_t *bytes, int count)
{
        static const char digits[] = "0123456789abcdef";

        for (int i = 0; i < count; i++) {
                dst[2 * i] = digits[bytes[i] >> 4];
                dst[2 * i + 1] = digits[bytes[i] & 15];
        }
        dst[2 * count] = '\0';
}

void trace_start(struct trace *t, const uint8_t random[24])
{
        uint8_t bytes[24];

        memcpy(bytes, random, sizeof bytes);
        bytes[0] |= 1; /* an id of all zeros is not valid */
        bytes[16] |= 1;
        hex(t->trace_id, bytes, 16);
        hex(t->span_id, bytes + 16, 8);
        t->parent_id[0] = '\0';
        t->sampled = true;
}

void trace_child(struct trace *t, const struct trace *parent, const uint8_t random[8])
{
        struct trace child = *parent;
        uint8_t bytes[8];

        memcpy(bytes, random, sizeof bytes);
        bytes[0] |= 1;
        str_cut(child.parent_id, sizeof child.parent_id, parent->span_id);
        hex(child.span_id, bytes, 8);
        *t = child;
}

static bool hex_field(const char *text, size_t digits, char *dst)
{
        bool zero = true;

        for (size_t i = 0; i < digits; i++) {
                char c = text[i];

                if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
                if (c != '0') zero = false;
                dst[i] = c;
        }
        dst[digits] = '\0';
        return !zero;
}

bool trace_parse(struct trace *t, const char *traceparent)
{
        struct trace read = { 0 };
        char version[3], flags[3];

        if (!traceparent || strnlen(traceparent, TRACE_PARENT_BYTES) < TRACE_PARENT_BYTES - 1) return false;
        if (strspn(traceparent, "0123456789abcdef") != 2 || strspn(traceparent + 53, "0123456789abcdef") < 2) return false;
        hex_field(traceparent, 2, version);
        if (!strcmp(version, "ff") || traceparent[2] != '-' || traceparent[35] != '-' || traceparent[52] != '-') return false;
        /* A later version may say more after another '-'; version 00 may not. */
        if (traceparent[55] && (!strcmp(version, "00") || traceparent[55] != '-')) return false;
        if (!hex_field(traceparent + 3, 32, read.trace_id) || !hex_field(traceparent + 36, 16, read.span_id)) return false;
        hex_field(traceparent + 53, 2, flags);
        read.sampled = strchr("13579bdf", flags[1]) != NULL;
        *t = read;
        return true;
}

void trace_print(const struct trace *t, char dst[TRACE_PARENT_BYTES])
{
        snprintf(dst, TRACE_PARENT_BYTES, "00-%.32s-%.16s-%s", t->trace_id, t->span_id, t->sampled ? "01" : "00");
}
