#include "sut/logproc/intake.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/clock.h"
#include "common/sys/log.h"

enum { SETTLE_EVERY_TURNS = 5, PRUNE_EVERY_TURNS = 10, TURNS_AT_ONCE_MAX = 20 };

struct intake {
        struct archive *archive;
        struct loop_timer *timer;
        struct tail *tail;
        struct record_batch files, storing; /* the loop's */
        unsigned turn;
        intake_stored_fn *listener; /* may be NULL */
        void *listener_ctx;
        struct metrics_series *lines, *spans, *dropped, *bytes, *kept_logs, *kept_traces;
        pthread_mutex_t lock;
        pthread_cond_t stored;
        /* below: under the lock */
        struct record_batch inbox;
        struct archive_policy policy;
        bool follow_files, is_stopping, is_ok;
        uint64_t ticket;
};

/* ---- what services send ---- */

enum err intake_add(struct intake *i, enum intake_kind kind, const struct json *body, size_t *ret_rejected, struct err_note *reterr)
{
        enum err e;
        size_t before;

        pthread_mutex_lock(&i->lock);
        before = i->inbox.dropped_count;
        if ((kind == INTAKE_SPANS ? i->inbox.span_count : i->inbox.log_count) == RECORD_BATCH_MAX) e = err_note(reterr, ERR_LIMIT, "too much at once, come again in a second");
        else if (kind == INTAKE_SPANS) e = record_add_otlp_spans(&i->inbox, body, reterr);
        else if (kind == INTAKE_ALERTS) e = record_add_alerts(&i->inbox, body, clock_wall_ms(), reterr);
        else e = record_add_otlp_logs(&i->inbox, body, clock_wall_ms(), reterr);
        if (!e) *ret_rejected = i->inbox.dropped_count - before;
        pthread_mutex_unlock(&i->lock);
        return e;
}

/* ---- turns ---- */

static bool intake_line(void *ctx, const char *name, const char *line, size_t size_bytes)
{
        struct intake *i = ctx;

        if (i->files.log_count == RECORD_BATCH_MAX) return false;
        record_add_line(&i->files, name, line, size_bytes, clock_wall_ms());
        return true;
}

/* What became of a batch: counted, and when it is stored, passed on. */
static void intake_told(struct intake *i, const struct record_batch *batch, enum err e)
{
        size_t lost = batch->dropped_count + (e ? batch->log_count + batch->span_count : 0);

        metrics_add(i->dropped, (double)lost);
        if (e) return;
        if (i->listener) i->listener(i->listener_ctx, batch);
        metrics_add(i->lines, (double)batch->log_count);
        metrics_add(i->spans, (double)batch->span_count);
}

/* Lines of files: when they cannot be stored, the stored places are taken up again, so nothing is lost. */
static enum err intake_files(struct intake *i, bool *ret_is_more, struct err_note *reterr)
{
        enum err e = ERR_OK;

        record_batch_clear(&i->files);
        *ret_is_more = tail_turn(i->tail, intake_line, i);
        if (i->files.log_count == 0 && i->files.dropped_count == 0) return ERR_OK;
        e = archive_add(i->archive, &i->files, i->tail, clock_wall_ms(), reterr);
        if (!e) {
                intake_told(i, &i->files, ERR_OK);
                return ERR_OK;
        }
        *ret_is_more = false;
        if (archive_resume(i->archive, i->tail, NULL)) intake_told(i, &i->files, e);
        return e;
}

static enum err intake_sent(struct intake *i, struct err_note *reterr)
{
        enum err e = ERR_OK;

        pthread_mutex_lock(&i->lock);
        struct record_batch full = i->inbox;

        i->inbox = i->storing;
        pthread_mutex_unlock(&i->lock);
        i->storing = full;
        if (full.log_count || full.span_count) e = archive_add(i->archive, &full, NULL, clock_wall_ms(), reterr);
        intake_told(i, &full, e);
        record_batch_clear(&i->storing);
        return e;
}

static enum err intake_keep(struct intake *i, const struct archive_policy *policy, struct err_note *reterr)
{
        struct archive_stat stat;
        enum err e = ERR_OK;

        if (i->turn % SETTLE_EVERY_TURNS == 0) e = archive_settle(i->archive, policy, clock_wall_ms(), reterr);
        if (e || i->turn % PRUNE_EVERY_TURNS != 0) return e;
        e = archive_prune(i->archive, policy, clock_wall_ms(), reterr);
        if (!e) e = archive_stat(i->archive, &stat, reterr);
        if (e) return e;
        metrics_set(i->bytes, (double)stat.bytes);
        metrics_set(i->kept_logs, (double)stat.logs);
        metrics_set(i->kept_traces, (double)stat.traces);
        return ERR_OK;
}

static void intake_turn(void *ctx)
{
        struct intake *i = ctx;
        struct archive_policy policy;
        struct err_note note;
        bool follow, is_more = true, was_ok;
        enum err e = ERR_OK;

        pthread_mutex_lock(&i->lock);
        policy = i->policy;
        follow = i->follow_files;
        was_ok = i->is_ok;
        pthread_mutex_unlock(&i->lock);
        for (int n = 0; !e && follow && is_more && n < TURNS_AT_ONCE_MAX; n++) e = intake_files(i, &is_more, &note);
        if (!e) e = intake_sent(i, &note);
        if (!e) e = intake_keep(i, &policy, &note);
        i->turn++;
        pthread_mutex_lock(&i->lock);
        i->is_ok = e == ERR_OK;
        i->ticket++;
        pthread_cond_broadcast(&i->stored);
        pthread_mutex_unlock(&i->lock);
        if (e && was_ok) log_text(LOG_ERROR, "archive.failed", "logs cannot be stored: %s", note.text);
}

/* ---- waiting for new lines ---- */

uint64_t intake_ticket(struct intake *i)
{
        uint64_t ticket;

        pthread_mutex_lock(&i->lock);
        ticket = i->ticket;
        pthread_mutex_unlock(&i->lock);
        return ticket;
}

bool intake_wait(struct intake *i, uint64_t ticket, int64_t wait_ms)
{
        int64_t until_ms = clock_mono_ms() + wait_ms;
        struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
        bool is_new;

        pthread_mutex_lock(&i->lock);
        while (!i->is_stopping && i->ticket == ticket && pthread_cond_timedwait(&i->stored, &i->lock, &until) == 0) { }
        is_new = !i->is_stopping && i->ticket != ticket;
        pthread_mutex_unlock(&i->lock);
        return is_new;
}

void intake_stop(struct intake *i)
{
        pthread_mutex_lock(&i->lock);
        i->is_stopping = true;
        pthread_cond_broadcast(&i->stored);
        pthread_mutex_unlock(&i->lock);
}

bool intake_ok(struct intake *i)
{
        bool is_ok;

        pthread_mutex_lock(&i->lock);
        is_ok = i->is_ok;
        pthread_mutex_unlock(&i->lock);
        return is_ok;
}

void intake_listen(struct intake *i, intake_stored_fn *fn, void *ctx)
{
        i->listener = fn;
        i->listener_ctx = ctx;
}

void intake_policy(struct intake *i, const struct archive_policy *policy, bool follow_files)
{
        pthread_mutex_lock(&i->lock);
        i->policy = *policy;
        i->follow_files = follow_files;
        pthread_mutex_unlock(&i->lock);
}

/* ---- life ---- */

static void intake_metrics(struct intake *i, struct metrics *m)
{
        i->lines = metrics_one(metrics_counter(m, "logproc_lines_total", "Log lines stored", ""));
        i->spans = metrics_one(metrics_counter(m, "logproc_spans_total", "Spans stored", ""));
        i->dropped = metrics_one(metrics_counter(m, "logproc_dropped_total", "Lines and spans that were not whole, too many, or could not be stored", ""));
        i->bytes = metrics_one(metrics_gauge(m, "logproc_archive_bytes", "Disk space of the archive", ""));
        i->kept_logs = metrics_one(metrics_gauge(m, "logproc_archive_lines", "Log lines kept", ""));
        i->kept_traces = metrics_one(metrics_gauge(m, "logproc_archive_traces", "Traces kept", ""));
}

enum err intake_new(struct loop *loop, struct archive *archive, const char *log_dir, struct metrics *metrics, struct intake **ret,
                    struct err_note *reterr)
{
        AUTO(intake_free) struct intake *i = mem_zalloc(1, sizeof *i);
        pthread_condattr_t attributes;
        enum err e;

        if (!i) return err_note(reterr, ERR_NOMEM, "no memory for the intake");
        i->archive = archive;
        i->is_ok = true;
        pthread_mutex_init(&i->lock, NULL);
        pthread_condattr_init(&attributes);
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        pthread_cond_init(&i->stored, &attributes);
        pthread_condattr_destroy(&attributes);
        intake_metrics(i, metrics);
        e = record_batch_init(&i->files);
        if (!e) e = record_batch_init(&i->storing);
        if (!e) e = record_batch_init(&i->inbox);
        if (!e) e = tail_new(log_dir, &i->tail);
        if (e) return err_note(reterr, e, "no memory for the intake");
        e = archive_resume(archive, i->tail, reterr);
        if (!e) e = loop_timer_add(loop, INTAKE_TURN_MS, INTAKE_TURN_MS, intake_turn, i, &i->timer);
        if (e) return e;
        *ret = take(&i);
        return ERR_OK;
}

void intake_free(struct intake *i)
{
        if (!i) return;
        loop_timer_remove(i->timer);
        tail_free(i->tail);
        record_batch_done(&i->files);
        record_batch_done(&i->storing);
        record_batch_done(&i->inbox);
        pthread_cond_destroy(&i->stored);
        pthread_mutex_destroy(&i->lock);
        mem_free(i);
}
