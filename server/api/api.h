/* api: the handlers of /api/v1 (docs/openapi.yaml). A handler runs on the HTTP worker that brought the request; what it
 * needs from the loop it asks the loop for: loop handlers run there whole, actions are started there and waited for
 * here. Owner:  api_new on the loop thread; api_handle on any worker; api_free on the loop thread when no worker is
 * inside any more. Memory: one struct api_call a request. What the options name outlives the api.   Units: ms. Limits:
 * API_LOOP_MS for the loop's answer, API_ACTION_MS for an action, LIBRARY_MAX scenarios. Fails:  every failure is an
 * application/problem+json; a full loop is a 503 with Retry-After. */
#ifndef SERVER_API_API_H
#define SERVER_API_API_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/err.h"
#include "common/http/server.h"
#include "common/stack/stack.h"
#include "common/sys/loop.h"
#include "server/control/control.h"
#include "server/engine/world.h"
#include "server/race/race.h"
#include "server/stage/conductor.h"
#include "server/store/store.h"

enum { API_LOOP_MS = 5000, API_ACTION_MS = 45000, API_PACKS_MAX = 40 };

struct api;

struct api_pack {
        const char *name; /* NULL: what comes with the product */
        const char *dir;
        bool writable; /* the user's own: PUT .../source goes here */
        bool is_root;  /* not scenarios but packs: a folder with a pack.yaml, or with such folders */
};

/* Proofs of a scenario, carried out by the program; on the loop thread. start NULL: none. */
struct api_verify {
        enum err (*start)(void *ctx, const char *scenario, const char *file, bool fast, struct err_note *reterr);
        void (*stop)(void *ctx);
        struct json *(*get)(void *ctx); /* what is known of the last ones */
        void *ctx;
};

struct api_options {
        struct loop *loop;
        struct store *store;
        struct control *control;
        struct conductor *conductor;
        struct race *race; /* NULL: nobody to race with */
        const char *agent; /* id of the model that advises, outlives the api; NULL: none fits, so there is no autopilot */
        const struct stack_spec *spec;
        const struct scenario_world *world;
        int stack;
        bool terminal; /* shells are given out */
        const char *home;
        const char *grafana; /* address of a Grafana that the panel embeds; NULL: none */
        struct api_verify verify;
        struct api_pack packs[API_PACKS_MAX]; /* of the roots, new packs are made in the first writable one */
        size_t pack_count;
        void (*say)(void *ctx, const char *text); /* what a person should know, such as a bad pack; may be NULL */
        void *ctx;
};

MUST_USE enum err api_new(const struct api_options *options, struct api **ret, struct err_note *reterr);
void api_free(struct api *api);
AUTO_DEFINE(struct api, api_free)

/* The whole answer of a request below /api/v1/, also for a path that is not there. On a worker thread. */
void api_handle(struct api *api, struct http_exchange *x);

/* What the control agent says about processes; on the loop thread. */
void api_process_seen(struct api *api, const struct json *service);
void api_control_seen(struct api *api, bool up);
/* The snapshot of docs/contracts.md, without "epoch"; on the loop thread. */
void api_snapshot(struct api *api, struct buf *out);

/* Rows of the routing table, for the test that holds it against docs/openapi.yaml. */
size_t api_route_count(void);
void api_route_at(size_t index, const char **ret_method, const char **ret_pattern);

#endif
