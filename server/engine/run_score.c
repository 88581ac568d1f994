/* What a run was worth. All from the state of the run, so that a replayed log gives the same score.
 *
 * outcome    share of the weights: a criterion held at the end counts whole, otherwise half of its best hold; 1 when resolved
 * harm       1 - half the share of requests lost - half the share of the time limit with a criterion not met, less 1/4
 *            for every broken rule
 * diagnosis  0.6 the answer (component .4, mechanism .3, object .2, affected .1) + 0.4 the evidence (.3/.4/.3)
 * hints      the points less the price of what was taken
 * utility    the scalar that learner, agent and rule share (docs of learn): per 5-second step 0.5 when all criteria are
 *            met, less 3 x load x errors, less the cost of every action; load is the offered rate over its healthy mean. */
#include <math.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/str.h"
#include "common/text/json.h"
#include "server/engine/run_internal.h"

#define UTILITY_MET 0.5
#define UTILITY_ERRORS 3.0
#define TRAIL_SYMPTOM 0.3
#define TRAIL_PATH 0.4
#define TRAIL_CAUSE 0.3

enum { HEALTHY_SAMPLES = 10 };

static bool own_sample(const struct run *run, enum run_own_query which, double *ret)
{
        const struct run_sample *sample = &run->sample[run->own_query[which]];

        if (sample->known) *ret = sample->value;
        return sample->known;
}

static void harm_baseline(struct run *run)
{
        struct run_harm *h = &run->harm;
        double value;

        if (own_sample(run, RUN_Q_OFFERED, &value)) h->base_offered += (value - h->base_offered) / ++h->base_offered_count;
        if (own_sample(run, RUN_Q_ORDERS, &value)) h->base_orders += (value - h->base_orders) / ++h->base_orders_count;
}

/* The load comes up while the baseline is measured: a running mean over the last samples, so that all three are of the same time. */
static void harm_healthy(struct run *run)
{
        struct run_harm *h = &run->harm;
        double offered, goodput, orders, part;

        if (run->state != RUN_BASELINE || !own_sample(run, RUN_Q_OFFERED, &offered) || !own_sample(run, RUN_Q_GOODPUT, &goodput) || !own_sample(run, RUN_Q_ORDERS, &orders)) return;
        if (h->healthy_count < HEALTHY_SAMPLES) h->healthy_count++;
        part = 1.0 / h->healthy_count;
        h->healthy_offered += (offered - h->healthy_offered) * part;
        h->healthy_goodput += (goodput - h->healthy_goodput) * part;
        h->healthy_orders += (orders - h->healthy_orders) * part;
}

double run_harm_growth(const struct run *run)
{
        const struct run_harm *h = &run->harm;
        double offered;

        return h->healthy_offered > 0 && own_sample(run, RUN_Q_OFFERED, &offered) ? fmax(1, offered / h->healthy_offered) : 1;
}

/* Integrates the last interval with the values of its end. before_ms: up to when it was integrated. */
void run_harm_step(struct run *run, int64_t before_ms)
{
        struct run_harm *h = &run->harm;
        double offered = 0, goodput = 0, orders = 0, revenue, step_s;

        if (!run->onset_ms) {
                harm_baseline(run);
                harm_healthy(run);
                return;
        }
        h->at_ms = run->now_ms;
        if (!before_ms) before_ms = run->onset_ms;
        step_s = (double)(run->now_ms - before_ms) / 1000.0;
        if (step_s <= 0) return;
        if (own_sample(run, RUN_Q_OFFERED, &offered) && own_sample(run, RUN_Q_GOODPUT, &goodput)) {
                double lost = fmax(0, offered - goodput);

                h->offered += offered * step_s;
                h->lost += lost * step_s;
                if (offered > 0) h->user_ms += run->users * (lost / offered) * step_s * 1000.0;
                if (h->base_offered > 0 && offered > 0)
                        h->utility -= UTILITY_ERRORS * (offered / h->base_offered) * (lost / offered) * step_s * 1000.0 / RUN_UTILITY_STEP_MS;
        }
        if (own_sample(run, RUN_Q_ORDERS, &orders)) h->orders_lost += fmax(0, h->healthy_orders * run_harm_growth(run) - orders) * step_s;
        if (own_sample(run, RUN_Q_REVENUE_LOST, &revenue)) {
                if (!h->revenue_known) h->revenue_start = revenue;
                h->revenue_known = true;
                h->revenue_lost_cents = fmax(0, revenue - h->revenue_start);
        }
        if (run_all_ok(run)) h->utility += UTILITY_MET * step_s * 1000.0 / RUN_UTILITY_STEP_MS;
        else h->bad_ms += run->now_ms - before_ms;
}

static bool same_place(const struct run *run, const char *a, const char *b)
{
        return run->world ? world_same(run->world, a, b) : str_eq(a, b);
}

static double component_grade(const struct run *run, const char *truth, const char *said)
{
        int distance = same_place(run, truth, said) ? 0 : run->world ? world_distance(run->world, truth, said) : -1;

        return distance == 0 ? 1 : distance == 1 ? 0.5 : distance == 2 ? 0.25 : 0;
}

/* "api.rpc_retries" and "rpc_retries" are the same answer. */
static bool object_same(const struct scenario_cause *cause, const char *said)
{
        const char *dot = strchr(said, '.');

        if (str_eq(cause->object_name, said)) return true;
        return dot && strlen(cause->component) == (size_t)(dot - said) && str_starts(said, cause->component) && str_eq(cause->object_name, dot + 1);
}

/* Overlap of the affected set (Jaccard). */
static double affected_grade(const struct run *run, const struct run_diagnosis *d)
{
        const struct scenario_words *victims = &run->s->victims;
        size_t both = 0;

        for (size_t i = 0; i < victims->count; i++)
                for (size_t k = 0; k < d->affected_count; k++)
                        if (same_place(run, victims->item[i], d->affected[k])) {
                                both++;
                                break;
                        }
        return victims->count + d->affected_count > both ? (double)both / (double)(victims->count + d->affected_count - both) : 1;
}

static double answer_grade(const struct run *run, const struct scenario_cause *cause, const struct run_diagnosis *d)
{
        double sum = 0.4 * component_grade(run, cause->component, d->component), whole = 0.7;

        if (str_eq(cause->mechanism, d->mechanism)) sum += 0.3;
        if (cause->object_name[0]) {
                whole += 0.2;
                if (object_same(cause, d->object)) sum += 0.2;
        }
        if (run->s->victims.count) {
                whole += 0.1;
                sum += 0.1 * affected_grade(run, d);
        }
        return sum / whole;
}

/* 0..1; the mean over the causes of the best answer to each. */
double run_diagnosis_grade(const struct run *run)
{
        double sum = 0;

        for (size_t i = 0; i < run->s->cause_count; i++) {
                double best = 0;

                for (size_t k = 0; k < run->diagnosis_count; k++)
                        best = fmax(best, answer_grade(run, &run->s->causes[i], &run->diagnosis[k]));
                sum += best;
        }
        return run->s->cause_count ? sum / (double)run->s->cause_count : 0;
}

static bool item_seen(const struct run *run, const char *wanted)
{
        for (size_t k = 0; k < run->evidence_count; k++)
                if (!run->evidence[k].late && run_evidence_matches(wanted, run->evidence[k].item)) return true;
        return false;
}

/* 0..1; half of a part's items are enough for the whole part, because they are alternatives. Items that a healthy system shows as
 * well do not count, and neither do empty parts. */
double run_trail_grade(const struct run *run)
{
        static const double shares[SCENARIO_TRAIL_COUNT] = { TRAIL_SYMPTOM, TRAIL_PATH, TRAIL_CAUSE };
        double sum = 0, whole = 0;

        for (int part = 0; part < SCENARIO_TRAIL_COUNT; part++) {
                const struct scenario_words *wanted = &run->s->evidence[part];
                size_t count = 0, seen = 0;

                for (size_t i = 0; i < wanted->count; i++) {
                        if (!run_signal_counts(run, wanted->item[i])) continue;
                        count++;
                        seen += item_seen(run, wanted->item[i]);
                }
                if (!count) continue;
                whole += shares[part];
                sum += shares[part] * fmin(1, (double)seen / (double)((count + 1) / 2));
        }
        return whole > 0 ? sum / whole : 0;
}

static int direction(const struct json *from, const struct json *to)
{
        double a = json_value(from), b = json_value(to);

        return isnan(a) || isnan(b) ? 0 : (b > a) - (b < a);
}

/* The same key moved the same way (numbers), or to the same value (everything else). */
static bool key_matches(const struct json *wanted, const struct json *change)
{
        const struct json *from = json_get(change, "from"), *to = json_get(change, "to");
        int went = direction(from, to);

        return went ? went == direction(from, wanted) : json_equal(to, wanted);
}

bool run_step_matches(const struct run *run, const struct scenario_step *step, const struct run_task *task, bool *nomem)
{
        AUTO(json_free) struct json *wanted = NULL, *changed = NULL;
        bool any = false;

        if (!str_eq(step->kind, task->kind) || !same_place(run, step->on, task->on)) return false;
        if (json_parse(step->args_json, strlen(step->args_json), &wanted, NULL) != ERR_OK ||
            json_parse(task->changed, strlen(task->changed), &changed, NULL) != ERR_OK) {
                *nomem = true; /* both were checked when they came in */
                return false;
        }
        if (json_count(wanted) == 0) return true;
        JSON_EACH(member, wanted) {
                const struct json *change = json_get(changed, json_key(member));

                if (change && !key_matches(member, change)) return false;
                any |= change != NULL;
        }
        return any;
}

bool run_recipe_matched(const struct run *run, const struct scenario_recipe *recipe, bool *nomem)
{
        for (size_t i = 0; i < recipe->count; i++) {
                bool done = false;

                for (size_t k = 0; k < run->action_count && !done; k++) {
                        const struct run_action *action = &run->actions[k];

                        done = !action->is_undo && action->state == RUN_ACTION_APPLIED &&
                               run_step_matches(run, &recipe->step[i], run->tasks[action->task - 1], nomem);
                }
                if (!done) return false;
        }
        return recipe->count > 0;
}

static double outcome_share(const struct run *run)
{
        double sum = 0, whole = 0;

        if (run->outcome == RUN_OUTCOME_RESOLVED) return 1;
        for (size_t i = 0; i < run->s->criteria_count; i++) {
                const struct run_criterion *c = &run->criteria[i];
                int64_t hold = run_criterion_hold_ms(run, i);

                if (scenario_is_sampled(&run->s->criteria[i]) && run->s->criteria[i].mode == SCENARIO_MODE_BEFORE) continue;
                whole += run->s->criteria[i].weight;
                if (c->held) sum += run->s->criteria[i].weight;
                else if (hold > 0) sum += run->s->criteria[i].weight * 0.5 * fmin(1, (double)c->best_hold_ms / (double)hold);
        }
        return whole > 0 ? sum / whole : 0;
}

static double harm_share(const struct run *run)
{
        const struct run_harm *h = &run->harm;
        double lost = h->offered > 0 ? fmin(1, h->lost / h->offered) : 0;
        double bad = fmin(1, (double)h->bad_ms / (double)run_time_limit_ms(run));
        double share = 1 - 0.5 * lost - 0.5 * bad;

        for (size_t i = 0; i < run->s->guard_count; i++)
                if (run->guards[i].violated_ms) share -= 0.25;
        return fmax(0, share);
}

static double hint_points(const struct run *run)
{
        double points = run->s->score.hints;

        for (size_t i = 0; i < run->s->hint_count; i++)
                if (run->hints[i].taken) points -= run->s->hints[i].cost;
        return fmax(0, points);
}

/* The environment failed, not the learner. */
static bool blameless(const struct run *run)
{
        for (size_t i = 0; i < run->s->guard_count; i++)
                if (run->guards[i].violated && run->s->guards[i].final) return false;
        return run->outcome == RUN_OUTCOME_FAILED || !run->page_ms;
}

bool run_score_of(const struct run *run, struct run_score *ret)
{
        struct run_score score = { .answer = run_diagnosis_grade(run), .trail = run_trail_grade(run), .utility = run->harm.utility - run->harm.cost };
        double total;

        if (run->s->score_off || blameless(run)) return false;
        score.outcome = run->s->score.outcome * outcome_share(run);
        score.harm = run->s->score.harm * harm_share(run);
        score.diagnosis = run->s->score.diagnosis * (0.6 * score.answer + 0.4 * score.trail);
        score.hints = hint_points(run);
        if (run->outcome == RUN_OUTCOME_ABANDONED && !run->complete) score.harm = score.hints = 0; /* giving up at once saves nobody */
        total = score.outcome + score.harm + score.diagnosis + score.hints;
        score.total = fmin(100, fmax(0, total));
        *ret = score;
        return true;
}

void run_score_json(const struct run *run, struct buf *out)
{
        struct run_score s;

        if (!run_score_of(run, &s)) {
                buf_str(out, "null");
                return;
        }
        buf_printf(out, "{\"total\":%.1f,\"outcome\":%.1f,\"harm\":%.1f,\"diagnosis\":%.1f,\"hints\":%.1f,", s.total, s.outcome, s.harm, s.diagnosis, s.hints);
        buf_printf(out, "\"of\":{\"outcome\":%d,\"harm\":%d,\"diagnosis\":%d,\"hints\":%d},\"answer\":%.3f,\"trail\":%.3f,\"utility\":%.3f}",
                   run->s->score.outcome, run->s->score.harm, run->s->score.diagnosis, run->s->score.hints, s.answer, s.trail, s.utility);
}
