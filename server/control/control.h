/* control: client of the control agent's socket (docs/contracts.md): JSON lines, answers in any order, events,
 * reconnect.
 *
 *     away ──connected──> up ──line ended──> away     (tries again every CONTROL_RETRY_MS; on_state tells each change)
 *
 * Owner:  the loop thread. Memory: answers, events and notes are lent for the call. control_free is allowed in no
 * callback of its own. Units:  ms.                       Limits: CONTROL_CALLS_MAX calls under way,
 * CONTROL_LINE_BYTES_MAX a line. Fails:  control_call refuses at once (ERR_LIMIT, ERR_NOMEM, ERR_UNAVAILABLE while
 * away) or calls `fn` exactly once, later: with the answer, the agent's own error, ERR_TIMEOUT, or ERR_UNAVAILABLE when
 * the agent went away in between. */
#ifndef SERVER_CONTROL_CONTROL_H
#define SERVER_CONTROL_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/sys/loop.h"
#include "common/text/json.h"

enum { CONTROL_CALLS_MAX = 64, CONTROL_LINE_BYTES_MAX = 256 * 1024, CONTROL_RETRY_MS = 200 };

struct control;

struct control_options {
        struct loop *loop;
        const char *path;                                      /* of the socket; copied */
        void (*on_state)(void *ctx, bool up);                  /* may be NULL */
        void (*on_event)(void *ctx, const struct json *event); /* {"event":...}; may be NULL */
        void *ctx;
};

/* result: the agent's "result" on ERR_OK, else NULL; note: a sentence unless ERR_OK. */
typedef void control_reply_fn(void *ctx, enum err e, const struct json *result, const struct err_note *note);
typedef void control_progress_fn(void *ctx, const char *text);

struct control_request {
        const char *verb;
        int stack;           /* 0: none */
        const char *service; /* NULL: none */
        struct json *args;   /* owned by the call from here on, also on failure; NULL: none */
        int64_t timeout_ms;
        control_reply_fn *fn;
        control_progress_fn *progress; /* may be NULL */
        void *ctx;
};

MUST_USE enum err control_new(const struct control_options *options, struct control **ret, struct err_note *reterr);
void control_free(struct control *c); /* calls under way are dropped without an answer */
AUTO_DEFINE(struct control, control_free)
bool control_up(const struct control *c);
MUST_USE enum err control_call(struct control *c, const struct control_request *request, struct err_note *reterr);

/* The error of {"code":"NOT_FOUND",...}; ERR_IO for a name that is none of ours. */
enum err control_error_code(const char *name);

#endif
