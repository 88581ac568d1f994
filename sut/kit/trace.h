/* trace: W3C trace context (https://www.w3.org/TR/trace-context/): reading, making and writing `traceparent`. Pure.
 * Owner:  caller.                            Memory: none allocated.
 * Units:  ids as lower-case hex text.        Limits: TRACE_PARENT_BYTES a header.
 * Fails:  trace_parse is false for anything that is not a valid header; the caller then starts a new trace. */
#ifndef SUT_KIT_TRACE_H
#define SUT_KIT_TRACE_H

#include <stdbool.h>
#include <stdint.h>

enum { TRACE_ID_BYTES = 33, TRACE_SPAN_BYTES = 17, TRACE_PARENT_BYTES = 56 };

struct trace {
        char trace_id[TRACE_ID_BYTES];
        char span_id[TRACE_SPAN_BYTES];
        char parent_id[TRACE_SPAN_BYTES]; /* "" for a root */
        bool sampled;
};

/* A new root; random is 24 random bytes. */
void trace_start(struct trace *t, const uint8_t random[24]);
/* A new span below `parent`; random is 8 random bytes. t may be parent itself. */
void trace_child(struct trace *t, const struct trace *parent, const uint8_t random[8]);
/* On success t is the remote span itself (make a child of it). NULL is false. */
bool trace_parse(struct trace *t, const char *traceparent);
void trace_print(const struct trace *t, char dst[TRACE_PARENT_BYTES]);

#endif
