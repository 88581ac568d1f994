#include "sut/kit/config_file.h"

#include "common/sys/file.h"
#include "sut/kit/config.h"

void config_file_done(struct config_file *file)
{
        json_free(file->values);
        json_free(file->history);
        file->values = file->history = NULL;
}

static enum err take_apart(const struct json *whole, const char *path, struct config_file *ret, struct err_note *reterr)
{
        const struct json *values = json_get(whole, "config"), *history = json_get(whole, "history");
        struct config_file file = { .revision = json_get_int(whole, "revision", 0), .deploys = json_get_int(whole, "deploys", 0) };

        if (!json_is(values, JSON_OBJECT) || !json_is(history, JSON_ARRAY) || file.revision < 1 || file.deploys < 1)
                return err_note(reterr, ERR_CORRUPT,
                                "%s must hold an object with revision, deploys, config and history; remove it to start from the defaults",
                                path);
        file.values = json_clone(values);
        file.history = json_clone(history);
        if (!file.values || !file.history) {
                config_file_done(&file);
                return err_note(reterr, ERR_NOMEM, "out of memory");
        }
        *ret = file;
        return ERR_OK;
}

enum err config_file_read(const char *path, struct config_file *ret, struct err_note *reterr)
{
        AUTO(json_free) struct json *whole = NULL;
        AUTO_BUF bytes;
        enum err e;

        buf_init(&bytes, CONFIG_FILE_BYTES_MAX);
        if (!path || !file_exists(path)) {
                struct config_file fresh = { 1, 1, json_object(), json_array() };

                if (!fresh.values || !fresh.history) {
                        config_file_done(&fresh);
                        return err_note(reterr, ERR_NOMEM, "out of memory");
                }
                *ret = fresh;
                return ERR_OK;
        }
        e = file_read(path, &bytes, reterr);
        if (e) return e;
        e = json_parse(bytes.data, bytes.size_bytes, &whole, reterr);
        if (e == ERR_NOMEM) return e;
        if (e) {
                err_note_prefix(reterr, "%s", path);
                return ERR_CORRUPT;
        }
        return take_apart(whole, path, ret, reterr);
}

enum err config_file_write(const char *path, const struct config_file *file, struct err_note *reterr)
{
        AUTO(json_free) struct json *whole = json_object();
        AUTO_BUF bytes;
        enum err e;

        buf_init(&bytes, CONFIG_FILE_BYTES_MAX);
        json_set_num(whole, "revision", (double)file->revision);
        json_set_num(whole, "deploys", (double)file->deploys);
        json_set(whole, "config", json_clone(file->values));
        json_set(whole, "history", json_clone(file->history));
        e = json_print(whole, &bytes);
        if (e) return err_note(reterr, e, "cannot write the configuration: %s", err_text(e));
        if (!path) return ERR_OK;
        return file_write_atomic(path, bytes.data, bytes.size_bytes, 0600, false, reterr);
}

enum err config_history_trim(struct json **history, size_t most)
{
        size_t skip = json_count(*history), count = skip;
        struct json *kept;

        if (count <= most) return ERR_OK;
        kept = json_array();
        skip = count - most;
        JSON_EACH(entry, *history) {
                if (skip > 0)
                        skip--;
                else
                        json_push(kept, json_clone(entry));
        }
        if (!kept) return ERR_NOMEM;
        json_free(*history);
        *history = kept;
        return ERR_OK;
}
