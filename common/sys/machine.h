/* machine: how much of this machine is free: memory, processor time, cores. As the kernel and, where there is one, the control
 * group of this process say.
 * Owner:  none, thread-safe. Memory: none. Units: bytes, cores, kernel ticks. Limits: none of its own.
 * Fails:  0 (memory), false (ticks) where the kernel does not say. */
#ifndef COMMON_SYS_MACHINE_H
#define COMMON_SYS_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

/* What may still be used without swapping. */
uint64_t machine_memory_available_bytes(void);
/* Cores that this process may use; a quota of the control group counts as so many. At least 0.1. */
double machine_cores(void);

struct machine_ticks {
        uint64_t idle, all; /* since the start of the machine, over all cores */
};
bool machine_ticks(struct machine_ticks *ret);
/* Cores that were idle between two looks, at most `cores`; -1 when nothing was counted between them. */
double machine_idle_cores(const struct machine_ticks *before, const struct machine_ticks *now, double cores);

/* The same from given texts, for tests: /proc/meminfo, /proc/stat. */
uint64_t machine_meminfo_parse(const char *text);
bool machine_stat_parse(const char *text, struct machine_ticks *ret);

#endif
