/* OTLP/HTTP JSON: numbers of 64 bit come as text, attributes as [{"key","value":{"stringValue"|"intValue"|...}}]. */
#include <math.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/str.h"
#include "sut/logproc/record_inside.h"

enum { OTLP_TRACE_ID_BYTES = 32, OTLP_SPAN_ID_BYTES = 16, OTLP_STATUS_ERROR = 2, OTLP_WARN = 13, OTLP_ERROR = 17, OTLP_INFO = 9 };

/* What a resource says about its service. */
struct resource {
        const char *service, *instance, *version;
};

static int64_t nanos(const struct json *object, const char *key)
{
        const struct json *value = json_get(object, key);
        int64_t number = 0;

        if (json_text(value) && !str_parse_i64(json_text(value), 0, INT64_MAX, &number)) return number;
        if (json_is(value, JSON_NUMBER)) return (int64_t)json_value(value);
        return 0;
}

/* The value of an AnyValue as a plain JSON value. */
static struct json *plain(const struct json *any)
{
        const struct json *inner = json_first(any);
        int64_t number;

        if (!inner) return json_null();
        if (str_eq(json_key(inner), "intValue") && json_text(inner) && !str_parse_i64(json_text(inner), INT64_MIN, INT64_MAX, &number))
                return json_number((double)number);
        return json_clone(inner);
}

static struct json *plain_attributes(const struct json *attributes)
{
        struct json *object = json_object();

        JSON_EACH(pair, attributes) {
                const char *key = json_get_str(pair, "key", NULL);

                if (key) json_set(object, key, plain(json_get(pair, "value")));
        }
        return object;
}

static const char *text_attribute(struct record_batch *b, const struct json *attributes, const char *key)
{
        JSON_EACH(pair, attributes)
                if (str_eq(json_get_str(pair, "key", ""), key)) return record_keep(b, json_get_str(json_get(pair, "value"), "stringValue", ""));
        return "";
}

static struct resource resource_read(struct record_batch *b, const struct json *group)
{
        const struct json *attributes = json_path(group, "/resource/attributes");
        struct resource r = {text_attribute(b, attributes, "service.name"), text_attribute(b, attributes, "service.instance.id"),
                             text_attribute(b, attributes, "service.version")};

        if (r.service && !r.service[0]) r.service = "unknown";
        return r;
}

static bool is_hex_id(const char *text, size_t size_bytes)
{
        return strlen(text) == size_bytes && strspn(text, "0123456789abcdefABCDEF") == size_bytes;
}

/* ---- spans ---- */

static void add_span(struct record_batch *b, const struct resource *from, const struct json *span)
{
        const char *trace_id = json_get_str(span, "traceId", ""), *span_id = json_get_str(span, "spanId", "");
        const char *parent_id = json_get_str(span, "parentSpanId", "");
        int64_t start_ns = nanos(span, "startTimeUnixNano"), end_ns = nanos(span, "endTimeUnixNano");
        AUTO(json_free) struct json *attrs = plain_attributes(json_get(span, "attributes"));
        struct record_span r = {.service = from->service, .instance = from->instance, .version = from->version,
                                .trace_id = record_keep(b, trace_id), .span_id = record_keep(b, span_id),
                                .parent_id = record_keep(b, parent_id), .name = record_keep(b, json_get_str(span, "name", "")),
                                .attrs = record_keep_json(b, attrs), .start_us = start_ns / 1000, .duration_us = (end_ns - start_ns) / 1000,
                                .kind = (int)json_get_int(span, "kind", 0),
                                .failed = json_get_int(json_get(span, "status"), "code", 0) == OTLP_STATUS_ERROR};
        bool is_whole = is_hex_id(trace_id, OTLP_TRACE_ID_BYTES) && is_hex_id(span_id, OTLP_SPAN_ID_BYTES) && start_ns > 0 && end_ns >= start_ns;
        bool is_kept = r.service && r.instance && r.version && r.trace_id && r.span_id && r.parent_id && r.name && r.attrs;

        if (!is_whole || !is_kept || b->span_count == RECORD_BATCH_MAX) b->dropped_count++;
        else b->spans[b->span_count++] = r;
}

enum err record_add_otlp_spans(struct record_batch *b, const struct json *body, struct err_note *reterr)
{
        const struct json *groups = json_get(body, "resourceSpans");

        if (!json_is(groups, JSON_ARRAY)) return err_note(reterr, ERR_PARSE, "/resourceSpans: expected an array, as in OTLP/HTTP JSON");
        JSON_EACH(group, groups) {
                struct resource from = resource_read(b, group);

                JSON_EACH(scope, json_get(group, "scopeSpans"))
                        JSON_EACH(span, json_get(scope, "spans")) add_span(b, &from, span);
        }
        return ERR_OK;
}

/* ---- logs ---- */

static enum record_level severity_level(int64_t number)
{
        if (number >= OTLP_ERROR) return RECORD_ERROR;
        if (number >= OTLP_WARN) return RECORD_WARN;
        return number >= OTLP_INFO || number == 0 ? RECORD_INFO : RECORD_DEBUG;
}

static void add_log(struct record_batch *b, const struct resource *from, const struct json *log, int64_t now_ms)
{
        const char *trace_id = json_get_str(log, "traceId", ""), *span_id = json_get_str(log, "spanId", "");
        int64_t at_ns = nanos(log, "timeUnixNano");
        AUTO(json_free) struct json *fields = plain_attributes(json_get(log, "attributes"));
        AUTO(json_free) struct json *body = plain(json_get(log, "body"));
        struct record_log r = {.at_ms = at_ns ? at_ns / 1000000 : now_ms, .level = severity_level(json_get_int(log, "severityNumber", 0)),
                               .service = from->service, .instance = from->instance, .version = from->version,
                               .event = record_keep(b, json_get_str(fields, "event.name", "")),
                               .trace_id = is_hex_id(trace_id, OTLP_TRACE_ID_BYTES) ? record_keep(b, trace_id) : "",
                               .span_id = is_hex_id(span_id, OTLP_SPAN_ID_BYTES) ? record_keep(b, span_id) : ""};

        if (json_text(body)) r.message = record_keep(b, json_text(body));
        else r.message = record_keep_json(b, body);
        json_remove(fields, "event.name");
        r.fields = record_keep_json(b, fields);
        record_push_log(b, &r);
}

enum err record_add_otlp_logs(struct record_batch *b, const struct json *body, int64_t now_ms, struct err_note *reterr)
{
        const struct json *groups = json_get(body, "resourceLogs");

        if (!json_is(groups, JSON_ARRAY)) return err_note(reterr, ERR_PARSE, "/resourceLogs: expected an array, as in OTLP/HTTP JSON");
        JSON_EACH(group, groups) {
                struct resource from = resource_read(b, group);

                JSON_EACH(scope, json_get(group, "scopeLogs"))
                        JSON_EACH(log, json_get(scope, "logRecords")) add_log(b, &from, log, now_ms);
        }
        return ERR_OK;
}
