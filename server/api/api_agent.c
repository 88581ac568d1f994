/* The agent beside a learner: what became of its advice, the autopilot, the comparison with others; and the episodes that are left. */
#include <string.h>

#include "common/base/hash.h"
#include "common/base/str.h"
#include "server/api/api_call.h"
#include "server/api/library.h"
#include "server/episode/episode.h"
#include "server/race/recording.h"
#include "server/store/history.h"

enum { RECORDINGS_PAGE = 200, EPISODES_PAGE = 200 };

static bool text_member(struct api_call *call, const char *key, const char **ret)
{
        const struct json *value = json_get(call->body, key);

        *ret = json_text(value) ? json_text(value) : "";
        if (!value || json_text(value)) return true;
        call_problem(call, 422, "INVAL", "'%s' must be a text", key);
        return false;
}

/* Accepting says only that; the change itself is an action like any other. */
void handle_run_advice(struct api_call *call)
{
        struct run_event event = {.kind = RUN_EV_ASSIST};
        const char *answer;

        if (!call_run_is_playing(call) || !text_member(call, "answer", &answer) || !text_member(call, "text", &event.text) ||
            !text_member(call, "on", &event.on))
                return;
        if (!str_eq(answer, "accepted") && !str_eq(answer, "ignored")) {
                call_problem(call, 422, "INVAL", "'answer' is '%.20s', expected accepted or ignored", answer);
                return;
        }
        event.by = answer;
        call_event(call, &event);
}

void handle_run_autopilot(struct api_call *call)
{
        const struct json *on = json_get(call->body, "on");

        if (!call_run_is_playing(call)) return;
        if (!json_is(on, JSON_BOOL)) {
                call_problem(call, 422, "INVAL", "'on' must be true or false");
        } else if (json_true(on) && !call->api->o.agent) {
                call_problem(call, 409, "STATE", "no model of a recovery agent fits this server, so nobody could take over");
        } else {
                call_event(call, &(struct run_event){.kind = RUN_EV_ASSIST, .by = "autopilot", .text = json_true(on) ? "on" : "off"});
        }
}

static enum err comparison_kept(void *ctx, const char *document)
{
        struct api_call *call = ctx;

        call_text(call, 200, "application/json", document, strlen(document));
        return ERR_OK;
}

void handle_run_comparison(struct api_call *call)
{
        struct api *api = call->api;
        struct err_note note;
        AUTO_BUF text = {0};
        int64_t id = 0;
        enum err e;

        if (!call_run_number(call, &id)) return;
        buf_init(&text, API_TEXT_BYTES_MAX);
        if (api->o.race && race_comparison(api->o.race, call->segment[0], &text)) {
                call_text(call, 200, "application/json", text.data, text.size_bytes);
                return;
        }
        e = history_comparison_get(api->o.store, id, comparison_kept, call, &note);
        if (e) call_error(call, e, &note);
}

void api_comparison_write(struct api *api, struct buf *out)
{
        const struct run *run = conductor_run(api->o.conductor);

        if (!run || !api->o.race || !race_comparison(api->o.race, run_id(run), out)) buf_str(out, "null");
}

void handle_agent_room(struct api_call *call)
{
        if (call->api->o.race)
                call_json(call, 200, race_room_json(call->api->o.race));
        else
                call_problem(call, 503, "UNAVAILABLE", "this server holds no races");
}

struct recordings {
        const struct library *library;
        struct json *list;
        bool shipped;
};

/* Whether it can stand in for a run of the scenario as it is now. */
static bool is_as_written(const struct library *library, const struct history_recording *r)
{
        const struct library_entry *entry = library_find(library, r->scenario);
        char source[RECORDING_SOURCE_BYTES];

        if (!entry) return false;
        recording_source(hash_fnv(HASH_FNV_START, entry->source.data, entry->source.size_bytes), source);
        return str_eq(r->source, source);
}

static enum err recordings_add(void *ctx, const struct history_recording *r)
{
        const struct recordings *found = ctx;
        struct json *j;

        if (json_count(found->list) >= RECORDINGS_PAGE) return ERR_OK;
        j = json_object();
        json_set_str(j, "scenario", r->scenario);
        json_set_num(j, "seed", (double)r->seed);
        json_set_bool(j, "fast", r->fast);
        json_set_str(j, "policy", r->policy);
        json_set_str(j, "model", r->model);
        json_set_str(j, "outcome", r->outcome);
        json_set_num(j, "recorded_ms", (double)r->recorded_ms);
        json_set_bool(j, "shipped", found->shipped);
        json_set_bool(j, "as_written", is_as_written(found->library, r));
        json_push(found->list, j);
        return ERR_OK;
}

void handle_agent_recordings(struct api_call *call)
{
        struct api *api = call->api;
        struct recordings found = {.library = api->library, .list = json_array()};
        const char *scenario = call_param(call, "scenario");
        struct err_note note = {0};
        enum err e;

        library_refresh(api->library);
        e = history_recording_each(api->o.store, scenario, RECORDINGS_PAGE, recordings_add, &found, &note);
        found.shipped = true;
        if (!e && api->o.race) e = race_shipped_each(api->o.race, scenario, recordings_add, &found);
        call_list(call, "recordings", found.list, e, &note);
}

static enum err episodes_add(void *ctx, const struct history_episode *x)
{
        struct json *j = json_object();
        AUTO_BUF id;

        buf_init(&id, 32);
        buf_printf(&id, "r%lld", (long long)x->run_id);
        json_set_str(j, "run", id.data);
        json_set_str(j, "scenario", x->scenario);
        json_set_num(j, "seed", (double)x->seed);
        json_set_bool(j, "fast", x->fast);
        json_set_str(j, "driver", x->driver);
        json_set_bool(j, "assisted", x->assisted);
        json_set_str(j, "outcome", x->outcome);
        json_set_num(j, "steps", (double)x->steps);
        json_set_num(j, "ended_ms", (double)x->ended_ms);
        json_push(ctx, j);
        return ERR_OK;
}

void handle_episodes(struct api_call *call)
{
        struct json *list;
        struct err_note note;
        int64_t after = 0;
        enum err e;

        if (!call_param_int(call, "after", 0, INT64_MAX, 0, &after)) return;
        list = json_array();
        e = history_episode_each(call->api->o.store, call_param(call, "scenario"), after, EPISODES_PAGE, episodes_add, list, &note);
        call_list(call, "episodes", list, e, &note);
}

static enum err episode_as_lines(void *ctx, const struct history_episode *x)
{
        struct api_call *call = ctx;

        call_text(call, 200, "application/jsonl", x->lines, strlen(x->lines));
        return ERR_OK;
}

static enum err episode_as_csv(void *ctx, const struct history_episode *x)
{
        struct api_call *call = ctx;
        AUTO_BUF text;

        buf_init(&text, API_TEXT_BYTES_MAX);
        if (episode_csv(x->lines, NULL, &text, NULL))
                call_problem(call, 500, "CORRUPT", "the episode of run r%lld cannot be read any more", (long long)x->run_id);
        else
                call_text(call, 200, "text/csv", text.data, text.size_bytes);
        return ERR_OK;
}

void handle_episode(struct api_call *call)
{
        const char *format = call_param(call, "format");
        struct err_note note;
        int64_t id = 0;
        enum err e;

        if (!call_run_number(call, &id)) return;
        if (format && !str_eq(format, "jsonl") && !str_eq(format, "csv")) {
                call_problem(call, 422, "INVAL", "format is '%.20s', expected jsonl or csv", format);
                return;
        }
        e = history_episode_get(call->api->o.store, id, str_eq(format, "csv") ? episode_as_csv : episode_as_lines, call, &note);
        if (e) call_error(call, e, &note);
}
