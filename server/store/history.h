/* history: what the store keeps of finished runs besides their logs: recordings of drivers, comparisons, episodes.
 * Owner:  the loop thread; not thread-safe.   Memory: texts given are borrowed; in callbacks they live until the callback returns.
 * Units:  times in ms of the wall clock.
 * Limits: HISTORY_RECORDINGS_MAX recordings and HISTORY_EPISODES_MAX episodes, the oldest go; STORE_TEXT_BYTES_MAX a text.
 * Fails:  as store.h. */
#ifndef SERVER_STORE_HISTORY_H
#define SERVER_STORE_HISTORY_H

#include "server/store/store.h"

enum { HISTORY_RECORDINGS_MAX = 1000, HISTORY_EPISODES_MAX = 1000 };

struct history_recording {
        const char *scenario, *source, *policy, *model, *outcome, *document;
        int64_t seed, recorded_ms;
        bool fast;
};
typedef enum err (*history_recording_fn)(void *ctx, const struct history_recording *recording);
/* Replaces an earlier one of the same scenario, source, seed, mode, policy and model. */
MUST_USE enum err history_recording_put(struct store *s, const struct history_recording *recording, struct err_note *reterr);
/* Calls fn with the best match, if there is one: the same scenario, source, mode and policy; the same seed if possible, else the newest. */
MUST_USE enum err history_recording_find(struct store *s, const struct history_recording *like, history_recording_fn fn, void *ctx,
                                         struct err_note *reterr);
/* All of a scenario (NULL: of every one), newest first. */
MUST_USE enum err history_recording_each(struct store *s, const char *scenario, size_t limit, history_recording_fn fn, void *ctx,
                                         struct err_note *reterr);

MUST_USE enum err history_comparison_put(struct store *s, int64_t run_id, const char *document, struct err_note *reterr);
/* Calls fn once; ERR_NOT_FOUND when the run has none. */
MUST_USE enum err history_comparison_get(struct store *s, int64_t run_id, enum err (*fn)(void *ctx, const char *document), void *ctx,
                                         struct err_note *reterr);

struct history_episode {
        int64_t run_id, seed, steps, ended_ms;
        const char *scenario, *driver, *outcome, *lines;
        bool fast, assisted;
};
typedef enum err (*history_episode_fn)(void *ctx, const struct history_episode *episode);
MUST_USE enum err history_episode_put(struct store *s, const struct history_episode *episode, struct err_note *reterr);
/* Oldest first, of runs after `after`; at most `limit`. scenario NULL: of every one. */
MUST_USE enum err history_episode_each(struct store *s, const char *scenario, int64_t after, size_t limit, history_episode_fn fn, void *ctx,
                                       struct err_note *reterr);
MUST_USE enum err history_episode_get(struct store *s, int64_t run_id, history_episode_fn fn, void *ctx, struct err_note *reterr);

#endif
