/* Evidence that a healthy system shows as well does not count. Two ways to find out: the signal behind an item (a chart, a metric) is
 * watched from the baseline on, and one that never left what it showed then proves nothing; and what is looked at after the repair,
 * when the shop is well again, shows health and not the incident. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/base/str.h"
#include "server/engine/run_internal.h"

#define SIGNAL_MARGIN 0.25 /* of the largest healthy value, on both sides of what was seen */
enum { SIGNAL_WELL_MS = 10000 };

static const struct {
        const char *chart, *metric;
        bool per_service;
} charts[] = {
        { "latency", "fd:service_latency:p95_10s", true }, { "traffic", "fd:service_rps:rate10s", true },
        { "errors", "fd:service_errors:ratio10s", true }, { "saturation", "fd:service_saturation:ratio", true },
        { "queue", "fd:service_queue:depth", true }, { "cpu", "fd:service_cpu:ratio10s", true },
        { "memory", "fd:service_memory:bytes", true }, { "pool_wait", "fd:gateway_pool_wait:p95_10s", false },
        { "db_connections", "fd:db_connections:used", false }, { "db_query", "fd:db_query:p95_10s", false },
        { "db_wait", "fd:db_wait:p95_10s", false },
};

static const char *panel_query(struct run *run, const char *panel)
{
        const char *dot = strchr(panel, '.');
        char service[SCENARIO_ID_BYTES_MAX + 1];

        if (str_eq(panel, "user.latency")) return "fd:user_latency:p95_10s";
        if (!dot || str_starts(panel, "user.") || (size_t)(dot - panel) >= sizeof service) return NULL;
        str_cut(service, (size_t)(dot - panel) + 1, panel);
        for (size_t i = 0; i < ARRAY_COUNT(charts); i++)
                if (str_eq(charts[i].chart, dot + 1))
                        return charts[i].per_service ? run_text(run, "%s{service=\"%s\"}", charts[i].metric, service) : charts[i].metric;
        return NULL;
}

/* One number for a metric; NULL where one number would say nothing (histograms). */
static const char *metric_query(struct run *run, const char *metric)
{
        if (str_ends(metric, "_total")) return run_text(run, "sum(rate(%s[10s]))", metric);
        if (str_ends(metric, "_seconds") || str_ends(metric, "_bucket")) return NULL;
        return run_text(run, "sum(%s)", metric);
}

static const char *signal_query(struct run *run, const char *item)
{
        if (str_starts(item, "panel:")) return panel_query(run, item + strlen("panel:"));
        if (str_starts(item, "metric:")) return metric_query(run, item + strlen("metric:"));
        return NULL;
}

void run_signals_init(struct run *run)
{
        for (int part = 0; part < SCENARIO_TRAIL_COUNT; part++)
                for (size_t i = 0; i < run->s->evidence[part].count; i++) {
                        const char *item = run->s->evidence[part].item[i], *query;

                        if (run->signal_count == SCENARIO_SIGNALS_MAX) return; /* the others count without being asked */
                        query = signal_query(run, item);
                        if (query) run->signals[run->signal_count++] = (struct run_signal){ .item = item, .query = run_query_add(run, query, NULL) };
                }
}

void run_signals_sample(struct run *run)
{
        for (size_t i = 0; i < run->signal_count; i++) {
                struct run_signal *signal = &run->signals[i];
                const struct run_base *base = &run->base[signal->query];
                const struct run_sample *now = &run->sample[signal->query];
                double margin = SIGNAL_MARGIN * fmax(fabs(base->min), fabs(base->max));

                if (signal->moved) continue;
                if (base->count == 0) signal->moved = true; /* nothing to compare with */
                else signal->moved = !now->known || now->value < base->min - margin || now->value > base->max + margin;
        }
}

bool run_signal_counts(const struct run *run, const char *item)
{
        for (size_t i = 0; i < run->signal_count; i++)
                if (str_eq(run->signals[i].item, item)) return run->signals[i].moved;
        return true;
}

bool run_is_well_again(const struct run *run)
{
        int64_t restored_ms = run->clock_ms[RUN_CLOCK_SLO_RESTORED];
        bool acted = false;

        for (size_t i = 0; i < run->action_count && !acted; i++)
                acted = run->actions[i].state == RUN_ACTION_APPLIED;
        return acted && restored_ms && run->now_ms - restored_ms >= SIGNAL_WELL_MS;
}
