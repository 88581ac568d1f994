/* adapter: what the programs in front of real servers (db, cache, mq) have in common: a loop thread that owns the server's state, changes
 * of the configuration that are carried out on the server all or nothing, and a configuration that tells what is really there.
 * Owner:  new, run, free by the main thread; apply, refresh and call by any thread but the loop's.
 * Memory: freed by free, which first ends the thread. What lives on the loop must be freed between stop and free.
 * Units:  ms.                               Limits: ADAPTER_CALL_MS for one piece of work on the loop.
 * Fails:  apply: with the key and the server's words, after what was already set has been put back. */
#ifndef SUT_ADAPTER_ADAPTER_H
#define SUT_ADAPTER_ADAPTER_H

#include "common/sys/loop.h"
#include "sut/kit/config.h"

enum { ADAPTER_CALL_MS = 20000 };

struct adapter;

struct adapter_ops {
        const char *author; /* who writes observed values into the history: the service's name */
        const struct knob *knobs;
        size_t knob_count;
        /* Both run on the thread that called apply or refresh; use adapter_call for what belongs to the loop. */
        enum err (*set)(void *ctx, size_t knob, const struct json *value, struct err_note *reterr);
        enum err (*read)(void *ctx, struct json *values, struct err_note *reterr); /* may leave out what it cannot read */
        void *ctx;
};

MUST_USE enum err adapter_new(struct kit_config *config, const struct adapter_ops *ops, struct adapter **ret, struct err_note *reterr);
struct loop *adapter_loop(struct adapter *a); /* add handles before run, or on the loop */
MUST_USE enum err adapter_run(struct adapter *a, struct err_note *reterr);
void adapter_stop(struct adapter *a); /* the loop runs no more */
void adapter_free(struct adapter *a);

/* For kit_spec.apply and kit_spec.refresh. */
MUST_USE enum err adapter_apply(struct adapter *a, const struct json *changed, struct err_note *reterr);
void adapter_refresh(struct adapter *a);

/* Runs fn(ctx, arg) on the loop and gives back what it says. */
typedef enum err adapter_fn(void *ctx, void *arg, struct err_note *reterr);
MUST_USE enum err adapter_call(struct adapter *a, adapter_fn *fn, void *ctx, void *arg, struct err_note *reterr);

#endif
