-- What is kept of finished runs besides their logs: how drivers fared (to be set beside a learner), how a learner compared with them, and
-- episodes (state, action, outcome) for learning from people. Times are wall-clock milliseconds.

-- One row for each scenario as it was written, seed, mode, driver and model: the newest run counts.
CREATE TABLE recordings (
        id          INTEGER PRIMARY KEY AUTOINCREMENT,
        scenario    TEXT    NOT NULL,
        source      TEXT    NOT NULL,             -- fingerprint of the scenario's YAML
        seed        INTEGER NOT NULL,
        fast        INTEGER NOT NULL,
        policy      TEXT    NOT NULL,             -- agent, rule, tuned, ignore, none, solution
        model       TEXT    NOT NULL,             -- '' when no model decides
        outcome     TEXT    NOT NULL,
        recorded_ms INTEGER NOT NULL,
        document    TEXT    NOT NULL,             -- LANE as JSON, with its track
        UNIQUE (scenario, source, seed, fast, policy, model)
);

CREATE TABLE comparisons (
        run_id   INTEGER PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
        document TEXT NOT NULL                    -- COMPARISON as JSON, of the run's end
);

-- Outlives the run it tells of.
CREATE TABLE episode_logs (
        run_id   INTEGER PRIMARY KEY,
        scenario TEXT    NOT NULL,
        seed     INTEGER NOT NULL,
        fast     INTEGER NOT NULL,
        driver   TEXT    NOT NULL,
        assisted INTEGER NOT NULL,
        outcome  TEXT    NOT NULL,
        steps    INTEGER NOT NULL,
        ended_ms INTEGER NOT NULL,
        lines    TEXT    NOT NULL                 -- JSON lines: the episode, then its steps
);
CREATE INDEX episode_logs_by_scenario ON episode_logs (scenario);
