#include "server/engine/rehearse.h"

#include <math.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/text/json.h"
#include "server/engine/run.h"
#include "server/engine/run_event.h"
#include "server/engine/run_json.h"

enum { REHEARSE_EFFECTS_MAX = 512, REHEARSE_TEXT_BYTES_MAX = 1 << 18, REHEARSE_BEGIN_MS = 1000000 };

struct rehearsal {
        const struct scenario *s;
        struct run *run;
        struct run_effects effects;
        struct arena arena;
        struct json *events;
        size_t count;
        int64_t now_ms, page_ms;
        size_t seen_feed;
        bool repaired;
        bool ok[SCENARIO_CRITERIA_MAX], held[SCENARIO_CRITERIA_MAX], guard_bad[SCENARIO_GUARDS_MAX];
        enum err status;
        struct err_note note;
};

/* ---- what happened ---- */

static void add(struct rehearsal *r, const char *kind, const char *text, const char *on)
{
        struct json *e;

        if (r->count++ >= REHEARSE_EVENTS_MAX) return;
        e = json_object();
        json_set_num(e, "at_ms", (double)r->now_ms); /* made relative when the first fault is known */
        json_set_str(e, "kind", kind);
        json_set_str(e, "text", text);
        if (on && on[0]) json_set_str(e, "on", on);
        json_push(r->events, e);
}

typedef void view_fn(const struct run *run, size_t index, struct buf *out);

static struct json *view(const struct rehearsal *r, view_fn *write, size_t index)
{
        struct json *j = NULL;
        AUTO_BUF text;

        buf_init(&text, REHEARSE_TEXT_BYTES_MAX);
        write(r->run, index, &text);
        return json_parse(text.data, text.size_bytes, &j, NULL) ? NULL : j;
}

static void see_feed(struct rehearsal *r)
{
        for (; r->seen_feed < run_feed_count(r->run); r->seen_feed++) {
                AUTO(json_free) struct json *j = view(r, run_feed_json, r->seen_feed);
                const char *kind = json_get_str(j, "kind", "");
                const struct json *hint = json_get(j, "hint");

                if (str_eq(kind, "action") || str_eq(kind, "system")) continue;
                if (hint && !json_get_bool(hint, "taken", false))
                        add(r, "hint", "may be taken, its text is hidden until then", json_get_str(hint, "id", ""));
                else
                        add(r, kind, json_get_str(j, "text", ""), json_get_str(j, "from", ""));
        }
}

static void see_criterion(struct rehearsal *r, size_t i)
{
        AUTO(json_free) struct json *j = view(r, run_criterion_json, i);
        bool ok = json_get_bool(j, "ok", false), held = json_get_bool(j, "held", false);

        if (r->page_ms && ok != r->ok[i]) add(r, ok ? "met" : "lost", json_get_str(j, "title", ""), json_get_str(j, "id", ""));
        if (r->page_ms && held && !r->held[i]) add(r, "held", json_get_str(j, "title", ""), json_get_str(j, "id", ""));
        r->ok[i] = ok;
        r->held[i] = held;
}

static void see_guard(struct rehearsal *r, size_t i)
{
        AUTO(json_free) struct json *j = view(r, run_guard_json, i);
        bool bad = !json_get_bool(j, "ok", true);

        if (bad && !r->guard_bad[i]) add(r, "guard", json_get_str(j, "reason", ""), json_get_str(j, "id", ""));
        r->guard_bad[i] = bad;
}

static void see_task(struct rehearsal *r, const struct run_task *task)
{
        bool began = task->state == RUN_TASK_APPLIED;

        if (task->purpose == RUN_PURPOSE_LOAD || run_state(r->run) >= RUN_ENDED) return;
        if (began) add(r, run_purpose_text(task->purpose), task->kind, task->on);
        else if (task->state == RUN_TASK_UNDONE) add(r, "over", task->kind, task->on);
}

/* ---- a stack that obeys at once ---- */

static void feed(struct rehearsal *r, const struct run_event *event);

static void obey(struct rehearsal *r, struct run_effect effect)
{
        const struct run_task *task = effect.index && effect.index <= run_task_count(r->run) ? run_task(r->run, effect.index) : NULL;

        switch (effect.kind) {
        case RUN_DO_RESET_STACK: feed(r, &(struct run_event){.kind = RUN_EV_STACK_READY}); break;
        case RUN_DO_PREPARE:
                feed(r, &(struct run_event){.kind = RUN_EV_TASK_PREPARED,
                                            .task = effect.index,
                                            .undo = "{\"kind\":\"process.start\",\"on\":\"api\",\"args\":{}}"});
                break;
        case RUN_DO_APPLY:
                feed(r, &(struct run_event){.kind = RUN_EV_TASK_APPLIED, .task = effect.index, .changed = "{}"});
                break;
        case RUN_DO_UNDO: feed(r, &(struct run_event){.kind = RUN_EV_TASK_UNDONE, .task = effect.index}); break;
        case RUN_DO_ADVISE:
                feed(r, &(struct run_event){.kind = RUN_EV_ADVICE, .hint = r->s->hints[effect.index].id, .text = "what the agent advises then"});
                break;
        case RUN_DO_TASK:
                if (task) see_task(r, task);
                break;
        case RUN_DO_CRITERION: see_criterion(r, effect.index); break;
        case RUN_DO_GUARD: see_guard(r, effect.index); break;
        default: break;
        }
}

static void feed(struct rehearsal *r, const struct run_event *event)
{
        enum run_state before = run_state(r->run);
        struct run_effect effects[REHEARSE_EFFECTS_MAX];
        size_t count;

        if (r->status) return;
        r->status = run_step(r->run, event, r->now_ms, &r->effects, &r->note);
        if (r->status) return;
        count = r->effects.count < REHEARSE_EFFECTS_MAX ? r->effects.count : REHEARSE_EFFECTS_MAX;
        if (count) memcpy(effects, r->effects.item, count * sizeof(*effects));
        if (run_state(r->run) != before) {
                if (run_state(r->run) == RUN_RUNNING) r->page_ms = r->now_ms;
                if (run_state(r->run) <= RUN_ENDED) add(r, "state", run_state_text(run_state(r->run)), NULL);
        }
        see_feed(r);
        for (size_t i = 0; i < count; i++) obey(r, effects[i]);
}

/* ---- samples made up from the conditions ---- */

/* A value for which "value op threshold" is `wish`. */
static double value_for(enum scenario_op op, double threshold, bool wish)
{
        double off = fabs(threshold) * 0.5 + 0.01;
        bool inside = op == SCENARIO_OP_GE || op == SCENARIO_OP_LE || op == SCENARIO_OP_EQ;

        if (wish == inside && (inside || op == SCENARIO_OP_NE)) return threshold;
        if (op == SCENARIO_OP_EQ || op == SCENARIO_OP_NE) return threshold + off;
        if (op == SCENARIO_OP_GE || op == SCENARIO_OP_GT) return wish ? threshold + off : threshold - off;
        return wish ? threshold - off : threshold + off;
}

static void wish(const struct rehearsal *r, const struct scenario_condition *c, bool is, struct run_sample *samples)
{
        for (size_t i = 0; c->promql && i < run_query_count(r->run); i++)
                if (str_eq(run_query(r->run, i), c->promql)) samples[i] = (struct run_sample){true, value_for(c->op, c->threshold, is)};
}

static bool is_ill(const struct rehearsal *r)
{
        if (r->repaired) return false;
        for (uint32_t id = 1; id <= run_task_count(r->run); id++) {
                const struct run_task *task = run_task(r->run, id);

                if (task->purpose == RUN_PURPOSE_FAULT && task->state == RUN_TASK_APPLIED) return true;
        }
        return false;
}

/* Later wishes win: what success is judged by comes last. */
static void sample(struct rehearsal *r)
{
        struct run_sample samples[SCENARIO_QUERIES_MAX] = {{0}};
        bool ill = is_ill(r);

        for (size_t i = 0; i < r->s->hint_count; i++)
                if (r->s->hints[i].when.kind == SCENARIO_WHEN_VALUE) wish(r, &r->s->hints[i].when.value, ill, samples);
        for (size_t i = 0; i < r->s->confirm.symptom_count; i++) {
                const struct scenario_symptom *symptom = &r->s->confirm.symptom[i];

                if (symptom->criterion < 0) wish(r, &symptom->when, ill != symptom->negated, samples);
        }
        for (size_t i = 0; i < r->s->guard_count; i++) wish(r, &r->s->guards[i].when, false, samples);
        for (size_t i = 0; i < r->s->criteria_count; i++)
                if (r->s->criteria[i].kind == SCENARIO_CHECK_PROMQL) wish(r, &r->s->criteria[i].check, !ill, samples);
        feed(r, &(struct run_event){.kind = RUN_EV_SAMPLES, .samples = samples, .sample_count = run_query_count(r->run)});
}

/* ---- the play ---- */

static void solve(struct rehearsal *r, size_t solution)
{
        struct run_event event;

        for (size_t i = 0; i < r->s->cause_count && r->s->needs_diagnosis && !r->status; i++) {
                run_event_of_truth(r->s, i, &event);
                feed(r, &event);
        }
        for (size_t i = 0; solution <= r->s->solution_count && i < r->s->solutions[solution - 1].count && !r->status; i++) {
                r->status = run_event_of_step(&r->s->solutions[solution - 1].step[i], "learner", &r->arena, &event);
                feed(r, &event);
        }
        r->repaired = true;
}

static void play(struct rehearsal *r, const struct rehearse_options *o)
{
        /* Long scenarios in larger steps, so that a dry run stays a matter of a second. */
        int64_t step_ms = MAX(r->s->time_limit_ms / REHEARSE_STEPS / REHEARSE_STEP_MS, 1) * REHEARSE_STEP_MS;
        int64_t end_ms = REHEARSE_BEGIN_MS + 2 * (int64_t)SCENARIO_TIME_LIMIT_MS_MAX;
        bool solved = o->solution == 0;

        feed(r, &(struct run_event){.kind = RUN_EV_START});
        while (!r->status && run_state(r->run) < RUN_ENDED && r->now_ms < end_ms) {
                r->now_ms += step_ms;
                sample(r);
                if (solved || r->status || run_state(r->run) != RUN_RUNNING || r->now_ms < r->page_ms + o->solve_after_ms) continue;
                solve(r, o->solution);
                solved = true;
        }
}

static enum err tell(struct rehearsal *r, struct buf *out)
{
        AUTO(json_free) struct json *j = json_object();
        struct json *events = json_array();
        int64_t zero_ms = run_onset_ms(r->run) ? run_onset_ms(r->run) : REHEARSE_BEGIN_MS;

        JSON_EACH(event, r->events)
        {
                struct json *e = json_clone(event);

                json_set_num(e, "at_ms", json_get_num(event, "at_ms", 0) - (double)zero_ms);
                json_push(events, e);
        }
        json_set_str(j, "outcome", run_outcome_text(run_outcome(r->run)));
        json_set_str(j, "reason", run_reason(r->run));
        json_set(j, "page_ms", r->page_ms ? json_number((double)(r->page_ms - zero_ms)) : json_null());
        json_set_num(j, "ended_ms", (double)(r->now_ms - zero_ms));
        json_set_num(j, "time_limit_ms", (double)run_time_limit_ms(r->run));
        json_set(j, "events", events);
        return json_print(j, out);
}

enum err rehearse_json(const struct scenario *s, const struct scenario_world *world, const struct rehearse_options *options,
                       struct buf *out, struct err_note *reterr)
{
        struct run_options run = {.id = "rehearsal", .seed = options->seed, .stack = 1, .fast = options->fast, .created_ms = REHEARSE_BEGIN_MS};
        struct rehearsal r = {.s = s, .now_ms = REHEARSE_BEGIN_MS};
        size_t solutions = s->false_alarm && !s->solution_count ? 1 : s->solution_count;

        if (options->solution > solutions)
                return err_note(reterr, ERR_INVAL, "there is no solution %zu, the scenario has %zu", options->solution, solutions);
        arena_init(&r.arena, REHEARSE_TEXT_BYTES_MAX);
        r.events = json_array();
        r.status = run_new(s, world, &run, &r.run);
        if (!r.status) play(&r, options);
        if (!r.status) r.status = tell(&r, out);
        json_free(r.events);
        run_free(r.run);
        run_effects_done(&r.effects);
        arena_done(&r.arena);
        if (!r.status) return ERR_OK;
        return err_note(reterr, r.status, "%s", r.note.text[0] ? r.note.text : err_text(r.status));
}
