/* order: what a client asks of fault.apply, checked: the kinds of faults, their arguments as JSON Schema, and the
 * arguments read. Pure. Owner:  caller. Memory: none kept. Units: in the names. Limits: in the schemas. Fails:
 * ERR_NOT_FOUND for an unknown kind, ERR_INVAL for arguments, with a sentence. */
#ifndef CONTROL_AGENT_INJECT_ORDER_H
#define CONTROL_AGENT_INJECT_ORDER_H

#include "common/base/err.h"
#include "common/text/json.h"
#include "control-agent/inject/net_shape.h"

/* The first NET_KIND_COUNT are enum net_kind, on edges; the others are on processes. */
#define ORDER_PROCESS_LIST(X)                                                                                          \
        X(SLOW, "process.slow")                                                                                        \
        X(BURN, "cpu.burn")                                                                                            \
        X(LEAK, "memory.leak")                                                                                         \
        X(MEMORY, "memory.limit")                                                                                      \
        X(FILES, "fd.limit")                                                                                           \
        X(DISK, "disk.fill")                                                                                           \
        X(SKEW, "clock.skew")
enum order_kind {
        ORDER_NET_LAST = NET_KIND_COUNT - 1,
#define X(name, text) ORDER_##name,
        ORDER_PROCESS_LIST(X)
#undef X
                ORDER_KIND_COUNT
};

struct order {
        int kind;             /* enum net_kind or enum order_kind */
        struct net_fault net; /* of net kinds */
        int64_t percent, threads, mb_per_s, max_mb, mb, count, ms;
};

static inline bool order_is_net(const struct order *order)
{
        return order->kind < NET_KIND_COUNT;
}

MUST_USE enum err order_parse(const char *fault, const struct json *args, struct order *ret, struct err_note *reterr);
const char *order_kind_text(int kind);
/* [{"fault","on":"edge|process","schema":{...}}]; NULL when out of memory. */
struct json *order_kinds_json(void);

#endif
