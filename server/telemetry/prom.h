/* prom: answers of Prometheus' HTTP API (instant queries) as numbers.
 * Owner:  caller; no state, any thread. Memory: nothing kept; keys handed to callbacks live until they return.
 * Units:  as Prometheus has them.       Limits: PROM_ANSWER_BYTES_MAX an answer, PROM_KEY_BYTES a key.
 * Fails:  ERR_PARSE (not an answer), ERR_INVAL (Prometheus refused the query; its sentence is in the note). */
#ifndef SERVER_TELEMETRY_PROM_H
#define SERVER_TELEMETRY_PROM_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/err.h"

enum { PROM_ANSWER_BYTES_MAX = 4 << 20, PROM_KEY_BYTES = 200 };

/* One value: a scalar, or a vector of exactly one series. *ret_known is false when there is no sample, or it is not
 * finite. More than one series is ERR_INVAL: a criterion that means two things means none. */
MUST_USE enum err prom_value(const char *answer, size_t size_bytes, bool *ret_known, double *ret_value,
                             struct err_note *reterr);

/* Each series of a vector as key "name" or "name|service" and its finite value; *ret_count of them. */
typedef void prom_series_fn(void *ctx, const char *key, double value);
MUST_USE enum err prom_series(const char *answer, size_t size_bytes, prom_series_fn *fn, void *ctx,
                              struct err_note *reterr);

#endif
