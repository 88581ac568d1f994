/* entropy: random bytes of the kernel, for identifiers and tokens. Never used where a seed must replay.
 * Owner: none, thread-safe. Memory: none. Limits: none. Fails: never (the kernel's source blocks only at boot). */
#ifndef COMMON_SYS_ENTROPY_H
#define COMMON_SYS_ENTROPY_H

#include <stddef.h>
#include <stdint.h>

void entropy_bytes(void *dst, size_t size_bytes);
uint64_t entropy_u64(void);
/* Lower-case hexadecimal text of `bytes` random bytes; dst has room for 2 * bytes + 1. */
void entropy_hex(char *dst, size_t bytes);

#endif
