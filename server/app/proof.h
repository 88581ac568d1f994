/* proof: one of the six proofs of a scenario, as a run of its own: `firedrill play` as a child, its last line judged.
 *
 *     waiting ──proof_start──> running ──the child ended──> over (on_over is told)
 *        ^                        │
 *        └──the healthy state never came: a busy machine, and no verdict on the scenario; at most PROOF_TRIES_MAX runs
 *
 * HEALTHY and BITES are read off the run of NOTHING: there is no run of their own for them.
 * Owner:  the loop thread. Memory: file and list are lent. Units: ms. Limits: PROOFS_MAX proofs.
 * Fails:  a child that cannot be started; everything else is a proof that did not pass, with its reason. */
#ifndef SERVER_APP_PROOF_H
#define SERVER_APP_PROOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/sys/child.h"
#include "common/sys/file.h"
#include "common/sys/loop.h"
#include "server/engine/scenario.h"

enum { PROOFS_MAX = 1024, PROOF_TRIES_MAX = 3 };

#define PROOF_KIND_LIST(X)                                                                                             \
        X(NOTHING, "nothing") X(SOLUTION, "solution") X(WRONG, "wrong") X(RESTART, "restart")

#define X(name, ...) PROOF_##name,
enum proof_kind { PROOF_KIND_LIST(X) PROOF_KIND_COUNT };
#undef X

const char *proof_kind_text(enum proof_kind kind);

struct proof {
        const char *file;
        enum proof_kind kind;
        char name[64], driver[32];
        bool begun, over, passed, healthy, bites;
        int refused;                           /* steps of the driver that were not done */
        int tries;                             /* runs so far */
        char outcome[32], reason[512];
        int64_t took_ms, bite_ms, played_ms;   /* the whole run; fault to page; page to end; 0: did not happen */
        int slot;
        int64_t began_ms;
        struct child *child;
        void (*on_over)(void *ctx, struct proof *p);
        void (*on_phase)(void *ctx, const struct proof *p); /* its run is in another state: phase; may be NULL */
        char phase[16];
        void *ctx;
};

struct proof_list {
        struct proof item[PROOFS_MAX];
        size_t count;
};

/* The runs that prove a scenario: its solutions, each played twice because once may be luck, then doing nothing, the
 * wrong fixes, and the restart of everything. False when there are too many. */
bool proofs_of(struct proof_list *list, const char *file, const struct scenario *s);

/* Keeps, of the proofs from `first` on (of one file), one solution and one wrong fix; n chooses which. */
void proofs_sample(struct proof_list *list, size_t first, uint64_t n);

struct proof_room {
        struct loop *loop;
        const char *home; /* a folder that is kept from proof to proof */
        int stack;
        bool fast;
        int64_t give_up_ms; /* 0: the scenario's time limit */
};
MUST_USE enum err proof_start(struct proof *p, const struct proof_room *room, struct err_note *reterr);

#endif
