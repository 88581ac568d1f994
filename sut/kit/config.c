#include "sut/kit/config.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/text/schema.h"
#include "sut/kit/config_file.h"

/* change_lock: one change at a time, held over hooks and the file. lock: the trees below, held briefly.
 * Order: change_lock before lock. fast[] mirrors `values` and is written under lock, read without. */
struct kit_config {
        const struct knob *knobs;
        size_t count;
        char *path; /* NULL: not stored */
        struct kit_config_hooks hooks;
        struct json *schema;
        pthread_mutex_t change_lock, lock;
        struct json *values;  /* every knob */
        struct json *history; /* array, newest last */
        _Atomic int64_t revision, deploys;
        _Atomic double number[KNOB_COUNT_MAX]; /* also bool as 0 or 1, choice as index */
};

static void fast_refresh(struct kit_config *c)
{
        for (size_t i = 0; i < c->count; i++) {
                const struct json *v = json_get(c->values, c->knobs[i].key);
                double fast = 0;

                if (json_is(v, JSON_NUMBER)) fast = json_value(v);
                if (json_is(v, JSON_BOOL)) fast = json_true(v);
                if (c->knobs[i].type == KNOB_CHOICE)
                        while (!str_eq(c->knobs[i].choices[(int)fast], json_text(v))) fast++;
                atomic_store_explicit(&c->number[i], fast, memory_order_relaxed);
        }
}

enum err kit_config_new(const char *title, const struct knob *knobs, size_t count, const char *path,
                        const struct kit_config_hooks *hooks, struct kit_config **ret)
{
        AUTO(kit_config_free) struct kit_config *c = mem_zalloc(1, sizeof *c);

        if (!c) return ERR_NOMEM;
        knob_table_check(knobs, count);
        pthread_mutex_init(&c->change_lock, NULL);
        pthread_mutex_init(&c->lock, NULL);
        c->knobs = knobs;
        c->count = count;
        if (hooks) c->hooks = *hooks;
        c->revision = 1;
        c->deploys = 1;
        c->schema = knob_schema(title, knobs, count);
        c->values = knob_defaults(knobs, count);
        c->history = json_array();
        if (path) c->path = mem_strdup(path);
        if (!c->schema || !c->values || !c->history || (path && !c->path)) return ERR_NOMEM;
        if (json_count(c->values) != count) return ERR_NOMEM;
        fast_refresh(c);
        *ret = take(&c);
        return ERR_OK;
}

void kit_config_free(struct kit_config *c)
{
        if (!c) return;
        pthread_mutex_destroy(&c->change_lock);
        pthread_mutex_destroy(&c->lock);
        json_free(c->schema);
        json_free(c->values);
        json_free(c->history);
        mem_free(c->path);
        mem_free(c);
}

static void finding_add(void *ctx, const char *pointer, const char *detail)
{
        struct json *finding = json_object();

        json_set_str(finding, "pointer", pointer);
        json_set_str(finding, "detail", detail);
        json_push(ctx, finding);
}

static void finding_unknown(const struct kit_config *c, struct json *findings, const char *key)
{
        const char *names[KNOB_COUNT_MAX], *near;
        char pointer[80], detail[240];

        for (size_t i = 0; i < c->count; i++) names[i] = c->knobs[i].key;
        near = str_suggest(key, names, c->count);
        snprintf(pointer, sizeof pointer, "/%.64s", key);
        if (near)
                snprintf(detail, sizeof detail, "is not a configuration key of this service; did you mean '%s'?", near);
        else
                snprintf(detail, sizeof detail, "is not a configuration key of this service");
        finding_add(findings, pointer, detail);
}

/* Printing is what tells whether a builder of a tree ran out of memory: a member lost that way must not look like one
 * that nobody asked for. */
static bool is_whole(const struct json *tree)
{
        AUTO_BUF text;

        buf_init(&text, CONFIG_FILE_BYTES_MAX);
        return json_print(tree, &text) == ERR_OK;
}

/* The patch with nulls turned into defaults; findings for what is wrong. NULL when out of memory. */
static struct json *patch_wanted(const struct kit_config *c, const struct json *patch, struct json *findings)
{
        struct json *wanted = json_object();

        JSON_EACH(member, patch) {
                const char *key = json_key(member);
                const struct knob *knob = knob_find(c->knobs, c->count, key);

                if (!knob)
                        finding_unknown(c, findings, key);
                else
                        json_set(wanted, key, json_is(member, JSON_NULL) ? knob_default(knob) : json_clone(member));
        }
        schema_check(c->schema, wanted, finding_add, findings);
        if (!is_whole(findings)) { /* a finding that is lost must not let a bad value pass */
                json_free(wanted);
                return NULL;
        }
        return wanted;
}

static struct json *differences(const struct json *values, const struct json *wanted, struct json **ret_next,
                                bool *ret_deploy, const struct kit_config *c)
{
        struct json *changed = json_object(), *next = json_object();

        *ret_deploy = false;
        JSON_EACH(member, wanted) {
                const char *key = json_key(member);
                const struct json *now = json_get(values, key);
                struct json *pair;

                if (json_equal(now, member)) continue;
                pair = json_object();
                json_set(pair, "from", json_clone(now));
                json_set(pair, "to", json_clone(member));
                json_set(changed, key, pair);
                json_set(next, key, json_clone(member));
                if (knob_find(c->knobs, c->count, key)->deploy) *ret_deploy = true;
        }
        *ret_next = next;
        return changed;
}

/* With change_lock: store and show `next`. Memory is settled before anything is visible. */
static enum err change_commit(struct kit_config *c, const struct json *next, const struct json *changed, bool deploy,
                              const char *author, const char *reason, int64_t at_ms, struct err_note *reterr)
{
        AUTO(json_free) struct json *values = json_clone(c->values);
        AUTO(json_free) struct json *history = json_clone(c->history);
        struct json *entry = json_object();
        struct config_file file = { .revision = c->revision + 1, .deploys = c->deploys + deploy };
        enum err e;

        JSON_EACH(member, next) json_set(values, json_key(member), json_clone(member));
        json_set_num(entry, "revision", (double)file.revision);
        json_set_num(entry, "at_ms", (double)at_ms);
        json_set_str(entry, "author", author);
        json_set_str(entry, "reason", reason);
        json_set(entry, "changed", json_clone(changed));
        json_push(history, entry);
        e = config_history_trim(&history, CONFIG_HISTORY_MAX);
        if (e) return err_note(reterr, e, "cannot keep the history");
        file.values = values;
        file.history = history;
        /* Printing is also the proof that no builder failed, so it is done without a file too. */
        e = config_file_write(c->path, &file, reterr);
        if (e) return e;
        pthread_mutex_lock(&c->lock);
        json_free(c->values);
        json_free(c->history);
        c->values = take(&values);
        c->history = take(&history);
        c->revision = file.revision;
        c->deploys = file.deploys;
        fast_refresh(c);
        pthread_mutex_unlock(&c->lock);
        return ERR_OK;
}

static enum err change(struct kit_config *c, const struct json *wanted, bool apply, const char *author,
                       const char *reason, int64_t at_ms, struct json **ret_changed, struct err_note *reterr)
{
        AUTO(json_free) struct json *next = NULL;
        AUTO(json_free) struct json *changed = NULL;
        bool deploy;
        enum err e = ERR_OK;

        changed = differences(c->values, wanted, &next, &deploy, c);
        if (!is_whole(changed) || !is_whole(next)) return err_note(reterr, ERR_NOMEM, "out of memory");
        if (json_count(changed) > 0) {
                if (apply && c->hooks.apply) e = c->hooks.apply(c->hooks.ctx, next, reterr);
                if (e) return e;
                e = change_commit(c, next, changed, deploy, author, reason, at_ms, reterr);
                if (e) return e;
                if (c->hooks.changed) c->hooks.changed(c->hooks.ctx);
        }
        if (ret_changed) *ret_changed = take(&changed);
        return ERR_OK;
}

enum err kit_config_patch(struct kit_config *c, const struct json *patch, const char *author, const char *reason,
                          int64_t at_ms, struct json **ret_changed, struct json **ret_findings, struct err_note *reterr)
{
        AUTO(json_free) struct json *findings = json_array();
        AUTO(json_free) struct json *wanted = NULL;
        enum err e = ERR_OK;

        if (!json_is(patch, JSON_OBJECT))
                finding_add(findings, "", "must be an object of configuration keys and values");
        else
                wanted = patch_wanted(c, patch, findings);
        if (json_count(findings) > 0) {
                err_note(reterr, ERR_INVAL, "%s %s", json_get_str(json_first(findings), "pointer", ""),
                         json_get_str(json_first(findings), "detail", ""));
                if (ret_findings) *ret_findings = take(&findings);
                return ERR_INVAL;
        }
        if (!is_whole(wanted)) return err_note(reterr, ERR_NOMEM, "out of memory");
        pthread_mutex_lock(&c->change_lock);
        e = change(c, wanted, true, author, reason, at_ms, ret_changed, reterr);
        pthread_mutex_unlock(&c->change_lock);
        return e;
}

enum err kit_config_observe(struct kit_config *c, const struct json *values, const char *author, const char *reason,
                            int64_t at_ms)
{
        AUTO(json_free) struct json *findings = json_array();
        AUTO(json_free) struct json *wanted = patch_wanted(c, values, findings);
        struct err_note note;
        enum err e;

        if (!is_whole(wanted)) return ERR_NOMEM;
        if (json_count(findings) > 0) return ERR_INVAL;
        pthread_mutex_lock(&c->change_lock);
        e = change(c, wanted, false, author, reason, at_ms, NULL, &note);
        pthread_mutex_unlock(&c->change_lock);
        return e;
}

/* With change_lock: what was read replaces everything, history included. */
static enum err loaded_apply(struct kit_config *c, struct config_file *file, struct err_note *reterr)
{
        AUTO(json_free) struct json *next = NULL;
        AUTO(json_free) struct json *changed = NULL;
        bool deploy;
        enum err e = ERR_OK;

        changed = differences(c->values, file->values, &next, &deploy, c);
        if (!is_whole(changed) || !is_whole(next)) return err_note(reterr, ERR_NOMEM, "out of memory");
        if (json_count(changed) > 0 && c->hooks.apply) e = c->hooks.apply(c->hooks.ctx, next, reterr);
        if (e) return e;
        pthread_mutex_lock(&c->lock);
        json_free(c->values);
        json_free(c->history);
        c->values = take(&file->values);
        c->history = take(&file->history);
        c->revision = file->revision;
        c->deploys = file->deploys;
        fast_refresh(c);
        pthread_mutex_unlock(&c->lock);
        if (json_count(changed) > 0 && c->hooks.changed) c->hooks.changed(c->hooks.ctx);
        return ERR_OK;
}

/* With change_lock, over the reading too: what is patched between reading and applying would be lost. */
static enum err load(struct kit_config *c, struct err_note *reterr)
{
        AUTO(json_free) struct json *findings = json_array();
        AUTO(json_free) struct json *wanted = NULL;
        struct config_file file = { 0 };
        struct json *values = knob_defaults(c->knobs, c->count);
        enum err e = config_file_read(c->path, &file, reterr);

        if (e) goto out;
        wanted = patch_wanted(c, file.values, findings);
        if (json_count(findings) > 0) {
                e = err_note(reterr, ERR_INVAL, "%s: %s %s", c->path, json_get_str(json_first(findings), "pointer", ""),
                             json_get_str(json_first(findings), "detail", ""));
                goto out;
        }
        JSON_EACH(member, wanted) json_set(values, json_key(member), json_clone(member));
        json_free(file.values);
        file.values = take(&values);
        if (json_count(file.values) != c->count) {
                e = err_note(reterr, ERR_NOMEM, "out of memory");
                goto out;
        }
        e = loaded_apply(c, &file, reterr);
out:
        json_free(values);
        config_file_done(&file);
        return e;
}

enum err kit_config_load(struct kit_config *c, struct err_note *reterr)
{
        enum err e;

        pthread_mutex_lock(&c->change_lock);
        e = load(c, reterr);
        pthread_mutex_unlock(&c->change_lock);
        return e;
}

static double fast_value(const struct kit_config *c, size_t knob)
{
        CHECK(knob < c->count);
        return atomic_load_explicit(&c->number[knob], memory_order_relaxed);
}

int64_t kit_config_int(const struct kit_config *c, size_t knob)
{
        CHECK(c->knobs[knob].type == KNOB_INTEGER);
        return (int64_t)fast_value(c, knob);
}

double kit_config_num(const struct kit_config *c, size_t knob)
{
        CHECK(c->knobs[knob].type == KNOB_NUMBER);
        return fast_value(c, knob);
}

bool kit_config_on(const struct kit_config *c, size_t knob)
{
        CHECK(c->knobs[knob].type == KNOB_BOOL);
        return fast_value(c, knob) != 0;
}

int kit_config_choice(const struct kit_config *c, size_t knob)
{
        CHECK(c->knobs[knob].type == KNOB_CHOICE);
        return (int)fast_value(c, knob);
}

void kit_config_text(struct kit_config *c, size_t knob, char *dst, size_t dst_bytes)
{
        CHECK(c->knobs[knob].type == KNOB_STRING || c->knobs[knob].type == KNOB_CHOICE);
        pthread_mutex_lock(&c->lock);
        str_cut(dst, dst_bytes, json_get_str(c->values, c->knobs[knob].key, ""));
        pthread_mutex_unlock(&c->lock);
}

bool kit_config_list_has(struct kit_config *c, size_t knob, const char *word)
{
        bool has = false;

        CHECK(c->knobs[knob].type == KNOB_LIST);
        pthread_mutex_lock(&c->lock);
        JSON_EACH(item, json_get(c->values, c->knobs[knob].key)) has = has || str_eq(json_text(item), word);
        pthread_mutex_unlock(&c->lock);
        return has;
}

int64_t kit_config_revision(const struct kit_config *c)
{
        return c->revision;
}

void kit_config_version(const struct kit_config *c, char *dst, size_t dst_bytes)
{
        snprintf(dst, dst_bytes, "v%" PRId64, (int64_t)c->deploys);
}

struct json *kit_config_values(struct kit_config *c)
{
        struct json *values;

        pthread_mutex_lock(&c->lock);
        values = json_clone(c->values);
        pthread_mutex_unlock(&c->lock);
        return values;
}

struct json *kit_config_json(struct kit_config *c)
{
        struct json *j = json_object();
        char version[32];

        pthread_mutex_lock(&c->lock);
        kit_config_version(c, version, sizeof version);
        json_set_str(j, "version", version);
        json_set_num(j, "revision", (double)c->revision);
        json_set(j, "config", json_clone(c->values));
        pthread_mutex_unlock(&c->lock);
        json_set(j, "defaults", knob_defaults(c->knobs, c->count));
        json_set(j, "schema", json_clone(c->schema));
        return j;
}

struct json *kit_config_history(struct kit_config *c)
{
        struct json *j = json_object();

        pthread_mutex_lock(&c->lock);
        json_set(j, "entries", json_clone(c->history));
        pthread_mutex_unlock(&c->lock);
        return j;
}
