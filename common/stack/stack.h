/* stack: the one list of what a stack is made of (sut/stack.yaml), as read-only values. Pure: the caller reads the
 * file. Owner:  caller, read-only once parsed. Memory: stack_spec_free frees all; every text lends from the spec.
 * Units:  ports in host order, times in ms, indexes from 0.
 * Limits: STACK_SERVICES_MAX services, and the other maxima below; names at most STACK_NAME_BYTES bytes.
 * Fails:  every finding goes to the diag list with its place; ERR_PARSE, ERR_LIMIT or ERR_NOMEM. */
#ifndef COMMON_STACK_STACK_H
#define COMMON_STACK_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/text/diag.h"

enum {
        STACK_SERVICES_MAX = 32,
        STACK_OUTSIDE_MAX = 8,
        STACK_NEEDS_MAX = 8,
        STACK_PAIRS_MAX = 8,
        STACK_ARGS_MAX = 24,
        STACK_EDGES_MAX = 128,
        STACK_NAME_BYTES = 24,
        STACK_NUMBER_MAX = 250, /* stacks side by side: 127.77.1.1 to 127.77.250.1 */
};

#define STACK_KIND_LIST(X) X(SERVICE, "service") X(ADAPTER, "adapter") X(COMPONENT, "component")
enum stack_kind {
#define X(name, text) STACK_##name,
        STACK_KIND_LIST(X)
#undef X
                STACK_KIND_COUNT
};

/* How a process says that it is ready: a byte on FIREDRILL_READY_FD, sd_notify, or it answers a probe. */
#define STACK_READY_LIST(X) X(FD, "fd") X(NOTIFY, "notify") X(TCP, "tcp") X(HTTP, "http")
enum stack_ready {
#define X(name, text) STACK_READY_##name,
        STACK_READY_LIST(X)
#undef X
                STACK_READY_COUNT
};

struct stack_pair {
        const char *key, *value;
};

struct stack_upstream {
        const char *name; /* as the service calls it: "db" */
        size_t to;        /* index of the service that is dialled: postgres */
};

struct stack_service {
        const char *name, *title, *program;
        int number; /* place in the twelve-service system, 0 = none */
        enum stack_kind kind;
        uint16_t port;
        int adapter_of; /* index, or -1 */
        bool unprivileged, restart, keep;

        enum stack_ready ready;
        uint16_t ready_port; /* 0 = port */
        const char *ready_path;
        int64_t ready_timeout_ms, stop_grace_ms;
        int stop_signal;

        size_t needs[STACK_NEEDS_MAX], needs_count;
        struct stack_upstream upstreams[STACK_PAIRS_MAX];
        size_t upstreams_count;
        struct stack_pair files[STACK_PAIRS_MAX], env[STACK_PAIRS_MAX];
        size_t files_count, env_count;
        const char *args[STACK_ARGS_MAX], *prepare[STACK_ARGS_MAX], *forget[STACK_ARGS_MAX];
        const char *search[STACK_PAIRS_MAX];
        size_t args_count, prepare_count, forget_count, search_count;
};

struct stack_outside {
        const char *name, *title, *where;
        int number;
};

/* One arrow of the topology; its name is "from->to", `to` as the service calls it or by the name of the list. */
struct stack_edge {
        size_t from, to;
        const char *name; /* of the upstream */
};

struct stack_spec {
        struct stack_service services[STACK_SERVICES_MAX];
        size_t services_count;
        struct stack_outside outside[STACK_OUTSIDE_MAX];
        size_t outside_count;
        struct stack_edge edges[STACK_EDGES_MAX];
        size_t edges_count;
        struct yaml *text; /* what all texts lend from */
};

MUST_USE enum err stack_spec_parse(const char *bytes, size_t size_bytes, struct diag_list *diags,
                                   struct stack_spec **ret);
void stack_spec_free(struct stack_spec *spec);
AUTO_DEFINE(struct stack_spec, stack_spec_free)

/* Index, or -1. */
int stack_service_find(const struct stack_spec *spec, const char *name);
/* The nearest name, or NULL: for "did you mean". */
const char *stack_service_suggest(const struct stack_spec *spec, const char *name);
/* "api->db" or "api->postgres": index of the edge, or ERR_NOT_FOUND with a sentence. */
MUST_USE enum err stack_edge_find(const struct stack_spec *spec, const char *name, size_t *ret,
                                  struct err_note *reterr);
/* "api->db" into dst. */
void stack_edge_name(const struct stack_spec *spec, size_t edge, char *dst, size_t dst_bytes);

const char *stack_kind_text(enum stack_kind kind);

/* docs/ports.md: every listening place of a stack, as Markdown. */
void stack_ports_write(const struct stack_spec *spec, struct buf *b);

#endif
