/* stage: the hands of a run on one real stack: reset, prepare, apply, undo. Knows no run and no journal.
 * Owner:  the loop thread. Memory: what an answer holds is lent for the call. Free control and http first, then the
 * stage: work under way is then dropped without an answer. Units:  ms.                      Limits: STAGE_JOBS_MAX
 * things under way, STAGE_BODY_BYTES_MAX an answer of a service. Fails:  through the answer, once, later; never both by
 * return and by answer (these functions return nothing). */
#ifndef SERVER_STAGE_STAGE_H
#define SERVER_STAGE_STAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/http/client.h"
#include "common/stack/stack.h"
#include "common/sys/loop.h"
#include "server/control/control.h"

enum {
        STAGE_JOBS_MAX = 128,
        STAGE_BODY_BYTES_MAX = 512 * 1024,
        STAGE_RESET_MS = 90000,
        STAGE_CONTROL_MS = 30000,
        STAGE_HTTP_MS = 20000
};

struct stage;

struct stage_options {
        struct loop *loop;
        struct http_async *http;
        struct control *control;
        const struct stack_spec *spec; /* outlives the stage */
        int number;                    /* of the stack */
};

struct stage_change {
        const char *kind, *on, *args; /* as stage_op_read */
        const char *by, *reason;      /* X-Author and X-Reason */
};

struct stage_answer {
        enum err e;
        const char *detail; /* a sentence, unless ERR_OK */
        const char
                *json; /* prepare: the undo, {"kind","on","args"} or "null"; apply: {"key":{"from","to"}}; else "{}" */
        const char *problem; /* the service's own problem document when it refused, else NULL */
};
typedef void stage_fn(void *ctx, const struct stage_answer *answer);

MUST_USE enum err stage_new(const struct stage_options *options, struct stage **ret);
void stage_free(struct stage *s);
AUTO_DEFINE(struct stage, stage_free)

/* Pristine configuration and data, everything up. progress may be NULL. */
void stage_reset(struct stage *s, uint64_t seed, stage_fn *fn, control_progress_fn *progress, void *ctx);
/* Up as it is; nothing when it is up already. */
void stage_up(struct stage *s, stage_fn *fn, control_progress_fn *progress, void *ctx);
void stage_down(struct stage *s, stage_fn *fn, void *ctx);

/* Finds out how to undo the change; changes nothing. */
void stage_prepare(struct stage *s, const struct stage_change *change, stage_fn *fn, void *ctx);
void stage_apply(struct stage *s, const struct stage_change *change, stage_fn *fn, void *ctx);
/* undo: as prepare gave it. */
void stage_undo(struct stage *s, const char *undo, const char *by, const char *reason, stage_fn *fn, void *ctx);

/* "127.77.1.1:8010" of a service of the list into dst. */
void stage_address(const struct stage *s, int service, char *dst, size_t dst_bytes);

#endif
