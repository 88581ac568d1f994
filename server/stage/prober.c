#include "server/stage/prober.h"

#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/clock.h"

enum { PROBER_URL_BYTES = 512, PROBER_PERIODS = 3 };

struct prober_one {
        struct prober *prober;
        const struct scenario_probe *probe;
        struct http_ticket *ticket;
        struct run_sample sample;
        int64_t due_ms, answered_ms; /* of the monotonic clock */
        int tries;
        bool told;
};

struct prober {
        struct prober_options o;
        struct loop_timer *timer;
        struct prober_one one[PROBER_MAX];
        size_t count;
};

/* Values */

static struct run_sample known(double value)
{
        return (struct run_sample){ true, value };
}

/* A number, or 1 and 0 for true and false. */
static struct run_sample number_of(const struct json *j, const char *what, const char **retwhy)
{
        if (json_is(j, JSON_NUMBER)) return known(json_value(j));
        if (json_is(j, JSON_BOOL)) return known(json_true(j) ? 1 : 0);
        *retwhy = what;
        return (struct run_sample){ 0 };
}

static bool setting_is(const struct json *value, const char *is)
{
        double number;

        if (json_text(value)) return str_eq(json_text(value), is);
        if (json_is(value, JSON_BOOL)) return str_eq(is, json_true(value) ? "true" : "false");
        return json_is(value, JSON_NUMBER) && str_parse_double(is, &number) == ERR_OK && number == json_value(value);
}

static struct run_sample value_of_json(const struct scenario_probe *probe, const struct json *j, const char **retwhy)
{
        const struct json *value;

        switch (probe->kind) {
        case SCENARIO_PROBE_HTTP: return number_of(json_path(j, probe->pointer), "the answer has no number there", retwhy);
        case SCENARIO_PROBE_CONFIG:
                value = json_get(json_get(j, "config"), probe->key);
                if (!value) *retwhy = "the service has no such key";
                else if (probe->is[0]) return known(setting_is(value, probe->is) ? 1 : 0);
                else return number_of(value, "the setting is not a number; say what it should be with 'is'", retwhy);
                break;
        case SCENARIO_PROBE_DATABASE: return number_of(json_get(json_get(j, "checks"), probe->check), "the adapter did not count that", retwhy);
        case SCENARIO_PROBE_COUNT: break;
        }
        return (struct run_sample){ 0 };
}

struct run_sample prober_value(const struct scenario_probe *probe, enum err e, const struct http_response *r, const char **retwhy)
{
        bool is_http = probe->kind == SCENARIO_PROBE_HTTP;
        AUTO(json_free) struct json *j = NULL;

        *retwhy = NULL;
        if (is_http && probe->read == SCENARIO_READ_OK) return known(!e && r->status == probe->status ? 1 : 0);
        if (e) {
                *retwhy = e == ERR_TIMEOUT ? "no answer in time" : "no answer";
                return (struct run_sample){ 0 };
        }
        if (is_http && probe->read == SCENARIO_READ_STATUS) return known(r->status);
        if (is_http && probe->read == SCENARIO_READ_SECONDS) return known((double)r->took_us / 1e6);
        if (r->status != 200) *retwhy = "the answer is not 200";
        else if (json_parse(r->body.data, r->body.size_bytes, &j, NULL)) *retwhy = "the answer is not JSON";
        else return value_of_json(probe, j, retwhy);
        return (struct run_sample){ 0 };
}

/* Asking */

static void probe_ask(struct prober_one *one);

static void probe_problem(struct prober_one *one, const char *why)
{
        const struct prober_options *o = &one->prober->o;

        if (why && !one->told && o->on_problem) o->on_problem(o->ctx, one->probe->text, why);
        one->told = why != NULL;
}

static void probe_answered(void *ctx, enum err e, const struct err_note *note, const struct http_response *r)
{
        struct prober_one *one = ctx;
        const char *why;
        struct run_sample sample = prober_value(one->probe, e, r, &why);
        bool bad = !sample.known || (one->probe->kind == SCENARIO_PROBE_HTTP && one->probe->read == SCENARIO_READ_OK && sample.value == 0);

        (void)note;
        one->ticket = NULL;
        if (bad && one->tries < one->probe->retries) {
                one->tries++;
                probe_ask(one);
                return;
        }
        one->tries = 0;
        one->sample = sample;
        one->answered_ms = clock_mono_ms();
        probe_problem(one, why);
}

/* Only ever the address of a service of the stack. */
static bool probe_url(const struct prober_one *one, char *dst, size_t dst_bytes)
{
        const struct prober_options *o = &one->prober->o;
        const struct scenario_probe *probe = one->probe;
        int service = o->spec ? stack_service_find(o->spec, probe->on) : -1;
        int size;

        if (service < 0) return false;
        size = snprintf(dst, dst_bytes, "http://127.77.%d.1:%u%s%s", o->number, o->spec->services[service].port,
                        probe->kind == SCENARIO_PROBE_HTTP ? probe->path : probe->kind == SCENARIO_PROBE_CONFIG ? "/config" : "/checks?name=",
                        probe->kind == SCENARIO_PROBE_DATABASE ? probe->check : "");
        return size > 0 && (size_t)size < dst_bytes;
}

static void probe_ask(struct prober_one *one)
{
        const struct scenario_probe *probe = one->probe;
        char url[PROBER_URL_BYTES];
        struct http_request r = { .method = probe->kind == SCENARIO_PROBE_HTTP ? probe->method : "GET", .url = url, .connect_timeout_ms = probe->timeout_ms,
                                  .timeout_ms = probe->timeout_ms, .body_bytes_max = PROBER_ANSWER_BYTES_MAX };

        if (!probe_url(one, url, sizeof url)) {
                probe_problem(one, "this stack has no such service");
                return;
        }
        if (probe->body[0]) {
                r.body = probe->body;
                r.body_bytes = strlen(probe->body);
                r.headers[0] = "Content-Type: application/json";
        }
        if (http_async_start(one->prober->o.http, &r, probe_answered, one, &one->ticket)) one->ticket = NULL; /* the next period asks again */
}

static void prober_turn(void *ctx)
{
        struct prober *p = ctx;
        int64_t now_ms = clock_mono_ms();

        for (size_t i = 0; i < p->count; i++) {
                struct prober_one *one = &p->one[i];

                if (one->ticket || now_ms < one->due_ms) continue;
                one->due_ms = now_ms + one->probe->every_ms;
                probe_ask(one);
        }
}

/* Life */

enum err prober_new(const struct prober_options *options, struct prober **ret)
{
        AUTO(prober_free) struct prober *p = mem_zalloc(1, sizeof *p);
        enum err e;

        if (!p) return ERR_NOMEM;
        p->o = *options;
        e = loop_timer_add(options->loop, PROBER_TURN_MS, PROBER_TURN_MS, prober_turn, p, &p->timer);
        if (e) return e;
        *ret = take(&p);
        return ERR_OK;
}

static void prober_forget(struct prober *p)
{
        for (size_t i = 0; i < p->count; i++)
                http_async_cancel(p->one[i].ticket);
        p->count = 0;
}

void prober_free(struct prober *p)
{
        if (!p) return;
        prober_forget(p);
        loop_timer_remove(p->timer);
        mem_free(p);
}

void prober_watch(struct prober *p, const struct scenario_probe *const *probes, size_t count)
{
        CHECK(count <= PROBER_MAX);
        prober_forget(p);
        for (size_t i = 0; i < count; i++)
                p->one[i] = (struct prober_one){ .prober = p, .probe = probes[i] };
        p->count = count;
}

struct run_sample prober_sample(const struct prober *p, size_t index)
{
        const struct prober_one *one = &p->one[index];
        int64_t fresh_ms;

        CHECK(index < p->count);
        fresh_ms = PROBER_PERIODS * one->probe->every_ms + (one->probe->retries + 1) * one->probe->timeout_ms;
        if (!one->answered_ms || clock_mono_ms() - one->answered_ms > fresh_ms) return (struct run_sample){ 0 };
        return one->sample;
}
