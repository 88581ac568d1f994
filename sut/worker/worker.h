/* worker: what the files of the order worker share. Threads of its own pull settlement jobs, charge the customer at the payment provider
 * and write the payment, exactly once, into the database.
 *
 *   job --> charge (idempotency key order-ID) --> BEGIN, order settled, payment inserted (primary key), COMMIT --> ack
 *            | declined: order failed, ack
 *            | failed, attempts left: nak with back-off; none left: dead letter, order failed, term
 *
 * Owner: main.c makes and ends it; each thread owns its pull. Memory: process. Units: ms. Limits: WORKER_THREADS_MAX. Fails: none. */
#ifndef SUT_WORKER_WORKER_H
#define SUT_WORKER_WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include "common/metrics/metrics.h"
#include "sut/kit/service.h"
#include "sut/kit/upstream.h"
#include "sut/natsq/natsq.h"
#include "sut/pgpool/pg_pool.h"

enum { WORKER_THREADS_MAX = 16, WORKER_PAYLOAD_BYTES = 512 };

enum worker_knob {
        WORKER_LOG_LEVEL,
        WORKER_THREADS,
        WORKER_PAUSED,
        WORKER_PREFETCH,
        WORKER_MAX_ATTEMPTS,
        WORKER_BACKOFF_MS,
        WORKER_BACKOFF_MAX_MS,
        WORKER_REDRIVE,
        WORKER_RECONCILE_S,
        WORKER_PAY_TIMEOUT_MS,
        WORKER_PAY_POOL_SIZE,
        WORKER_PAY_RETRIES,
        WORKER_PAY_BUDGET_PERCENT,
        WORKER_BREAKER_ENABLED,
        WORKER_BREAKER_ERROR_PERCENT,
        WORKER_BREAKER_OPEN_MS,
        WORKER_DB_POOL_SIZE,
        WORKER_DB_POOL_WAIT_MS,
        WORKER_STATEMENT_TIMEOUT_MS,
        WORKER_DB_PASSWORD,
        WORKER_KNOB_COUNT
};
extern const struct knob worker_knobs[WORKER_KNOB_COUNT];

struct worker_series {
        struct metrics_family *jobs;
        struct metrics_series *duration, *age, *threads, *busy, *dead, *fetch_errors, *connected, *reconciled, *redriven;
};

struct worker {
        struct kit *kit;
        struct kit_config *config;
        struct natsq *mq;
        struct pg_pool *db;
        struct kit_upstream *payments;
        struct worker_series series;
        _Atomic int busy;
        pthread_mutex_t lock; /* guards stopping; wake: it, or the configuration, changed */
        pthread_cond_t wake;
        bool stopping;
        struct worker_thread {
                struct worker *worker;
                int index;
                pthread_t thread;
                bool started;
        } threads[WORKER_THREADS_MAX], care;
};

struct pg_pool_limits worker_db_limits(struct worker *w);
struct kit_upstream_limits worker_pay_limits(struct worker *w);

/* worker_settle.c: answers the message, whatever it is. */
void worker_settle(struct worker *w, struct natsq_message *m);
/* Puts a job into the dead letters. */
MUST_USE enum err worker_bury(struct worker *w, const void *body, size_t body_bytes, const char *traceparent, struct err_note *reterr);

/* worker_threads.c */
MUST_USE enum err worker_threads_start(struct worker *w); /* all of them; those above worker_threads wait */
void worker_threads_stop(struct worker *w);
/* Waits until the time is over or something changed; true: stop. */
bool worker_pause(struct worker *w, int64_t ms);

/* worker_care.c: the thread that looks for lost orders and brings dead letters back. */
void *worker_care_run(void *worker_thread);

#endif
