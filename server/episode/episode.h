/* episode: a run as state, action and outcome, for learning from people: folded from what browsers are told (run, series, standing,
 * action), one step each EPISODE_STEP_MS from the onset to the end. No truth is in it: not the scenario's faults, not its solutions.
 *
 *     idle ──series after the onset──> stepping ──run: ended──> over          (a new run begins anew)
 *
 * What it gives are JSON lines: first {"type":"episode",...,"columns":["api.rps",...]}, then {"type":"step",...} for each step:
 * the state at its beginning in the order of the columns (null: no data), what was done in it, and what it was worth.
 * Owner:  the loop thread. Memory: episode_free.  Units: ms; reward as utility of STANDING.
 * Limits: EPISODE_BYTES_MAX, then no more steps are kept ("cut":true).
 * Fails:  episode_new: ERR_NOMEM. Hearing never fails. */
#ifndef SERVER_EPISODE_EPISODE_H
#define SERVER_EPISODE_EPISODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/stack/stack.h"

enum { EPISODE_STEP_MS = 5000, EPISODE_BYTES_MAX = 900 * 1024, EPISODE_COLUMNS_MAX = 512 };

/* What is known of a service each second, and where it comes from. */
#define EPISODE_SIGNAL_LIST(X)                                                                                         \
        X("up", "fd:service_up") X("rps", "fd:service_rps:rate10s") X("errors", "fd:service_errors:ratio10s")          \
        X("latency_p95", "fd:service_latency:p95_10s") X("cpu", "fd:service_cpu:ratio10s")                             \
        X("memory", "fd:service_memory:bytes") X("saturation", "fd:service_saturation:ratio")                          \
        X("queue", "fd:service_queue:depth") X("restarts_10m", "fd:service_restarts:count10m")

struct episode;

MUST_USE enum err episode_new(const struct stack_spec *spec, const char *driver, struct episode **ret); /* spec outlives it */
void episode_free(struct episode *e);
AUTO_DEFINE(struct episode, episode_free)

void episode_hear(struct episode *e, const char *type, const char *json);

struct episode_facts {
        const char *scenario, *outcome; /* valid until the next episode_hear */
        int64_t seed, ended_ms;
        size_t steps;
        bool fast, assisted;
};
/* False: there is none yet, or the run ended before its onset or by no doing of the player. */
bool episode_over(const struct episode *e, struct episode_facts *ret);
void episode_lines(const struct episode *e, struct buf *out);

/* The lines of one episode as CSV rows. columns: of the header that was written first, as JSON array; NULL: writes a header
 * and takes this episode's. ret_columns (may be NULL): those used, for the next one; to be freed. */
struct json;
MUST_USE enum err episode_csv(const char *lines, const struct json *columns, struct buf *out, struct json **ret_columns);

#endif
