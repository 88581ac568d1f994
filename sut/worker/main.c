/* sut-worker: settles orders. Pulls jobs from the message queue, charges at the payment provider, writes payments. See worker.h. */
#include "common/base/mem.h"
#include "sut/worker/worker.h"

static void worker_changed(void *ctx)
{
        struct worker *w = ctx;
        struct pg_pool_limits db = worker_db_limits(w);
        struct kit_upstream_limits pay = worker_pay_limits(w);

        pg_pool_set(w->db, &db);
        kit_upstream_set(w->payments, &pay);
        pthread_mutex_lock(&w->lock);
        pthread_cond_broadcast(&w->wake);
        pthread_mutex_unlock(&w->lock);
}

static void worker_collect(void *ctx)
{
        struct worker *w = ctx;

        pg_pool_collect(w->db);
        kit_upstream_collect(w->payments);
        metrics_set(w->series.threads, (double)kit_config_int(w->config, WORKER_THREADS));
        metrics_set(w->series.busy, w->busy);
        metrics_set(w->series.connected, natsq_connected(w->mq));
}

static void worker_health(void *ctx, struct kit_health *h)
{
        struct worker *w = ctx;
        struct breaker_view view;
        bool connected = natsq_connected(w->mq);

        kit_upstream_breaker(w->payments, &view);
        kit_health_check(h, "mq", connected, false, connected ? "ok" : "not connected");
        kit_health_check(h, "payments", view.state != BREAKER_OPEN, false, "breaker %s", kit_breaker_state_text(view.state));
}

static void worker_stop(void *ctx)
{
        struct worker *w = ctx;

        worker_threads_stop(w);
        natsq_free(w->mq);
        pg_pool_free(w->db);
        kit_upstream_free(w->payments);
        pthread_cond_destroy(&w->wake);
        pthread_mutex_destroy(&w->lock);
        mem_free(w);
}

static void series_make(struct worker *w, struct metrics *m)
{
        struct worker_series *s = &w->series;

        s->jobs = metrics_counter(m, "jobs_total", "Settlement jobs by what became of them.", "outcome");
        s->duration = metrics_one(metrics_histogram(m, "job_duration_seconds", "Time of one job.", "", NULL, 0));
        s->age = metrics_one(metrics_histogram(m, "job_age_seconds", "From being queued to being settled.", "", NULL, 0));
        s->threads = metrics_one(metrics_gauge(m, "worker_pool_threads", "Workers.", ""));
        s->busy = metrics_one(metrics_gauge(m, "worker_pool_busy", "Workers that hold a job.", ""));
        s->dead = metrics_one(metrics_counter(m, "dead_letters_total", "Jobs given up.", ""));
        s->fetch_errors = metrics_one(metrics_counter(m, "mq_fetch_errors_total", "Fetches that failed.", ""));
        s->connected = metrics_one(metrics_gauge(m, "mq_connected", "1 while the message queue is connected.", ""));
        s->reconciled = metrics_one(metrics_counter(m, "orders_requeued_total", "Accepted orders that had to be queued again.", ""));
        s->redriven = metrics_one(metrics_counter(m, "dead_letters_redriven_total", "Dead letters brought back.", ""));
}

static enum err worker_start(struct kit *k, void **ret_ctx, struct err_note *reterr)
{
        struct worker *w = mem_zalloc(1, sizeof *w);
        struct pg_pool_limits db;
        struct kit_upstream_limits pay;
        enum err e;

        if (!w) return err_note(reterr, ERR_NOMEM, "out of memory");
        pthread_mutex_init(&w->lock, NULL);
        pthread_cond_init(&w->wake, NULL);
        w->kit = k;
        w->config = kit_config(k);
        series_make(w, kit_metrics(k));
        db = worker_db_limits(w);
        pay = worker_pay_limits(w);
        e = natsq_open(kit_upstream_address(k, "mq"), kit_instance(k), &w->mq, reterr);
        if (!e) e = pg_pool_new(k, "db", &db, &w->db);
        if (!e) e = kit_upstream_new(k, "payments", &pay, &w->payments);
        if (!e) e = worker_threads_start(w);
        if (e) {
                worker_stop(w);
                return reterr->text[0] ? e : err_note(reterr, e, "out of memory or threads");
        }
        *ret_ctx = w;
        return ERR_OK;
}

int main(int argc, char **argv)
{
        static const char *const upstreams[] = { "db", "mq", "payments", NULL };
        static const struct kit_spec spec = {
                .name = "worker", .title = "Order worker", .knobs = worker_knobs, .knob_count = WORKER_KNOB_COUNT, .http_threads = 8,
                .upstreams = upstreams, .start = worker_start, .changed = worker_changed, .health = worker_health, .collect = worker_collect,
                .stop = worker_stop,
        };

        return kit_main(&spec, argc, argv);
}
