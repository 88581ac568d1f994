/* What the author of a scenario needs: the words of the format, a dry run of a text, proofs on a stack. */
#include <stdio.h>
#include <string.h>

#include "common/base/str.h"
#include "server/api/api_call.h"
#include "server/engine/fault.h"
#include "server/engine/rehearse.h"
#include "server/engine/scenario_load.h"

enum { AUTHOR_TEXT_BYTES_MAX = 1 << 20, AUTHOR_AFTER_MS_MAX = 4 * 3600 * 1000 };

static struct json *parsed(const struct buf *text)
{
        struct json *j = NULL;

        return buf_status(text) || json_parse(text->data, text->size_bytes, &j, NULL) ? NULL : j;
}

static struct json *services_json(const struct scenario_world *world)
{
        struct json *list = json_array();

        for (size_t i = 0; i < world->service_count; i++) {
                const struct world_service *s = &world->services[i];
                struct json *one = json_object(), *schema = NULL;

                if (s->config_schema && json_parse(s->config_schema, strlen(s->config_schema), &schema, NULL)) schema = NULL;
                json_set_str(one, "name", s->name);
                json_set_bool(one, "configurable", s->configurable);
                json_set(one, "adapter_of", json_string(s->adapter_of));
                json_set(one, "config", schema ? schema : json_null());
                json_push(list, one);
        }
        return list;
}

static struct json *edges_json(const struct scenario_world *world)
{
        struct json *list = json_array();

        for (size_t i = 0; i < world->edge_count; i++) {
                char name[128];

                (void)snprintf(name, sizeof(name), "%s->%s", world->edges[i].from, world->edges[i].to);
                json_push(list, json_string(name));
        }
        return list;
}

static struct json *metrics_json(const struct scenario_world *world)
{
        struct json *list = json_array();
        size_t count = 0;
        const char *const *names = world_metric_names(&count);

        for (size_t i = 0; i < count; i++) json_push(list, json_string(names[i]));
        for (size_t i = 0; i < world->metric_count; i++) json_push(list, json_string(world->metrics[i]));
        return list;
}

static struct json *kinds_json(void)
{
        struct json *list = json_array();

        for (size_t i = 0; i < fault_count(); i++) {
                const struct fault_kind *kind = fault_at(i);
                struct json *one = json_object();
                AUTO_BUF schema;

                buf_init(&schema, AUTHOR_TEXT_BYTES_MAX);
                fault_schema_write(kind, &schema);
                json_set_str(one, "name", kind->name);
                json_set_str(one, "on", fault_target_text(kind->target));
                json_set_str(one, "doc", kind->doc);
                json_set_str(one, "expects", kind->expects);
                json_set_bool(one, "fault", kind->fault);
                json_set_bool(one, "repair", kind->repair);
                json_set_bool(one, "any_args", kind->any_args);
                json_set(one, "args", parsed(&schema));
                json_push(list, one);
        }
        return list;
}

void handle_authoring(struct api_call *call)
{
        const struct scenario_world *world = call->api->o.world;
        struct json *j = json_object(), *mechanisms = json_array();
        AUTO_BUF schema;

        buf_init(&schema, AUTHOR_TEXT_BYTES_MAX);
        if (scenario_schema_write(&schema)) buf_clear(&schema);
        for (size_t i = 0; i < scenario_mechanism_count(); i++) {
                struct json *one = json_object();

                json_set_str(one, "name", scenario_mechanism_name(i));
                json_set_str(one, "doc", scenario_mechanism_text(i));
                json_push(mechanisms, one);
        }
        json_set(j, "schema", parsed(&schema));
        json_set(j, "services", services_json(world));
        json_set(j, "edges", edges_json(world));
        json_set(j, "metrics", metrics_json(world));
        json_set(j, "kinds", kinds_json());
        json_set(j, "mechanisms", mechanisms);
        call_json(call, 200, j);
}

/* ---- the dry run ---- */

void handle_rehearse(struct api_call *call)
{
        AUTO(scenario_free) struct scenario *s = NULL;
        struct rehearse_options o = {.fast = str_eq(call_param(call, "fast"), "1")};
        struct diag_list diags;
        struct err_note note = {0};
        struct json *answer;
        size_t size_bytes = 0;
        const char *text = http_body(call->x, &size_bytes);
        int64_t solution = 0;
        AUTO_BUF out;
        enum err e;

        buf_init(&out, AUTHOR_TEXT_BYTES_MAX);
        if (!call_param_int(call, "solution", 0, SCENARIO_SOLUTIONS_MAX, 0, &solution) ||
            !call_param_int(call, "after_ms", 0, AUTHOR_AFTER_MS_MAX, 120000, &o.solve_after_ms))
                return;
        o.solution = (size_t)solution;
        diag_list_init(&diags, "scenario");
        e = scenario_load(text, size_bytes, NULL, call->api->o.world, &diags, &s);
        if (e) (void)err_note(&note, ERR_INVAL, "line %zu: %s", diags.count ? diags.items[0].line : 0, diags.count ? diags.items[0].message : err_text(e));
        diag_list_done(&diags);
        if (!e) e = rehearse_json(s, call->api->o.world, &o, &out, &note);
        answer = e ? NULL : parsed(&out);
        if (answer) call_json(call, 200, answer);
        else call_problem(call, 422, "INVAL", "the scenario cannot be rehearsed: %s", note.text[0] ? note.text : err_text(e));
}

/* ---- proofs ---- */

static bool author_can_verify(struct api_call *call)
{
        if (call->api->o.verify.start) return true;
        call_problem(call, 501, "UNSUPPORTED", "this server proves nothing; use firedrill verify");
        return false;
}

void handle_verify(struct api_call *call)
{
        if (author_can_verify(call)) call_json(call, 200, call->api->o.verify.get(call->api->o.verify.ctx));
}

void handle_verify_start(struct api_call *call)
{
        const char *id = json_get_str(call->body, "scenario", NULL);
        const struct api_verify *verify = &call->api->o.verify;
        const struct library_entry *entry;
        struct err_note note = {0};
        enum err e;

        if (!author_can_verify(call)) return;
        library_refresh(call->api->library);
        entry = id ? library_find(call->api->library, id) : NULL;
        if (!entry) {
                if (id) call_problem(call, 404, "NOT_FOUND", "there is no scenario '%.64s'", id);
                else call_problem(call, 422, "INVAL", "'scenario' is missing, expected the id of a scenario");
        } else if (!entry->scenario) {
                call_problem(call, 422, "INVAL", "the scenario has errors, so there is nothing to prove");
        } else if (conductor_active(call->api->o.conductor)) {
                call_problem(call, 409, "STATE", "an incident is running, and proofs would disturb it; end it first");
        } else {
                e = verify->start(verify->ctx, id, entry->path, json_get_bool(call->body, "fast", true), &note);
                if (e) call_error(call, e, &note);
                else call_json(call, 202, verify->get(verify->ctx));
        }
}

void handle_verify_stop(struct api_call *call)
{
        const struct api_verify *verify = &call->api->o.verify;

        if (!author_can_verify(call)) return;
        verify->stop(verify->ctx);
        call_json(call, 202, verify->get(verify->ctx));
}
