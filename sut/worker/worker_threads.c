#include <time.h>

#include "common/base/check.h"
#include "common/sys/log.h"
#include "sut/worker/worker.h"

enum { FETCH_MS = 500, PAUSE_MS = 500, BREAKER_PAUSE_MS = 100, THREAD_STACK_BYTES = 256 * 1024 };

bool worker_pause(struct worker *w, int64_t ms)
{
        struct timespec until;
        bool stopping;

        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += ms / 1000;
        until.tv_nsec += ms % 1000 * 1000000;
        if (until.tv_nsec >= 1000000000) {
                until.tv_sec++;
                until.tv_nsec -= 1000000000;
        }
        pthread_mutex_lock(&w->lock);
        if (!w->stopping) pthread_cond_timedwait(&w->wake, &w->lock, &until);
        stopping = w->stopping;
        pthread_mutex_unlock(&w->lock);
        return stopping;
}

static bool is_stopping(struct worker *w)
{
        bool stopping;

        pthread_mutex_lock(&w->lock);
        stopping = w->stopping;
        pthread_mutex_unlock(&w->lock);
        return stopping;
}

/* False: the pull is of no use any more. */
static bool take_batch(struct worker *w, struct natsq_pull *pull)
{
        struct err_note note = { 0 };
        int count = 0;
        enum err e = natsq_fetch(pull, (int)kit_config_int(w->config, WORKER_PREFETCH), FETCH_MS, &count, &note);

        if (e) {
                metrics_add(w->series.fetch_errors, 1);
                log_text(LOG_WARN, "queue.fetch_failed", "%s", note.text);
                return false;
        }
        for (int i = 0; i < count; i++) worker_settle(w, natsq_at(pull, i));
        return true;
}

static void *thread_run(void *arg)
{
        struct worker_thread *t = arg;
        struct worker *w = t->worker;
        struct natsq_pull *pull = NULL;
        struct err_note note;

        while (!is_stopping(w)) {
                bool mine = t->index < kit_config_int(w->config, WORKER_THREADS) && !kit_config_on(w->config, WORKER_PAUSED);

                if (mine && !pull && natsq_connected(w->mq) && natsq_pull_new(w->mq, NATSQ_JOBS, &pull, &note)) pull = NULL;
                if (!mine || !pull) {
                        natsq_pull_free(pull);
                        pull = NULL;
                        worker_pause(w, PAUSE_MS);
                } else if (kit_upstream_refuses(w->payments)) {
                        worker_pause(w, BREAKER_PAUSE_MS); /* jobs keep their attempts for when the provider is back */
                } else if (!take_batch(w, pull)) {
                        natsq_pull_free(pull);
                        pull = NULL;
                        worker_pause(w, PAUSE_MS);
                }
        }
        natsq_pull_free(pull);
        return NULL;
}

static enum err start_one(struct worker *w, struct worker_thread *t, int index, void *(*run)(void *))
{
        pthread_attr_t attr;

        t->worker = w;
        t->index = index;
        pthread_attr_init(&attr);
        pthread_attr_setstacksize(&attr, THREAD_STACK_BYTES);
        t->started = pthread_create(&t->thread, &attr, run, t) == 0;
        pthread_attr_destroy(&attr);
        return t->started ? ERR_OK : ERR_LIMIT;
}

enum err worker_threads_start(struct worker *w)
{
        enum err e = ERR_OK;

        for (int i = 0; i < WORKER_THREADS_MAX && !e; i++) e = start_one(w, &w->threads[i], i, thread_run);
        return e ? e : start_one(w, &w->care, 0, worker_care_run);
}

void worker_threads_stop(struct worker *w)
{
        pthread_mutex_lock(&w->lock);
        w->stopping = true;
        pthread_cond_broadcast(&w->wake);
        pthread_mutex_unlock(&w->lock);
        for (int i = 0; i < WORKER_THREADS_MAX; i++)
                if (w->threads[i].started) pthread_join(w->threads[i].thread, NULL);
        if (w->care.started) pthread_join(w->care.thread, NULL);
}
