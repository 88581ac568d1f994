#include "server/store/db.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "server/store/store.h"

enum { DB_BUSY_MS = 2000 };

struct db {
        sqlite3 *handle;
        sqlite3_stmt *stmts[DB_STMT_COUNT];
        int64_t pages_max;
};

static const char *const stmt_sql[DB_STMT_COUNT] = {
#define X(name, sql) [DB_##name] = sql,
        DB_STMT_LIST(X)
#undef X
};

static const struct migration {
        const char *name;
        const char *sql;
} migrations[] = {
#include "server/store/migrations.inc"
};

/* What a person can do about it, by SQLite's result code. */
static enum err db_fail(struct db *db, int rc, struct err_note *reterr)
{
        const char *file = sqlite3_db_filename(db->handle, "main");

        switch (rc & 0xff) {
        case SQLITE_FULL:
                return err_note(reterr, ERR_IO,
                                "the disk is full: the database '%s' cannot grow; free some space and try again", file);
        case SQLITE_NOMEM:
                return err_note(reterr, ERR_NOMEM, "out of memory in the database '%s'", file);
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
                return err_note(reterr, ERR_STATE,
                                "the database '%s' is in use by another firedrill; stop that one or use another --home",
                                file);
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
                return err_note(reterr, ERR_CORRUPT,
                                "the database '%s' is damaged or not a database (%s); move it away to start afresh",
                                file, sqlite3_errmsg(db->handle));
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_CANTOPEN:
                return err_note(reterr, ERR_IO,
                                "the database '%s' cannot be written (%s); check the folder's permissions", file,
                                sqlite3_errmsg(db->handle));
        default:
                return err_note(reterr, ERR_IO, "the database '%s' failed: %s", file, sqlite3_errmsg(db->handle));
        }
}

static enum err db_exec(struct db *db, const char *sql, struct err_note *reterr)
{
        int rc;

        if (fault_point()) return err_note(reterr, ERR_IO, "the database failed");
        rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
        if (rc != SQLITE_OK) return db_fail(db, rc, reterr);
        return ERR_OK;
}

static enum err db_pragma_i64(struct db *db, const char *sql, int64_t *ret, struct err_note *reterr)
{
        sqlite3_stmt *stmt = NULL;
        int rc = sqlite3_prepare_v2(db->handle, sql, -1, &stmt, NULL);

        if (rc == SQLITE_OK) rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW) *ret = sqlite3_column_int64(stmt, 0);
        (void)sqlite3_finalize(stmt);
        return rc == SQLITE_ROW ? ERR_OK : db_fail(db, rc, reterr);
}

/* Each migration and the number that says it was done are one transaction: a crash in between repeats the whole of it.
 */
static enum err db_migrate(struct db *db, struct err_note *reterr)
{
        int64_t version = 0;
        enum err e = db_pragma_i64(db, "PRAGMA user_version", &version, reterr);

        if (e) return e;
        if (version < 0 || (size_t)version > ARRAY_COUNT(migrations))
                return err_note(
                        reterr, ERR_UNSUPPORTED,
                        "the database '%s' was written by a newer firedrill (schema %lld, this one knows up to %zu); "
                        "update firedrill, or use another --home",
                        sqlite3_db_filename(db->handle, "main"), (long long)version, ARRAY_COUNT(migrations));
        for (size_t i = (size_t)version; i < ARRAY_COUNT(migrations); i++) {
                char mark[64];

                (void)snprintf(mark, sizeof(mark), "PRAGMA user_version=%zu", i + 1);
                e = db_exec(db, "BEGIN IMMEDIATE", reterr);
                if (e) return e;
                e = db_exec(db, migrations[i].sql, reterr);
                if (!e) e = db_exec(db, mark, reterr);
                if (!e) e = db_exec(db, "COMMIT", reterr);
                if (e) {
                        (void)sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
                        err_note_prefix(reterr, "migration %s", migrations[i].name);
                        return e;
                }
        }
        return ERR_OK;
}

/* The exclusive lock is kept for life: two servers on one home would each undo the other's faults. */
static enum err db_setup(struct db *db, struct err_note *reterr)
{
        enum err e;

        (void)sqlite3_busy_timeout(db->handle, DB_BUSY_MS);
        (void)sqlite3_limit(db->handle, SQLITE_LIMIT_LENGTH, 4 * STORE_TEXT_BYTES_MAX);
        e = db_exec(db,
                    "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA "
                    "foreign_keys=ON",
                    reterr);
        if (!e) e = db_exec(db, "BEGIN EXCLUSIVE; COMMIT", reterr);
        if (!e) e = db_migrate(db, reterr);
        if (!e) e = db_pragma_i64(db, "PRAGMA max_page_count", &db->pages_max, reterr);
        return e;
}

enum err db_open(const char *path, struct db **ret, struct err_note *reterr)
{
        AUTO(db_free) struct db *db = mem_zalloc(1, sizeof(*db));
        enum err e;
        int rc;

        if (!db) return err_note(reterr, ERR_NOMEM, "out of memory");
        rc = sqlite3_open_v2(path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
        if (!db->handle) return err_note(reterr, ERR_NOMEM, "out of memory");
        if (rc != SQLITE_OK) return db_fail(db, rc, reterr);
        e = db_setup(db, reterr);
        if (e) return e;
        *ret = take(&db);
        return ERR_OK;
}

void db_free(struct db *db)
{
        if (!db) return;
        for (int i = 0; i < DB_STMT_COUNT; i++) (void)sqlite3_finalize(db->stmts[i]);
        (void)sqlite3_close(db->handle);
        mem_free(db);
}

static int db_bind(sqlite3_stmt *stmt, int at, char type, va_list *args)
{
        int64_t number;
        const char *text;

        switch (type) {
        case 'i':
                return sqlite3_bind_int64(stmt, at, va_arg(*args, int64_t));
        case 'n':
                number = va_arg(*args, int64_t);
                return number == STORE_TIME_NONE ? sqlite3_bind_null(stmt, at) : sqlite3_bind_int64(stmt, at, number);
        case 't':
                text = va_arg(*args, const char *);
                if (text && strlen(text) > STORE_TEXT_BYTES_MAX) return SQLITE_TOOBIG;
                return text ? sqlite3_bind_text(stmt, at, text, -1, SQLITE_TRANSIENT) : sqlite3_bind_null(stmt, at);
        default:
                CHECK(!"a type letter is i, n or t");
                return SQLITE_MISUSE;
        }
}

enum err db_start(struct db *db, enum db_stmt stmt, struct err_note *reterr, const char *types, ...)
{
        va_list args;
        int rc = SQLITE_OK;

        if (fault_point()) return err_note(reterr, ERR_IO, "the database failed");
        if (!db->stmts[stmt])
                rc = sqlite3_prepare_v3(db->handle, stmt_sql[stmt], -1, SQLITE_PREPARE_PERSISTENT, &db->stmts[stmt],
                                        NULL);
        if (rc != SQLITE_OK) return db_fail(db, rc, reterr);
        db_reset(db, stmt);
        CHECK(sqlite3_bind_parameter_count(db->stmts[stmt]) == (int)strlen(types));
        va_start(args, types);
        for (int i = 0; types[i] && rc == SQLITE_OK; i++) rc = db_bind(db->stmts[stmt], i + 1, types[i], &args);
        va_end(args);
        if (rc == SQLITE_TOOBIG)
                return err_note(reterr, ERR_LIMIT, "a text is larger than the store's limit of %d bytes",
                                STORE_TEXT_BYTES_MAX);
        return rc == SQLITE_OK ? ERR_OK : db_fail(db, rc, reterr);
}

enum err db_step(struct db *db, enum db_stmt stmt, bool *ret_row, struct err_note *reterr)
{
        int rc = fault_point() ? SQLITE_IOERR : sqlite3_step(db->stmts[stmt]);
        enum err e;

        if (rc == SQLITE_ROW) {
                *ret_row = true;
                return ERR_OK;
        }
        e = rc == SQLITE_DONE ? ERR_OK : db_fail(db, rc, reterr);
        db_reset(db, stmt);
        if (!e) *ret_row = false;
        return e;
}

void db_reset(struct db *db, enum db_stmt stmt)
{
        (void)sqlite3_reset(db->stmts[stmt]);
        (void)sqlite3_clear_bindings(db->stmts[stmt]);
}

int64_t db_i64(struct db *db, enum db_stmt stmt, int column)
{
        if (sqlite3_column_type(db->stmts[stmt], column) == SQLITE_NULL) return STORE_TIME_NONE;
        return sqlite3_column_int64(db->stmts[stmt], column);
}

const char *db_text(struct db *db, enum db_stmt stmt, int column)
{
        return (const char *)sqlite3_column_text(db->stmts[stmt], column);
}

int64_t db_last_id(struct db *db)
{
        return sqlite3_last_insert_rowid(db->handle);
}

int64_t db_changes(struct db *db)
{
        return sqlite3_changes64(db->handle);
}

void db_growth_stop(struct db *db, bool stop)
{
        char sql[64];
        int64_t pages = 0;

        if (db_pragma_i64(db, "PRAGMA page_count", &pages, NULL)) pages = 1;
        (void)snprintf(sql, sizeof(sql), "PRAGMA max_page_count=%lld", (long long)(stop ? pages : db->pages_max));
        (void)sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
}

enum err db_run(struct db *db, enum db_stmt stmt, struct err_note *reterr)
{
        bool row = true;
        enum err e = ERR_OK;

        while (!e && row) e = db_step(db, stmt, &row, reterr);
        return e;
}

enum err db_begin(struct db *db, struct err_note *reterr)
{
        enum err e = db_start(db, DB_BEGIN, reterr, "");

        return e ? e : db_run(db, DB_BEGIN, reterr);
}

enum err db_end(struct db *db, enum err outcome, struct err_note *reterr)
{
        enum err e = outcome;

        if (!e) e = db_start(db, DB_COMMIT, reterr, "");
        if (!e) e = db_run(db, DB_COMMIT, reterr);
        if (e && !sqlite3_get_autocommit(db->handle)) (void)sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
        return e;
}
