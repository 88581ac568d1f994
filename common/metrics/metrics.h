/* metrics: counters, gauges and histograms with labels, written in Prometheus' text format 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/); exemplars in OpenMetrics form on request.
 * Owner:  a registry belongs to its process, updates are thread-safe and lock-free after a series exists.
 * Memory: series live until metrics_free; a series handle stays valid as long as the registry.
 * Units:  as the name says (_seconds, _bytes, _total). Limits: METRICS_FAMILIES_MAX, METRICS_SERIES_MAX a family:
 *         beyond it all further label sets share one series whose label values are "other".
 * Fails:  constructors return NULL on want of memory; update functions accept NULL handles and do nothing. */
#ifndef COMMON_METRICS_METRICS_H
#define COMMON_METRICS_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include <stdbool.h>

#include "common/base/buf.h"

enum { METRICS_FAMILIES_MAX = 128, METRICS_SERIES_MAX = 256, METRICS_LABELS_MAX = 6, METRICS_VALUE_BYTES = 64, METRICS_BUCKETS_MAX = 32 };

struct metrics;
struct metrics_family;
struct metrics_series;

enum metrics_type { METRICS_COUNTER, METRICS_GAUGE, METRICS_HISTOGRAM };

MUST_USE struct metrics *metrics_new(void);
void metrics_free(struct metrics *m);
AUTO_DEFINE(struct metrics, metrics_free)

/* A label that every series of this registry carries from now on ("version"); may be changed at any time. */
void metrics_common_label(struct metrics *m, const char *key, const char *value);

/* label_keys: space-separated ("route status") or ""; name and help must live on. The same name again gives the same family. */
struct metrics_family *metrics_counter(struct metrics *m, const char *name, const char *help, const char *label_keys);
struct metrics_family *metrics_gauge(struct metrics *m, const char *name, const char *help, const char *label_keys);
/* bounds: ascending upper bounds, without +Inf; NULL: METRICS_SECONDS, good for requests of 1 ms to 10 s. */
struct metrics_family *metrics_histogram(struct metrics *m, const char *name, const char *help, const char *label_keys,
                                         const double *bounds, size_t bound_count);

/* The series with these label values, in the order of the keys; made on first use. */
struct metrics_series *metrics_with(struct metrics_family *f, const char *const *values, size_t count);
#define metrics_at(family, ...)                                                                                        \
        metrics_with((family), (const char *const[]){ __VA_ARGS__ }, sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))
struct metrics_series *metrics_one(struct metrics_family *f); /* the series of a family without labels */

void metrics_add(struct metrics_series *s, double amount); /* counter (amount >= 0) or gauge */
void metrics_set(struct metrics_series *s, double value);  /* gauge, or a counter read from elsewhere */
void metrics_observe(struct metrics_series *s, double value);
void metrics_observe_trace(struct metrics_series *s, double value, const char *trace_id); /* keeps it as exemplar */
double metrics_value(const struct metrics_series *s);      /* counter or gauge; histogram: count */
void metrics_forget(struct metrics_family *f);             /* drops all series of a gauge family (handles die) */

/* Called before each exposition, to refresh gauges that are read from the system. */
void metrics_on_collect(struct metrics *m, void (*fn)(void *ctx), void *ctx);
/* Adds process_cpu_seconds_total, process_resident_memory_bytes, process_open_fds, process_start_time_seconds. */
void metrics_process(struct metrics *m);

MUST_USE enum err metrics_write(struct metrics *m, bool openmetrics, struct buf *b);

#endif
