/* live: one service of the real stack, as the series of its Prometheus show it and as a model sees it. The same reading serves the
 * advisor beside a run and the fitting of a model to recordings, so that both see the same numbers.
 *
 *   {"fd:service_cpu:ratio10s|api":0.03,...} --live_read--> live_service --live_state--> reco_live --reco_obs_from_live--> observation
 *
 * Owner:  the caller's struct, one thread.  Memory: the name is lent.  Units: as the series; NAN: no sample.
 * Limits: none.                             Fails: never; what is not there is not known. */
#ifndef LEARN_RECO_LIVE_H
#define LEARN_RECO_LIVE_H

#include "common/text/json.h"
#include "learn/reco/reco.h"

/* What is read for each service, from the recording rules of deploy/prometheus/rules.yml. `step` is the smallest change that
 * matters to anybody: differences below it are noise to the search for the cause, however steady a metric was. */
#define LIVE_SIGNAL_LIST(X)                                                                                            \
        X(LATENCY, "fd:service_latency:p95_10s", "latency p95", "s", 0.02)                                             \
        X(ERRORS, "fd:service_errors:ratio10s", "errors", "ratio", 0.01)                                               \
        X(CPU, "fd:service_cpu:ratio10s", "CPU", "cores", 0.04)                                                        \
        X(MEMORY, "fd:service_memory:bytes", "memory", "B", 2e6)                                                       \
        X(RPS, "fd:service_rps:rate10s", "requests", "/s", 3)                                                          \
        X(SATURATION, "fd:service_saturation:ratio", "busy workers", "ratio", 0.1)                                     \
        X(QUEUE, "fd:service_queue:depth", "queue", "", 1)                                                             \
        X(UP, "fd:service_up", "up", "", 1)                                                                            \
        X(RESTARTS, "fd:service_restarts:count10m", "restarts", "", 1)
enum live_signal {
#define X(name, series, title, unit, step) SIGNAL_##name,
        LIVE_SIGNAL_LIST(X)
#undef X
        SIGNAL_COUNT
};

struct live_service {
        const char *name;
        double now[SIGNAL_COUNT];
        double sum[SIGNAL_COUNT]; /* while healthy */
        uint32_t count[SIGNAL_COUNT];
};

/* What the users send, for all services the same. */
struct live_load {
        double offered, sum; /* requests a second; sum while healthy */
        double success;      /* share of the users' requests that succeed */
        double good;         /* share of what they send that is answered well */
        uint32_t count;
        double admission; /* share let in */
};

void live_forget(struct live_service *s, const char *name);
/* v: an object "series|service": number. healthy: the values also count as normal. */
void live_read(struct live_service *s, const struct json *v, bool healthy);
void live_load_read(struct live_load *l, const struct json *v, bool healthy);
/* Normal value of a signal, or `otherwise` when there was none. */
double live_normal(const struct live_service *s, enum live_signal signal, double otherwise);
void live_state(const struct live_service *s, const struct live_load *load, struct reco_live *ret);
/* The share of a service's requests that go well: neither refused nor so late that nobody waits for them. 1 when unknown. */
double live_good(double error_ratio, double latency_s, double latency_normal_s);

#endif
