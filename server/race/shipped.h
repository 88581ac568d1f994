/* shipped: recordings that come with the installation (models/recordings/NAME.json, recording.h), for a home that has none of its own.
 * What each is about is read once; the rest when it is needed. A file that cannot be used is told, by name, and is as good as none.
 * Owner:  the loop thread. Memory: shipped_free; facts lent to shipped_each live until then. Units: ms of the wall clock.
 * Limits: SHIPPED_MAX files, RECORDING_BYTES_MAX each. Fails: shipped_new: ERR_NOMEM; a folder that is not there is an empty one. */
#ifndef SERVER_RACE_SHIPPED_H
#define SERVER_RACE_SHIPPED_H

#include "common/base/err.h"
#include "server/race/lane.h"
#include "server/store/history.h"

enum { SHIPPED_MAX = 256 };

struct shipped;

/* say: what is wrong with a file, one sentence each. folder NULL: nothing is shipped. */
MUST_USE enum err shipped_new(const char *folder, void (*say)(void *ctx, const char *text), void *ctx, struct shipped **ret, struct err_note *reterr);
void shipped_free(struct shipped *s);
AUTO_DEFINE(struct shipped, shipped_free)

/* The newest of the same scenario as written, seed, pace and policy; *ret stays NULL when there is none. */
MUST_USE enum err shipped_find(const struct shipped *s, const struct lane *like, const char *source, const char *policy, struct lane **ret,
                               struct err_note *reterr);
/* Calls fn with each of a scenario (NULL: of every one), without its document, by the name of the file. */
MUST_USE enum err shipped_each(const struct shipped *s, const char *scenario, history_recording_fn fn, void *ctx);

#endif
