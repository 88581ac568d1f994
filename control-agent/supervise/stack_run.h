/* stack_run: one stack instance: its keeper, its services in the order of their needs, its files, and the verbs on
 * them.
 *
 *     DOWN --up--> STARTING --all built services are up--> UP
 *      ^              | a service fails, or too slow          | down, reset
 *      |              v                                       v
 *      |           FAILED (supervision goes on) ---------> STOPPING --keeper gone--> DOWN, or STARTING again (reset)
 *      +--------------------------------------------------------+
 *
 * Owner:  the loop's thread. Memory: stack_run_free ends the keeper's socket, and with it everything below.
 * Units:  ms. Limits: STACK_RUN_WAITERS_MAX verbs under way.
 * Fails:  verbs answer through their callback, once, always later. */
#ifndef CONTROL_AGENT_SUPERVISE_STACK_RUN_H
#define CONTROL_AGENT_SUPERVISE_STACK_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/stack/stack.h"
#include "common/sys/loop.h"
#include "common/text/json.h"
#include "control-agent/supervise/keeper_link.h"
#include "control-agent/supervise/svc_fsm.h"

enum {
        STACK_RUN_HELPERS_MAX = 16,
        STACK_RUN_WAITERS_MAX = 64,
        STACK_RUN_START_MS = 150000,
        STACK_RUN_LOCK_MS = 8000,
        STACK_RUN_STARTS_MAX = 4
};

#define STACK_STATE_LIST(X)                                                                                            \
        X(DOWN, "down") X(STARTING, "starting") X(UP, "up") X(STOPPING, "stopping") X(FAILED, "failed")
enum stack_state {
#define X(name, text) STACK_RUN_##name,
        STACK_STATE_LIST(X)
#undef X
                STACK_STATE_COUNT
};

struct stack_run;

struct stack_run_options {
        const struct stack_spec *spec;
        unsigned number;
        const char *home, *share, *bin, *program; /* program: file of the agent, for keepers */
        enum keeper_mode mode;
        void (*edge_address)(void *ctx, unsigned number, size_t edge, char *dst, size_t dst_bytes); /* may be NULL */
        /* The next four may be NULL. Before anything is started: an error makes the start fail. */
        enum err (*on_begin)(void *ctx, unsigned number, uint64_t seed, struct err_note *reterr);
        /* A service got a process of its own, or lost it. */
        void (*on_process)(void *ctx, unsigned number, size_t service, bool alive);
        void (*on_ready)(void *ctx, unsigned number, size_t service); /* each time it becomes up */
        void (*on_end)(void *ctx, unsigned number);                   /* the stack is down */
        void (*on_event)(void *ctx, struct json *event);              /* takes the event */
        void *ctx;
};

/* result is taken, NULL unless ERR_OK. note is lent, written unless ERR_OK. */
typedef void stack_done_fn(void *ctx, enum err e, struct json *result, const struct err_note *note);

struct stack_verb {
        stack_done_fn *done;
        void (*progress)(void *ctx, const char *text); /* may be NULL */
        void *ctx;
};

MUST_USE enum err stack_run_new(struct loop *loop, const struct stack_run_options *options, struct stack_run **ret,
                                struct err_note *reterr);
void stack_run_free(struct stack_run *r);
AUTO_DEFINE(struct stack_run, stack_run_free)

/* ERR_* at once: refused, done is not called. */
MUST_USE enum err stack_run_up(struct stack_run *r, bool fresh, uint64_t seed, const struct stack_verb *verb,
                               struct err_note *reterr);
MUST_USE enum err stack_run_down(struct stack_run *r, const struct stack_verb *verb, struct err_note *reterr);
MUST_USE enum err stack_run_reset(struct stack_run *r, uint64_t seed, const struct stack_verb *verb,
                                  struct err_note *reterr);
MUST_USE enum err stack_run_service(struct stack_run *r, const char *name, enum svc_event event,
                                    const struct stack_verb *verb, struct err_note *reterr);

/* Ends everything without grace; the state becomes DOWN when it is done. */
void stack_run_kill(struct stack_run *r);
enum stack_state stack_run_state(const struct stack_run *r);
unsigned stack_run_number(const struct stack_run *r);
struct json *stack_run_status(const struct stack_run *r);
/* The main process of a service; 0 if it has none now. *ret_paused: somebody paused it. */
pid_t stack_run_pid(const struct stack_run *r, size_t service, bool *ret_paused);
/* Something lives, so that faults make sense. */
bool stack_run_alive(const struct stack_run *r);
bool stack_run_built(const struct stack_run *r, size_t service);
/* "DIR/s/NAME.page": what faults share with the service (common/sys/fault_page.h). */
MUST_USE enum err stack_run_page(const struct stack_run *r, size_t service, char *dst, size_t dst_bytes);
/* A program of the agent beside the stack; ends with it, or by stack_run_helper_end. argv[0] is a verb of the agent's.
 */
MUST_USE enum err stack_run_helper(struct stack_run *r, const char *const *argv, uint64_t *ret_tag,
                                   struct err_note *reterr);
void stack_run_helper_end(struct stack_run *r, uint64_t tag); /* ended already is fine */

#endif
