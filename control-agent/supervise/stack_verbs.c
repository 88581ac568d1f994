/* stack_verbs: the verbs on a stack and its services, and who waits for their end. */
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/str.h"
#include "common/sys/clock.h"
#include "control-agent/supervise/stack_inside.h"

#define BIT(state) (1u << (state))

/* When a verb on a service is done, and when it cannot be done any more. */
static const struct {
        unsigned goal, fail;
} ends[SVC_EVENT_COUNT] = {
        [SVC_EV_START] = {BIT(SVC_UP), BIT(SVC_BACKOFF) | BIT(SVC_FAILED) | BIT(SVC_DOWN) | BIT(SVC_STOPPING)},
        [SVC_EV_RESTART] = {BIT(SVC_UP), BIT(SVC_BACKOFF) | BIT(SVC_FAILED) | BIT(SVC_DOWN) | BIT(SVC_STOPPING)},
        [SVC_EV_STOP] = {BIT(SVC_DOWN), BIT(SVC_CYCLING) | BIT(SVC_WAITING) | BIT(SVC_STARTING) | BIT(SVC_UP)},
        [SVC_EV_KILL] = {BIT(SVC_BACKOFF) | BIT(SVC_FAILED) | BIT(SVC_DOWN) | BIT(SVC_WAITING), 0},
        [SVC_EV_PAUSE] = {BIT(SVC_PAUSED), BIT(SVC_BACKOFF) | BIT(SVC_FAILED) | BIT(SVC_DOWN)},
        [SVC_EV_RESUME] = {BIT(SVC_UP), BIT(SVC_BACKOFF) | BIT(SVC_FAILED) | BIT(SVC_DOWN)},
        [SVC_EV_RELOAD] = {BIT(SVC_UP), BIT(SVC_BACKOFF) | BIT(SVC_FAILED) | BIT(SVC_DOWN)},
};

static enum err add_waiter(struct stack_run *r, int service, unsigned goal, unsigned fail, enum svc_event event,
                           const struct stack_verb *verb, struct err_note *reterr)
{
        for (size_t i = 0; i < STACK_RUN_WAITERS_MAX; i++) {
                if (r->waiters[i].used) continue;
                r->waiters[i] = (struct stack_waiter){true, service, goal, fail, event, *verb};
                stack_changed(r);
                return ERR_OK;
        }
        return err_note(reterr, ERR_LIMIT, "stack %u has %d requests under way; wait for one of them", r->o.number,
                        STACK_RUN_WAITERS_MAX);
}

static void answer_stack(struct stack_run *r, const struct stack_waiter *w, bool good)
{
        struct err_note note = {0};
        struct json *result;

        if (!good) {
                (void)err_note(&note, ERR_UNAVAILABLE, "stack %u did not start: %s", r->o.number,
                               *r->reason ? r->reason : "it was stopped meanwhile");
                w->verb.done(w->verb.ctx, note.code, NULL, &note);
                return;
        }
        result = w->goal == BIT(STACK_RUN_DOWN) ? json_object() : stack_run_status(r);
        w->verb.done(w->verb.ctx, ERR_OK, result, &note);
}

static void answer_service(struct stack_run *r, const struct stack_waiter *w, bool good)
{
        const struct service *s = &r->services[w->service];
        struct err_note note = {0};
        struct json *result;

        if (!good) {
                (void)err_note(&note, ERR_UNAVAILABLE, "cannot %s %s: it is %s%s%s", svc_event_text(w->event),
                               s->spec->name, svc_state_text(s->state), *s->detail ? "; it " : "", s->detail);
                w->verb.done(w->verb.ctx, note.code, NULL, &note);
                return;
        }
        result = json_object();
        json_set(result, "service", service_json(s));
        w->verb.done(w->verb.ctx, ERR_OK, result, &note);
}

void stack_waiters_settle(struct stack_run *r)
{
        for (size_t i = 0; i < STACK_RUN_WAITERS_MAX; i++) {
                struct stack_waiter w = r->waiters[i];
                unsigned now;

                if (!w.used) continue;
                now = w.service < 0 ? BIT(r->state) : BIT(r->services[w.service].state);
                if (!(now & (w.goal | w.fail))) continue;
                r->waiters[i].used = false;
                if (w.service < 0)
                        answer_stack(r, &w, now & w.goal);
                else
                        answer_service(r, &w, now & w.goal);
        }
}

void stack_waiters_progress(struct stack_run *r, const struct service *s)
{
        char text[128];

        if (r->state != STACK_RUN_STARTING) return;
        (void)snprintf(text, sizeof(text), "%s is ready (%zu of %zu)", s->spec->name, stack_up_count(r),
                       stack_built_count(r));
        for (size_t i = 0; i < STACK_RUN_WAITERS_MAX; i++) {
                struct stack_waiter w = r->waiters[i];

                if (w.used && w.service < 0 && w.verb.progress) w.verb.progress(w.verb.ctx, text);
        }
}

enum { UP_FAIL = BIT(STACK_RUN_FAILED) | BIT(STACK_RUN_DOWN) };

enum err stack_run_up(struct stack_run *r, bool fresh, uint64_t seed, const struct stack_verb *verb,
                      struct err_note *reterr)
{
        enum err e;

        if (r->state == STACK_RUN_STOPPING && r->after == AFTER_NOTHING)
                return err_note(reterr, ERR_STATE, "stack %u is being stopped; try again when it is down", r->o.number);
        if (fresh && r->state != STACK_RUN_DOWN) return stack_run_reset(r, seed, verb, reterr);
        if (stack_built_count(r) == 0)
                return err_note(reterr, ERR_NOT_FOUND, "no program of the stack is built; build first");
        e = add_waiter(r, -1, BIT(STACK_RUN_UP), UP_FAIL, SVC_EV_START, verb, reterr);
        if (e) return e;
        if (r->state == STACK_RUN_DOWN || (r->state == STACK_RUN_FAILED && !r->home.keeper)) {
                r->home.seed = seed;
                r->asked_ms = clock_mono_ms();
                stack_begin(r, fresh);
        } else if (r->state == STACK_RUN_FAILED) {
                stack_again(r);
        }
        return ERR_OK;
}

enum err stack_run_down(struct stack_run *r, const struct stack_verb *verb, struct err_note *reterr)
{
        enum err e = add_waiter(r, -1, BIT(STACK_RUN_DOWN), 0, SVC_EV_STOP, verb, reterr);

        if (e) return e;
        if (r->state == STACK_RUN_STOPPING)
                r->after = AFTER_NOTHING;
        else if (r->state != STACK_RUN_DOWN)
                stack_end(r, true, AFTER_NOTHING);
        return ERR_OK;
}

enum err stack_run_reset(struct stack_run *r, uint64_t seed, const struct stack_verb *verb, struct err_note *reterr)
{
        enum err e;

        if (r->state == STACK_RUN_DOWN) return stack_run_up(r, true, seed, verb, reterr);
        if (r->state == STACK_RUN_STOPPING)
                return err_note(reterr, ERR_STATE, "stack %u is being stopped; try again when it is down", r->o.number);
        e = add_waiter(r, -1, BIT(STACK_RUN_UP), UP_FAIL, SVC_EV_RESTART, verb, reterr);
        if (e) return e;
        r->home.seed = seed;
        r->asked_ms = clock_mono_ms();
        stack_end(r, false, AFTER_UP_FRESH); /* all data go, so nobody needs to close anything in order */
        return ERR_OK;
}

static enum err find(const struct stack_run *r, const char *name, int *ret, struct err_note *reterr)
{
        const char *near;

        *ret = stack_service_find(r->o.spec, name);
        if (*ret >= 0) return ERR_OK;
        near = stack_service_suggest(r->o.spec, name);
        return err_note(reterr, ERR_NOT_FOUND, "no service '%.60s' in stack %u%s%s%s", name, r->o.number,
                        near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

enum err stack_run_service(struct stack_run *r, const char *name, enum svc_event event, const struct stack_verb *verb,
                           struct err_note *reterr)
{
        struct service *s;
        enum err e;
        int at;

        CHECK(ends[event].goal);
        e = find(r, name, &at, reterr);
        if (e) return e;
        s = &r->services[at];
        if (!s->built) return err_note(reterr, ERR_STATE, "%s is not part of this build", name);
        if (r->state == STACK_RUN_DOWN || r->state == STACK_RUN_STOPPING || !r->home.keeper)
                return err_note(reterr, ERR_STATE, "stack %u is not up", r->o.number);
        if (!svc_fsm_cell(s->state, event).allowed)
                return err_note(reterr, ERR_STATE, "cannot %s %s while it is %s", svc_event_text(event), name,
                                svc_state_text(s->state));
        e = add_waiter(r, at, ends[event].goal, ends[event].fail, event, verb, reterr);
        if (e) return e;
        (void)service_event(s, event);
        return ERR_OK;
}
