/* push_guest: a connection on its way from the door to the push thread: checked, with a head of our own making, so that
 * the socket library never parses what a stranger wrote (long cookies, extensions, odd fields).
 * Owner:  whoever holds it.   Memory: push_guest_free; the descriptor is not closed by it.   Units: bytes.
 * Limits: HEAD_BYTES_MAX of early bytes.
 * Fails:  ERR_DENIED, ERR_INVAL, ERR_UNSUPPORTED, ERR_NOMEM with a note; the descriptor stays the caller's. */
#ifndef SERVER_PUSH_PUSH_GUEST_H
#define SERVER_PUSH_PUSH_GUEST_H

#include <stdbool.h>

#include "common/base/buf.h"
#include "server/push/push.h"

struct push_guest {
        struct push_guest *next;
        int fd;
        bool has_resume; /* "/ws?epoch=HEX&seq=N": resumes without a round trip */
        uint64_t seq;
        char epoch[PUSH_EPOCH_BYTES];
        char *bytes; /* handshake and what came behind it */
        size_t size_bytes;
};

MUST_USE enum err push_guest_new(const struct guard *guard, int fd, const struct head *head, const char *extra,
                                 size_t extra_bytes, struct push_guest **ret, struct err_note *reterr);
void push_guest_free(struct push_guest *guest);

#endif
