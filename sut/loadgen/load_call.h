/* load_call: what a user's step is over HTTP, and what the user learns from the answer. Pure.
 * Owner:  value type; the request lends from the call.   Memory: none allocated but json trees inside.
 * Units:  cents.   Limits: CALL_*_BYTES.                 Fails:  nothing: an answer that cannot be read teaches nothing. */
#ifndef SUT_LOADGEN_LOAD_CALL_H
#define SUT_LOADGEN_LOAD_CALL_H

#include "common/http/client.h"
#include "common/http/trace.h"
#include "sut/loadgen/load_crowd.h"

enum { CALL_URL_BYTES = 192, CALL_BODY_BYTES = 256, CALL_HEADER_BYTES = 96 };

struct load_call {
        struct http_request request;
        char url[CALL_URL_BYTES], body[CALL_BODY_BYTES], trace_header[CALL_HEADER_BYTES], key_header[CALL_HEADER_BYTES];
        char token_header[CROWD_TOKEN_BYTES + 32];
};

/* base: "http://127.77.1.1:8000". run_id makes the idempotency keys of this process life its own. */
void load_call_build(struct load_call *call, const char *base, const struct crowd_user *user, const struct trace *trace,
                     uint64_t run_id, int64_t timeout_ms);
/* Price, token or total from a good answer. */
void load_call_learn(struct crowd_user *user, const struct buf *body);

#endif
