/* hash: FNV-1a, 64 bit (http://www.isthe.com/chongo/tech/comp/fnv/): for tables and fingerprints, never for secrets. */
#ifndef COMMON_BASE_HASH_H
#define COMMON_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_FNV_START UINT64_C(0xcbf29ce484222325)

/* Continues from `hash` (start with HASH_FNV_START). */
uint64_t hash_fnv(uint64_t hash, const void *bytes, size_t size_bytes);
uint64_t hash_fnv_str(const char *text);

#endif
