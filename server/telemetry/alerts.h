/* alerts: follows what Alertmanager delivered. It sends its webhook to logproc, where each alert is a line with the event "alert"; this opens
 * the live tail of those lines (docs/decisions/0005-alerts-come-through-logproc.md).
 * Owner:  the loop thread. Memory: the address is copied; what the callback gets is lent for the call. alerts_free drops what is under way.
 * Units:  ms.  Limits: ALERTS_PAGE lines an answer, the last ALERTS_TOLD_MAX are known not to be told twice.
 * Fails:  while logproc does not answer it is asked again each ALERTS_AGAIN_MS; what it kept meanwhile then comes late, in order. */
#ifndef SERVER_TELEMETRY_ALERTS_H
#define SERVER_TELEMETRY_ALERTS_H

#include <stdbool.h>

#include "common/base/err.h"
#include "common/http/client.h"
#include "common/sys/loop.h"

enum { ALERTS_PAGE = 100, ALERTS_TOLD_MAX = 256, ALERTS_WAIT_MS = 5000, ALERTS_AGAIN_MS = 1000 };

/* on: the service it is about, "" if none. */
struct alert {
        const char *name, *on, *summary;
        bool is_resolved;
};

struct alerts;
typedef void alerts_fn(void *ctx, const struct alert *alert);

/* Tells what is delivered from now on, each once, however often Alertmanager repeats it. logproc: "127.77.1.1:8060". */
MUST_USE enum err alerts_new(struct loop *loop, struct http_async *http, const char *logproc, alerts_fn *fn, void *ctx, struct alerts **ret);
void alerts_free(struct alerts *a);
AUTO_DEFINE(struct alerts, alerts_free)

#endif
