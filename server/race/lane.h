/* lane: one player's part of a race, folded from the messages of a run (run, standing, action, recommendation of
 * docs/contracts.md): the learner's own, those of a ghost, or what a recording kept of an earlier run.
 * Owner:  the loop thread. Memory: lane_free; texts and JSON are copied.    Units: ms, at_ms from the onset of its own run.
 * Limits: LANE_ITEMS_MAX changes, LANE_TRACK_MAX standings, one each LANE_TRACK_MS; what comes after is left out.
 * Fails:  lane_new and lane_read: ERR_NOMEM, ERR_PARSE. Hearing never fails: what cannot be read is not heard. */
#ifndef SERVER_RACE_LANE_H
#define SERVER_RACE_LANE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/err.h"
#include "common/text/json.h"

enum { LANE_ITEMS_MAX = 256, LANE_TRACK_MAX = 720, LANE_TRACK_MS = 5000, LANE_NAME_BYTES = 24, LANE_MODEL_BYTES = 40 };

#define LANE_SOURCE_LIST(X) X(YOU, "you") X(LIVE, "live") X(RECORDED, "recorded")
enum lane_source {
#define X(name, text) LANE_##name,
        LANE_SOURCE_LIST(X)
#undef X
        LANE_SOURCE_COUNT
};

struct lane {
        enum lane_source source;
        char policy[LANE_NAME_BYTES]; /* "learner", "agent", "rule", ... */
        char model[LANE_MODEL_BYTES]; /* "" when no model decides */
        char scenario[80], state[16], outcome[16], reason[256];
        char stopped[240]; /* why a ghost's run is not whole; "" */
        int64_t seed, onset_ms, recorded_ms;
        bool fast, assisted;
        bool is_shipped;     /* a recording that came with the installation */
        bool is_other_model; /* a recording made with another model than the one that advises now */
        struct json *standing; /* the last STANDING, NULL before the first */
        struct json *items;    /* array of {"id","at_ms","by","kind","on","args","changed","state"} */
        struct json *track;    /* array of STANDING, for playing a recording beside a clock */
};

MUST_USE enum err lane_new(enum lane_source source, const char *policy, struct lane **ret);
void lane_free(struct lane *lane); /* NULL is fine */
AUTO_DEFINE(struct lane, lane_free)

void lane_hear(struct lane *lane, const char *type, const struct json *data);
bool lane_is_over(const struct lane *lane);     /* its run has an outcome */
bool lane_is_complete(const struct lane *lane); /* resolved or time up: worth recording */

/* LANE of docs/contracts.md, as it stood at at_ms (INT64_MAX: at its end). shows_items: with the changes it made. NULL: out of memory. */
struct json *lane_json(const struct lane *lane, int64_t at_ms, bool shows_items);
/* What a recording keeps, and back. */
struct json *lane_recording_json(const struct lane *lane);
MUST_USE enum err lane_read(const struct json *recording, struct lane **ret);

#endif
