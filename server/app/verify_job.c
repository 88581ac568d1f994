#include "server/app/verify_job.h"

#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/clock.h"
#include "common/sys/child.h"

enum { JOB_IDLE, JOB_RUNNING, JOB_PASSED, JOB_FAILED, JOB_CANCELLED, JOB_BROKEN };
static const char *const job_state_text[] = {"idle", "running", "passed", "failed", "cancelled", "broken"};

struct job_proof {
        char name[96], outcome[32], reason[256], phase[32];
        bool begun, over, passed;
        int64_t took_ms;
};

struct verify_job {
        struct verify_job_options o;
        struct child *child;
        struct loop_timer *timer; /* ends a child that hangs */
        int state;
        char scenario[80], note[256];
        bool fast, stopping;
        int64_t began_ms, ended_ms;
        struct job_proof proof[VERIFY_JOB_PROOFS_MAX];
        size_t count;
};

static void job_tell(const struct verify_job *job)
{
        AUTO(json_free) struct json *j = verify_job_json(job);
        AUTO_BUF text;

        buf_init(&text, 1 << 17);
        if (!json_print(j, &text)) job->o.tell(job->o.ctx, text.data);
}

static struct job_proof *job_find(struct verify_job *job, const char *name)
{
        for (size_t i = 0; i < job->count; i++)
                if (str_eq(job->proof[i].name, name)) return &job->proof[i];
        if (!name[0] || job->count == VERIFY_JOB_PROOFS_MAX) return NULL;
        str_cut(job->proof[job->count].name, sizeof(job->proof[0].name), name);
        return &job->proof[job->count++];
}

static void job_proof_over(struct verify_job *job, const struct json *j)
{
        struct job_proof *p = job_find(job, json_get_str(j, "proof", ""));

        if (!p) return;
        p->begun = p->over = true;
        p->passed = json_get_bool(j, "ok", false);
        p->took_ms = (int64_t)json_get_num(j, "took_ms", 0);
        str_cut(p->outcome, sizeof(p->outcome), json_get_str(j, "outcome", ""));
        str_cut(p->reason, sizeof(p->reason), json_get_str(j, "reason", ""));
        p->phase[0] = '\0';
}

static void job_line(void *ctx, const char *text, size_t size_bytes)
{
        struct verify_job *job = ctx;
        AUTO(json_free) struct json *j = NULL;
        const char *event;
        struct job_proof *p;

        if (json_parse(text, size_bytes, &j, NULL) || !json_is(j, JSON_OBJECT)) return;
        event = json_get_str(j, "event", "proof");
        if (str_eq(event, "plan")) {
                JSON_EACH(name, json_get(j, "proofs"))
                {
                        (void)job_find(job, json_text(name) ? json_text(name) : "");
                }
        } else if (str_eq(event, "phase")) {
                p = job_find(job, json_get_str(j, "proof", ""));
                if (!p) return;
                p->begun = true;
                str_cut(p->phase, sizeof(p->phase), json_get_str(j, "phase", ""));
        } else {
                job_proof_over(job, j);
        }
        job_tell(job);
}

static void job_end(void *ctx, int status)
{
        struct verify_job *job = ctx;

        loop_timer_remove(take(&job->timer));
        job->ended_ms = clock_wall_ms();
        job->state = job->stopping ? JOB_CANCELLED : status == 0 ? JOB_PASSED : status == 1 ? JOB_FAILED : JOB_BROKEN;
        if (job->state == JOB_BROKEN)
                (void)snprintf(job->note, sizeof(job->note), "verify ended with exit status %d; the server's log has its words", status);
        job_tell(job); /* the child is freed later: this is its own callback */
}

static void job_too_long(void *ctx)
{
        struct verify_job *job = ctx;

        job->timer = NULL; /* it fired */
        (void)snprintf(job->note, sizeof(job->note), "it took longer than %d minutes", VERIFY_JOB_MINUTES_MAX);
        verify_job_stop(job);
}

enum err verify_job_new(const struct verify_job_options *options, struct verify_job **ret, struct err_note *reterr)
{
        struct verify_job *job = mem_zalloc(1, sizeof(*job));

        if (!job) return err_note(reterr, ERR_NOMEM, "out of memory");
        job->o = *options;
        *ret = job;
        return ERR_OK;
}

void verify_job_free(struct verify_job *job)
{
        if (!job) return;
        loop_timer_remove(job->timer);
        child_free(job->child);
        mem_free(job);
}

enum err verify_job_start(struct verify_job *job, const char *scenario, const char *file, bool fast, struct err_note *reterr)
{
        char stack[16];
        const char *args[] = {"verify", file, "--json", "--progress", "--stack", stack, fast ? "--fast" : NULL, NULL};
        struct child_options options = {.loop = job->o.loop, .args = args, .on_line = job_line, .on_end = job_end, .ctx = job};
        enum err e;

        if (job->state == JOB_RUNNING) return err_note(reterr, ERR_STATE, "'%s' is being verified; cancel that first", job->scenario);
        child_free(take(&job->child));
        (void)snprintf(stack, sizeof(stack), "%d", job->o.stack);
        memset(job->proof, 0, sizeof(job->proof));
        job->count = 0;
        job->note[0] = '\0';
        job->stopping = false;
        job->fast = fast;
        str_cut(job->scenario, sizeof(job->scenario), scenario);
        job->began_ms = clock_wall_ms();
        job->ended_ms = 0;
        e = child_start(&options, &job->child, reterr);
        if (e) return e;
        job->state = JOB_RUNNING;
        e = loop_timer_add(job->o.loop, (int64_t)VERIFY_JOB_MINUTES_MAX * 60000, 0, job_too_long, job, &job->timer);
        if (e) verify_job_stop(job); /* without its limit it must not go on */
        job_tell(job);
        return ERR_OK;
}

void verify_job_stop(struct verify_job *job)
{
        if (job->state != JOB_RUNNING) return;
        job->stopping = true;
        child_interrupt(job->child);
}

bool verify_job_runs(const struct verify_job *job)
{
        return job->state == JOB_RUNNING;
}

static struct json *proof_json(const struct job_proof *p)
{
        struct json *j = json_object();

        json_set_str(j, "name", p->name);
        json_set_str(j, "state", p->over ? p->passed ? "passed" : "failed" : p->begun ? "running" : "waiting");
        json_set_str(j, "phase", p->phase);
        json_set_str(j, "outcome", p->outcome);
        json_set_str(j, "reason", p->reason);
        json_set_num(j, "took_ms", (double)p->took_ms);
        return j;
}

struct json *verify_job_json(const struct verify_job *job)
{
        struct json *j = json_object(), *list = json_array();

        for (size_t i = 0; i < job->count; i++) json_push(list, proof_json(&job->proof[i]));
        json_set_str(j, "state", job_state_text[job->state]);
        json_set_str(j, "scenario", job->scenario);
        json_set_str(j, "note", job->note);
        json_set_bool(j, "fast", job->fast);
        json_set_num(j, "stack", job->o.stack);
        json_set_num(j, "began_ms", (double)job->began_ms);
        json_set_num(j, "ended_ms", (double)job->ended_ms);
        json_set(j, "proofs", list);
        return j;
}
