#include "sut/config/published_store.h"

#include <pthread.h>

#include "common/base/mem.h"
#include "common/sys/file.h"

struct published_store {
        pthread_mutex_t lock;
        char *path;
        struct json *services; /* {NAME: [version entry...]} */
};

static enum err load(struct published_store *s, struct err_note *reterr)
{
        AUTO_BUF bytes;
        enum err e;

        buf_init(&bytes, PUBLISHED_FILE_BYTES_MAX);
        if (!s->path || !file_exists(s->path)) {
                s->services = json_object();
                return s->services ? ERR_OK : err_note(reterr, ERR_NOMEM, "out of memory");
        }
        e = file_read(s->path, &bytes, reterr);
        if (!e) e = json_parse(bytes.data, bytes.size_bytes, &s->services, reterr);
        if (e) {
                err_note_prefix(reterr, "%s", s->path);
                return e;
        }
        if (!json_is(s->services, JSON_OBJECT)) return err_note(reterr, ERR_CORRUPT, "%s must hold an object of services", s->path);
        return ERR_OK;
}

enum err published_store_new(const char *path, struct published_store **ret, struct err_note *reterr)
{
        AUTO(published_store_free) struct published_store *s = mem_zalloc(1, sizeof *s);
        enum err e;

        if (!s) return err_note(reterr, ERR_NOMEM, "out of memory");
        pthread_mutex_init(&s->lock, NULL);
        if (path && !(s->path = mem_strdup(path))) return err_note(reterr, ERR_NOMEM, "out of memory");
        e = load(s, reterr);
        if (e) return e;
        *ret = take(&s);
        return ERR_OK;
}

void published_store_free(struct published_store *s)
{
        if (!s) return;
        json_free(s->services);
        mem_free(s->path);
        pthread_mutex_destroy(&s->lock);
        mem_free(s);
}

static const struct json *newest(const struct json *versions)
{
        const struct json *last = NULL;

        JSON_EACH(entry, versions) last = entry;
        return last;
}

/* The versions of a service with one more, the oldest left out. */
static struct json *versions_with(const struct json *versions, struct json *entry, size_t versions_max)
{
        struct json *all = json_array();
        size_t skip = json_count(versions) + 1 > versions_max ? json_count(versions) + 1 - versions_max : 0;

        JSON_EACH(old, versions) {
                if (skip > 0)
                        skip--;
                else
                        json_push(all, json_clone(old));
        }
        json_push(all, entry);
        return all;
}

static enum err save(struct published_store *s, const struct json *services, struct err_note *reterr)
{
        AUTO_BUF bytes;
        enum err e;

        buf_init(&bytes, PUBLISHED_FILE_BYTES_MAX);
        e = json_print(services, &bytes);
        if (e) return err_note(reterr, e, "cannot store the published versions: %s", err_text(e));
        if (!s->path) return ERR_OK;
        return file_write_atomic(s->path, bytes.data, bytes.size_bytes, 0600, true, reterr);
}

/* With the lock. */
static enum err put(struct published_store *s, const char *service, const struct json *config, const struct published_by *by,
                    size_t versions_max, int64_t *ret_version, struct err_note *reterr)
{
        AUTO(json_free) struct json *services = json_clone(s->services);
        const struct json *versions = json_get(services, service);
        int64_t version = json_get_int(newest(versions), "version", 0) + 1;
        struct json *entry;
        enum err e;

        if (!versions && json_count(services) >= PUBLISHED_SERVICES_MAX)
                return err_note(reterr, ERR_LIMIT, "at most %d services can be published", PUBLISHED_SERVICES_MAX);
        entry = json_object();
        json_set_num(entry, "version", (double)version);
        json_set(entry, "config", config ? json_clone(config) : json_null());
        json_set_num(entry, "at_ms", (double)by->at_ms);
        json_set_str(entry, "author", by->author);
        json_set_str(entry, "reason", by->reason);
        json_set(services, service, versions_with(versions, entry, versions_max));
        e = save(s, services, reterr);
        if (e) return e;
        json_free(s->services);
        s->services = take(&services);
        *ret_version = version;
        return ERR_OK;
}

enum err published_store_put(struct published_store *s, const char *service, const struct json *config, const struct published_by *by,
                             size_t versions_max, int64_t *ret_version, struct err_note *reterr)
{
        enum err e;

        pthread_mutex_lock(&s->lock);
        e = put(s, service, config, by, versions_max, ret_version, reterr);
        pthread_mutex_unlock(&s->lock);
        return e;
}

enum err published_store_rollback(struct published_store *s, const char *service, int64_t version, const struct published_by *by,
                                  size_t versions_max, int64_t *ret_version, struct err_note *reterr)
{
        AUTO(json_free) struct json *config = NULL;
        bool found = false;
        enum err e = ERR_OK;

        pthread_mutex_lock(&s->lock);
        JSON_EACH(entry, json_get(s->services, service)) {
                if (json_get_int(entry, "version", 0) != version || found) continue;
                found = true;
                if (json_is(json_get(entry, "config"), JSON_OBJECT)) {
                        config = json_clone(json_get(entry, "config"));
                        if (!config) e = err_note(reterr, ERR_NOMEM, "out of memory");
                }
        }
        if (!found) e = err_note(reterr, ERR_NOT_FOUND, "service '%s' has no published version %lld", service, (long long)version);
        if (!e) e = put(s, service, config, by, versions_max, ret_version, reterr);
        pthread_mutex_unlock(&s->lock);
        return e;
}

enum err published_store_get(struct published_store *s, const char *service, struct json **ret)
{
        const struct json *entry;
        struct json *copy = NULL;
        enum err e = ERR_OK;

        pthread_mutex_lock(&s->lock);
        entry = newest(json_get(s->services, service));
        if (!json_is(json_get(entry, "config"), JSON_OBJECT))
                e = ERR_NOT_FOUND;
        else if (!(copy = json_clone(entry)))
                e = ERR_NOMEM;
        pthread_mutex_unlock(&s->lock);
        if (!e) *ret = copy;
        return e;
}

struct json *published_store_history(struct published_store *s, const char *service)
{
        struct json *body = json_object();
        const struct json *versions;

        pthread_mutex_lock(&s->lock);
        versions = json_get(s->services, service);
        json_set(body, "versions", versions ? json_clone(versions) : json_array());
        pthread_mutex_unlock(&s->lock);
        return body;
}

struct json *published_store_list(struct published_store *s)
{
        struct json *body = json_object(), *services = json_object();

        pthread_mutex_lock(&s->lock);
        JSON_EACH(versions, s->services) {
                if (json_is(json_get(newest(versions), "config"), JSON_OBJECT))
                        json_set_num(services, json_key(versions), json_get_num(newest(versions), "version", 0));
        }
        pthread_mutex_unlock(&s->lock);
        json_set(body, "services", services);
        return body;
}
