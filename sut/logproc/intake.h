/* intake: the way of lines and spans into the archive: follows the stack's log files, takes what services send, stores both in batches, and
 * wakes whoever waits for new lines.
 * Owner:  turns run on the thread of `loop`; the add functions, wait and stat are for request threads.
 * Memory: freed by free.                     Units: ms.
 * Limits: RECORD_BATCH_MAX lines and as many spans between two turns; beyond it senders are told to come again.
 * Fails:  add: ERR_PARSE, ERR_LIMIT; storing: logged, files are read again, what was sent is lost and counted. */
#ifndef SUT_LOGPROC_INTAKE_H
#define SUT_LOGPROC_INTAKE_H

#include "common/metrics/metrics.h"
#include "common/sys/loop.h"
#include "sut/logproc/archive.h"

enum { INTAKE_TURN_MS = 200 };

/* What a body is. */
enum intake_kind { INTAKE_LOGS, INTAKE_SPANS, INTAKE_ALERTS };

struct intake;

/* log_dir: the stack's folder of log files. */
MUST_USE enum err intake_new(struct loop *loop, struct archive *archive, const char *log_dir, struct metrics *metrics, struct intake **ret,
                             struct err_note *reterr);
void intake_free(struct intake *i);
AUTO_DEFINE(struct intake, intake_free)
/* fn gets each batch that was stored, on the loop's thread. Before the loop runs. */
typedef void intake_stored_fn(void *ctx, const struct record_batch *batch);
void intake_listen(struct intake *i, intake_stored_fn *fn, void *ctx);
/* Thread-safe. */
void intake_policy(struct intake *i, const struct archive_policy *policy, bool follow_files);

/* The body of a request (record.h); ret_rejected: records that were not whole. */
MUST_USE enum err intake_add(struct intake *i, enum intake_kind kind, const struct json *body, size_t *ret_rejected, struct err_note *reterr);
/* Waits until lines were stored after the call of intake_ticket() that gave `ticket`; false when the time is over or we stop. */
uint64_t intake_ticket(struct intake *i);
bool intake_wait(struct intake *i, uint64_t ticket, int64_t wait_ms);
/* Lets all waiters go, now and later. */
void intake_stop(struct intake *i);
/* Whether the last turn could store. */
bool intake_ok(struct intake *i);

#endif
