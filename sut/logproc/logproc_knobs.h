/* logproc_knobs: what can be set at the log processor. Owner: static. Memory: none. Units: in the table. Limits: in the table. Fails: nothing. */
#ifndef SUT_LOGPROC_LOGPROC_KNOBS_H
#define SUT_LOGPROC_LOGPROC_KNOBS_H

#include "sut/kit/knob.h"

enum logproc_knob {
        LOGPROC_RETENTION_S,
        LOGPROC_DISK_QUOTA_MB,
        LOGPROC_SLOW_TRACE_MS,
        LOGPROC_TRACE_KEEP_PERCENT,
        LOGPROC_TAIL_FILES,
        LOGPROC_FORWARD_LOKI_URL,
        LOGPROC_FORWARD_OTLP_URL,
        LOGPROC_FORWARD_INFLUX_URL,
        LOGPROC_FORWARD_LEVEL,
        LOGPROC_FORWARD_QUEUE_KB,
        LOGPROC_LOG_LEVEL,
        LOGPROC_KNOB_COUNT
};

extern const struct knob logproc_knobs[LOGPROC_KNOB_COUNT];

#endif
