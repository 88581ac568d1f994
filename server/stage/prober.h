/* prober: asks a run's probes of the running stack: requests to its services, by name, each with its own period, deadline and retries.
 * Owner:  the loop thread. Memory: probes are lent from prober_watch to the next one; prober_free drops what is under way. Free http
 * first or last, as you like.                       Units: ms.
 * Limits: PROBER_MAX probes, one request of each under way, PROBER_ANSWER_BYTES_MAX an answer.
 * Fails:  a probe without an answer is a missing sample; why is told once until it answers again. */
#ifndef SERVER_STAGE_PROBER_H
#define SERVER_STAGE_PROBER_H

#include "common/base/err.h"
#include "common/http/client.h"
#include "common/stack/stack.h"
#include "common/sys/loop.h"
#include "common/text/json.h"
#include "server/engine/run.h"

enum { PROBER_MAX = SCENARIO_CRITERIA_MAX, PROBER_ANSWER_BYTES_MAX = 256 * 1024, PROBER_TURN_MS = 200 };

struct prober;

struct prober_options {
        struct loop *loop;
        struct http_async *http;
        const struct stack_spec *spec; /* NULL: no probe has an answer */
        int number;                    /* of the stack */
        void (*on_problem)(void *ctx, const char *probe, const char *why);
        void *ctx;
};

MUST_USE enum err prober_new(const struct prober_options *options, struct prober **ret);
void prober_free(struct prober *p);
AUTO_DEFINE(struct prober, prober_free)

/* From now on these are asked; count 0: none. */
void prober_watch(struct prober *p, const struct scenario_probe *const *probes, size_t count);
/* The last answer of the probe at index, missing when there is none or it is older than three periods. */
struct run_sample prober_sample(const struct prober *p, size_t index);

/* Pure: what an answer is worth. e: how the request ended; status and body: if it was answered. *retwhy NULL or a static sentence. */
struct run_sample prober_value(const struct scenario_probe *probe, enum err e, const struct http_response *r, const char **retwhy);

#endif
