#include "server/stage/stage.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "server/stage/stage_job.h"

enum err stage_new(const struct stage_options *options, struct stage **ret)
{
        struct stage *s = mem_zalloc(1, sizeof(*s));

        if (!s) return ERR_NOMEM;
        s->o = *options;
        *ret = s;
        return ERR_OK;
}

static void job_free(struct stage_job *job)
{
        loop_timer_remove(job->timer);
        stage_op_done(&job->op);
        mem_free(job->late_json);
        json_free(job->heal);
        json_free(job->before);
        mem_free(job);
}

void stage_free(struct stage *s)
{
        if (!s) return;
        while (s->jobs) {
                struct stage_job *next = s->jobs->next;

                job_free(s->jobs);
                s->jobs = next;
        }
        mem_free(s);
}

void stage_address(const struct stage *s, int service, char *dst, size_t dst_bytes)
{
        (void)snprintf(dst, dst_bytes, "127.77.%d.1:%u", s->o.number, s->o.spec->services[service].port);
}

static void job_unlink(struct stage_job *job)
{
        struct stage_job **at = &job->stage->jobs;

        while (*at != job) at = &(*at)->next;
        *at = job->next;
        job->stage->job_count--;
}

/* The job is out of the list before fn runs, so fn may start another. */
static void job_answer(struct stage_job *job, const struct stage_answer *answer)
{
        job_unlink(job);
        job->fn(job->ctx, answer);
        job_free(job);
}

void stage_job_done(struct stage_job *job, const char *json)
{
        job_answer(job, &(struct stage_answer){.e = ERR_OK, .detail = "", .json = json});
}

void stage_job_fail(struct stage_job *job, enum err e, const char *problem, const char *format, ...)
{
        struct err_note note;
        va_list args;

        va_start(args, format);
        (void)vsnprintf(note.text, sizeof(note.text), format, args);
        va_end(args);
        job_answer(job, &(struct stage_answer){.e = e, .detail = note.text, .json = "{}", .problem = problem});
}

static void job_late(void *ctx)
{
        struct stage_job *job = ctx;

        job->timer = NULL;
        if (job->late.code)
                stage_job_fail(job, job->late.code, NULL, "%s", job->late.text);
        else
                stage_job_done(job, job->late_json ? job->late_json : "{}");
}

void stage_job_fail_later(struct stage_job *job, const struct err_note *note)
{
        job->late = *note;
        if (loop_timer_add(job->stage->o.loop, 0, 0, job_late, job, &job->timer)) job_late(job);
}

void stage_job_done_later(struct stage_job *job, const char *json)
{
        job->late_json = mem_strdup(json);
        if (!job->late_json) {
                stage_job_fail_later(job, &(struct err_note){.code = ERR_NOMEM, .text = "out of memory"});
                return;
        }
        stage_job_fail_later(job, &(struct err_note){.code = ERR_OK});
}

/* NULL when too much is under way: then fn was told at once, which is the one case without a job to answer later. */
static struct stage_job *job_new(struct stage *s, enum stage_job_aim aim, stage_fn *fn, void *ctx)
{
        struct stage_job *job = s->job_count < STAGE_JOBS_MAX ? mem_zalloc(1, sizeof(*job)) : NULL;

        if (!job) {
                fn(ctx, &(struct stage_answer){
                                .e = ERR_LIMIT, .detail = "too many changes are under way on the stack", .json = "{}"});
                return NULL;
        }
        job->stage = s;
        job->aim = aim;
        job->fn = fn;
        job->ctx = ctx;
        job->next = s->jobs;
        s->jobs = job;
        s->job_count++;
        return job;
}

/* The agent's words for whoever asked for the job. */
static void job_progress(void *ctx, const char *text)
{
        struct stage_job *job = ctx;

        job->progress(job->ctx, text);
}

void stage_job_control(struct stage_job *job, const char *verb, const char *service, struct json *args,
                       int64_t timeout_ms, control_reply_fn *fn)
{
        struct control_request r = {.verb = verb,
                                    .stack = job->stage->o.number,
                                    .service = service,
                                    .args = args,
                                    .timeout_ms = timeout_ms,
                                    .fn = fn,
                                    .progress = job->progress ? job_progress : NULL,
                                    .ctx = job};
        struct err_note note;

        if (control_call(job->stage->o.control, &r, &note)) stage_job_fail_later(job, &note);
}

/* Whole stack */

static void stack_answered(void *ctx, enum err e, const struct json *result, const struct err_note *note)
{
        AUTO_BUF text;

        buf_init(&text, STAGE_BODY_BYTES_MAX);
        if (e) {
                stage_job_fail(ctx, e, NULL, "%s", note->text);
                return;
        }
        if (json_print(result, &text)) buf_clear(&text);
        stage_job_done(ctx, text.size_bytes ? text.data : "{}");
}

static void stack_status_answered(void *ctx, enum err e, const struct json *result, const struct err_note *note)
{
        struct stage_job *job = ctx;
        const char *state = json_get_str(result, "state", "down");
        struct json *args;

        if (e) {
                stage_job_fail(job, e, NULL, "%s", note->text);
                return;
        }
        if (job->aim == STAGE_AIM_UP && str_eq(state, "up")) {
                stage_job_done(job, "{}");
                return;
        }
        if (job->aim == STAGE_AIM_DOWN) {
                stage_job_control(job, "stack.down", NULL, NULL, STAGE_RESET_MS, stack_answered);
                return;
        }
        args = json_object();
        if (job->aim == STAGE_AIM_RESET) json_set_num(args, "seed", (double)job->seed);
        if (job->aim == STAGE_AIM_RESET && str_eq(state, "up")) {
                stage_job_control(job, "stack.reset", NULL, args, STAGE_RESET_MS, stack_answered);
                return;
        }
        json_set_bool(args, "fresh", job->aim == STAGE_AIM_RESET);
        stage_job_control(job, "stack.up", NULL, args, STAGE_RESET_MS, stack_answered);
}

static void stack_begin(struct stage *s, enum stage_job_aim aim, uint64_t seed, stage_fn *fn,
                        control_progress_fn *progress, void *ctx)
{
        struct stage_job *job = job_new(s, aim, fn, ctx);

        if (!job) return;
        job->seed = seed;
        job->progress = progress;
        stage_job_control(job, "stack.status", NULL, NULL, STAGE_CONTROL_MS, stack_status_answered);
}

void stage_reset(struct stage *s, uint64_t seed, stage_fn *fn, control_progress_fn *progress, void *ctx)
{
        stack_begin(s, STAGE_AIM_RESET, seed, fn, progress, ctx);
}

void stage_up(struct stage *s, stage_fn *fn, control_progress_fn *progress, void *ctx)
{
        stack_begin(s, STAGE_AIM_UP, 0, fn, progress, ctx);
}

void stage_down(struct stage *s, stage_fn *fn, void *ctx)
{
        stack_begin(s, STAGE_AIM_DOWN, 0, fn, NULL, ctx);
}

/* Changes */

static struct stage_job *change_new(struct stage *s, enum stage_job_aim aim, const struct stage_change *change,
                                    stage_fn *fn, void *ctx)
{
        struct stage_job *job = job_new(s, aim, fn, ctx);
        struct err_note note;

        if (!job) return NULL;
        str_cut(job->by, sizeof(job->by), change->by);
        str_cut(job->reason, sizeof(job->reason), change->reason ? change->reason : "");
        if (!stage_op_read(s->o.spec, change->kind, change->on, change->args, &job->op, &note)) return job;
        stage_job_fail_later(job, &note);
        return NULL;
}

void stage_job_run(struct stage_job *job)
{
        switch (job->op.kind) {
        case STAGE_OP_PATCH:
                stage_config_apply(job);
                return;
        case STAGE_OP_PUBLISH:
                stage_publish_apply(job);
                return;
        case STAGE_OP_WITHDRAW:
                stage_publish_withdraw(job);
                return;
        case STAGE_OP_CONTROL:
                stage_process_apply(job);
                return;
        case STAGE_OP_INJECT:
                stage_inject_apply(job);
                return;
        case STAGE_OP_HEAL:
                stage_inject_heal(job);
                return;
        case STAGE_OP_COUNT:
                break;
        }
        CHECK(!"every operation is handled");
}

static void job_try_again(void *ctx)
{
        struct stage_job *job = ctx;

        job->timer = NULL;
        stage_job_run(job);
}

bool stage_job_again(struct stage_job *job, enum err e)
{
        if (job->aim != STAGE_AIM_UNDO || (e != ERR_UNAVAILABLE && e != ERR_TIMEOUT) ||
            job->tries >= STAGE_UNDO_TRIES_MAX)
                return false;
        job->tries++;
        return loop_timer_add(job->stage->o.loop, STAGE_UNDO_AGAIN_MS, 0, job_try_again, job, &job->timer) == ERR_OK;
}

void stage_prepare(struct stage *s, const struct stage_change *change, stage_fn *fn, void *ctx)
{
        struct stage_job *job = change_new(s, STAGE_AIM_PREPARE, change, fn, ctx);

        if (!job) return;
        switch (job->op.kind) {
        case STAGE_OP_PATCH:
                stage_config_prepare(job);
                return;
        case STAGE_OP_PUBLISH:
                stage_publish_prepare(job);
                return;
        case STAGE_OP_CONTROL:
                stage_process_prepare(job);
                return;
        case STAGE_OP_INJECT:
                stage_inject_prepare(job);
                return;
        case STAGE_OP_HEAL:
        case STAGE_OP_WITHDRAW:
        case STAGE_OP_COUNT:
                break;
        }
        stage_job_done_later(job, "null"); /* taking something back is not undone itself */
}

void stage_apply(struct stage *s, const struct stage_change *change, stage_fn *fn, void *ctx)
{
        struct stage_job *job = change_new(s, STAGE_AIM_APPLY, change, fn, ctx);

        if (job) stage_job_run(job);
}

void stage_undo(struct stage *s, const char *undo, const char *by, const char *reason, stage_fn *fn, void *ctx)
{
        AUTO(json_free) struct json *j = NULL;
        AUTO_BUF args;
        struct stage_change change = {.by = by, .reason = reason};
        struct stage_job *job;

        buf_init(&args, STAGE_BODY_BYTES_MAX);
        if (json_parse(undo, strlen(undo), &j, NULL) ||
            (json_is(j, JSON_OBJECT) && json_get(j, "args") && json_print(json_get(j, "args"), &args))) {
                job = job_new(s, STAGE_AIM_UNDO, fn, ctx);
                if (job)
                        stage_job_fail_later(job, &(struct err_note){.code = ERR_CORRUPT,
                                                                     .text = "the undo in the journal is not JSON"});
                return;
        }
        if (!json_is(j, JSON_OBJECT)) {
                job = job_new(s, STAGE_AIM_UNDO, fn, ctx);
                if (job) stage_job_done_later(job, "{}");
                return;
        }
        change.kind = json_get_str(j, "kind", "");
        change.on = json_get_str(j, "on", "");
        change.args = args.data;
        job = change_new(s, STAGE_AIM_UNDO, &change, fn, ctx);
        if (job) stage_job_run(job);
}
