/* sut-payments: the payment provider, a third party as the shop sees it: slow, sometimes wrong, with a rate limit and idempotency keys.
 *   POST /charges {"order_id","amount_cents"}, header Idempotency-Key      201 {"payment_ref"}, 200 when it was charged before */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/metrics/metrics.h"
#include "common/sys/clock.h"
#include "common/sys/log.h"
#include "sut/kit/request.h"
#include "sut/kit/service.h"
#include "sut/payments/charges.h"

enum pay_knob {
        PAY_LOG_LEVEL,
        PAY_LATENCY_MS,
        PAY_JITTER_MS,
        PAY_ERROR_PERCENT,
        PAY_DECLINE_PERCENT,
        PAY_HANG_PERCENT,
        PAY_HANG_MS,
        PAY_RATE_LIMIT_RPS,
        PAY_RATE_BURST,
        PAY_IDEMPOTENCY,
        PAY_KNOB_COUNT
};

static const struct knob pay_knobs[PAY_KNOB_COUNT] = {
        [PAY_LOG_LEVEL] = KIT_KNOB_LOG_LEVEL,
        [PAY_LATENCY_MS] = KNOB_INT("latency_ms", 20, 0, 60000, "ms", "Behaviour", "Latency", "How long a charge takes."),
        [PAY_JITTER_MS] = KNOB_INT("latency_jitter_ms", 10, 0, 60000, "ms", "Behaviour", "Latency jitter", "Up to so much more, at random."),
        [PAY_ERROR_PERCENT] = KNOB_INT("error_percent", 0, 0, 100, "%", "Behaviour", "Errors", "This share of the charges ends in 500, half of them after the money was taken."),
        [PAY_DECLINE_PERCENT] = KNOB_INT("decline_percent", 0, 0, 100, "%", "Behaviour", "Declined", "This share of the charges is declined with 402."),
        [PAY_HANG_PERCENT] = KNOB_INT("hang_percent", 0, 0, 100, "%", "Behaviour", "Hanging", "This share of the charges is answered only after hang_ms."),
        [PAY_HANG_MS] = KNOB_INT("hang_ms", 10000, 0, 60000, "ms", "Behaviour", "Hanging time", "How long a hanging charge takes."),
        [PAY_RATE_LIMIT_RPS] = KNOB_INT("rate_limit_rps", 100, 0, 5000, "requests/s", "Limits", "Rate limit", "More charges a second get 429. 0 switches it off."),
        [PAY_RATE_BURST] = KNOB_INT("rate_limit_burst", 50, 1, 5000, "requests", "Limits", "Rate limit burst", "So many may come at once."),
        [PAY_IDEMPOTENCY] = KNOB_SWITCH("idempotency_keys", 1, "Limits", "Honours idempotency keys",
                "Off: a repeated request charges again, which customers notice (payments_double_charges_total)."),
};

struct payments {
        struct kit_config *config;
        pthread_mutex_t lock; /* guards charges and tokens */
        struct charges *charges;
        double tokens;
        int64_t filled_us;
        struct metrics_family *outcomes;
        struct metrics_series *doubles, *cents;
};

static bool rate_admits(struct payments *p)
{
        double rate = (double)kit_config_int(p->config, PAY_RATE_LIMIT_RPS), burst = (double)kit_config_int(p->config, PAY_RATE_BURST);
        int64_t now_us = clock_mono_us();
        bool admits;

        if (rate == 0) return true;
        pthread_mutex_lock(&p->lock);
        p->tokens = p->filled_us ? MIN(burst, p->tokens + rate * (double)(now_us - p->filled_us) / 1e6) : burst;
        p->filled_us = now_us;
        admits = p->tokens >= 1;
        if (admits) p->tokens -= 1;
        pthread_mutex_unlock(&p->lock);
        return admits;
}

static bool by_chance(struct payments *p, size_t knob)
{
        return kit_random_unit() * 100 < (double)kit_config_int(p->config, knob);
}

static void take_time(struct payments *p)
{
        int64_t ms = by_chance(p, PAY_HANG_PERCENT) ? kit_config_int(p->config, PAY_HANG_MS) : kit_config_int(p->config, PAY_LATENCY_MS);
        double jitter_ms = (double)kit_config_int(p->config, PAY_JITTER_MS) * kit_random_unit();

        clock_sleep_until_ns(clock_mono_ns() + ms * 1000000 + (int64_t)(jitter_ms * 1e6));
}

static bool charge_read(struct kit_request *r, char key[CHARGES_KEY_BYTES], int64_t *ret_cents)
{
        const char *given = kit_request_header(r, "Idempotency-Key");
        AUTO(json_free) struct json *body = NULL;

        if (!kit_request_json(r, &body)) return false;
        if (!given || !given[0] || str_copy(key, CHARGES_KEY_BYTES, given)) {
                kit_reply_problem(r, 400, "KEY_MISSING", "the header Idempotency-Key must be given, at most %d bytes", CHARGES_KEY_BYTES - 1);
                return false;
        }
        *ret_cents = json_get_int(body, "amount_cents", 0);
        if (*ret_cents > 0) return true;
        kit_reply_problem(r, 422, "INVAL", "/amount_cents must be more than 0");
        return false;
}

static void reply_charged(struct kit_request *r, struct payments *p, uint64_t number, bool before)
{
        struct json *body = json_object();
        char ref[32];

        snprintf(ref, sizeof ref, "pay_%llu", (unsigned long long)number);
        metrics_add(metrics_at(p->outcomes, before ? "repeated" : "charged"), 1);
        json_set_str(body, "payment_ref", ref);
        json_set_str(body, "status", "paid");
        kit_reply_json(r, before ? 200 : 201, body);
}

static void charge(struct kit_request *r, struct payments *p, const char *key, int64_t cents, bool lose_answer)
{
        bool idempotent = kit_config_on(p->config, PAY_IDEMPOTENCY), repeated = false;
        struct err_note note = { 0 };
        uint64_t number = 0;
        enum err e;

        pthread_mutex_lock(&p->lock);
        e = charges_make(p->charges, key, cents, idempotent, &number, &repeated, &note);
        pthread_mutex_unlock(&p->lock);
        if (e) {
                metrics_add(metrics_at(p->outcomes, "conflict"), 1);
                kit_reply_problem(r, 409, "KEY_REUSED", "%s", note.text);
                return;
        }
        if (repeated && !idempotent) metrics_add(p->doubles, 1);
        if (!repeated || !idempotent) metrics_add(p->cents, (double)cents);
        if (lose_answer) {
                metrics_add(metrics_at(p->outcomes, "error_after_charge"), 1);
                kit_reply_problem(r, 500, "PROVIDER", "the provider failed; nobody knows whether the money was taken");
                return;
        }
        reply_charged(r, p, number, repeated && idempotent);
}

static void post_charge(struct kit_request *r, void *ctx)
{
        struct payments *p = ctx;
        char key[CHARGES_KEY_BYTES];
        int64_t cents;
        bool fails;

        if (!charge_read(r, key, &cents)) return;
        if (!rate_admits(p)) {
                metrics_add(metrics_at(p->outcomes, "rate_limited"), 1);
                kit_reply_problem(r, 429, "RATE_LIMIT", "more than %lld charges a second", (long long)kit_config_int(p->config, PAY_RATE_LIMIT_RPS));
                return;
        }
        take_time(p);
        fails = by_chance(p, PAY_ERROR_PERCENT);
        if (fails && kit_random_unit() < 0.5) {
                metrics_add(metrics_at(p->outcomes, "error"), 1);
                kit_reply_problem(r, 500, "PROVIDER", "the provider failed");
        } else if (!fails && by_chance(p, PAY_DECLINE_PERCENT)) {
                metrics_add(metrics_at(p->outcomes, "declined"), 1);
                kit_reply_problem(r, 402, "DECLINED", "the card was declined");
        } else {
                charge(r, p, key, cents, fails);
        }
}

static void payments_stop(void *ctx)
{
        struct payments *p = ctx;

        charges_free(p->charges);
        pthread_mutex_destroy(&p->lock);
        mem_free(p);
}

static enum err payments_start(struct kit *k, void **ret_ctx, struct err_note *reterr)
{
        struct payments *p = mem_zalloc(1, sizeof *p);
        struct metrics *m = kit_metrics(k);

        if (!p || charges_new(&p->charges)) {
                mem_free(p);
                return err_note(reterr, ERR_NOMEM, "out of memory");
        }
        pthread_mutex_init(&p->lock, NULL);
        p->config = kit_config(k);
        p->outcomes = metrics_counter(m, "payments_charges_total", "Charges by outcome.", "outcome");
        p->doubles = metrics_one(metrics_counter(m, "payments_double_charges_total", "Customers charged twice for one key.", ""));
        p->cents = metrics_one(metrics_counter(m, "payments_charged_cents_total", "Money taken.", ""));
        kit_route(k, KIT_DIRECT, "POST", "/charges", post_charge);
        *ret_ctx = p;
        return ERR_OK;
}

int main(int argc, char **argv)
{
        static const struct kit_spec spec = {
                .name = "payments", .title = "Payment provider", .knobs = pay_knobs, .knob_count = PAY_KNOB_COUNT, .http_threads = 40,
                .start = payments_start, .stop = payments_stop,
        };

        return kit_main(&spec, argc, argv);
}
