/* Questions to the archive. SQL is put together from fixed pieces only; everything a person typed is bound. */
#include <stdio.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/check.h"
#include "common/base/str.h"
#include "common/sys/clock.h"
#include "sut/logproc/archive_inside.h"

enum { QUERY_SQL_BYTES = 4096, QUERY_BINDS_MAX = 64, QUERY_TEXT_BYTES = 512, QUERY_SERVICES_MAX = 16, QUERY_NAME_BYTES = 64 };

/* A statement in the making: its text, and what will be bound to its question marks in order. */
struct question {
        struct buf sql;
        struct {
                const char *text; /* NULL: number */
                int64_t number;
        } binds[QUERY_BINDS_MAX];
        int bind_count;
};

static void ask_text(struct question *q, const char *piece, const char *text)
{
        CHECK(q->bind_count < QUERY_BINDS_MAX);
        buf_str(&q->sql, piece);
        q->binds[q->bind_count++].text = text;
}

static void ask_number(struct question *q, const char *piece, int64_t number)
{
        CHECK(q->bind_count < QUERY_BINDS_MAX);
        buf_str(&q->sql, piece);
        q->binds[q->bind_count].text = NULL;
        q->binds[q->bind_count++].number = number;
}

static enum err ask_prepare(struct question *q, sqlite3 *db, sqlite3_stmt **ret, struct err_note *reterr)
{
        enum err e = buf_status(&q->sql);

        if (e) return err_note(reterr, e, "the search is too long");
        e = archive_prepare(db, q->sql.data, ret, reterr);
        if (e) return e;
        for (int i = 0; i < q->bind_count; i++) {
                if (q->binds[i].text) archive_bind_text(*ret, i + 1, q->binds[i].text);
                else sqlite3_bind_int64(*ret, i + 1, q->binds[i].number);
        }
        return ERR_OK;
}

/* ---- words ---- */

static bool is_word_byte(char c)
{
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}

/* What people type becomes an FTS5 query of quoted strings, so that none of its operators can be typed by accident:
 * pool "timed out" ord*  ->  "pool" "timed out" "ord"* */
static bool words_to_fts(const char *text, struct buf *b)
{
        int count = 0;

        while (*text && count < ARCHIVE_WORDS_MAX) {
                bool is_phrase = *text == '"', has_word = false;
                size_t size_bytes;

                if (is_phrase) text++;
                size_bytes = strcspn(text, is_phrase ? "\"" : " \t\"");
                for (size_t i = 0; i < size_bytes; i++) has_word = has_word || is_word_byte(text[i]);
                if (has_word) {
                        buf_str(b, count++ ? " \"" : "\"");
                        buf_append(b, text, size_bytes);
                        buf_char(b, '"');
                        if (!is_phrase && text[size_bytes - 1] == '*') buf_char(b, '*');
                }
                text += size_bytes;
                if (is_phrase ? *text == '"' : *text == ' ' || *text == '\t') text++;
        }
        return count > 0;
}

/* "api,worker" -> AND service IN (?,?): the names are copied side by side into `names`. */
static void ask_services(struct question *q, const char *column, const char *list, char names[QUERY_SERVICES_MAX][QUERY_NAME_BYTES])
{
        int count = 0;

        while (*list && count < QUERY_SERVICES_MAX) {
                size_t size_bytes = strcspn(list, ",");

                snprintf(names[count], QUERY_NAME_BYTES, "%.*s", (int)MIN(size_bytes, (size_t)QUERY_NAME_BYTES - 1), list);
                if (count == 0) buf_printf(&q->sql, " AND %s IN (", column);
                ask_text(q, count ? ",?" : "?", names[count]);
                count++;
                list += size_bytes;
                if (*list == ',') list++;
        }
        if (count) buf_char(&q->sql, ')');
}

/* ---- logs ---- */

static struct json *log_json(sqlite3_stmt *s)
{
        static const char *const columns[] = {"service", "instance", "version", "event", "message", "trace_id", "span_id"};
        struct json *line = json_object();
        AUTO(json_free) struct json *fields = NULL;
        const char *rest = (const char *)sqlite3_column_text(s, 10);
        char time[CLOCK_TEXT_BYTES];

        json_set_num(line, "id", (double)sqlite3_column_int64(s, 0));
        clock_text(sqlite3_column_int64(s, 1), time);
        json_set_str(line, "time", time);
        json_set_str(line, "level", record_level_text((enum record_level)sqlite3_column_int(s, 2)));
        for (int i = 0; i < (int)ARRAY_COUNT(columns); i++) {
                const char *value = (const char *)sqlite3_column_text(s, 3 + i);

                if (value[0] || str_eq(columns[i], "message")) json_set_str(line, columns[i], value);
        }
        if (!json_parse(rest, strlen(rest), &fields, NULL))
                JSON_EACH(member, fields)
                        if (!json_get(line, json_key(member))) json_set(line, json_key(member), json_clone(member));
        return line;
}

/* How a row becomes JSON, and how many are wanted. */
struct row_reader {
        struct json *(*json)(sqlite3_stmt *);
        size_t count_max;
        bool is_cut; /* result: there are more rows than were wanted, or than an answer may hold */
};

static enum err rows_read(sqlite3 *db, sqlite3_stmt *s, struct row_reader *r, struct json **ret, struct err_note *reterr)
{
        AUTO(json_free) struct json *list = json_array();
        size_t bytes = 0, count = 0;
        int rc;

        while ((rc = sqlite3_step(s)) == SQLITE_ROW && bytes < ARCHIVE_ANSWER_BYTES_MAX && count < r->count_max) {
                json_push(list, r->json(s));
                count++;
                for (int i = 0; i < sqlite3_column_count(s); i++) bytes += (size_t)sqlite3_column_bytes(s, i);
        }
        if (rc != SQLITE_DONE && rc != SQLITE_ROW) return archive_fail(db, reterr);
        r->is_cut = rc == SQLITE_ROW;
        *ret = take(&list);
        return ERR_OK;
}

/* A line that has this member with this value, or that has not. */
static void ask_member(struct question *q, const struct pair *member, bool is_wanted)
{
        static const struct {
                const char *key, *is, *is_not;
        } columns[] = {
                {"service", " AND service = ?", " AND service <> ?"},    {"instance", " AND instance = ?", " AND instance <> ?"},
                {"version", " AND version = ?", " AND version <> ?"},    {"event", " AND event = ?", " AND event <> ?"},
                {"message", " AND message = ?", " AND message <> ?"},    {"trace_id", " AND trace_id = ?", " AND trace_id <> ?"},
        };

        if (str_eq(member->key, "level")) {
                ask_number(q, is_wanted ? " AND level = ?" : " AND level <> ?", record_level_parse(member->value));
                return;
        }
        for (size_t i = 0; i < ARRAY_COUNT(columns); i++) {
                if (!str_eq(member->key, columns[i].key)) continue;
                ask_text(q, is_wanted ? columns[i].is : columns[i].is_not, member->value);
                return;
        }
        ask_text(q, is_wanted ? " AND EXISTS (SELECT 1 FROM json_each(fields) WHERE key = ?" : " AND NOT EXISTS (SELECT 1 FROM json_each(fields) WHERE key = ?",
                 member->key);
        ask_text(q, " AND CAST(value AS TEXT) = ?)", member->value);
}

/* "... WHERE 1" and all that the query asks for. */
static void ask_which(struct question *q, const struct archive_log_query *query, const char *fts, char names[QUERY_SERVICES_MAX][QUERY_NAME_BYTES])
{
        if (fts) ask_text(q, " AND id IN (SELECT rowid FROM logs_text WHERE logs_text MATCH ?)", fts);
        if (query->service) ask_services(q, "service", query->service, names);
        if (query->event) ask_text(q, " AND event = ?", query->event);
        if (query->trace_id) ask_text(q, " AND trace_id <> '' AND trace_id = ?", query->trace_id);
        if (query->field_key) ask_member(q, &(struct pair){query->field_key, query->field_value}, true);
        for (size_t i = 0; query->not && i < query->not->count; i++) ask_member(q, &query->not->item[i], false);
        if (query->level > RECORD_DEBUG) ask_number(q, " AND level >= ?", query->level);
        if (query->from_ms) ask_number(q, " AND at_ms >= ?", query->from_ms);
        if (query->to_ms) ask_number(q, " AND at_ms <= ?", query->to_ms);
        if (query->after_id) ask_number(q, " AND id > ?", query->after_id);
}

/* `tail` ends the statement, with a number in it. */
static enum err logs_ask(struct archive *a, const struct archive_log_query *query, struct question *q, const char *tail, int64_t tail_number,
                         struct row_reader *r, struct json **ret, struct err_note *reterr)
{
        char names[QUERY_SERVICES_MAX][QUERY_NAME_BYTES];
        AUTO_STATEMENT *s = NULL;
        AUTO_BUF fts;
        bool has_words;
        enum err e;

        buf_init(&fts, QUERY_TEXT_BYTES * 2);
        has_words = query->text && words_to_fts(query->text, &fts);
        e = buf_status(&fts);
        if (e) return err_note(reterr, ERR_LIMIT, "the search text is too long");
        ask_which(q, query, has_words ? fts.data : NULL, names);
        ask_number(q, tail, tail_number);
        pthread_mutex_lock(&a->read_lock);
        a->read_deadline_ms = clock_mono_ms() + ARCHIVE_QUERY_MS;
        e = ask_prepare(q, a->reader, &s, reterr);
        if (!e) e = rows_read(a->reader, s, r, ret, reterr);
        sqlite3_finalize(take(&s)); /* under the lock, since it belongs to the connection */
        pthread_mutex_unlock(&a->read_lock);
        return e;
}

enum err archive_logs(struct archive *a, const struct archive_log_query *query, struct json **ret, bool *ret_is_cut, struct err_note *reterr)
{
        struct question q = {.bind_count = 0};
        struct row_reader r = {.json = log_json, .count_max = (size_t)query->limit};
        enum err e;

        CHECK(query->limit > 0 && query->limit <= ARCHIVE_ROWS_MAX);
        buf_init(&q.sql, QUERY_SQL_BYTES);
        buf_str(&q.sql, "SELECT id, at_ms, level, service, instance, version, event, message, trace_id, span_id, fields FROM logs WHERE 1");
        e = logs_ask(a, query, &q, query->after_id ? " ORDER BY id LIMIT ?" : " ORDER BY at_ms DESC, id DESC LIMIT ?", query->limit + 1, &r, ret,
                     reterr);
        buf_done(&q.sql);
        if (!e) *ret_is_cut = r.is_cut;
        return e;
}

static struct json *count_json(sqlite3_stmt *s)
{
        struct json *row = json_array();

        for (int i = 0; i < sqlite3_column_count(s); i++) json_push(row, json_number((double)sqlite3_column_int64(s, i)));
        return row;
}

enum err archive_log_counts(struct archive *a, const struct archive_log_query *query, int64_t step_ms, struct json **ret,
                            struct err_note *reterr)
{
        struct question q = {.bind_count = 0};
        struct row_reader r = {.json = count_json, .count_max = ARCHIVE_BINS_MAX + 1};
        enum err e;

        CHECK(query->from_ms > 0 && query->to_ms > query->from_ms && step_ms > 0);
        buf_init(&q.sql, QUERY_SQL_BYTES);
        ask_number(&q, "SELECT ?", query->from_ms);
        ask_number(&q, " + (at_ms - ?)", query->from_ms);
        ask_number(&q, " / ?", step_ms);
        ask_number(&q, " * ? AS start,", step_ms);
        buf_str(&q.sql, " sum(level = 0), sum(level = 1), sum(level = 2), sum(level = 3) FROM logs WHERE 1");
        e = logs_ask(a, query, &q, " GROUP BY start ORDER BY start LIMIT ?", ARCHIVE_BINS_MAX + 1, &r, ret, reterr);
        buf_done(&q.sql);
        return e;
}

/* ---- traces ---- */

static struct json *trace_json(sqlite3_stmt *s)
{
        struct json *trace = json_object(), *services = json_array();
        char name[QUERY_NAME_BYTES];
        const char *list = (const char *)sqlite3_column_text(s, 7);
        int64_t first_us = sqlite3_column_int64(s, 1);

        json_set_str(trace, "trace_id", (const char *)sqlite3_column_text(s, 0));
        json_set_num(trace, "start_ms", (double)(first_us / 1000));
        json_set_num(trace, "duration_ms", (double)(sqlite3_column_int64(s, 2) - first_us) / 1000);
        json_set_num(trace, "spans", (double)sqlite3_column_int64(s, 3));
        json_set_bool(trace, "failed", sqlite3_column_int(s, 4));
        json_set_str(trace, "service", (const char *)sqlite3_column_text(s, 5));
        json_set_str(trace, "name", (const char *)sqlite3_column_text(s, 6));
        while (list && *list) {
                size_t size_bytes = strcspn(list, ",");

                snprintf(name, sizeof name, "%.*s", (int)MIN(size_bytes, sizeof name - 1), list);
                json_push(services, json_string(name));
                list += size_bytes;
                if (*list == ',') list++;
        }
        json_set(trace, "services", services);
        return trace;
}

/* The root is the span whose parent is not among the spans: the earliest of them. */
static const char traces_sql[] =
        "SELECT trace_id, first_us, last_us, span_count, failed,"
        " (SELECT service FROM spans s WHERE s.trace_id = t.trace_id ORDER BY start_us, parent_id <> '' LIMIT 1),"
        " (SELECT name FROM spans s WHERE s.trace_id = t.trace_id ORDER BY start_us, parent_id <> '' LIMIT 1),"
        " (SELECT group_concat(service) FROM (SELECT DISTINCT service FROM spans s WHERE s.trace_id = t.trace_id ORDER BY service))"
        " FROM traces t WHERE 1";

enum err archive_traces(struct archive *a, const struct archive_trace_query *query, struct json **ret, struct err_note *reterr)
{
        struct question q = {.bind_count = 0};
        struct row_reader r = {.json = trace_json, .count_max = (size_t)query->limit};
        AUTO_STATEMENT *s = NULL;
        enum err e;

        CHECK(query->limit > 0 && query->limit <= ARCHIVE_ROWS_MAX);
        buf_init(&q.sql, QUERY_SQL_BYTES);
        buf_str(&q.sql, traces_sql);
        if (query->service) ask_text(&q, " AND EXISTS (SELECT 1 FROM spans s WHERE s.trace_id = t.trace_id AND s.service = ?)", query->service);
        if (query->name) ask_text(&q, " AND EXISTS (SELECT 1 FROM spans s WHERE s.trace_id = t.trace_id AND s.name = ?)", query->name);
        if (query->duration_min_ms) ask_number(&q, " AND last_us - first_us >= ?", query->duration_min_ms * 1000);
        if (query->failed_only) buf_str(&q.sql, " AND failed");
        if (query->from_ms) ask_number(&q, " AND first_us >= ?", query->from_ms * 1000);
        if (query->to_ms) ask_number(&q, " AND first_us <= ?", query->to_ms * 1000);
        ask_number(&q, query->slowest_first ? " ORDER BY last_us - first_us DESC, first_us LIMIT ?" : " ORDER BY first_us DESC LIMIT ?", query->limit);
        pthread_mutex_lock(&a->read_lock);
        a->read_deadline_ms = clock_mono_ms() + ARCHIVE_QUERY_MS;
        e = ask_prepare(&q, a->reader, &s, reterr);
        if (!e) e = rows_read(a->reader, s, &r, ret, reterr);
        sqlite3_finalize(take(&s));
        pthread_mutex_unlock(&a->read_lock);
        buf_done(&q.sql);
        return e;
}

static struct json *span_json(sqlite3_stmt *s)
{
        static const char *const columns[] = {"span_id", "parent_id", "service", "instance", "version", "name"};
        static const char *const kinds[] = {"unspecified", "internal", "server", "client", "producer", "consumer"};
        struct json *span = json_object();
        struct json *attrs = NULL;
        const char *text = (const char *)sqlite3_column_text(s, 10);
        int kind = sqlite3_column_int(s, 6);

        for (int i = 0; i < (int)ARRAY_COUNT(columns); i++) json_set_str(span, columns[i], (const char *)sqlite3_column_text(s, i));
        json_set_str(span, "kind", kinds[kind >= 0 && kind < (int)ARRAY_COUNT(kinds) ? kind : 0]);
        json_set_num(span, "start_us", (double)sqlite3_column_int64(s, 7));
        json_set_num(span, "duration_ms", (double)sqlite3_column_int64(s, 8) / 1000);
        json_set_bool(span, "failed", sqlite3_column_int(s, 9));
        if (json_parse(text, strlen(text), &attrs, NULL)) attrs = json_object();
        json_set(span, "attrs", attrs);
        return span;
}

enum err archive_trace_spans(struct archive *a, const char *trace_id, struct json **ret, struct err_note *reterr)
{
        struct question q = {.bind_count = 0};
        struct row_reader r = {.json = span_json, .count_max = ARCHIVE_SPANS_MAX};
        AUTO_STATEMENT *s = NULL;
        AUTO(json_free) struct json *list = NULL;
        enum err e;

        buf_init(&q.sql, QUERY_SQL_BYTES);
        ask_text(&q,
                 "SELECT span_id, parent_id, service, instance, version, name, kind, start_us, duration_us, failed, attrs FROM spans"
                 " WHERE trace_id = ?",
                 trace_id);
        ask_number(&q, " ORDER BY start_us, duration_us DESC LIMIT ?", ARCHIVE_SPANS_MAX);
        pthread_mutex_lock(&a->read_lock);
        a->read_deadline_ms = clock_mono_ms() + ARCHIVE_QUERY_MS;
        e = ask_prepare(&q, a->reader, &s, reterr);
        if (!e) e = rows_read(a->reader, s, &r, &list, reterr);
        sqlite3_finalize(take(&s));
        pthread_mutex_unlock(&a->read_lock);
        buf_done(&q.sql);
        if (e) return e;
        if (json_count(list) == 0) return err_note(reterr, ERR_NOT_FOUND, "there is no trace '%s' (not seen, not kept, or too old)", trace_id);
        *ret = take(&list);
        return ERR_OK;
}
