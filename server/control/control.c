#include "server/control/control.h"

#include <string.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/line.h"
#include "common/sys/sock.h"

struct control_pending {
        struct control *control;
        int64_t id; /* 0: free */
        control_reply_fn *fn;
        control_progress_fn *progress;
        void *ctx;
        struct loop_timer *timeout;
        char verb[32];
};

struct control {
        struct loop *loop;
        char path[SOCK_UNIX_PATH_BYTES_MAX + 1];
        struct line *line; /* NULL while away */
        struct loop_timer *retry;
        int64_t next_id;
        struct control_options options;
        struct control_pending pending[CONTROL_CALLS_MAX];
};

enum err control_error_code(const char *name)
{
        for (int i = 0; i < ERR_COUNT; i++)
                if (i != ERR_OK && str_eq(name, err_name((enum err)i))) return (enum err)i;
        return ERR_IO;
}

/* The slot is free before fn runs, so fn may call again. */
static void control_settle(struct control_pending *p, enum err e, const struct json *result,
                           const struct err_note *note)
{
        control_reply_fn *fn = p->fn;
        void *ctx = p->ctx;

        loop_timer_remove(p->timeout);
        p->timeout = NULL;
        p->id = 0;
        fn(ctx, e, result, note);
}

static void control_settle_all(struct control *c, const char *why)
{
        for (size_t i = 0; i < CONTROL_CALLS_MAX; i++) {
                struct err_note note;

                if (c->pending[i].id == 0) continue;
                (void)err_note(&note, ERR_UNAVAILABLE, "the control agent went away during %s (%s)", c->pending[i].verb,
                               why);
                control_settle(&c->pending[i], ERR_UNAVAILABLE, NULL, &note);
        }
}

static void control_timeout(void *ctx)
{
        struct control_pending *p = ctx;
        struct err_note note;

        p->timeout = NULL;
        (void)err_note(&note, ERR_TIMEOUT, "the control agent did not finish %s in time", p->verb);
        control_settle(p, ERR_TIMEOUT, NULL, &note);
}

static struct control_pending *control_find(struct control *c, int64_t id)
{
        for (size_t i = 0; i < CONTROL_CALLS_MAX; i++)
                if (c->pending[i].id == id) return &c->pending[i];
        return NULL;
}

static void control_reply(struct control *c, const struct json *reply)
{
        int64_t id = json_get_int(reply, "id", 0);
        struct control_pending *p = id > 0 ? control_find(c, id) : NULL;
        const struct json *error = json_get(reply, "error");
        const char *progress = json_get_str(reply, "progress", NULL);
        struct err_note note;

        if (!p) return; /* it came after its deadline */
        if (progress) {
                if (p->progress) p->progress(p->ctx, progress);
                return;
        }
        if (json_get_bool(reply, "ok", false)) {
                control_settle(p, ERR_OK, json_get(reply, "result"), NULL);
                return;
        }
        (void)err_note(&note, control_error_code(json_get_str(error, "code", "")), "%s",
                       json_get_str(error, "detail", "the control agent gave no reason"));
        control_settle(p, note.code, NULL, &note);
}

static void control_line(void *ctx, const char *text, size_t size_bytes)
{
        struct control *c = ctx;
        AUTO(json_free) struct json *j = NULL;

        if (json_parse(text, size_bytes, &j, NULL))
                return; /* a line that is no JSON answers nothing: its call times out */
        if (json_get(j, "event")) {
                if (c->options.on_event) c->options.on_event(c->options.ctx, j);
                return;
        }
        control_reply(c, j);
}

static void control_try(void *ctx);

static void control_retry_later(struct control *c)
{
        CHECK(!c->retry);
        /* A full timer table is the only way to fail; then the agent stays away, and every call says so. */
        if (loop_timer_add(c->loop, CONTROL_RETRY_MS, 0, control_try, c, &c->retry)) c->retry = NULL;
}

static void control_end(void *ctx, const char *reason)
{
        struct control *c = ctx;
        char why[128];

        str_cut(why, sizeof(why), reason);
        line_free(take(&c->line));
        control_retry_later(c);
        control_settle_all(c, why);
        if (c->options.on_state) c->options.on_state(c->options.ctx, false);
}

static void control_watching(void *ctx, enum err e, const struct json *result, const struct err_note *note)
{
        (void)ctx, (void)e, (void)result,
                (void)note; /* a refused watch means no events, which the caller's polling covers */
}

static void control_try(void *ctx)
{
        struct control *c = ctx;
        struct line_options options = {.line_bytes_max = CONTROL_LINE_BYTES_MAX,
                                       .queue_bytes_max = 4 * CONTROL_LINE_BYTES_MAX,
                                       .on_line = control_line,
                                       .on_end = control_end,
                                       .ctx = c};
        struct control_request watch = {.verb = "watch", .timeout_ms = 10000, .fn = control_watching};
        int fd = -1;

        c->retry = NULL;
        if (sock_connect_unix(c->path, &fd, NULL)) {
                control_retry_later(c);
                return;
        }
        if (line_new(c->loop, fd, &options, &c->line)) {
                (void)close(fd);
                control_retry_later(c);
                return;
        }
        if (control_call(c, &watch, NULL)) return; /* the line ends by itself then, and control_end tries again */
        if (c->options.on_state) c->options.on_state(c->options.ctx, true);
}

enum err control_new(const struct control_options *options, struct control **ret, struct err_note *reterr)
{
        AUTO(control_free) struct control *c = mem_zalloc(1, sizeof(*c));
        enum err e;

        if (!c) return err_note(reterr, ERR_NOMEM, "out of memory");
        c->loop = options->loop;
        c->options = *options;
        c->options.path = NULL;
        if (str_copy(c->path, sizeof(c->path), options->path))
                return err_note(
                        reterr, ERR_LIMIT,
                        "the path of the control socket is too long (%d bytes at most): %s; use a shorter --home",
                        SOCK_UNIX_PATH_BYTES_MAX, options->path);
        e = loop_timer_add(c->loop, 0, 0, control_try, c, &c->retry);
        if (e) return err_note(reterr, e, "no room for a timer");
        *ret = take(&c);
        return ERR_OK;
}

void control_free(struct control *c)
{
        if (!c) return;
        for (size_t i = 0; i < CONTROL_CALLS_MAX; i++) loop_timer_remove(c->pending[i].timeout);
        loop_timer_remove(c->retry);
        line_free(c->line);
        mem_free(c);
}

bool control_up(const struct control *c)
{
        return c->line != NULL;
}

static enum err control_send(struct control *c, const struct control_request *r, int64_t id)
{
        AUTO(json_free) struct json *j = json_object();
        AUTO_BUF text;
        enum err e;

        buf_init(&text, CONTROL_LINE_BYTES_MAX);
        json_set_num(j, "id", (double)id);
        json_set_str(j, "verb", r->verb);
        if (r->stack) json_set_num(j, "stack", r->stack);
        if (r->service) json_set_str(j, "service", r->service);
        if (r->args) json_set(j, "args", json_clone(r->args));
        e = json_print(j, &text);
        return e ? e : line_send(c->line, text.data, text.size_bytes);
}

enum err control_call(struct control *c, const struct control_request *r, struct err_note *reterr)
{
        AUTO(json_free) struct json *args = r->args;
        struct control_pending *p = control_find(c, 0);
        enum err e;

        CHECK(r->fn && r->timeout_ms > 0);
        if (!c->line)
                return err_note(reterr, ERR_UNAVAILABLE,
                                "the control agent does not answer; it is started again by itself or by ./run");
        if (!p)
                return err_note(reterr, ERR_LIMIT, "%d requests to the control agent are under way already",
                                CONTROL_CALLS_MAX);
        *p = (struct control_pending){
                .control = c, .id = ++c->next_id, .fn = r->fn, .progress = r->progress, .ctx = r->ctx};
        str_cut(p->verb, sizeof(p->verb), r->verb);
        e = loop_timer_add(c->loop, r->timeout_ms, 0, control_timeout, p, &p->timeout);
        if (!e) e = control_send(c, r, p->id);
        if (e) {
                loop_timer_remove(p->timeout);
                *p = (struct control_pending){0};
                return err_note(reterr, e, "the request %s could not be sent to the control agent: %s", r->verb,
                                err_text(e));
        }
        return ERR_OK;
}
