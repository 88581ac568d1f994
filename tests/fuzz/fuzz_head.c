/* Whatever the head of a request is: it is refused with a status, or what the door relays instead of it reads as the same request. */
#include <stdint.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "server/door/door_text.h"
#include "server/guard/guard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(struct head_text a, struct head_text b)
{
        CHECK((a.at == NULL) == (b.at == NULL));
        CHECK(a.size_bytes == b.size_bytes && (!a.at || memcmp(a.at, b.at, a.size_bytes) == 0));
}

static void relay(const struct head *head)
{
        AUTO_BUF text;
        struct head again;
        int status = 0;

        buf_init(&text, 4 * HEAD_BYTES_MAX);
        door_text_head(&text, head, "127.0.0.1", "key");
        CHECK(buf_status(&text) == ERR_OK);
        CHECK(head_end(text.data, text.size_bytes, 0) == text.size_bytes); /* one head, to its last byte */
        if (head->field_count > HEAD_FIELDS_MAX - 3 || text.size_bytes > HEAD_BYTES_MAX) return;
        CHECK(head_parse(text.data, text.size_bytes, &again, &status, NULL) == ERR_OK);
        same(head->method, again.method);
        same(head->target, again.target);
        same(head->host, again.host);
        same(head->origin, again.origin);
        CHECK(head->content_length == again.content_length && head->has_length == again.has_length);
        CHECK(head_text_is(head_find(&again, GUARD_DOOR_FIELD), "key"));
        CHECK(head_text_is(head_find(&again, "X-Forwarded-For"), "127.0.0.1"));
        CHECK(head_text_is(head_find(&again, "Connection"), "close") && !head_is_upgrade(&again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct guard *guard;
        const char *bytes = (const char *)data;
        size_t end = head_end(bytes, size, 0);
        struct err_note note = { 0 };
        struct head head;
        int status = 0;

        if (!guard) CHECK(guard_new(&(struct guard_opts){ .listen_address = "127.0.0.1", .token = "0123456789abcdef" }, &guard, NULL) == ERR_OK);
        (void)head_may_begin(bytes, size);
        if (!end) return 0;
        if (head_parse(bytes, end, &head, &status, &note)) {
                CHECK(status >= 400 && status < 600 && note.text[0]);
                return 0;
        }
        CHECK(head_may_begin(bytes, size));
        relay(&head);
        (void)head_is_upgrade(&head);
        if (!guard_check_host(guard, head.host, &note) && !guard_check_origin(guard, head.origin, head.host, &note)) {
                enum err e = guard_check_token(guard, head_find(&head, "Cookie"), head_find(&head, "Authorization"), &note);

                CHECK(e == ERR_OK || e == ERR_DENIED);
        }
        return 0;
}
