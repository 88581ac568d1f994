#include "sut/db/db_setup.h"

#include "common/base/buf.h"
#include "common/base/check.h"
#include "common/base/str.h"

#define SETUP_APPLICATION "sut-db-setup"

/* The seed's fingerprint: a database that answers otherwise is not ours any more. */
#define SEED_SQL                                                                                                       \
        "SELECT (SELECT value FROM shop_meta WHERE key = 'schema') = '1'"                                              \
        " AND (SELECT count(*) FROM orders WHERE id <= 300000) = 300000"                                               \
        " AND (SELECT count(*) FROM products) = 2000 AND (SELECT count(*) FROM customers) = 2000"

static const char *const init_files[] = {"10-schema.sql", "20-seed.sql", "30-index.sql", "40-grant.sql", NULL};
static const char *const reset_files[] = {"90-reset.sql", "30-index.sql", "40-grant.sql", NULL};

/* Statements that stand alone: ALTER SYSTEM and CREATE DATABASE refuse to be one of several. */
static const char *const role_statements[] = {
        "DO $$ BEGIN CREATE ROLE shop LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        "DO $$ BEGIN CREATE ROLE reporting LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        "DO $$ BEGIN CREATE ROLE maintenance LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        "ALTER ROLE shop PASSWORD 'shop' CONNECTION LIMIT -1",
        "ALTER ROLE reporting PASSWORD 'reporting'",
        "ALTER ROLE maintenance PASSWORD 'maintenance'",
        NULL,
};
static const char *const pristine_statements[] = {
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename IN ('reporting', 'maintenance')",
        "ALTER SYSTEM RESET ALL",
        "SELECT pg_reload_conf()",
        NULL,
};

static enum err setup_open(const struct db_admin *admin, const char *database, struct pg_session **ret, struct err_note *reterr)
{
        return db_admin_open(admin, DB_SUPERUSER, database, SETUP_APPLICATION, ret, reterr);
}

static enum err setup_each(struct pg_session *s, const char *const *statements, struct err_note *reterr)
{
        for (; *statements; statements++) {
                enum err e = pg_session_exec(s, *statements, DB_SETUP_MS, reterr);

                if (e) return e;
        }
        return ERR_OK;
}

static enum err setup_file(struct pg_session *s, const char *share, const char *name, struct err_note *reterr)
{
        char path[FILE_PATH_BYTES];
        AUTO_BUF sql;
        enum err e;

        buf_init(&sql, DB_SETUP_FILE_BYTES_MAX);
        e = path_format(path, "%s/db/sut/%s", share, name);
        if (e) return err_note(reterr, e, "the path of '%s' is too long", share);
        e = file_read(path, &sql, reterr);
        if (e) return e;
        e = pg_session_exec(s, sql.data, DB_SETUP_MS, reterr);
        if (e) err_note_prefix(reterr, "%s", path);
        return e;
}

/* All files in one transaction: a session that fails is closed by its owner, which rolls back. */
static enum err setup_files(struct pg_session *s, const char *share, const char *const *names, struct err_note *reterr)
{
        enum err e = pg_session_exec(s, "BEGIN", DB_SETUP_MS, reterr);

        for (; !e && *names; names++) e = setup_file(s, share, *names, reterr);
        return e ? e : pg_session_exec(s, "COMMIT", DB_SETUP_MS, reterr);
}

static enum err setup_ask(struct pg_session *s, const char *sql, bool *ret_yes, struct err_note *reterr)
{
        AUTO(pg_rows_free) struct pg_rows *rows = NULL;
        enum err e = pg_session_query(s, NULL, sql, NULL, 0, DB_SETUP_MS, &rows, reterr);

        if (e) return e;
        *ret_yes = pg_rows_count(rows) == 1 && str_eq(pg_rows_text(rows, 0, 0), "t");
        return ERR_OK;
}

static enum err setup_database(const struct db_admin *admin, struct err_note *reterr)
{
        AUTO(pg_session_free) struct pg_session *s = NULL;
        bool exists = false;
        enum err e = setup_open(admin, "postgres", &s, reterr);

        if (!e) e = setup_each(s, role_statements, reterr);
        if (!e) e = setup_ask(s, "SELECT count(*) > 0 FROM pg_database WHERE datname = '" DB_APP "'", &exists, reterr);
        if (!e && !exists) e = pg_session_exec(s, "CREATE DATABASE " DB_APP, DB_SETUP_MS, reterr);
        return e;
}

/* Everything anew: whatever stands in the schema goes. */
static enum err setup_fill(struct pg_session *s, const char *share, struct err_note *reterr)
{
        enum err e = pg_session_exec(s,
                                     "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" DB_APP "' AND pid <> pg_backend_pid();"
                                     "DROP SCHEMA public CASCADE; CREATE SCHEMA public",
                                     DB_SETUP_MS, reterr);

        if (!e) e = setup_files(s, share, init_files, reterr);
        if (!e) e = pg_session_exec(s, "ANALYZE", DB_SETUP_MS, reterr);
        return e;
}

/* The questions about rows can only be asked where the tables are. */
static enum err setup_is_seeded(struct pg_session *s, bool *ret, struct err_note *reterr)
{
        bool has_tables = false;
        enum err e = setup_ask(s,
                               "SELECT to_regclass('shop_meta') IS NOT NULL AND to_regclass('orders') IS NOT NULL"
                               " AND to_regclass('products') IS NOT NULL AND to_regclass('customers') IS NOT NULL"
                               " AND to_regclass('payments') IS NOT NULL AND to_regproc('shop_email_key') IS NOT NULL",
                               &has_tables, reterr);

        *ret = false;
        if (e || !has_tables) return e;
        return setup_ask(s, SEED_SQL, ret, reterr);
}

enum err db_setup_init(const struct db_admin *admin, const char *share, struct err_note *reterr)
{
        AUTO(pg_session_free) struct pg_session *s = NULL;
        bool is_seeded = false;
        enum err e = setup_database(admin, reterr);

        if (!e) e = setup_open(admin, DB_APP, &s, reterr);
        if (!e) e = setup_is_seeded(s, &is_seeded, reterr);
        if (!e && !is_seeded) e = setup_fill(s, share, reterr);
        return e;
}

enum err db_setup_reset(const struct db_admin *admin, const char *share, struct err_note *reterr)
{
        AUTO(pg_session_free) struct pg_session *s = NULL;
        bool is_seeded = false;
        enum err e = setup_database(admin, reterr);

        if (!e) e = setup_open(admin, DB_APP, &s, reterr);
        if (!e) e = setup_each(s, pristine_statements, reterr);
        if (!e) e = setup_is_seeded(s, &is_seeded, reterr);
        if (e) return e;
        if (!is_seeded) return setup_fill(s, share, reterr);
        e = setup_files(s, share, reset_files, reterr);
        /* Rows a run has added are gone for the tables; the statistics and the space follow. */
        if (!e) e = pg_session_exec(s, "VACUUM (ANALYZE) orders", DB_SETUP_MS, reterr);
        if (!e) e = pg_session_exec(s, "VACUUM (ANALYZE) payments", DB_SETUP_MS, reterr);
        return e;
}
