#include "server/guard/handshake.h"

#include <string.h>

/* 16 random bytes in base64: 22 characters and "==". */
static bool handshake_is_key(struct head_text key)
{
        static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

        if (key.size_bytes != 24 || memcmp(key.at + 22, "==", 2) != 0) return false;
        for (size_t i = 0; i < 22; i++)
                if (!key.at[i] || !strchr(alphabet, key.at[i])) return false;
        return true;
}

enum err handshake_check(const struct guard *guard, const struct head *head, struct err_note *reterr)
{
        enum err e = guard_check_host(guard, head->host, reterr);

        if (!e) e = guard_check_origin(guard, head->origin, head->host, reterr);
        if (!e) e = guard_check_token(guard, head_find(head, "Cookie"), head_find(head, "Authorization"), reterr);
        if (e) return e;
        if (!head_is_upgrade(head)) return err_note(reterr, ERR_INVAL, "this address speaks WebSocket only");
        if (!head_text_is(head_find(head, "Sec-WebSocket-Version"), "13"))
                return err_note(reterr, ERR_UNSUPPORTED, "the WebSocket version must be 13");
        if (!handshake_is_key(head_find(head, "Sec-WebSocket-Key")))
                return err_note(reterr, ERR_INVAL, "Sec-WebSocket-Key is not 16 bytes in base64");
        if (head->content_length) return err_note(reterr, ERR_INVAL, "a WebSocket handshake has no body");
        return ERR_OK;
}

void handshake_write(struct buf *b, const struct head *head, const char *extra, size_t extra_bytes)
{
        struct head_text key = head_find(head, "Sec-WebSocket-Key");

        buf_printf(b,
                   "GET /ws HTTP/1.1\r\nHost: firedrill\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %.*s\r\n\r\n",
                   (int)key.size_bytes, key.at);
        buf_append(b, extra, extra_bytes);
}
