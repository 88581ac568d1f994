#include "common/http/trace.h"

#include <stdio.h>
#include <string.h>

#include "common/base/str.h"
#include "common/sys/entropy.h"

void trace_root(struct trace *t)
{
        *t = (struct trace){ .sampled = true };
        entropy_hex(t->trace_id, 16);
        entropy_hex(t->span_id, 8);
}

void trace_child(const struct trace *parent, struct trace *child)
{
        struct trace t = { .sampled = parent->sampled };

        memcpy(t.trace_id, parent->trace_id, sizeof t.trace_id);
        memcpy(t.parent_id, parent->span_id, sizeof t.parent_id);
        entropy_hex(t.span_id, 8);
        *child = t;
}

static bool hex_field(const char *text, size_t digits, char *dst)
{
        bool nonzero = false;

        for (size_t i = 0; i < digits; i++) {
                if (!strchr("0123456789abcdef", text[i]) || !text[i]) return false;
                nonzero = nonzero || text[i] != '0';
                dst[i] = text[i];
        }
        dst[digits] = '\0';
        return nonzero;
}

enum err trace_parse(const char *h, struct trace *t)
{
        struct trace parsed = { .sampled = false };
        char version[3], flags[3];

        if (strlen(h) < 55 || h[2] != '-' || h[35] != '-' || h[52] != '-') return ERR_PARSE;
        (void)hex_field(h, 2, version);
        if (str_eq(version, "ff") || (strlen(h) > 55 && (h[0] == '0' && h[1] == '0'))) return ERR_PARSE;
        if (strlen(h) > 55 && h[55] != '-') return ERR_PARSE;
        if (!strchr("0123456789abcdef", h[0]) || !strchr("0123456789abcdef", h[1])) return ERR_PARSE;
        if (!hex_field(h + 3, 32, parsed.trace_id) || !hex_field(h + 36, 16, parsed.parent_id)) return ERR_PARSE;
        if (!strchr("0123456789abcdef", h[53]) || !strchr("0123456789abcdef", h[54])) return ERR_PARSE;
        (void)hex_field(h + 53, 2, flags);
        parsed.sampled = strchr("13579bdf", h[54]) != NULL;
        entropy_hex(parsed.span_id, 8);
        *t = parsed;
        return ERR_OK;
}

void trace_header(const struct trace *t, char dst[static TRACE_HEADER_BYTES])
{
        snprintf(dst, TRACE_HEADER_BYTES, "00-%s-%s-%s", t->trace_id, t->span_id, t->sampled ? "01" : "00");
}
