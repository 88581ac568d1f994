/* archive: where logs and spans are kept: one SQLite file with full-text search, bounded in age and size. No service waits for it: the
 * caller hands over batches.
 *
 *   a trace: NEW (its spans still come in) -> quiet for ARCHIVE_SETTLE_MS -> failed, slow or drawn by lot: KEPT, else its spans are removed
 *
 * Owner:  add, settle and prune by one thread; queries by any (a lock lets one run at a time).
 * Memory: trees given back belong to the caller.
 * Units:  ms and us of the wall clock, bytes.
 * Limits: the policy's; ARCHIVE_ROWS_MAX rows and about ARCHIVE_ANSWER_BYTES_MAX bytes of an answer, ARCHIVE_QUERY_MS a query.
 * Fails:  with SQLite's words; a batch is stored whole or not at all; ERR_TIMEOUT for a query that takes too long. */
#ifndef SUT_LOGPROC_ARCHIVE_H
#define SUT_LOGPROC_ARCHIVE_H

#include "common/text/json.h"
#include "common/text/pairs.h"
#include "sut/logproc/record.h"
#include "sut/logproc/tail.h"

enum { ARCHIVE_FROM_START = -1, ARCHIVE_BINS_MAX = 400, ARCHIVE_ANSWER_BYTES_MAX = 1 << 20 };
enum { ARCHIVE_ROWS_MAX = 1000, ARCHIVE_SPANS_MAX = 2000, ARCHIVE_QUERY_MS = 2000, ARCHIVE_SETTLE_MS = 3000, ARCHIVE_WORDS_MAX = 16 };

struct archive;

struct archive_policy {
        int64_t age_max_ms, bytes_max;
        int64_t slow_us;        /* a trace with a span of at least this length is kept */
        int trace_keep_percent; /* of the others */
};

struct archive_stat {
        int64_t logs, spans, traces, bytes, last_log_id;
};

MUST_USE enum err archive_open(const char *path, struct archive **ret, struct err_note *reterr);
void archive_free(struct archive *a);
AUTO_DEFINE(struct archive, archive_free)

/* The lines, the spans and how far each file was read, in one transaction. tail may be NULL. */
MUST_USE enum err archive_add(struct archive *a, const struct record_batch *batch, const struct tail *tail, int64_t now_ms, struct err_note *reterr);
/* Tells the places of earlier lives to the tail. */
MUST_USE enum err archive_resume(struct archive *a, struct tail *tail, struct err_note *reterr);
/* Decides about quiet traces. */
MUST_USE enum err archive_settle(struct archive *a, const struct archive_policy *policy, int64_t now_ms, struct err_note *reterr);
/* Removes what is too old, and the oldest when the file is too large; a bounded piece of it at a call. */
MUST_USE enum err archive_prune(struct archive *a, const struct archive_policy *policy, int64_t now_ms, struct err_note *reterr);

struct archive_log_query {
        const char *text;                    /* words that must all occur, "a phrase" in quotes, a word* as prefix; NULL: any */
        const char *service;                 /* "api" or "api,worker"; NULL: any */
        const char *event, *trace_id;        /* NULL: any */
        const char *field_key, *field_value; /* a member of the line and its value; NULL: any */
        const struct pairs *not;             /* members and values that a line must not have; NULL: none */
        enum record_level level;             /* at least */
        int64_t from_ms, to_ms;              /* 0: open */
        int64_t after_id;                    /* only lines with a higher number, oldest first (ARCHIVE_FROM_START: all); 0: the newest first */
        int limit;
};
/* [{"id","time","level","service",...,"message", fields...}]; *ret_is_cut: more fit than were given. */
MUST_USE enum err archive_logs(struct archive *a, const struct archive_log_query *query, struct json **ret, bool *ret_is_cut,
                               struct err_note *reterr);
/* [[start_ms,debug,info,warn,error]] of the steps that have lines, in order; from_ms and to_ms of the query must be set, its limit is not
 * looked at. */
MUST_USE enum err archive_log_counts(struct archive *a, const struct archive_log_query *query, int64_t step_ms, struct json **ret,
                                     struct err_note *reterr);

struct archive_trace_query {
        const char *service, *name; /* of any span; NULL: any */
        int64_t duration_min_ms, from_ms, to_ms;
        bool failed_only, slowest_first;
        int limit;
};
/* [{"trace_id","start_ms","duration_ms","spans","failed","service","name","services":[..]}], newest (or slowest) first; service and name of the root. */
MUST_USE enum err archive_traces(struct archive *a, const struct archive_trace_query *query, struct json **ret, struct err_note *reterr);
/* The spans of a trace in order of their start: [{"span_id","parent_id","service","name",...}]. ERR_NOT_FOUND. */
MUST_USE enum err archive_trace_spans(struct archive *a, const char *trace_id, struct json **ret, struct err_note *reterr);

MUST_USE enum err archive_stat(struct archive *a, struct archive_stat *ret, struct err_note *reterr);

#endif
