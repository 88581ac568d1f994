#include "server/engine/world.h"

#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/str.h"

enum { WORLD_SERVICES_MAX = 64 };

static const char *const metric_names[] = {
        /* users */
        "fd:user_success:ratio10s", "fd:user_latency:p50_10s", "fd:user_latency:p95_10s", "fd:user_latency:p99_10s",
        "fd:offered_rps", "fd:goodput_rps", "fd:user_errors:rate10s", "fd:orders:rate10s", "fd:revenue_lost_cents:total",
        /* per service */
        "fd:service_up", "fd:service_rps:rate10s", "fd:service_errors:ratio10s", "fd:service_latency:p50_10s",
        "fd:service_latency:p95_10s", "fd:service_latency:p99_10s", "fd:service_cpu:ratio10s", "fd:service_memory:bytes",
        "fd:service_saturation:ratio", "fd:service_queue:depth", "fd:service_start:seconds", "fd:service_restarts:count10m",
        "fd:db_connections:used", "fd:db_connections:max", "fd:db_query:p95_10s", "fd:db_wait:p95_10s",
        "fd:gateway_pool_wait:p95_10s", "fd:cache_hits:ratio10s", "fd:cache_memory:ratio",
        "fd:queue_jobs:depth", "fd:queue_jobs:rate10s", "fd:queue_age:p95_10s", "fd:dead_letters:count",
        /* services */
        "http_server_request_duration_seconds", "http_server_active_requests", "http_client_request_duration_seconds",
        "http_client_open_connections", "http_client_connection_max", "http_client_connection_wait_seconds",
        "http_client_connection_waiting", "http_client_errors_total", "http_client_retries_total",
        "http_client_breaker_state", "http_client_breaker_opened_total", "worker_pool_threads", "worker_pool_busy",
        "worker_pool_queue_depth", "worker_pool_queue_max", "worker_pool_rejected_total", "worker_pool_wait_seconds",
        "db_client_connection_count", "db_client_connection_max", "db_client_connection_wait_seconds",
        "db_client_connection_waiting", "db_client_connections_opened_total", "db_client_operation_duration_seconds",
        "db_client_errors_total", "process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds",
        "process_start_time_seconds", "config_revision", "config_changes_total",
        /* gateway, auth, api, worker, payments */
        "gateway_admissions_total", "gateway_key_fetches_total", "gateway_tokens_total", "auth_logins_total",
        "auth_key_rotations_total", "auth_sessions_total", "cache_client_requests_total", "cache_client_coalesced_total",
        "cache_client_operation_duration_seconds", "mq_connected", "mq_fetch_errors_total", "mq_publish_duration_seconds",
        "orders_published_total", "orders_requeued_total", "job_duration_seconds", "job_age_seconds", "orders_total", "jobs_total", "dead_letters_total",
        "dead_letters_redriven_total", "payments_charges_total", "payments_charged_cents_total", "payments_double_charges_total",
        /* adapters */
        "postgres_up", "postgres_connections", "postgres_connections_max", "postgres_application_connections",
        "postgres_longest_query_seconds", "postgres_locks_waiting", "postgres_transactions_total", "postgres_seq_scans_total",
        "postgres_index_scans_total", "postgres_rows", "redis_up", "redis_keys", "redis_memory_bytes", "redis_memory_max_bytes",
        "redis_hits_total", "redis_misses_total", "redis_evicted_keys_total", "redis_expired_keys_total",
        "redis_commands_total", "redis_connected_clients", "redis_clients_max", "redis_rejected_connections_total",
        "redis_ping_seconds", "nats_up", "nats_stream_messages", "nats_stream_bytes", "nats_stream_published_total",
        "nats_consumer_pending", "nats_consumer_ack_pending", "nats_consumer_redelivered", "nats_consumer_delivered_total",
        /* logproc */
        "logproc_lines_total", "logproc_spans_total", "logproc_dropped_total", "logproc_archive_bytes", "logproc_archive_lines",
        "logproc_archive_traces", "logproc_forwarded_total", "logproc_forward_failures_total", "logproc_forward_queue_bytes",
        /* loadgen */
        "user_requests_total", "user_requests_offered_total", "user_request_duration_seconds", "user_journeys_offered_total",
        "user_orders_total", "user_revenue_cents_total", "user_revenue_lost_cents_total", "load_target_rps", "load_in_flight",
        /* Prometheus itself */
        "up", "scrape_duration_seconds", "ALERTS",
        NULL,
};

const char *const *world_metric_names(size_t *ret_count)
{
        *ret_count = ARRAY_COUNT(metric_names) - 1;
        return metric_names;
}

const struct world_service *world_service_find(const struct scenario_world *world, const char *name)
{
        for (size_t i = 0; i < world->service_count; i++)
                if (str_eq(world->services[i].name, name)) return &world->services[i];
        return NULL;
}

bool world_has_edge(const struct scenario_world *world, const char *from, const char *to)
{
        for (size_t i = 0; i < world->edge_count; i++)
                if (str_eq(world->edges[i].from, from) && str_eq(world->edges[i].to, to)) return true;
        return false;
}

bool world_same(const struct scenario_world *world, const char *a, const char *b)
{
        const struct world_service *sa, *sb;

        if (str_eq(a, b)) return true;
        sa = world_service_find(world, a);
        sb = world_service_find(world, b);
        return (sa && sa->adapter_of && str_eq(sa->adapter_of, b)) || (sb && sb->adapter_of && str_eq(sb->adapter_of, a));
}

static uint64_t world_mask_of(const struct scenario_world *world, const char *name)
{
        uint64_t mask = 0;

        for (size_t i = 0; i < world->service_count && i < WORLD_SERVICES_MAX; i++)
                if (world_same(world, world->services[i].name, name)) mask |= UINT64_C(1) << i;
        return mask;
}

/* Whom nearly everybody calls (configuration, logs) is near to everybody, which says nothing about a failure's way. */
static bool world_is_hub(const struct scenario_world *world, const char *name)
{
        size_t callers = 0;

        for (size_t i = 0; i < world->edge_count; i++)
                if (world_same(world, world->edges[i].to, name)) callers++;
        return callers * 3 > world->service_count;
}

/* One step along edges; ways through hubs do not count, unless they begin or end there (ends). */
static uint64_t world_neighbours(const struct scenario_world *world, uint64_t mask, uint64_t ends)
{
        uint64_t next = mask;

        for (size_t i = 0; i < world->edge_count; i++) {
                uint64_t from = world_mask_of(world, world->edges[i].from), to = world_mask_of(world, world->edges[i].to);

                if (world_is_hub(world, world->edges[i].to) && !(to & ends)) continue;
                if (from & mask) next |= to;
                if (to & mask) next |= from;
        }
        return next;
}

int world_distance(const struct scenario_world *world, const char *a, const char *b)
{
        uint64_t here = world_mask_of(world, a), there = world_mask_of(world, b), ends = here | there;

        if (!here || !there) return -1;
        for (int steps = 0;; steps++) {
                uint64_t next;

                if (here & there) return steps;
                next = world_neighbours(world, here, ends);
                if (next == here) return -1;
                here = next;
        }
}
