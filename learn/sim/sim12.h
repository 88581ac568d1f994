/* sim12: twelve services that call each other, each over the failure kernel; sickness climbs from callee to caller.
 *
 *   loadgen -> gateway -> auth -> db            stress of a caller: 2 if a callee is down or severity >= 5,
 *                 |  \--> config                                    1 if a callee has severity >= 2, else 0
 *                 \--> api -> db, cache, mq, config   worker -> mq, db, payments     logproc, metrics alone
 *
 * NONE and CASCADING move by stress (sim1.h): a healthy caller of a sick callee catches CASCADING, and loses it soon after
 * the callee is well; restarting the caller meanwhile makes it worse. Payments (a third party), metrics and loadgen
 * cannot be acted on. At most two services restart at a time: a third restart is ignored.
 * Owner, memory, limits, failures: as sim1.h.  Units: reward is the sum over services, weighted by share of users. */
#ifndef LEARN_SIM_SIM12_H
#define LEARN_SIM_SIM12_H

#include "learn/sim/sim1.h"

#define SIM12_SERVICE_LIST(X)                                                                                          \
        X(GATEWAY, "gateway", 1.0f, 1) X(AUTH, "auth", .4f, 1) X(CONFIG, "config", .1f, 1) X(API, "api", .8f, 1)       \
        X(WORKER, "worker", .4f, 1) X(PAYMENTS, "payments", .2f, 0) X(LOGPROC, "logproc", .05f, 1)                     \
        X(METRICS, "metrics", .05f, 0) X(DB, "db", .5f, 1) X(CACHE, "cache", .3f, 1) X(MQ, "mq", .3f, 1)               \
        X(LOADGEN, "loadgen", 0.0f, 0)
enum sim12_service {
#define X(name, text, weight, target) SVC_##name,
        SIM12_SERVICE_LIST(X)
#undef X
        SIM12_SERVICES
};

enum { SIM12_OBS = SIM12_SERVICES * OBS_COUNT, SIM12_RESTARTS_MAX = 2 };

struct sim12 {
        struct sim1 *service[SIM12_SERVICES];
        int32_t *stress;  /* [SIM12_SERVICES][n] */
        uint8_t *act;     /* [SIM12_SERVICES][n] */
        float *reward;    /* [n], of one service */
        float (*columns)[REW_COUNT];
        uint8_t *terminated;
        uint32_t n, padded;
        void *block;
};

struct sim12_out {
        float *obs; /* [n][SIM12_OBS] */
        float *reward;
        float (*columns)[REW_COUNT];
        uint8_t *terminated;
        uint32_t *mask, *mask_target;
        float *by_service; /* [n][SIM12_SERVICES], each service's weighted share of the reward; NULL: not wanted */
};

/* The default kernel with its NONE and CASCADING rows indexed by stress. */
void sim12_kernel_init(struct sim_kernel *k);

MUST_USE enum err sim12_new(const struct sim_kernel *k, uint32_t n, enum sim1_isa isa, struct sim12 **ret);
void sim12_free(struct sim12 *s);
AUTO_DEFINE(struct sim12, sim12_free)
void sim12_start(struct sim12 *s, uint32_t i, uint64_t seed, uint32_t episode, const struct sim12_out *out);
void sim12_step(struct sim12 *s, uint32_t from, uint32_t to, const uint8_t *act, const uint16_t *target,
                const struct sim12_out *out);

const char *sim12_service_name(int service); /* NULL if there is none */
bool sim12_targetable(int service);
float sim12_weight(int service);
bool sim12_calls(int caller, int callee);
bool sim12_depends(int caller, int callee); /* calls it, directly or through others */

#endif
