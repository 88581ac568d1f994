/* kit_request: one request as a handler sees it, and its answer. Exactly one kit_reply_* call answers it.
 * Owner:  the handler's thread, until it returns. Memory: everything lent lives until the handler returns; a body tree
 *         given to kit_reply_json is taken, also on failure.
 * Units:  ms.                                Limits: KIT_BODY_BYTES_MAX.
 * Fails:  an answer that cannot be built becomes a 500 problem; a peer that went away is nobody's error. */
#ifndef SUT_KIT_REQUEST_H
#define SUT_KIT_REQUEST_H

#include <stdint.h>

#include "common/text/json.h"
#include "common/http/trace.h"

struct kit;
struct kit_request;

const char *kit_request_method(const struct kit_request *r);
const char *kit_request_path(const struct kit_request *r);
const char *kit_request_param(const struct kit_request *r); /* what stands for the {name} or {rest...} of the pattern */
const char *kit_request_query(struct kit_request *r, const char *name);        /* decoded; NULL if absent */
const char *kit_request_query_string(const struct kit_request *r);             /* raw, without '?'; "" if none */
const char *kit_request_header(const struct kit_request *r, const char *name); /* NULL if absent */
const char *kit_request_body(const struct kit_request *r, size_t *ret_bytes);
/* The body as a JSON object. False: already answered with a 400 problem. */
bool kit_request_json(struct kit_request *r, struct json **ret);
/* The pattern's parameter as a number. False: already answered with a 404 problem. */
bool kit_request_param_int(struct kit_request *r, int64_t min, int64_t max, int64_t *ret);

struct kit *kit_request_kit(const struct kit_request *r);
const struct trace *kit_request_trace(const struct kit_request *r);
/* Milliseconds that are left of the caller's deadline (header X-Request-Timeout-Ms), at most `most`, at least 0. */
int64_t kit_request_left_ms(const struct kit_request *r, int64_t most);

void kit_reply_header(struct kit_request *r, const char *name, const char *value);
void kit_reply_json(struct kit_request *r, int status, struct json *body);
void kit_reply_bytes(struct kit_request *r, int status, const char *content_type, const void *bytes, size_t size_bytes);
/* RFC 9457; code is stable upper case ("POOL_TIMEOUT"), the text says what to do. 503 and 429 carry Retry-After: 1. */
void kit_reply_problem(struct kit_request *r, int status, const char *code, const char *format, ...) FMT_PRINTF(4, 5);
/* A problem with {"errors": findings}; findings are taken. */
void kit_reply_findings(struct kit_request *r, int status, const char *code, const char *detail, struct json *findings);
/* The status that fits an error of ours: TIMEOUT 504, UNAVAILABLE and LIMIT 503, NOT_FOUND 404, INVAL 422, PARSE 400, ... */
void kit_reply_err(struct kit_request *r, enum err e, const struct err_note *note);

/* Fields of a log line that belongs to a trace: log_event(LOG_INFO, "order.accepted", "...", KIT_TRACE_FIELDS(t), ...) */
#define KIT_TRACE_FIELDS(t) LOG_S("trace_id", (t)->trace_id), LOG_S("span_id", (t)->span_id)

#endif
