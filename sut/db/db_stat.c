#include "sut/db/db_stat.h"

#include <stdatomic.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/log.h"

#define STATE_LIST(X) X(ACTIVE, "active") X(IDLE, "idle") X(IDLE_IN_TRANSACTION, "idle_in_transaction") X(OTHER, "other")
enum {
#define X(name, text) STATE_##name,
        STATE_LIST(X)
#undef X
        STATE_COUNT
};

struct db_stat {
        struct loop_timer *timer;
        const struct db_admin *admin;
        struct pg_session *session;
        struct metrics_series *up, *max, *longest, *locks_waiting, *commits, *rollbacks, *states[STATE_COUNT];
        struct metrics_family *by_application, *seq_scans, *index_scans, *rows;
        atomic_bool is_up;
        atomic_int used, most;
};

/* ---- readings ---- */

static const char overview_sql[] =
        "SELECT count(*) FILTER (WHERE state = 'active'), count(*) FILTER (WHERE state = 'idle'),"
        " count(*) FILTER (WHERE state LIKE 'idle in transaction%'),"
        " count(*) FILTER (WHERE state IS NULL OR state IN ('fastpath function call', 'disabled')),"
        " coalesce(max(extract(epoch FROM clock_timestamp() - query_start)) FILTER (WHERE state = 'active' AND pid <> pg_backend_pid()), 0)::float8,"
        " count(*) FILTER (WHERE wait_event_type = 'Lock'), current_setting('max_connections')::int,"
        " (SELECT xact_commit FROM pg_stat_database WHERE datname = '" DB_APP "'),"
        " (SELECT xact_rollback FROM pg_stat_database WHERE datname = '" DB_APP "')"
        " FROM pg_stat_activity WHERE backend_type = 'client backend'";

static enum err stat_overview(struct db_stat *s, struct err_note *reterr)
{
        AUTO(pg_rows_free) struct pg_rows *rows = NULL;
        int used = 0;
        enum err e = pg_session_query(s->session, "overview", overview_sql, NULL, 0, DB_STAT_MS, &rows, reterr);

        if (e) return e;
        for (int i = 0; i < STATE_COUNT; i++) {
                used += (int)pg_rows_i64(rows, 0, i);
                metrics_set(s->states[i], (double)pg_rows_i64(rows, 0, i));
        }
        metrics_set(s->longest, pg_rows_double(rows, 0, STATE_COUNT));
        metrics_set(s->locks_waiting, (double)pg_rows_i64(rows, 0, STATE_COUNT + 1));
        metrics_set(s->max, (double)pg_rows_i64(rows, 0, STATE_COUNT + 2));
        metrics_set(s->commits, (double)pg_rows_i64(rows, 0, STATE_COUNT + 3));
        metrics_set(s->rollbacks, (double)pg_rows_i64(rows, 0, STATE_COUNT + 4));
        atomic_store(&s->used, used);
        atomic_store(&s->most, (int)pg_rows_i64(rows, 0, STATE_COUNT + 2));
        return ERR_OK;
}

/* Rows as the planner knows them: they stay as they are until a VACUUM or ANALYZE has looked. n_live_tup of the statistics is corrected by tens of percent
 * at any moment, which looks as if rows had been deleted. */
static const char tables_sql[] = "SELECT s.relname, s.seq_scan, coalesce(s.idx_scan, 0), greatest(0, c.reltuples)::bigint FROM pg_stat_user_tables s"
                                 " JOIN pg_class c ON c.oid = s.relid ORDER BY s.relname LIMIT 50";

static enum err stat_tables(struct db_stat *s, struct err_note *reterr)
{
        AUTO(pg_rows_free) struct pg_rows *rows = NULL;
        enum err e = pg_session_query(s->session, "tables", tables_sql, NULL, 0, DB_STAT_MS, &rows, reterr);

        if (e) return e;
        for (int i = 0; i < pg_rows_count(rows); i++) {
                const char *table = pg_rows_text(rows, i, 0);

                metrics_set(metrics_at(s->seq_scans, table), (double)pg_rows_i64(rows, i, 1));
                metrics_set(metrics_at(s->index_scans, table), (double)pg_rows_i64(rows, i, 2));
                metrics_set(metrics_at(s->rows, table), (double)pg_rows_i64(rows, i, 3));
        }
        return ERR_OK;
}

static const char applications_sql[] =
        "SELECT left(application_name, 40), count(*) FROM pg_stat_activity"
        " WHERE backend_type = 'client backend' GROUP BY 1 ORDER BY 2 DESC LIMIT 30";

/* Applications come and go, so their gauges are made anew at each reading. */
static enum err stat_applications(struct db_stat *s, struct err_note *reterr)
{
        AUTO(pg_rows_free) struct pg_rows *rows = NULL;
        enum err e = pg_session_query(s->session, "applications", applications_sql, NULL, 0, DB_STAT_MS, &rows, reterr);

        if (e) return e;
        metrics_forget(s->by_application);
        for (int i = 0; i < pg_rows_count(rows); i++)
                metrics_set(metrics_at(s->by_application, pg_rows_text(rows, i, 0)), (double)pg_rows_i64(rows, i, 1));
        return ERR_OK;
}

static void stat_read(void *ctx)
{
        struct db_stat *s = ctx;
        struct err_note note;
        enum err e = ERR_OK;
        bool was_up = atomic_load(&s->is_up);

        if (!s->session) e = db_admin_open(s->admin, DB_SUPERUSER, DB_APP, "sut-db", &s->session, &note);
        if (!e) e = stat_overview(s, &note);
        if (!e) e = stat_tables(s, &note);
        if (!e) e = stat_applications(s, &note);
        if (e) pg_session_free(take(&s->session));
        metrics_set(s->up, e ? 0 : 1);
        atomic_store(&s->is_up, e == ERR_OK);
        if (e && was_up) log_text(LOG_ERROR, "postgres.down", "PostgreSQL cannot be read: %s", note.text);
        if (!e && !was_up) log_event(LOG_INFO, "postgres.up", "PostgreSQL answers");
}

/* ---- life ---- */

static void stat_metrics(struct db_stat *s, struct metrics *m)
{
        static const char *const states[] = {
#define X(name, text) text,
                STATE_LIST(X)
#undef X
        };
        struct metrics_family *connections = metrics_gauge(m, "postgres_connections", "Client sessions by state", "state");
        struct metrics_family *transactions = metrics_counter(m, "postgres_transactions_total", "Transactions of the shop's database", "outcome");

        for (int i = 0; i < STATE_COUNT; i++) s->states[i] = metrics_at(connections, states[i]);
        s->commits = metrics_at(transactions, "commit");
        s->rollbacks = metrics_at(transactions, "rollback");
        s->up = metrics_one(metrics_gauge(m, "postgres_up", "1 if PostgreSQL answers", ""));
        s->max = metrics_one(metrics_gauge(m, "postgres_connections_max", "Most client sessions", ""));
        s->longest = metrics_one(metrics_gauge(m, "postgres_longest_query_seconds", "Age of the oldest running statement", ""));
        s->locks_waiting = metrics_one(metrics_gauge(m, "postgres_locks_waiting", "Sessions that wait for a lock", ""));
        s->by_application = metrics_gauge(m, "postgres_application_connections", "Client sessions by application", "application");
        s->seq_scans = metrics_counter(m, "postgres_seq_scans_total", "Whole-table reads", "table");
        s->index_scans = metrics_counter(m, "postgres_index_scans_total", "Index reads", "table");
        s->rows = metrics_gauge(m, "postgres_rows", "Rows, as the planner estimates them", "table");
}

enum err db_stat_new(struct loop *loop, const struct db_admin *admin, struct metrics *metrics, struct db_stat **ret)
{
        AUTO(db_stat_free) struct db_stat *s = mem_zalloc(1, sizeof *s);
        enum err e;

        if (!s) return ERR_NOMEM;
        s->admin = admin;
        stat_metrics(s, metrics);
        e = loop_timer_add(loop, DB_STAT_PERIOD_MS, DB_STAT_PERIOD_MS, stat_read, s, &s->timer);
        if (e) return e;
        stat_read(s);
        *ret = take(&s);
        return ERR_OK;
}

void db_stat_free(struct db_stat *s)
{
        if (!s) return;
        loop_timer_remove(s->timer);
        pg_session_free(s->session);
        mem_free(s);
}

void db_stat_look(struct db_stat *s, bool *ret_up, int *ret_used, int *ret_max)
{
        *ret_up = atomic_load(&s->is_up);
        *ret_used = atomic_load(&s->used);
        *ret_max = atomic_load(&s->most);
}
