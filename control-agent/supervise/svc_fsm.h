/* svc_fsm: the life of one supervised service as a table, and its death tally. Pure.
 * Owner:  none: values in, values out. Memory: none. Units: ms.
 * Limits: SVC_DEATHS_MAX deaths in a row, then FAILED. Fails: an event that a state has no cell for is refused.
 *
 *            START/RESTART        DEPS_READY            READY             PAUSE
 *     DOWN ---------------> WAITING -------> STARTING -------> UP ------------------> PAUSED
 *      ^                    ^  ^  ^              |              |  <------------------  |
 *      |                    |  |  |       EXITED |       EXITED |        RESUME         | EXITED
 *      |            TIMEOUT |  |  |              v              v                       v
 *      |                    |  |  +---------- BACKOFF <---------+-----------------------+
 *      |                    |  | START           | (too many deaths: EXITED_LAST)
 *      |        EXITED      |  +--------------- FAILED
 *      +--- STOPPING        |
 *      |    EXITED          |
 *      CYCLING -------------+        STOP leads to STOPPING, RESTART to CYCLING, TIMEOUT there sends SIGKILL. */
#ifndef CONTROL_AGENT_SUPERVISE_SVC_FSM_H
#define CONTROL_AGENT_SUPERVISE_SVC_FSM_H

#include <stdbool.h>
#include <stdint.h>

/* The second column is what clients see. */
#define SVC_STATE_LIST(X)                                                                                              \
        X(DOWN, "down")                                                                                                \
        X(WAITING, "starting")                                                                                         \
        X(STARTING, "starting")                                                                                        \
        X(UP, "up")                                                                                                    \
        X(PAUSED, "paused")                                                                                            \
        X(STOPPING, "stopping")                                                                                        \
        X(CYCLING, "stopping")                                                                                         \
        X(BACKOFF, "backoff")                                                                                          \
        X(FAILED, "failed")
enum svc_state {
#define X(name, text) SVC_##name,
        SVC_STATE_LIST(X)
#undef X
                SVC_STATE_COUNT
};

#define SVC_EVENT_LIST(X)                                                                                              \
        X(START, "start")                                                                                              \
        X(STOP, "stop")                                                                                                \
        X(RESTART, "restart")                                                                                          \
        X(KILL, "kill")                                                                                                \
        X(PAUSE, "pause")                                                                                              \
        X(RESUME, "resume")                                                                                            \
        X(RELOAD, "reload")                                                                                            \
        X(DEPS_READY, "dependencies ready")                                                                            \
        X(READY, "ready")                                                                                              \
        X(EXITED, "exited")                                                                                            \
        X(EXITED_LAST, "exited for the last time")                                                                     \
        X(TIMEOUT, "timeout")
enum svc_event {
#define X(name, text) SVC_EV_##name,
        SVC_EVENT_LIST(X)
#undef X
                SVC_EVENT_COUNT
};

enum svc_action {
        SVC_DO_SPAWN = 1,
        SVC_DO_TERM = 2, /* the service's graceful stop signal */
        SVC_DO_KILL = 4,
        SVC_DO_STOP = 8,
        SVC_DO_CONT = 16,
        SVC_DO_HUP = 32,
};

struct svc_cell {
        bool allowed;
        unsigned actions;
        enum svc_state next;
};

struct svc_cell svc_fsm_cell(enum svc_state state, enum svc_event event);
const char *svc_state_text(enum svc_state state); /* as clients see it */
const char *svc_state_name(enum svc_state state); /* unique, for tests */
const char *svc_event_text(enum svc_event event);
bool svc_state_has_process(enum svc_state state);

enum { SVC_DEATHS_MAX = 10, SVC_BACKOFF_FIRST_MS = 100, SVC_BACKOFF_MAX_MS = 5000, SVC_CALM_MS = 20000 };

struct svc_tally {
        unsigned in_a_row; /* deaths without SVC_CALM_MS of life between them */
        uint64_t deaths;   /* since the stack was started */
};

/* Counts a death after lived_ms. False: that was the last one allowed; else *ret_delay_ms is the back-off. */
bool svc_tally_death(struct svc_tally *tally, int64_t lived_ms, int64_t *ret_delay_ms);
/* A person asked for a start: earlier deaths no longer count against it. */
void svc_tally_forgive(struct svc_tally *tally);

#endif
