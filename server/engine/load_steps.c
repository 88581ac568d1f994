/* Steps: faults, herrings, repairs and replays, with arguments checked against the fault library and the services' schemas. */
#include <stdio.h>
#include <string.h>

#include "common/base/str.h"
#include "common/text/schema.h"
#include "server/engine/fault.h"
#include "server/engine/load_internal.h"
#include "server/engine/shape.h"

enum { LOAD_ARGS_BYTES_MAX = 16 * 1024 };

static const char *const role_texts[] = {
        [LOAD_FAULT] = "a fault", [LOAD_HERRING] = "a herring", [LOAD_REPAIR] = "a repair", [LOAD_REPLAY] = "a replay",
};

static void check_edge(struct load *l, const struct yaml *at, const char *on)
{
        const char *arrow = strstr(on, "->");
        char from[SCENARIO_ID_BYTES_MAX];
        const char *to = arrow ? arrow + 2 : "";
        char near[160] = "";

        if (!arrow || arrow == on || !*to || (size_t)(arrow - on) >= sizeof from) {
                load_error(l, at, "'on' is '%s'; expected is an edge such as api->db", on);
                return;
        }
        str_cut(from, (size_t)(arrow - on) + 1, on);
        if (!load_known_service(l, at, from) || !load_known_service(l, at, to)) return;
        if (!l->world || !l->world->edge_count || world_has_edge(l->world, from, to)) return;
        if (world_has_edge(l->world, to, from)) snprintf(near, sizeof near, "; did you mean '%s->%s'?", to, from);
        load_error(l, at, "'%s' does not call '%s'%s", from, to, near);
}

static void check_on(struct load *l, const struct yaml *at, const struct fault_kind *kind, const char *on)
{
        const struct world_service *service;

        if (kind->target == FAULT_TARGET_NONE) {
                if (on[0]) load_error(l, at, "'%s' takes no 'on'", kind->name);
                return;
        }
        if (!on[0]) {
                load_error(l, at, "'%s' has no 'on'; expected is %s", kind->name,
                           kind->target == FAULT_TARGET_EDGE ? "an edge such as api->db" : "a service such as api");
                return;
        }
        if (kind->target == FAULT_TARGET_EDGE) {
                check_edge(l, at, on);
                return;
        }
        if (!load_known_service(l, at, on) || !l->world) return;
        service = world_service_find(l->world, on);
        if (kind->target == FAULT_TARGET_SERVICE && service && !service->configurable) {
                const char *adapter = NULL;

                for (size_t i = 0; i < l->world->service_count; i++)
                        if (str_eq(l->world->services[i].adapter_of, on)) adapter = l->world->services[i].name;
                load_error(l, at, "'%s' has no configuration of its own%s%s%s", on, adapter ? "; it is configured through '" : "",
                           adapter ? adapter : "", adapter ? "'" : "");
        }
}

struct args_check {
        struct load *l;
        const struct yaml *args;
        const char *kind;
};

static void args_report(void *ctx, const char *pointer, const char *detail)
{
        const struct args_check *c = ctx;
        const struct yaml *at = yaml_at(c->args, pointer);

        load_error(c->l, at ? at : c->args, "arguments of '%s': %s%s%s", c->kind, pointer[0] ? pointer + 1 : "",
                   pointer[0] ? " " : "", detail);
}

/* Arguments that are keys of a service's configuration. */
static void check_config_args(struct load *l, const struct yaml *args, const char *kind, const char *service,
                              const struct json *value)
{
        const struct world_service *s = l->world ? world_service_find(l->world, service) : NULL;
        AUTO(json_free) struct json *schema = NULL;
        bool keys_known = true;

        if (args->count == 0) load_error(l, args, "'%s' changes nothing; expected is at least one configuration key", kind);
        YAML_EACH(arg, args)
                if (!load_known_key(l, arg, service, arg->key)) keys_known = false;
        if (!s || !s->config_schema || !keys_known) return;
        schema = load_json(l, s->config_schema);
        if (!schema) return;
        json_remove(schema, "required");
        schema_check(schema, value, args_report, &(struct args_check){ l, args, kind });
}

static void check_args(struct load *l, const struct yaml *at, const struct fault_kind *kind, const char *on,
                       const struct yaml *args, const struct json *value)
{
        const char *names[FAULT_ARGS_MAX];
        size_t count = fault_arg_count(kind);
        AUTO(json_free) struct json *schema = NULL;
        AUTO_BUF text;
        bool keys_known = true;

        buf_init(&text, LOAD_ARGS_BYTES_MAX);
        if (kind->any_args) {
                if (args) check_config_args(l, args, kind->name, kind->via ? kind->via : on, value);
                else load_error(l, at, "'%s' has no 'args'; expected is a mapping of configuration keys", kind->name);
                return;
        }
        for (size_t i = 0; i < count; i++)
                names[i] = kind->args[i].name;
        YAML_EACH(arg, args) {
                char hint[160];
                size_t i = 0;

                while (i < count && !str_eq(names[i], arg->key))
                        i++;
                if (i < count) continue;
                keys_known = false;
                load_suggest(hint, sizeof hint, arg->key, names, count);
                diag_error(l->diags, arg->key_line, arg->key_column, "'%s' has no argument '%s'%s", kind->name, arg->key,
                           hint[0] ? hint : count ? "" : "; it takes none");
        }
        if (!keys_known) return;
        fault_schema_write(kind, &text);
        if (buf_status(&text) != ERR_OK || json_parse(text.data, text.size_bytes, &schema, NULL) != ERR_OK) {
                l->nomem = true;
                return;
        }
        schema_check(schema, value, args_report, &(struct args_check){ l, args ? args : at, kind->name });
}

static void check_role(struct load *l, enum load_role role, const struct yaml *at, const struct fault_kind *kind,
                       int64_t for_ms)
{
        if (role == LOAD_REPAIR ? !kind->repair : !kind->fault)
                load_error(l, at, "'%s' cannot be used as %s", kind->name, role_texts[role]);
        if (kind->needs_for && !for_ms && role != LOAD_REPAIR)
                load_error(l, at, "'%s' has no 'for'; expected is how long it lasts", kind->name);
        if (kind->via && l->world && l->world->service_count && !world_service_find(l->world, kind->via))
                load_error(l, at, "'%s' needs the service '%s', which this stack does not have", kind->name, kind->via);
}

static const char *args_text(struct load *l, const struct json *value)
{
        AUTO_BUF text;

        buf_init(&text, LOAD_ARGS_BYTES_MAX);
        switch (json_print(value, &text)) {
        case ERR_OK: return load_copy(l, text.data);
        case ERR_LIMIT: load_error(l, NULL, "arguments are larger than %d bytes", LOAD_ARGS_BYTES_MAX); break;
        default: l->nomem = true;
        }
        return "{}";
}

void load_step(struct load *l, enum load_role role, const struct yaml *at, const char *kind, const struct yaml *map,
               struct scenario_step *ret)
{
        const struct fault_kind *known = fault_find(kind);
        const struct yaml *args = yaml_get(map, "args"), *on_at = yaml_get(map, "on");
        AUTO(json_free) struct json *value = NULL;

        if (args && args->kind != YAML_MAP) { /* reported by the shape */
                args = NULL;
                known = NULL;
        }
        value = args ? yaml_to_json(args) : json_object();
        *ret = (struct scenario_step){ .kind = load_copy(l, kind), .on = load_text(l, map, "on", ""),
                                       .for_ms = load_ms(map, "for", 0), .line = (unsigned)at->line,
                                       .column = (unsigned)at->column };
        ret->args_json = args_text(l, value);
        if (!known) return; /* reported by the shape, or by load_recipe */
        check_role(l, role, at, known, ret->for_ms);
        check_on(l, on_at ? on_at : at, known, ret->on);
        check_args(l, at, known, ret->on, args, value);
}

void load_recipe(struct load *l, const struct yaml *list, struct scenario_recipe *ret)
{
        struct scenario_step *steps;

        *ret = (struct scenario_recipe){ .explain = "" };
        if (list->kind != YAML_LIST || list->count == 0 || list->count > SCENARIO_STEPS_MAX) {
                load_error(l, list, "a recipe is %s with %zu steps; expected is a list of 1 to %d steps", yaml_kind_name(list),
                           list->count, SCENARIO_STEPS_MAX);
                return;
        }
        steps = load_array(l, list->count, sizeof *steps);
        if (!steps) return;
        YAML_EACH(item, list) {
                const struct yaml *body = item->first;

                if (item->kind != YAML_MAP || item->count != 1) {
                        load_error(l, item, "a step is %s; expected is one pair such as {config.set: {on: api, args: {worker_threads: 8}}}",
                                   item->kind == YAML_MAP ? "a mapping with more or fewer than one key" : yaml_kind_name(item));
                        continue;
                }
                if (!fault_find(body->key)) {
                        const char *near = fault_suggest(body->key);

                        diag_error(l->diags, body->key_line, body->key_column, "unknown kind of step '%s'%s%s%s", body->key,
                                   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
                }
                shape_check(&shape_step, body, l->diags);
                load_step(l, LOAD_REPAIR, item, body->key, body, &steps[ret->count++]);
        }
        ret->step = steps;
}
