/* advisor_impl: what the files of the advisor share. Private to server/advisor.
 * Owner: the loop thread. Memory: with the advisor. Units: as advisor.h. Limits: as advisor.h. Fails: as advisor.h. */
#ifndef SERVER_ADVISOR_ADVISOR_IMPL_H
#define SERVER_ADVISOR_ADVISOR_IMPL_H

#include "common/text/json.h"
#include "learn/rca/rca.h"
#include "learn/reco/reco.h"
#include "server/advisor/advisor.h"

/* What is read for each service, from the recording rules of deploy/prometheus/rules.yml. `step` is the smallest change that
 * matters to anybody: differences below it are noise to the search for the cause, however steady a metric was. */
#define ADVISOR_SIGNAL_LIST(X)                                                                                         \
        X(LATENCY, "fd:service_latency:p95_10s", "latency p95", "s", 0.02)                                             \
        X(ERRORS, "fd:service_errors:ratio10s", "errors", "ratio", 0.01)                                               \
        X(CPU, "fd:service_cpu:ratio10s", "CPU", "cores", 0.04)                                                        \
        X(MEMORY, "fd:service_memory:bytes", "memory", "B", 2e6)                                                       \
        X(RPS, "fd:service_rps:rate10s", "requests", "/s", 3)                                                          \
        X(SATURATION, "fd:service_saturation:ratio", "busy workers", "ratio", 0.1)                                     \
        X(QUEUE, "fd:service_queue:depth", "queue", "", 1)                                                             \
        X(UP, "fd:service_up", "up", "", 1)                                                                            \
        X(RESTARTS, "fd:service_restarts:count10m", "restarts", "", 1)
enum advisor_signal {
#define X(name, series, title, unit, step) SIGNAL_##name,
        ADVISOR_SIGNAL_LIST(X)
#undef X
        SIGNAL_COUNT
};
enum { ADVISOR_RCA_SIGNALS = SIGNAL_UP };

enum advisor_state { ADVISOR_IDLE, ADVISOR_LEARNING, ADVISOR_WATCHING };

struct advisor_service {
        const char *name;
        bool target;                            /* an agent may restart it */
        double now[SIGNAL_COUNT];               /* NAN: no sample */
        double sum[SIGNAL_COUNT];               /* over the baseline */
        uint32_t count[SIGNAL_COUNT];
        bool felt;                              /* its session has begun */
        enum sim_action done;                   /* since the last step */
        struct reco_session session;
        struct reco reco;
};

struct advisor {
        struct advisor_options o;
        struct model *model;
        struct sim_kernel *kernel;
        struct reco_twin *twin;
        struct safety safety;
        char model_id[32];
        struct advisor_service service[ADVISOR_SERVICES_MAX];
        int services, gateway;
        struct rca_graph graph;
        struct rca_input *rca;                  /* [service][signal][sample] */
        struct rca_result cause;
        enum advisor_state state;
        char run_id[24], mode[16], last_action[24];
        bool diagnosed, has_advice;
        double admission;
        int64_t now_ms, onset_ms, step_ms;
        uint32_t steps;
        uint64_t observed;                      /* fingerprint of what the last decision was made from */
        int subject;                            /* the service the last decision is about, -1: none */
        struct {
                enum sim_action action;
                char kind[24], on[32], args[64], sentence[ADVISOR_SENTENCE_BYTES];
        } advice;
};

/* Normal value of a signal, or `otherwise` when the baseline had none. */
double advisor_normal(const struct advisor_service *s, enum advisor_signal signal, double otherwise);
void advisor_live(const struct advisor *a, const struct advisor_service *s, struct reco_live *ret);
/* One step: feels, ranks causes, decides. */
void advisor_decide(struct advisor *a);
/* The decision as a RECOMMENDATION. */
void advisor_put(const struct advisor *a, struct buf *out);

#endif
