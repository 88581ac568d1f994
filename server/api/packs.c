#include "server/api/packs.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/hash.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "server/engine/scenario.h"

#define PACKS_MANIFEST "pack.yaml"
#define PACKS_OWN "user" /* the name of the user's own folder of scenarios */

struct packs {
        struct packs_one one[PACKS_MAX];
        size_t count;
        uint64_t said[PACKS_MAX]; /* of the reports so far, as hashes of folder and findings */
        size_t said_count;
};

enum err packs_new(struct packs **ret)
{
        *ret = mem_zalloc(1, sizeof **ret);
        return *ret ? ERR_OK : ERR_NOMEM;
}

void packs_begin(struct packs *p)
{
        for (size_t i = 0; i < p->count; i++) {
                scenario_pack_free(p->one[i].pack);
                json_free(p->one[i].problems);
        }
        p->count = 0;
}

void packs_free(struct packs *p)
{
        if (!p) return;
        packs_begin(p);
        mem_free(p);
}

/* A plain file of its own, not a link to one. */
static bool is_file(const char *dir, const char *name)
{
        char path[FILE_PATH_BYTES];
        struct stat st;

        return path_join(path, dir, name) == ERR_OK && lstat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static void check_name(const struct packs *p, const struct scenario_pack *pack, struct diag_list *diags)
{
        const struct packs_one *other = packs_find(p, pack->name);

        if (str_eq(pack->name, PACKS_OWN)) diag_error(diags, 0, 0, "the name '%s' is taken: it is your own folder of scenarios", PACKS_OWN);
        if (other) diag_error(diags, 0, 0, "the name '%s' is taken by the pack in '%s'", pack->name, other->dir);
}

static void check_files(const struct packs_one *one, const struct scenario_pack *pack, struct diag_list *diags)
{
        for (size_t i = 0; i < pack->file_count; i++)
                if (!is_file(one->dir, pack->file[i])) diag_error(diags, 0, 0, "the manifest names '%s', which is not a file of the pack", pack->file[i]);
}

static void read_manifest(struct packs *p, struct packs_one *one)
{
        AUTO(scenario_pack_free) struct scenario_pack *pack = NULL;
        struct diag_list diags;
        struct err_note note;
        AUTO_BUF text;
        char path[FILE_PATH_BYTES];

        buf_init(&text, PACK_BYTES_MAX);
        diag_list_init(&diags, PACKS_MANIFEST);
        if (path_join(path, one->dir, PACKS_MANIFEST) || !is_file(one->dir, PACKS_MANIFEST))
                diag_error(&diags, 0, 0, "the folder has no " PACKS_MANIFEST ", so it is not a pack");
        else if (file_read(path, &text, &note))
                diag_error(&diags, 0, 0, "%s", note.text);
        else if (!scenario_pack_load(text.data, text.size_bytes, &diags, &pack)) {
                check_name(p, pack, &diags);
                check_files(one, pack, &diags);
        }
        if (pack) str_cut(one->name, sizeof one->name, pack->name);
        diag_list_sort(&diags);
        one->problems = diag_list_json(&diags);
        if (pack && !diags.error_count) one->pack = take(&pack);
        diag_list_done(&diags);
}

static void add_pack(struct packs *p, const char *dir)
{
        struct packs_one *one = &p->one[p->count];
        const char *slash = strrchr(dir, '/');

        if (p->count == PACKS_MAX) return;
        *one = (struct packs_one){ .writable = access(dir, W_OK) == 0 };
        str_cut(one->dir, sizeof one->dir, dir);
        str_cut(one->name, sizeof one->name, slash && slash[1] ? slash + 1 : dir);
        read_manifest(p, one);
        p->count++;
}

struct packs_walk {
        struct packs *packs;
        const char *root;
};

/* Folders of a root are packs; what begins with a dot (.git) is not looked at. */
static void visit_folder(void *ctx, const char *name)
{
        struct packs_walk *walk = ctx;
        char path[FILE_PATH_BYTES];
        struct stat st;

        if (name[0] == '.' || path_join(path, walk->root, name) || lstat(path, &st) || !S_ISDIR(st.st_mode)) return;
        add_pack(walk->packs, path);
}

void packs_scan(struct packs *p, const char *root)
{
        struct packs_walk walk = { p, root };

        if (is_file(root, PACKS_MANIFEST)) add_pack(p, root);
        else if (file_is_dir(root) && dir_each(root, PACKS_FOLDERS_MAX, visit_folder, &walk, NULL)) return; /* unreadable: no packs */
}

static bool said_before(struct packs *p, uint64_t hash)
{
        for (size_t i = 0; i < p->said_count; i++)
                if (p->said[i] == hash) return true;
        if (p->said_count < PACKS_MAX) p->said[p->said_count++] = hash;
        return false;
}

void packs_report(struct packs *p, void (*say)(void *ctx, const char *text), void *ctx)
{
        for (size_t i = 0; i < p->count && say; i++) {
                const struct packs_one *one = &p->one[i];
                const char *first = json_get_str(json_first(one->problems), "message", "out of memory");
                char text[ERR_NOTE_BYTES];

                if (one->pack || said_before(p, hash_fnv(hash_fnv_str(one->dir), first, strlen(first)))) continue;
                snprintf(text, sizeof text, "the scenario pack in '%.200s' is left out: line %lld: %.200s", one->dir,
                         (long long)json_get_int(json_first(one->problems), "line", 0), first);
                say(ctx, text);
        }
}

size_t packs_count(const struct packs *p)
{
        return p->count;
}

const struct packs_one *packs_at(const struct packs *p, size_t index)
{
        return &p->one[index];
}

const struct packs_one *packs_find(const struct packs *p, const char *name)
{
        for (size_t i = 0; i < p->count; i++)
                if (p->one[i].pack && str_eq(p->one[i].pack->name, name)) return &p->one[i];
        return NULL;
}

struct packs_visit {
        const struct packs_one *one;
        void (*visit)(void *ctx, const char *file);
        void *ctx;
};

static void visit_file(void *ctx, const char *name)
{
        struct packs_visit *v = ctx;

        if (str_ends(name, ".yaml") && !str_eq(name, PACKS_MANIFEST) && is_file(v->one->dir, name)) v->visit(v->ctx, name);
}

void packs_files(const struct packs_one *one, void (*visit)(void *ctx, const char *file), void *ctx)
{
        struct packs_visit v = { one, visit, ctx };

        for (size_t i = 0; i < one->pack->file_count; i++)
                visit(ctx, one->pack->file[i]);
        if (!one->pack->lists && dir_each(one->dir, PACKS_FOLDERS_MAX, visit_file, &v, NULL)) return; /* unreadable: no scenarios */
}

static void count_file(void *ctx, const char *file)
{
        (void)file;
        ++*(size_t *)ctx;
}

static struct json *one_json(const struct packs_one *one)
{
        const struct scenario_pack *pack = one->pack;
        struct json *j = json_object();
        size_t files = 0;

        if (pack) packs_files(one, count_file, &files);
        json_set_str(j, "name", one->name);
        json_set_str(j, "title", pack ? pack->title : one->name);
        json_set_str(j, "version", pack ? pack->version : "");
        json_set_str(j, "author", pack ? pack->author : "");
        json_set_str(j, "license", pack ? pack->license : "");
        json_set_str(j, "description", pack ? pack->description : "");
        json_set_str(j, "dir", one->dir);
        json_set_bool(j, "ok", pack != NULL);
        json_set_bool(j, "writable", pack && one->writable);
        json_set_num(j, "scenarios", (double)files);
        json_set(j, "problems", json_clone(one->problems));
        return j;
}

struct json *packs_json(const struct packs *p)
{
        struct json *j = json_object(), *list = json_array();

        for (size_t i = 0; i < p->count; i++)
                json_push(list, one_json(&p->one[i]));
        json_set(j, "packs", list);
        return j;
}

enum err packs_make(struct packs *p, const char *root, const char *name, const char *title, struct err_note *reterr)
{
        char dir[FILE_PATH_BYTES], path[FILE_PATH_BYTES];
        AUTO_BUF text = {0};
        enum err e;

        if (!str_is_id(name, SCENARIO_ID_BYTES_MAX))
                return err_note(reterr, ERR_INVAL, "'%.64s' cannot be the name of a pack: expected lower-case letters, digits and hyphens", name);
        if (!title[0] || strlen(title) > 100 || strpbrk(title, "\n\r\t")) return err_note(reterr, ERR_INVAL, "'title' must be one line of at most 100 bytes");
        if (path_join(dir, root, name) || path_join(path, dir, PACKS_MANIFEST)) return err_note(reterr, ERR_LIMIT, "the path of the pack is too long");
        if (packs_find(p, name) || str_eq(name, PACKS_OWN) || file_exists(dir)) return err_note(reterr, ERR_EXISTS, "there is a pack '%s' already", name);
        buf_init(&text, PACK_BYTES_MAX);
        buf_printf(&text, "schema: 1\nname: %s\ntitle: ", name);
        json_quote(&text, title);
        buf_str(&text, "\n# Every .yaml file beside this one is a scenario of the pack; `scenarios: [a.yaml, b.yaml]` names them one by one.\n");
        e = buf_status(&text);
        if (e) return err_note(reterr, e, "the manifest is too large");
        e = dir_make(dir, 0755, reterr);
        return e ? e : file_write_atomic(path, text.data, text.size_bytes, 0644, true, reterr);
}
