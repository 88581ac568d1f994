#include "server/app/site.h"

#include <string.h>

#include "common/base/mem.h"
#include "common/sys/file.h"
#include "server/engine/scenario_load.h"
#include "server/engine/world_stack.h"

enum { SITE_STACK_BYTES_MAX = 1 << 20 };

struct site {
        struct stack_spec *spec;
        struct world_stack stack;
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

/* What services can be set to, as they say themselves; without the file, keys are not checked. */
static enum err site_knobs_read(struct site *site, struct err_note *reterr)
{
        char share[FILE_PATH_BYTES], path[FILE_PATH_BYTES];
        AUTO_BUF text = {0};
        enum err e = path_share(share, reterr);

        if (e) return e;
        if (path_join(path, share, "sut/knobs.json")) return ERR_OK; /* stack.yaml beside it was read already */
        if (!file_exists(path)) return ERR_OK;
        buf_init(&text, WORLD_KNOBS_BYTES_MAX);
        e = file_read(path, &text, reterr);
        if (!e) e = world_stack_knobs(&site->stack, text.data, text.size_bytes, reterr);
        if (e) err_note_prefix(reterr, "'%s'", path);
        return e;
}

enum err site_new(struct site **ret, struct err_note *reterr)
{
        AUTO(site_free) struct site *site = mem_zalloc(1, sizeof(*site));
        enum err e;

        if (!site) return err_note(reterr, ERR_NOMEM, "out of memory");
        e = site_spec_read(site, reterr);
        if (e) return e;
        world_stack_init(&site->stack, site->spec);
        e = site_knobs_read(site, reterr);
        if (e) return e;
        *ret = take(&site);
        return ERR_OK;
}

void site_free(struct site *site)
{
        if (!site) return;
        world_stack_done(&site->stack);
        stack_spec_free(site->spec);
        mem_free(site);
}

const struct stack_spec *site_spec(const struct site *site)
{
        return site->spec;
}

const struct scenario_world *site_world(const struct site *site)
{
        return &site->stack.world;
}

enum err site_scenario_load(const struct site *site, const char *path, struct buf *source, struct diag_list *diags,
                            struct scenario **ret, struct err_note *reterr)
{
        enum err e = file_read(path, source, reterr);

        if (e) return e;
        return scenario_load(source->data, source->size_bytes, path, &site->stack.world, diags, ret);
}
