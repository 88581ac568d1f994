#include "learn/sim/logs.h"

void sim_metric_json(uint32_t timestamp_s, const float obs[OBS_COUNT], struct buf *to)
{
        buf_printf(to, "{\"timestamp\":%u,\"error_rate\":%.3f,\"latency\":%.0f,\"cpu\":%.0f,\"memory\":%.0f,\"load_level\":%d,\"restart_count\":%d,\"up\":%s}\n",
                   timestamp_s, (double)obs[OBS_ERROR], (double)obs[OBS_LATENCY], (double)obs[OBS_CPU], (double)obs[OBS_MEMORY], (int)obs[OBS_LOAD],
                   (int)obs[OBS_RESTARTS], obs[OBS_UP] > 0 ? "true" : "false");
}

/* The last message of a row is said in every mode now and then. */
static const char *const messages[MODE_COUNT][4] = {
        [MODE_NONE] = { "request served", "connection reused", "cache hit", "request slow" },
        [MODE_TRANSIENT] = { "connection reset by peer", "retrying after timeout", "request failed, will be retried", "request slow" },
        [MODE_ESCALATING] = { "garbage collection pause", "allocation slow", "request failed, will be retried", "request slow" },
        [MODE_LOAD] = { "queue is long", "worker pool exhausted", "retrying after timeout", "request slow" },
        [MODE_SENSITIVE] = { "cache miss", "replaying journal", "queue is long", "request slow" },
        [MODE_CASCADING] = { "upstream timed out", "circuit half open", "retrying after timeout", "request slow" },
};

void sim_logs_json(uint32_t timestamp_s, const struct sim_state *state, const float obs[OBS_COUNT], const uint32_t draws[4], struct buf *to)
{
        int lines = state->down > 0 ? 1 : 1 + (int)(obs[OBS_ERROR] * (LOGS_STEP_MAX - 1) + 0.5f);

        for (int i = 0; i < lines && i < LOGS_STEP_MAX; i++) {
                uint32_t draw = draws[i];
                bool failed = (float)(draw >> 16) < obs[OBS_ERROR] * 65536.0f;
                const char *text = state->down > 0 ? "starting" : messages[draw % 5 == 4 ? MODE_NONE : state->cell / SIM_SEVS][draw >> 4 & 3];

                buf_printf(to, "{\"timestamp\":%u,\"level\":\"%s\",\"message\":\"%s\"}\n", timestamp_s, failed && state->down == 0 ? "error" : "info", text);
        }
}

void sim_truth_json(uint32_t timestamp_s, const struct sim_state *state, struct buf *to)
{
        buf_printf(to, "{\"timestamp\":%u,\"failure_type\":\"%s\",\"severity\":%d}\n", timestamp_s, sim_mode_name(state->cell / SIM_SEVS), state->cell % SIM_SEVS);
}
