/* Faults that the control agent injects. The undo names kind and place instead of the agent's handle, because it must
 * be known before the fault exists and must still mean the same to a server that comes after a crash. */
#include <string.h>

#include "common/base/str.h"
#include "server/stage/stage_job.h"

void stage_inject_prepare(struct stage_job *job)
{
        struct json *args = json_object();
        AUTO_BUF undo;

        buf_init(&undo, STAGE_BODY_BYTES_MAX);
        json_set_str(args, "fault", job->op.verb);
        if (stage_op_write("fault.undo", job->op.on, args, &undo))
                stage_job_fail_later(job, &(struct err_note){.code = ERR_NOMEM, .text = "out of memory"});
        else
                stage_job_done_later(job, undo.data);
}

static void inject_applied(void *ctx, enum err e, const struct json *result, const struct err_note *note)
{
        struct stage_job *job = ctx;

        (void)result;
        if (e)
                stage_job_fail(job, e, NULL, "%s", note->text);
        else
                stage_job_done(job, "{}");
}

void stage_inject_apply(struct stage_job *job)
{
        struct json *args = json_object();

        json_set_str(args, "fault", job->op.verb);
        json_set_str(args, "on", job->op.on);
        json_set(args, "args", json_clone(job->op.body));
        stage_job_control(job, "fault.apply", NULL, args, STAGE_CONTROL_MS, inject_applied);
}

static void inject_heal_next(struct stage_job *job);

static void inject_healed(void *ctx, enum err e, const struct json *result, const struct err_note *note)
{
        struct stage_job *job = ctx;

        (void)result;
        if (e && e != ERR_NOT_FOUND) { /* not found: it ended by itself */
                if (stage_job_again(job, e)) return;
                stage_job_fail(job, e, NULL, "%s", note->text);
                return;
        }
        inject_heal_next(job);
}

static void inject_heal_next(struct stage_job *job)
{
        AUTO(json_free) struct json *rest = json_array();
        const struct json *first = json_first(job->heal);
        struct json *args;

        if (!first) {
                stage_job_done(job, "{}");
                return;
        }
        args = json_object();
        json_set(args, "fault_id", json_clone(first));
        for (const struct json *item = json_next(first); item; item = json_next(item))
                json_push(rest, json_clone(item));
        json_free(job->heal);
        job->heal = take(&rest);
        stage_job_control(job, "fault.undo", NULL, args, STAGE_CONTROL_MS, inject_healed);
}

static void inject_listed(void *ctx, enum err e, const struct json *result, const struct err_note *note)
{
        struct stage_job *job = ctx;

        if (e) {
                if (stage_job_again(job, e)) return;
                stage_job_fail(job, e, NULL, "%s", note->text);
                return;
        }
        json_free(job->heal);
        job->heal = json_array();
        JSON_EACH(fault, json_get(result, "faults"))
        if (str_eq(json_get_str(fault, "fault", ""), job->op.verb) && str_eq(json_get_str(fault, "on", ""), job->op.on))
                json_push(job->heal, json_clone(json_get(fault, "fault_id")));
        inject_heal_next(job);
}

void stage_inject_heal(struct stage_job *job)
{
        stage_job_control(job, "fault.list", NULL, NULL, STAGE_CONTROL_MS, inject_listed);
}
