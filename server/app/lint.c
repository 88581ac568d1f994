/* firedrill lint: the static half of checking scenarios: all findings of all files in one go. */
#include <stdio.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/file.h"
#include "server/app/commands.h"
#include "server/app/options.h"
#include "server/app/site.h"
#include "server/engine/pack.h"
#include "server/engine/scenario_load.h"

struct lint_file {
        char path[FILE_PATH_BYTES];
        struct diag_list diags;
        struct scenario *scenario; /* NULL: it does not load */
        enum err e;
        struct err_note note; /* it cannot even be read */
};

struct lint {
        struct lint_file file[OPTIONS_FILES_MAX];
        const struct scenario *loaded[OPTIONS_FILES_MAX];
        size_t count, loaded_count, dropped; /* dropped: files beyond OPTIONS_FILES_MAX */
};

static struct lint_file *lint_file_new(struct lint *lint, const char *path)
{
        struct lint_file *f = lint->count < OPTIONS_FILES_MAX ? &lint->file[lint->count++] : NULL;

        if (!f) {
                lint->dropped++;
                return NULL;
        }
        str_cut(f->path, sizeof(f->path), path);
        diag_list_init(&f->diags, f->path);
        return f;
}

static void lint_scenario(struct lint *lint, const struct site *site, const char *path)
{
        struct lint_file *f = lint_file_new(lint, path);
        AUTO_BUF source = {0};

        if (!f) return;
        buf_init(&source, SCENARIO_FILE_BYTES_MAX);
        f->e = site_scenario_load(site, path, &source, &f->diags, &f->scenario, &f->note);
        /* Each file is compared with those before it, so a pair is told once. */
        if (f->scenario) {
                scenario_warn_duplicates(f->scenario, lint->loaded, lint->loaded_count, &f->diags);
                lint->loaded[lint->loaded_count++] = f->scenario;
        }
        diag_list_sort(&f->diags);
}

struct lint_walk {
        struct lint *lint;
        const struct site *site;
        const char *dir;
};

static void lint_visit(void *ctx, const char *name)
{
        struct lint_walk *walk = ctx;
        char path[FILE_PATH_BYTES];

        if (str_ends(name, ".yaml") && !str_eq(name, "pack.yaml") && !path_join(path, walk->dir, name))
                lint_scenario(walk->lint, walk->site, path);
}

/* A folder is a pack: its manifest, and every scenario of it. */
static void lint_pack(struct lint *lint, const struct site *site, const char *dir)
{
        AUTO(scenario_pack_free) struct scenario_pack *pack = NULL;
        struct lint_walk walk = {lint, site, dir};
        char path[FILE_PATH_BYTES];
        struct lint_file *f;
        AUTO_BUF text = {0};

        if (path_join(path, dir, "pack.yaml")) str_cut(path, sizeof(path), dir);
        f = lint_file_new(lint, path);
        if (!f) return;
        buf_init(&text, PACK_BYTES_MAX);
        f->e = file_read(path, &text, &f->note);
        if (!f->e) f->e = scenario_pack_load(text.data, text.size_bytes, &f->diags, &pack);
        diag_list_sort(&f->diags);
        for (size_t i = 0; pack && i < pack->file_count; i++) lint_visit(&walk, pack->file[i]);
        if (pack && !pack->lists) f->e = dir_each(dir, OPTIONS_FILES_MAX, lint_visit, &walk, &f->note);
}

static void lint_read(struct lint *lint, const struct site *site, const char *path)
{
        if (file_is_dir(path))
                lint_pack(lint, site, path);
        else
                lint_scenario(lint, site, path);
}

static bool lint_unreadable(const struct lint_file *f)
{
        return f->e && f->diags.count == 0;
}

static void lint_print(const struct lint_file *f)
{
        AUTO_BUF out;

        buf_init(&out, 1 << 20);
        diag_list_print(&f->diags, &out);
        if (lint_unreadable(f))
                printf("%s: error: %s\n", f->diags.file, f->note.text);
        else if (f->diags.count == 0)
                printf("%s: ok\n", f->diags.file);
        else
                printf("%s", out.data);
}

static void lint_print_json(const struct lint *lint)
{
        AUTO(json_free) struct json *files = json_array();
        AUTO_BUF out;

        buf_init(&out, 16 << 20);
        for (size_t i = 0; i < lint->count; i++) {
                const struct lint_file *f = &lint->file[i];
                struct json *j = json_object();

                json_set_str(j, "file", f->diags.file);
                json_set_bool(j, "ok", f->e == ERR_OK);
                json_set(j, "diagnostics", diag_list_json(&f->diags));
                if (lint_unreadable(f)) json_set_str(j, "detail", f->note.text);
                json_push(files, j);
        }
        if (!json_print_pretty(files, &out)) printf("%s\n", out.data);
}

static int lint_verdict(const struct lint *lint)
{
        int status = lint->dropped ? SITE_EXIT_USE : SITE_EXIT_OK;

        for (size_t i = 0; i < lint->count; i++) {
                if (lint_unreadable(&lint->file[i])) return SITE_EXIT_USE;
                if (lint->file[i].e) status = SITE_EXIT_NEGATIVE;
        }
        return status;
}

int command_lint(int argc, char **argv)
{
        bool json = false, wants_help = false;
        const struct option_row rows[] = {{.name = "--json", .help = "findings as JSON", .flag = &json}};
        struct option_words files = {.count = 0};
        AUTO(site_free) struct site *site = NULL;
        struct lint *lint;
        struct err_note note;
        int status;

        if (options_parse(rows, ARRAY_COUNT(rows), argc, argv, &files, &wants_help, &note)) {
                fprintf(stderr, "firedrill lint: %s\n", note.text);
                return SITE_EXIT_USE;
        }
        if (wants_help) {
                options_help("firedrill lint [--json] FILE|PACK...",
                             "Checks scenario files, and whole packs (folders with a pack.yaml): every finding as "
                             "file:line:column, what is wrong and what was expected.",
                             rows, ARRAY_COUNT(rows));
                return SITE_EXIT_OK;
        }
        if (files.count == 0) {
                fprintf(stderr, "firedrill lint: no file given; expected firedrill lint FILE...\n");
                return SITE_EXIT_USE;
        }
        if (site_new(&site, &note) || !(lint = mem_zalloc(1, sizeof(*lint)))) {
                fprintf(stderr, "firedrill lint: %s\n", site ? "out of memory" : note.text);
                return SITE_EXIT_ENVIRONMENT;
        }
        for (size_t i = 0; i < files.count; i++) lint_read(lint, site, files.item[i]);
        if (lint->dropped)
                fprintf(stderr, "firedrill lint: %zu files more than %d at once were not checked\n", lint->dropped, OPTIONS_FILES_MAX);
        for (size_t i = 0; i < lint->count && !json; i++) lint_print(&lint->file[i]);
        if (json) lint_print_json(lint);
        status = lint_verdict(lint);
        for (size_t i = 0; i < lint->count; i++) {
                diag_list_done(&lint->file[i].diags);
                scenario_free(lint->file[i].scenario);
        }
        mem_free(lint);
        return status;
}
