/* keeper: the small process that is the parent of everything in one stack: init of its PID namespace where the machine
 * allows one, else a subreaper. It starts what it is asked to start, tells what ended, and when the agent's end of its
 * socket closes it kills everything and ends. It holds the stack's lock file until then.
 * Owner:  a process of its own, one thread, blocking calls allowed. Memory: static.
 * Limits: KEEPER_MESSAGE_BYTES a message, KEEPER_PROCESSES_MAX processes.
 * Fails:  a program that cannot be started is told as KEEPER_FAILED with errno. */
#ifndef CONTROL_AGENT_SUPERVISE_KEEPER_H
#define CONTROL_AGENT_SUPERVISE_KEEPER_H

#include <stdint.h>

enum {
        KEEPER_MESSAGE_BYTES = 65536,
        KEEPER_PROCESSES_MAX = 128,
        KEEPER_TEXTS_MAX = 256,
        KEEPER_SOCKET_FD = 3,
        KEEPER_LOCK_FD = 4,
        KEEPER_READY_FD = 3, /* in the started process */
};

/* Agent to keeper: start one program. Followed by texts_count NUL-terminated texts: program file, working directory,
 * then argv_count arguments, then the environment. Descriptors with it: output, and the ready pipe if has_ready. */
struct keeper_request {
        uint64_t tag;
        uint32_t argv_count, env_count;
        uint32_t has_ready, unprivileged;
};

enum keeper_news_kind { KEEPER_STARTED, KEEPER_FAILED, KEEPER_EXITED };

/* Keeper to agent; KEEPER_STARTED carries the pidfd. */
struct keeper_news {
        uint64_t tag;
        uint32_t kind;
        int32_t error;  /* errno of KEEPER_FAILED */
        int32_t code;   /* si_code of KEEPER_EXITED: CLD_EXITED, CLD_KILLED, CLD_DUMPED */
        int32_t status; /* exit status or signal number */
};

/* main() of the keeper: socket on KEEPER_SOCKET_FD, lock on KEEPER_LOCK_FD. Returns the exit status. */
int keeper_main(void);

#endif
