/* Processes through the control agent's service.* verbs. What changed is read back: state and pid before and after. */
#include "common/base/check.h"
#include "common/base/str.h"
#include "server/engine/fault.h"
#include "server/stage/stage_job.h"

#include <stdio.h>
#include <string.h>

static const struct json *process_find(const struct json *status, const char *name)
{
        JSON_EACH(service, json_get(status, "services"))
        if (str_eq(json_get_str(service, "name", ""), name)) return service;
        return NULL;
}

/* What takes the process back to where it was; NULL when nothing does, or nothing has to. */
static const char *process_inverse(const char *verb, const char *state)
{
        bool is_down = str_eq(state, "down") || str_eq(state, "failed");

        if (str_eq(verb, "service.start")) return is_down ? "process.stop" : NULL;
        if (str_eq(verb, "service.stop")) return is_down ? NULL : "process.start";
        if (str_eq(verb, "service.pause")) return str_eq(state, "paused") ? NULL : "process.resume";
        if (str_eq(verb, "service.resume")) return str_eq(state, "paused") ? "process.pause" : NULL;
        return NULL;
}

static void process_status(void *ctx, enum err e, const struct json *result, const struct err_note *note)
{
        struct stage_job *job = ctx;
        const struct json *service = e ? NULL : process_find(result, job->op.on);
        const char *inverse;
        AUTO_BUF undo = {0};

        if (e || !service) {
                stage_job_fail(job, e ? e : ERR_NOT_FOUND, NULL, "%s",
                               e ? note->text : "the process is not part of the running stack");
                return;
        }
        inverse = process_inverse(job->op.verb, json_get_str(service, "state", ""));
        buf_init(&undo, STAGE_BODY_BYTES_MAX);
        if (inverse && stage_op_write(inverse, job->op.on, json_object(), &undo))
                stage_job_fail(job, ERR_NOMEM, NULL, "out of memory");
        else
                stage_job_done(job, inverse ? undo.data : "null");
}

void stage_process_prepare(struct stage_job *job)
{
        stage_job_control(job, "stack.status", NULL, NULL, STAGE_CONTROL_MS, process_status);
}

static void process_note(struct json *changed, const char *key, struct json *from, struct json *to)
{
        struct json *entry;

        if (json_equal(from, to)) {
                json_free(from);
                json_free(to);
                return;
        }
        entry = json_object();
        json_set(entry, "from", from);
        json_set(entry, "to", to);
        json_set(changed, key, entry);
}

static struct json *process_pid(int64_t pid)
{
        return pid > 0 ? json_number((double)pid) : json_null();
}

static void process_done(void *ctx, enum err e, const struct json *result, const struct err_note *note)
{
        struct stage_job *job = ctx;
        const struct json *service = json_get(result, "service");
        AUTO(json_free) struct json *changed = json_object();
        AUTO_BUF text = {0};

        if (e) {
                if (stage_job_again(job, e)) return;
                stage_job_fail(job, e, NULL, "%s", note->text);
                return;
        }
        buf_init(&text, STAGE_BODY_BYTES_MAX);
        process_note(changed, "state", json_string(job->state_before),
                     json_string(json_get_str(service, "state", "?")));
        process_note(changed, "pid", process_pid(job->pid_before), process_pid(json_get_int(service, "pid", 0)));
        if (json_print(changed, &text)) buf_clear(&text);
        stage_job_done(job, text.size_bytes ? text.data : "{}");
}

static void process_before(void *ctx, enum err e, const struct json *result, const struct err_note *note)
{
        struct stage_job *job = ctx;
        const struct json *service = e ? NULL : process_find(result, job->op.on);

        if (e || !service) {
                if (e && stage_job_again(job, e)) return;
                stage_job_fail(job, e ? e : ERR_NOT_FOUND, NULL, "%s",
                               e ? note->text : "the process is not part of the running stack");
                return;
        }
        str_cut(job->state_before, sizeof(job->state_before), json_get_str(service, "state", ""));
        job->pid_before = json_get_int(service, "pid", 0);
        stage_job_control(job, job->op.verb, job->op.on, NULL, STAGE_CONTROL_MS, process_done);
}

void stage_process_apply(struct stage_job *job)
{
        stage_job_control(job, "stack.status", NULL, NULL, STAGE_CONTROL_MS, process_before);
}
