#include "server/race/lane.h"

#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "server/race/track.h"

static const char *const source_texts[LANE_SOURCE_COUNT] = {
#define X(name, text) [LANE_##name] = text,
        LANE_SOURCE_LIST(X)
#undef X
};

enum err lane_new(enum lane_source source, const char *policy, struct lane **ret)
{
        AUTO(lane_free) struct lane *lane = mem_zalloc(1, sizeof(*lane));

        if (!lane) return ERR_NOMEM;
        lane->source = source;
        str_cut(lane->policy, sizeof(lane->policy), policy);
        str_cut(lane->state, sizeof(lane->state), "preparing");
        lane->items = json_array();
        lane->track = json_array();
        if (!lane->items || !lane->track) return ERR_NOMEM;
        *ret = take(&lane);
        return ERR_OK;
}

void lane_free(struct lane *lane)
{
        if (!lane) return;
        json_free(lane->standing);
        json_free(lane->items);
        json_free(lane->track);
        mem_free(lane);
}

static void hear_run(struct lane *lane, const struct json *run)
{
        str_cut(lane->scenario, sizeof(lane->scenario), json_get_str(run, "scenario", ""));
        str_cut(lane->state, sizeof(lane->state), json_get_str(run, "state", ""));
        str_cut(lane->outcome, sizeof(lane->outcome), json_get_str(run, "outcome", ""));
        str_cut(lane->reason, sizeof(lane->reason), json_get_str(run, "reason", ""));
        lane->seed = json_get_int(run, "seed", 0);
        lane->fast = json_get_bool(run, "fast", false);
        lane->assisted = json_get_bool(run, "assisted", false);
        lane->onset_ms = json_get_int(run, "onset_ms", 0);
}

static void hear_standing(struct lane *lane, const struct json *standing)
{
        size_t count = json_count(lane->track);
        int64_t at_ms = json_get_int(standing, "at_ms", -1), last_ms = -LANE_TRACK_MS;

        json_free(lane->standing);
        lane->standing = json_clone(standing);
        if (at_ms < 0 || count >= LANE_TRACK_MAX) return;
        JSON_EACH(item, lane->track) last_ms = json_get_int(item, "at_ms", 0);
        if (at_ms - last_ms >= LANE_TRACK_MS) json_push(lane->track, json_clone(standing));
}

static struct json *item_json(const struct json *action)
{
        static const char *const kept[] = {"id", "at_ms", "by", "kind", "on", "args", "changed", "state", "reason"};
        struct json *item = json_object();

        for (size_t i = 0; i < ARRAY_COUNT(kept); i++)
                if (json_get(action, kept[i])) json_set(item, kept[i], json_clone(json_get(action, kept[i])));
        return item;
}

/* An action is told again when its state changes: the last word counts, in the place of the first. */
static void hear_action(struct lane *lane, const struct json *action)
{
        const char *by = json_get_str(action, "by", ""), *id = json_get_str(action, "id", "");
        struct json *items;
        bool known = false;

        if (!str_eq(by, "learner") && !str_eq(by, "agent")) return;
        items = json_array();
        JSON_EACH(item, lane->items)
        {
                bool same = str_eq(json_get_str(item, "id", ""), id);

                known = known || same;
                json_push(items, same ? item_json(action) : json_clone(item));
        }
        if (!known && json_count(items) < LANE_ITEMS_MAX) json_push(items, item_json(action));
        json_free(lane->items);
        lane->items = items;
}

void lane_hear(struct lane *lane, const char *type, const struct json *data)
{
        if (str_eq(type, "run")) hear_run(lane, data);
        if (str_eq(type, "standing")) hear_standing(lane, data);
        if (str_eq(type, "action")) hear_action(lane, data);
        if (str_eq(type, "recommendation") && !str_eq(lane->policy, "learner"))
                str_cut(lane->model, sizeof(lane->model), json_get_str(data, "model", ""));
}

bool lane_is_over(const struct lane *lane)
{
        return lane->outcome[0] != '\0';
}

bool lane_is_complete(const struct lane *lane)
{
        return str_eq(lane->outcome, "resolved") || str_eq(lane->outcome, "time_up");
}

/* The last entry of a list that lies at or before at_ms. */
static const struct json *last_at(const struct json *list, int64_t at_ms)
{
        const struct json *found = NULL;

        JSON_EACH(item, list)
                if (json_get_int(item, "at_ms", 0) <= at_ms) found = item;
        return found;
}

static struct json *items_until(const struct lane *lane, int64_t at_ms)
{
        struct json *list = json_array();

        JSON_EACH(item, lane->items)
                if (json_get_int(item, "at_ms", 0) <= at_ms) json_push(list, json_clone(item));
        return list;
}

struct json *lane_json(const struct lane *lane, int64_t at_ms, bool shows_items)
{
        bool whole = lane->source != LANE_RECORDED || json_get_int(lane->standing, "at_ms", 0) <= at_ms;
        const struct json *standing = whole ? lane->standing : last_at(lane->track, at_ms);
        struct json *j = json_object();

        json_set_str(j, "who", lane->source == LANE_YOU ? "you" : lane->policy);
        json_set_str(j, "policy", lane->policy);
        json_set_str(j, "model", lane->model);
        json_set_str(j, "source", source_texts[lane->source]);
        json_set(j, "recorded_ms", lane->recorded_ms ? json_number((double)lane->recorded_ms) : json_null());
        json_set_bool(j, "shipped", lane->is_shipped);
        json_set_bool(j, "other_model", lane->is_other_model);
        json_set_num(j, "seed", (double)lane->seed);
        json_set_bool(j, "fast", lane->fast);
        json_set_bool(j, "assisted", lane->assisted);
        json_set_str(j, "state", whole ? lane->state : "running");
        json_set(j, "outcome", whole && lane->outcome[0] ? json_string(lane->outcome) : json_null());
        json_set_str(j, "reason", whole ? lane->reason : "");
        json_set_str(j, "stopped", lane->stopped);
        json_set(j, "standing", standing ? json_clone(standing) : json_null());
        json_set(j, "items", shows_items ? items_until(lane, whole ? INT64_MAX : at_ms) : json_null());
        return j;
}

struct json *lane_recording_json(const struct lane *lane)
{
        struct json *j = lane_json(lane, INT64_MAX, true);

        json_set_str(j, "scenario", lane->scenario);
        json_set(j, "track", track_thin(lane->track));
        json_remove(j, "shipped"); /* of where it is found, not of what it is */
        json_remove(j, "other_model");
        return j;
}

enum err lane_read(const struct json *recording, struct lane **ret)
{
        AUTO(lane_free) struct lane *lane = NULL;
        enum err e;

        if (!json_is(json_get(recording, "standing"), JSON_OBJECT) || !json_is(json_get(recording, "items"), JSON_ARRAY)) return ERR_PARSE;
        e = lane_new(LANE_RECORDED, json_get_str(recording, "policy", ""), &lane);
        if (e) return e;
        hear_run(lane, recording);
        str_cut(lane->model, sizeof(lane->model), json_get_str(recording, "model", ""));
        lane->recorded_ms = json_get_int(recording, "recorded_ms", 0);
        json_free(lane->items);
        json_free(lane->track);
        lane->standing = json_clone(json_get(recording, "standing"));
        lane->items = json_clone(json_get(recording, "items"));
        lane->track = track_whole(json_get(recording, "track"));
        if (!lane->standing || !lane->items || !lane->track) return ERR_NOMEM;
        *ret = take(&lane);
        return ERR_OK;
}
