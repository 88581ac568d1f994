/* room: is there room on this machine for one more stack? What is free is measured, what a stack needs was.
 * Owner:  the loop thread. Memory: the caller's struct. Units: bytes, cores. Limits: none. Fails: never; the answer says why not. */
#ifndef SERVER_RACE_ROOM_H
#define SERVER_RACE_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/sys/machine.h"

/* A stack with its driver under a shipped scenario's load, measured (docs/agent.md). The reserve is what the learner's own part
 * of the machine must keep: a browser, a burst of the load, the start of a process. */
#define ROOM_STACK_BYTES (UINT64_C(300) << 20)
#define ROOM_RESERVE_BYTES (UINT64_C(512) << 20)
#define ROOM_STACK_CORES 0.25
#define ROOM_RESERVE_CORES 0.25

enum { ROOM_REASON_BYTES = 256, ROOM_LOOKS = 3 };

struct room {
        struct machine_ticks look[ROOM_LOOKS]; /* oldest first */
        int looks;
};

struct room_now {
        uint64_t memory_bytes;
        double cores, idle_cores; /* idle_cores -1: not known yet */
};

void room_look(struct room *room); /* every few seconds */
void room_measure(const struct room *room, struct room_now *ret);
/* How many more stacks fit, at most `wanted`; reason: a sentence when it is fewer. */
int room_for(const struct room_now *now, int wanted, char reason[static ROOM_REASON_BYTES]);

#endif
