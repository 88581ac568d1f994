#include "sut/loadgen/load_book.h"

#include <pthread.h>
#include <stdio.h>

#include "common/base/check.h"
#include "common/base/mem.h"

/* What an order is worth before the first one was placed: about the mean price of the catalogue. */
enum { BOOK_FIRST_ORDER_CENTS = 5200 };

struct load_book {
        struct metrics_series *requests[CROWD_JOURNEY_COUNT][CROWD_STEP_COUNT][BOOK_OUTCOME_COUNT];
        struct metrics_series *offered[CROWD_JOURNEY_COUNT], *durations[CROWD_JOURNEY_COUNT];
        struct metrics_series *journeys, *orders_ok, *orders_failed, *revenue, *lost, *target, *in_flight;
        int64_t order_count, order_cents;
        pthread_mutex_t lock;
        struct book_request ring[BOOK_RING_MAX]; /* sample n (from 1) is ring[n % BOOK_RING_MAX] */
        uint64_t sample_count;
        int64_t second;
        int kept_ok, kept_failed; /* in this second */
};

static const char *const outcome_texts[] = {
#define X(name, text) text,
        BOOK_OUTCOME_LIST(X)
#undef X
};

/* Every series exists from the start, so that the first failure is an increase and not a new series. */
static void book_series(struct load_book *b, struct metrics *m)
{
        struct metrics_family *requests = metrics_counter(m, "user_requests_total", "Requests of users by outcome", "journey step outcome");
        struct metrics_family *offered = metrics_counter(m, "user_requests_offered_total", "Requests that users wanted to make, at their intended start", "journey");
        struct metrics_family *durations = metrics_histogram(m, "user_request_duration_seconds", "Latency from the intended start", "journey", NULL, 0);
        struct metrics_family *orders = metrics_counter(m, "user_orders_total", "Intended orders by outcome", "outcome");

        for (int j = 0; j < CROWD_JOURNEY_COUNT; j++) {
                const char *journey = crowd_journey_text((enum crowd_journey)j);

                b->offered[j] = metrics_at(offered, journey);
                b->durations[j] = metrics_at(durations, journey);
                for (int s = 0; s < CROWD_STEP_COUNT; s++)
                        for (int o = 0; o < BOOK_OUTCOME_COUNT; o++)
                                b->requests[j][s][o] = metrics_at(requests, journey, crowd_step_text((enum crowd_step)s), outcome_texts[o]);
        }
        b->orders_ok = metrics_at(orders, "ok");
        b->orders_failed = metrics_at(orders, "failed");
        b->journeys = metrics_one(metrics_counter(m, "user_journeys_offered_total", "Journeys that users began or wanted to begin", ""));
        b->revenue = metrics_one(metrics_counter(m, "user_revenue_cents_total", "Value of the orders placed", ""));
        b->lost = metrics_one(metrics_counter(m, "user_revenue_lost_cents_total", "Value of the intended orders that failed", ""));
        b->target = metrics_one(metrics_gauge(m, "load_target_rps", "Rate that the profile asks for now", ""));
        b->in_flight = metrics_one(metrics_gauge(m, "load_in_flight", "Requests under way", ""));
}

enum err load_book_new(struct metrics *metrics, struct load_book **ret)
{
        struct load_book *b = mem_zalloc(1, sizeof *b);

        if (!b) return ERR_NOMEM;
        pthread_mutex_init(&b->lock, NULL);
        book_series(b, metrics);
        *ret = b;
        return ERR_OK;
}

void load_book_free(struct load_book *b)
{
        if (!b) return;
        pthread_mutex_destroy(&b->lock);
        mem_free(b);
}

void load_book_offered(struct load_book *b, enum crowd_journey journey, bool begins)
{
        metrics_add(b->offered[journey], 1);
        if (begins) metrics_add(b->journeys, 1);
}

static void book_keep(struct load_book *b, const struct book_request *request)
{
        int64_t second = request->at_ms / 1000;
        bool is_ok = request->outcome == BOOK_OK;
        int *kept = is_ok ? &b->kept_ok : &b->kept_failed;

        pthread_mutex_lock(&b->lock);
        if (second > b->second) {
                b->second = second;
                b->kept_ok = b->kept_failed = 0;
        }
        if (*kept < (is_ok ? BOOK_OK_PER_S : BOOK_FAILED_PER_S)) {
                (*kept)++;
                b->ring[++b->sample_count % BOOK_RING_MAX] = *request;
        }
        pthread_mutex_unlock(&b->lock);
}

void load_book_request(struct load_book *b, const struct book_request *request)
{
        metrics_add(b->requests[request->journey][request->step][request->outcome], 1);
        /* A dropped request was never sent: it has no latency, only a failure. */
        if (request->outcome != BOOK_DROPPED)
                metrics_observe_trace(b->durations[request->journey], request->latency_ms / 1000, request->trace_id);
        book_keep(b, request);
}

void load_book_order(struct load_book *b, bool ok, int64_t value_cents)
{
        if (ok) {
                b->order_count++;
                b->order_cents += value_cents;
                metrics_add(b->orders_ok, 1);
                metrics_add(b->revenue, (double)value_cents);
                return;
        }
        if (value_cents == 0) value_cents = b->order_count ? b->order_cents / b->order_count : BOOK_FIRST_ORDER_CENTS;
        metrics_add(b->orders_failed, 1);
        metrics_add(b->lost, (double)value_cents);
}

void load_book_gauges(struct load_book *b, double target_rps, int in_flight)
{
        metrics_set(b->target, target_rps);
        metrics_set(b->in_flight, in_flight);
}

static struct json *request_json(const struct book_request *r, uint64_t number)
{
        struct json *j = json_object();
        char user[32];

        snprintf(user, sizeof user, "customer.%d", r->customer);
        json_set_num(j, "n", (double)number);
        json_set_num(j, "at_ms", (double)r->at_ms);
        json_set_str(j, "journey", crowd_journey_text(r->journey));
        json_set_str(j, "step", crowd_step_text(r->step));
        json_set_num(j, "status", r->status);
        json_set_bool(j, "ok", r->outcome == BOOK_OK);
        json_set_str(j, "outcome", outcome_texts[r->outcome]);
        json_set_num(j, "latency_ms", (double)(int64_t)(r->latency_ms * 10) / 10);
        json_set_str(j, "user", user);
        if (r->trace_id[0]) json_set_str(j, "trace_id", r->trace_id);
        return j;
}

struct json *load_book_sample(struct load_book *b, uint64_t after)
{
        struct json *body = json_object(), *list = json_array();
        uint64_t first;

        pthread_mutex_lock(&b->lock);
        first = b->sample_count > BOOK_RING_MAX ? b->sample_count - BOOK_RING_MAX + 1 : 1;
        /* A reader that is ahead of us knew an earlier life of this process: it gets everything. */
        if (after <= b->sample_count) first = MAX(first, after + 1);
        for (uint64_t n = first; n <= b->sample_count; n++) json_push(list, request_json(&b->ring[n % BOOK_RING_MAX], n));
        json_set_num(body, "last", (double)b->sample_count);
        pthread_mutex_unlock(&b->lock);
        json_set(body, "requests", list);
        return body;
}
