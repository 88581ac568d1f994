/* stack_inside: what the files of stack_run share; private to the room. stack_run.c has the life of the stack,
 * stack_verbs.c the verbs and who waits for them.
 * Owner: as stack_run.h. Memory: as stack_run.h. Units: ms. Limits: as stack_run.h. Fails: as stack_run.h. */
#ifndef CONTROL_AGENT_SUPERVISE_STACK_INSIDE_H
#define CONTROL_AGENT_SUPERVISE_STACK_INSIDE_H

#include "control-agent/supervise/service.h"
#include "control-agent/supervise/stack_run.h"

/* Waits until a service (or, -1, the stack) is in one of the states of `goal`, or in one of `fail`. */
struct stack_waiter {
        bool used;
        int service;
        unsigned goal, fail; /* bits of enum svc_state or enum stack_state */
        enum svc_event event;
        struct stack_verb verb;
};

/* A program beside the services: burns, removes, forgets. */
struct stack_helper {
        uint64_t tag; /* 0: free */
        int pid_fd;   /* -1: not started yet */
        bool unwanted;
};

enum stack_after { AFTER_NOTHING, AFTER_UP_FRESH };

struct stack_run {
        struct loop *loop;
        struct stack_run_options o;
        struct place place;
        struct service_home home;
        struct service services[STACK_SERVICES_MAX];
        size_t services_count;

        enum stack_state state;
        enum stack_after after; /* what follows when the keeper is gone */
        bool ordered;           /* needs hold services back: only while the stack starts */
        bool changed;
        char reason[512]; /* why FAILED */
        int64_t asked_ms; /* of the start under way */
        int64_t took_ms;
        int lock_fd;
        struct loop_timer *settle_timer, *deadline_timer, *lock_timer;
        struct stack_waiter waiters[STACK_RUN_WAITERS_MAX];
        struct stack_helper helpers[STACK_RUN_HELPERS_MAX];
};

void stack_changed(struct stack_run *r); /* settles later */
void stack_begin(struct stack_run *r, bool fresh);
void stack_again(struct stack_run *r);
void stack_end(struct stack_run *r, bool graceful, enum stack_after after);
/* stack_helpers.c: news of a process that is no service's. */
void stack_helper_started(struct stack_run *r, uint64_t tag, int pid_fd); /* takes pid_fd */
void stack_helper_exited(struct stack_run *r, uint64_t tag);
void stack_helpers_lost(struct stack_run *r);

/* stack_reset.c: begins to clear, is it clear, what is left to do then before the services start again. */
void stack_clear(struct stack_run *r);
bool stack_is_clear(const struct stack_run *r);
MUST_USE enum err stack_cleared(struct stack_run *r, struct err_note *reterr);
void stack_set_deadline(struct stack_run *r, int64_t after_ms);
void stack_waiters_settle(struct stack_run *r);
void stack_waiters_progress(struct stack_run *r, const struct service *s);
size_t stack_built_count(const struct stack_run *r);
size_t stack_up_count(const struct stack_run *r);
MUST_USE enum err stack_files_wipe(struct stack_run *r, struct err_note *reterr);
MUST_USE enum err stack_files_make(struct stack_run *r, struct err_note *reterr);
void stack_files_status(struct stack_run *r);

#endif
