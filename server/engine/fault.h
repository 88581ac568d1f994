/* fault: the library of what can be done to the system, by a scenario (faults), a learner or an agent (repairs).
 * Pure description in one table; carried out by server/stage and the control agent.
 * Owner:  static data. Memory: none. Units: in the argument names. Limits: FAULT_ARGS_MAX arguments a kind.
 * Fails:  fault_schema_write only through its buffer. */
#ifndef SERVER_ENGINE_FAULT_H
#define SERVER_ENGINE_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/text/json.h"

enum { FAULT_ARGS_MAX = 8 };

/* What `on` names. */
#define FAULT_TARGET_LIST(X)                                                                                           \
        X(SERVICE, "service")     /* has /config: service or adapter */                                                \
        X(PROCESS, "process")     /* anything with a pid: service, adapter or component */                             \
        X(EDGE, "edge")           /* "api->db" */                                                                      \
        X(NONE, "none")           /* `on` must be absent */
enum fault_target {
#define X(name, text) FAULT_TARGET_##name,
        FAULT_TARGET_LIST(X)
#undef X
        FAULT_TARGET_COUNT
};

/* Who carries it out. */
#define FAULT_BY_LIST(X)                                                                                               \
        X(CONFIG, "config")       /* PATCH /config of `on` with the arguments as merge patch */                        \
        X(PUBLISH, "publish")     /* published through the config service, so that it survives a restart */            \
        X(LOAD, "load")           /* PATCH /config of loadgen */                                                       \
        X(CONTROL, "control")     /* verb service.* of the control agent */                                            \
        X(INJECT, "inject")       /* verb fault.apply of the control agent */                                          \
        X(ADAPTER, "adapter")     /* PATCH /config of the service `via`; each argument is the key of its row */
enum fault_by {
#define X(name, text) FAULT_BY_##name,
        FAULT_BY_LIST(X)
#undef X
        FAULT_BY_COUNT
};

/* How its undo is formed, BEFORE it is applied. */
#define FAULT_UNDO_LIST(X)                                                                                             \
        X(OLD_VALUES, "put the old values of the same keys back")                                                      \
        X(INVERSE, "do the opposite (undo_kind)")                                                                      \
        X(HANDLE, "ask the control agent to undo the fault it applied")                                                \
        X(NOTHING, "nothing: it is over when it is done")
enum fault_undo {
#define X(name, text) FAULT_UNDO_##name,
        FAULT_UNDO_LIST(X)
#undef X
        FAULT_UNDO_COUNT
};

enum fault_arg_type { FAULT_ARG_INTEGER, FAULT_ARG_NUMBER, FAULT_ARG_BOOLEAN, FAULT_ARG_STRING, FAULT_ARG_DURATION };

struct fault_arg {
        const char *name;
        enum fault_arg_type type;
        bool required;
        double min, max;     /* numbers */
        const char *choices; /* strings: "a|b|c", NULL: any */
        const char *key;     /* ADAPTER, LOAD: the configuration key it becomes; NULL: its own name;
                              * "*": the argument's value is the key, and becomes false */
        const char *doc;
};

struct fault_kind {
        const char *name;
        enum fault_target target;
        enum fault_by by;
        enum fault_undo undo;
        const char *undo_kind; /* INVERSE: "process.start" */
        const char *via;       /* ADAPTER, LOAD: the service that is configured ("db", "loadgen") */
        bool any_args;         /* args are configuration keys of `on`, checked against its schema */
        bool needs_for;        /* makes sense only for a while */
        bool repair;           /* a learner or an agent may do it as well */
        bool fault;            /* a scenario may do it */
        int severity;          /* 1 (hardly felt) .. 5 (down) */
        double cost;           /* of the same act as a repair, in units of the utility scalar */
        const char *fixed;     /* ADAPTER, LOAD: JSON object that is set besides the arguments, NULL: nothing */
        const char *doc, *expects;
        struct fault_arg args[FAULT_ARGS_MAX]; /* ends with a NULL name */
};

size_t fault_count(void);
const struct fault_kind *fault_at(size_t index);
const struct fault_kind *fault_find(const char *name); /* NULL if unknown */
const char *fault_suggest(const char *name);           /* nearest known name or NULL */
size_t fault_arg_count(const struct fault_kind *kind);
/* JSON Schema 2020-12 of the arguments (an object). */
void fault_schema_write(const struct fault_kind *kind, struct buf *out);
/* What carries it out gets: the merge patch of /config (CONFIG, PUBLISH, LOAD, ADAPTER), or the arguments (INJECT).
 * NULL when out of memory. */
struct json *fault_body(const struct fault_kind *kind, const struct json *args);
const char *fault_target_text(enum fault_target target);
const char *fault_by_text(enum fault_by by);
const char *fault_undo_text(enum fault_undo undo);

#endif
