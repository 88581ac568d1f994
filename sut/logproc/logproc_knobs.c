#include "sut/logproc/logproc_knobs.h"

#include "sut/kit/service.h"

const struct knob logproc_knobs[LOGPROC_KNOB_COUNT] = {
        [LOGPROC_RETENTION_S] = KNOB_INT("retention_s", 3600, 10, 604800, "s", "Keeping", "Age of the oldest",
                "Lines and traces that are older are removed."),
        [LOGPROC_DISK_QUOTA_MB] = KNOB_INT("disk_quota_mb", 64, 1, 4096, "MiB", "Keeping", "Most disk space",
                "When the archive is larger, the oldest lines and traces are removed."),
        [LOGPROC_SLOW_TRACE_MS] = KNOB_INT("slow_trace_ms", 250, 1, 60000, "ms", "Traces", "A trace is slow from",
                "Traces with an error, or a span of this length, are always kept."),
        [LOGPROC_TRACE_KEEP_PERCENT] = KNOB_INT("trace_keep_percent", 20, 0, 100, "", "Traces", "Share of the other traces that is kept",
                "In percent, drawn from the trace's number when the trace has been quiet for three seconds."),
        [LOGPROC_TAIL_FILES] = KNOB_SWITCH("tail_files", 1, "Reading", "Follow the log files of the stack",
                "Off: only what services send is stored; the files are caught up with when it is on again."),
        [LOGPROC_LOG_LEVEL] = KIT_KNOB_LOG_LEVEL,
};
