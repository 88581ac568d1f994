#include "sut/logproc/record.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "sut/logproc/record_inside.h"

static const char *const level_texts[] = {
#define X(name, text) text,
        RECORD_LEVEL_LIST(X)
#undef X
};

/* ---- batch ---- */

enum err record_batch_init(struct record_batch *b)
{
        *b = (struct record_batch){0};
        arena_init(&b->arena, RECORD_BATCH_BYTES_MAX);
        b->logs = mem_zalloc(RECORD_BATCH_MAX, sizeof *b->logs);
        b->spans = mem_zalloc(RECORD_BATCH_MAX, sizeof *b->spans);
        if (b->logs && b->spans) return ERR_OK;
        record_batch_done(b);
        return ERR_NOMEM;
}

void record_batch_done(struct record_batch *b)
{
        arena_done(&b->arena);
        mem_free(take(&b->logs));
        mem_free(take(&b->spans));
}

void record_batch_clear(struct record_batch *b)
{
        arena_done(&b->arena);
        arena_init(&b->arena, RECORD_BATCH_BYTES_MAX);
        b->log_count = b->span_count = b->dropped_count = 0;
}

const char *record_keep(struct record_batch *b, const char *text)
{
        return text[0] ? arena_strdup(&b->arena, text) : "";
}

bool record_push_log(struct record_batch *b, const struct record_log *r)
{
        bool is_whole = r->service && r->instance && r->version && r->event && r->message && r->trace_id && r->span_id && r->fields;

        if (!is_whole || b->log_count == RECORD_BATCH_MAX) {
                b->dropped_count++;
                return false;
        }
        b->logs[b->log_count++] = *r;
        return true;
}

/* ---- words ---- */

const char *record_level_text(enum record_level level)
{
        return level_texts[level];
}

enum record_level record_level_parse(const char *text)
{
        for (int i = 0; i < RECORD_LEVEL_COUNT; i++)
                if (strcasecmp(text, level_texts[i]) == 0) return (enum record_level)i;
        if (strcasecmp(text, "warning") == 0) return RECORD_WARN;
        if (strcasecmp(text, "fatal") == 0 || strcasecmp(text, "err") == 0) return RECORD_ERROR;
        return RECORD_LEVEL_COUNT;
}

bool record_time_parse(const char *text, int64_t *ret_ms)
{
        struct tm tm = {0};
        int used = 0, ms = 0, scale = 100;

        if (sscanf(text, "%4d-%2d-%2d%*1[T ]%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec,
                   &used) != 6 || used == 0)
                return false;
        text += used;
        if (*text == '.' || *text == ',') {
                for (text++; *text >= '0' && *text <= '9'; text++, scale /= 10) ms += (*text - '0') * scale;
        }
        if (!str_eq(text, "Z") && !str_eq(text, "+00:00") && !str_eq(text, " UTC") && *text != '\0') return false;
        tm.tm_year -= 1900;
        tm.tm_mon -= 1;
        *ret_ms = (int64_t)timegm(&tm) * 1000 + ms;
        return true;
}

/* ---- our own lines ---- */

static bool is_column(const char *key)
{
        static const char *const columns[] = {"time", "level", "service", "instance", "version", "event", "message", "trace_id", "span_id"};

        for (size_t i = 0; i < ARRAY_COUNT(columns); i++)
                if (str_eq(key, columns[i])) return true;
        return false;
}

const char *record_keep_json(struct record_batch *b, const struct json *value)
{
        AUTO_BUF text;

        buf_init(&text, RECORD_LINE_BYTES_MAX * 2);
        if (json_print(value, &text)) return NULL;
        return arena_strndup(&b->arena, text.data, text.size_bytes);
}

static const char *rest_of(struct record_batch *b, const struct json *line)
{
        AUTO(json_free) struct json *rest = json_object();

        JSON_EACH(member, line)
                if (!is_column(json_key(member))) json_set(rest, json_key(member), json_clone(member));
        const char *kept = json_count(rest) ? record_keep_json(b, rest) : "{}";

        return kept ? kept : "{\"cut\":true}"; /* larger than a line may be: the line itself is worth keeping */
}

/* What a line says, at most RECORD_LINE_BYTES_MAX of it, cut between two characters. */
static const char *message_of(struct record_batch *b, const char *text)
{
        size_t size_bytes = strlen(text);

        if (size_bytes <= RECORD_LINE_BYTES_MAX) return record_keep(b, text);
        size_bytes = RECORD_LINE_BYTES_MAX;
        while (size_bytes > 0 && ((unsigned char)text[size_bytes] & 0xc0) == 0x80) size_bytes--;
        return arena_strndup(&b->arena, text, size_bytes);
}

static bool add_json(struct record_batch *b, const char *service, const char *line, size_t size_bytes, int64_t now_ms)
{
        AUTO(json_free) struct json *j = NULL;
        struct record_log r = {.at_ms = now_ms};
        int64_t at_ms;

        if (line[0] != '{' || json_parse(line, size_bytes, &j, NULL) || !json_is(j, JSON_OBJECT)) return false;
        if (record_time_parse(json_get_str(j, "time", ""), &at_ms)) r.at_ms = at_ms;
        r.level = record_level_parse(json_get_str(j, "level", "info"));
        if (r.level == RECORD_LEVEL_COUNT) r.level = RECORD_INFO;
        r.service = record_keep(b, json_get_str(j, "service", service));
        r.instance = record_keep(b, json_get_str(j, "instance", ""));
        r.version = record_keep(b, json_get_str(j, "version", ""));
        r.event = record_keep(b, json_get_str(j, "event", ""));
        r.message = message_of(b, json_get_str(j, "message", ""));
        r.trace_id = record_keep(b, json_get_str(j, "trace_id", ""));
        r.span_id = record_keep(b, json_get_str(j, "span_id", ""));
        r.fields = rest_of(b, j);
        record_push_log(b, &r);
        return true;
}

/* ---- lines of others ---- */

/* Where a foreign line says how bad it is: PostgreSQL "ERROR:", NATS "[ERR]", Prometheus "level=warn", Redis "#" after the date. */
static const struct {
        const char *mark;
        enum record_level level;
} marks[] = {
        {" PANIC: ", RECORD_ERROR},  {" FATAL: ", RECORD_ERROR},    {" ERROR: ", RECORD_ERROR},  {"[FTL]", RECORD_ERROR},
        {"[ERR]", RECORD_ERROR},     {"level=error", RECORD_ERROR}, {"level=warn", RECORD_WARN}, {" WARNING: ", RECORD_WARN},
        {"[WRN]", RECORD_WARN},      {" # ", RECORD_WARN},          {"[DBG]", RECORD_DEBUG},     {"level=debug", RECORD_DEBUG},
};

static enum record_level foreign_level(const char *text)
{
        for (size_t i = 0; i < ARRAY_COUNT(marks); i++)
                if (strstr(text, marks[i].mark)) return marks[i].level;
        return RECORD_INFO;
}

/* "2026-01-02 03:04:05.678 UTC [77] ERROR:  ..." (PostgreSQL) and "ts=2026-01-02T03:04:05.678Z ..." (Prometheus) carry a time. */
static int64_t foreign_time(const char *text, int64_t now_ms)
{
        char word[40];
        const char *at = str_starts(text, "ts=") ? text + 3 : text;
        size_t size_bytes = strcspn(at, at == text ? "[" : " ");
        int64_t at_ms;

        while (size_bytes > 0 && at[size_bytes - 1] == ' ') size_bytes--;
        if (size_bytes == 0 || size_bytes >= sizeof word) return now_ms;
        snprintf(word, sizeof word, "%.*s", (int)size_bytes, at);
        return record_time_parse(word, &at_ms) ? at_ms : now_ms;
}

void record_add_line(struct record_batch *b, const char *service, const char *line, size_t size_bytes, int64_t now_ms)
{
        struct record_log r = {.instance = "", .version = "", .event = "", .trace_id = "", .span_id = "", .fields = "{}"};

        while (size_bytes > 0 && (line[size_bytes - 1] == '\n' || line[size_bytes - 1] == '\r')) size_bytes--;
        if (size_bytes == 0) return;
        if (add_json(b, service, line, size_bytes, now_ms)) return;
        r.message = arena_strndup(&b->arena, line, MIN(size_bytes, (size_t)RECORD_LINE_BYTES_MAX));
        r.service = record_keep(b, service);
        if (r.message) {
                r.level = foreign_level(r.message);
                r.at_ms = foreign_time(r.message, now_ms);
        }
        record_push_log(b, &r);
}
