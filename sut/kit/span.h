/* kit_span: one timed piece of work of a trace. Ended spans go to a bounded queue; where they go from there is the exporter's
 * business (kit_span_sink), so nothing that traces waits for whoever collects.
 * Owner:  the thread that began it; on its stack. Memory: kit_span_end copies into the queue.
 * Units:  wall-clock microseconds.           Limits: SPAN_ATTRS_MAX attributes, SPAN_QUEUE_MAX ended spans waiting.
 * Fails:  a full queue drops the span and counts it (kit_spans_dropped_total). */
#ifndef SUT_KIT_SPAN_H
#define SUT_KIT_SPAN_H

#include <stdint.h>

#include "common/http/trace.h"

enum { SPAN_ATTRS_MAX = 6, SPAN_NAME_BYTES = 64, SPAN_VALUE_BYTES = 80, SPAN_QUEUE_MAX = 256 };

enum kit_span_kind { SPAN_INTERNAL = 1, SPAN_SERVER = 2, SPAN_CLIENT = 3, SPAN_PRODUCER = 4, SPAN_CONSUMER = 5 }; /* OTLP's numbers */

struct kit_span {
        struct trace trace;
        enum kit_span_kind kind;
        char name[SPAN_NAME_BYTES];
        int64_t start_us, end_us;
        bool failed;
        int attr_count;
        struct {
                const char *key; /* static text */
                char value[SPAN_VALUE_BYTES];
        } attrs[SPAN_ATTRS_MAX];
};

/* A child of parent (NULL: the caller fills s->trace); name is cut to fit. */
void kit_span_begin(struct kit_span *s, const struct trace *parent, enum kit_span_kind kind, const char *name);
void kit_span_attr(struct kit_span *s, const char *static_key, const char *value);
void kit_span_attr_int(struct kit_span *s, const char *static_key, int64_t value);
void kit_span_end(struct kit_span *s, bool failed);

/* Drains ended spans: called by the exporter's thread with at most `most` spans; returns how many were copied. */
int kit_span_drain(struct kit_span *dst, int most);
void kit_span_lose(uint64_t count); /* spans that were taken and could not be delivered */
uint64_t kit_span_dropped_count(void);

#endif
