/* Configuration of a service: the undo is the effective values of the same keys, read from the service itself. */
#include <stdio.h>
#include <string.h>

#include "common/base/str.h"
#include "server/stage/stage_job.h"

enum { STAGE_HEADER_BYTES = 700 };

void stage_config_url(const struct stage_job *job, const char *service, const char *path, char *dst, size_t dst_bytes)
{
        char address[64];

        stage_address(job->stage, stack_service_find(job->stage->o.spec, service), address, sizeof(address));
        (void)snprintf(dst, dst_bytes, "http://%s%s", address, path);
}

/* "Name: text" with what cannot stand in a header line replaced by a space. */
static void config_header(char *dst, size_t dst_bytes, const char *name, const char *text)
{
        (void)snprintf(dst, dst_bytes, "%s: %s", name, text);
        for (char *c = dst; *c; c++)
                if ((unsigned char)*c < 32 || *c == 127) *c = ' ';
}

void stage_config_ask(struct stage_job *job, const char *method, const char *url, const char *body, http_done_fn *fn)
{
        char author[STAGE_HEADER_BYTES], reason[STAGE_HEADER_BYTES];
        struct http_request r = {
                .method = method, .url = url, .timeout_ms = STAGE_HTTP_MS, .body_bytes_max = STAGE_BODY_BYTES_MAX};
        struct err_note note;
        enum err e;

        config_header(author, sizeof(author), "X-Author", job->by);
        config_header(reason, sizeof(reason), "X-Reason", job->reason);
        r.headers[0] = author;
        r.headers[1] = reason;
        r.headers[2] = "Content-Type: application/merge-patch+json";
        if (body) {
                r.body = body;
                r.body_bytes = strlen(body);
        }
        e = http_async_start(job->stage->o.http, &r, fn, job, NULL);
        if (!e) return;
        (void)err_note(&note, e, "the request to '%s' could not be started: %s", job->op.on, err_text(e));
        stage_job_fail_later(job, &note);
}

/* What a service said against a change, as one sentence. */
static void config_refusal(const struct json *problem, struct buf *out)
{
        const struct json *errors = json_get(problem, "errors");

        JSON_EACH(item, errors)
        {
                const char *pointer = json_get_str(item, "pointer", "");

                if (out->size_bytes) buf_str(out, "; ");
                buf_printf(out, "%s %s", *pointer == '/' ? pointer + 1 : pointer,
                           json_get_str(item, "detail", "is not allowed"));
        }
        if (!out->size_bytes) buf_str(out, json_get_str(problem, "detail", "the service gave no reason"));
}

/* ERR_OK and the parsed body for a 200; otherwise the job is ended, or is tried again. */
enum err stage_config_answer(struct stage_job *job, enum err e, const struct err_note *note,
                             const struct http_response *r, struct json **ret)
{
        AUTO(json_free) struct json *j = NULL;
        AUTO_BUF why;

        buf_init(&why, ERR_NOTE_BYTES * 2);
        if (e) {
                if (stage_job_again(job, e)) return e;
                stage_job_fail(job, e, NULL, "'%s' does not answer: %s", job->op.on, note->text);
                return e;
        }
        if (json_parse(r->body.data, r->body.size_bytes, &j, NULL)) {
                stage_job_fail(job, ERR_IO, NULL, "'%s' answered %d with something that is not JSON", job->op.on,
                               r->status);
                return ERR_IO;
        }
        if (r->status == 200) {
                *ret = take(&j);
                return ERR_OK;
        }
        if (r->status >= 500 && stage_job_again(job, ERR_UNAVAILABLE)) return ERR_UNAVAILABLE;
        config_refusal(j, &why);
        stage_job_fail(job, r->status == 422 ? ERR_INVAL : ERR_IO, r->body.data, "'%s' refused: %s", job->op.on,
                       why.data);
        return ERR_INVAL;
}

/* NULL: the service knows none of the keys. A key that it does not know is left to the service to refuse: null would
 * mean "back to the default". */
struct json *stage_config_old(const struct stage_job *job, const struct json *values)
{
        struct json *old = json_object();

        JSON_EACH(key, job->op.body)
        {
                const struct json *value = json_get(values, json_key(key));

                if (value) json_set(old, json_key(key), json_clone(value));
        }
        if (json_count(old) > 0) return old;
        json_free(old);
        return NULL;
}

static void config_undo_write(const struct stage_job *job, const struct json *values, struct buf *out)
{
        struct json *old = stage_config_old(job, values), *args;

        if (!old) {
                buf_str(out, "null");
                return;
        }
        args = json_object();
        json_set(args, "patch", old);
        if (stage_op_write("config.patch", job->op.on, args, out)) buf_clear(out);
}

static void config_got(void *ctx, enum err e, const struct err_note *note, const struct http_response *r)
{
        struct stage_job *job = ctx;
        AUTO(json_free) struct json *j = NULL;
        AUTO_BUF undo = {0};

        if (stage_config_answer(job, e, note, r, &j)) return;
        buf_init(&undo, STAGE_BODY_BYTES_MAX);
        config_undo_write(job, json_get(j, "config"), &undo);
        if (undo.size_bytes == 0)
                stage_job_fail(job, ERR_NOMEM, NULL, "out of memory");
        else
                stage_job_done(job, undo.data);
}

void stage_config_prepare(struct stage_job *job)
{
        char url[128];

        stage_config_url(job, job->op.on, "/config", url, sizeof(url));
        stage_config_ask(job, "GET", url, NULL, config_got);
}

static void config_patched(void *ctx, enum err e, const struct err_note *note, const struct http_response *r)
{
        struct stage_job *job = ctx;
        AUTO(json_free) struct json *j = NULL;
        AUTO_BUF changed = {0};

        if (stage_config_answer(job, e, note, r, &j)) return;
        buf_init(&changed, STAGE_BODY_BYTES_MAX);
        if (!json_get(j, "changed") || json_print(json_get(j, "changed"), &changed)) buf_clear(&changed);
        stage_job_done(job, changed.size_bytes ? changed.data : "{}");
}

void stage_config_apply(struct stage_job *job)
{
        AUTO_BUF body;
        char url[128];

        buf_init(&body, STAGE_BODY_BYTES_MAX);
        if (json_print(job->op.body, &body)) {
                stage_job_fail_later(job, &(struct err_note){.code = ERR_NOMEM, .text = "the change is too large"});
                return;
        }
        stage_config_url(job, job->op.on, "/config", url, sizeof(url));
        stage_config_ask(job, "PATCH", url, body.data, config_patched);
}
