#include "server/race/room.h"

#include <stdio.h>
#include <string.h>

#include "common/base/attr.h"

void room_look(struct room *room)
{
        struct machine_ticks now;

        if (!machine_ticks(&now)) return;
        if (room->looks == ROOM_LOOKS) {
                memmove(room->look, room->look + 1, (ROOM_LOOKS - 1) * sizeof(*room->look));
                room->looks--;
        }
        room->look[room->looks++] = now;
}

void room_measure(const struct room *room, struct room_now *ret)
{
        *ret = (struct room_now){.memory_bytes = machine_memory_available_bytes(), .cores = machine_cores(), .idle_cores = -1};
        if (room->looks >= 2) ret->idle_cores = machine_idle_cores(&room->look[0], &room->look[room->looks - 1], ret->cores);
}

int room_for(const struct room_now *now, int wanted, char reason[static ROOM_REASON_BYTES])
{
        reason[0] = '\0';
        for (int n = 1; n <= wanted; n++) {
                uint64_t bytes = ROOM_RESERVE_BYTES + (uint64_t)n * ROOM_STACK_BYTES;
                double cores = ROOM_RESERVE_CORES + n * ROOM_STACK_CORES;

                if (now->memory_bytes < bytes)
                        (void)snprintf(reason, ROOM_REASON_BYTES, "%d stack%s beside yours need%s %llu MB of free memory, and %llu MB are free", n,
                                       n > 1 ? "s" : "", n > 1 ? "" : "s", (unsigned long long)(bytes >> 20),
                                       (unsigned long long)(now->memory_bytes >> 20));
                else if (now->idle_cores < 0)
                        (void)snprintf(reason, ROOM_REASON_BYTES, "how busy this machine is has not been measured yet; try again in a few seconds");
                else if (now->idle_cores < cores)
                        (void)snprintf(reason, ROOM_REASON_BYTES, "%d stack%s beside yours need%s %.2f idle cores, and %.2f of %.1f are idle", n,
                                       n > 1 ? "s" : "", n > 1 ? "" : "s", cores, now->idle_cores, now->cores);
                if (reason[0]) return n - 1;
        }
        return wanted;
}
