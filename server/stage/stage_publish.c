/* Configuration through the config service, so that it survives a restart of the service.
 *
 *   prepare:  the service's values, the published version ──> undo: that version and those values
 *   apply:    values before ──> publish ──> reload ──> values after, asked for until they are there ──> what really
 * changed withdraw: roll back (or withdraw) what is published ──> reload ──> patch the old values */
#include <stdio.h>

#include "common/base/str.h"
#include "server/stage/stage_job.h"

enum { PUBLISH_LOOKS_MAX = 30, PUBLISH_LOOK_MS = 100 };

static void publish_url(const struct stage_job *job, const char *format_before, const char *format_after, char *dst,
                        size_t dst_bytes)
{
        char path[128];

        (void)snprintf(path, sizeof(path), "%s%s%s", format_before, job->op.on, format_after);
        stage_config_url(job, "config", path, dst, dst_bytes);
}

/* Prepare */

static void publish_version(void *ctx, enum err e, const struct err_note *note, const struct http_response *r)
{
        struct stage_job *job = ctx;
        AUTO(json_free) struct json *j = NULL;
        struct json *args;
        AUTO_BUF undo;
        bool none = !e && r->status == 404;

        buf_init(&undo, STAGE_BODY_BYTES_MAX);
        if (!none && stage_config_answer(job, e, note, r, &j)) return;
        args = json_object();
        json_set(args, "version", none ? json_null() : json_clone(json_get(j, "version")));
        json_set(args, "patch", job->before ? json_clone(job->before) : json_object());
        if (stage_op_write("config.withdraw", job->op.on, args, &undo))
                stage_job_fail(job, ERR_NOMEM, NULL, "out of memory");
        else
                stage_job_done(job, undo.data);
}

static void publish_values(void *ctx, enum err e, const struct err_note *note, const struct http_response *r)
{
        struct stage_job *job = ctx;
        AUTO(json_free) struct json *j = NULL;
        char url[192];

        if (stage_config_answer(job, e, note, r, &j)) return;
        job->before = stage_config_old(job, json_get(j, "config"));
        publish_url(job, "/published/", "", url, sizeof(url));
        stage_config_ask(job, "GET", url, NULL, publish_version);
}

void stage_publish_prepare(struct stage_job *job)
{
        char url[192];

        stage_config_url(job, job->op.on, "/config", url, sizeof(url));
        stage_config_ask(job, "GET", url, NULL, publish_values);
}

/* Apply */

static void publish_look(void *ctx);

/* {"key":{"from","to"}} of what differs now. */
static void publish_changed_write(const struct stage_job *job, const struct json *values, struct buf *out)
{
        AUTO(json_free) struct json *changed = json_object();

        JSON_EACH(key, job->op.body)
        {
                const struct json *from = json_get(job->before, json_key(key)), *to = json_get(values, json_key(key));
                struct json *entry;

                if (!to || json_equal(from, to)) continue;
                entry = json_object();
                json_set(entry, "from", from ? json_clone(from) : json_null());
                json_set(entry, "to", json_clone(to));
                json_set(changed, json_key(key), entry);
        }
        if (json_print(changed, out)) buf_clear(out);
}

static void publish_looked(void *ctx, enum err e, const struct err_note *note, const struct http_response *r)
{
        struct stage_job *job = ctx;
        AUTO(json_free) struct json *j = NULL;
        const struct json *values;
        bool all = true;
        AUTO_BUF changed;

        buf_init(&changed, STAGE_BODY_BYTES_MAX);
        if (stage_config_answer(job, e, note, r, &j)) return;
        values = json_get(j, "config");
        JSON_EACH(key, job->op.body) all = all && json_equal(json_get(values, json_key(key)), key);
        if (!all && ++job->tries < PUBLISH_LOOKS_MAX &&
            !loop_timer_add(job->stage->o.loop, PUBLISH_LOOK_MS, 0, publish_look, job, &job->timer))
                return;
        publish_changed_write(job, values, &changed);
        stage_job_done(job, changed.size_bytes ? changed.data : "{}");
}

static void publish_look(void *ctx)
{
        struct stage_job *job = ctx;
        char url[192];

        job->timer = NULL;
        stage_config_url(job, job->op.on, "/config", url, sizeof(url));
        stage_config_ask(job, "GET", url, NULL, publish_looked);
}

/* A service that is down reads what is published when it starts: then there is nothing to reload. */
static void publish_reloaded(void *ctx, enum err e, const struct json *result, const struct err_note *note)
{
        struct stage_job *job = ctx;

        (void)result;
        if (!e)
                publish_look(job);
        else if (e == ERR_STATE)
                stage_job_done(job, "{}");
        else
                stage_job_fail(job, e, NULL, "%s", note->text);
}

static void publish_published(void *ctx, enum err e, const struct err_note *note, const struct http_response *r)
{
        struct stage_job *job = ctx;
        AUTO(json_free) struct json *j = NULL;

        if (!stage_config_answer(job, e, note, r, &j))
                stage_job_control(job, "service.reload", job->op.on, NULL, STAGE_CONTROL_MS, publish_reloaded);
}

static void publish_post(struct stage_job *job)
{
        char url[192];
        AUTO_BUF body;

        buf_init(&body, STAGE_BODY_BYTES_MAX);
        if (json_print(job->op.body, &body)) {
                stage_job_fail_later(job, &(struct err_note){.code = ERR_NOMEM, .text = "the change is too large"});
                return;
        }
        publish_url(job, "/publish/", "", url, sizeof(url));
        stage_config_ask(job, "POST", url, body.data, publish_published);
}

static void publish_before(void *ctx, enum err e, const struct err_note *note, const struct http_response *r)
{
        struct stage_job *job = ctx;
        AUTO(json_free) struct json *j = NULL;

        if (stage_config_answer(job, e, note, r, &j)) return;
        job->before = stage_config_old(job, json_get(j, "config"));
        publish_post(job);
}

void stage_publish_apply(struct stage_job *job)
{
        char url[192];

        stage_config_url(job, job->op.on, "/config", url, sizeof(url));
        stage_config_ask(job, "GET", url, NULL, publish_before);
}

/* Withdraw */

static void withdraw_reloaded(void *ctx, enum err e, const struct json *result, const struct err_note *note)
{
        struct stage_job *job = ctx;

        (void)result;
        if (e && e != ERR_STATE) {
                if (!stage_job_again(job, e)) stage_job_fail(job, e, NULL, "%s", note->text);
        } else if (json_count(job->op.body) == 0) {
                stage_job_done(job, "{}");
        } else {
                stage_config_apply(job);
        }
}

static void withdraw_answered(void *ctx, enum err e, const struct err_note *note, const struct http_response *r)
{
        struct stage_job *job = ctx;
        AUTO(json_free) struct json *j = NULL;
        bool none = !e && r->status == 404; /* nothing was published: the crash came before */

        if (!none && stage_config_answer(job, e, note, r, &j)) return;
        stage_job_control(job, "service.reload", job->op.on, NULL, STAGE_CONTROL_MS, withdraw_reloaded);
}

void stage_publish_withdraw(struct stage_job *job)
{
        char url[192], body[64];

        (void)snprintf(body, sizeof(body), "{\"version\":%lld}", (long long)job->op.version);
        publish_url(job, "/published/", job->op.version ? "/rollback" : "", url, sizeof(url));
        stage_config_ask(job, job->op.version ? "POST" : "DELETE", url, job->op.version ? body : NULL,
                         withdraw_answered);
}
