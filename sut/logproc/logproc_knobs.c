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
        [LOGPROC_FORWARD_LOKI_URL] = KNOB_TEXT("forward_loki_url", "", "Forwarding", "Loki",
                "Where a Loki listens, as http://127.0.0.1:3100; stored lines go to its /loki/api/v1/push. Empty: nothing is sent."),
        [LOGPROC_FORWARD_OTLP_URL] = KNOB_TEXT("forward_otlp_url", "", "Forwarding", "OTLP collector",
                "Where a collector listens for OTLP/HTTP, as http://127.0.0.1:4318; lines go to its /v1/logs, spans to its /v1/traces. Empty: nothing is sent."),
        [LOGPROC_FORWARD_INFLUX_URL] = KNOB_TEXT("forward_influx_url", "", "Forwarding", "Influx line protocol",
                "Where InfluxDB or VictoriaMetrics listens, as http://127.0.0.1:8428; counts of lines and spans go to its /write. Empty: nothing is sent."),
        [LOGPROC_FORWARD_LEVEL] = KNOB_ONE_OF("forward_level", "info", kit_log_levels, "Forwarding", "Lines forwarded from", "Lines below this level are stored and not sent."),
        [LOGPROC_FORWARD_QUEUE_KB] = KNOB_INT("forward_queue_kb", 1024, 16, 65536, "KiB", "Forwarding", "Queue of a receiver",
                "So much waits for a receiver that is slow or away; what comes beyond it is dropped and counted."),
        [LOGPROC_LOG_LEVEL] = KIT_KNOB_LOG_LEVEL,
};
