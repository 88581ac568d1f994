/* run_event: events of a run as JSON lines, and back. The log of a run is one line per accepted event.
 * Owner:  caller. Memory: a parsed event lives in the arena that was lent for it.
 * Units:  at_ms is wall-clock ms. Limits: RUN_LINE_BYTES_MAX a line.
 * Fails:  ERR_PARSE or ERR_LIMIT with a sentence, ERR_NOMEM. */
#ifndef SERVER_ENGINE_RUN_EVENT_H
#define SERVER_ENGINE_RUN_EVENT_H

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "server/engine/run.h"

enum { RUN_LINE_BYTES_MAX = 256 * 1024 };

/* One JSON object without a line end: {"at_ms":...,"type":"samples","values":[0.98,null]}. */
void run_event_write(const struct run_event *event, int64_t now_ms, struct buf *out);
MUST_USE enum err run_event_parse(const char *line, size_t size_bytes, struct arena *arena, struct run_event *ret,
                                  int64_t *ret_now_ms, struct err_note *reterr);
/* Feeds every line of a log into a fresh run, effects dropped. ERR_CORRUPT names the line that does not fit. */
MUST_USE enum err run_replay(struct run *run, const char *log, size_t size_bytes, struct err_note *reterr);

/* The repair a solution's or a wrong fix's step asks for, as an action event (strings live in the arena). */
MUST_USE enum err run_event_of_step(const struct scenario_step *step, const char *by, struct arena *arena,
                                    struct run_event *ret);
/* The right answer for cause number `cause`, as a diagnosis event (for drivers; strings are the scenario's). */
void run_event_of_truth(const struct scenario *s, size_t cause, struct run_event *ret);

#endif
