/* service: one supervised service: the table of svc_fsm.h made real with processes, timers, logs and readiness.
 * Owner:  the loop's thread, as a part of its stack (stack_run.h), whose `on_change` it calls after each transition.
 * Memory: service_done frees; a process that still lives is the keeper's to end. Units: ms, wall clock for people.
 * Limits: SERVICE_PREPARE_MS for the program that runs before a start. Fails: what goes wrong is a state and a sentence
 * in `detail`, never an error to the caller; only verbs that make no sense in a state are refused. */
#ifndef CONTROL_AGENT_SUPERVISE_SERVICE_H
#define CONTROL_AGENT_SUPERVISE_SERVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/sys/loop.h"
#include "common/text/json.h"
#include "control-agent/supervise/keeper_link.h"
#include "control-agent/supervise/logpipe.h"
#include "control-agent/supervise/place.h"
#include "control-agent/supervise/readiness.h"
#include "control-agent/supervise/svc_fsm.h"

enum { SERVICE_PREPARE_MS = 120000, SERVICE_DETAIL_BYTES = 400, SERVICE_EXIT_BYTES = 32 };

/* What all services of a stack share. */
struct service_home {
        struct loop *loop;
        const struct place *place;
        struct keeper_link *keeper; /* NULL while the stack is down */
        uint64_t seed, next_tag;
        void (*on_change)(void *ctx);
        void *ctx;
};

struct service {
        struct service_home *home;
        const struct stack_service *spec;
        size_t index;
        bool built;

        enum svc_state state;
        struct svc_tally tally;
        uint64_t restarts; /* starts after the first */
        bool started_before, changed;
        bool kept;                /* stays through the reset under way */
        bool alive_told, up_told; /* the stack's on_process and on_ready know of it */
        int64_t since_wall_ms;
        char last_exit[SERVICE_EXIT_BYTES], detail[SERVICE_DETAIL_BYTES];

        uint64_t tag; /* of the process now, 0 none */
        bool preparing;
        pid_t pid;        /* 0 none, or not known yet */
        int pid_fd;       /* -1 none */
        unsigned pending; /* actions asked for before the pid was known */
        int64_t started_ms;
        struct logpipe *log;
        struct readiness *readiness;
        struct loop_timer *timer;
};

void service_init(struct service *s, struct service_home *home, size_t index);
void service_done(struct service *s);
/* False if the table has no cell: nothing happened. */
bool service_event(struct service *s, enum svc_event event);

/* News of the keeper about the process `tag`, which is this service's. */
void service_started(struct service *s, pid_t pid, int pid_fd);
void service_not_started(struct service *s, int error_number);
void service_exited(struct service *s, int code, int status);
/* The keeper is gone and every process with it: down, whatever was. */
void service_lost(struct service *s);

/* It has a process that is the service itself, not its preparation. */
bool service_is_alive(const struct service *s);
/* Forgets earlier lives: before a start of the whole stack. A kept one keeps its process. */
void service_reset(struct service *s);

/* {"name",...} of docs/contracts.md; NULL when out of memory. */
struct json *service_json(const struct service *s);

#endif
