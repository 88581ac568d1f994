#include "sut/cache/cache_knobs.h"

#include "sut/kit/service.h"

static const char *const policies[] = {"noeviction",   "allkeys-lru",  "allkeys-lfu",     "allkeys-random", "volatile-lru",
                                       "volatile-lfu", "volatile-ttl", "volatile-random", NULL};

const struct knob cache_knobs[CACHE_KNOB_COUNT] = {
        [CACHE_MAXMEMORY_MB] = KNOB_INT("maxmemory_mb", 16, 1, 1024, "MiB", "Memory", "Most memory for data",
                "CONFIG SET maxmemory. When it is reached the eviction policy decides."),
        [CACHE_EVICTION_POLICY] = KNOB_ONE_OF("eviction_policy", "allkeys-lru", policies, "Memory", "Eviction policy",
                "CONFIG SET maxmemory-policy. noeviction refuses writes when memory is full."),
        [CACHE_MAX_CLIENTS] = KNOB_INT("max_clients", 1000, 4, 4000, "connections", "Connections", "Most connections",
                "CONFIG SET maxclients. Open connections stay, further ones are refused."),
        [CACHE_CLIENT_TIMEOUT_S] = KNOB_INT("client_timeout_s", 0, 0, 3600, "s", "Connections", "Idle timeout",
                "CONFIG SET timeout: closes connections that are idle for this long. 0 is never."),
        [CACHE_SLOW_LOG_US] = KNOB_INT("slow_log_us", 10000, -1, 10000000, "us", "Logs", "Slow log threshold",
                "CONFIG SET slowlog-log-slower-than. -1 is off."),
        [CACHE_FILL_MB] = KNOB_INT("fill_mb", 0, 0, CACHE_FILL_MB_MAX, "MiB", "Jobs", "Data of another tenant",
                "A batch job keeps this much data of its own in the cache and renews it all the time. 0 removes it."),
        [CACHE_FLUSH_EVERY_S] = KNOB_INT("flush_every_s", 0, 0, 3600, "s", "Jobs", "Flush every",
                "A clean-up job empties the whole cache this often, and once at once. 0 is never."),
        [CACHE_BLOCK_MS] = KNOB_INT("block_ms", 0, 0, CACHE_BLOCK_MS_MAX, "ms", "Jobs", "Blocking script",
                "A report runs a script of this length about once a second; nobody else is served meanwhile. 0 is never."),
        [CACHE_LOG_LEVEL] = KIT_KNOB_LOG_LEVEL,
};
