/* fault_page: a page shared with the control agent, through which two faults reach into a process of the system under test
 * without its help: a clock that is off (clock.skew) and memory that leaks (memory.leak). The file is named by the
 * variable FIREDRILL_FAULT_PAGE; without it, as in all other programs, nothing here does anything.
 * Owner:  process-wide, thread-safe. Memory: the leak is one mapping, which grows and shrinks as the page says.
 * Units:  in the names. Limits: FAULT_PAGE_LEAK_BYTES_MAX. Fails: never; a page that cannot be mapped is no page. */
#ifndef COMMON_SYS_FAULT_PAGE_H
#define COMMON_SYS_FAULT_PAGE_H

#include <stdint.h>

#define FAULT_PAGE_VARIABLE "FIREDRILL_FAULT_PAGE"

enum { FAULT_PAGE_BYTES = 4096 };
#define FAULT_PAGE_LEAK_BYTES_MAX ((int64_t)2 << 30)

/* What is in the file. */
struct fault_page {
        _Atomic int64_t skew_ms;
        _Atomic int64_t leak_bytes;
};

/* How far this process takes the time of day for another. */
int64_t fault_page_skew_ms(void);
/* Leaks, or gives back, what the page asks for. Called now and then by the service scaffolding. */
void fault_page_follow(void);

#endif
