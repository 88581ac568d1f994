/* sut-cache: the adapter in front of Redis. See README.md. */
#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/log.h"
#include "sut/adapter/adapter.h"
#include "sut/cache/cache_server.h"
#include "sut/kit/request.h"
#include "sut/kit/service.h"

struct cache {
        struct adapter *adapter; /* its loop owns the server */
        struct cache_server *server;
};

/* ---- configuration ---- */

struct set_call {
        enum cache_knob knob;
        const struct json *value;
};

static enum err call_set(void *ctx, void *arg, struct err_note *reterr)
{
        const struct set_call *c = arg;

        return cache_server_set(((struct cache *)ctx)->server, c->knob, c->value, reterr);
}

static enum err cache_set(void *ctx, size_t knob, const struct json *value, struct err_note *reterr)
{
        struct set_call call = {.knob = (enum cache_knob)knob, .value = value};

        return adapter_call(((struct cache *)ctx)->adapter, call_set, ctx, &call, reterr);
}

static enum err call_read(void *ctx, void *arg, struct err_note *reterr)
{
        return cache_server_read(((struct cache *)ctx)->server, arg, reterr);
}

static enum err cache_read(void *ctx, struct json *values, struct err_note *reterr)
{
        return adapter_call(((struct cache *)ctx)->adapter, call_read, ctx, values, reterr);
}

static enum err cache_apply(void *ctx, const struct json *changed, struct err_note *reterr)
{
        return adapter_apply(((struct cache *)ctx)->adapter, changed, reterr);
}

static void cache_refresh(void *ctx)
{
        adapter_refresh(((struct cache *)ctx)->adapter);
}

/* ---- requests ---- */

static enum err call_flush(void *ctx, void *arg, struct err_note *reterr)
{
        return cache_server_flush(((struct cache *)ctx)->server, arg, reterr);
}

static void cache_post_flush(struct kit_request *r, void *ctx)
{
        struct cache *c = ctx;
        struct err_note note;
        struct json *body;
        int64_t keys = 0;
        enum err e = adapter_call(c->adapter, call_flush, c, &keys, &note);

        if (e) {
                kit_reply_err(r, e, &note);
                return;
        }
        log_event(LOG_WARN, "cache.flushed", "the cache was emptied on request", LOG_N("keys", keys));
        body = json_object();
        json_set_num(body, "flushed", (double)keys);
        kit_reply_json(r, 200, body);
}

struct keys_call {
        const char *pattern;
        struct json *list;
};

static enum err call_keys(void *ctx, void *arg, struct err_note *reterr)
{
        struct keys_call *k = arg;

        return cache_server_keys(((struct cache *)ctx)->server, k->pattern, &k->list, reterr);
}

static void cache_get_keys(struct kit_request *r, void *ctx)
{
        struct cache *c = ctx;
        const char *pattern = kit_request_query(r, "match");
        struct keys_call call = {.pattern = pattern ? pattern : "*"};
        struct err_note note;
        struct json *body;
        enum err e = adapter_call(c->adapter, call_keys, c, &call, &note);

        if (e) {
                kit_reply_err(r, e, &note);
                return;
        }
        body = json_object();
        json_set(body, "keys", call.list);
        kit_reply_json(r, 200, body);
}

static void cache_health(void *ctx, struct kit_health *h)
{
        bool is_up = cache_server_up(((struct cache *)ctx)->server);

        kit_health_check(h, "redis", is_up, true, "%s", is_up ? "answers" : "does not answer");
}

/* ---- life ---- */

static void cache_stop(void *ctx)
{
        struct cache *c = ctx;

        if (!c) return;
        adapter_stop(c->adapter);
        cache_server_free(c->server);
        adapter_free(c->adapter);
        mem_free(c);
}

static enum err cache_parts(struct cache *c, struct kit *k, struct err_note *reterr)
{
        const struct adapter_ops ops = {.author = "cache", .knobs = cache_knobs, .knob_count = CACHE_KNOB_COUNT, .set = cache_set, .read = cache_read, .ctx = c};
        enum err e = adapter_new(kit_config(k), &ops, &c->adapter, reterr);

        if (!e) e = cache_server_new(adapter_loop(c->adapter), kit_upstream_address(k, "redis"), kit_metrics(k), &c->server, reterr);
        return e ? e : adapter_run(c->adapter, reterr);
}

static enum err cache_start(struct kit *k, void **ret_ctx, struct err_note *reterr)
{
        struct cache *c = mem_zalloc(1, sizeof *c);
        enum err e;

        if (!c) return err_note(reterr, ERR_NOMEM, "no memory for the cache adapter");
        e = cache_parts(c, k, reterr);
        if (e) {
                cache_stop(c);
                return e;
        }
        cache_refresh(c);
        kit_route(k, KIT_DIRECT, "POST", "/flush", cache_post_flush);
        kit_route(k, KIT_DIRECT, "GET", "/keys", cache_get_keys);
        *ret_ctx = c;
        return ERR_OK;
}

static const char *const upstreams[] = {"redis", NULL};

static const struct kit_spec spec = {
        .name = "cache", .title = "Cache", .knobs = cache_knobs, .knob_count = CACHE_KNOB_COUNT, .http_threads = 4,
        .upstreams = upstreams, .start = cache_start, .apply = cache_apply, .health = cache_health, .refresh = cache_refresh,
        .stop = cache_stop,
};

int main(int argc, char **argv)
{
        return kit_main(&spec, argc, argv);
}
