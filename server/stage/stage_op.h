/* stage_op: what a kind of the fault library means on a real stack: one operation on one process. Pure.
 * Owner:  caller. Memory: stage_op_done frees the body.     Units: as in the arguments; durations become ms.
 * Limits: STAGE_NAME_BYTES a name.       Fails: ERR_INVAL or ERR_NOT_FOUND with a sentence, *ret untouched. */
#ifndef SERVER_STAGE_STAGE_OP_H
#define SERVER_STAGE_STAGE_OP_H

#include "common/base/err.h"
#include "common/stack/stack.h"
#include "common/text/json.h"

enum { STAGE_NAME_BYTES = 64 };

#define STAGE_OP_LIST(X)                                                                                               \
        X(PATCH, "config.patch")       /* PATCH /config of `on` with body */                                           \
        X(PUBLISH, "config.publish")   /* body is published for `on` through the config service */                     \
        X(WITHDRAW, "config.withdraw") /* the published version `version` (null: none) is back, and so are the values  \
                                          of `patch` */                                                                \
        X(CONTROL, "control")          /* verb of the control agent on `on` */                                         \
        X(INJECT, "fault.apply")       /* fault `verb` of the control agent on `on` with body */                       \
        X(HEAL, "fault.undo")          /* every injected fault `verb` on `on` is undone */
enum stage_op_kind {
#define X(name, text) STAGE_OP_##name,
        STAGE_OP_LIST(X)
#undef X
                STAGE_OP_COUNT
};

struct stage_op {
        enum stage_op_kind kind;
        char on[STAGE_NAME_BYTES];
        char verb[STAGE_NAME_BYTES]; /* CONTROL: "service.restart"; INJECT, HEAL: "net.latency" */
        struct json *body;           /* PATCH, PUBLISH, WITHDRAW, INJECT: an object */
        int64_t version;             /* WITHDRAW: 0: none was published */
};

/* kind: of fault.h, or "config.patch" {"patch":{}}, or "fault.undo" {"fault":"net.latency"}, or
 * "config.withdraw" {"version":3,"patch":{}}. args: JSON object. */
MUST_USE enum err stage_op_read(const struct stack_spec *spec, const char *kind, const char *on, const char *args,
                                struct stage_op *ret, struct err_note *reterr);
void stage_op_done(struct stage_op *op);

/* {"kind","on","args"} as text, into out: what stage_op_read can read. Takes args. */
MUST_USE enum err stage_op_write(const char *kind, const char *on, struct json *args, struct buf *out);

#endif
