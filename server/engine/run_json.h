/* run_json: the messages of docs/contracts.md about a run, written in one place for server, play and tests.
 * Owner:  caller's buffer. Memory: none kept. Units: as in the contract.
 * Limits: those of the buffer. Fails: through buf_status(out) only. */
#ifndef SERVER_ENGINE_RUN_JSON_H
#define SERVER_ENGINE_RUN_JSON_H

#include "common/base/buf.h"
#include "server/engine/run.h"

void run_json(const struct run *run, struct buf *out);                          /* RUN */
void run_criterion_json(const struct run *run, size_t index, struct buf *out);  /* CRITERION */
void run_guard_json(const struct run *run, size_t index, struct buf *out);      /* GUARD */
void run_feed_json(const struct run *run, size_t index, struct buf *out);       /* FEED */
void run_action_json(const struct run *run, size_t index, struct buf *out);     /* ACTION */
void run_task_json(const struct run *run, uint32_t id, struct buf *out);        /* row of the task table */
void run_debrief_json(const struct run *run, struct buf *out);                  /* DEBRIEF; after the end */
/* STANDING: score, harm, clocks, changes and restarts of this moment; the same for whoever plays. */
void run_standing_json(const struct run *run, struct buf *out);
/* HARM: what users lost since the onset, and what the healthy system showed; holds nothing that a learner must not know. */
void run_harm_json(const struct run *run, struct buf *out);
void run_debrief_markdown(const struct run *run, struct buf *out);

/* Scenario as the API shows it. instructor: with timeline, truth, solutions and wrong fixes. */
void scenario_json(const struct scenario *s, bool instructor, struct buf *out);

#endif
