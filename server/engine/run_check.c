/* Judging: samples of queries -> criteria with hold windows, guards, symptoms.
 *
 * Holds. held_ms is the time between good samples in a row. A bad sample ends the hold (unless the dip is shorter than
 * grace_ms); a missing one neither adds nor ends: it pauses; two good samples more than RUN_GAP_MS_MAX apart add nothing. */
#include <assert.h>
#include <math.h>

#include "common/base/check.h"
#include "common/base/str.h"
#include "server/engine/run_internal.h"

static const char *const own_queries[RUN_OWN_QUERY_COUNT] = {
        [RUN_Q_OFFERED] = "fd:offered_rps", [RUN_Q_GOODPUT] = "fd:goodput_rps", [RUN_Q_ORDERS] = "fd:orders:rate10s",
        [RUN_Q_REVENUE_LOST] = "fd:revenue_lost_cents:total",
};

size_t run_query_add(struct run *run, const char *text, const struct scenario_probe *probe)
{
        for (size_t i = 0; i < run->query_count; i++)
                if (str_eq(run->query[i], text) && !run->probe[i] == !probe) return i;
        CHECK(run->query_count < ARRAY_COUNT(run->query)); /* criteria + rules + symptoms + hints + signals + own is less */
        run->query[run->query_count] = text;
        run->probe[run->query_count] = probe;
        return run->query_count++;
}

static_assert(SCENARIO_CRITERIA_MAX + SCENARIO_RULES_MAX + SCENARIO_SYMPTOMS_MAX + SCENARIO_HINTS_MAX + SCENARIO_SIGNALS_MAX +
                              RUN_OWN_QUERY_COUNT <= SCENARIO_QUERIES_MAX,
              "every question of a scenario finds a place");

void run_checks_init(struct run *run)
{
        const struct scenario *s = run->s;

        for (size_t i = 0; i < RUN_OWN_QUERY_COUNT; i++)
                run->own_query[i] = run_query_add(run, own_queries[i], NULL);
        for (size_t i = 0; i < s->criteria_count; i++) {
                const struct scenario_criterion *c = &s->criteria[i];

                if (c->kind == SCENARIO_CHECK_PROMQL) run->criteria[i].query = run_query_add(run, c->check.promql, NULL);
                if (c->kind == SCENARIO_CHECK_PROBE) run->criteria[i].query = run_query_add(run, c->probe.text, &c->probe);
        }
        for (size_t i = 0; i < s->guard_count; i++)
                if (s->guards[i].when.promql[0]) run->guards[i].query = run_query_add(run, s->guards[i].when.promql, NULL);
        for (size_t i = 0; i < s->confirm.symptom_count; i++)
                if (s->confirm.symptom[i].criterion < 0) run->symptom_query[i] = run_query_add(run, s->confirm.symptom[i].when.promql, NULL);
        for (size_t i = 0; i < s->hint_count; i++) {
                run->hints[i].text = "";
                if (s->hints[i].when.kind == SCENARIO_WHEN_VALUE) run->hints[i].query = run_query_add(run, s->hints[i].when.value.promql, NULL);
        }
        run_signals_init(run);
}

bool run_threshold(const struct run *run, const struct scenario_condition *condition, size_t query, double *ret)
{
        const struct run_base *base = &run->base[query];

        *ret = condition->of_baseline ? condition->threshold * base->mean : condition->threshold;
        return !condition->of_baseline || base->count > 0;
}

bool run_condition(const struct run *run, const struct scenario_condition *condition, size_t query, bool *ret_known)
{
        double threshold;

        *ret_known = run_threshold(run, condition, query, &threshold) && run->sample[query].known;
        return *ret_known && scenario_op_holds(condition->op, run->sample[query].value, threshold);
}

/* The healthy system, while all criteria hold; begins anew when one does not. */
static void base_sample(struct run *run)
{
        bool healthy = run_all_ok(run);

        for (size_t i = 0; i < run->query_count; i++) {
                struct run_base *base = &run->base[i];
                double value = run->sample[i].value;

                if (!healthy) *base = (struct run_base){ 0 };
                if (!healthy || !run->sample[i].known) continue;
                base->mean += (value - base->mean) / ++base->count;
                base->min = base->count == 1 ? value : fmin(base->min, value);
                base->max = base->count == 1 ? value : fmax(base->max, value);
        }
}

/* Modes */

static bool is_late(const struct scenario_criterion *def)
{
        return def->mode == SCENARIO_MODE_AFTER || def->mode == SCENARIO_MODE_EDGE;
}

static bool is_held(const struct run_criterion *c)
{
        return c->held && c->known && c->ok;
}

/* Those that are judged all the time of the incident are held: now the late ones have their turn. */
static bool first_held(const struct run *run)
{
        for (size_t i = 0; i < run->s->criteria_count; i++) {
                const struct scenario_criterion *def = &run->s->criteria[i];

                if (!scenario_is_sampled(def) || is_late(def) || def->mode == SCENARIO_MODE_BEFORE) continue; /* as in run_criterion_after */
                if (!is_held(&run->criteria[i])) return false;
        }
        return true;
}

bool run_criterion_due(const struct run *run, size_t index)
{
        if (run->s->criteria[index].kind == SCENARIO_CHECK_REPLAY) return run->criteria[index].replay != REPLAY_WAITING;
        return run_is_judged(run, index);
}

bool run_criterion_after(const struct run *run, size_t index, size_t other)
{
        const struct scenario_criterion *def = &run->s->criteria[index], *first = &run->s->criteria[other];

        if (def->kind == SCENARIO_CHECK_REPLAY) return def->after & (UINT32_C(1) << other);
        return is_late(def) && scenario_is_sampled(first) && !is_late(first) && first->mode != SCENARIO_MODE_BEFORE;
}

bool run_is_judged(const struct run *run, size_t index)
{
        const struct scenario_criterion *def = &run->s->criteria[index];

        if (!scenario_is_sampled(def)) return false;
        switch (def->mode) {
        case SCENARIO_MODE_CONTINUOUS: return true;
        case SCENARIO_MODE_BEFORE: return run->state < RUN_INJECTING;
        case SCENARIO_MODE_DURING: return run->state >= RUN_INJECTING;
        case SCENARIO_MODE_EDGE:
                if (run->state < RUN_INJECTING) return true;
                return run->state >= RUN_RUNNING && first_held(run);
        case SCENARIO_MODE_AFTER: return run->state >= RUN_RUNNING && first_held(run);
        case SCENARIO_MODE_COUNT: break;
        }
        CHECK(!"a mode of the list");
        return false;
}

int64_t run_criterion_hold_ms(const struct run *run, size_t index)
{
        int64_t hold = run->s->criteria[index].hold_ms, scaled = run_scaled(run, hold);

        return run->fast && scaled < RUN_FAST_HOLD_MS_MIN ? MIN(hold, (int64_t)RUN_FAST_HOLD_MS_MIN) : scaled;
}

static void hold_lost(struct run *run, size_t index)
{
        struct run_criterion *c = &run->criteria[index];

        if (c->held && run->state == RUN_RUNNING) {
                run_say(run, RUN_FEED_SYSTEM, "firedrill", run_text(run, "Lost again: %s", run->s->criteria[index].title), -1);
                run_mark(run, RUN_LANE_CRITERION, "", run_text(run, "lost: %s", run->s->criteria[index].title));
        }
        c->held = false;
        c->held_ms = 0;
        c->good_ms = c->bad_ms = 0;
}

static void hold_good(struct run *run, size_t index)
{
        struct run_criterion *c = &run->criteria[index];

        if (c->good_ms && run->now_ms - c->good_ms <= RUN_GAP_MS_MAX) c->held_ms += run->now_ms - c->good_ms;
        c->good_ms = run->now_ms;
        c->bad_ms = 0;
        if (c->held_ms > c->best_hold_ms) c->best_hold_ms = c->held_ms;
        if (c->held || c->held_ms < run_criterion_hold_ms(run, index)) return;
        c->held = true;
        if (run->state != RUN_RUNNING) return;
        run_say(run, RUN_FEED_SYSTEM, "firedrill", run_text(run, "Held: %s", run->s->criteria[index].title), -1);
        run_mark(run, RUN_LANE_CRITERION, "", run_text(run, "held: %s", run->s->criteria[index].title));
}

static void hold_bad(struct run *run, size_t index)
{
        struct run_criterion *c = &run->criteria[index];
        int64_t grace = run->s->criteria[index].grace_ms;

        if (!c->bad_ms) c->bad_ms = run->now_ms;
        c->good_ms = 0;
        if (run->now_ms - c->bad_ms >= grace) {
                int64_t bad = c->bad_ms;

                hold_lost(run, index);
                c->bad_ms = bad;
        }
}

/* Not its turn: what it was before the incident stays to be read, everything else is unknown again. */
static void criterion_rest(struct run *run, size_t index)
{
        struct run_criterion *c = &run->criteria[index];

        if (!c->known || run->s->criteria[index].mode == SCENARIO_MODE_BEFORE) return;
        hold_lost(run, index);
        c->known = false;
        c->unmet_ms = 0;
        c->since_ms = run->now_ms;
        run_emit(run, RUN_DO_CRITERION, (uint32_t)index);
}

/* While the baseline of a relative target is being taken, any value will do. */
static bool criterion_holds(const struct run *run, size_t index, bool *ret_known)
{
        const struct scenario_condition *check = &run->s->criteria[index].check;
        size_t query = run->criteria[index].query;

        if (!check->of_baseline || run->state >= RUN_INJECTING) return run_condition(run, check, query, ret_known);
        *ret_known = run->sample[query].known;
        return *ret_known;
}

static void criterion_sample(struct run *run, size_t index)
{
        struct run_criterion *c = &run->criteria[index], before = *c;
        bool holds;

        c->due = run_is_judged(run, index);
        if (c->due != before.due) run_emit(run, RUN_DO_CRITERION, (uint32_t)index);
        if (!c->due) {
                criterion_rest(run, index);
                return;
        }
        holds = criterion_holds(run, index, &c->known);
        if (!c->known) c->good_ms = 0;
        if (c->known) {
                c->value = run->sample[c->query].value;
                c->ok = holds;
                if (c->ok) hold_good(run, index);
                else hold_bad(run, index);
                if (c->ok) c->unmet_ms = 0;
                else if (!c->unmet_ms) c->unmet_ms = run->now_ms;
        }
        if (c->known != before.known || (c->known && c->ok != before.ok) || !before.since_ms) c->since_ms = run->now_ms;
        if (c->known != before.known || c->ok != before.ok || c->value != before.value || c->held != before.held ||
            c->held_ms != before.held_ms)
                run_emit(run, RUN_DO_CRITERION, (uint32_t)index);
        if (c->known && !c->ok && run->onset_ms && run->state >= RUN_INJECTING) {
                if (!run->clock_ms[RUN_CLOCK_USER_VISIBLE])
                        run_mark(run, RUN_LANE_SYMPTOM, "", run_text(run, "not met: %s", run->s->criteria[index].title));
                run_clock_set(run, RUN_CLOCK_USER_VISIBLE);
        }
}

void run_guard_set(struct run *run, size_t index, bool violated)
{
        const struct scenario_guard *def = &run->s->guards[index];
        struct run_guard *g = &run->guards[index];

        if (g->violated == violated) return;
        g->violated = violated;
        run_emit(run, RUN_DO_GUARD, (uint32_t)index);
        if (g->violated && !g->violated_ms) g->violated_ms = run->now_ms;
        run_say(run, RUN_FEED_SYSTEM, "firedrill", run_text(run, "%s: %s", g->violated ? "Rule broken" : "Rule kept again", def->reason), -1);
        run_mark(run, RUN_LANE_CRITERION, "", run_text(run, "%s: %s", g->violated ? "rule broken" : "rule kept again", def->reason));
}

static void guard_sample(struct run *run, size_t index)
{
        const struct scenario_guard *def = &run->s->guards[index];
        struct run_guard *g = &run->guards[index];
        bool broken;

        if (!def->when.promql[0]) return;
        broken = run_condition(run, &def->when, g->query, &g->known);
        if (!g->known) return; /* neither broken nor kept */
        g->value = run->sample[g->query].value;
        if (!broken) g->bad_ms = 0;
        else if (!g->bad_ms) g->bad_ms = run->now_ms;
        run_guard_set(run, index, g->cheated || (g->bad_ms && run->now_ms - g->bad_ms >= def->for_ms));
}

static void slo_clock(struct run *run)
{
        if (run->state != RUN_RUNNING || run->s->false_alarm) return;
        if (!run_all_ok(run)) run->clock_ms[RUN_CLOCK_SLO_RESTORED] = 0;
        else run_clock_set(run, RUN_CLOCK_SLO_RESTORED);
}

enum err run_samples_event(struct run *run, const struct run_event *event, struct err_note *reterr)
{
        int64_t before_ms = run->harm.at_ms;

        if (run->state < RUN_BASELINE || run->state > RUN_RUNNING) return err_note(reterr, ERR_STATE, "samples are not wanted now");
        if (event->sample_count != run->query_count)
                return err_note(reterr, ERR_INVAL, "%zu samples; expected are %zu, one for each query", event->sample_count, run->query_count);
        for (size_t i = 0; i < event->sample_count; i++) {
                run->sample[i] = event->samples[i];
                if (!isfinite(run->sample[i].value)) run->sample[i] = (struct run_sample){ 0 };
        }
        for (size_t i = 0; i < run->s->criteria_count; i++)
                if (scenario_is_sampled(&run->s->criteria[i])) criterion_sample(run, i);
        if (run->state == RUN_BASELINE) base_sample(run);
        else run_signals_sample(run);
        if (run->state == RUN_RUNNING)
                for (size_t i = 0; i < run->s->guard_count; i++)
                        guard_sample(run, i);
        slo_clock(run);
        run_harm_step(run, before_ms);
        return ERR_OK;
}

void run_checks_restart(struct run *run)
{
        for (size_t i = 0; i < run->s->criteria_count; i++) {
                struct run_criterion *c = &run->criteria[i];

                if (run->s->criteria[i].mode == SCENARIO_MODE_BEFORE && scenario_is_sampled(&run->s->criteria[i])) {
                        c->held = true; /* it had its time, and passed */
                        continue;
                }
                c->held = false; /* silently: what was held was the healthy system */
                c->held_ms = c->best_hold_ms = 0;
                c->good_ms = c->bad_ms = 0;
                if (c->unmet_ms) c->unmet_ms = run->now_ms;
                run_emit(run, RUN_DO_CRITERION, (uint32_t)i);
        }
}

bool run_all_ok(const struct run *run)
{
        for (size_t i = 0; i < run->s->criteria_count; i++) {
                const struct scenario_criterion *def = &run->s->criteria[i];

                if (run->state >= RUN_INJECTING && is_late(def)) continue; /* what users feel is judged by the others */
                if (run_is_judged(run, i) && !(run->criteria[i].known && run->criteria[i].ok)) return false;
        }
        return true;
}

bool run_all_held(const struct run *run)
{
        for (size_t i = 0; i < run->s->criteria_count; i++) {
                const struct run_criterion *c = &run->criteria[i];

                if (run->s->criteria[i].kind == SCENARIO_CHECK_REPLAY ? c->replay != REPLAY_PASSED : !is_held(c)) return false;
        }
        return true;
}

bool run_symptoms_show(const struct run *run)
{
        const struct scenario *s = run->s;

        for (size_t i = 0; i < s->confirm.symptom_count; i++) {
                const struct scenario_symptom *symptom = &s->confirm.symptom[i];
                bool known, holds;

                if (symptom->criterion >= 0) {
                        known = run->criteria[symptom->criterion].known;
                        holds = run->criteria[symptom->criterion].ok;
                } else {
                        holds = run_condition(run, &symptom->when, run->symptom_query[i], &known);
                }
                if (!known || holds == symptom->negated) return false;
        }
        for (size_t i = 0; s->confirm.symptom_count == 0; i++) { /* by default: any criterion fails */
                if (i == s->criteria_count) return false;
                if (run_is_judged(run, i) && run->criteria[i].known && !run->criteria[i].ok) break;
        }
        return true;
}

const char *run_unhealthy_text(struct run *run)
{
        AUTO_BUF text;

        buf_init(&text, 900);
        for (size_t i = 0; i < run->s->criteria_count; i++) {
                const struct run_criterion *c = &run->criteria[i];

                if (!run_is_judged(run, i) || (c->known && c->ok)) continue;
                if (text.size_bytes) buf_str(&text, "; ");
                buf_printf(&text, "%s (", run->s->criteria[i].id);
                run_criterion_reason(run, i, &text);
                buf_char(&text, ')');
        }
        return run_copy(run, text.size_bytes ? text.data : "criteria were met and lost again");
}
