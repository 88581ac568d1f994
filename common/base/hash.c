#include "common/base/hash.h"

#include <string.h>

uint64_t hash_fnv(uint64_t hash, const void *bytes, size_t size_bytes)
{
        const unsigned char *p = bytes;

        for (size_t i = 0; i < size_bytes; i++) hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
        return hash;
}

uint64_t hash_fnv_str(const char *text)
{
        return hash_fnv(HASH_FNV_START, text, strlen(text));
}
