#include "server/race/regret.h"

#include <math.h>
#include <string.h>

#include "common/base/mem.h"
#include "common/base/str.h"

static const char *const action_names[REGRET_ACTIONS] = {"ignore", "delay", "reduce-load", "soft-restart", "hard-restart"};
enum { IGNORE, DELAY, REDUCE, SOFT, HARD };

struct step {
        int64_t at_ms;
        char target[32], reason[256];
        double q[REGRET_ACTIONS];
        bool blocked[REGRET_ACTIONS], out_of_calibration;
};

struct regret {
        size_t count;
        struct step step[REGRET_STEPS_MAX];
};

/* A stretch of steps in which the same was done and the same would have been better. */
struct stretch {
        int64_t from_ms, to_ms;
        const struct step *step; /* the dearest of them, whose reasoning is told */
        int did, best;
        double sum, dearest;
        size_t steps;
        bool out_of_calibration;
};

enum err regret_new(struct regret **ret)
{
        *ret = mem_zalloc(1, sizeof(**ret));
        return *ret ? ERR_OK : ERR_NOMEM;
}

void regret_free(struct regret *r)
{
        mem_free(r);
}

void regret_forget(struct regret *r)
{
        r->count = 0;
}

static int action_find(const char *name)
{
        for (int i = 0; i < REGRET_ACTIONS; i++)
                if (str_eq(name, action_names[i])) return i;
        return -1;
}

void regret_hear(struct regret *r, const struct json *recommendation)
{
        const struct json *q = json_get(recommendation, "q");
        struct step *s = &r->step[r->count];
        int known = 0;

        /* What is told early, between two steps, is for the eye: the step itself still comes. */
        if (r->count == REGRET_STEPS_MAX || json_count(q) == 0 || json_get_bool(recommendation, "early", false)) return;
        *s = (struct step){.at_ms = json_get_int(recommendation, "at_ms", 0), .out_of_calibration = json_get_bool(recommendation, "out_of_calibration", false)};
        str_cut(s->target, sizeof(s->target), json_get_str(recommendation, "target", ""));
        str_cut(s->reason, sizeof(s->reason), json_get_str(recommendation, "reason", ""));
        JSON_EACH(row, q)
        {
                int action = action_find(json_get_str(row, "action", ""));

                if (action < 0 || isnan(json_value(json_get(row, "value")))) continue;
                s->q[action] = json_value(json_get(row, "value"));
                s->blocked[action] = json_get(row, "blocked_by") != NULL;
                known++;
        }
        if (known == REGRET_ACTIONS) r->count++;
}

static int best_of(const struct step *s)
{
        int best = IGNORE;

        for (int i = 0; i < REGRET_ACTIONS; i++)
                if (!s->blocked[i] && s->q[i] > s->q[best]) best = i;
        return best;
}

static int action_of(const struct json *item, const char *target)
{
        const char *kind = json_get_str(item, "kind", "");

        if (!str_eq(json_get_str(item, "state", ""), "applied")) return -1;
        if (str_eq(kind, "load.shed")) return REDUCE;
        if (!str_eq(json_get_str(item, "on", ""), target)) return -1;
        return str_eq(kind, "process.restart") ? SOFT : str_eq(kind, "process.kill") ? HARD : -1;
}

/* What was done about the step's service before the next step. */
static int did_in(const struct step *s, const struct json *items, int64_t until_ms)
{
        JSON_EACH(item, items)
        {
                int64_t at_ms = json_get_int(item, "at_ms", 0);
                int action = action_of(item, s->target);

                if (action >= 0 && at_ms >= s->at_ms && at_ms < until_ms) return action;
        }
        return s->q[DELAY] > s->q[IGNORE] ? DELAY : IGNORE;
}

/* Whether a change falls under no step's judgement. */
static bool judged(const struct regret *r, const struct json *item)
{
        int64_t at_ms = json_get_int(item, "at_ms", 0);

        for (size_t i = 0; i < r->count; i++) {
                int64_t until_ms = i + 1 < r->count ? r->step[i + 1].at_ms : INT64_MAX;

                if (at_ms >= r->step[i].at_ms && at_ms < until_ms) return action_of(item, r->step[i].target) >= 0;
        }
        return false;
}

static bool same_stretch(const struct stretch *x, const struct step *s, int did, int best)
{
        return x->steps && x->did == did && x->best == best && str_eq(x->step->target, s->target);
}

/* Keeps the dearest stretches, dearest first. */
static void keep(struct stretch kept[REGRET_SHOWN_MAX], size_t *count, const struct stretch *x)
{
        struct stretch carried = *x;

        if (!x->steps || x->sum <= 0) return;
        for (size_t i = 0; i < REGRET_SHOWN_MAX; i++) {
                struct stretch swap;

                if (i == *count) {
                        kept[(*count)++] = carried;
                        return;
                }
                if (carried.sum <= kept[i].sum) continue;
                swap = kept[i];
                kept[i] = carried;
                carried = swap;
        }
}

static struct json *stretch_json(const struct stretch *x, double unit)
{
        struct json *j = json_object();

        json_set_num(j, "from_ms", (double)x->from_ms);
        json_set_num(j, "to_ms", (double)x->to_ms);
        json_set_num(j, "steps", (double)x->steps);
        json_set_str(j, "target", x->step->target);
        json_set_str(j, "did", action_names[x->did]);
        json_set_str(j, "better", action_names[x->best]);
        json_set_num(j, "user_minutes", round(x->sum * unit * 100) / 100);
        json_set_num(j, "q_did", x->step->q[x->did]);
        json_set_num(j, "q_better", x->step->q[x->best]);
        json_set_str(j, "reason", x->step->reason);
        json_set_bool(j, "out_of_calibration", x->out_of_calibration);
        return j;
}

static struct json *unjudged_json(const struct regret *r, const struct json *items)
{
        struct json *list = json_array();

        JSON_EACH(item, items)
                if (str_eq(json_get_str(item, "state", ""), "applied") && !judged(r, item)) json_push(list, json_string(json_get_str(item, "id", "")));
        return list;
}

struct json *regret_json(const struct regret *r, const struct json *items, double users, int64_t end_ms)
{
        struct stretch kept[REGRET_SHOWN_MAX], now = {0};
        double unit = users * REGRET_STEP_MS / 60000.0, sum = 0;
        size_t count = 0, sure = 0;
        struct json *j, *list;

        if (!r->count) return NULL;
        for (size_t i = 0; i < r->count; i++) {
                const struct step *s = &r->step[i];
                int64_t until_ms = i + 1 < r->count ? r->step[i + 1].at_ms : end_ms + 1;
                int did = did_in(s, items, until_ms), best = best_of(s);
                double cost = fmax(0, s->q[best] - s->q[did]);

                sum += cost;
                sure += !s->out_of_calibration;
                if (!same_stretch(&now, s, did, best)) {
                        keep(kept, &count, &now);
                        now = (struct stretch){.from_ms = s->at_ms, .step = s, .did = did, .best = best};
                }
                if (cost > now.dearest) {
                        now.dearest = cost;
                        now.step = s;
                }
                now.to_ms = MIN(until_ms, end_ms);
                now.sum += cost;
                now.out_of_calibration |= s->out_of_calibration;
                now.steps++;
        }
        keep(kept, &count, &now);
        j = json_object();
        list = json_array();
        json_set_num(j, "user_minutes", round(sum * unit * 100) / 100);
        json_set_num(j, "unit_user_minutes", round(unit * 1000) / 1000);
        json_set_num(j, "steps", (double)r->count);
        json_set_num(j, "steps_in_calibration", (double)sure);
        for (size_t i = 0; i < count; i++) json_push(list, stretch_json(&kept[i], unit));
        json_set(j, "items", list);
        json_set(j, "unjudged", unjudged_json(r, items));
        return j;
}
