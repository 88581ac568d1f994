/* handshake: is this request a WebSocket that we may let in, and the same said in words of our own, so that the socket library never
 * parses what a stranger wrote (long cookies, extensions, odd fields).
 * Owner: none, pure. Memory: the caller's. Units: bytes. Limits: the buf's; HANDSHAKE_BYTES is always enough for the head alone.
 * Fails: ERR_DENIED (Host, Origin, token), ERR_INVAL (no valid handshake), ERR_UNSUPPORTED (version), each with the sentence for the client. */
#ifndef SERVER_GUARD_HANDSHAKE_H
#define SERVER_GUARD_HANDSHAKE_H

#include "common/base/buf.h"
#include "server/guard/guard.h"

enum { HANDSHAKE_BYTES = 512 };

MUST_USE enum err handshake_check(const struct guard *guard, const struct head *head, struct err_note *reterr);
/* A head for "/ws" with the key of the one that was checked, and what came behind it. */
void handshake_write(struct buf *b, const struct head *head, const char *extra, size_t extra_bytes);

#endif
