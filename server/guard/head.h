/* head: strict parser of one HTTP/1.x request head, the only view of a request that the door and the push share.
 * What two parsers could read differently is refused, so nothing can be smuggled past the door: bare LF, folded lines,
 * control bytes, space before ':', absolute targets, doubled singletons, Transfer-Encoding, Content-Length that is not digits.
 * Owner:  caller; pure.            Memory: none; the head points into the caller's bytes.
 * Units:  bytes.                   Limits: HEAD_BYTES_MAX, HEAD_FIELDS_MAX, HEAD_TARGET_BYTES_MAX.
 * Fails:  *ret_status says what to answer (400, 411, 414, 431, 505), the note says why. */
#ifndef SERVER_GUARD_HEAD_H
#define SERVER_GUARD_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

enum {
        HEAD_BYTES_MAX = 16 * 1024,
        HEAD_FIELDS_MAX = 100,
        HEAD_TARGET_BYTES_MAX = 8 * 1024,
        HEAD_METHOD_BYTES_MAX = 16
};

struct head_text {
        const char *at; /* not NUL-terminated; NULL: absent */
        size_t size_bytes;
};

struct head_field {
        struct head_text name, value; /* value without surrounding blanks */
};

struct head {
        struct head_text method, target, path, query; /* query without '?', absent if there is none */
        struct head_field fields[HEAD_FIELDS_MAX];
        size_t field_count;
        struct head_text host, origin;
        uint64_t content_length; /* 0 when absent */
        bool has_length;
        size_t size_bytes; /* of the whole head, with its empty line */
};

/* Offset just behind the empty line, or 0 when it has not arrived. `from`: bytes already searched (0 at first). */
size_t head_end(const char *bytes, size_t size_bytes, size_t from);
/* False as soon as the first bytes cannot become a request (TLS hello, binary): no need to wait for an end. */
bool head_may_begin(const char *bytes, size_t size_bytes);
/* `bytes` must end with the head's empty line (head_end). */
MUST_USE enum err head_parse(const char *bytes, size_t size_bytes, struct head *ret, int *ret_status,
                             struct err_note *reterr);
/* The first field of that name (case does not matter); .at is NULL when absent. */
struct head_text head_find(const struct head *head, const char *name);
/* True if a comma-separated field of that name holds `token` (case does not matter). */
bool head_has_token(const struct head *head, const char *name, const char *token);
/* Asks for a WebSocket: GET with "Connection: ... upgrade" and "Upgrade: websocket". */
bool head_is_upgrade(const struct head *head);

bool head_text_is(struct head_text text, const char *word);      /* exact */
bool head_text_is_like(struct head_text text, const char *word); /* case does not matter */

#endif
