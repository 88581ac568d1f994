#include "sut/logproc/requests.h"

#include <math.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/str.h"
#include "common/sys/clock.h"
#include "sut/kit/request.h"
#include "sut/logproc/tree.h"

enum { REQUESTS_LIMIT = 100, REQUESTS_FIELD_BYTES = 128, REQUESTS_BINS = 60, REQUESTS_COUNTS_MS = 15 * 60 * 1000 };

/* ---- parameters ---- */

/* False: answered already. */
static bool query_number(struct kit_request *r, const char *name, int64_t min, int64_t max, int64_t otherwise, int64_t *ret)
{
        const char *text = kit_request_query(r, name);

        *ret = otherwise;
        if (!text || !str_parse_i64(text, min, max, ret)) return true;
        kit_reply_problem(r, 400, "INVAL", "%s=%s: expected a whole number from %lld to %lld", name, text, (long long)min, (long long)max);
        return false;
}

/* "1700000000000" (ms), "2026-01-02T03:04:05Z", or "-5m": that long ago. */
static bool query_time(struct kit_request *r, const char *name, int64_t *ret)
{
        const char *text = kit_request_query(r, name);
        int64_t ago_ms;

        *ret = 0;
        if (!text || !text[0] || !str_parse_i64(text, 0, INT64_MAX, ret) || record_time_parse(text, ret)) return true;
        if (text[0] == '-' && !str_parse_duration_ms(text + 1, &ago_ms)) {
                *ret = clock_wall_ms() - ago_ms;
                return true;
        }
        kit_reply_problem(r, 400, "INVAL", "%s=%s: expected ms since 1970, a time such as 2026-01-02T03:04:05Z, or an age such as -5m", name, text);
        return false;
}

static const char *query_text(struct kit_request *r, const char *name)
{
        const char *text = kit_request_query(r, name);

        return text && text[0] ? text : NULL;
}

/* Where the texts of a query live. */
struct log_texts {
        char field[REQUESTS_FIELD_BYTES];
        struct pairs not;
};

static bool log_query(struct kit_request *r, struct archive_log_query *q, struct log_texts *texts)
{
        struct err_note note;
        const char *level = query_text(r, "level"), *pair = query_text(r, "field");
        int64_t limit;

        *q = (struct archive_log_query){.text = query_text(r, "q"), .service = query_text(r, "service"), .event = query_text(r, "event"),
                                        .trace_id = query_text(r, "trace_id")};
        if (level) {
                q->level = record_level_parse(level);
                if (q->level == RECORD_LEVEL_COUNT) {
                        kit_reply_problem(r, 400, "INVAL", "level=%s: expected debug, info, warn or error", level);
                        return false;
                }
        }
        if (pair) {
                char *colon;

                if (str_copy(texts->field, sizeof(texts->field), pair) || !(colon = strchr(texts->field, ':')) || colon == texts->field) {
                        kit_reply_problem(r, 400, "INVAL", "field=%s: expected KEY:VALUE", pair);
                        return false;
                }
                *colon = '\0';
                q->field_key = texts->field;
                q->field_value = colon + 1;
        }
        if (pairs_parse(query_text(r, "not"), &texts->not, &note)) {
                kit_reply_problem(r, 400, "INVAL", "not: %s", note.text);
                return false;
        }
        q->not = &texts->not;
        if (!query_time(r, "from", &q->from_ms) || !query_time(r, "to", &q->to_ms)) return false;
        if (!query_number(r, "limit", 1, ARCHIVE_ROWS_MAX, REQUESTS_LIMIT, &limit)) return false;
        q->limit = (int)limit;
        return true;
}

/* ---- logs ---- */

static void get_logs(struct kit_request *r, void *ctx)
{
        struct requests *s = ctx;
        struct log_texts texts;
        struct archive_log_query q;
        struct json *lines = NULL, *body;
        struct err_note note;
        bool is_cut;
        enum err e;

        if (!log_query(r, &q, &texts)) return;
        e = archive_logs(s->archive, &q, &lines, &is_cut, &note);
        if (e) {
                kit_reply_err(r, e, &note);
                return;
        }
        body = json_object();
        json_set_bool(body, "more", is_cut);
        json_set(body, "lines", lines);
        kit_reply_json(r, 200, body);
}

/* How many lines fit, by time and level: what a histogram draws. Without a time the last quarter of an hour. */
static void get_counts(struct kit_request *r, void *ctx)
{
        struct requests *s = ctx;
        struct log_texts texts;
        struct archive_log_query q;
        struct json *counts = NULL, *body;
        struct err_note note;
        int64_t bins, step_ms;
        enum err e;

        if (!log_query(r, &q, &texts) || !query_number(r, "bins", 1, ARCHIVE_BINS_MAX, REQUESTS_BINS, &bins)) return;
        if (!q.to_ms) q.to_ms = clock_wall_ms();
        if (!q.from_ms) q.from_ms = q.to_ms - REQUESTS_COUNTS_MS;
        if (q.from_ms >= q.to_ms) {
                kit_reply_problem(r, 400, "INVAL", "from, to: expected from before to");
                return;
        }
        /* Both ends belong to it. */
        step_ms = MAX((q.to_ms - q.from_ms + bins) / bins, INT64_C(1));
        e = archive_log_counts(s->archive, &q, step_ms, &counts, &note);
        if (e) {
                kit_reply_err(r, e, &note);
                return;
        }
        body = json_object();
        json_set_num(body, "from_ms", (double)q.from_ms);
        json_set_num(body, "to_ms", (double)q.to_ms);
        json_set_num(body, "step_ms", (double)step_ms);
        json_set(body, "counts", counts);
        kit_reply_json(r, 200, body);
}

/* Asks again after each turn of the intake until something fits or the time is over. */
static enum err follow(struct requests *s, struct archive_log_query *q, int64_t wait_ms, struct json **ret, int64_t *ret_last, struct err_note *reterr)
{
        int64_t until_ms = clock_mono_ms() + wait_ms;

        for (;;) {
                uint64_t ticket = intake_ticket(s->intake);
                struct archive_stat stat;
                struct json *lines = NULL;
                bool is_cut = false;
                enum err e = archive_stat(s->archive, &stat, reterr);

                if (!e && q->after_id == 0) q->after_id = stat.last_log_id ? stat.last_log_id : ARCHIVE_FROM_START;
                if (!e && q->after_id > stat.last_log_id) q->after_id = ARCHIVE_FROM_START; /* a number of an archive that is gone */
                if (!e) e = archive_logs(s->archive, q, &lines, &is_cut, reterr);
                if (e) return e;
                int64_t left_ms = until_ms - clock_mono_ms();

                if (json_count(lines) > 0 || left_ms <= 0 || !intake_wait(s->intake, ticket, left_ms)) {
                        *ret_last = MAX(q->after_id, INT64_C(0));
                        JSON_EACH(line, lines) *ret_last = json_get_int(line, "id", *ret_last);
                        /* Lines that did not fit need not be looked at again; a full answer may have left some behind. */
                        if (!is_cut) *ret_last = MAX(*ret_last, stat.last_log_id);
                        *ret = lines;
                        return ERR_OK;
                }
                json_free(lines);
        }
}

static void get_tail(struct kit_request *r, void *ctx)
{
        struct requests *s = ctx;
        struct log_texts texts;
        struct archive_log_query q;
        struct json *lines = NULL, *body;
        struct err_note note;
        int64_t wait_ms, last = 0;
        enum err e;

        if (!log_query(r, &q, &texts) || !query_number(r, "after", ARCHIVE_FROM_START, INT64_MAX, 0, &q.after_id) ||
            !query_number(r, "wait_ms", 0, REQUESTS_WAIT_MS_MAX, 0, &wait_ms))
                return;
        if (atomic_fetch_add(&s->waiters, 1) >= REQUESTS_WAITERS_MAX) wait_ms = 0; /* too many wait already: answer at once */
        e = follow(s, &q, wait_ms, &lines, &last, &note);
        atomic_fetch_sub(&s->waiters, 1);
        if (e) {
                kit_reply_err(r, e, &note);
                return;
        }
        body = json_object();
        json_set_num(body, "last", (double)last);
        json_set(body, "lines", lines);
        kit_reply_json(r, 200, body);
}

/* ---- traces ---- */

static void get_traces(struct kit_request *r, void *ctx)
{
        struct requests *s = ctx;
        struct archive_trace_query q = {.service = query_text(r, "service"), .name = query_text(r, "name"),
                                        .failed_only = str_eq(kit_request_query(r, "failed"), "1") || str_eq(kit_request_query(r, "failed"), "true")};
        const char *order = query_text(r, "order");
        struct json *traces = NULL, *body;
        struct err_note note;
        int64_t limit;
        enum err e;

        if (!query_time(r, "from", &q.from_ms) || !query_time(r, "to", &q.to_ms)) return;
        q.slowest_first = str_eq(order, "slowest");
        if (order && !q.slowest_first && !str_eq(order, "newest")) {
                kit_reply_problem(r, 400, "INVAL", "order=%s: expected newest or slowest", order);
                return;
        }
        if (!query_number(r, "min_ms", 0, 3600000, 0, &q.duration_min_ms) || !query_number(r, "limit", 1, ARCHIVE_ROWS_MAX, REQUESTS_LIMIT, &limit)) return;
        q.limit = (int)limit;
        e = archive_traces(s->archive, &q, &traces, &note);
        if (e) {
                kit_reply_err(r, e, &note);
                return;
        }
        body = json_object();
        json_set(body, "traces", traces);
        kit_reply_json(r, 200, body);
}

static void get_trace(struct kit_request *r, void *ctx)
{
        struct requests *s = ctx;
        const char *trace_id = kit_request_param(r);
        struct archive_log_query q = {.trace_id = trace_id, .limit = ARCHIVE_ROWS_MAX};
        bool is_cut;
        AUTO(json_free) struct json *spans = NULL;
        struct json *lines = NULL, *tree;
        struct err_note note;
        enum err e = archive_trace_spans(s->archive, trace_id, &spans, &note);

        if (!e) e = archive_logs(s->archive, &q, &lines, &is_cut, &note);
        if (e) {
                kit_reply_err(r, e, &note);
                return;
        }
        tree = tree_make(trace_id, spans);
        json_set(tree, "logs", lines);
        kit_reply_json(r, 200, tree);
}

/* ---- what is sent to us ---- */

static void post_records(struct kit_request *r, struct requests *s, enum intake_kind kind)
{
        AUTO(json_free) struct json *body = NULL;
        struct json *reply, *partial;
        struct err_note note;
        size_t rejected = 0;
        enum err e;

        if (!kit_request_json(r, &body)) return;
        e = intake_add(s->intake, kind, body, &rejected, &note);
        if (e) {
                kit_reply_err(r, e, &note);
                return;
        }
        reply = json_object();
        if (rejected) {
                partial = json_object();
                json_set_num(partial, kind == INTAKE_SPANS ? "rejectedSpans" : "rejectedLogRecords", (double)rejected);
                json_set_str(partial, "errorMessage", "records without valid ids, names or times, or beyond the batch's limit");
                json_set(reply, "partialSuccess", partial);
        }
        kit_reply_json(r, 200, reply);
}

static void post_logs(struct kit_request *r, void *ctx)
{
        post_records(r, ctx, INTAKE_LOGS);
}

static void post_traces(struct kit_request *r, void *ctx)
{
        post_records(r, ctx, INTAKE_SPANS);
}

static void post_alerts(struct kit_request *r, void *ctx)
{
        post_records(r, ctx, INTAKE_ALERTS);
}

static void get_stats(struct kit_request *r, void *ctx)
{
        struct requests *s = ctx;
        struct archive_stat stat;
        struct err_note note;
        struct json *body;
        enum err e = archive_stat(s->archive, &stat, &note);

        if (e) {
                kit_reply_err(r, e, &note);
                return;
        }
        body = json_object();
        json_set_num(body, "lines", (double)stat.logs);
        json_set_num(body, "spans", (double)stat.spans);
        json_set_num(body, "traces", (double)stat.traces);
        json_set_num(body, "bytes", (double)stat.bytes);
        json_set_num(body, "last", (double)stat.last_log_id);
        kit_reply_json(r, 200, body);
}

void requests_routes(struct kit *k)
{
        kit_route(k, KIT_DIRECT, "GET", "/logs", get_logs);
        kit_route(k, KIT_DIRECT, "GET", "/logs/tail", get_tail);
        kit_route(k, KIT_DIRECT, "GET", "/logs/counts", get_counts);
        kit_route(k, KIT_DIRECT, "GET", "/traces", get_traces);
        kit_route(k, KIT_DIRECT, "GET", "/traces/{id}", get_trace);
        kit_route(k, KIT_DIRECT, "GET", "/stats", get_stats);
        kit_route(k, KIT_DIRECT, "POST", "/v1/logs", post_logs);
        kit_route(k, KIT_DIRECT, "POST", "/v1/traces", post_traces);
        kit_route(k, KIT_DIRECT, "POST", "/v1/alerts", post_alerts);
}
