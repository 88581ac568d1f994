/* advisor: the recovery agent beside a run. It hears what the server tells browsers (run, series, action), never the scenario's truth,
 * learns what is normal during the baseline, and every five seconds of the incident, and at once when its mind changes in between, says
 * what a trained policy would do, for whom, how surely and why.
 *
 *     IDLE ──run: baseline──> LEARNING ──run: injecting or running──> WATCHING ──run: ended──> IDLE
 *
 * Owner:  the loop thread. Memory: what is told is lent for the call. Units: ms of the wall clock as the messages carry it.
 * Limits: ADVISOR_SERVICES_MAX services, ADVISOR_WINDOW samples kept for the root cause.
 * Fails:  advisor_new: ERR_PARSE, ERR_UNSUPPORTED or ERR_CORRUPT for a model that does not fit, ERR_NOMEM. Hearing never fails:
 *         a message that cannot be read is not heard. */
#ifndef SERVER_ADVISOR_ADVISOR_H
#define SERVER_ADVISOR_ADVISOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/stack/stack.h"

enum { ADVISOR_SERVICES_MAX = 32, ADVISOR_WINDOW = 128, ADVISOR_STEP_MS = 5000, ADVISOR_SENTENCE_BYTES = 512 };

/* Who decides. AGENT: the trained model behind its safety rules. The others are what it is compared with. */
#define ADVISOR_POLICY_LIST(X) X(AGENT, "agent") X(RULE, "rule") X(TUNED, "tuned") X(IGNORE, "ignore")
enum advisor_policy {
#define X(name, text) ADVISOR_##name,
        ADVISOR_POLICY_LIST(X)
#undef X
        ADVISOR_POLICY_COUNT
};

struct advisor;

struct advisor_options {
        const struct stack_spec *spec; /* outlives the advisor */
        const void *model;             /* bytes of a model file */
        size_t model_bytes;
        const void *calibration;       /* bytes of models/calibration.json, for the forecasts; none: the simulator's own */
        size_t calibration_bytes;
        enum advisor_policy policy;
        /* RECOMMENDATION as JSON (docs/contracts.md), each step of an incident. shown: the run's advice mode lets the learner see it. */
        void (*tell)(void *ctx, const char *json, bool shown);
        void *ctx;
};

/* What to do now, for a driver. kind is a repair of the fault library; "" when nothing is to be done. */
struct advisor_step {
        const char *kind, *on, *args;
};

MUST_USE enum err advisor_new(const struct advisor_options *options, struct advisor **ret, struct err_note *reterr);
void advisor_free(struct advisor *a);
AUTO_DEFINE(struct advisor, advisor_free)

/* type and json as told to browsers; types other than run, series and action are ignored. */
void advisor_hear(struct advisor *a, const char *type, const char *json);

/* Somebody begins to listen: says now, as an early decision, what it would do, and not only at the next step or change. */
void advisor_again(struct advisor *a);
/* Whether the run's mode lets the learner see the advice, as far as the last "run" told. */
bool advisor_shows(const struct advisor *a);
/* Id of the model that decides, as in what is told. */
const char *advisor_model(const struct advisor *a);
/* The last advice in one sentence for a priced hint; false (and a sentence saying why) when there is none. */
bool advisor_sentence(const struct advisor *a, char dst[static ADVISOR_SENTENCE_BYTES]);
/* The last decision; false when there is none, or it is to wait, or it came early: what is done is done on a whole step. Texts
 * live until the next advisor_hear. */
bool advisor_step_peek(const struct advisor *a, struct advisor_step *ret);

/* Why this step may not be carried out now, in words that live for ever; NULL: it may. To be asked by whoever carries a step out, in
 * that moment: it holds for any step, whoever decided it (the rules of learn/reco/safety.h, and what an agent may do at all). */
const char *advisor_forbids(struct advisor *a, const struct advisor_step *step);

const char *advisor_policy_name(enum advisor_policy p);
enum advisor_policy advisor_policy_parse(const char *name); /* ADVISOR_POLICY_COUNT if unknown */

#endif
