/* forward_encode: stored lines and spans in the forms that receivers of others take. Pure.
 *   Loki         POST /loki/api/v1/push, JSON: streams of [nanoseconds, line]; labels job, stack, service, instance, level
 *   OTLP/HTTP    POST /v1/logs and /v1/traces, JSON (https://opentelemetry.io/docs/specs/otlp/#otlphttp)
 *   Influx       line protocol with milliseconds: no line or span each, but how many there were, and how long they took
 * Owner:  caller.                            Memory: the caller's buffer, appended to.
 * Units:  as the forms say.                  Limits: the buffer's; ENCODE_GROUPS_MAX kinds of points, the rest as "other".
 * Fails:  the buffer's status tells. */
#ifndef SUT_LOGPROC_FORWARD_ENCODE_H
#define SUT_LOGPROC_FORWARD_ENCODE_H

#include "common/base/buf.h"
#include "sut/logproc/record.h"

enum { ENCODE_RECORDS_MAX = 256, ENCODE_GROUPS_MAX = 128 };

/* Records that one body carries, at most ENCODE_RECORDS_MAX of each kind. */
struct encode_slice {
        const struct record_log *logs;
        const struct record_span *spans;
        size_t log_count, span_count;
        enum record_level level; /* less urgent lines are left out */
        const char *stack;       /* "" if unknown */
        int64_t now_ms;          /* of the points */
};

/* Each returns how many records went into the body; with 0 it is not worth sending. */
MUST_USE size_t encode_loki(const struct encode_slice *s, struct buf *b);
MUST_USE size_t encode_otlp_logs(const struct encode_slice *s, struct buf *b);
MUST_USE size_t encode_otlp_spans(const struct encode_slice *s, struct buf *b);
MUST_USE size_t encode_influx(const struct encode_slice *s, struct buf *b);

#endif
