#include "learn/reco/reco.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/str.h"
#include "learn/reco/calibrate.h"
#include "learn/nn/dqn.h"

enum { RESTARTS = 1 << ACT_SOFT | 1 << ACT_HARD, ALL = (1 << ACT_COUNT) - 1 };

static float clamp(double x, float lo, float hi)
{
        return !(x > (double)lo) ? lo : x > (double)hi ? hi : (float)x;
}

void reco_start(const struct model *m, struct reco_session *s, const float obs[OBS_COUNT])
{
        memset(s, 0, sizeof *s);
        memcpy(s->obs, obs, sizeof s->obs);
        feat_start(m->feat, &s->tracker, obs);
}

void reco_feel(const struct model *m, struct reco_session *s, enum sim_action done, const float obs[OBS_COUNT])
{
        CHECK(done < ACT_COUNT);
        memcpy(s->obs, obs, sizeof s->obs);
        s->steps++;
        s->calm = done == ACT_DELAY;
        feat_update(m->feat, &s->tracker, done, obs);
}

void reco_values(const struct model *m, const struct feat_tracker *t, float ret_q[ACT_COUNT], float ret_columns[ACT_COUNT][REW_COUNT])
{
        int cell = feat_cell(m->feat, t);

        memcpy(ret_columns, m->table->q[cell], sizeof m->table->q[cell]);
        if (m->kind == MODEL_DQN) {
                float x[FEAT_VECTOR];

                feat_vector(m->feat, t, x);
                dqn_values(m->net, x, ret_q);
                return;
        }
        for (int a = 0; a < ACT_COUNT; a++) ret_q[a] = qtab_value(m->table, cell, a);
}

static int runner_up(const float q[ACT_COUNT], int best, uint32_t mask)
{
        uint32_t rest = mask & ~(1u << best);

        return rest ? oracle_best(q, rest) : best;
}

/* The column that does most for the best action against the runner-up. */
static int deciding_column(const float a[REW_COUNT], const float b[REW_COUNT])
{
        int column = 0;

        for (int c = 1; c < REW_COUNT; c++)
                if (a[c] - b[c] > a[column] - b[column]) column = c;
        return column;
}

/* If one channel had read otherwise: the posterior is reweighed by the ratio of likelihoods, everything else kept. */
static int advice_if(const struct model *m, const struct reco_session *s, int channel, float value)
{
        const struct belief_params *bp = &m->feat->belief;
        struct feat_tracker t = s->tracker;
        int pressure = sim_pressure(t.context.load, t.context.shed, t.context.cold), at = (int)((t.count - 1) % FEAT_WINDOW);
        float sharp = s->calm ? 4.0f : 1.0f, total = 0, columns[ACT_COUNT][REW_COUNT], q[ACT_COUNT];
        int samples = (int)MIN(t.count, (uint32_t)FEAT_WINDOW);

        for (int c = 0; c < SIM_CELLS; c++) {
                float was = s->obs[channel] - bp->mean[pressure][channel][c], is = value - bp->mean[pressure][channel][c];

                t.belief.p[c] *= expf(clamp(-0.5 * (double)(sharp * bp->precision[channel][c] * (is * is - was * was)), -60, 60));
                total += t.belief.p[c];
        }
        for (int c = 0; c < SIM_CELLS; c++) t.belief.p[c] /= total > 0 ? total : 1;
        t.mean[channel] += (value - s->obs[channel]) / (float)samples;
        if (channel == OBS_LATENCY) t.latency[at] = value;
        reco_values(m, &t, q, columns);
        return oracle_best(q, t.context.down > 0 ? 3u : (unsigned)ALL);
}

/* The nearest change of each channel, up to four sigmas, that would turn the advice. */
static void find_flips(const struct model *m, const struct reco_session *s, struct reco *r)
{
        for (int channel = 0; channel < SIM_CHANNELS && s->tracker.up; channel++) {
                float precision = m->feat->belief.precision[channel][SIM_SEVS + SIM_ONSET_SEV];
                float sigma = precision > 0 ? 1.0f / sqrtf(precision) : 0, lo, hi;
                bool found = false;

                sim1_obs_bounds(channel, &lo, &hi);
                for (int k = 1; k <= 8 && !found; k++) {
                        for (int sign = -1; sign <= 1 && !found; sign += 2) {
                                float value = s->obs[channel] + (float)sign * 0.5f * (float)k * sigma;
                                int action;

                                if (value < lo || value > hi) continue;
                                action = advice_if(m, s, channel, value);
                                if (action == (int)r->best) continue;
                                r->flip[r->flips++] = (struct reco_flip){ channel, s->obs[channel], value, (enum sim_action)action };
                                found = true;
                        }
                }
        }
}

/* Values of a state that training hardly met are guesses: a real incident may stay where the simulated ones were cured long before. */
static bool seldom(const struct model *m, const struct feat_tracker *t, int action)
{
        return m->kind == MODEL_QTAB && m->table->visits[feat_cell(m->feat, t)][action] < RECO_VISITS_MIN;
}

static void say_why_hung(struct reco *r)
{
        (void)snprintf(r->why, sizeof r->why, "It answers nobody, those who ask it suffer, and nothing starts it: it hangs, or was stopped. No model was trained on that: a rule speaks.%s",
                       r->mask >> r->best & 1 ? "" : " The safety rules forbid the best action.");
}

static void say_why(struct reco *r)
{
        int first = 0, second = -1, up;
        char also[96] = "", column[96] = "";

        for (int m = 1; m < MODE_COUNT; m++)
                if (r->belief[m] > r->belief[first]) first = m;
        for (int m = 0; m < MODE_COUNT; m++)
                if (m != first && (second < 0 || r->belief[m] > r->belief[second])) second = m;
        if (r->belief[second] >= 0.05f)
                (void)snprintf(also, sizeof also, ", %.0f %% %s", (double)r->belief[second] * 100, second ? sim_mode_name(second) : "nothing wrong");
        up = runner_up(r->q, r->best, ALL);
        if (!r->fallback)
                (void)snprintf(column, sizeof column, " %s beats %s mostly by %s.", sim_action_name((int)r->best), sim_action_name(up),
                               sim_reward_name(r->decided_by));
        (void)snprintf(r->why, sizeof r->why, "%.0f %% %s%s; expected severity %.1f of 7.%s%s%s%s", (double)r->belief[first] * 100,
                       first ? sim_mode_name(first) : "nothing wrong", also, (double)r->severity, column,
                       r->fallback ? " This looks like nothing seen in training: the rule on the belief speaks." : "",
                       r->abstain ? " Not sure enough to choose between restarting and not: observe one step longer." : "",
                       r->mask >> r->best & 1 ? "" : " The safety rules forbid the best action.");
}

void reco_decide(const struct model *m, const struct reco_session *s, struct safety *safety, int service, int64_t now_ms,
                 struct reco_twin *twin, struct reco *ret)
{
        const struct feat_tracker *t = &s->tracker;
        bool hung = safety && safety->service[service].hung;
        uint32_t possible = t->context.down > 0 && !hung ? 3u : (unsigned)ALL;
        const struct policy_input in = { t, s->obs, possible, -1 };

        memset(ret, 0, sizeof *ret);
        reco_values(m, t, ret->q, ret->columns);
        feat_state6(m->feat, t, ret->state6);
        for (int mode = 0; mode < MODE_COUNT; mode++) ret->belief[mode] = belief_mode(&t->belief, mode);
        ret->severity = belief_severity(&t->belief);
        ret->surprise = t->belief.surprise;
        ret->mask = safety ? safety_mask(safety, service, now_ms, ret->blocked_by) : possible;
        for (int a = 0; a < ACT_COUNT; a++)
                if (!(possible >> a & 1) && !ret->blocked_by[a]) ret->blocked_by[a] = SAFETY_DOWN, ret->mask &= ~(1u << a);

        ret->best = (enum sim_action)oracle_best(ret->q, possible);
        ret->hung = hung;
        ret->fallback = hung || (t->up && ((ret->surprise > m->calibration.surprise_max && m->calibration.surprise_max > 0) || seldom(m, t, (int)ret->best)));
        if (hung) {
                ret->best = ACT_SOFT; /* it ends what it can, and is killed if it does nothing; a stopped one is started */
        } else if (ret->fallback) {
                int action = rule_belief_decide(&m->fallback, &in, NULL);

                ret->best = (enum sim_action)(possible >> action & 1 ? action : ACT_IGNORE);
        }
        ret->decided_by = deciding_column(ret->columns[ret->best], ret->columns[runner_up(ret->q, ret->best, possible)]);
        ret->p_optimal = calibrate_p(&m->calibration, calibrate_score(ret->q, possible, t));
        ret->action_set = hung ? 1u << ACT_SOFT : calibrate_set(&m->calibration, ret->q, possible, t);
        if (ret->fallback) ret->p_optimal *= 0.5f; /* the calibration says nothing out here */
        ret->abstain = (ret->action_set & RESTARTS) && (ret->action_set & ~(uint32_t)RESTARTS);
        ret->action = ret->abstain ? ACT_DELAY : ret->best;
        /* Out there the values are guesses: when the rule's choice is forbidden, the next best of the table is not a choice. */
        if (!(ret->mask >> ret->action & 1)) ret->action = ret->fallback ? ACT_DELAY : (enum sim_action)oracle_best(ret->q, ret->mask);
        find_flips(m, s, ret);
        if (twin) {
                reco_twin_forecast(twin, t, s->steps, ret->forecast);
                ret->has_forecast = true;
        }
        if (hung) say_why_hung(ret);
        else say_why(ret);
}

int reco_policy_decide(const void *self, const struct policy_input *in, struct xoshiro *rng)
{
        const struct reco_policy *p = self;
        float q[ACT_COUNT], columns[ACT_COUNT][REW_COUNT];
        uint32_t set;

        (void)rng;
        reco_values(p->model, in->tracker, q, columns);
        if (!p->advise) return oracle_best(q, in->mask);
        if (in->tracker->up && in->tracker->belief.surprise > p->model->calibration.surprise_max && p->model->calibration.surprise_max > 0)
                return rule_belief_decide(&p->model->fallback, in, rng);
        set = calibrate_set(&p->model->calibration, q, in->mask, in->tracker);
        if ((set & RESTARTS) && (set & ~(uint32_t)RESTARTS)) return ACT_DELAY;
        return oracle_best(q, in->mask);
}
