/* bite: one fault on one service's process: a share of its time taken, limits lowered, memory leaked, its clock put
 * off, a neighbour that burns. Begins, goes over to a new process of the service, ends. Owner:  the agent's thread.
 * Memory: caller; bite_done stops its timers, without undoing. Units:  ms, bytes. Limits: one process tree. Fails: with
 * a sentence; a service that is down is bitten when it comes. */
#ifndef CONTROL_AGENT_APP_BITE_H
#define CONTROL_AGENT_APP_BITE_H

#include <sys/resource.h>

#include "common/sys/loop.h"
#include "control-agent/inject/order.h"
#include "control-agent/supervise/stack_run.h"

struct bite {
        struct loop *loop;
        struct stack_run *stack;
        size_t service;
        struct order order;
        struct loop_timer *period, *pulse;
        rlim_t soft_before; /* of limits */
        bool limited;
        uint64_t helper;
        int64_t leaked_mb_ms; /* of leaks: MB times 1000 */
        bool stopped;
};

/* Checks that this service can have this fault. */
MUST_USE enum err bite_init(struct bite *b, struct loop *loop, struct stack_run *stack,
                            const struct stack_service *spec, size_t service, const struct order *order,
                            struct err_note *reterr);
MUST_USE enum err bite_begin(struct bite *b, struct err_note *reterr);
void bite_again(struct bite *b, bool fresh); /* fresh: a new process; else it has become ready */
void bite_end(struct bite *b);
void bite_done(struct bite *b);

#endif
