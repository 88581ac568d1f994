#include "control-agent/supervise/svc_fsm.h"

#include "common/base/check.h"

#define TO(actions_bits, next_state)                                                                                   \
        {                                                                                                              \
                true, (actions_bits), SVC_##next_state                                                                 \
        }

static const struct svc_cell cells[SVC_STATE_COUNT][SVC_EVENT_COUNT] =
        {
                [SVC_DOWN] =
                        {
                                [SVC_EV_START] = TO(0, WAITING),
                                [SVC_EV_RESTART] = TO(0, WAITING),
                                [SVC_EV_STOP] = TO(0, DOWN),
                        },
                [SVC_WAITING] =
                        {
                                [SVC_EV_START] = TO(0, WAITING),
                                [SVC_EV_RESTART] = TO(0, WAITING),
                                [SVC_EV_STOP] = TO(0, DOWN),
                                [SVC_EV_DEPS_READY] = TO(SVC_DO_SPAWN, STARTING),
                        },
                [SVC_STARTING] =
                        {
                                [SVC_EV_START] = TO(0, STARTING),
                                [SVC_EV_STOP] = TO(SVC_DO_TERM, STOPPING),
                                [SVC_EV_RESTART] = TO(SVC_DO_TERM, CYCLING),
                                [SVC_EV_KILL] = TO(SVC_DO_KILL, STARTING),
                                [SVC_EV_READY] = TO(0, UP),
                                [SVC_EV_EXITED] = TO(0, BACKOFF),
                                [SVC_EV_EXITED_LAST] = TO(0, FAILED),
                                [SVC_EV_TIMEOUT] = TO(SVC_DO_KILL, STARTING), /* its exit is the death that counts */
                        },
                [SVC_UP] =
                        {
                                [SVC_EV_START] = TO(0, UP),
                                [SVC_EV_STOP] = TO(SVC_DO_TERM, STOPPING),
                                [SVC_EV_RESTART] = TO(SVC_DO_TERM, CYCLING),
                                [SVC_EV_KILL] = TO(SVC_DO_KILL, UP),
                                [SVC_EV_PAUSE] = TO(SVC_DO_STOP, PAUSED),
                                [SVC_EV_RESUME] = TO(SVC_DO_CONT, UP),
                                [SVC_EV_RELOAD] = TO(SVC_DO_HUP, UP),
                                [SVC_EV_READY] = TO(0, UP), /* said again after a reload */
                                [SVC_EV_EXITED] = TO(0, BACKOFF),
                                [SVC_EV_EXITED_LAST] = TO(0, FAILED),
                        },
                [SVC_PAUSED] =
                        {
                                [SVC_EV_STOP] = TO(SVC_DO_TERM | SVC_DO_CONT, STOPPING),
                                [SVC_EV_RESTART] = TO(SVC_DO_TERM | SVC_DO_CONT, CYCLING),
                                [SVC_EV_KILL] = TO(SVC_DO_KILL, PAUSED),
                                [SVC_EV_PAUSE] = TO(0, PAUSED),
                                [SVC_EV_RESUME] = TO(SVC_DO_CONT, UP),
                                [SVC_EV_EXITED] = TO(0, BACKOFF),
                                [SVC_EV_EXITED_LAST] = TO(0, FAILED),
                        },
                [SVC_STOPPING] =
                        {
                                [SVC_EV_START] = TO(0, CYCLING),
                                [SVC_EV_RESTART] = TO(0, CYCLING),
                                [SVC_EV_STOP] = TO(0, STOPPING),
                                [SVC_EV_KILL] = TO(SVC_DO_KILL, STOPPING),
                                [SVC_EV_READY] = TO(0, STOPPING), /* was on its way */
                                [SVC_EV_EXITED] = TO(0, DOWN),
                                [SVC_EV_EXITED_LAST] = TO(0, DOWN),
                                [SVC_EV_TIMEOUT] = TO(SVC_DO_KILL, STOPPING),
                        },
                [SVC_CYCLING] =
                        {
                                [SVC_EV_START] = TO(0, CYCLING),
                                [SVC_EV_RESTART] = TO(0, CYCLING),
                                [SVC_EV_STOP] = TO(0, STOPPING),
                                [SVC_EV_KILL] = TO(SVC_DO_KILL, CYCLING),
                                [SVC_EV_READY] = TO(0, CYCLING),
                                [SVC_EV_EXITED] = TO(0, WAITING),
                                [SVC_EV_EXITED_LAST] = TO(0, WAITING),
                                [SVC_EV_TIMEOUT] = TO(SVC_DO_KILL, CYCLING),
                        },
                [SVC_BACKOFF] =
                        {
                                [SVC_EV_START] = TO(0, WAITING),
                                [SVC_EV_RESTART] = TO(0, WAITING),
                                [SVC_EV_STOP] = TO(0, DOWN),
                                [SVC_EV_TIMEOUT] = TO(0, WAITING),
                        },
                [SVC_FAILED] =
                        {
                                [SVC_EV_START] = TO(0, WAITING),
                                [SVC_EV_RESTART] = TO(0, WAITING),
                                [SVC_EV_STOP] = TO(0, DOWN),
                        },
};

static const struct {
        const char *text, *name;
} states[SVC_STATE_COUNT] = {
#define X(name, text) [SVC_##name] = {text, #name},
        SVC_STATE_LIST(X)
#undef X
};

static const char *const event_texts[SVC_EVENT_COUNT] = {
#define X(name, text) [SVC_EV_##name] = text,
        SVC_EVENT_LIST(X)
#undef X
};

struct svc_cell svc_fsm_cell(enum svc_state state, enum svc_event event)
{
        CHECK(state < SVC_STATE_COUNT && event < SVC_EVENT_COUNT);
        return cells[state][event];
}

const char *svc_state_text(enum svc_state state)
{
        CHECK(state < SVC_STATE_COUNT);
        return states[state].text;
}

const char *svc_state_name(enum svc_state state)
{
        CHECK(state < SVC_STATE_COUNT);
        return states[state].name;
}

const char *svc_event_text(enum svc_event event)
{
        CHECK(event < SVC_EVENT_COUNT);
        return event_texts[event];
}

bool svc_state_has_process(enum svc_state state)
{
        return state == SVC_STARTING || state == SVC_UP || state == SVC_PAUSED || state == SVC_STOPPING ||
               state == SVC_CYCLING;
}

bool svc_tally_death(struct svc_tally *tally, int64_t lived_ms, int64_t *ret_delay_ms)
{
        int64_t delay = SVC_BACKOFF_FIRST_MS;

        tally->deaths++;
        if (lived_ms >= SVC_CALM_MS) tally->in_a_row = 0;
        if (++tally->in_a_row > SVC_DEATHS_MAX) return false;
        for (unsigned i = 1; i < tally->in_a_row && delay < SVC_BACKOFF_MAX_MS; i++) delay *= 2;
        *ret_delay_ms = delay < SVC_BACKOFF_MAX_MS ? delay : SVC_BACKOFF_MAX_MS;
        return true;
}

void svc_tally_forgive(struct svc_tally *tally)
{
        tally->in_a_row = 0;
}
