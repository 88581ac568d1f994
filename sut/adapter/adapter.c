#include "sut/adapter/adapter.h"

#include <pthread.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/sys/clock.h"
#include "common/sys/log.h"

struct adapter {
        struct kit_config *config;
        struct adapter_ops ops;
        struct loop *loop;
        pthread_t thread;
        bool has_thread;
};

/* ---- work on the loop ---- */

struct adapter_work {
        adapter_fn *fn;
        void *ctx, *arg;
        enum err e;
        struct err_note note;
};

static void work_do(void *ctx)
{
        struct adapter_work *w = ctx;

        w->e = w->fn(w->ctx, w->arg, &w->note);
}

enum err adapter_call(struct adapter *a, adapter_fn *fn, void *ctx, void *arg, struct err_note *reterr)
{
        struct adapter_work w = {.fn = fn, .ctx = ctx, .arg = arg};
        enum err e = loop_call(a->loop, work_do, &w, ADAPTER_CALL_MS);

        if (e) return err_note(reterr, e, "the %s adapter is busy with its server: %s", a->ops.author, err_text(e));
        if (w.e) return err_note(reterr, w.e, "%s", w.note.text);
        return ERR_OK;
}

/* ---- configuration ---- */

/* Back to the values that are still in the configuration; a failure here can only be told. */
static void adapter_revert(struct adapter *a, const struct json *changed, const struct json *before, size_t count)
{
        while (count-- > 0) {
                const char *key = a->ops.knobs[count].key;
                struct err_note note;

                if (!json_get(changed, key)) continue;
                if (a->ops.set(a->ops.ctx, count, json_get(before, key), &note))
                        log_text(LOG_ERROR, "adapter.revert_failed", "%s could not be set back: %s", key, note.text);
        }
}

enum err adapter_apply(struct adapter *a, const struct json *changed, struct err_note *reterr)
{
        AUTO(json_free) struct json *before = kit_config_values(a->config);

        if (!before) return err_note(reterr, ERR_NOMEM, "no memory to change the server");
        for (size_t i = 0; i < a->ops.knob_count; i++) {
                const struct json *value = json_get(changed, a->ops.knobs[i].key);
                enum err e = value ? a->ops.set(a->ops.ctx, i, value, reterr) : ERR_OK;

                if (!e) continue;
                err_note_prefix(reterr, "%s", a->ops.knobs[i].key);
                adapter_revert(a, changed, before, i);
                /* Something that is not there is a state of the server, not an address that the caller got wrong. */
                return e == ERR_NOT_FOUND || e == ERR_IO ? ERR_STATE : e;
        }
        return ERR_OK;
}

/* An ended session, a setting made by hand, a job that died with the adapter: all of it shows at the next look. */
void adapter_refresh(struct adapter *a)
{
        AUTO(json_free) struct json *values = json_object();
        struct err_note note;
        enum err e;

        if (a->ops.read(a->ops.ctx, values, &note))
                log_text(LOG_DEBUG, "adapter.unread", "the server cannot be read, its settings stay as they are known: %s", note.text);
        e = kit_config_observe(a->config, values, a->ops.author, "found on the server", clock_wall_ms());
        if (e) log_text(LOG_ERROR, "adapter.observe_failed", "what was found on the server could not be stored: %s", err_text(e));
}

/* ---- life ---- */

enum err adapter_new(struct kit_config *config, const struct adapter_ops *ops, struct adapter **ret, struct err_note *reterr)
{
        struct adapter *a = mem_zalloc(1, sizeof *a);
        enum err e;

        if (!a) return err_note(reterr, ERR_NOMEM, "no memory for the adapter");
        a->config = config;
        a->ops = *ops;
        e = loop_new(&a->loop, reterr);
        if (e) {
                mem_free(a);
                return e;
        }
        *ret = a;
        return ERR_OK;
}

struct loop *adapter_loop(struct adapter *a)
{
        return a->loop;
}

static void *adapter_thread(void *ctx)
{
        struct adapter *a = ctx;

        loop_run(a->loop);
        return NULL;
}

enum err adapter_run(struct adapter *a, struct err_note *reterr)
{
        CHECK(!a->has_thread);
        if (pthread_create(&a->thread, NULL, adapter_thread, a)) return err_note(reterr, ERR_IO, "cannot start the adapter's thread");
        a->has_thread = true;
        return ERR_OK;
}

void adapter_stop(struct adapter *a)
{
        if (!a || !a->has_thread) return;
        loop_stop(a->loop);
        pthread_join(a->thread, NULL);
        a->has_thread = false;
}

void adapter_free(struct adapter *a)
{
        if (!a) return;
        adapter_stop(a);
        loop_free(a->loop);
        mem_free(a);
}
