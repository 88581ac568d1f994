/* record: a log line or a span in the one form that logproc works with, made from a line of a service's log file (our JSON, or the text of
 * PostgreSQL, Redis, NATS, Prometheus), or from OTLP/HTTP JSON (https://opentelemetry.io/docs/specs/otlp/#otlphttp). Pure.
 * Owner:  caller.                            Memory: a batch owns its texts (record_batch_done); records lend from it.
 * Units:  wall-clock ms of a line, us of a span.
 * Limits: RECORD_LINE_BYTES_MAX a line, RECORD_BATCH_MAX records a batch: beyond it records are dropped and counted.
 * Fails:  a line is always a record (at worst level info with the text as message); OTLP that is not OTLP is ERR_PARSE. */
#ifndef SUT_LOGPROC_RECORD_H
#define SUT_LOGPROC_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/text/json.h"

enum { RECORD_LINE_BYTES_MAX = 16384, RECORD_BATCH_MAX = 4096, RECORD_BATCH_BYTES_MAX = 8 * 1024 * 1024 };

#define RECORD_LEVEL_LIST(X) X(DEBUG, "debug") X(INFO, "info") X(WARN, "warn") X(ERROR, "error")
enum record_level {
#define X(name, text) RECORD_##name,
        RECORD_LEVEL_LIST(X)
#undef X
        RECORD_LEVEL_COUNT
};

struct record_log {
        int64_t at_ms;
        enum record_level level;
        const char *service, *instance, *version, *event, *message, *trace_id, *span_id; /* never NULL, "" if absent */
        const char *fields; /* the other members as a JSON object, "{}" if none */
};

struct record_span {
        const char *trace_id, *span_id, *parent_id, *service, *instance, *version, *name; /* never NULL */
        const char *attrs; /* JSON object */
        int64_t start_us, duration_us;
        int kind; /* OTLP's number */
        bool failed;
};

struct record_batch {
        struct arena arena;
        struct record_log *logs;
        struct record_span *spans;
        size_t log_count, span_count, dropped_count;
};

MUST_USE enum err record_batch_init(struct record_batch *b);
void record_batch_done(struct record_batch *b);
void record_batch_clear(struct record_batch *b);

/* A line of the file SERVICE.log; now_ms for lines that carry no time. Empty lines are no record. */
void record_add_line(struct record_batch *b, const char *service, const char *line, size_t size_bytes, int64_t now_ms);
/* Bodies of POST /v1/logs, POST /v1/traces, and of Alertmanager's webhook (version 4), each alert of which becomes a line of the service
 * "alertmanager" with the event "alert". Nothing is added on failure; records that are not whole are dropped and counted. */
MUST_USE enum err record_add_otlp_logs(struct record_batch *b, const struct json *body, int64_t now_ms, struct err_note *reterr);
MUST_USE enum err record_add_otlp_spans(struct record_batch *b, const struct json *body, struct err_note *reterr);
MUST_USE enum err record_add_alerts(struct record_batch *b, const struct json *body, int64_t now_ms, struct err_note *reterr);

const char *record_level_text(enum record_level level);
enum record_level record_level_parse(const char *text); /* RECORD_LEVEL_COUNT if unknown */
/* "2026-01-02T03:04:05.678Z", any number of second's decimals, or with "+00:00". False: not such a time. */
bool record_time_parse(const char *text, int64_t *ret_ms);

#endif
