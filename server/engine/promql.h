/* promql: just enough of PromQL to catch a typing error before a run: brackets, quotes, functions, metric names.
 * It accepts everything Prometheus accepts and refuses only what is surely wrong.
 * Owner: none. Memory: none. Units: none. Limits: names of PROMQL_NAME_BYTES_MAX. Fails: ERR_PARSE with a sentence. */
#ifndef SERVER_ENGINE_PROMQL_H
#define SERVER_ENGINE_PROMQL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/err.h"

enum { PROMQL_NAME_BYTES_MAX = 128 };

MUST_USE enum err promql_check(const char *text, struct err_note *reterr);

/* Calls visit for every metric name in text (once per place). */
typedef void promql_visit(void *ctx, const char *name);
void promql_metrics(const char *text, promql_visit *visit, void *ctx);
/* True if the metric occurs in text; histogram suffixes (_bucket, _sum, _count) do not matter. */
bool promql_uses(const char *text, const char *metric);
/* Size of `name` without a histogram suffix. */
size_t promql_base_size(const char *name);

#endif
