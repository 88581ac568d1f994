#include "server/app/site.h"

#include <string.h>

#include "common/base/mem.h"
#include "common/sys/file.h"
#include "server/engine/scenario_load.h"

enum { SITE_STACK_BYTES_MAX = 1 << 20 };

struct site {
        struct stack_spec *spec;
        struct world_service services[STACK_SERVICES_MAX];
        struct world_edge edges[STACK_EDGES_MAX];
        struct scenario_world world;
};

static enum err site_spec_read(struct site *site, struct err_note *reterr)
{
        char share[FILE_PATH_BYTES], path[FILE_PATH_BYTES];
        struct diag_list diags;
        AUTO_BUF text = {0};
        enum err e = path_share(share, reterr);

        if (!e && path_join(path, share, "sut/stack.yaml"))
                e = err_note(reterr, ERR_LIMIT, "the path of '%s' is too long", share);
        if (e) return e;
        buf_init(&text, SITE_STACK_BYTES_MAX);
        e = file_read(path, &text, reterr);
        if (e) return e;
        diag_list_init(&diags, path);
        e = stack_spec_parse(text.data, text.size_bytes, &diags, &site->spec);
        if (e)
                (void)err_note(reterr, e, "'%s' line %zu: %s", path, diags.count ? diags.items[0].line : 0,
                               diags.count ? diags.items[0].message : err_text(e));
        diag_list_done(&diags);
        return e;
}

static void site_world_make(struct site *site)
{
        const struct stack_spec *spec = site->spec;

        for (size_t i = 0; i < spec->services_count; i++) {
                const struct stack_service *s = &spec->services[i];

                site->services[i] = (struct world_service){
                        .name = s->name,
                        .configurable = s->kind != STACK_COMPONENT,
                        .adapter_of = s->adapter_of < 0 ? NULL : spec->services[s->adapter_of].name};
        }
        for (size_t i = 0; i < spec->edges_count; i++)
                site->edges[i] = (struct world_edge){.from = spec->services[spec->edges[i].from].name,
                                                     .to = spec->edges[i].name};
        site->world = (struct scenario_world){.services = site->services,
                                              .service_count = spec->services_count,
                                              .edges = site->edges,
                                              .edge_count = spec->edges_count};
}

enum err site_new(struct site **ret, struct err_note *reterr)
{
        AUTO(site_free) struct site *site = mem_zalloc(1, sizeof(*site));
        enum err e;

        if (!site) return err_note(reterr, ERR_NOMEM, "out of memory");
        e = site_spec_read(site, reterr);
        if (e) return e;
        site_world_make(site);
        *ret = take(&site);
        return ERR_OK;
}

void site_free(struct site *site)
{
        if (!site) return;
        stack_spec_free(site->spec);
        mem_free(site);
}

const struct stack_spec *site_spec(const struct site *site)
{
        return site->spec;
}

const struct scenario_world *site_world(const struct site *site)
{
        return &site->world;
}

enum err site_scenario_load(const struct site *site, const char *path, struct buf *source, struct diag_list *diags,
                            struct scenario **ret, struct err_note *reterr)
{
        enum err e = file_read(path, source, reterr);

        if (e) return e;
        return scenario_load(source->data, source->size_bytes, path, &site->world, diags, ret);
}
