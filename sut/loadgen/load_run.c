#include "sut/loadgen/load_run.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/http/client.h"
#include "common/sys/clock.h"
#include "common/sys/entropy.h"
#include "common/sys/log.h"
#include "common/sys/loop.h"
#include "common/sys/sock.h"
#include "sut/loadgen/load_call.h"
#include "sut/loadgen/load_knobs.h"

enum { RUN_BEAT_MS = 250, RUN_URL_BYTES = SOCK_ADDRESS_BYTES + 16 };

#define RUN_MS_NS INT64_C(1000000)

struct flight;

struct load_run {
        struct loop *loop;
        struct http_async *http;
        struct loop_timer *timer, *beat;
        struct kit_config *config;
        struct load_book *book;
        struct crowd *crowd;
        struct load_plan plan;
        struct load_profile profile;
        struct load_call call; /* of the request being built; large, so not on the stack */
        char base[RUN_URL_BYTES];
        uint64_t run_id;
        int64_t timeout_ms;
        struct flight *flights; /* all that are under way, so that the end can free them */
        pthread_t thread;
        bool has_thread;
};

/* One request under way. */
struct flight {
        struct load_run *run;
        struct crowd_user *user;
        int64_t intended_ns;
        struct book_request entry;
        struct flight *before, *after;
};

static void flight_free(struct flight *f)
{
        if (f->before) f->before->after = f->after;
        else f->run->flights = f->after;
        if (f->after) f->after->before = f->before;
        mem_free(f);
}

/* ---- answers ---- */

static void flight_book(struct flight *f, enum book_outcome outcome)
{
        struct load_run *run = f->run;
        struct crowd_user *user = f->user;
        bool ok = outcome == BOOK_OK;

        f->entry.outcome = outcome;
        f->entry.latency_ms = (double)(clock_mono_ns() - f->intended_ns) / (double)RUN_MS_NS;
        load_book_request(run->book, &f->entry);
        if (user->journey == CROWD_JOURNEY_BUY && crowd_user_last(user, ok)) load_book_order(run->book, ok, user->value_cents);
        crowd_give(run->crowd, user, ok);
        flight_free(f);
}

static void flight_done(void *ctx, enum err e, const struct err_note *note, const struct http_response *r)
{
        struct flight *f = ctx;
        enum book_outcome outcome = BOOK_OK;

        (void)note;
        if (e == ERR_TIMEOUT) outcome = BOOK_TIMEOUT;
        else if (e) outcome = BOOK_ERROR;
        else f->entry.status = r->status;
        if (!e && (r->status < 200 || r->status > 299)) outcome = BOOK_ERROR;
        if (outcome == BOOK_OK) load_call_learn(f->user, &r->body);
        flight_book(f, outcome);
}

/* ---- arrivals ---- */

static void run_drop(struct load_run *run, struct book_request *entry)
{
        struct crowd_user user;

        crowd_drop(run->crowd, &user);
        entry->journey = user.journey;
        entry->step = crowd_user_step(&user);
        entry->customer = user.customer;
        entry->outcome = BOOK_DROPPED;
        load_book_offered(run->book, user.journey, true);
        load_book_request(run->book, entry);
        if (user.journey == CROWD_JOURNEY_BUY) load_book_order(run->book, false, 0);
}

static void run_start_request(struct load_run *run, int64_t intended_ns, int64_t now_ns)
{
        int64_t left_ms = run->timeout_ms - (now_ns - intended_ns) / RUN_MS_NS;
        struct book_request entry = {.at_ms = clock_wall_ms() - (now_ns - intended_ns) / RUN_MS_NS};
        struct flight *f = mem_zalloc(1, sizeof *f);
        struct crowd_user *user = NULL;
        struct trace trace;
        bool begins = false;

        if (f) user = crowd_take(run->crowd, &begins);
        if (!user) {
                mem_free(f);
                run_drop(run, &entry);
                return;
        }
        load_book_offered(run->book, user->journey, begins);
        trace_root(&trace);
        entry.journey = user->journey;
        entry.step = crowd_user_step(user);
        entry.customer = user->customer;
        snprintf(entry.trace_id, sizeof entry.trace_id, "%s", trace.trace_id);
        *f = (struct flight){.run = run, .user = user, .intended_ns = intended_ns, .entry = entry, .after = run->flights};
        if (run->flights) run->flights->before = f;
        run->flights = f;
        if (left_ms <= 0) {
                flight_book(f, BOOK_TIMEOUT);
                return;
        }
        load_call_build(&run->call, run->base, user, &trace, run->run_id, left_ms);
        if (http_async_start(run->http, &run->call.request, flight_done, f, NULL)) flight_book(f, BOOK_ERROR);
}

static void run_due(void *ctx);

/* Looks ahead on a copy, so that the plan itself only ever moves up to the present. */
static void run_arm(struct load_run *run, int64_t now_ns)
{
        struct load_plan ahead = run->plan;
        int64_t next_ns = 0;

        loop_timer_remove(run->timer);
        run->timer = NULL;
        if (!load_plan_next(&ahead, now_ns + 2 * RUN_BEAT_MS * RUN_MS_NS, &next_ns)) return; /* the beat looks again */
        /* Without a timer the beat still sends what is due, late, and the lateness is in the latency. */
        if (loop_timer_add(run->loop, MAX(INT64_C(0), (next_ns - now_ns + RUN_MS_NS - 1) / RUN_MS_NS), 0, run_due, run, &run->timer))
                run->timer = NULL;
}

static void run_send_due(struct load_run *run)
{
        int64_t now_ns = clock_mono_ns(), at_ns = 0;

        if (now_ns - run->plan.position_ns > RUN_BEHIND_MS * RUN_MS_NS) {
                log_event(LOG_WARN, "load.skipped", "the users were paused; their requests of that time are skipped",
                          LOG_N("ms", (now_ns - run->plan.position_ns) / RUN_MS_NS));
                run->plan.position_ns = now_ns;
        }
        while (load_plan_next(&run->plan, now_ns, &at_ns)) run_start_request(run, at_ns, now_ns);
        run_arm(run, now_ns);
}

static void run_due(void *ctx)
{
        struct load_run *run = ctx;

        run->timer = NULL; /* it was one-shot */
        run_send_due(run);
}

static void run_beat(void *ctx)
{
        struct load_run *run = ctx;
        double since_s = (double)(clock_mono_ns() - run->plan.profile_start_ns) / 1e9;

        load_book_gauges(run->book, load_profile_rate(&run->profile, since_s), crowd_in_flight(run->crowd));
        if (!run->timer) run_send_due(run);
}

/* ---- configuration ---- */

static void run_reconfigure(void *ctx)
{
        struct load_run *run = ctx;
        struct load_profile profile;
        struct crowd_mix mix;
        int64_t now_ns = clock_mono_ns();

        load_profile_from(run->config, &profile);
        load_mix_from(run->config, &mix);
        run->timeout_ms = kit_config_int(run->config, LOAD_KNOB_TIMEOUT_MS);
        crowd_change(run->crowd, &mix, (int)kit_config_int(run->config, LOAD_KNOB_USERS),
                     (int)kit_config_int(run->config, LOAD_KNOB_IN_FLIGHT_MAX));
        if (mix.seed != run->plan.seed) {
                load_plan_init(&run->plan, mix.seed, &profile, now_ns);
        } else if (memcmp(&profile, &run->profile, sizeof profile) != 0) {
                load_plan_change(&run->plan, &profile, now_ns);
        }
        run->profile = profile;
        run_arm(run, now_ns);
}

void load_run_change(struct load_run *run)
{
        if (loop_post(run->loop, run_reconfigure, run))
                log_event(LOG_ERROR, "load.change_lost", "the load thread takes no more messages; the old load goes on");
}

/* ---- life ---- */

static void *run_thread(void *ctx)
{
        struct load_run *run = ctx;

        loop_run(run->loop);
        return NULL;
}

static enum err run_prepare(struct load_run *run, struct err_note *reterr)
{
        struct crowd_mix mix;
        enum err e;

        memset(&run->profile, 0, sizeof run->profile);
        load_profile_from(run->config, &run->profile);
        load_mix_from(run->config, &mix);
        e = loop_new(&run->loop, reterr);
        if (e) return e;
        e = http_async_new(run->loop, &run->http);
        if (!e) e = crowd_new(&mix, (int)kit_config_int(run->config, LOAD_KNOB_USERS), &run->crowd);
        if (!e) e = loop_timer_add(run->loop, RUN_BEAT_MS, RUN_BEAT_MS, run_beat, run, &run->beat);
        if (e) return err_note(reterr, e, "cannot make the load thread's loop: %s", err_text(e));
        http_async_connections(run->http, 0); /* users do not wait for one another */
        load_plan_init(&run->plan, mix.seed, &run->profile, clock_mono_ns());
        run_reconfigure(run);
        return ERR_OK;
}

enum err load_run_new(const char *gateway, struct kit_config *config, struct load_book *book, struct load_run **ret,
                      struct err_note *reterr)
{
        AUTO(load_run_free) struct load_run *run = mem_zalloc(1, sizeof *run);
        enum err e;

        if (!run) return err_note(reterr, ERR_NOMEM, "no memory for the load thread");
        run->config = config;
        run->book = book;
        run->run_id = entropy_u64();
        snprintf(run->base, sizeof run->base, "http://%s", gateway);
        e = run_prepare(run, reterr);
        if (e) return e;
        if (pthread_create(&run->thread, NULL, run_thread, run)) return err_note(reterr, ERR_IO, "cannot start the load thread");
        run->has_thread = true;

        *ret = take(&run);
        return ERR_OK;
}

void load_run_free(struct load_run *run)
{
        if (!run) return;
        if (run->has_thread) {
                loop_stop(run->loop);
                pthread_join(run->thread, NULL);
        }
        http_async_free(run->http);
        while (run->flights) flight_free(run->flights);
        loop_free(run->loop);
        crowd_free(run->crowd);
        mem_free(run);
}
