/* door_text: the two texts the door writes: the head as it is relayed, and the answer to a request that is not.
 * Owner: none, pure. Memory: into the caller's buf. Units: bytes. Limits: the buf's. Fails: sticky in the buf. */
#ifndef SERVER_DOOR_DOOR_TEXT_H
#define SERVER_DOOR_DOOR_TEXT_H

#include "common/base/buf.h"
#include "server/guard/head.h"

/* Connection-bound fields and everything that claims to come from a proxy are left out; ours are put in. */
void door_text_head(struct buf *b, const struct head *head, const char *peer, const char *key);
/* A whole answer with a problem+json body, "Connection: close", and Retry-After for 503. */
void door_text_answer(struct buf *b, int status, const char *detail);

#endif
