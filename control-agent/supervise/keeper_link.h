/* keeper_link: the agent's end of one keeper: makes it, asks it to start programs, hears what ended, ends it.
 * Owner:  the agent's loop thread. Memory: keeper_link_free closes; what still lives below dies with the socket.
 * Units:  pids as the agent sees them. Limits: those of keeper.h; a full socket is ERR_LIMIT.
 * Fails:  with a note; a keeper that ends is told once by on_gone, after which only keeper_link_free may follow. */
#ifndef CONTROL_AGENT_SUPERVISE_KEEPER_LINK_H
#define CONTROL_AGENT_SUPERVISE_KEEPER_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/err.h"
#include "common/sys/loop.h"

/* PIDNS_USER: PID, mount and user namespace; PIDNS: without the user namespace (root); SUBREAPER: none. */
enum keeper_mode { KEEPER_PIDNS_USER, KEEPER_PIDNS, KEEPER_SUBREAPER };
enum keeper_wish { KEEPER_AUTO, KEEPER_WISH_PIDNS, KEEPER_WISH_SUBREAPER };

/* Tries what this machine allows (starts and ends a process for each try). ERR_UNSUPPORTED if the wish is refused. */
MUST_USE enum err keeper_mode_find(enum keeper_wish wish, enum keeper_mode *ret, struct err_note *reterr);
const char *keeper_mode_text(enum keeper_mode mode); /* "pidns" or "subreaper" */

struct keeper_link;

struct keeper_link_options {
        enum keeper_mode mode;
        const char *program; /* file of the agent itself, which has the keeper in it */
        int lock_fd;         /* inherited by the keeper; stays the caller's here */
        void (*on_started)(void *ctx, uint64_t tag, pid_t pid, int pid_fd); /* pid_fd becomes the callee's */
        void (*on_failed)(void *ctx, uint64_t tag, int error_number);
        void (*on_exited)(void *ctx, uint64_t tag, int code, int status); /* si_code, si_status */
        void (*on_gone)(void *ctx);
        void *ctx;
};

struct keeper_start {
        const char *program, *directory;
        const char *const *argv, *const *envp; /* NULL-terminated */
        int output_fd, ready_fd;               /* stay the caller's; ready_fd -1 = none */
        bool unprivileged;
};

MUST_USE enum err keeper_link_new(struct loop *loop, const struct keeper_link_options *options,
                                  struct keeper_link **ret, struct err_note *reterr);
MUST_USE enum err keeper_link_start(struct keeper_link *link, uint64_t tag, const struct keeper_start *start,
                                    struct err_note *reterr);
/* Ends the keeper and everything below it; on_gone tells when it is done. */
void keeper_link_end(struct keeper_link *link);
pid_t keeper_link_pid(const struct keeper_link *link);
void keeper_link_free(struct keeper_link *link);
AUTO_DEFINE(struct keeper_link, keeper_link_free)

#endif
