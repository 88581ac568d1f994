#include "server/push/push_guest.h"

#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "server/guard/handshake.h"

AUTO_DEFINE(struct push_guest, push_guest_free)

void push_guest_free(struct push_guest *guest)
{
        if (!guest) return;
        mem_free(guest->bytes);
        mem_free(guest);
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
        char seq[24];
        enum err e;

        buf_init(&bytes, HEAD_BYTES_MAX + HANDSHAKE_BYTES);
        e = handshake_check(guard, head, reterr);
        if (e) return e;
        handshake_write(&bytes, head, extra, extra_bytes);
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
