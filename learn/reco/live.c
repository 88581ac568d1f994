#include "learn/reco/live.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/base/attr.h"
#include "common/base/str.h"

static const char *const series_names[SIGNAL_COUNT] = {
#define X(name, series, title, unit, step) series,
        LIVE_SIGNAL_LIST(X)
#undef X
};

/* Below LATE_FROM times what is normal nobody minds, and nobody minds 100 ms: a token issued in 12 instead of 3 ms is no incident. */
#define LATE_FROM 4.0
#define LATENCY_LEAST_S 0.025
/* Ratios of small numbers shout; these offsets let them speak. */
#define LATENCY_OFFSET_MS 20.0
#define CPU_OFFSET 0.01

static double known(double value, double otherwise)
{
        return isnan(value) ? otherwise : value;
}

static float clamp(double x, float lo, float hi)
{
        return !(x > (double)lo) ? lo : x > (double)hi ? hi : (float)x;
}

void live_forget(struct live_service *s, const char *name)
{
        *s = (struct live_service){ .name = name };
        for (int k = 0; k < SIGNAL_COUNT; k++) s->now[k] = NAN;
}

/* The database has no HTTP side; its callers and its adapter measure it. */
static double database_value(const struct json *v, int signal, double otherwise)
{
        if (signal == SIGNAL_LATENCY) return json_get_num(v, "fd:db_query:p95_10s", NAN);
        if (signal == SIGNAL_SATURATION) return json_get_num(v, "fd:db_connections:used", NAN) / json_get_num(v, "fd:db_connections:max", NAN);
        return otherwise;
}

void live_read(struct live_service *s, const struct json *v, bool healthy)
{
        for (int k = 0; k < SIGNAL_COUNT; k++) {
                char key[128];

                (void)snprintf(key, sizeof key, "%s|%s", series_names[k], s->name);
                s->now[k] = json_get_num(v, key, NAN);
                if (str_eq(s->name, "postgres")) s->now[k] = database_value(v, k, s->now[k]);
                if (!healthy || isnan(s->now[k])) continue;
                s->sum[k] += s->now[k];
                s->count[k]++;
        }
}

void live_load_read(struct live_load *l, const struct json *v, bool healthy)
{
        l->offered = json_get_num(v, "fd:offered_rps", NAN);
        l->success = json_get_num(v, "fd:user_success:ratio10s", NAN);
        l->good = l->offered > 0 ? json_get_num(v, "fd:goodput_rps", NAN) / l->offered : NAN;
        if (!healthy || isnan(l->offered)) return;
        l->sum += l->offered;
        l->count++;
}

double live_normal(const struct live_service *s, enum live_signal signal, double otherwise)
{
        return s->count[signal] ? s->sum[signal] / s->count[signal] : otherwise;
}

double live_good(double error_ratio, double latency_s, double latency_normal_s)
{
        double late = LATE_FROM * fmax(known(latency_normal_s, 0), LATENCY_LEAST_S), latency = known(latency_s, 0);

        return (1 - fmin(1, fmax(0, known(error_ratio, 0)))) * (latency > late ? late / latency : 1);
}

void live_state(const struct live_service *s, const struct live_load *load, struct reco_live *ret)
{
        double normal = live_normal(s, SIGNAL_LATENCY, NAN);

        *ret = (struct reco_live){
                .error_ratio = known(s->now[SIGNAL_ERRORS], 0),
                .latency_ms = s->now[SIGNAL_LATENCY] * 1000,
                .latency_normal_ms = normal * 1000,
                .cpu_cores = s->now[SIGNAL_CPU],
                .cpu_normal_cores = live_normal(s, SIGNAL_CPU, NAN),
                .memory_bytes = s->now[SIGNAL_MEMORY],
                .memory_normal_bytes = live_normal(s, SIGNAL_MEMORY, NAN),
                .rps = load->offered,
                .rps_normal = load->count ? load->sum / load->count : NAN,
                .admission = load->admission,
                .restarts_10m = (int)known(s->now[SIGNAL_RESTARTS], 0),
                .up = known(s->now[SIGNAL_UP], 1) > 0.5,
        };
}

/* The model thinks in the simulator's units: 80 ms, 40 % of the processor and 45 % of the memory when healthy. Latency and processor
 * time of a real service span three orders of magnitude, hence their logarithms: 80 "ms" a doubling, 15 "%" a doubling. */
void reco_obs_from_live(const struct reco_live *live, float ret[OBS_COUNT])
{
        double latency = log2((live->latency_ms + LATENCY_OFFSET_MS) / (live->latency_normal_ms + LATENCY_OFFSET_MS));
        double cpu = log2((live->cpu_cores + CPU_OFFSET) / (live->cpu_normal_cores + CPU_OFFSET));
        double memory = live->memory_normal_bytes > 0 ? live->memory_bytes / live->memory_normal_bytes : 1.0;
        double load = live->rps_normal > 0 ? known(live->rps / live->rps_normal, 1.0) : 1.0;

        ret[OBS_ERROR] = clamp(1 - live_good(live->error_ratio, live->latency_ms / 1000, live->latency_normal_ms / 1000), 0, 1);
        ret[OBS_LATENCY] = clamp(80.0 * (1 + known(latency, 0)), 0, 10000);
        ret[OBS_CPU] = clamp(40.0 + 15.0 * known(cpu, 0), 0, 100);
        ret[OBS_MEMORY] = clamp(45.0 * known(memory, 1), 0, 100);
        ret[OBS_LOAD] = load < 0.6 ? 0.0f : load < 1.25 ? 1.0f : 2.0f;
        ret[OBS_RESTARTS] = (float)(live->restarts_10m < 0 ? 0 : MIN(live->restarts_10m, SIM_RECENTS - 1));
        ret[OBS_UP] = live->up ? 1.0f : 0.0f;
        ret[OBS_ADMIT] = clamp(live->admission, 0, 1);
        if (live->up) return;
        ret[OBS_ERROR] = 1.0f;
        ret[OBS_LATENCY] = 0.0f;
}
