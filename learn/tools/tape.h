/* tape: a recording of firedrill play --record, as the fitting of a model reads it: what each service showed second by second, and the
 * faults the scenario injected, from which the labels come.
 * Owner:  one thread.  Memory: tape_free.  Units: ms of the wall clock, observations as the models see them (learn/reco/live.h).
 * Limits: TAPE_SECONDS_MAX samples, TAPE_FAULTS_MAX faults; what comes after is left out.
 * Fails:  tape_read ERR_NOMEM, ERR_PARSE with file and line, as file_read. */
#ifndef LEARN_TOOLS_TAPE_H
#define LEARN_TOOLS_TAPE_H

#include "common/base/err.h"
#include "learn/reco/fit.h"

/* Who an agent may act on, and whom it calls among them. */
#define TAPE_SERVICE_LIST(X) X(GATEWAY, "gateway") X(API, "api") X(AUTH, "auth") X(WORKER, "worker") X(PAYMENTS, "payments")
enum tape_service {
#define X(name, text) TAPE_##name,
        TAPE_SERVICE_LIST(X)
#undef X
        TAPE_SERVICES
};

enum { TAPE_SECONDS_MAX = 4096, TAPE_FAULTS_MAX = 256, TAPE_SETTLE_MS = 10000, TAPE_STEP_MS = 5000 };

struct tape_fault {
        int64_t id, due_ms, from_ms, to_ms; /* to_ms: INT64_MAX while it lasts */
        char kind[24], on[32], arg[24];     /* arg: the first argument's name */
};

struct tape {
        size_t seconds, faults;
        int64_t at_ms[TAPE_SECONDS_MAX];
        double offered[TAPE_SECONDS_MAX], good[TAPE_SECONDS_MAX]; /* requests a second */
        bool healthy[TAPE_SECONDS_MAX]; /* of the baseline */
        float obs[TAPE_SECONDS_MAX][TAPE_SERVICES][OBS_COUNT];
        struct tape_fault fault[TAPE_FAULTS_MAX];
};

MUST_USE enum err tape_read(const char *path, struct tape **ret, struct err_note *reterr);
void tape_free(struct tape *t);
AUTO_DEFINE(struct tape, tape_free)

/* Adds labelled observations: during each fault, once its ten-second rates are filled, and between faults. */
MUST_USE enum err tape_label(const struct tape *t, const struct sim_kernel *k, struct fit_data *d);
/* Adds what each restart, kill and reduction of the load cost the users. */
MUST_USE enum err tape_cost(const struct tape *t, struct fit_data *d);
const char *tape_service_name(int service);

#endif
