/* advisor_impl: what the files of the advisor share. Private to server/advisor.
 * Owner: the loop thread. Memory: with the advisor. Units: as advisor.h. Limits: as advisor.h. Fails: as advisor.h. */
#ifndef SERVER_ADVISOR_ADVISOR_IMPL_H
#define SERVER_ADVISOR_ADVISOR_IMPL_H

#include "common/text/json.h"
#include "learn/rca/rca.h"
#include "learn/reco/live.h"
#include "learn/reco/reco.h"
#include "server/advisor/advisor.h"
#include "server/advisor/hung.h"
#include "server/advisor/model_info.h"
#include "server/advisor/tried.h"

enum { ADVISOR_RCA_SIGNALS = SIGNAL_UP };

enum advisor_state { ADVISOR_IDLE, ADVISOR_LEARNING, ADVISOR_WATCHING };

struct advisor_service {
        struct live_service live;
        bool target;                            /* an agent may restart it */
        bool watches;                           /* and is nobody's cause: users and those who measure */
        bool felt;                              /* its session has begun */
        enum sim_action done;                   /* since the last step */
        enum sim_action wish;                   /* of the agent, a step ago */
        struct tried tried;
        struct hung hung;
        struct reco_session session;
        struct reco reco;
};

struct advisor {
        struct advisor_options o;
        struct model *model;
        struct sim_kernel *kernel;
        struct reco_twin *twin;
        struct safety safety;
        char model_id[MODEL_ID_BYTES];
        struct advisor_service service[ADVISOR_SERVICES_MAX];
        int services, gateway;
        struct rca_graph graph;
        struct rca_input *rca;                  /* [service][signal][sample] */
        struct rca_result cause;
        enum advisor_state state;
        char run_id[24], mode[16], last_action[24];
        bool diagnosed, has_advice;
        struct live_load load;
        float unlike;                           /* share of late observations that the model does not know, over all targets */
        int64_t now_ms, onset_ms, step_ms;
        uint32_t steps, told;                   /* told: decisions, early ones as well */
        bool early;                             /* the last decision came between two steps */
        uint64_t observed;                      /* fingerprint of what the last decision was made from */
        int subject;                            /* the service the last decision is about, -1: none */
        struct {
                enum sim_action action;
                char kind[24], on[32], args[64], sentence[ADVISOR_SENTENCE_BYTES];
        } advice;
        struct reco_session kept[ADVISOR_SERVICES_MAX]; /* of the last step, while an early decision is tried */
};

/* Index of a service, or -1. */
int advisor_service(const struct advisor *a, const char *name);
/* What a repair of the fault library is among the agent's actions; ACT_COUNT: none of them. */
enum sim_action advisor_action_of(const char *kind);
/* Whether the metrics know the service at all. */
bool advisor_seen(const struct advisor_service *s);
/* What the safety rules must know of this second: who is down, who hangs, and what a restart would touch. */
void advisor_stakes(struct advisor *a);
/* More than half of what is seen everywhere is unlike anything the model knows: it does not fit this stack, whatever one service shows. */
bool advisor_drifted(const struct advisor *a);
/* One step: feels, ranks causes, decides. */
void advisor_decide(struct advisor *a);
/* What would be decided if the step were now; true if that is other than what was said last, or is wanted anyhow, and then it is the decision. */
bool advisor_decide_early(struct advisor *a, bool anyhow);
/* The decision as a RECOMMENDATION. */
void advisor_put(const struct advisor *a, struct buf *out);

#endif
