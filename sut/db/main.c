/* sut-db: the adapter in front of PostgreSQL. See README.md. */
#include <stdio.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/log.h"
#include "sut/adapter/adapter.h"
#include "sut/db/db_admin.h"
#include "sut/db/db_jobs.h"
#include "sut/db/db_setup.h"
#include "sut/db/db_stat.h"
#include "sut/kit/request.h"
#include "sut/kit/service.h"

struct db {
        struct db_admin admin;
        struct adapter *adapter; /* its loop owns jobs and statistics */
        struct db_jobs *jobs;
        struct db_stat *stat;
};

/* ---- configuration ---- */

struct job_call {
        enum db_knob knob;
        const struct json *value;
};

static enum err job_set(void *ctx, void *arg, struct err_note *reterr)
{
        struct db *db = ctx;
        const struct job_call *c = arg;

        switch (c->knob) {
        case DB_HELD_SESSIONS: db_jobs_hold(db->jobs, (int)json_value(c->value)); return ERR_OK;
        case DB_LOCK_TABLE: return db_jobs_lock(db->jobs, json_text(c->value), reterr);
        case DB_REPORT_SESSIONS: return db_jobs_report(db->jobs, (int)json_value(c->value), reterr);
        case DB_IDLE_TRANSACTION_TIMEOUT_MS: db_jobs_idle_limit(db->jobs, (int64_t)json_value(c->value)); return ERR_OK;
        default: return ERR_OK;
        }
}

/* Settings, roles and indexes on the request's thread, since an index takes its time; jobs on the loop. */
static enum err db_set(void *ctx, size_t knob, const struct json *value, struct err_note *reterr)
{
        struct db *db = ctx;
        struct job_call call = {.knob = (enum db_knob)knob, .value = value};
        bool is_mine = false;
        enum err e = db_admin_set(&db->admin, call.knob, value, &is_mine, reterr);

        if (e || (is_mine && call.knob != DB_IDLE_TRANSACTION_TIMEOUT_MS)) return e;
        return adapter_call(db->adapter, job_set, db, &call, reterr);
}

static enum err job_read(void *ctx, void *arg, struct err_note *reterr)
{
        struct db *db = ctx;

        (void)reterr;
        db_jobs_read(db->jobs, arg);
        return ERR_OK;
}

static enum err db_read(void *ctx, struct json *values, struct err_note *reterr)
{
        struct db *db = ctx;
        enum err e = adapter_call(db->adapter, job_read, db, values, reterr);

        return e ? e : db_admin_read(&db->admin, values, reterr);
}

static enum err db_apply(void *ctx, const struct json *changed, struct err_note *reterr)
{
        return adapter_apply(((struct db *)ctx)->adapter, changed, reterr);
}

static void db_refresh(void *ctx)
{
        adapter_refresh(((struct db *)ctx)->adapter);
}

/* ---- requests ---- */

static void db_get_sessions(struct kit_request *r, void *ctx)
{
        struct db *db = ctx;
        struct json *list = NULL, *body;
        struct err_note note;
        enum err e = db_admin_sessions(&db->admin, &list, &note);

        if (e) {
                kit_reply_err(r, e, &note);
                return;
        }
        body = json_object();
        json_set(body, "sessions", list);
        kit_reply_json(r, 200, body);
}

static void db_get_checks(struct kit_request *r, void *ctx)
{
        struct db *db = ctx;
        const char *name = kit_request_query(r, "name");
        struct json *body, *values;
        struct err_note note;
        int64_t count;
        enum err e = db_admin_check(&db->admin, name ? name : "", &count, &note);

        if (e) {
                kit_reply_err(r, e, &note);
                return;
        }
        body = json_object();
        values = json_object();
        json_set_num(values, name, (double)count);
        json_set(body, "checks", values);
        kit_reply_json(r, 200, body);
}

static void db_post_terminate(struct kit_request *r, void *ctx)
{
        struct db *db = ctx;
        AUTO(json_free) struct json *body = NULL;
        struct json *reply;
        struct err_note note;
        int64_t pid;
        enum err e;

        if (!kit_request_json(r, &body)) return;
        pid = json_get_int(body, "pid", 0);
        if (pid <= 0 || pid > INT32_MAX) {
                kit_reply_problem(r, 422, "INVAL", "/pid: expected the process number of a session, as GET /sessions lists them");
                return;
        }
        e = db_admin_terminate(&db->admin, (int)pid, &note);
        if (e) {
                kit_reply_err(r, e, &note);
                return;
        }
        log_event(LOG_WARN, "db.session_terminated", "a session was ended on request", LOG_N("pid", pid));
        reply = json_object();
        json_set_num(reply, "terminated", (double)pid);
        kit_reply_json(r, 200, reply);
}

static void db_health(void *ctx, struct kit_health *h)
{
        struct db *db = ctx;
        int used = 0, most = 0;
        bool is_up = false;

        db_stat_look(db->stat, &is_up, &used, &most);
        kit_health_check(h, "postgres", is_up, true, "%s", is_up ? "answers" : "does not answer");
        if (is_up) kit_health_check(h, "connections", used * 10 < most * 9, false, "%d of %d in use", used, most);
}

/* ---- life ---- */

static int db_command(struct kit *k)
{
        bool is_init = kit_flag(k, "init"), is_reset = kit_flag(k, "reset");
        char share[FILE_PATH_BYTES];
        struct db_admin admin;
        struct err_note note;
        enum err e = ERR_OK;

        if (!is_init && !is_reset) return -1;
        if (kit_option(k, "share")) e = path_format(share, "%s", kit_option(k, "share"));
        else e = path_share(share, &note);
        if (!e) e = db_admin_init(&admin, kit_upstream_address(k, "postgres"), kit_dir(k), &note);
        if (!e) e = is_init ? db_setup_init(&admin, share, &note) : db_setup_reset(&admin, share, &note);
        if (!e) return 0;
        fprintf(stderr, "sut-db: %s\n", note.text);
        return 1;
}

static void db_stop(void *ctx)
{
        struct db *db = ctx;

        if (!db) return;
        adapter_stop(db->adapter);
        db_jobs_free(db->jobs);
        db_stat_free(db->stat);
        adapter_free(db->adapter);
        mem_free(db);
}

static enum err db_parts(struct db *db, struct kit *k, struct err_note *reterr)
{
        const struct adapter_ops ops = {.author = "db", .knobs = db_knobs, .knob_count = DB_KNOB_COUNT, .set = db_set, .read = db_read, .ctx = db};
        enum err e = db_admin_init(&db->admin, kit_upstream_address(k, "postgres"), kit_dir(k), reterr);

        if (!e) e = adapter_new(kit_config(k), &ops, &db->adapter, reterr);
        if (e) return e;
        e = db_jobs_new(adapter_loop(db->adapter), &db->admin, &db->jobs);
        if (!e) e = db_stat_new(adapter_loop(db->adapter), &db->admin, kit_metrics(k), &db->stat);
        if (e) return err_note(reterr, e, "cannot start the database adapter: %s", err_text(e));
        return adapter_run(db->adapter, reterr);
}

static enum err db_start(struct kit *k, void **ret_ctx, struct err_note *reterr)
{
        struct db *db = mem_zalloc(1, sizeof *db);
        enum err e;

        if (!db) return err_note(reterr, ERR_NOMEM, "no memory for the database adapter");
        e = db_parts(db, k, reterr);
        if (e) {
                db_stop(db);
                return e;
        }
        db_refresh(db);
        kit_route(k, KIT_DIRECT, "GET", "/sessions", db_get_sessions);
        kit_route(k, KIT_DIRECT, "GET", "/checks", db_get_checks);
        kit_route(k, KIT_DIRECT, "POST", "/sessions/terminate", db_post_terminate);
        *ret_ctx = db;
        return ERR_OK;
}

static const char *const upstreams[] = {"postgres", NULL};
static const char *const options[] = {"share", NULL};
static const char *const flags[] = {"init", "reset", NULL};

static const struct kit_spec spec = {
        .name = "db", .title = "Database", .knobs = db_knobs, .knob_count = DB_KNOB_COUNT, .http_threads = 6,
        .upstreams = upstreams, .options = options, .flags = flags, .command = db_command, .start = db_start,
        .apply = db_apply, .health = db_health, .refresh = db_refresh, .stop = db_stop,
};

int main(int argc, char **argv)
{
        return kit_main(&spec, argc, argv);
}
