#include "sut/db/db_admin.h"

#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/str.h"

/* How a knob reaches the server. text: the statement, with %s for the value where it is a setting. */
enum reach { REACH_NONE, REACH_SETTING_MS, REACH_SETTING_KB, REACH_SETTING, REACH_PLANNER, REACH_LIMIT, REACH_PASSWORD, REACH_INDEX };

static const struct {
        enum reach reach;
        const char *name, *make; /* setting or index; how the index is made */
} reaches[DB_KNOB_COUNT] = {
        [DB_MAX_CONNECTIONS] = {REACH_SETTING, "max_connections", NULL},
        [DB_APP_CONNECTION_LIMIT] = {REACH_LIMIT, NULL, NULL},
        [DB_APP_PASSWORD] = {REACH_PASSWORD, NULL, NULL},
        [DB_STATEMENT_TIMEOUT_MS] = {REACH_SETTING_MS, "statement_timeout", NULL},
        [DB_LOCK_TIMEOUT_MS] = {REACH_SETTING_MS, "lock_timeout", NULL},
        [DB_IDLE_TRANSACTION_TIMEOUT_MS] = {REACH_SETTING_MS, "idle_in_transaction_session_timeout", NULL},
        [DB_WORK_MEM_KB] = {REACH_SETTING_KB, "work_mem", NULL},
        [DB_INDEX_SCANS] = {REACH_PLANNER, NULL, NULL},
        [DB_SLOW_LOG_MS] = {REACH_SETTING, "log_min_duration_statement", NULL},
        [DB_ORDERS_INDEX] = {REACH_INDEX, "orders_email_idx",
                             "CREATE INDEX IF NOT EXISTS orders_email_idx ON orders (shop_email_key(email))"},
        [DB_PRODUCTS_INDEX] = {REACH_INDEX, "orders_product_idx",
                               "CREATE INDEX IF NOT EXISTS orders_product_idx ON orders (product_id)"},
};

/* ---- reaching the server ---- */

enum err db_admin_init(struct db_admin *a, const char *address, const char *stack_dir, struct err_note *reterr)
{
        char path[FILE_PATH_BYTES];
        enum err e;

        *a = (struct db_admin){0};
        e = sock_split(address, a->host, &a->port);
        if (e) return err_note(reterr, ERR_INVAL, "--upstream postgres=%s: expected HOST:PORT", address);
        e = path_format(path, "%s/s", stack_dir);
        if (e) return err_note(reterr, e, "the path of the stack directory '%s' is too long", stack_dir);
        if (file_is_dir(path)) str_cut(a->socket_dir, sizeof a->socket_dir, path); /* the socket in it comes and goes with the server */
        return ERR_OK;
}

enum err db_admin_open(const struct db_admin *a, const char *user, const char *database, const char *application,
                       struct pg_session **ret, struct err_note *reterr)
{
        struct pg_options options = {
                .host = a->socket_dir[0] ? a->socket_dir : a->host, .port = a->port, .database = database, .user = user,
                .password = user, .application = application, .connect_ms = DB_ADMIN_MS};
        AUTO(pg_session_free) struct pg_session *s = NULL;
        enum err e = pg_session_open(&options, &s, reterr);

        if (e) return e;
        if (str_eq(user, DB_SUPERUSER)) {
                e = pg_session_exec(s, "SET statement_timeout = 0; SET lock_timeout = 5000; SET idle_in_transaction_session_timeout = 0;"
                                    " SET client_min_messages = warning",
                                    DB_ADMIN_MS, reterr);
                if (e) return e;
        }
        *ret = take(&s);
        return ERR_OK;
}

static enum err admin_session(const struct db_admin *a, struct pg_session **ret, struct err_note *reterr)
{
        return db_admin_open(a, DB_SUPERUSER, DB_APP, "sut-db", ret, reterr);
}

/* ---- knobs to statements ---- */

/* A text literal; the value is a learner's, so quotes are doubled. standard_conforming_strings is on, so backslashes are plain. */
static void sql_literal(struct buf *b, const char *text)
{
        buf_char(b, '\'');
        for (; *text; text++) {
                if (*text == '\'') buf_char(b, '\'');
                buf_char(b, *text);
        }
        buf_char(b, '\'');
}

/* ALTER SYSTEM may not run inside a transaction block, and several statements in one message are one: so one by one. */
static enum err run_each(struct pg_session *s, const char *const *statements, size_t count, struct err_note *reterr)
{
        for (size_t i = 0; i < count; i++) {
                enum err e = pg_session_exec(s, statements[i], DB_INDEX_MS, reterr);

                if (e) return e;
        }
        return ERR_OK;
}

static enum err set_setting(struct pg_session *s, const char *name, const char *unit, int64_t value, struct err_note *reterr)
{
        char statement[160];
        const char *const statements[] = {statement, "SELECT pg_reload_conf()"};

        snprintf(statement, sizeof statement, "ALTER SYSTEM SET %s = '%lld%s'", name, (long long)value, unit);
        return run_each(s, statements, ARRAY_COUNT(statements), reterr);
}

static enum err set_planner(struct pg_session *s, bool on, struct err_note *reterr)
{
        static const char *const statements_on[] = {
                "ALTER SYSTEM SET enable_indexscan = on", "ALTER SYSTEM SET enable_bitmapscan = on",
                "ALTER SYSTEM SET enable_indexonlyscan = on", "SELECT pg_reload_conf()"};
        static const char *const statements_off[] = {
                "ALTER SYSTEM SET enable_indexscan = off", "ALTER SYSTEM SET enable_bitmapscan = off",
                "ALTER SYSTEM SET enable_indexonlyscan = off", "SELECT pg_reload_conf()"};

        return run_each(s, on ? statements_on : statements_off, ARRAY_COUNT(statements_on), reterr);
}

static enum err set_role(struct pg_session *s, enum reach reach, const struct json *value, struct err_note *reterr)
{
        AUTO_BUF b;
        enum err e;

        buf_init(&b, 4096);
        if (reach == REACH_LIMIT) {
                buf_printf(&b, "ALTER ROLE " DB_APP " CONNECTION LIMIT %lld", (long long)json_value(value));
        } else {
                buf_str(&b, "ALTER ROLE " DB_APP " PASSWORD ");
                sql_literal(&b, json_text(value));
        }
        e = buf_status(&b);
        if (e) return err_note(reterr, e, "the value is too long");
        return pg_session_exec(s, b.data, DB_ADMIN_MS, reterr);
}

static enum err set_index(struct pg_session *s, enum db_knob knob, bool on, struct err_note *reterr)
{
        char statement[160];

        if (on) return pg_session_exec(s, reaches[knob].make, DB_INDEX_MS, reterr);
        snprintf(statement, sizeof statement, "DROP INDEX IF EXISTS %s", reaches[knob].name);
        return pg_session_exec(s, statement, DB_INDEX_MS, reterr);
}

enum err db_admin_set(const struct db_admin *a, enum db_knob knob, const struct json *value, bool *ret_mine,
                      struct err_note *reterr)
{
        AUTO(pg_session_free) struct pg_session *s = NULL;
        enum reach reach = reaches[knob].reach;
        enum err e;

        if (reach == REACH_NONE) {
                *ret_mine = false;
                return ERR_OK;
        }
        e = admin_session(a, &s, reterr);
        if (e) return e;
        switch (reach) {
        case REACH_SETTING_MS: e = set_setting(s, reaches[knob].name, "ms", (int64_t)json_value(value), reterr); break;
        case REACH_SETTING_KB: e = set_setting(s, reaches[knob].name, "kB", (int64_t)json_value(value), reterr); break;
        case REACH_SETTING: e = set_setting(s, reaches[knob].name, "", (int64_t)json_value(value), reterr); break;
        case REACH_PLANNER: e = set_planner(s, json_true(value), reterr); break;
        case REACH_LIMIT:
        case REACH_PASSWORD: e = set_role(s, reach, value, reterr); break;
        case REACH_INDEX: e = set_index(s, knob, json_true(value), reterr); break;
        case REACH_NONE: CHECK(false);
        }
        if (e) return e;
        *ret_mine = true;
        return ERR_OK;
}

/* ---- reading ---- */

/* pg_file_settings tells what the next restart will use, for settings that need one; the rest is what is in force.
 * A password cannot be read back. */
static const char read_sql[] =
        "SELECT coalesce((SELECT setting FROM pg_file_settings WHERE name = 'max_connections' ORDER BY seqno DESC LIMIT 1),"
        "                current_setting('max_connections')),"
        " (SELECT rolconnlimit FROM pg_roles WHERE rolname = 'shop'),"
        " (SELECT reset_val FROM pg_settings WHERE name = 'statement_timeout'),"
        " (SELECT reset_val FROM pg_settings WHERE name = 'lock_timeout'),"
        " (SELECT reset_val FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'),"
        " (SELECT setting FROM pg_settings WHERE name = 'work_mem'),"
        " (SELECT setting FROM pg_settings WHERE name = 'log_min_duration_statement'),"
        " current_setting('enable_indexscan')::bool,"
        " to_regclass('orders_email_idx') IS NOT NULL,"
        " to_regclass('orders_product_idx') IS NOT NULL";

static const struct {
        enum db_knob knob;
        bool is_bool;
} read_columns[] = {
        {DB_MAX_CONNECTIONS, false},  {DB_APP_CONNECTION_LIMIT, false},        {DB_STATEMENT_TIMEOUT_MS, false},
        {DB_LOCK_TIMEOUT_MS, false},  {DB_IDLE_TRANSACTION_TIMEOUT_MS, false}, {DB_WORK_MEM_KB, false},
        {DB_SLOW_LOG_MS, false},      {DB_INDEX_SCANS, true},                  {DB_ORDERS_INDEX, true},
        {DB_PRODUCTS_INDEX, true},
};

enum err db_admin_read(const struct db_admin *a, struct json *values, struct err_note *reterr)
{
        AUTO(pg_session_free) struct pg_session *s = NULL;
        AUTO(pg_rows_free) struct pg_rows *rows = NULL;
        enum err e;

        e = admin_session(a, &s, reterr);
        if (e) return e;
        e = pg_session_query(s, NULL, read_sql, NULL, 0, DB_ADMIN_MS, &rows, reterr);
        if (e) return e;
        for (size_t i = 0; i < ARRAY_COUNT(read_columns); i++) {
                const char *key = db_knobs[read_columns[i].knob].key;

                if (read_columns[i].is_bool) json_set_bool(values, key, str_eq(pg_rows_text(rows, 0, (int)i), "t"));
                else json_set_num(values, key, (double)pg_rows_i64(rows, 0, (int)i));
        }
        return ERR_OK;
}

static const char sessions_sql[] =
        "SELECT pid, usename, application_name, coalesce(state, ''), coalesce(wait_event_type, ''),"
        " extract(epoch FROM clock_timestamp() - state_change)::float8, left(query, 300), pg_blocking_pids(pid)::text"
        " FROM pg_stat_activity WHERE datname = '" DB_APP "' AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        " ORDER BY usename, application_name, pid LIMIT 400";

/* "{12,13}" -> [12,13] */
static struct json *pids_json(const char *text)
{
        struct json *pids = json_array();
        int pid, used;

        for (text++; sscanf(text, "%d%n", &pid, &used) == 1; text += text[used] == ',' ? used + 1 : used)
                json_push(pids, json_number(pid));
        return pids;
}

enum err db_admin_sessions(const struct db_admin *a, struct json **ret, struct err_note *reterr)
{
        AUTO(pg_session_free) struct pg_session *s = NULL;
        AUTO(pg_rows_free) struct pg_rows *rows = NULL;
        struct json *list;
        enum err e;

        e = admin_session(a, &s, reterr);
        if (e) return e;
        e = pg_session_query(s, NULL, sessions_sql, NULL, 0, DB_ADMIN_MS, &rows, reterr);
        if (e) return e;
        list = json_array();
        for (int i = 0; i < pg_rows_count(rows); i++) {
                struct json *session = json_object();

                json_set_num(session, "pid", (double)pg_rows_i64(rows, i, 0));
                json_set_str(session, "user", pg_rows_text(rows, i, 1));
                json_set_str(session, "application", pg_rows_text(rows, i, 2));
                json_set_str(session, "state", pg_rows_text(rows, i, 3));
                json_set_bool(session, "waits_for_lock", str_eq(pg_rows_text(rows, i, 4), "Lock"));
                json_set_num(session, "seconds", pg_rows_double(rows, i, 5));
                json_set_str(session, "query", pg_rows_text(rows, i, 6));
                json_set(session, "blocked_by", pids_json(pg_rows_text(rows, i, 7)));
                json_push(list, session);
        }
        *ret = list;
        return ERR_OK;
}

/* ---- ending sessions ---- */

enum err db_admin_terminate(const struct db_admin *a, int pid, struct err_note *reterr)
{
        AUTO(pg_session_free) struct pg_session *s = NULL;
        AUTO(pg_rows_free) struct pg_rows *rows = NULL;
        char text[16];
        const char *const params[] = {text};
        enum err e;

        e = admin_session(a, &s, reterr);
        if (e) return e;
        snprintf(text, sizeof text, "%d", pid);
        e = pg_session_query(s, NULL,
                             "SELECT usename <> '" DB_SUPERUSER "', CASE WHEN usename <> '" DB_SUPERUSER "' THEN pg_terminate_backend(pid) END"
                             " FROM pg_stat_activity WHERE pid = $1::int AND datname = '" DB_APP "' AND backend_type = 'client backend'",
                             params, 1, DB_ADMIN_MS, &rows, reterr);
        if (e) return e;
        if (pg_rows_count(rows) == 0)
                return err_note(reterr, ERR_NOT_FOUND, "there is no session with pid %d in database " DB_APP, pid);
        if (str_eq(pg_rows_text(rows, 0, 0), "f"))
                return err_note(reterr, ERR_DENIED, "session %d is the adapter's own and cannot be ended", pid);
        return ERR_OK;
}

enum err db_admin_evict(const struct db_admin *a, int most, int *ret_count, struct err_note *reterr)
{
        AUTO(pg_session_free) struct pg_session *s = NULL;
        AUTO(pg_rows_free) struct pg_rows *rows = NULL;
        char text[16];
        const char *const params[] = {text};
        enum err e;

        e = admin_session(a, &s, reterr);
        if (e) return e;
        snprintf(text, sizeof text, "%d", most);
        e = pg_session_query(s, NULL,
                             "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity WHERE usename = '" DB_APP "'"
                             " ORDER BY state <> 'idle', state_change LIMIT $1::int) victims",
                             params, 1, DB_ADMIN_MS, &rows, reterr);
        if (e) return e;
        *ret_count = pg_rows_count(rows);
        return ERR_OK;
}
