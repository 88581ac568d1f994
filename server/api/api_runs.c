/* Runs: start, look, end, log, debrief, hints, diagnosis, evidence. */
#include <stdio.h>
#include <string.h>

#include "common/base/str.h"
#include "server/api/api_call.h"
#include "server/engine/run_json.h"

enum { EVENTS_PAGE = 1000, RUNS_PAGE = 100, EVIDENCE_MAX = 100, WORDS_MAX = 32 };

bool call_run_number(struct api_call *call, int64_t *ret)
{
        const char *id = call->segment[0];

        if (id[0] == 'r' && !str_parse_i64(id + 1, 1, INT64_MAX, ret)) return true;
        call_problem(call, 404, "NOT_FOUND", "there is no run '%.32s'; runs are named r1, r2, ...", id);
        return false;
}

bool call_run_is_playing(struct api_call *call)
{
        const struct conductor *c = call->api->o.conductor;
        int64_t id = 0;

        if (!call_run_number(call, &id)) return false;
        if (conductor_active(c) && conductor_run_id(c) == id && conductor_run(c)) return true;
        call_problem(call, 409, "STATE", "run r%lld is not active", (long long)id);
        return false;
}

void call_run(struct api_call *call, int status)
{
        AUTO_BUF text;

        buf_init(&text, API_TEXT_BYTES_MAX);
        run_json(conductor_run(call->api->o.conductor), &text);
        call_text(call, status, "application/json", text.data, text.size_bytes);
}

void call_list(struct api_call *call, const char *name, struct json *list, enum err e, const struct err_note *note)
{
        struct json *j;

        if (e) {
                json_free(list);
                call_error(call, e, note);
                return;
        }
        j = json_object();
        json_set(j, name, list);
        call_json(call, 200, j);
}

void call_event(struct api_call *call, const struct run_event *event)
{
        struct err_note note;
        enum err e = conductor_event(call->api->o.conductor, event, &note);

        if (e)
                call_error(call, e, &note);
        else
                call_run(call, 200);
}

static enum err runs_add(void *ctx, const struct store_run *r)
{
        struct json *document = NULL;

        if (r->document && !json_parse(r->document, strlen(r->document), &document, NULL)) json_push(ctx, document);
        return ERR_OK;
}

void handle_runs(struct api_call *call)
{
        const char *state = call_param(call, "state");
        struct err_note note;
        struct json *list;
        enum err e;

        if (state && !str_eq(state, "active")) {
                call_problem(call, 422, "INVAL", "state is '%.20s', expected active", state);
                return;
        }
        list = json_array();
        e = store_run_each(call->api->o.store, state != NULL, RUNS_PAGE, runs_add, list, &note);
        call_list(call, "runs", list, e, &note);
}

static bool run_new_read(struct api_call *call, struct conductor_play *play, const char **id)
{
        const struct json *seed = json_get(call->body, "seed"), *fast = json_get(call->body, "fast"), *race = json_get(call->body, "race");
        const char *advice = json_get_str(call->body, "advice", "off");

        JSON_EACH(member, call->body)
        {
                const char *key = json_key(member);

                if (str_eq(key, "scenario") || str_eq(key, "seed") || str_eq(key, "fast") || str_eq(key, "advice") || str_eq(key, "race"))
                        continue;
                call_problem(call, 422, "INVAL", "unknown member '%.40s', expected scenario, seed, fast, advice, race", key);
                return false;
        }
        *id = json_get_str(call->body, "scenario", NULL);
        if (!*id) {
                call_problem(call, 422, "INVAL", "'scenario' is missing: the id of a scenario");
        } else if (seed && !(json_value(seed) >= 0 && json_value(seed) <= 9007199254740991.0)) {
                call_problem(call, 422, "INVAL", "'seed' must be a whole number from 0 to 9007199254740991");
        } else if (fast && !json_is(fast, JSON_BOOL)) {
                call_problem(call, 422, "INVAL", "'fast' must be true or false");
        } else if (race && !json_is(race, JSON_BOOL)) {
                call_problem(call, 422, "INVAL", "'race' must be true or false");
        } else if (!str_eq(advice, "off") && !str_eq(advice, "after") && !str_eq(advice, "live")) {
                call_problem(call, 422, "INVAL", "'advice' is '%.20s', expected off, after or live", advice);
        } else {
                *play = (struct conductor_play){.driver = "learner",
                                                .advice = advice,
                                                .seed = seed ? (uint64_t)json_value(seed) : 0,
                                                .fast = json_true(fast)};
                return true;
        }
        return false;
}

void handle_run_new(struct api_call *call)
{
        struct api *api = call->api;
        const struct library_entry *entry;
        struct conductor_play play;
        char run_id_text[CONDUCTOR_RUN_ID_BYTES];
        const char *id = NULL;
        struct err_note note;
        enum err e;

        if (!run_new_read(call, &play, &id)) return;
        library_refresh(api->library);
        entry = library_find(api->library, id);
        if (!entry) {
                const char *near = library_suggest(api->library, id);

                call_problem(call, 404, "NOT_FOUND", "there is no scenario '%.64s'%s%s%s", id,
                             near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
                return;
        }
        if (!control_up(api->o.control)) {
                call_problem(call, 503, "UNAVAILABLE", "the control agent does not answer, so no run can be started");
                return;
        }
        if (!conductor_active(api->o.conductor) &&
            (str_eq(view_state(api->view), "starting") || str_eq(view_state(api->view), "stopping"))) {
                call_problem(call, 503, "UNAVAILABLE", "the stack is %s; try again in a few seconds",
                             view_state(api->view));
                return;
        }
        play.source = entry->source.data;
        play.source_bytes = entry->source.size_bytes;
        play.name = entry->id;
        e = conductor_start(api->o.conductor, &play, run_id_text, &note);
        if (e == ERR_PARSE) {
                call_problem(call, 422, "INVAL", "%s", note.text);
        } else if (e) {
                call_error(call, e, &note);
        } else {
                if (api->o.race) race_begin(api->o.race, play.source, play.source_bytes, json_true(json_get(call->body, "race")));
                call_run(call, 201);
        }
}

static enum err run_document(void *ctx, const struct store_run *r)
{
        struct api_call *call = ctx;

        if (r->document)
                call_text(call, 200, "application/json", r->document, strlen(r->document));
        else
                call_problem(call, 404, "NOT_FOUND", "run r%lld was never shown", (long long)r->id);
        return ERR_OK;
}

void handle_run(struct api_call *call)
{
        const struct conductor *c = call->api->o.conductor;
        struct err_note note;
        int64_t id = 0;
        enum err e;

        if (!call_run_number(call, &id)) return;
        if (conductor_run(c) && conductor_run_id(c) == id) {
                call_run(call, 200);
                return;
        }
        e = store_run_get(call->api->o.store, id, run_document, call, &note);
        if (e) call_error(call, e, &note);
}

void handle_run_end(struct api_call *call)
{
        const char *reason = json_get_str(call->body, "reason", "");

        if (!call_run_is_playing(call)) return;
        if (!str_eq(reason, "abandoned") && !str_eq(reason, "complete")) {
                call_problem(call, 422, "INVAL", "'reason' is '%.20s', expected abandoned or complete", reason);
                return;
        }
        call_event(call, &(struct run_event){.kind = RUN_EV_END, .by = reason});
}

struct events_page {
        struct json *list;
        int64_t onset_ms;
        bool all;
};

static enum err events_onset(void *ctx, const struct store_run *r)
{
        struct events_page *page = ctx;

        page->onset_ms = r->onset_ms;
        return ERR_OK;
}

static enum err events_add(void *ctx, const struct store_event *event)
{
        struct events_page *page = ctx;
        struct json *j, *data = NULL;

        if (!page->all && (str_eq(event->type, "samples") || str_eq(event->type, "tick"))) return ERR_OK;
        if (json_parse(event->data, strlen(event->data), &data, NULL)) return ERR_OK;
        j = json_object();
        json_set_num(j, "seq", (double)event->seq);
        json_set_num(j, "t", (double)event->wall_ms);
        json_set(j, "at_ms",
                 page->onset_ms == STORE_TIME_NONE ? json_null()
                                                   : json_number((double)(event->wall_ms - page->onset_ms)));
        json_set_str(j, "type", event->type);
        json_set(j, "data", data);
        json_push(page->list, j);
        return ERR_OK;
}

/* Samples and ticks are most of the log and are given only with all=1. */
void handle_run_events(struct api_call *call)
{
        struct events_page page = {
                .list = NULL, .onset_ms = STORE_TIME_NONE, .all = str_eq(call_param(call, "all"), "1")};
        struct err_note note;
        int64_t id = 0, after = 0;
        enum err e;

        if (!call_run_number(call, &id) || !call_param_int(call, "after", 0, INT64_MAX, 0, &after)) return;
        e = store_run_get(call->api->o.store, id, events_onset, &page, &note);
        if (e) {
                call_error(call, e, &note);
                return;
        }
        page.list = json_array();
        e = store_event_each(call->api->o.store, id, after, page.all ? EVENTS_PAGE : STORE_EVENTS_MAX, events_add,
                             &page, &note);
        call_list(call, "events", page.list, e, &note);
}

static enum err debrief_found(void *ctx, const struct store_run *r)
{
        struct api_call *call = ctx;

        if (r->debrief)
                call_text(call, 200, "application/json", r->debrief, strlen(r->debrief));
        else
                call_problem(call, 409, "STATE", "run r%lld has no debrief%s", (long long)r->id,
                             r->outcome ? "; its log could not be read again" : " before its end");
        return ERR_OK;
}

void handle_run_debrief(struct api_call *call)
{
        const struct conductor *c = call->api->o.conductor;
        const char *format = call_param(call, "format");
        struct err_note note;
        int64_t id = 0;
        enum err e;

        if (!call_run_number(call, &id)) return;
        if (format && !str_eq(format, "md") && !str_eq(format, "json")) {
                call_problem(call, 422, "INVAL", "format is '%.20s', expected json or md", format);
                return;
        }
        if (str_eq(format, "md")) {
                AUTO_BUF text;

                buf_init(&text, API_TEXT_BYTES_MAX);
                e = conductor_markdown(call->api->o.conductor, id, &text, &note);
                if (e)
                        call_error(call, e, &note);
                else
                        call_text(call, 200, "text/markdown; charset=utf-8", text.data, text.size_bytes);
                return;
        }
        if (conductor_run(c) && conductor_run_id(c) == id && run_outcome(conductor_run(c)) != RUN_OUTCOME_NONE) {
                AUTO_BUF text;

                buf_init(&text, API_TEXT_BYTES_MAX);
                run_debrief_json(conductor_run(c), &text);
                call_text(call, 200, "application/json", text.data, text.size_bytes);
                return;
        }
        e = store_run_get(call->api->o.store, id, debrief_found, call, &note);
        if (e) call_error(call, e, &note);
}

static enum err actions_add(void *ctx, const struct store_action *action)
{
        struct json *document = NULL;

        if (!json_parse(action->document, strlen(action->document), &document, NULL)) json_push(ctx, document);
        return ERR_OK;
}

static enum err run_exists(void *ctx, const struct store_run *r)
{
        (void)ctx, (void)r;
        return ERR_OK;
}

void handle_run_actions(struct api_call *call)
{
        struct json *list;
        struct err_note note;
        int64_t id = 0;
        enum err e;

        if (!call_run_number(call, &id)) return;
        e = store_run_get(call->api->o.store, id, run_exists, NULL, &note);
        if (e) {
                call_error(call, e, &note);
                return;
        }
        list = json_array();
        e = store_action_each(call->api->o.store, id, actions_add, list, &note);
        call_list(call, "actions", list, e, &note);
}

/* The text is where the learner sees it: in the feed entry of the hint. */
static void hint_reply(struct api_call *call, const char *hint)
{
        const struct run *run = conductor_run(call->api->o.conductor);

        for (size_t i = run_feed_count(run); i-- > 0;) {
                AUTO(json_free) struct json *j = NULL;
                AUTO_BUF text;
                struct json *reply;

                buf_init(&text, API_TEXT_BYTES_MAX);
                run_feed_json(run, i, &text);
                if (json_parse(text.data, text.size_bytes, &j, NULL) ||
                    !str_eq(json_get_str(json_get(j, "hint"), "id", ""), hint))
                        continue;
                reply = json_object();
                json_set_str(reply, "text", json_get_str(j, "text", ""));
                call_json(call, 200, reply);
                return;
        }
        call_problem(call, 404, "NOT_FOUND", "there is no hint '%.32s' yet", hint);
}

void handle_run_hint(struct api_call *call)
{
        struct run_event event = {.kind = RUN_EV_HINT, .hint = call->segment[1]};
        struct err_note note;
        enum err e;

        if (!call_run_is_playing(call)) return;
        e = conductor_event(call->api->o.conductor, &event, &note);
        if (e)
                call_error(call, e, &note);
        else
                hint_reply(call, call->segment[1]);
}

/* Texts of an array into items; false: a 422 was given. */
static bool words_read(struct api_call *call, const char *key, size_t max, const char **items, size_t *count)
{
        const struct json *list = json_get(call->body, key);

        *count = 0;
        if (list && !json_is(list, JSON_ARRAY)) goto wrong;
        JSON_EACH(item, list)
        {
                if (!json_text(item) || *count == max) goto wrong;
                items[(*count)++] = json_text(item);
        }
        return true;
wrong:
        call_problem(call, 422, "INVAL", "'%s' must be a list of at most %zu texts", key, max);
        return false;
}

void handle_run_diagnosis(struct api_call *call)
{
        const char *affected[WORDS_MAX];
        const struct json *object = json_get(call->body, "object");
        AUTO_BUF text;
        struct run_event event = {.kind = RUN_EV_DIAGNOSIS,
                                  .component = json_get_str(call->body, "component", NULL),
                                  .mechanism = json_get_str(call->body, "mechanism", NULL),
                                  .object = json_text(object),
                                  .text = json_get_str(call->body, "note", NULL),
                                  .items = affected};

        buf_init(&text, 4096);
        if (!call_run_is_playing(call) || !words_read(call, "affected", WORDS_MAX, affected, &event.item_count)) return;
        if (json_is(object, JSON_OBJECT) && !json_print(object, &text)) event.object = text.data;
        call_event(call, &event);
}

void handle_run_evidence(struct api_call *call)
{
        const char *items[EVIDENCE_MAX];
        struct run_event event = {.kind = RUN_EV_EVIDENCE, .items = items};
        struct err_note note;
        enum err e;

        if (!call_run_is_playing(call) || !words_read(call, "items", EVIDENCE_MAX, items, &event.item_count)) return;
        if (event.item_count == 0) {
                call_problem(call, 422, "INVAL",
                             "'items' is missing or empty: a list of texts such as panel:gateway.latency");
                return;
        }
        e = conductor_event(call->api->o.conductor, &event, &note);
        if (e)
                call_error(call, e, &note);
        else
                call_json(call, 200, json_object());
}

/* What the learner will do next time; also after the end, as long as no other run has begun. */
void handle_run_note(struct api_call *call)
{
        const struct conductor *c = call->api->o.conductor;
        struct run_event event = {.kind = RUN_EV_NOTE, .text = json_get_str(call->body, "text", "")};
        int64_t id = 0;

        if (!call_run_number(call, &id)) return;
        if (!conductor_run(c) || conductor_run_id(c) != id) {
                call_problem(call, 409, "STATE", "run r%lld is not the present one", (long long)id);
                return;
        }
        call_event(call, &event);
}

void handle_stack(struct api_call *call)
{
        call_json(call, 200, view_stack(call->api->view));
}
