-- The server's own memory: runs, their event logs, the task journal that makes a killed server able to undo, actions, measured difficulty.
-- Times are wall-clock milliseconds.

CREATE TABLE runs (
        id         INTEGER PRIMARY KEY AUTOINCREMENT,
        scenario   TEXT    NOT NULL,
        driver     TEXT    NOT NULL,             -- who plays: learner, none, solution, ...
        advice     TEXT    NOT NULL DEFAULT 'off',
        seed       INTEGER NOT NULL,
        stack      INTEGER NOT NULL,
        fast       INTEGER NOT NULL,
        state      TEXT    NOT NULL,             -- debriefed: nothing of it is left on the stack
        outcome    TEXT,                         -- NULL until the end
        reason     TEXT    NOT NULL DEFAULT '',
        created_ms INTEGER NOT NULL,
        onset_ms   INTEGER,
        ended_ms   INTEGER,
        source     TEXT    NOT NULL,             -- the scenario's YAML as it was played
        document   TEXT,                         -- RUN as last shown
        debrief    TEXT                          -- DEBRIEF, written at the end
);
CREATE INDEX runs_by_scenario ON runs (scenario);
CREATE INDEX runs_open ON runs (state) WHERE state <> 'debriefed';

CREATE TABLE run_events (
        run_id  INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        seq     INTEGER NOT NULL,
        wall_ms INTEGER NOT NULL,
        type    TEXT    NOT NULL,
        data    TEXT    NOT NULL,
        PRIMARY KEY (run_id, seq)
) WITHOUT ROWID;

-- planned -> applied -> undone, or planned -> failed. A row is planned, with its undo, before anything is changed.
CREATE TABLE tasks (
        run_id     INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        task_id    INTEGER NOT NULL,
        kind       TEXT    NOT NULL,
        target     TEXT    NOT NULL,
        args       TEXT    NOT NULL,
        undo       TEXT,
        state      TEXT    NOT NULL CHECK (state IN ('planned', 'applied', 'undone', 'failed')),
        detail     TEXT    NOT NULL DEFAULT '',
        planned_ms INTEGER NOT NULL,
        changed_ms INTEGER NOT NULL,
        PRIMARY KEY (run_id, task_id)
) WITHOUT ROWID;

CREATE TABLE actions (
        run_id    INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        action_id TEXT    NOT NULL,
        at_ms     INTEGER NOT NULL,
        author    TEXT    NOT NULL,
        document  TEXT    NOT NULL,
        PRIMARY KEY (run_id, action_id)
) WITHOUT ROWID;

-- One row for each finished run of a learner; outlives the run's log, so difficulty stays measured when old runs are dropped.
CREATE TABLE episodes (
        run_id   INTEGER PRIMARY KEY,
        scenario TEXT    NOT NULL,
        outcome  TEXT    NOT NULL,
        took_ms  INTEGER NOT NULL,
        ended_ms INTEGER NOT NULL
);
CREATE INDEX episodes_by_scenario ON episodes (scenario);
