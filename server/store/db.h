/* db: the one place that speaks SQLite: opening, migrating, prepared statements, error sentences. Private to
 * server/store. Owner: the loop thread. Memory: columns are valid until the next step. Limits: as store.h. Fails: as
 * store.h. */
#ifndef SERVER_STORE_DB_H
#define SERVER_STORE_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"

/* Every statement of the room; prepared on first use, kept until the end. */
#define DB_STMT_LIST(X)                                                                                                \
        X(BEGIN, "BEGIN IMMEDIATE")                                                                                    \
        X(COMMIT, "COMMIT")                                                                                            \
        X(RUN_COUNT, "SELECT count(*) FROM runs")                                                                      \
        X(RUN_DROP_OLDEST, "DELETE FROM runs WHERE id = (SELECT min(id) FROM runs WHERE state = 'debriefed')")         \
        X(RUN_NEW,                                                                                                     \
          "INSERT INTO runs (scenario, driver, advice, seed, stack, fast, state, outcome, reason, created_ms,"         \
          " onset_ms, ended_ms, source, document, debrief) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)")                    \
        X(RUN_UPDATE, "UPDATE runs SET state=?, outcome=?, reason=?, onset_ms=?, ended_ms=?, document=?,"              \
                      " debrief=coalesce(?, debrief) WHERE id=?")                                                      \
        X(RUN_GET,                                                                                                     \
          "SELECT id, scenario, driver, advice, seed, stack, fast, state, outcome, reason, created_ms, onset_ms,"      \
          " ended_ms, source, document, debrief FROM runs WHERE id=?")                                                 \
        X(RUN_EACH,                                                                                                    \
          "SELECT id, scenario, driver, advice, seed, stack, fast, state, outcome, reason, created_ms, onset_ms,"      \
          " ended_ms, source, document, debrief FROM runs WHERE (? = 0 OR state <> 'debriefed')"                       \
          " ORDER BY id DESC LIMIT ?")                                                                                 \
        X(EVENT_LAST, "SELECT coalesce(max(seq), 0) FROM run_events WHERE run_id=?")                                   \
        X(EVENT_NEW, "INSERT INTO run_events (run_id, seq, wall_ms, type, data) VALUES (?,?,?,?,?)")                   \
        X(EVENT_EACH, "SELECT seq, wall_ms, type, data FROM run_events WHERE run_id=? AND seq>?"                       \
                      " ORDER BY seq LIMIT ?")                                                                         \
        X(TASK_COUNT, "SELECT count(*) FROM tasks WHERE run_id=?")                                                     \
        X(TASK_NEW, "INSERT INTO tasks (run_id, task_id, kind, target, args, undo, state, detail, planned_ms,"         \
                    " changed_ms) VALUES (?,?,?,?,?,?,'planned',?,?,?)")                                               \
        X(TASK_STATE, "SELECT state FROM tasks WHERE run_id=? AND task_id=?")                                          \
        X(TASK_MOVE, "UPDATE tasks SET state=?, undo=coalesce(?, undo), detail=?, changed_ms=?"                        \
                     " WHERE run_id=? AND task_id=?")                                                                  \
        X(TASK_OPEN, "SELECT task_id, kind, target, args, undo, detail, state, changed_ms FROM tasks"                  \
                     " WHERE run_id=? AND state IN ('planned', 'applied') ORDER BY task_id DESC")                      \
        X(TASK_EACH, "SELECT task_id, kind, target, args, undo, detail, state, changed_ms FROM tasks"                  \
                     " WHERE run_id=? ORDER BY task_id")                                                               \
        X(ACTION_COUNT, "SELECT count(*) FROM actions WHERE run_id=? AND action_id<>?")                                \
        X(ACTION_PUT, "INSERT OR REPLACE INTO actions (run_id, action_id, at_ms, author, document)"                    \
                      " VALUES (?,?,?,?,?)")                                                                           \
        X(ACTION_EACH, "SELECT action_id, at_ms, author, document FROM actions WHERE run_id=?"                         \
                       " ORDER BY length(action_id), action_id")                                                       \
        X(EPISODE_PUT, "INSERT OR REPLACE INTO episodes (run_id, scenario, outcome, took_ms, ended_ms)"                \
                       " VALUES (?,?,?,?,?)")                                                                          \
        X(EPISODE_COUNT, "SELECT count(*), coalesce(sum(outcome='resolved'), 0), coalesce(min(CASE WHEN"               \
                         " outcome='resolved' THEN took_ms END), 0) FROM episodes WHERE scenario=?")                   \
        X(EPISODE_MEDIAN, "SELECT took_ms FROM episodes WHERE scenario=? AND outcome='resolved'"                       \
                          " ORDER BY took_ms LIMIT 1 OFFSET ?")                                                         \
        X(RECORDING_PUT, "INSERT OR REPLACE INTO recordings (scenario, source, seed, fast, policy, model, outcome,"    \
                         " recorded_ms, document) VALUES (?,?,?,?,?,?,?,?,?)")                                         \
        X(RECORDING_TRIM, "DELETE FROM recordings WHERE id IN (SELECT id FROM recordings ORDER BY id DESC"             \
                          " LIMIT -1 OFFSET ?)")                                                                       \
        X(RECORDING_FIND, "SELECT scenario, source, seed, fast, policy, model, outcome, recorded_ms, document"         \
                          " FROM recordings WHERE scenario=? AND source=? AND fast=? AND policy=?"                     \
                          " ORDER BY (seed=?) DESC, id DESC LIMIT 1")                                                  \
        X(RECORDING_EACH, "SELECT scenario, source, seed, fast, policy, model, outcome, recorded_ms, document"         \
                          " FROM recordings WHERE (? IS NULL OR scenario=?) ORDER BY id DESC LIMIT ?")                 \
        X(COMPARISON_PUT, "INSERT OR REPLACE INTO comparisons (run_id, document) VALUES (?,?)")                        \
        X(COMPARISON_GET, "SELECT document FROM comparisons WHERE run_id=?")                                           \
        X(EPISODE_LOG_PUT, "INSERT OR REPLACE INTO episode_logs (run_id, scenario, seed, fast, driver, assisted,"      \
                           " outcome, steps, ended_ms, lines) VALUES (?,?,?,?,?,?,?,?,?,?)")                           \
        X(EPISODE_LOG_TRIM, "DELETE FROM episode_logs WHERE run_id IN (SELECT run_id FROM episode_logs"                \
                            " ORDER BY run_id DESC LIMIT -1 OFFSET ?)")                                                \
        X(EPISODE_LOG_EACH, "SELECT run_id, scenario, seed, fast, driver, assisted, outcome, steps, ended_ms, lines"   \
                            " FROM episode_logs WHERE (? IS NULL OR scenario=?) AND run_id>? ORDER BY run_id LIMIT ?") \
        X(EPISODE_LOG_GET, "SELECT run_id, scenario, seed, fast, driver, assisted, outcome, steps, ended_ms, lines"    \
                           " FROM episode_logs WHERE run_id=?")

enum db_stmt {
#define X(name, sql) DB_##name,
        DB_STMT_LIST(X)
#undef X
                DB_STMT_COUNT
};

struct db;

MUST_USE enum err db_open(const char *path, struct db **ret, struct err_note *reterr);
void db_free(struct db *db);
AUTO_DEFINE(struct db, db_free)

/* Binds and makes ready: types is one letter an argument, 'i' int64_t, 't' const char * (NULL is NULL), 'n' int64_t
 * where STORE_TIME_NONE is NULL. The statement runs with db_step; db_reset ends it. */
MUST_USE enum err db_start(struct db *db, enum db_stmt stmt, struct err_note *reterr, const char *types, ...);
/* ERR_OK with *ret_row telling whether there is a row; after a failure or the last row the statement is reset. */
MUST_USE enum err db_step(struct db *db, enum db_stmt stmt, bool *ret_row, struct err_note *reterr);
void db_reset(struct db *db, enum db_stmt stmt);
int64_t db_i64(struct db *db, enum db_stmt stmt, int column);      /* NULL: STORE_TIME_NONE */
const char *db_text(struct db *db, enum db_stmt stmt, int column); /* NULL stays NULL */
int64_t db_last_id(struct db *db);
int64_t db_changes(struct db *db);
void db_growth_stop(struct db *db, bool stop);

/* For the other files of this room: the database behind a store. */
struct store;
struct db *store_db(struct store *s);

/* For statements without rows, bound already: run to the end. */
MUST_USE enum err db_run(struct db *db, enum db_stmt stmt, struct err_note *reterr);
/* Begin, and commit or roll back by the outcome: returns `outcome`, or the commit's own failure. */
MUST_USE enum err db_begin(struct db *db, struct err_note *reterr);
MUST_USE enum err db_end(struct db *db, enum err outcome, struct err_note *reterr);

#endif
