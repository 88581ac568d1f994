/* sut-db: the adapter in front of PostgreSQL. See README.md. */
#include <pthread.h>
#include <stdio.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/clock.h"
#include "common/sys/log.h"
#include "sut/db/db_admin.h"
#include "sut/db/db_jobs.h"
#include "sut/db/db_setup.h"
#include "sut/db/db_stat.h"
#include "sut/kit/request.h"
#include "sut/kit/service.h"

/* A change may build an index and open many sessions; the loop may be held up by a server that does not answer. */
enum { DB_CALL_MS = 20000 };

struct db {
        struct db_admin admin;
        struct kit_config *config;
        struct loop *loop; /* jobs and statistics */
        struct db_jobs *jobs;
        struct db_stat *stat;
        pthread_t thread;
        bool has_thread;
};

/* ---- jobs, on their loop ---- */

struct job_call {
        struct db *db;
        enum db_knob knob;
        const struct json *value;
        struct json *values; /* for reading */
        enum err e;
        struct err_note note;
};

static void job_set(void *ctx)
{
        struct job_call *c = ctx;

        switch (c->knob) {
        case DB_HELD_SESSIONS: db_jobs_hold(c->db->jobs, (int)json_value(c->value)); break;
        case DB_LOCK_TABLE: c->e = db_jobs_lock(c->db->jobs, json_text(c->value), &c->note); break;
        case DB_REPORT_SESSIONS: c->e = db_jobs_report(c->db->jobs, (int)json_value(c->value), &c->note); break;
        case DB_IDLE_TRANSACTION_TIMEOUT_MS: db_jobs_touch(c->db->jobs); break;
        default: break;
        }
}

static void job_read(void *ctx)
{
        struct job_call *c = ctx;

        db_jobs_read(c->db->jobs, c->values);
}

/* ---- configuration ---- */

static enum err db_set(struct db *db, enum db_knob knob, const struct json *value, struct err_note *reterr)
{
        struct job_call call = {.db = db, .knob = knob, .value = value};
        bool is_mine = false;
        enum err e = db_admin_set(&db->admin, knob, value, &is_mine, reterr);

        if (e || (is_mine && knob != DB_IDLE_TRANSACTION_TIMEOUT_MS)) return e;
        e = loop_call(db->loop, job_set, &call, DB_CALL_MS);
        if (e) return err_note(reterr, e, "the jobs of the database adapter do not answer: %s", err_text(e));
        if (call.e) return err_note(reterr, call.e, "%s", call.note.text);
        return ERR_OK;
}

/* All or nothing: what was set before the one that failed goes back to the values that are still in the configuration. */
static enum err db_apply(void *ctx, const struct json *changed, struct err_note *reterr)
{
        struct db *db = ctx;
        AUTO(json_free) struct json *before = kit_config_values(db->config);
        int done = 0;
        enum err e = ERR_OK;

        if (!before) return err_note(reterr, ERR_NOMEM, "no memory to change the database");
        for (; done < DB_KNOB_COUNT; done++) {
                const struct json *value = json_get(changed, db_knobs[done].key);

                if (value) e = db_set(db, (enum db_knob)done, value, reterr);
                if (e) break;
        }
        if (!e) return ERR_OK;
        err_note_prefix(reterr, "%s", db_knobs[done].key);
        while (done-- > 0) {
                struct err_note note;

                if (!json_get(changed, db_knobs[done].key)) continue;
                if (db_set(db, (enum db_knob)done, json_get(before, db_knobs[done].key), &note))
                        log_text(LOG_ERROR, "db.revert_failed", "%s could not be set back: %s", db_knobs[done].key, note.text);
        }
        /* A table or role that is not there is a state of the database, not an address that the caller got wrong. */
        return e == ERR_NOT_FOUND || e == ERR_IO ? ERR_STATE : e;
}

/* What is really there becomes the configuration: an ended session, a setting made by hand, a job that died with us. */
static void db_refresh(void *ctx)
{
        struct db *db = ctx;
        struct json *values = NULL;
        struct job_call call = {.db = db};
        struct err_note note;
        enum err e = db_admin_read(&db->admin, &values, &note);

        if (e) values = json_object(); /* the server is away: its settings stay as they are known */
        call.values = values;
        if (!loop_call(db->loop, job_read, &call, DB_CALL_MS) &&
            kit_config_observe(db->config, values, "db", "found on the server", clock_wall_ms()))
                log_event(LOG_ERROR, "db.observe_failed", "what was found on the server could not be stored");
        json_free(values);
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
        if (db->has_thread) {
                loop_stop(db->loop);
                pthread_join(db->thread, NULL);
        }
        db_jobs_free(db->jobs);
        db_stat_free(db->stat);
        loop_free(db->loop);
        mem_free(db);
}

static void *db_thread(void *ctx)
{
        struct db *db = ctx;

        loop_run(db->loop);
        return NULL;
}

static enum err db_parts(struct db *db, struct kit *k, struct err_note *reterr)
{
        enum err e = db_admin_init(&db->admin, kit_upstream_address(k, "postgres"), kit_dir(k), reterr);

        if (!e) e = loop_new(&db->loop, reterr);
        if (e) return e;
        e = db_jobs_new(db->loop, &db->admin, &db->jobs);
        if (!e) e = db_stat_new(db->loop, &db->admin, kit_metrics(k), &db->stat);
        if (e) return err_note(reterr, e, "cannot start the database adapter: %s", err_text(e));
        if (pthread_create(&db->thread, NULL, db_thread, db)) return err_note(reterr, ERR_IO, "cannot start the adapter's thread");
        db->has_thread = true;
        return ERR_OK;
}

static enum err db_start(struct kit *k, void **ret_ctx, struct err_note *reterr)
{
        struct db *db = mem_zalloc(1, sizeof *db);
        enum err e;

        if (!db) return err_note(reterr, ERR_NOMEM, "no memory for the database adapter");
        db->config = kit_config(k);
        e = db_parts(db, k, reterr);
        if (e) {
                db_stop(db);
                return e;
        }
        db_refresh(db);
        kit_route(k, KIT_DIRECT, "GET", "/sessions", db_get_sessions);
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
