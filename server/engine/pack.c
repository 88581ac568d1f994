#include "server/engine/pack.h"

#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/text/yaml.h"
#include "server/engine/scenario.h"
#include "server/engine/shape.h"

enum { PACK_MEMORY_BYTES_MAX = 1 << 20 };

static const char *text_of(struct scenario_pack *pack, const struct yaml *root, const char *key, bool *nomem)
{
        const struct yaml *node = yaml_get(root, key);
        const char *copy = node && node->kind == YAML_SCALAR ? arena_strdup(&pack->arena, node->text) : "";

        if (copy) return copy;
        *nomem = true;
        return "";
}

/* "x.yaml", and nothing that leads out of the folder. */
static bool file_name_good(const char *name)
{
        char stem[SCENARIO_ID_BYTES_MAX + 1];
        size_t size = strlen(name);

        if (!str_ends(name, ".yaml") || size - 5 > SCENARIO_ID_BYTES_MAX) return false;
        str_cut(stem, size - 4, name);
        return str_is_id(stem, SCENARIO_ID_BYTES_MAX);
}

static void load_files(struct scenario_pack *pack, const struct yaml *list, struct diag_list *diags, bool *nomem)
{
        if (!list || list->kind != YAML_LIST || !list->count) return;
        pack->file = arena_array(&pack->arena, list->count, sizeof *pack->file);
        if (!pack->file) {
                *nomem = true;
                return;
        }
        YAML_EACH(item, list) {
                bool twice = false;

                if (item->kind != YAML_SCALAR) continue; /* reported by the shape */
                for (size_t i = 0; i < pack->file_count && !twice; i++)
                        twice = str_eq(pack->file[i], item->text);
                if (!file_name_good(item->text))
                        diag_error(diags, item->line, item->column, "'%.80s' is not a file name such as my-scenario.yaml", item->text);
                else if (twice)
                        diag_error(diags, item->line, item->column, "'%s' is named twice", item->text);
                else
                        pack->file[pack->file_count++] = arena_strdup(&pack->arena, item->text);
                if (pack->file_count && !pack->file[pack->file_count - 1]) {
                        *nomem = true;
                        pack->file_count--;
                        return;
                }
        }
}

enum err scenario_pack_load(const char *bytes, size_t size_bytes, struct diag_list *diags, struct scenario_pack **ret)
{
        AUTO(scenario_pack_free) struct scenario_pack *pack = NULL;
        AUTO(yaml_free) struct yaml *root = NULL;
        bool nomem = false;
        enum err e;

        if (size_bytes > PACK_BYTES_MAX) {
                diag_error(diags, 0, 0, "the manifest has %zu bytes; at most %d are allowed", size_bytes, PACK_BYTES_MAX);
                return ERR_LIMIT;
        }
        e = yaml_parse(bytes, size_bytes, diags, &root);
        if (e) return e;
        if (!root) {
                diag_error(diags, 0, 0, "the manifest is empty");
                return ERR_PARSE;
        }
        pack = mem_zalloc(1, sizeof *pack);
        if (!pack) return ERR_NOMEM;
        arena_init(&pack->arena, PACK_MEMORY_BYTES_MAX);
        shape_check(&shape_pack, root, diags);
        pack->name = text_of(pack, root, "name", &nomem);
        pack->title = text_of(pack, root, "title", &nomem);
        pack->version = text_of(pack, root, "version", &nomem);
        pack->author = text_of(pack, root, "author", &nomem);
        pack->license = text_of(pack, root, "license", &nomem);
        pack->description = text_of(pack, root, "description", &nomem);
        pack->lists = yaml_get(root, "scenarios") != NULL;
        load_files(pack, yaml_get(root, "scenarios"), diags, &nomem);
        if (nomem) return ERR_NOMEM;
        if (diags->error_count) return ERR_PARSE;
        *ret = take(&pack);
        return ERR_OK;
}

void scenario_pack_free(struct scenario_pack *pack)
{
        if (!pack) return;
        arena_done(&pack->arena);
        mem_free(pack);
}
