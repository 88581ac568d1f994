/* terminal: a learner's shells over WebSocket at "/ws/terminal": binary messages are bytes to and from the shell, text messages are JSON.
 * To the server {"type":"size","columns":N,"rows":N}; from it, once, {"type":"end","reason":"..."} and then the connection closes.
 * Owner:  one thread inside owns all connections; terminal_adopt and terminal_close_all may be called from any thread.
 * Memory: an adopted descriptor belongs to the room; terminal_free ends every shell.   Units: bytes.
 * Limits: TERMINAL_SHELLS_MAX shells, TERMINAL_TEXT_BYTES_MAX a text message, and those of shell.h and warden.h.
 * Fails:  ERR_DENIED (Host, Origin, token), ERR_INVAL, ERR_UNSUPPORTED (handshake), ERR_LIMIT; a broken rule closes with 1008. */
#ifndef SERVER_TERMINAL_TERMINAL_H
#define SERVER_TERMINAL_TERMINAL_H

#include <stddef.h>

#include "common/base/err.h"
#include "server/guard/guard.h"

#define TERMINAL_PATH "/ws/terminal"

enum { TERMINAL_SHELLS_MAX = 4, TERMINAL_TEXT_BYTES_MAX = 256, TERMINAL_ENV_MAX = 64 };

struct terminal;

struct terminal_opts {
        const struct guard *guard; /* outlives the room */
        const char *const *env;    /* of every shell, ended by NULL, at most TERMINAL_ENV_MAX; copied */
};

MUST_USE enum err terminal_new(const struct terminal_opts *opts, struct terminal **ret, struct err_note *reterr);
void terminal_free(struct terminal *t);
AUTO_DEFINE(struct terminal, terminal_free)
/* As push_adopt: ERR_OK: fd is the room's; otherwise it stays the caller's. */
MUST_USE enum err terminal_adopt(struct terminal *t, int fd, const struct head *head, const char *extra, size_t extra_bytes,
                                 struct err_note *reterr);
/* Ends every shell that is open now; `reason` is a literal, told to its browser. */
void terminal_close_all(struct terminal *t, const char *reason);

#endif
