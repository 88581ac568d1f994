#include "server/door/door_text.h"

#include <strings.h>
#include <string.h>

#include "common/base/attr.h"
#include "server/guard/guard.h"

static const char *const door_dropped_fields[] = { "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "TE",
                                                   "Trailer",    "Upgrade",    "HTTP2-Settings",   "Forwarded",           "X-Real-IP",
                                                   "Via",        "Expect",     GUARD_DOOR_FIELD };

static bool door_is_dropped(struct head_text name)
{
        if (name.size_bytes > 12 && strncasecmp(name.at, "X-Forwarded-", 12) == 0) return true;
        for (size_t i = 0; i < ARRAY_COUNT(door_dropped_fields); i++)
                if (head_text_is_like(name, door_dropped_fields[i])) return true;
        return false;
}

void door_text_head(struct buf *b, const struct head *head, const char *peer, const char *key)
{
        buf_append(b, head->method.at, head->method.size_bytes);
        buf_char(b, ' ');
        buf_append(b, head->target.at, head->target.size_bytes);
        buf_str(b, " HTTP/1.1\r\n");
        for (size_t i = 0; i < head->field_count; i++) {
                const struct head_field *field = &head->fields[i];

                if (door_is_dropped(field->name)) continue;
                buf_append(b, field->name.at, field->name.size_bytes);
                buf_str(b, ": ");
                buf_append(b, field->value.at, field->value.size_bytes);
                buf_str(b, "\r\n");
        }
        buf_printf(b, "X-Forwarded-For: %s\r\n", peer);
        if (key) buf_printf(b, GUARD_DOOR_FIELD ": %s\r\n", key);
        buf_str(b, "Connection: close\r\n\r\n");
}

struct door_phrase {
        int status;
        const char *phrase, *code;
};

static const struct door_phrase door_phrases[] = {
        { 400, "Bad Request", "PARSE" },
        { 403, "Forbidden", "DENIED" },
        { 408, "Request Timeout", "TIMEOUT" },
        { 411, "Length Required", "PARSE" },
        { 413, "Content Too Large", "LIMIT" },
        { 414, "URI Too Long", "LIMIT" },
        { 417, "Expectation Failed", "UNSUPPORTED" },
        { 426, "Upgrade Required", "UNSUPPORTED" },
        { 431, "Request Header Fields Too Large", "LIMIT" },
        { 501, "Not Implemented", "UNSUPPORTED" },
        { 502, "Bad Gateway", "UNAVAILABLE" },
        { 503, "Service Unavailable", "UNAVAILABLE" },
        { 505, "HTTP Version Not Supported", "UNSUPPORTED" },
};

/* Details are our own sentences, but may quote a Host or Origin. */
static void door_text_quoted(struct buf *b, const char *text)
{
        for (; *text; text++) {
                unsigned char c = (unsigned char)*text;

                if (c == '"' || c == '\\') buf_char(b, '\\');
                buf_char(b, c < 0x20 || c >= 0x7f ? '?' : (char)c);
        }
}

void door_text_answer(struct buf *b, int status, const char *detail)
{
        const struct door_phrase *row = door_phrases;
        AUTO_BUF body;

        while (row->status != status && row < door_phrases + ARRAY_COUNT(door_phrases) - 1) row++;
        buf_init(&body, 4096);
        buf_printf(&body, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"code\":\"%s\",\"detail\":\"", row->phrase, status,
                   row->code);
        door_text_quoted(&body, detail);
        buf_str(&body, "\"}");
        buf_printf(b,
                   "HTTP/1.1 %d %s\r\nContent-Type: application/problem+json\r\nContent-Length: %zu\r\n"
                   "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n%s%sConnection: close\r\n\r\n%s",
                   status, row->phrase, body.size_bytes, status == 503 ? "Retry-After: 1\r\n" : "",
                   status == 426 ? "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" : "", body.data);
}
