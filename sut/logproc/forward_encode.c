#include "sut/logproc/forward_encode.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/str.h"

static bool log_wanted(const struct encode_slice *s, size_t index)
{
        return s->logs[index].level >= s->level;
}

/* ---- Loki ---- */

static bool same_stream(const struct record_log *a, const struct record_log *b)
{
        return a->level == b->level && str_eq(a->service, b->service) && str_eq(a->instance, b->instance);
}

static void member(struct buf *b, const char *key, const char *value)
{
        if (!value[0]) return;
        if (b->size_bytes > 1) buf_char(b, ',');
        buf_printf(b, "\"%s\":", key);
        json_quote(b, value);
}

/* The line as one JSON object: what is a label already is left out. */
static void loki_line(const struct record_log *r, struct buf *line)
{
        buf_clear(line);
        buf_char(line, '{');
        member(line, "event", r->event);
        member(line, "message", r->message);
        member(line, "version", r->version);
        member(line, "trace_id", r->trace_id);
        member(line, "span_id", r->span_id);
        if (!str_eq(r->fields, "{}")) buf_printf(line, "%s%s", line->size_bytes > 1 ? "," : "", r->fields + 1); /* its brace ends ours */
        else buf_char(line, '}');
}

static void label(struct buf *b, const char *key, const char *value)
{
        buf_printf(b, ",\"%s\":", key);
        json_quote(b, value);
}

static size_t loki_stream(const struct encode_slice *s, size_t first, bool *done, struct buf *b)
{
        AUTO_BUF line;
        size_t count = 0;

        buf_init(&line, 2 * RECORD_LINE_BYTES_MAX);
        buf_str(b, "{\"stream\":{\"job\":\"firedrill\"");
        if (s->stack[0]) label(b, "stack", s->stack);
        label(b, "service", s->logs[first].service);
        if (s->logs[first].instance[0]) label(b, "instance", s->logs[first].instance);
        label(b, "level", record_level_text(s->logs[first].level));
        buf_str(b, "},\"values\":[");
        for (size_t i = first; i < s->log_count; i++) {
                if (done[i] || !same_stream(&s->logs[first], &s->logs[i])) continue;
                done[i] = true;
                loki_line(&s->logs[i], &line);
                if (buf_status(&line)) continue;
                buf_printf(b, "%s[\"%" PRId64 "000000\",", count ? "," : "", s->logs[i].at_ms);
                json_quote(b, line.data);
                buf_char(b, ']');
                count++;
        }
        buf_str(b, "]}");
        return count;
}

size_t encode_loki(const struct encode_slice *s, struct buf *b)
{
        bool done[ENCODE_RECORDS_MAX] = {false};
        size_t count = 0, streams = 0;

        CHECK(s->log_count <= ENCODE_RECORDS_MAX);
        buf_str(b, "{\"streams\":[");
        for (size_t i = 0; i < s->log_count; i++) {
                if (done[i] || !log_wanted(s, i)) continue;
                if (streams++) buf_char(b, ',');
                count += loki_stream(s, i, done, b);
        }
        buf_str(b, "]}");
        return count;
}

/* ---- OTLP ---- */

static void any_value(struct buf *b, const struct json *value)
{
        double number = json_is(value, JSON_NUMBER) ? json_value(value) : 0.5;
        AUTO_BUF text;

        buf_init(&text, RECORD_LINE_BYTES_MAX);
        if (json_text(value)) {
                buf_str(b, "{\"stringValue\":");
                json_quote(b, json_text(value));
        } else if (json_is(value, JSON_BOOL)) {
                buf_printf(b, "{\"boolValue\":%s", json_true(value) ? "true" : "false");
        } else if (json_is(value, JSON_NUMBER) && number == trunc(number) && fabs(number) < 9e15) {
                buf_printf(b, "{\"intValue\":\"%" PRId64 "\"", (int64_t)number); /* 64 bits go as text */
        } else if (json_is(value, JSON_NUMBER)) {
                buf_printf(b, "{\"doubleValue\":%.17g", number);
        } else {
                buf_str(b, "{\"stringValue\":");
                json_quote(b, json_print(value, &text) ? "" : text.data);
        }
        buf_char(b, '}');
}

static void key_text(struct buf *b, const char *separator, const char *key, const char *value)
{
        buf_printf(b, "%s{\"key\":\"%s\",\"value\":{\"stringValue\":", separator, key);
        json_quote(b, value);
        buf_str(b, "}}");
}

/* "attributes":[...] of an object's text; first: an event's name, or "". */
static void attributes(struct buf *b, const char *event, const char *object_text)
{
        AUTO(json_free) struct json *object = NULL;
        const char *separator = "";

        buf_str(b, "\"attributes\":[");
        if (event[0]) {
                key_text(b, "", "event.name", event);
                separator = ",";
        }
        if (!json_parse(object_text, strlen(object_text), &object, NULL))
                JSON_EACH(value, object) {
                        buf_printf(b, "%s{\"key\":", separator);
                        json_quote(b, json_key(value));
                        buf_str(b, ",\"value\":");
                        any_value(b, value);
                        buf_char(b, '}');
                        separator = ",";
                }
        buf_char(b, ']');
}

static void resource(struct buf *b, const char *stack, const char *service, const char *instance, const char *version)
{
        buf_str(b, "{\"resource\":{\"attributes\":[");
        key_text(b, "", "service.name", service);
        if (instance[0]) key_text(b, ",", "service.instance.id", instance);
        if (version[0]) key_text(b, ",", "service.version", version);
        if (stack[0]) key_text(b, ",", "firedrill.stack", stack);
        buf_str(b, "]},");
}

static void otlp_log(struct buf *b, const struct record_log *r)
{
        static const struct {
                int number;
                const char *text;
        } severities[RECORD_LEVEL_COUNT] = {[RECORD_DEBUG] = {5, "DEBUG"}, [RECORD_INFO] = {9, "INFO"}, [RECORD_WARN] = {13, "WARN"}, [RECORD_ERROR] = {17, "ERROR"}};

        buf_printf(b, "{\"timeUnixNano\":\"%" PRId64 "000000\",\"severityNumber\":%d,\"severityText\":\"%s\",\"body\":{\"stringValue\":", r->at_ms,
                   severities[r->level].number, severities[r->level].text);
        json_quote(b, r->message);
        buf_str(b, "},");
        if (r->trace_id[0]) buf_printf(b, "\"traceId\":\"%s\",", r->trace_id);
        if (r->span_id[0]) buf_printf(b, "\"spanId\":\"%s\",", r->span_id);
        attributes(b, r->event, r->fields);
        buf_char(b, '}');
}

static void otlp_span(struct buf *b, const struct record_span *r)
{
        buf_printf(b, "{\"traceId\":\"%s\",\"spanId\":\"%s\",", r->trace_id, r->span_id);
        if (r->parent_id[0]) buf_printf(b, "\"parentSpanId\":\"%s\",", r->parent_id);
        buf_str(b, "\"name\":");
        json_quote(b, r->name);
        buf_printf(b, ",\"kind\":%d,\"startTimeUnixNano\":\"%" PRId64 "000\",\"endTimeUnixNano\":\"%" PRId64 "000\",", r->kind, r->start_us,
                   r->start_us + r->duration_us);
        attributes(b, "", r->attrs);
        buf_printf(b, ",\"status\":{\"code\":%d}}", r->failed ? 2 : 0);
}

/* Whose a record is: records of one origin share a resource. */
struct origin {
        const char *service, *instance, *version;
};

static struct origin origin_of(const struct encode_slice *s, bool is_traces, size_t index)
{
        if (is_traces) return (struct origin){s->spans[index].service, s->spans[index].instance, s->spans[index].version};
        return (struct origin){s->logs[index].service, s->logs[index].instance, s->logs[index].version};
}

static bool same_origin(struct origin a, struct origin b)
{
        return str_eq(a.service, b.service) && str_eq(a.instance, b.instance) && str_eq(a.version, b.version);
}

static size_t otlp_group(const struct encode_slice *s, bool is_traces, size_t first, size_t total, bool *done, struct buf *b)
{
        struct origin origin = origin_of(s, is_traces, first);
        size_t count = 0;

        resource(b, s->stack, origin.service, origin.instance, origin.version);
        buf_printf(b, "\"%s\":[{\"scope\":{\"name\":\"firedrill\"},\"%s\":[", is_traces ? "scopeSpans" : "scopeLogs", is_traces ? "spans" : "logRecords");
        for (size_t i = first; i < total; i++) {
                if (done[i] || (!is_traces && !log_wanted(s, i)) || !same_origin(origin, origin_of(s, is_traces, i))) continue;
                done[i] = true;
                if (count++) buf_char(b, ',');
                if (is_traces) otlp_span(b, &s->spans[i]);
                else otlp_log(b, &s->logs[i]);
        }
        buf_str(b, "]}]}");
        return count;
}

static size_t otlp(const struct encode_slice *s, bool is_traces, struct buf *b)
{
        size_t total = is_traces ? s->span_count : s->log_count, count = 0;
        bool done[ENCODE_RECORDS_MAX] = {false};

        CHECK(total <= ENCODE_RECORDS_MAX);
        buf_printf(b, "{\"%s\":[", is_traces ? "resourceSpans" : "resourceLogs");
        for (size_t i = 0; i < total; i++) {
                if (done[i] || (!is_traces && !log_wanted(s, i))) continue;
                if (count) buf_char(b, ',');
                count += otlp_group(s, is_traces, i, total, done, b);
        }
        buf_str(b, "]}");
        return count;
}

size_t encode_otlp_logs(const struct encode_slice *s, struct buf *b)
{
        return otlp(s, false, b);
}

size_t encode_otlp_spans(const struct encode_slice *s, struct buf *b)
{
        return otlp(s, true, b);
}

/* ---- Influx ---- */

struct point {
        const char *service, *tag; /* tag: level or operation */
        uint64_t count, failed;
        int64_t sum_us, max_us;
};

struct points {
        struct point all[ENCODE_GROUPS_MAX];
        size_t count;
};

/* The last place is for all that found none. */
static struct point *point_of(struct points *p, const char *service, const char *tag)
{
        for (size_t i = 0; i < p->count; i++)
                if (str_eq(p->all[i].service, service) && str_eq(p->all[i].tag, tag)) return &p->all[i];
        if (p->count == ENCODE_GROUPS_MAX) return &p->all[ENCODE_GROUPS_MAX - 1];
        p->all[p->count] = p->count == ENCODE_GROUPS_MAX - 1 ? (struct point){.service = "other", .tag = "other"} : (struct point){.service = service, .tag = tag};
        return &p->all[p->count++];
}

/* Commas, spaces and equals signs are escaped; a backslash cannot be, before one of them, and an empty value is not allowed. */
static void tag(struct buf *b, const char *key, const char *value)
{
        buf_printf(b, ",%s=", key);
        if (!value[0]) buf_char(b, '-');
        for (; *value; value++) {
                char c = *value;

                if (c == '\\') c = '/';
                if ((unsigned char)c < ' ') c = ' ';
                if (c == ',' || c == ' ' || c == '=') buf_char(b, '\\');
                buf_char(b, c);
        }
}

size_t encode_influx(const struct encode_slice *s, struct buf *b)
{
        struct points logs = {.count = 0}, spans = {.count = 0};
        size_t count = s->span_count;

        for (size_t i = 0; i < s->log_count; i++) {
                if (!log_wanted(s, i)) continue;
                point_of(&logs, s->logs[i].service, record_level_text(s->logs[i].level))->count++;
                count++;
        }
        for (size_t i = 0; i < s->span_count; i++) {
                struct point *p = point_of(&spans, s->spans[i].service, s->spans[i].name);

                p->count++;
                p->failed += s->spans[i].failed;
                p->sum_us += s->spans[i].duration_us;
                p->max_us = MAX(p->max_us, s->spans[i].duration_us);
        }
        for (size_t i = 0; i < logs.count; i++) {
                buf_str(b, "log_lines");
                if (s->stack[0]) tag(b, "stack", s->stack);
                tag(b, "service", logs.all[i].service);
                tag(b, "level", logs.all[i].tag);
                buf_printf(b, " count=%" PRIu64 "i %" PRId64 "\n", logs.all[i].count, s->now_ms);
        }
        for (size_t i = 0; i < spans.count; i++) {
                const struct point *p = &spans.all[i];

                buf_str(b, "spans");
                if (s->stack[0]) tag(b, "stack", s->stack);
                tag(b, "service", p->service);
                tag(b, "operation", p->tag);
                buf_printf(b, " count=%" PRIu64 "i,failed=%" PRIu64 "i,duration_ms_sum=%.3f,duration_ms_max=%.3f %" PRId64 "\n", p->count, p->failed,
                           (double)p->sum_us / 1000, (double)p->max_us / 1000, s->now_ms);
        }
        return count;
}
