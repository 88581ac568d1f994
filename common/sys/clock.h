/* clock: the only place where time is read. Monotonic for durations and deadlines, wall for what people read.
 * Owner: none, thread-safe. Memory: none. Units: in the names. Limits: none. Fails: never. */
#ifndef COMMON_SYS_CLOCK_H
#define COMMON_SYS_CLOCK_H

#include <stddef.h>
#include <stdint.h>

enum { CLOCK_TEXT_BYTES = 32 };

int64_t clock_mono_ns(void);
int64_t clock_mono_us(void);
int64_t clock_mono_ms(void);
int64_t clock_wall_ms(void); /* since 1970; off by what the fault page says (fault_page.h) */
/* "2026-01-02T03:04:05.678Z" into CLOCK_TEXT_BYTES bytes. */
void clock_text(int64_t wall_ms, char dst[static CLOCK_TEXT_BYTES]);
/* Blocks this thread until the monotonic time; for schedulers, never to wait for somebody else's event. */
void clock_sleep_until_ns(int64_t mono_ns);

#endif
