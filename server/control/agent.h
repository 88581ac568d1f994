/* agent: starts the control agent as a process of its own session, so that it outlives a killed server.
 * Owner:  the loop thread. Memory: agent_free does not end the process.     Units: none.
 * Limits: one agent. Fails: with the reason; when the agent exits, on_exit is told once. */
#ifndef SERVER_CONTROL_AGENT_H
#define SERVER_CONTROL_AGENT_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/base/err.h"
#include "common/sys/loop.h"

struct agent;

struct agent_options {
        struct loop *loop;
        const char *program; /* path of firedrill-control */
        const char *home;
        const char *log;   /* file its output is appended to */
        bool dies_with_us; /* for a home that nobody will come back to: SIGTERM when the calling thread ends, however it
                              ends */
        void (*on_exit)(void *ctx, int wait_status);
        void *ctx;
};

MUST_USE enum err agent_start(const struct agent_options *options, struct agent **ret, struct err_note *reterr);
void agent_free(struct agent *a);
AUTO_DEFINE(struct agent, agent_free)
pid_t agent_pid(const struct agent *a);      /* 0 after its exit */
void agent_terminate(const struct agent *a); /* SIGTERM: it ends its stacks, then itself */

#endif
