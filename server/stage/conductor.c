#include "server/stage/conductor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/sys/clock.h"
#include "common/text/diag.h"
#include "server/engine/run_json.h"
#include "server/engine/scenario_load.h"
#include "server/stage/conductor_impl.h"

void conductor_tell(struct conductor *c, const char *type, const struct buf *json)
{
        /* A message that does not fit is lost; the browser's next snapshot has what it said. */
        if (json->status == ERR_OK) c->o.tell(c->o.ctx, type, json->data);
}

void conductor_notice(struct conductor *c, const char *level, const char *format, ...)
{
        AUTO(json_free) struct json *j = json_object();
        char text[ERR_NOTE_BYTES];
        va_list args;
        AUTO_BUF out;

        va_start(args, format);
        (void)vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        buf_init(&out, CONDUCTOR_TEXT_BYTES_MAX);
        json_set_str(j, "level", level);
        json_set_str(j, "text", text);
        if (!json_print(j, &out)) conductor_tell(c, "notice", &out);
}

/* Polling */

/* The poll brings the values of PromQL, in their order; those of probes come from the prober, in theirs. */
static void polled_samples(void *ctx, const struct run_sample *samples, size_t count)
{
        struct conductor *c = ctx;
        struct run_sample all[SCENARIO_QUERIES_MAX];
        size_t polled = 0, probed = 0, total;

        if (!c->active || !c->run || run_broken(c->run)) return;
        total = run_query_count(c->run);
        for (size_t i = 0; i < total; i++) {
                if (run_probe(c->run, i)) all[i] = prober_sample(c->prober, probed++);
                else if (polled < count) all[i] = samples[polled++];
                else return; /* of the run before */
        }
        c->sampled = true;
        conductor_feed(c, &(struct run_event){.kind = RUN_EV_SAMPLES, .samples = all, .sample_count = total});
        if (c->run && run_onset_ms(c->run) && run_outcome(c->run) == RUN_OUTCOME_NONE) conductor_tell_standing(c);
}

static void polled_series(void *ctx, const char *json)
{
        struct conductor *c = ctx;

        c->o.tell(c->o.ctx, "series", json);
}

static void polled_users(void *ctx, const char *json)
{
        struct conductor *c = ctx;

        c->o.tell(c->o.ctx, "user", json);
}

/* Only during the incident: what fires while a baseline settles is of the run before. */
static void alert_delivered(void *ctx, const struct alert *alert)
{
        struct conductor *c = ctx;
        char on[128];

        if (!c->active || !c->run || (run_state(c->run) != RUN_INJECTING && run_state(c->run) != RUN_RUNNING)) return;
        (void)snprintf(on, sizeof(on), "%.60s%s%.40s", alert->name, *alert->on ? " " : "", alert->on);
        if (run_alert_firing(c->run, on) != alert->is_resolved) return; /* what the run knows, or what fired before it */
        conductor_feed(c, &(struct run_event){.kind = alert->is_resolved ? RUN_EV_ALERT_RESOLVED : RUN_EV_ALERT,
                                              .on = on,
                                              .text = alert->summary});
}

static void polled_problem(void *ctx, const char *query, const char *why)
{
        conductor_notice(ctx, "warning", "the query %s has no answer: %s", query, why);
}

static void probed_problem(void *ctx, const char *probe, const char *why)
{
        conductor_notice(ctx, "warning", "%s has no value: %s", probe, why);
}

/* Samples carry time as well; a tick is only needed when none came. */
static void conductor_tick(void *ctx)
{
        struct conductor *c = ctx;

        if (!c->active || !c->run) return;
        if (!c->sampled && !run_broken(c->run)) conductor_feed(c, &(struct run_event){.kind = RUN_EV_TICK});
        c->sampled = false;
}

enum err conductor_new(const struct conductor_options *options, struct conductor **ret)
{
        AUTO(conductor_free) struct conductor *c = mem_zalloc(1, sizeof(*c));
        struct poll_options poll = {.loop = options->loop,
                                    .http = options->http,
                                    .prometheus = options->prometheus,
                                    .loadgen = options->loadgen,
                                    .on_samples = polled_samples,
                                    .on_series = polled_series,
                                    .on_users = polled_users,
                                    .on_problem = polled_problem};
        enum err e;

        if (!c) return ERR_NOMEM;
        c->o = *options;
        c->o.prometheus = c->o.loadgen = c->o.logproc = NULL; /* lent for this call; those who ask keep their own */
        poll.ctx = c;
        e = poll_new(&poll, &c->poll);
        if (!e) e = prober_new(&(struct prober_options){.loop = options->loop, .http = options->http, .spec = options->spec,
                                                        .number = options->stack, .on_problem = probed_problem, .ctx = c},
                               &c->prober);
        if (!e) e = alerts_new(options->loop, options->http, options->logproc, alert_delivered, c, &c->alerts);
        if (!e) e = loop_timer_add(options->loop, CONDUCTOR_TICK_MS, CONDUCTOR_TICK_MS, conductor_tick, c, &c->timer);
        if (e) return e;
        *ret = take(&c);
        return ERR_OK;
}

void conductor_drop(struct conductor *c)
{
        if (c->prober) prober_watch(c->prober, NULL, 0); /* its questions are lent from the scenario */
        run_free(take(&c->run));
        scenario_free(take(&c->scenario));
        c->run_id = 0;
}

void conductor_free(struct conductor *c)
{
        if (!c) return;
        loop_timer_remove(c->timer);
        alerts_free(c->alerts);
        poll_free(c->poll);
        json_free(c->rescue.left);
        conductor_drop(c);
        prober_free(c->prober);
        mem_free(c);
}

/* Start */

enum err conductor_build(const struct conductor *c, const struct store_run *r, struct scenario **ret_scenario,
                         struct run **ret_run, struct err_note *reterr)
{
        AUTO(scenario_free) struct scenario *scenario = NULL;
        struct diag_list diags;
        char id[CONDUCTOR_RUN_ID_BYTES];
        struct run_options options = {.id = id,
                                      .seed = (uint64_t)r->seed,
                                      .stack = (unsigned)r->stack,
                                      .fast = r->fast,
                                      .advice = r->advice,
                                      .created_ms = r->created_ms};
        enum err e;

        (void)snprintf(id, sizeof(id), "r%lld", (long long)r->id);
        diag_list_init(&diags, r->scenario ? r->scenario : "scenario");
        e = scenario_load(r->source, strlen(r->source), NULL, c->o.world, &diags, &scenario);
        if (e)
                (void)err_note(reterr, e, "the scenario does not load: line %zu: %s",
                               diags.count ? diags.items[0].line : 0,
                               diags.count ? diags.items[0].message : err_text(e));
        diag_list_done(&diags);
        if (e) return e;
        /* A scenario of a pack is filed under the pack's name as well. */
        if (r->scenario && !str_eq(scenario->id, r->scenario)) e = scenario_rename(scenario, r->scenario);
        if (e) return err_note(reterr, e, "out of memory");
        e = run_new(scenario, c->o.world, &options, ret_run);
        if (e) return err_note(reterr, e, "the run could not be made: %s", err_text(e));
        *ret_scenario = take(&scenario);
        return ERR_OK;
}

enum err conductor_load(struct conductor *c, const struct store_run *r, struct err_note *reterr)
{
        enum err e = conductor_build(c, r, &c->scenario, &c->run, reterr);

        if (e) return e;
        c->run_id = r->id;
        str_cut(c->driver, sizeof(c->driver), r->driver);
        c->journal_told = c->sampled = false;
        return ERR_OK;
}

/* The store wants the scenario's id before the run exists; a first load finds it and whether the source is good at all.
 */
static enum err conductor_scenario_id(struct conductor *c, const char *source, const char *name, struct store_run *r,
                                      char *id, size_t id_bytes, struct err_note *reterr)
{
        enum err e;

        r->scenario = NULL;
        r->source = source;
        e = conductor_load(c, r, reterr);
        if (e) return e;
        str_cut(id, id_bytes, name ? name : c->scenario->id);
        r->scenario = id;
        if (r->seed == 0) r->seed = (int64_t)run_seed(c->run);
        conductor_drop(c);
        return ERR_OK;
}

enum err conductor_start(struct conductor *c, const struct conductor_play *play,
                         char ret_id[static CONDUCTOR_RUN_ID_BYTES], struct err_note *reterr)
{
        struct store_run r = {.driver = play->driver,
                              .advice = play->advice ? play->advice : "off",
                              .seed = (int64_t)play->seed,
                              .stack = c->o.stack,
                              .fast = play->fast,
                              .state = run_state_text(RUN_PREPARING),
                              .reason = "",
                              .created_ms = clock_wall_ms(),
                              .onset_ms = STORE_TIME_NONE,
                              .ended_ms = STORE_TIME_NONE};
        char scenario[SCENARIO_NAME_BYTES_MAX + 1];
        char *source;
        enum err e;

        if (c->active)
                return err_note(reterr, ERR_STATE, "run r%lld is still active; end it first", (long long)c->run_id);
        conductor_drop(c);
        source = mem_strndup(play->source, play->source_bytes);
        if (!source) return err_note(reterr, ERR_NOMEM, "out of memory");
        e = conductor_scenario_id(c, source, play->name, &r, scenario, sizeof(scenario), reterr);
        if (!e) e = store_run_new(c->o.store, &r, reterr);
        if (!e) e = conductor_load(c, &r, reterr);
        mem_free(source);
        if (e) return e;
        c->active = true;
        (void)snprintf(ret_id, CONDUCTOR_RUN_ID_BYTES, "r%lld", (long long)c->run_id);
        e = conductor_step(c, &(struct run_event){.kind = RUN_EV_START}, reterr);
        if (e) {
                c->active = false;
                conductor_drop(c);
        }
        return e;
}

/* Steps */

enum err conductor_step(struct conductor *c, const struct run_event *event, struct err_note *reterr)
{
        struct run_effects effects = {0};
        int64_t now_ms = clock_wall_ms();
        struct err_note note;
        enum err e = run_step(c->run, event, now_ms, &effects, reterr), logged;

        if (!e) {
                logged = conductor_journal_event(c, event, now_ms, &note);
                if (logged) conductor_journal_failed(c, &note);
                conductor_effects(c, &effects, logged == ERR_OK);
        }
        run_effects_done(&effects);
        return e;
}

void conductor_feed(struct conductor *c, const struct run_event *event)
{
        struct err_note note = {0};

        if (conductor_step(c, event, &note) == ERR_OK) return;
        conductor_notice(c, "error", "the run could not take the event '%s': %s", run_event_text(event->kind),
                         note.text);
        /* A broken run can be rebuilt from its log, by the same road as after a crash. */
        if (run_broken(c->run) && c->active) {
                int64_t id = c->run_id;

                conductor_drop(c);
                conductor_rescue_begin(c, id, "the server ran out of memory during the run");
        }
}

bool conductor_active(const struct conductor *c)
{
        return c->active;
}

const struct run *conductor_run(const struct conductor *c)
{
        return c->run;
}

int64_t conductor_run_id(const struct conductor *c)
{
        return c->run_id;
}

enum err conductor_event(struct conductor *c, const struct run_event *event, struct err_note *reterr)
{
        enum err e;

        if (!c->run) return err_note(reterr, ERR_STATE, "no run is active");
        e = conductor_step(c, event, reterr);
        /* What may still be said after the end (a note) belongs into the debrief that was written at the end. */
        if (!e && !c->active && c->run) conductor_journal_run(c, true);
        return e;
}

/* Actions */

static bool action_is_done(const struct run *run, size_t index)
{
        switch (run_action_task(run, index)->state) {
        case RUN_TASK_PLANNED:
        case RUN_TASK_PREPARING:
        case RUN_TASK_APPLYING:
                return false;
        default:
                return true;
        }
}

/* Tells whoever waits for this action, if it has ended. */
void conductor_waiters_end(struct conductor *c, size_t action)
{
        for (size_t i = 0; i < CONDUCTOR_WAITERS_MAX; i++) {
                struct conductor_waiter w = c->waiter[i];
                const struct run_task *task;
                bool ok;
                AUTO_BUF json = {0};

                if (!w.fn || w.action != action || !action_is_done(c->run, action)) continue;
                c->waiter[i] = (struct conductor_waiter){0};
                task = run_action_task(c->run, action);
                ok = task->state != RUN_TASK_FAILED && task->state != RUN_TASK_SKIPPED;
                buf_init(&json, CONDUCTOR_TEXT_BYTES_MAX);
                run_action_json(c->run, action, &json);
                w.fn(w.ctx, ok ? ERR_OK : w.e ? w.e : ERR_STATE, json.data, ok ? "" : task->detail, w.problem);
        }
}

enum err conductor_action(struct conductor *c, const struct run_event *event, conductor_action_fn *fn, void *ctx,
                          struct err_note *reterr)
{
        struct conductor_waiter *w = NULL;
        size_t index;
        enum err e;

        CHECK(event->kind == RUN_EV_ACTION);
        if (!c->run || !c->active) return err_note(reterr, ERR_STATE, "no run is active");
        for (size_t i = 0; i < CONDUCTOR_WAITERS_MAX && !w; i++)
                if (!c->waiter[i].fn) w = &c->waiter[i];
        if (!w) return err_note(reterr, ERR_LIMIT, "%d actions are under way already", CONDUCTOR_WAITERS_MAX);
        index = run_action_count(c->run);
        *w = (struct conductor_waiter){.action = index, .fn = fn, .ctx = ctx};
        e = conductor_step(c, event, reterr);
        if (e) *w = (struct conductor_waiter){0};
        return e;
}

void conductor_stack_lost(struct conductor *c, const char *why)
{
        /* A run that has its outcome is only being undone, which goes on when the stack is back. */
        if (!c->active || !c->run || run_outcome(c->run) != RUN_OUTCOME_NONE) return;
        conductor_feed(c, &(struct run_event){.kind = RUN_EV_STACK_FAILED, .text = why});
}

/* Snapshot */

static void snapshot_list(const struct run *run, const char *name, size_t count,
                          void (*write)(const struct run *, size_t, struct buf *), struct buf *out)
{
        buf_printf(out, ",\"%s\":[", name);
        for (size_t i = 0; i < count; i++) {
                if (i) buf_char(out, ',');
                write(run, i, out);
        }
        buf_char(out, ']');
}

void conductor_snapshot(const struct conductor *c, struct buf *out)
{
        const struct run *run = c->run;

        if (!run) {
                buf_str(out, "\"run\":null,\"harm\":null,\"criteria\":[],\"guards\":[],\"feed\":[],\"actions\":[]");
                return;
        }
        buf_str(out, "\"run\":");
        run_json(run, out);
        buf_str(out, ",\"harm\":");
        run_harm_json(run, out);
        snapshot_list(run, "criteria", run_criterion_count(run), run_criterion_json, out);
        snapshot_list(run, "guards", run_guard_count(run), run_guard_json, out);
        snapshot_list(run, "feed", run_feed_count(run), run_feed_json, out);
        snapshot_list(run, "actions", run_action_count(run), run_action_json, out);
}
