/* readiness: waits for the event that a started process is ready: a byte on a pipe, an sd_notify datagram, or the first
 * answer to a connect or an HTTP GET. One object a start.
 * Owner:  the loop's thread. Memory: readiness_free ends the wait. Units: ms.
 * Limits: none of its own; the service's deadline is the caller's. Fails: never ready is told by nobody but that
 * deadline. on_ready is called at most once, later; readiness_free inside it is allowed. */
#ifndef CONTROL_AGENT_SUPERVISE_READINESS_H
#define CONTROL_AGENT_SUPERVISE_READINESS_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/stack/stack.h"
#include "common/sys/loop.h"

struct readiness;

struct readiness_options {
        enum stack_ready kind;
        const char *host, *path; /* of probes */
        uint16_t port;
        const char *notify_name; /* of sd_notify: name of the abstract socket without its '@' */
        loop_fn *on_ready;
        void *ctx;
};

/* *ret_fd: the write end of the pipe for kind FD, for the service, becomes the caller's; else -1. Probes begin at
 * once. */
MUST_USE enum err readiness_new(struct loop *loop, const struct readiness_options *options, struct readiness **ret,
                                int *ret_fd, struct err_note *reterr);
void readiness_free(struct readiness *r);

#endif
