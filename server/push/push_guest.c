#include "server/push/push_guest.h"

#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"

AUTO_DEFINE(struct push_guest, push_guest_free)

void push_guest_free(struct push_guest *guest)
{
        if (!guest) return;
        mem_free(guest->bytes);
        mem_free(guest);
}

/* 16 random bytes in base64: 22 characters and "==". */
static bool push_guest_is_key(struct head_text key)
{
        static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

        if (key.size_bytes != 24 || memcmp(key.at + 22, "==", 2) != 0) return false;
        for (size_t i = 0; i < 22; i++)
                if (!key.at[i] || !strchr(alphabet, key.at[i])) return false;
        return true;
}

static enum err push_guest_check(const struct guard *guard, const struct head *head, struct err_note *reterr)
{
        enum err e = guard_check_host(guard, head->host, reterr);

        if (!e) e = guard_check_origin(guard, head->origin, head->host, reterr);
        if (!e) e = guard_check_token(guard, head_find(head, "Cookie"), head_find(head, "Authorization"), reterr);
        if (e) return e;
        if (!head_is_upgrade(head)) return err_note(reterr, ERR_INVAL, "this address speaks WebSocket only");
        if (!head_text_is(head_find(head, "Sec-WebSocket-Version"), "13"))
                return err_note(reterr, ERR_UNSUPPORTED, "the WebSocket version must be 13");
        if (!push_guest_is_key(head_find(head, "Sec-WebSocket-Key")))
                return err_note(reterr, ERR_INVAL, "Sec-WebSocket-Key is not 16 bytes in base64");
        if (head->content_length)
                return err_note(reterr, ERR_INVAL, "a WebSocket handshake has no body");
        return ERR_OK;
}

/* One "name=value" of the query; false if absent or too long. */
static bool push_guest_query(struct head_text query, const char *name, char *dst, size_t dst_bytes)
{
        const char *at = query.at, *end = at ? at + query.size_bytes : NULL;
        size_t name_bytes = strlen(name);

        while (at && at < end) {
                const char *stop = memchr(at, '&', (size_t)(end - at));
                size_t n = (size_t)((stop ? stop : end) - at);

                if (n > name_bytes && at[name_bytes] == '=' && memcmp(at, name, name_bytes) == 0) {
                        n -= name_bytes + 1;
                        if (n >= dst_bytes) return false;
                        memcpy(dst, at + name_bytes + 1, n);
                        dst[n] = '\0';
                        return true;
                }
                at = stop ? stop + 1 : end;
        }
        return false;
}

enum err push_guest_new(const struct guard *guard, int fd, const struct head *head, const char *extra,
                        size_t extra_bytes, struct push_guest **ret, struct err_note *reterr)
{
        AUTO(push_guest_free) struct push_guest *guest = NULL;
        AUTO_BUF bytes;
        struct head_text key = head_find(head, "Sec-WebSocket-Key");
        char seq[24];
        enum err e;

        buf_init(&bytes, HEAD_BYTES_MAX + 512);
        e = push_guest_check(guard, head, reterr);
        if (e) return e;
        buf_printf(&bytes,
                   "GET /ws HTTP/1.1\r\nHost: firedrill\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %.*s\r\n\r\n",
                   (int)key.size_bytes, key.at);
        buf_append(&bytes, extra, extra_bytes);
        e = buf_status(&bytes);
        if (e) return err_note(reterr, e, "no room for the handshake");
        guest = mem_zalloc(1, sizeof *guest);
        if (!guest) return err_note(reterr, ERR_NOMEM, "no memory for a connection");
        guest->fd = fd;
        guest->bytes = buf_take(&bytes, &guest->size_bytes);
        if (!guest->bytes) return err_note(reterr, ERR_NOMEM, "no memory for a connection");
        guest->has_resume = push_guest_query(head->query, "epoch", guest->epoch, sizeof guest->epoch) &&
                            push_guest_query(head->query, "seq", seq, sizeof seq) &&
                            str_parse_u64(seq, UINT64_MAX, &guest->seq) == ERR_OK;
        *ret = take(&guest);
        return ERR_OK;
}
