/* safety: rules outside the learner that no model can argue with, the same for an agent's and a person's "apply".
 * Owner:  one thread.  Memory: the caller's struct, fixed.  Units: ms of a monotonic clock given in, shares 0..1.
 * Limits: SAFETY_SERVICES, SAFETY_LOG restarts remembered (more than the budget allows).  Fails: never; a refusal has a code. */
#ifndef LEARN_RECO_SAFETY_H
#define LEARN_RECO_SAFETY_H

#include <stdbool.h>
#include <stdint.h>

#include "learn/sim/kernel.h"

#define SAFETY_LIST(X)                                                                                                 \
        X(OK, "allowed")                                                                                               \
        X(KILL_SWITCH, "the kill switch is on: no automatic action")                                                   \
        X(DOWN, "the service is down or restarting already")                                                           \
        X(COOLDOWN_SOFT, "a soft restart was less than 30 s ago")                                                      \
        X(COOLDOWN_HARD, "a hard restart was less than 120 s ago")                                                     \
        X(BUDGET_SERVICE, "this service was restarted twice within 10 minutes")                                        \
        X(BUDGET_ALL, "three restarts were made within 10 minutes")                                                    \
        X(BLAST_RADIUS, "restarting it now would touch more than 40 % of the load")                                    \
        X(SHED_LIMIT, "more than 50 % of the load would be shed")                                                      \
        X(TARGET, "this service cannot be acted on")
enum safety_code {
#define X(name, text) SAFETY_##name,
        SAFETY_LIST(X)
#undef X
        SAFETY_COUNT
};

#define SAFETY_NEVER (-((int64_t)1 << 60))
enum { SAFETY_SERVICES = 32, SAFETY_LOG = 64 };

struct safety_config {
        int64_t cooldown_soft_ms, cooldown_hard_ms, budget_window_ms;
        int budget_service, budget_all;
        float blast_max, shed_max, shed_step; /* shed_step: what one "reduce load" sheds */
        bool kill_switch;
};
extern const struct safety_config safety_config_default;

struct safety_service {
        float dependants; /* share of the users' load that passes through it, 0..1 */
        bool targetable, down;
        bool hung; /* down, and nobody is about to start it: a restart interrupts nothing */
        int64_t soft_at, hard_at, shed_until; /* last ones, or SAFETY_NEVER */
};

struct safety {
        struct safety_config config;
        struct safety_service service[SAFETY_SERVICES];
        int services;
        struct {
                int64_t at;
                int service;
        } restart[SAFETY_LOG];
        int restarts;
        uint64_t refused[SAFETY_COUNT];
};

void safety_init(struct safety *s, const struct safety_config *config /* NULL: default */, int services);
/* What would be said to `action` on `service` at now_ms; changes nothing but the counts of refusals. */
enum safety_code safety_check(struct safety *s, int service, enum sim_action action, int64_t now_ms);
/* The action was carried out. */
void safety_note(struct safety *s, int service, enum sim_action action, int64_t now_ms);
/* Legal actions as a mask; ret_why[action] (may be NULL) says why not. */
uint32_t safety_mask(struct safety *s, int service, int64_t now_ms, enum safety_code ret_why[ACT_COUNT]);
const char *safety_text(enum safety_code code);
const char *safety_name(enum safety_code code); /* "COOLDOWN_SOFT" */

#endif
