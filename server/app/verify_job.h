/* verify_job: `firedrill verify` as a child of the server, one at a time, and what is known of its proofs.
 *
 *     idle ──start──> running ──the child ends──> passed | failed | cancelled | broken ──start──> running
 *
 * Owner:  the loop thread. Memory: verify_job_free ends the child.   Units: ms of the wall clock.
 * Limits: VERIFY_JOB_PROOFS_MAX proofs, VERIFY_JOB_MINUTES_MAX minutes.
 * Fails:  ERR_STATE when one runs already; the rest is told in the job's state. */
#ifndef SERVER_APP_VERIFY_JOB_H
#define SERVER_APP_VERIFY_JOB_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/err.h"
#include "common/sys/loop.h"
#include "common/text/json.h"

enum { VERIFY_JOB_PROOFS_MAX = 64, VERIFY_JOB_MINUTES_MAX = 240 };

struct verify_job;

struct verify_job_options {
        struct loop *loop;
        int stack; /* the proofs run on a stack of their own */
        void (*tell)(void *ctx, const char *json); /* the whole job, after each change */
        void *ctx;
};

MUST_USE enum err verify_job_new(const struct verify_job_options *options, struct verify_job **ret, struct err_note *reterr);
void verify_job_free(struct verify_job *job);
AUTO_DEFINE(struct verify_job, verify_job_free)
MUST_USE enum err verify_job_start(struct verify_job *job, const char *scenario, const char *file, bool fast, struct err_note *reterr);
void verify_job_stop(struct verify_job *job); /* the child undoes what it did, then ends */
bool verify_job_runs(const struct verify_job *job);
MUST_USE struct json *verify_job_json(const struct verify_job *job); /* docs/contracts.md, VERIFY; NULL: out of memory */

#endif
