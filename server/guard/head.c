#include "server/guard/head.h"

#include <string.h>
#include <strings.h>

#include "common/base/check.h"

/* Fields of which a second one is an attack or a mistake, never a list. */
static const char *const head_singletons[] = { "Host",   "Content-Length",    "Content-Type",          "Origin",
                                               "Expect", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Authorization" };

static bool head_is_token_char(char c)
{
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
        return c && strchr("!#$%&'*+-.^_`|~", c);
}

bool head_text_is(struct head_text text, const char *word)
{
        return text.at && text.size_bytes == strlen(word) && memcmp(text.at, word, text.size_bytes) == 0;
}

bool head_text_is_like(struct head_text text, const char *word)
{
        return text.at && text.size_bytes == strlen(word) && strncasecmp(text.at, word, text.size_bytes) == 0;
}

size_t head_end(const char *bytes, size_t size_bytes, size_t from)
{
        const char *hit;

        from = from > 3 ? from - 3 : 0; /* the mark may straddle two reads */
        if (size_bytes < from + 4) return 0;
        hit = memmem(bytes + from, size_bytes - from, "\r\n\r\n", 4);
        return hit ? (size_t)(hit - bytes) + 4 : 0;
}

bool head_may_begin(const char *bytes, size_t size_bytes)
{
        for (size_t i = 0; i < size_bytes && i <= HEAD_METHOD_BYTES_MAX; i++) {
                if (bytes[i] == ' ') return i > 0;
                if (!head_is_token_char(bytes[i])) return false;
        }
        return size_bytes <= HEAD_METHOD_BYTES_MAX;
}

static enum err head_refuse(int *ret_status, int status, struct err_note *reterr, const char *why)
{
        *ret_status = status;
        return err_note(reterr, status == 431 || status == 414 ? ERR_LIMIT : ERR_PARSE, "%s", why);
}

static enum err head_parse_target(struct head *head, int *ret_status, struct err_note *reterr)
{
        const char *mark;

        if (head->target.size_bytes > HEAD_TARGET_BYTES_MAX)
                return head_refuse(ret_status, 414, reterr, "the address of the request is longer than 8 KiB");
        if (!head->target.size_bytes || head->target.at[0] != '/')
                return head_refuse(ret_status, 400, reterr, "the address of the request must begin with '/'");
        for (size_t i = 0; i < head->target.size_bytes; i++) {
                unsigned char c = (unsigned char)head->target.at[i];

                if (c <= 0x20 || c >= 0x7f || c == '#' || c == '\\')
                        return head_refuse(ret_status, 400, reterr,
                                           "the address of the request holds a character that must be %-encoded");
        }
        head->path = head->target;
        mark = memchr(head->target.at, '?', head->target.size_bytes);
        if (mark) {
                head->path.size_bytes = (size_t)(mark - head->target.at);
                head->query = (struct head_text){ mark + 1, head->target.size_bytes - head->path.size_bytes - 1 };
        }
        return ERR_OK;
}

/* "METHOD SP target SP HTTP/1.x" */
static enum err head_parse_request_line(const char *line, size_t n, struct head *head, int *ret_status,
                                        struct err_note *reterr)
{
        const char *first = memchr(line, ' ', n), *second;
        struct head_text version;

        if (!first) return head_refuse(ret_status, 400, reterr, "the request line is not 'METHOD /path HTTP/1.1'");
        second = memchr(first + 1, ' ', n - (size_t)(first + 1 - line));
        if (!second) return head_refuse(ret_status, 400, reterr, "the request line is not 'METHOD /path HTTP/1.1'");
        head->method = (struct head_text){ line, (size_t)(first - line) };
        head->target = (struct head_text){ first + 1, (size_t)(second - first - 1) };
        version = (struct head_text){ second + 1, n - (size_t)(second + 1 - line) };
        if (!head->method.size_bytes || head->method.size_bytes > HEAD_METHOD_BYTES_MAX)
                return head_refuse(ret_status, 400, reterr, "the request method is not a known word");
        for (size_t i = 0; i < head->method.size_bytes; i++)
                if (!head_is_token_char(head->method.at[i]))
                        return head_refuse(ret_status, 400, reterr, "the request method is not a known word");
        if (!head_text_is(version, "HTTP/1.1") && !head_text_is(version, "HTTP/1.0")) {
                if (version.size_bytes == 8 && memcmp(version.at, "HTTP/", 5) == 0)
                        return head_refuse(ret_status, 505, reterr, "this server speaks HTTP/1.1");
                return head_refuse(ret_status, 400, reterr, "the request line is not 'METHOD /path HTTP/1.1'");
        }
        return head_parse_target(head, ret_status, reterr);
}

static enum err head_parse_field(const char *line, size_t n, struct head *head, int *ret_status,
                                 struct err_note *reterr)
{
        const char *colon = memchr(line, ':', n);
        struct head_field *field;

        if (head->field_count == HEAD_FIELDS_MAX)
                return head_refuse(ret_status, 431, reterr, "the request has more than 100 header fields");
        if (!colon || colon == line)
                return head_refuse(ret_status, 400, reterr, "a header line is not 'Name: value'");
        for (const char *c = line; c < colon; c++)
                if (!head_is_token_char(*c))
                        return head_refuse(ret_status, 400, reterr,
                                           "a header name holds a character that is not allowed there");
        for (const char *c = colon + 1; c < line + n; c++)
                if (((unsigned char)*c < 0x20 && *c != '\t') || *c == 0x7f)
                        return head_refuse(ret_status, 400, reterr, "a header value holds a control character");
        field = &head->fields[head->field_count++];
        field->name = (struct head_text){ line, (size_t)(colon - line) };
        field->value = (struct head_text){ colon + 1, n - field->name.size_bytes - 1 };
        while (field->value.size_bytes && (*field->value.at == ' ' || *field->value.at == '\t')) {
                field->value.at++;
                field->value.size_bytes--;
        }
        while (field->value.size_bytes && (field->value.at[field->value.size_bytes - 1] == ' ' ||
                                           field->value.at[field->value.size_bytes - 1] == '\t'))
                field->value.size_bytes--;
        return ERR_OK;
}

static enum err head_parse_length(struct head *head, int *ret_status, struct err_note *reterr)
{
        struct head_text length = head_find(head, "Content-Length");

        if (head_find(head, "Transfer-Encoding").at) {
                if (length.at)
                        return head_refuse(ret_status, 400, reterr,
                                           "a request has either Content-Length or Transfer-Encoding, never both");
                return head_refuse(ret_status, 411, reterr, "send the body with a Content-Length, not in chunks");
        }
        if (!length.at) return ERR_OK;
        if (!length.size_bytes || length.size_bytes > 18)
                return head_refuse(ret_status, 400, reterr, "Content-Length is not a number of bytes");
        for (size_t i = 0; i < length.size_bytes; i++) {
                if (length.at[i] < '0' || length.at[i] > '9')
                        return head_refuse(ret_status, 400, reterr, "Content-Length is not a number of bytes");
                head->content_length = head->content_length * 10 + (uint64_t)(length.at[i] - '0');
        }
        head->has_length = true;
        return ERR_OK;
}

static enum err head_check_fields(struct head *head, int *ret_status, struct err_note *reterr)
{
        for (size_t s = 0; s < ARRAY_COUNT(head_singletons); s++) {
                size_t seen = 0;

                for (size_t i = 0; i < head->field_count; i++)
                        seen += head_text_is_like(head->fields[i].name, head_singletons[s]);
                if (seen > 1) {
                        *ret_status = 400;
                        return err_note(reterr, ERR_PARSE, "the request has %zu %s fields, one is allowed", seen,
                                        head_singletons[s]);
                }
        }
        head->host = head_find(head, "Host");
        head->origin = head_find(head, "Origin");
        if (!head->host.at || !head->host.size_bytes)
                return head_refuse(ret_status, 400, reterr, "the request has no Host field");
        return head_parse_length(head, ret_status, reterr);
}

enum err head_parse(const char *bytes, size_t size_bytes, struct head *ret, int *ret_status, struct err_note *reterr)
{
        struct head head = { .size_bytes = size_bytes };
        const char *line = bytes, *last = bytes + size_bytes - 2; /* at the empty line */
        bool is_first = true;
        enum err e;

        CHECK(size_bytes >= 4 && memcmp(bytes + size_bytes - 4, "\r\n\r\n", 4) == 0);
        if (size_bytes > HEAD_BYTES_MAX)
                return head_refuse(ret_status, 431, reterr, "the head of the request is longer than 16 KiB");
        while (line < last) {
                const char *end = memmem(line, (size_t)(last - line), "\r\n", 2);
                size_t n = (size_t)(end - line);

                CHECK(end); /* two bytes before `last` there is one */
                if (memchr(line, '\n', n) || memchr(line, '\0', n) || memchr(line, '\r', n))
                        return head_refuse(ret_status, 400, reterr, "lines of a request end with CR LF");
                e = is_first ? head_parse_request_line(line, n, &head, ret_status, reterr)
                             : head_parse_field(line, n, &head, ret_status, reterr);
                if (e) return e;
                is_first = false;
                line = end + 2;
        }
        e = head_check_fields(&head, ret_status, reterr);
        if (e) return e;
        *ret = head;
        return ERR_OK;
}

struct head_text head_find(const struct head *head, const char *name)
{
        for (size_t i = 0; i < head->field_count; i++)
                if (head_text_is_like(head->fields[i].name, name)) return head->fields[i].value;
        return (struct head_text){ 0 };
}

static bool head_list_has(struct head_text list, const char *token)
{
        const char *at = list.at, *end = list.at + list.size_bytes;

        while (at < end) {
                const char *comma = memchr(at, ',', (size_t)(end - at));
                struct head_text item = { at, (size_t)((comma ? comma : end) - at) };

                while (item.size_bytes && (*item.at == ' ' || *item.at == '\t')) {
                        item.at++;
                        item.size_bytes--;
                }
                while (item.size_bytes && strchr(" \t", item.at[item.size_bytes - 1])) item.size_bytes--;
                if (head_text_is_like(item, token)) return true;
                at = comma ? comma + 1 : end;
        }
        return false;
}

bool head_has_token(const struct head *head, const char *name, const char *token)
{
        for (size_t i = 0; i < head->field_count; i++)
                if (head_text_is_like(head->fields[i].name, name) && head_list_has(head->fields[i].value, token))
                        return true;
        return false;
}

bool head_is_upgrade(const struct head *head)
{
        return head_text_is(head->method, "GET") && head_has_token(head, "Connection", "upgrade") &&
               head_has_token(head, "Upgrade", "websocket");
}
