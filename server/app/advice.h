/* advice: the recovery agent beside the run of a rig: feeds the advisor, keeps every decision on disk, and says which of them are shown.
 * What a learner is shown is an event of the run, so that an assisted run can be told from others.
 * Owner:  the loop thread. Memory: advice_free, before the conductor's. Units: none. Limits: those of models.h.
 * Fails:  advice_new with a sentence; the trainer works without it. */
#ifndef SERVER_APP_ADVICE_H
#define SERVER_APP_ADVICE_H

#include <stdbool.h>

#include "common/base/err.h"
#include "server/advisor/advisor.h"
#include "server/app/site.h"
#include "server/stage/conductor.h"

struct advice;

struct advice_options {
        const struct site *site;
        const char *home; /* decisions/rN.jsonl goes here */
        enum advisor_policy policy;
        bool shows_all; /* a driver's own decisions are told whatever the run's mode */
        struct loop *loop;
        struct conductor *conductor;
        conductor_tell_fn *tell; /* "recommendation" that is shown, and "notice" */
        void (*decided)(void *ctx, const char *recommendation); /* each decision, shown or not; may be NULL */
        void *ctx;
};

MUST_USE enum err advice_new(const struct advice_options *options, struct advice **ret, struct err_note *reterr);
void advice_free(struct advice *a);
AUTO_DEFINE(struct advice, advice_free)

void advice_hear(struct advice *a, const char *type, const char *json);
struct advisor *advice_advisor(struct advice *a);

#endif
