#include "server/api/library.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/file.h"
#include "common/text/diag.h"
#include "server/api/packs.h"
#include "server/engine/scenario_load.h"

/* A pack with texts of its own. */
struct library_pack {
        char name[64], dir[FILE_PATH_BYTES];
        bool writable, is_root;
};

struct library {
        struct library_pack packs[API_PACKS_MAX];
        size_t pack_count;
        struct packs *found; /* in the roots */
        void (*say)(void *ctx, const char *text);
        void *say_ctx;
        const struct scenario_world *world;
        struct library_entry *entry[LIBRARY_MAX];
        size_t count;
};

enum err library_new(const struct api_options *options, struct library **ret)
{
        AUTO(library_free) struct library *l = mem_zalloc(1, sizeof(*l));

        if (!l || packs_new(&l->found)) return ERR_NOMEM;
        for (size_t i = 0; i < options->pack_count; i++) {
                const struct api_pack *pack = &options->packs[i];

                str_cut(l->packs[i].name, sizeof(l->packs[i].name), pack->name ? pack->name : "");
                str_cut(l->packs[i].dir, sizeof(l->packs[i].dir), pack->dir);
                l->packs[i].writable = pack->writable;
                l->packs[i].is_root = pack->is_root;
        }
        l->pack_count = options->pack_count;
        l->world = options->world;
        l->say = options->say;
        l->say_ctx = options->ctx;
        library_refresh(l);
        *ret = take(&l);
        return ERR_OK;
}

static void entry_free(struct library_entry *e)
{
        if (!e) return;
        mem_free(e->path);
        buf_done(&e->source);
        scenario_free(e->scenario);
        json_free(e->problems);
        mem_free(e);
}

void library_free(struct library *l)
{
        if (!l) return;
        for (size_t i = 0; i < l->count; i++) entry_free(l->entry[i]);
        packs_free(l->found);
        mem_free(l);
}

static struct library_entry *library_find_mut(const struct library *l, const char *id)
{
        for (size_t i = 0; i < l->count; i++)
                if (str_eq(l->entry[i]->id, id)) return l->entry[i];
        return NULL;
}

static void entry_read(struct library_entry *e, const struct scenario_world *world)
{
        struct diag_list diags;
        struct err_note note;
        enum err failed;

        buf_clear(&e->source);
        scenario_free(take(&e->scenario));
        json_free(take(&e->problems));
        diag_list_init(&diags, e->path);
        failed = file_read(e->path, &e->source, &note);
        if (failed)
                diag_error(&diags, 0, 0, "%s", note.text);
        else
                failed = scenario_load(e->source.data, e->source.size_bytes, e->path, world, &diags, &e->scenario);
        if (!failed && !str_eq(e->scenario->id, e->id) && scenario_rename(e->scenario, e->id)) /* PACK/ID */
                scenario_free(take(&e->scenario));
        diag_list_sort(&diags);
        e->problems = diag_list_json(&diags);
        diag_list_done(&diags);
}

struct library_walk {
        struct library *library;
        const char *dir, *pack; /* pack "": the product's */
        bool writable, has_prefix; /* has_prefix: ids are PACK/ID */
};

static struct library_entry *entry_make(const struct library_walk *walk, const char *id, const char *path)
{
        struct library *l = walk->library;
        struct library_entry *e = l->count < LIBRARY_MAX ? mem_zalloc(1, sizeof(*e)) : NULL;

        if (!e) return NULL;
        buf_init(&e->source, SCENARIO_FILE_BYTES_MAX);
        str_cut(e->id, sizeof(e->id), id);
        str_cut(e->pack, sizeof(e->pack), walk->pack);
        e->path = mem_strdup(path);
        e->writable = walk->writable;
        if (!e->path) {
                entry_free(e);
                return NULL;
        }
        l->entry[l->count++] = e;
        return e;
}

/* The first pack that has an id keeps it; one with that id in a later pack is left out. */
static void library_visit(void *ctx, const char *name)
{
        struct library_walk *walk = ctx;
        struct library *l = walk->library;
        struct library_entry *e;
        struct stat st;
        char path[FILE_PATH_BYTES], id[SCENARIO_NAME_BYTES_MAX + 1];
        size_t size = strlen(name), prefix = walk->has_prefix ? strlen(walk->pack) + 1 : 0;

        if (!str_ends(name, ".yaml") || size - 5 > SCENARIO_ID_BYTES_MAX || path_join(path, walk->dir, name)) return;
        (void)snprintf(id, sizeof(id), "%.*s%s%.*s", (int)(prefix ? prefix - 1 : 0), walk->pack, prefix ? "/" : "", (int)(size - 5), name);
        if (!str_is_id(id + prefix, SCENARIO_ID_BYTES_MAX) || stat(path, &st) || !S_ISREG(st.st_mode)) return;
        e = library_find_mut(l, id);
        if (e && (e->seen || !str_eq(e->path, path))) return;
        if (!e) e = entry_make(walk, id, path);
        if (!e) return;
        e->seen = true;
        if (e->changed_ns == (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec &&
            e->size_bytes == st.st_size && e->problems)
                return;
        e->changed_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
        e->size_bytes = st.st_size;
        entry_read(e, l->world);
}

/* Those with a place in the suggested order first, then by level, then by id. */
static int entry_compare(const void *left, const void *right)
{
        const struct library_entry *a = *(struct library_entry *const *)left,
                                   *b = *(struct library_entry *const *)right;
        int order_a = a->scenario && a->scenario->order ? a->scenario->order : 1000000;
        int order_b = b->scenario && b->scenario->order ? b->scenario->order : 1000000;
        int level_a = a->scenario ? a->scenario->level : 99, level_b = b->scenario ? b->scenario->level : 99;

        if (order_a != order_b) return order_a - order_b;
        if (level_a != level_b) return level_a - level_b;
        return strcmp(a->id, b->id);
}

static void refresh_packs(struct library *l)
{
        packs_begin(l->found);
        for (size_t i = 0; i < l->pack_count; i++)
                if (l->packs[i].is_root) packs_scan(l->found, l->packs[i].dir);
        packs_report(l->found, l->say, l->say_ctx);
        for (size_t i = 0; i < packs_count(l->found); i++) {
                const struct packs_one *one = packs_at(l->found, i);
                struct library_walk walk = {l, one->dir, one->name, one->writable, true};

                if (one->pack) packs_files(one, library_visit, &walk);
        }
}

void library_refresh(struct library *l)
{
        size_t kept = 0;

        for (size_t i = 0; i < l->count; i++) l->entry[i]->seen = false;
        for (size_t i = 0; i < l->pack_count; i++) {
                struct library_walk walk = {l, l->packs[i].dir, l->packs[i].name, l->packs[i].writable, false};

                if (l->packs[i].is_root || !file_is_dir(l->packs[i].dir)) continue;
                /* an unreadable pack has no scenarios */
                if (dir_each(l->packs[i].dir, 4 * LIBRARY_MAX, library_visit, &walk, NULL)) continue;
        }
        refresh_packs(l);
        for (size_t i = 0; i < l->count; i++) {
                if (l->entry[i]->seen)
                        l->entry[kept++] = l->entry[i];
                else
                        entry_free(l->entry[i]);
        }
        l->count = kept;
        qsort(l->entry, l->count, sizeof(l->entry[0]), entry_compare);
}

size_t library_count(const struct library *l)
{
        return l->count;
}

const struct library_entry *library_at(const struct library *l, size_t index)
{
        return l->entry[index];
}

const struct library_entry *library_find(const struct library *l, const char *id)
{
        return library_find_mut(l, id);
}

const char *library_suggest(const struct library *l, const char *id)
{
        const char *names[LIBRARY_MAX];

        for (size_t i = 0; i < l->count; i++) names[i] = l->entry[i]->id;
        return str_suggest(id, names, l->count);
}

/* A text says "mine", wherever it is kept: in a pack that is "PACK/mine". */
static bool is_same(const struct library_entry *e, const struct scenario *scenario)
{
        const char *slash = strrchr(e->id, '/');

        return str_eq(slash ? slash + 1 : e->id, scenario->id);
}

struct json *library_lint(const struct library *l, const char *text, size_t size_bytes, const char *name, bool *ret_ok)
{
        const struct scenario *others[LIBRARY_MAX];
        AUTO(scenario_free) struct scenario *scenario = NULL;
        struct diag_list diags;
        struct json *findings;
        size_t count = 0;

        diag_list_init(&diags, name);
        if (!scenario_load(text, size_bytes, name, l->world, &diags, &scenario)) {
                for (size_t i = 0; i < l->count; i++)
                        if (l->entry[i]->scenario && !is_same(l->entry[i], scenario))
                                others[count++] = l->entry[i]->scenario;
                scenario_warn_duplicates(scenario, others, count, &diags);
        }
        diag_list_sort(&diags);
        findings = diag_list_json(&diags);
        *ret_ok = scenario != NULL;
        diag_list_done(&diags);
        return findings;
}

/* The folder that an id without a pack goes to. */
static enum err own_dir(const struct library *l, const char *id, const char **ret, struct err_note *reterr)
{
        const struct library_entry *e = library_find(l, id);

        for (size_t i = 0; i < l->pack_count; i++) {
                if (!l->packs[i].writable || l->packs[i].is_root) continue;
                if (e && !e->writable)
                        return err_note(reterr, ERR_EXISTS,
                                        "'%s' belongs to %s and cannot be overwritten; give your scenario another id", id,
                                        e->pack[0] ? e->pack : "the product");
                *ret = l->packs[i].dir;
                return ERR_OK;
        }
        return err_note(reterr, ERR_STATE, "no pack can be written to");
}

static enum err pack_dir(const struct library *l, const char *pack, const char *file, const char **ret, struct err_note *reterr)
{
        const struct packs_one *one = packs_find(l->found, pack);
        bool named = false;

        if (!one) return err_note(reterr, ERR_NOT_FOUND, "there is no pack '%.64s'", pack);
        if (!one->writable) return err_note(reterr, ERR_STATE, "the pack '%s' cannot be written to", pack);
        for (size_t i = 0; i < one->pack->file_count; i++) named |= str_eq(one->pack->file[i], file);
        if (one->pack->lists && !named)
                return err_note(reterr, ERR_STATE, "the manifest of '%s' does not name '%s'; add it to 'scenarios' in its pack.yaml first", pack, file);
        *ret = one->dir;
        return ERR_OK;
}

enum err library_save(struct library *l, const char *id, const char *text, size_t size_bytes, struct err_note *reterr)
{
        const char *slash = strchr(id, '/'), *dir = NULL;
        char name[SCENARIO_ID_BYTES_MAX + 8], pack[SCENARIO_ID_BYTES_MAX + 1] = "", path[FILE_PATH_BYTES];
        enum err failed;

        (void)snprintf(name, sizeof(name), "%s.yaml", slash ? slash + 1 : id);
        if (slash) str_cut(pack, MIN(sizeof(pack), (size_t)(slash - id) + 1), id);
        failed = slash ? pack_dir(l, pack, name, &dir, reterr) : own_dir(l, id, &dir, reterr);
        if (failed) return failed;
        if (path_join(path, dir, name)) return err_note(reterr, ERR_LIMIT, "the path of the pack is too long");
        failed = dir_make(dir, 0755, reterr);
        if (!failed) failed = file_write_atomic(path, text, size_bytes, 0644, true, reterr);
        if (!failed) library_refresh(l);
        return failed;
}

struct json *library_packs(const struct library *l)
{
        return packs_json(l->found);
}

enum err library_pack_make(struct library *l, const char *name, const char *title, struct err_note *reterr)
{
        for (size_t i = 0; i < l->pack_count; i++) {
                enum err e;

                if (!l->packs[i].is_root || !l->packs[i].writable) continue;
                e = packs_make(l->found, l->packs[i].dir, name, title, reterr);
                if (!e) library_refresh(l);
                return e;
        }
        return err_note(reterr, ERR_STATE, "there is no folder for new packs");
}
