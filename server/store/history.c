#include "server/store/history.h"

#include "server/store/db.h"

/* Recordings */

enum err history_recording_put(struct store *s, const struct history_recording *r, struct err_note *reterr)
{
        struct db *db = store_db(s);
        enum err e = db_begin(db, reterr);

        if (e) return e;
        e = db_start(db, DB_RECORDING_PUT, reterr, "ttiitttit", r->scenario, r->source, r->seed, (int64_t)r->fast, r->policy, r->model, r->outcome, r->recorded_ms, r->document);
        if (!e) e = db_run(db, DB_RECORDING_PUT, reterr);
        if (!e) e = db_start(db, DB_RECORDING_TRIM, reterr, "i", (int64_t)HISTORY_RECORDINGS_MAX);
        if (!e) e = db_run(db, DB_RECORDING_TRIM, reterr);
        return db_end(db, e, reterr);
}

static enum err recording_rows(struct db *db, enum db_stmt q, history_recording_fn fn, void *ctx, struct err_note *reterr)
{
        enum err e = ERR_OK;

        while (!e) {
                struct history_recording r;
                bool row = false;

                e = db_step(db, q, &row, reterr);
                if (e || !row) return e;
                r = (struct history_recording){.scenario = db_text(db, q, 0),
                                               .source = db_text(db, q, 1),
                                               .seed = db_i64(db, q, 2),
                                               .fast = db_i64(db, q, 3) != 0,
                                               .policy = db_text(db, q, 4),
                                               .model = db_text(db, q, 5),
                                               .outcome = db_text(db, q, 6),
                                               .recorded_ms = db_i64(db, q, 7),
                                               .document = db_text(db, q, 8)};
                e = fn(ctx, &r);
        }
        db_reset(db, q);
        return e;
}

enum err history_recording_find(struct store *s, const struct history_recording *like, history_recording_fn fn, void *ctx, struct err_note *reterr)
{
        struct db *db = store_db(s);
        enum err e = db_start(db, DB_RECORDING_FIND, reterr, "ttiti", like->scenario, like->source, (int64_t)like->fast, like->policy, like->seed);

        return e ? e : recording_rows(db, DB_RECORDING_FIND, fn, ctx, reterr);
}

enum err history_recording_each(struct store *s, const char *scenario, size_t limit, history_recording_fn fn, void *ctx, struct err_note *reterr)
{
        struct db *db = store_db(s);
        enum err e = db_start(db, DB_RECORDING_EACH, reterr, "tti", scenario, scenario, (int64_t)limit);

        return e ? e : recording_rows(db, DB_RECORDING_EACH, fn, ctx, reterr);
}

/* Comparisons */

enum err history_comparison_put(struct store *s, int64_t run_id, const char *document, struct err_note *reterr)
{
        struct db *db = store_db(s);
        enum err e = db_start(db, DB_COMPARISON_PUT, reterr, "it", run_id, document);

        return e ? e : db_run(db, DB_COMPARISON_PUT, reterr);
}

enum err history_comparison_get(struct store *s, int64_t run_id, enum err (*fn)(void *ctx, const char *document), void *ctx, struct err_note *reterr)
{
        struct db *db = store_db(s);
        bool row = false;
        enum err e = db_start(db, DB_COMPARISON_GET, reterr, "i", run_id);

        if (!e) e = db_step(db, DB_COMPARISON_GET, &row, reterr);
        if (e) return e;
        if (!row) return err_note(reterr, ERR_NOT_FOUND, "run r%lld has no comparison", (long long)run_id);
        e = fn(ctx, db_text(db, DB_COMPARISON_GET, 0));
        db_reset(db, DB_COMPARISON_GET);
        return e;
}

/* Episodes */

enum err history_episode_put(struct store *s, const struct history_episode *x, struct err_note *reterr)
{
        struct db *db = store_db(s);
        enum err e = db_begin(db, reterr);

        if (e) return e;
        e = db_start(db, DB_EPISODE_LOG_PUT, reterr, "itiititiit", x->run_id, x->scenario, x->seed, (int64_t)x->fast, x->driver,
                     (int64_t)x->assisted, x->outcome, x->steps, x->ended_ms, x->lines);
        if (!e) e = db_run(db, DB_EPISODE_LOG_PUT, reterr);
        if (!e) e = db_start(db, DB_EPISODE_LOG_TRIM, reterr, "i", (int64_t)HISTORY_EPISODES_MAX);
        if (!e) e = db_run(db, DB_EPISODE_LOG_TRIM, reterr);
        return db_end(db, e, reterr);
}

static enum err episode_rows(struct db *db, enum db_stmt q, history_episode_fn fn, void *ctx, size_t *ret_count, struct err_note *reterr)
{
        enum err e = ERR_OK;

        for (*ret_count = 0; !e; ++*ret_count) {
                struct history_episode x;
                bool row = false;

                e = db_step(db, q, &row, reterr);
                if (e || !row) return e;
                x = (struct history_episode){.run_id = db_i64(db, q, 0),
                                             .scenario = db_text(db, q, 1),
                                             .seed = db_i64(db, q, 2),
                                             .fast = db_i64(db, q, 3) != 0,
                                             .driver = db_text(db, q, 4),
                                             .assisted = db_i64(db, q, 5) != 0,
                                             .outcome = db_text(db, q, 6),
                                             .steps = db_i64(db, q, 7),
                                             .ended_ms = db_i64(db, q, 8),
                                             .lines = db_text(db, q, 9)};
                e = fn(ctx, &x);
        }
        db_reset(db, q);
        return e;
}

enum err history_episode_each(struct store *s, const char *scenario, int64_t after, size_t limit, history_episode_fn fn, void *ctx,
                              struct err_note *reterr)
{
        struct db *db = store_db(s);
        size_t count;
        enum err e = db_start(db, DB_EPISODE_LOG_EACH, reterr, "ttii", scenario, scenario, after, (int64_t)limit);

        return e ? e : episode_rows(db, DB_EPISODE_LOG_EACH, fn, ctx, &count, reterr);
}

enum err history_episode_get(struct store *s, int64_t run_id, history_episode_fn fn, void *ctx, struct err_note *reterr)
{
        struct db *db = store_db(s);
        size_t count = 0;
        enum err e = db_start(db, DB_EPISODE_LOG_GET, reterr, "i", run_id);

        if (!e) e = episode_rows(db, DB_EPISODE_LOG_GET, fn, ctx, &count, reterr);
        if (e) return e;
        return count ? ERR_OK : err_note(reterr, ERR_NOT_FOUND, "run r%lld has left no episode", (long long)run_id);
}
