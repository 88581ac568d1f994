/* cache_knobs: what can be set at the cache adapter; each knob acts on the real Redis.
 * Owner: static. Memory: none. Units: in the table. Limits: in the table. Fails: nothing. */
#ifndef SUT_CACHE_CACHE_KNOBS_H
#define SUT_CACHE_CACHE_KNOBS_H

#include "sut/kit/knob.h"

enum cache_knob {
        CACHE_MAXMEMORY_MB,
        CACHE_EVICTION_POLICY,
        CACHE_MAX_CLIENTS,
        CACHE_CLIENT_TIMEOUT_S,
        CACHE_SLOW_LOG_US,
        CACHE_FILL_MB,
        CACHE_FLUSH_EVERY_S,
        CACHE_BLOCK_MS,
        CACHE_LOG_LEVEL,
        CACHE_KNOB_COUNT
};

enum { CACHE_FILL_MB_MAX = 64, CACHE_BLOCK_MS_MAX = 2000 };

extern const struct knob cache_knobs[CACHE_KNOB_COUNT];

#endif
