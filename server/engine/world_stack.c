#include "server/engine/world_stack.h"

#include "common/base/str.h"
#include "common/text/json.h"

void world_stack_init(struct world_stack *ret, const struct stack_spec *spec)
{
        arena_init(&ret->arena, WORLD_KNOBS_BYTES_MAX);
        for (size_t i = 0; i < spec->services_count; i++) {
                const struct stack_service *s = &spec->services[i];

                ret->services[i] = (struct world_service){ .name = s->name, .configurable = s->kind != STACK_COMPONENT,
                                                           .adapter_of = s->adapter_of < 0 ? NULL : spec->services[s->adapter_of].name };
        }
        for (size_t i = 0; i < spec->edges_count; i++)
                ret->edges[i] = (struct world_edge){ spec->services[spec->edges[i].from].name, spec->edges[i].name };
        ret->world = (struct scenario_world){ .services = ret->services, .service_count = spec->services_count, .edges = ret->edges,
                                              .edge_count = spec->edges_count };
}

void world_stack_done(struct world_stack *w)
{
        arena_done(&w->arena);
}

enum err world_stack_knobs(struct world_stack *w, const char *bytes, size_t size_bytes, struct err_note *reterr)
{
        AUTO(json_free) struct json *all = NULL;
        enum err e = json_parse(bytes, size_bytes, &all, reterr);

        if (e) return e;
        for (size_t i = 0; i < w->world.service_count; i++) {
                const struct json *schema = json_get(all, w->services[i].name);
                AUTO_BUF text;

                buf_init(&text, WORLD_KNOBS_BYTES_MAX);
                if (!json_get(schema, "properties")) continue;
                e = json_print(schema, &text);
                if (e) return err_note(reterr, e, "the schema of '%s' cannot be kept", w->services[i].name);
                w->services[i].config_schema = arena_strdup(&w->arena, text.data);
                if (!w->services[i].config_schema) return err_note(reterr, ERR_NOMEM, "out of memory");
        }
        return ERR_OK;
}
