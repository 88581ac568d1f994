/* trace: W3C Trace Context (https://www.w3.org/TR/trace-context/), version 00.
 * Owner: value type. Memory: none. Limits: fixed. Fails: ERR_PARSE for a header that must be ignored. */
#ifndef COMMON_HTTP_TRACE_H
#define COMMON_HTTP_TRACE_H

#include <stdbool.h>

#include "common/base/err.h"

enum { TRACE_ID_BYTES = 33, TRACE_SPAN_BYTES = 17, TRACE_HEADER_BYTES = 56 };

struct trace {
        char trace_id[TRACE_ID_BYTES];  /* 32 lower-case hex digits */
        char span_id[TRACE_SPAN_BYTES]; /* this span */
        char parent_id[TRACE_SPAN_BYTES]; /* "" at the root */
        bool sampled;
};

void trace_root(struct trace *t);                                  /* new random trace, sampled */
void trace_child(const struct trace *parent, struct trace *child); /* same trace, new span below parent */
/* The caller's span as parent of a new span of ours. */
MUST_USE enum err trace_parse(const char *traceparent, struct trace *t);
void trace_header(const struct trace *t, char dst[static TRACE_HEADER_BYTES]); /* "00-...-...-01" for a request we send */

#endif
