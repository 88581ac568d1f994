/* race: a learner beside the agent and the rule on the same incident: the same scenario, seed and pace, live on stacks of their own when
 * the machine has room, otherwise from recorded runs that are marked so. Hears what browsers hear of the learner's run and tells COMPARISON of
 * docs/contracts.md; at the end it sets them side by side: first differences, regret, place.
 *
 *     idle ──run: a new id──> one lane ──race_begin──> rivals ──run: ended──> ghosts interrupted ──run: debriefed──> comparison kept
 *
 * While a run without live advice goes on, what the others do stays hidden (it would be advice); how they fare is told.
 * Owner:  the loop thread. Memory: race_free, when race_is_quiet. Units: ms, at_ms from each run's own onset.
 * Limits: RACE_RIVALS_MAX rivals at once, ghosts that are still ending included.
 * Fails:  race_begin never fails: what it could not get is said in the comparison's note. */
#ifndef SERVER_RACE_RACE_H
#define SERVER_RACE_RACE_H

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/sys/loop.h"
#include "server/race/lane.h"
#include "server/store/history.h"
#include "server/store/store.h"

enum { RACE_RIVALS_MAX = 8, RACE_LOOK_MS = 5000, RACE_TELL_MS = 1000, RACE_LIVE = 2, RACE_BYTES_MAX = 1 << 20 };

/* auto: ghosts when there is room; on: always; off: recorded runs only. */
#define RACE_MODE_LIST(X) X(AUTO, "auto") X(ON, "on") X(OFF, "off")
enum race_mode {
#define X(name, text) RACE_##name,
        RACE_MODE_LIST(X)
#undef X
        RACE_MODE_COUNT
};
enum race_mode race_mode_parse(const char *text); /* RACE_MODE_COUNT: none of them */
const char *race_mode_text(enum race_mode mode);

struct race;

struct race_options {
        struct loop *loop;
        struct store *store;
        const char *home;
        int stack, stack_max; /* the learner's; ghosts take free numbers above it, then below */
        enum race_mode mode;
        const char *shipped; /* folder of shipped recordings; NULL: none */
        const char *model;   /* id of the one that advises now, outlives the race; NULL: none */
        void (*tell)(void *ctx, const char *json); /* COMPARISON, at most once a second */
        void (*say)(void *ctx, const char *text);  /* while it is made: what is wrong with a shipped recording */
        void *ctx;
};

MUST_USE enum err race_new(const struct race_options *options, struct race **ret, struct err_note *reterr);
void race_free(struct race *race);
AUTO_DEFINE(struct race, race_free)

void race_hear(struct race *race, const char *type, const char *json);
void race_decided(struct race *race, const char *recommendation); /* each decision of the agent beside the learner */

/* Of the run that was just begun (and heard): the scenario as it is played. with_rivals: it becomes a race. */
void race_begin(struct race *race, const char *source, size_t source_bytes, bool with_rivals);
/* Whether there is room for ghosts: {"mode","ghosts":0..2,"reason",...}. NULL: out of memory. */
struct json *race_room_json(struct race *race);
/* COMPARISON of the present run, or of the last one; false: none of that id. */
bool race_comparison(struct race *race, const char *run_id, struct buf *out);

void race_interrupt(struct race *race, const char *why); /* ends all ghosts, which takes a moment */
bool race_is_quiet(const struct race *race);             /* no ghost is left */

/* The shipped recordings of a scenario (NULL: of every one), without their documents. */
MUST_USE enum err race_shipped_each(const struct race *race, const char *scenario, history_recording_fn fn, void *ctx);

/* Recordings: `lane` of a complete run, and the best match of a policy. source_bytes of the scenario's YAML. */
MUST_USE enum err race_record(struct store *store, const struct lane *lane, uint64_t source_hash, struct err_note *reterr);
/* *ret stays NULL when there is none. */
MUST_USE enum err race_recorded(struct store *store, const struct lane *like, uint64_t source_hash, const char *policy, struct lane **ret,
                                struct err_note *reterr);
/* The text of recording.h of one that the store keeps; ERR_PARSE: it cannot be read any more. */
MUST_USE enum err race_recording_export(const struct history_recording *recording, struct buf *out);

#endif
