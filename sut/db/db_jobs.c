#include "sut/db/db_jobs.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/clock.h"
#include "common/sys/log.h"

#define HOLD_APPLICATION "reporting-job"
#define LOCK_APPLICATION "maintenance-job"
#define NO_TABLE "none"

/* A turn opens a bounded number of sessions, so that the loop gets to its other work. After the fill time the job works with
 * what it has. */
enum { HOLD_OPENS_A_TURN = 50, HOLD_FILL_MS = 10000, TELL_MS = 10000, REPORT_MS = 600000, TABLE_BYTES = 32 };

struct held {
        struct pg_session *session;
        bool is_told; /* works under the idle limit */
};

struct report {
        const struct db_admin *admin;
        pthread_t thread;
        bool has_thread;
        atomic_bool wanted, alive;
        atomic_int pid; /* of its session; 0: none yet */
};

struct db_jobs {
        struct loop *loop;
        struct loop_timer *turn;
        const struct db_admin *admin;
        struct held held[DB_SESSIONS_MAX];
        int held_count, held_target, held_opened; /* opened: since the target was set */
        int64_t fill_until_ms;                    /* 0: not filling */
        int64_t idle_limit_ms, tell_until_ms;     /* tell until: 0: all held sessions are told the limit */
        struct pg_session *locker;
        char locked_table[TABLE_BYTES]; /* "none" without a locker */
        struct report reports[DB_REPORTS_MAX];
};

/* ---- held sessions ---- */

static enum err hold_open(struct db_jobs *j, struct pg_session **ret, struct err_note *reterr)
{
        AUTO(pg_session_free) struct pg_session *s = NULL;
        enum err e = db_admin_open(j->admin, DB_REPORTER, DB_APP, HOLD_APPLICATION, &s, reterr);

        if (!e) e = pg_session_exec(s, "BEGIN; SELECT count(*) FROM products", DB_ADMIN_MS, reterr);
        if (e) return e;
        *ret = take(&s);
        return ERR_OK;
}

/* When the server is full, applications lose sessions to the job, idle ones first. Whoever connects first after that has the place,
 * so this goes on turn after turn until all are opened, nobody is left to lose one, or the time is over. */
static void hold_fill(struct db_jobs *j)
{
        bool has_evicted = false;

        if (clock_mono_ms() >= j->fill_until_ms) j->fill_until_ms = 0;
        for (int i = 0; j->fill_until_ms && i < HOLD_OPENS_A_TURN; i++) {
                struct pg_session *s = NULL;
                struct err_note note;
                enum err e = ERR_OK;
                int count = 0;

                if (j->held_opened >= j->held_target) {
                        j->fill_until_ms = 0;
                        return;
                }
                e = hold_open(j, &s, &note);
                if (!e) {
                        j->held[j->held_count++] = (struct held){.session = s};
                        j->held_opened++;
                        continue;
                }
                log_text(LOG_DEBUG, "db.hold_waits", "the reporting job waits for a session: %s", note.text);
                if (e != ERR_LIMIT || has_evicted) return;
                has_evicted = true;
                if (db_admin_evict(j->admin, j->held_target - j->held_opened, &count, &note)) return;
                if (count == 0) j->fill_until_ms = 0;
        }
}

static void hold_drop(struct db_jobs *j, int index)
{
        pg_session_free(j->held[index].session);
        j->held[index] = j->held[--j->held_count];
}

/* A session takes a new setting with the first statement after the server's signal has reached it, and the limit counts from the
 * end of a statement. One that answers with the old limit was asked too early and is asked again. */
static bool hold_tell_one(struct held *h, int64_t limit_ms)
{
        AUTO(pg_rows_free) struct pg_rows *rows = NULL;
        int64_t ms = -1;

        if (h->is_told) return true;
        if (pg_session_query(h->session, NULL, "SELECT setting FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'", NULL, 0,
                             DB_ADMIN_MS, &rows, NULL))
                return false;
        h->is_told = pg_rows_count(rows) == 1 && str_parse_i64(pg_rows_text(rows, 0, 0), 0, INT64_MAX, &ms) == ERR_OK && ms == limit_ms;
        return true;
}

static void hold_tell(struct db_jobs *j)
{
        bool all = true;

        for (int i = j->held_count - 1; i >= 0; i--)
                if (!hold_tell_one(&j->held[i], j->idle_limit_ms)) hold_drop(j, i);
                else if (!j->held[i].is_told) all = false;
        if ((all && !j->fill_until_ms) || clock_mono_ms() >= j->tell_until_ms) j->tell_until_ms = 0;
}

static void jobs_turn(void *ctx)
{
        struct db_jobs *j = ctx;

        for (int i = j->held_count - 1; i >= 0; i--)
                if (pg_session_gone(j->held[i].session, 0)) hold_drop(j, i);
        if (j->tell_until_ms) hold_tell(j);
        if (j->fill_until_ms) hold_fill(j);
        if (!j->fill_until_ms) j->held_target = j->held_count; /* lost after it was complete: somebody ended them, and that stands */
        if (j->locker && pg_session_gone(j->locker, 0)) {
                pg_session_free(take(&j->locker));
                str_cut(j->locked_table, sizeof j->locked_table, NO_TABLE);
        }
}

void db_jobs_hold(struct db_jobs *j, int sessions)
{
        CHECK(loop_is_mine(j->loop) && sessions >= 0 && sessions <= DB_SESSIONS_MAX);
        while (j->held_count > sessions) hold_drop(j, j->held_count - 1);
        j->held_target = sessions;
        j->held_opened = j->held_count;
        j->fill_until_ms = clock_mono_ms() + HOLD_FILL_MS;
        hold_fill(j);
}

void db_jobs_idle_limit(struct db_jobs *j, int64_t limit_ms)
{
        CHECK(loop_is_mine(j->loop) && limit_ms >= 0);
        j->idle_limit_ms = limit_ms;
        j->tell_until_ms = clock_mono_ms() + TELL_MS;
        for (int i = 0; i < j->held_count; i++) j->held[i].is_told = false;
        hold_tell(j);
}

/* ---- table lock ---- */

enum err db_jobs_lock(struct db_jobs *j, const char *table, struct err_note *reterr)
{
        AUTO(pg_session_free) struct pg_session *s = NULL;
        char statement[128];
        enum err e;

        CHECK(loop_is_mine(j->loop));
        if (str_eq(table, j->locked_table)) return ERR_OK;
        if (!str_eq(table, NO_TABLE)) {
                e = db_admin_open(j->admin, DB_MAINTAINER, DB_APP, LOCK_APPLICATION, &s, reterr);
                if (e) return e;
                snprintf(statement, sizeof statement, "BEGIN; LOCK TABLE %s IN ACCESS EXCLUSIVE MODE", table);
                e = pg_session_exec(s, statement, DB_ADMIN_MS, reterr);
                if (e) return e;
        }
        pg_session_free(j->locker);
        j->locker = take(&s);
        str_cut(j->locked_table, sizeof j->locked_table, table);
        return ERR_OK;
}

/* ---- reports ---- */

/* The report wants numbers that agree with each other, so it keeps writers out while it reads: orders wait for its end. */
static const char report_sql[] =
        "BEGIN; LOCK TABLE orders IN SHARE MODE; SELECT p.category, count(*), sum(o.total_cents), count(DISTINCT shop_email_key(o.email))"
        " FROM orders o JOIN products p ON p.id = o.product_id GROUP BY p.category ORDER BY 3 DESC; COMMIT";

/* A report that is refused is not tried again: whoever cancelled it, or set a limit that it breaks, has the last word. */
static void *report_thread(void *ctx)
{
        struct report *r = ctx;
        AUTO(pg_session_free) struct pg_session *s = NULL;
        struct err_note note;
        enum err e = db_admin_open(r->admin, DB_REPORTER, DB_APP, HOLD_APPLICATION, &s, &note);

        if (!e) atomic_store(&r->pid, pg_session_pid(s));
        while (!e && atomic_load(&r->wanted)) e = pg_session_exec(s, report_sql, REPORT_MS, &note);
        if (e && atomic_load(&r->wanted)) log_text(LOG_WARN, "db.report_ended", "the report has ended: %s", note.text);
        atomic_store(&r->alive, false);
        return NULL;
}

/* Its present query may run for long, or wait for a lock: end the session. */
static void report_stop(struct report *r)
{
        int pid = atomic_load(&r->pid);

        atomic_store(&r->wanted, false);
        /* Not there any more, or the server is away: then the thread finds out by itself. */
        if (atomic_load(&r->alive) && pid && db_admin_terminate(r->admin, pid, NULL)) return;
}

static void report_join(struct report *r)
{
        if (!r->has_thread) return;
        pthread_join(r->thread, NULL);
        r->has_thread = false;
}

static enum err report_start(struct report *r)
{
        report_join(r);
        atomic_store(&r->pid, 0);
        atomic_store(&r->wanted, true);
        atomic_store(&r->alive, true);
        if (pthread_create(&r->thread, NULL, report_thread, r)) {
                atomic_store(&r->alive, false);
                return ERR_IO;
        }
        r->has_thread = true;
        return ERR_OK;
}

enum err db_jobs_report(struct db_jobs *j, int sessions, struct err_note *reterr)
{
        int alive = 0;

        CHECK(loop_is_mine(j->loop) && sessions >= 0 && sessions <= DB_REPORTS_MAX);
        for (int i = 0; i < DB_REPORTS_MAX; i++) {
                struct report *r = &j->reports[i];

                if (!atomic_load(&r->alive)) continue;
                if (alive < sessions) alive++;
                else report_stop(r);
        }
        for (int i = 0; i < DB_REPORTS_MAX && alive < sessions; i++) {
                if (atomic_load(&j->reports[i].alive)) continue;
                if (report_start(&j->reports[i])) return err_note(reterr, ERR_IO, "cannot start a thread for a report");
                alive++;
        }
        return ERR_OK;
}

static int report_count(const struct db_jobs *j)
{
        int count = 0;

        for (int i = 0; i < DB_REPORTS_MAX; i++)
                if (atomic_load(&j->reports[i].alive) && atomic_load(&j->reports[i].wanted)) count++;
        return count;
}

/* ---- life ---- */

enum err db_jobs_new(struct loop *loop, const struct db_admin *admin, struct db_jobs **ret)
{
        AUTO(db_jobs_free) struct db_jobs *j = mem_zalloc(1, sizeof *j);
        enum err e;

        if (!j) return ERR_NOMEM;
        j->loop = loop;
        j->admin = admin;
        str_cut(j->locked_table, sizeof j->locked_table, NO_TABLE);
        for (int i = 0; i < DB_REPORTS_MAX; i++) j->reports[i].admin = admin;
        e = loop_timer_add(loop, DB_JOBS_TURN_MS, DB_JOBS_TURN_MS, jobs_turn, j, &j->turn);
        if (e) return e;
        *ret = take(&j);
        return ERR_OK;
}

void db_jobs_free(struct db_jobs *j)
{
        if (!j) return;
        loop_timer_remove(j->turn);
        for (int i = 0; i < DB_REPORTS_MAX; i++) report_stop(&j->reports[i]);
        while (j->held_count > 0) hold_drop(j, j->held_count - 1);
        pg_session_free(j->locker);
        for (int i = 0; i < DB_REPORTS_MAX; i++) report_join(&j->reports[i]);
        mem_free(j);
}

void db_jobs_read(const struct db_jobs *j, struct json *values)
{
        json_set_num(values, db_knobs[DB_HELD_SESSIONS].key, j->held_target);
        json_set_str(values, db_knobs[DB_LOCK_TABLE].key, j->locked_table);
        json_set_num(values, db_knobs[DB_REPORT_SESSIONS].key, report_count(j));
}
