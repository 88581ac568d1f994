/* stage_job: one thing under way on the stack, from its call to its answer. Private to server/stage.
 * Owner: the stage. Memory: freed when answered, or with the stage. Units: ms. Limits: as stage.h. Fails: through its
 * answer. */
#ifndef SERVER_STAGE_STAGE_JOB_H
#define SERVER_STAGE_STAGE_JOB_H

#include "server/stage/stage.h"
#include "server/stage/stage_op.h"

enum { STAGE_AUTHOR_BYTES = 32, STAGE_REASON_BYTES = 512, STAGE_UNDO_TRIES_MAX = 30, STAGE_UNDO_AGAIN_MS = 500 };

/* What the job is for. */
enum stage_job_aim {
        STAGE_AIM_RESET,
        STAGE_AIM_UP,
        STAGE_AIM_DOWN,
        STAGE_AIM_PREPARE,
        STAGE_AIM_APPLY,
        STAGE_AIM_UNDO
};

struct stage_job {
        struct stage *stage;
        struct stage_job *next;
        enum stage_job_aim aim;
        struct stage_op op;
        char by[STAGE_AUTHOR_BYTES], reason[STAGE_REASON_BYTES];
        char state_before[STAGE_NAME_BYTES]; /* CONTROL: of the process */
        int64_t pid_before;
        uint64_t seed;
        int tries;
        struct loop_timer *timer;
        struct err_note late; /* the answer of stage_job_fail_later */
        char *late_json;      /* the answer of stage_job_done_later */
        struct json *heal;    /* HEAL: ids of injected faults that are still to be undone */
        struct json *before;  /* PUBLISH: values of the keys before */
        stage_fn *fn;
        control_progress_fn *progress;
        void *ctx;
};

struct stage {
        struct stage_options o;
        struct stage_job *jobs;
        size_t job_count;
};

/* Ends the job: answers and frees it. */
void stage_job_done(struct stage_job *job, const char *json);
void stage_job_fail(struct stage_job *job, enum err e, const char *problem, const char *format, ...) FMT_PRINTF(4, 5);
/* As stage_job_fail or stage_job_done, but from the loop: for what is known at once. */
void stage_job_done_later(struct stage_job *job, const char *json);
void stage_job_fail_later(struct stage_job *job, const struct err_note *note);
/* Begins, or begins again, the operation of an APPLY or UNDO job. */
void stage_job_run(struct stage_job *job);
/* UNDO jobs try again later what a restarting service could not take; true if so. */
bool stage_job_again(struct stage_job *job, enum err e);

/* The operations, one file each family. */
void stage_config_prepare(struct stage_job *job);
void stage_config_apply(struct stage_job *job);
void stage_publish_prepare(struct stage_job *job);
void stage_publish_apply(struct stage_job *job);
void stage_publish_withdraw(struct stage_job *job);
void stage_process_prepare(struct stage_job *job);
void stage_process_apply(struct stage_job *job);
void stage_inject_prepare(struct stage_job *job);
void stage_inject_apply(struct stage_job *job);
void stage_inject_heal(struct stage_job *job);
/* Requests to a service's HTTP side, signed with the job's author and reason. */
void stage_config_url(const struct stage_job *job, const char *service, const char *path, char *dst, size_t dst_bytes);
void stage_config_ask(struct stage_job *job, const char *method, const char *url, const char *body, http_done_fn *fn);
/* ERR_OK and the parsed body for a 200; otherwise the job was ended, or will be tried again. */
enum err stage_config_answer(struct stage_job *job, enum err e, const struct err_note *note,
                             const struct http_response *r, struct json **ret);
/* The present values of the keys of the job's body; NULL when there are none. */
struct json *stage_config_old(const struct stage_job *job, const struct json *values);
/* A control call on behalf of the job; a refusal to start fails the job later. Takes args. */
void stage_job_control(struct stage_job *job, const char *verb, const char *service, struct json *args,
                       int64_t timeout_ms, control_reply_fn *fn);

#endif
