/* Scenarios: list, one, source, lint, save; and what the server says about itself. */
#include <stdio.h>
#include <string.h>

#include "common/base/str.h"
#include "server/api/api_call.h"
#include "server/engine/run_json.h"

void handle_health(struct api_call *call)
{
        const struct view *view = call->api->view;
        struct json *j = json_object(), *checks = json_object();
        bool up = str_eq(view_state(view), "up");
        bool agent = control_up(call->api->o.control);

        json_set_bool(checks, "control_agent", agent);
        json_set_bool(checks, "stack", up);
        json_set_str(j, "status", up && agent ? "ok" : "degraded");
        json_set_str(j, "version", FD_VERSION);
        json_set_num(j, "stack", call->api->o.stack);
        json_set_bool(j, "run_active", conductor_active(call->api->o.conductor));
        json_set(j, "checks", checks);
        call_json(call, 200, j);
}

/* "ID", or "PACK/ID". */
static void scenario_id(const struct api_call *call, char *dst, size_t dst_bytes)
{
        (void)snprintf(dst, dst_bytes, "%s%s%s", call->segment[0], call->segment[1][0] ? "/" : "", call->segment[1]);
}

/* ERR_OK with *ret; otherwise a 404 was given. */
static bool scenario_find(struct api_call *call, const struct library_entry **ret)
{
        char id[2 * API_SEGMENT_BYTES];
        const char *near;

        scenario_id(call, id, sizeof(id));

        library_refresh(call->api->library);
        *ret = library_find(call->api->library, id);
        if (*ret) return true;
        near = library_suggest(call->api->library, id);
        call_problem(call, 404, "NOT_FOUND", "there is no scenario '%.64s'%s%s%s", id, near ? "; did you mean '" : "",
                     near ? near : "", near ? "'?" : "");
        return false;
}

static struct json *words_json(const struct scenario_words *words)
{
        struct json *list = json_array();

        for (size_t i = 0; i < words->count; i++) json_push(list, json_string(words->item[i]));
        return list;
}

static void card_difficulty(struct api_call *call, const char *id, struct json *card)
{
        struct store_difficulty d = {0};
        struct json *difficulty = json_object(), *best = NULL;

        /* A store that cannot be read shows no figures; the run that could not be written said why. */
        if (store_difficulty_get(call->api->o.store, id, &d, NULL)) d = (struct store_difficulty){0};
        json_set_num(difficulty, "attempts", (double)d.attempts);
        json_set_num(difficulty, "resolved", (double)d.resolved);
        json_set_num(difficulty, "median_ms", (double)d.median_ms);
        if (d.resolved) {
                best = json_object();
                json_set_str(best, "outcome", "resolved");
                json_set_num(best, "took_ms", (double)d.best_ms);
        }
        json_set(card, "difficulty", difficulty);
        json_set(card, "best", best ? best : json_null());
}

static struct json *card_json(struct api_call *call, const struct library_entry *e)
{
        static const struct scenario_words none = {0};
        const struct scenario *s = e->scenario;
        struct json *card = json_object();

        json_set_str(card, "id", e->id);
        json_set_str(card, "title", s ? s->title : e->id);
        json_set_num(card, "level", s ? s->level : 0);
        json_set_num(card, "time_limit_ms", s ? (double)s->time_limit_ms : 0);
        json_set(card, "tags", words_json(s ? &s->tags : &none));
        json_set(card, "objectives", words_json(s ? &s->objectives : &none));
        json_set_str(card, "brief", s ? s->brief : "");
        json_set(card, "order", s && s->order ? json_number(s->order) : json_null());
        json_set(card, "pack", e->pack[0] ? json_string(e->pack) : json_null());
        json_set_bool(card, "writable", e->writable);
        json_set_bool(card, "playable", s != NULL);
        card_difficulty(call, e->id, card);
        json_set(card, "problems", json_clone(e->problems));
        return card;
}

void handle_scenarios(struct api_call *call)
{
        struct library *l = call->api->library;
        struct json *j = json_object(), *list = json_array();

        library_refresh(l);
        for (size_t i = 0; i < library_count(l); i++) json_push(list, card_json(call, library_at(l, i)));
        json_set(j, "scenarios", list);
        call_json(call, 200, j);
}

void handle_scenario(struct api_call *call)
{
        const struct library_entry *e;
        AUTO_BUF text = {0};
        struct json *j = NULL;
        struct json *card;

        if (!scenario_find(call, &e)) return;
        card = card_json(call, e);
        if (!e->scenario) {
                call_json(call, 200, card);
                return;
        }
        buf_init(&text, API_TEXT_BYTES_MAX);
        scenario_json(e->scenario, str_eq(call_param(call, "instructor"), "1"), &text);
        if (json_parse(text.data, text.size_bytes, &j, NULL)) {
                json_free(card);
                call_problem(call, 500, "NOMEM", "the scenario could not be written");
                return;
        }
        JSON_EACH(member, card)
        {
                if (!json_get(j, json_key(member))) json_set(j, json_key(member), json_clone(member));
        }
        json_free(card);
        call_json(call, 200, j);
}

void handle_source(struct api_call *call)
{
        const struct library_entry *e;

        if (scenario_find(call, &e))
                call_text(call, 200, "text/yaml; charset=utf-8", e->source.data, e->source.size_bytes);
}

static struct json *lint_json(struct api_call *call, const char *name, bool *ok)
{
        size_t size_bytes = 0;
        const char *text = http_body(call->x, &size_bytes);
        struct json *j = json_object();

        json_set(j, "diagnostics", library_lint(call->api->library, text, size_bytes, name, ok));
        json_set_bool(j, "ok", *ok);
        return j;
}

void handle_lint(struct api_call *call)
{
        bool ok = false;

        call_json(call, 200, lint_json(call, NULL, &ok));
}

void handle_source_put(struct api_call *call)
{
        size_t size_bytes = 0;
        const char *text = http_body(call->x, &size_bytes);
        const char *last = call->segment[1][0] ? call->segment[1] : call->segment[0];
        char name[API_SEGMENT_BYTES + 8], id[2 * API_SEGMENT_BYTES];
        struct err_note note;
        struct json *findings;
        bool ok = false;
        enum err e;

        scenario_id(call, id, sizeof(id));
        if (!str_is_id(last, SCENARIO_ID_BYTES_MAX)) {
                call_problem(call, 422, "INVAL",
                             "'%.64s' cannot be the id of a scenario: expected lower-case letters, digits and hyphens",
                             last);
                return;
        }
        (void)snprintf(name, sizeof(name), "%s.yaml", last);
        findings = lint_json(call, name, &ok);
        if (!ok) {
                call_problem(call, 422, "INVAL", "the scenario has errors and was not saved");
                call->members = findings;
                return;
        }
        e = library_save(call->api->library, id, text, size_bytes, &note);
        if (!e) {
                call_json(call, 200, findings);
                return;
        }
        json_free(findings);
        call_error(call, e, &note);
}

void handle_packs(struct api_call *call)
{
        library_refresh(call->api->library);
        call_json(call, 200, library_packs(call->api->library));
}

void handle_pack_new(struct api_call *call)
{
        const char *name = json_get_str(call->body, "name", ""), *title = json_get_str(call->body, "title", name);
        struct err_note note;
        enum err e = library_pack_make(call->api->library, name, title, &note);

        if (e)
                call_error(call, e, &note);
        else
                call_json(call, 201, library_packs(call->api->library));
}
