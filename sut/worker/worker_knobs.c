#include "sut/worker/worker.h"

#define JO "Jobs"
#define PA "Payments"
#define DB "Database"

const struct knob worker_knobs[WORKER_KNOB_COUNT] = {
        [WORKER_LOG_LEVEL] = KIT_KNOB_LOG_LEVEL,
        [WORKER_THREADS] = KNOB_INT("worker_threads", 4, 1, WORKER_THREADS_MAX, "threads", JO, "Worker threads", "How many jobs are settled at once."),
        [WORKER_PAUSED] = KNOB_SWITCH("paused", 0, JO, "Paused", "Take no more jobs; orders pile up in the queue."),
        [WORKER_PREFETCH] = KNOB_INT("prefetch", 4, 1, NATSQ_BATCH_MAX, "jobs", JO, "Prefetch",
                "Jobs a thread takes at once. Too many, and the last of them wait beyond the queue's ack_wait and are delivered twice."),
        [WORKER_MAX_ATTEMPTS] = KNOB_INT("max_attempts", 4, 1, 100, "", JO, "Most attempts",
                "A job that failed so often becomes a dead letter. Should be below the consumer's deliver_max."),
        [WORKER_BACKOFF_MS] = KNOB_INT("retry_backoff_ms", 500, 0, 60000, "ms", JO, "Back-off", "A failed job comes back after up to this long; each time up to twice as long (with jitter)."),
        [WORKER_BACKOFF_MAX_MS] = KNOB_INT("retry_backoff_max_ms", 8000, 0, 600000, "ms", JO, "Longest back-off", "No job waits longer than this."),
        [WORKER_REDRIVE] = KNOB_SWITCH("redrive_dead_letters", 0, JO, "Bring dead letters back", "While on, dead letters are put back into the queue, ten a second."),
        [WORKER_RECONCILE_S] = KNOB_INT("reconcile_s", 20, 0, 3600, "s", JO, "Look for lost orders every",
                "Orders that are accepted but not settled for this long are queued again (a publish may have failed). 0 switches it off."),
        [WORKER_PAY_TIMEOUT_MS] = KNOB_INT("payments_timeout_ms", 2000, 1, 60000, "ms", PA, "Payment timeout", "Longest time for one try at the payment provider."),
        [WORKER_PAY_POOL_SIZE] = KNOB_INT("payments_pool_size", 8, 1, 32, "connections", PA, "Connections to the provider", "Most connections to the payment provider."),
        [WORKER_PAY_RETRIES] = KNOB_INT("payments_retries", 1, 0, 10, "", PA, "Retries", "How often a charge is sent again at once (5xx or no answer)."),
        [WORKER_PAY_BUDGET_PERCENT] = KNOB_INT("payments_retry_budget_percent", 20, 0, 100, "%", PA, "Retry budget", "Retries may be this share of the charges; 100 switches the budget off."),
        [WORKER_BREAKER_ENABLED] = KNOB_SWITCH("breaker_enabled", 1, PA, "Breaker", "Stop calling a provider that does not answer."),
        [WORKER_BREAKER_ERROR_PERCENT] = KNOB_INT("breaker_error_percent", 50, 1, 100, "%", PA, "Opens at this share of failures", "Over the last 10 seconds, from 10 calls on."),
        [WORKER_BREAKER_OPEN_MS] = KNOB_INT("breaker_open_ms", 3000, 100, 600000, "ms", PA, "Stays open", "Then a probe is let through."),
        [WORKER_DB_POOL_SIZE] = KNOB_INT("db_pool_size", 4, 1, 16, "connections", DB, "Database pool size", "Most database sessions of this service."),
        [WORKER_DB_POOL_WAIT_MS] = KNOB_INT("db_pool_wait_ms", 2000, 1, 30000, "ms", DB, "Longest wait for a session", "Then the job fails and comes back."),
        [WORKER_STATEMENT_TIMEOUT_MS] = KNOB_INT("statement_timeout_ms", 2000, 5, 60000, "ms", DB, "Statement timeout", "A statement that runs longer is cancelled and the job comes back."),
        [WORKER_DB_PASSWORD] = KNOB_TEXT("db_password", "shop", DB, "Database password", "Password of the database role shop."),
};

struct pg_pool_limits worker_db_limits(struct worker *w)
{
        struct pg_pool_limits limits = { .size = (int)kit_config_int(w->config, WORKER_DB_POOL_SIZE),
                                         .wait_ms = kit_config_int(w->config, WORKER_DB_POOL_WAIT_MS),
                                         .connect_ms = 1000,
                                         .statement_timeout_ms = kit_config_int(w->config, WORKER_STATEMENT_TIMEOUT_MS) };

        kit_config_text(w->config, WORKER_DB_PASSWORD, limits.password, sizeof limits.password);
        return limits;
}

struct kit_upstream_limits worker_pay_limits(struct worker *w)
{
        return (struct kit_upstream_limits){
                .pool_size = (int)kit_config_int(w->config, WORKER_PAY_POOL_SIZE),
                .pool_wait_ms = 2000,
                .connect_ms = 1000,
                .timeout_ms = kit_config_int(w->config, WORKER_PAY_TIMEOUT_MS),
                .retries = (int)kit_config_int(w->config, WORKER_PAY_RETRIES),
                .backoff_ms = 50,
                .backoff_max_ms = 500,
                .retry_budget_percent = (int)kit_config_int(w->config, WORKER_PAY_BUDGET_PERCENT),
                .breaker = { .enabled = kit_config_on(w->config, WORKER_BREAKER_ENABLED),
                             .error_percent = (int)kit_config_int(w->config, WORKER_BREAKER_ERROR_PERCENT),
                             .calls_min = 10,
                             .open_ms = kit_config_int(w->config, WORKER_BREAKER_OPEN_MS),
                             .probes_needed = 1 },
        };
}
