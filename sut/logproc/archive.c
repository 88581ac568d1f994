#include "sut/logproc/archive.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/clock.h"
#include "sut/logproc/archive_inside.h"

/* Too large: the oldest tenth goes. */
enum { PRUNE_SHARE = 10, PRUNE_LOGS_A_TURN = 5000, PRUNE_TRACES_A_TURN = 500, SETTLE_A_TURN = 2000, QUERY_STEPS = 2000, TRACE_LOT_DIGITS = 8, TRACE_ID_DIGITS = 32 };

static const char schema_sql[] =
        "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;"
        "CREATE TABLE IF NOT EXISTS logs (id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, level INTEGER NOT NULL,"
        " service TEXT NOT NULL, instance TEXT NOT NULL, version TEXT NOT NULL, event TEXT NOT NULL, message TEXT NOT NULL,"
        " trace_id TEXT NOT NULL, span_id TEXT NOT NULL, fields TEXT NOT NULL);"
        "CREATE INDEX IF NOT EXISTS logs_at ON logs (at_ms);"
        "CREATE INDEX IF NOT EXISTS logs_trace ON logs (trace_id) WHERE trace_id <> '';"
        "CREATE VIRTUAL TABLE IF NOT EXISTS logs_text USING fts5(message, event, fields, content = 'logs', content_rowid = 'id',"
        " tokenize = \"unicode61 tokenchars '_'\");"
        "CREATE TABLE IF NOT EXISTS spans (trace_id TEXT NOT NULL, span_id TEXT NOT NULL, parent_id TEXT NOT NULL, service TEXT NOT NULL,"
        " instance TEXT NOT NULL, version TEXT NOT NULL, name TEXT NOT NULL, kind INTEGER NOT NULL, start_us INTEGER NOT NULL,"
        " duration_us INTEGER NOT NULL, failed INTEGER NOT NULL, attrs TEXT NOT NULL, PRIMARY KEY (trace_id, span_id)) WITHOUT ROWID;"
        "CREATE TABLE IF NOT EXISTS traces (trace_id TEXT PRIMARY KEY, first_us INTEGER NOT NULL, last_us INTEGER NOT NULL,"
        " longest_us INTEGER NOT NULL, span_count INTEGER NOT NULL, failed INTEGER NOT NULL, seen_ms INTEGER NOT NULL,"
        " is_kept INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;"
        "CREATE INDEX IF NOT EXISTS traces_first ON traces (first_us);"
        "CREATE INDEX IF NOT EXISTS traces_new ON traces (seen_ms) WHERE is_kept = 0;"
        "CREATE TABLE IF NOT EXISTS places (name TEXT PRIMARY KEY, inode INTEGER NOT NULL, offset INTEGER NOT NULL);";

static const char add_log_sql[] =
        "INSERT INTO logs (at_ms, level, service, instance, version, event, message, trace_id, span_id, fields) VALUES (?,?,?,?,?,?,?,?,?,?)";
static const char add_text_sql[] = "INSERT INTO logs_text (rowid, message, event, fields) VALUES (?,?,?,?)";
static const char add_span_sql[] = "INSERT OR IGNORE INTO spans VALUES (?,?,?,?,?,?,?,?,?,?,?,?)";
static const char add_trace_sql[] =
        "INSERT INTO traces (trace_id, first_us, last_us, longest_us, span_count, failed, seen_ms) VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6)"
        " ON CONFLICT (trace_id) DO UPDATE SET first_us = min(first_us, ?2), last_us = max(last_us, ?3), longest_us = max(longest_us, ?4),"
        " span_count = span_count + 1, failed = max(failed, ?5), seen_ms = ?6";
static const char add_place_sql[] = "INSERT OR REPLACE INTO places VALUES (?,?,?)";

/* ---- running SQL ---- */

enum err archive_fail(sqlite3 *db, struct err_note *reterr)
{
        switch (sqlite3_errcode(db)) {
        case SQLITE_NOMEM: return err_note(reterr, ERR_NOMEM, "no memory for the log archive");
        case SQLITE_INTERRUPT: return err_note(reterr, ERR_TIMEOUT, "the search took longer than %d ms; narrow it by time or service", ARCHIVE_QUERY_MS);
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return err_note(reterr, ERR_CORRUPT, "the log archive is damaged: %s", sqlite3_errmsg(db));
        default: return err_note(reterr, ERR_IO, "the log archive: %s", sqlite3_errmsg(db));
        }
}

enum err archive_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret, struct err_note *reterr)
{
        if (fault_point()) return err_note(reterr, ERR_IO, "the log archive: a test wants this to fail");
        return sqlite3_prepare_v2(db, sql, -1, ret, NULL) == SQLITE_OK ? ERR_OK : archive_fail(db, reterr);
}

enum err archive_exec(sqlite3 *db, const char *sql, struct err_note *reterr)
{
        return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK ? ERR_OK : archive_fail(db, reterr);
}

enum err archive_step(sqlite3 *db, sqlite3_stmt *s, struct err_note *reterr)
{
        int rc = sqlite3_step(s);
        enum err e = rc == SQLITE_DONE || rc == SQLITE_ROW ? ERR_OK : archive_fail(db, reterr);

        sqlite3_reset(s);
        sqlite3_clear_bindings(s);
        return e;
}

void archive_bind_text(sqlite3_stmt *s, int at, const char *text)
{
        sqlite3_bind_text(s, at, text, -1, SQLITE_STATIC);
}

/* ---- life ---- */

/* Called every few thousand steps of a reader's statement. */
static int reader_is_late(void *ctx)
{
        struct archive *a = ctx;

        return clock_mono_ms() > a->read_deadline_ms;
}

static enum err archive_connect(const char *path, sqlite3 **ret, struct err_note *reterr)
{
        if (sqlite3_open_v2(path, ret, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
                return err_note(reterr, ERR_IO, "cannot open the log archive '%s': %s", path, *ret ? sqlite3_errmsg(*ret) : "no memory");
        sqlite3_busy_timeout(*ret, ARCHIVE_QUERY_MS);
        return archive_exec(*ret, "PRAGMA cache_size = -2000; PRAGMA temp_store = MEMORY", reterr);
}

enum err archive_open(const char *path, struct archive **ret, struct err_note *reterr)
{
        AUTO(archive_free) struct archive *a = mem_zalloc(1, sizeof *a);
        enum err e;

        if (!a) return err_note(reterr, ERR_NOMEM, "no memory for the log archive");
        pthread_mutex_init(&a->read_lock, NULL);
        e = archive_connect(path, &a->writer, reterr);
        if (!e) e = archive_exec(a->writer, schema_sql, reterr);
        if (!e) e = archive_connect(path, &a->reader, reterr);
        if (!e) e = archive_prepare(a->writer, add_log_sql, &a->add_log, reterr);
        if (!e) e = archive_prepare(a->writer, add_text_sql, &a->add_text, reterr);
        if (!e) e = archive_prepare(a->writer, add_span_sql, &a->add_span, reterr);
        if (!e) e = archive_prepare(a->writer, add_trace_sql, &a->add_trace, reterr);
        if (!e) e = archive_prepare(a->writer, add_place_sql, &a->add_place, reterr);
        if (e) return e;
        sqlite3_progress_handler(a->reader, QUERY_STEPS, reader_is_late, a);
        *ret = take(&a);
        return ERR_OK;
}

void archive_free(struct archive *a)
{
        if (!a) return;
        sqlite3_finalize(a->add_log);
        sqlite3_finalize(a->add_text);
        sqlite3_finalize(a->add_span);
        sqlite3_finalize(a->add_trace);
        sqlite3_finalize(a->add_place);
        sqlite3_close(a->reader);
        sqlite3_close(a->writer);
        pthread_mutex_destroy(&a->read_lock);
        mem_free(a);
}

/* ---- adding ---- */

static enum err archive_add_log(struct archive *a, const struct record_log *r, struct err_note *reterr)
{
        const char *const texts[] = {r->service, r->instance, r->version, r->event, r->message, r->trace_id, r->span_id, r->fields};
        sqlite3_stmt *s = a->add_log;
        enum err e;

        sqlite3_bind_int64(s, 1, r->at_ms);
        sqlite3_bind_int(s, 2, (int)r->level);
        for (int i = 0; i < (int)ARRAY_COUNT(texts); i++) archive_bind_text(s, 3 + i, texts[i]);
        e = archive_step(a->writer, s, reterr);
        if (e) return e;
        s = a->add_text;
        sqlite3_bind_int64(s, 1, sqlite3_last_insert_rowid(a->writer));
        archive_bind_text(s, 2, r->message);
        archive_bind_text(s, 3, r->event);
        archive_bind_text(s, 4, r->fields);
        return archive_step(a->writer, s, reterr);
}

static enum err archive_add_span(struct archive *a, const struct record_span *r, int64_t now_ms, struct err_note *reterr)
{
        const char *const texts[] = {r->trace_id, r->span_id, r->parent_id, r->service, r->instance, r->version, r->name};
        sqlite3_stmt *s = a->add_span;
        enum err e;

        for (int i = 0; i < (int)ARRAY_COUNT(texts); i++) archive_bind_text(s, 1 + i, texts[i]);
        sqlite3_bind_int(s, 8, r->kind);
        sqlite3_bind_int64(s, 9, r->start_us);
        sqlite3_bind_int64(s, 10, r->duration_us);
        sqlite3_bind_int(s, 11, r->failed);
        archive_bind_text(s, 12, r->attrs);
        e = archive_step(a->writer, s, reterr);
        if (e || sqlite3_changes(a->writer) == 0) return e; /* sent twice: counted once */
        s = a->add_trace;
        archive_bind_text(s, 1, r->trace_id);
        sqlite3_bind_int64(s, 2, r->start_us);
        sqlite3_bind_int64(s, 3, r->start_us + r->duration_us);
        sqlite3_bind_int64(s, 4, r->duration_us);
        sqlite3_bind_int(s, 5, r->failed);
        sqlite3_bind_int64(s, 6, now_ms);
        return archive_step(a->writer, s, reterr);
}

static enum err archive_add_places(struct archive *a, const struct tail *tail, struct err_note *reterr)
{
        struct tail_place place;
        enum err e = ERR_OK;

        for (size_t i = 0; !e && tail_place_at(tail, i, &place); i++) {
                archive_bind_text(a->add_place, 1, place.name);
                sqlite3_bind_int64(a->add_place, 2, (int64_t)place.inode);
                sqlite3_bind_int64(a->add_place, 3, place.offset);
                e = archive_step(a->writer, a->add_place, reterr);
        }
        return e;
}

/* Ends a transaction: its work is kept if e is ERR_OK, else none of it. */
static enum err archive_end(struct archive *a, enum err e, struct err_note *reterr)
{
        if (!e) e = archive_exec(a->writer, "COMMIT", reterr);
        if (e) sqlite3_exec(a->writer, "ROLLBACK", NULL, NULL, NULL); /* fails only if there is nothing to take back */
        return e;
}

enum err archive_add(struct archive *a, const struct record_batch *batch, const struct tail *tail, int64_t now_ms, struct err_note *reterr)
{
        enum err e = archive_exec(a->writer, "BEGIN IMMEDIATE", reterr);

        if (e) return e;
        for (size_t i = 0; !e && i < batch->log_count; i++) e = archive_add_log(a, &batch->logs[i], reterr);
        for (size_t i = 0; !e && i < batch->span_count; i++) e = archive_add_span(a, &batch->spans[i], now_ms, reterr);
        if (!e && tail) e = archive_add_places(a, tail, reterr);
        return archive_end(a, e, reterr);
}

enum err archive_resume(struct archive *a, struct tail *tail, struct err_note *reterr)
{
        AUTO_STATEMENT *s = NULL;
        enum err e = archive_prepare(a->writer, "SELECT name, inode, offset FROM places", &s, reterr);
        int rc;

        if (e) return e;
        while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
                struct tail_place place = {.inode = (uint64_t)sqlite3_column_int64(s, 1), .offset = sqlite3_column_int64(s, 2)};

                str_cut(place.name, sizeof place.name, (const char *)sqlite3_column_text(s, 0));
                tail_resume(tail, &place);
        }
        return rc == SQLITE_DONE ? ERR_OK : archive_fail(a->writer, reterr);
}

/* ---- removing ---- */

static enum err archive_drop_trace(struct archive *a, const char *trace_id, struct err_note *reterr)
{
        static const char *const statements[] = {"DELETE FROM spans WHERE trace_id = ?", "DELETE FROM traces WHERE trace_id = ?"};

        for (size_t i = 0; i < ARRAY_COUNT(statements); i++) {
                AUTO_STATEMENT *s = NULL;
                enum err e = archive_prepare(a->writer, statements[i], &s, reterr);

                if (e) return e;
                archive_bind_text(s, 1, trace_id);
                e = archive_step(a->writer, s, reterr);
                if (e) return e;
        }
        return ERR_OK;
}

/* The lot is drawn from the trace's own number, so late spans of a trace share its fate. */
static bool trace_is_drawn(const char *trace_id, int percent)
{
        unsigned long lot;

        if (strlen(trace_id) != TRACE_ID_DIGITS) return false;
        lot = strtoul(trace_id + TRACE_ID_DIGITS - TRACE_LOT_DIGITS, NULL, 16);
        return (int)(lot % 100) < percent;
}

static enum err archive_settle_each(struct archive *a, const struct archive_policy *policy, int64_t now_ms, struct err_note *reterr)
{
        AUTO_STATEMENT *list = NULL, *keep = NULL;
        enum err e = archive_prepare(a->writer, "SELECT trace_id, failed OR longest_us >= ? FROM traces WHERE is_kept = 0 AND seen_ms <= ? LIMIT ?",
                                     &list, reterr);
        int rc = SQLITE_DONE;

        if (!e) e = archive_prepare(a->writer, "UPDATE traces SET is_kept = 1 WHERE trace_id = ?", &keep, reterr);
        if (e) return e;
        sqlite3_bind_int64(list, 1, policy->slow_us);
        sqlite3_bind_int64(list, 2, now_ms - ARCHIVE_SETTLE_MS);
        sqlite3_bind_int(list, 3, SETTLE_A_TURN);
        while (!e && (rc = sqlite3_step(list)) == SQLITE_ROW) {
                char trace_id[TRACE_ID_DIGITS + 1];

                str_cut(trace_id, sizeof trace_id, (const char *)sqlite3_column_text(list, 0));
                if (sqlite3_column_int(list, 1) || trace_is_drawn(trace_id, policy->trace_keep_percent)) {
                        archive_bind_text(keep, 1, trace_id);
                        e = archive_step(a->writer, keep, reterr);
                } else {
                        e = archive_drop_trace(a, trace_id, reterr);
                }
        }
        if (!e && rc != SQLITE_DONE) e = archive_fail(a->writer, reterr);
        return e;
}

enum err archive_settle(struct archive *a, const struct archive_policy *policy, int64_t now_ms, struct err_note *reterr)
{
        enum err e = archive_exec(a->writer, "BEGIN IMMEDIATE", reterr);

        if (e) return e;
        return archive_end(a, archive_settle_each(a, policy, now_ms, reterr), reterr);
}

/* The lines of a list of numbers; the full-text index needs the texts to forget them. */
#define DROP_TEXT_SQL(list)                                                                                            \
        "INSERT INTO logs_text (logs_text, rowid, message, event, fields)"                                             \
        " SELECT 'delete', id, message, event, fields FROM logs WHERE id IN (" list ")"
#define DROP_LINES_SQL(list) "DELETE FROM logs WHERE id IN (" list ")"
#define OLDER_SQL "SELECT id FROM logs WHERE at_ms < ?1 ORDER BY at_ms, id LIMIT ?2"
#define FIRST_SQL "SELECT id FROM logs WHERE ?1 >= 0 ORDER BY id LIMIT ?2"

static enum err archive_drop_logs(struct archive *a, const char *const statements[2], int64_t argument, int64_t count, struct err_note *reterr)
{
        for (size_t i = 0; i < 2; i++) {
                AUTO_STATEMENT *s = NULL;
                enum err e = archive_prepare(a->writer, statements[i], &s, reterr);

                if (e) return e;
                sqlite3_bind_int64(s, 1, argument);
                sqlite3_bind_int64(s, 2, count);
                e = archive_step(a->writer, s, reterr);
                if (e) return e;
        }
        return ERR_OK;
}

static enum err archive_number(sqlite3 *db, const char *sql, int64_t argument, int64_t *ret, struct err_note *reterr)
{
        AUTO_STATEMENT *s = NULL;
        enum err e = archive_prepare(db, sql, &s, reterr);

        if (e) return e;
        if (sqlite3_bind_parameter_count(s) > 0) sqlite3_bind_int64(s, 1, argument);
        if (sqlite3_step(s) != SQLITE_ROW) return archive_fail(db, reterr);
        *ret = sqlite3_column_int64(s, 0);
        return ERR_OK;
}

/* Pages in use; the write-ahead log is not counted, since it does not grow with what is kept. */
#define BYTES_SQL                                                                                                      \
        "SELECT ((SELECT page_count FROM pragma_page_count) - (SELECT freelist_count FROM pragma_freelist_count))"     \
        " * (SELECT page_size FROM pragma_page_size)"

static enum err archive_prune_logs(struct archive *a, int64_t oldest_ms, bool is_too_large, struct err_note *reterr)
{
        static const char *const older[] = {DROP_TEXT_SQL(OLDER_SQL), DROP_LINES_SQL(OLDER_SQL)};
        static const char *const first[] = {DROP_TEXT_SQL(FIRST_SQL), DROP_LINES_SQL(FIRST_SQL)};
        int64_t all = 0;
        enum err e = archive_drop_logs(a, older, oldest_ms, PRUNE_LOGS_A_TURN, reterr);

        if (e || !is_too_large) return e;
        e = archive_number(a->writer, "SELECT count(*) FROM logs", 0, &all, reterr);
        if (e) return e;
        return archive_drop_logs(a, first, 0, MIN(all / PRUNE_SHARE + 1, (int64_t)PRUNE_LOGS_A_TURN), reterr);
}

static enum err archive_prune_traces(struct archive *a, int64_t oldest_ms, bool is_too_large, struct err_note *reterr)
{
        int64_t count = 0;
        enum err e = archive_number(a->writer, "SELECT count(*) FROM traces WHERE first_us < ?", oldest_ms * 1000, &count, reterr);
        int64_t all = 0;

        if (!e && is_too_large) e = archive_number(a->writer, "SELECT count(*) FROM traces", 0, &all, reterr);
        count = MIN(MAX(count, all / PRUNE_SHARE), (int64_t)PRUNE_TRACES_A_TURN);
        for (int64_t i = 0; !e && i < count; i++) {
                AUTO_STATEMENT *s = NULL;
                char trace_id[TRACE_ID_DIGITS + 1];

                e = archive_prepare(a->writer, "SELECT trace_id FROM traces ORDER BY first_us LIMIT 1", &s, reterr);
                if (e || sqlite3_step(s) != SQLITE_ROW) break;
                str_cut(trace_id, sizeof trace_id, (const char *)sqlite3_column_text(s, 0));
                sqlite3_reset(s);
                e = archive_drop_trace(a, trace_id, reterr);
        }
        return e;
}

enum err archive_prune(struct archive *a, const struct archive_policy *policy, int64_t now_ms, struct err_note *reterr)
{
        int64_t oldest_ms = now_ms - policy->age_max_ms, bytes = 0;
        enum err e = archive_number(a->writer, BYTES_SQL, 0, &bytes, reterr);

        if (!e) e = archive_exec(a->writer, "BEGIN IMMEDIATE", reterr);
        if (e) return e;
        e = archive_prune_logs(a, oldest_ms, bytes > policy->bytes_max, reterr);
        if (!e) e = archive_prune_traces(a, oldest_ms, bytes > policy->bytes_max, reterr);
        /* Removed lines stay in the full-text index as marks until its parts are merged. */
        if (!e && bytes > policy->bytes_max) e = archive_exec(a->writer, "INSERT INTO logs_text (logs_text) VALUES ('optimize')", reterr);
        e = archive_end(a, e, reterr);
        if (!e) e = archive_exec(a->writer, "PRAGMA incremental_vacuum(2000)", reterr);
        return e;
}

enum err archive_stat(struct archive *a, struct archive_stat *ret, struct err_note *reterr)
{
        static const char *const questions[] = {"SELECT count(*) FROM logs", "SELECT coalesce(sum(span_count), 0) FROM traces", "SELECT count(*) FROM traces",
                                                BYTES_SQL, "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'logs'), 0)"};
        int64_t *const answers[] = {&ret->logs, &ret->spans, &ret->traces, &ret->bytes, &ret->last_log_id};
        enum err e = ERR_OK;

        pthread_mutex_lock(&a->read_lock);
        a->read_deadline_ms = clock_mono_ms() + ARCHIVE_QUERY_MS;
        for (size_t i = 0; !e && i < ARRAY_COUNT(questions); i++) e = archive_number(a->reader, questions[i], 0, answers[i], reterr);
        pthread_mutex_unlock(&a->read_lock);
        return e;
}
