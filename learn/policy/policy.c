#include "learn/policy/policy.h"

#include "common/base/check.h"

const struct rule_literal rule_literal_default = { .error_max = .10f, .latency_low_ms = 60.0f, .restarts_max = 2 };

int policy_random_decide(const void *self, const struct policy_input *in, struct xoshiro *rng)
{
        (void)self;
        for (;;) {
                int a = (int)xoshiro_below(rng, ACT_COUNT);

                if (in->mask >> a & 1) return a;
        }
}

int policy_constant_decide(const void *self, const struct policy_input *in, struct xoshiro *rng)
{
        (void)in, (void)rng;
        return *(const int *)self;
}

int rule_literal_decide(const void *self, const struct policy_input *in, struct xoshiro *rng)
{
        const struct rule_literal *r = self;

        (void)rng;
        if (in->obs[OBS_UP] < 0.5f) return ACT_IGNORE;
        if (in->obs[OBS_RESTARTS] > (float)r->restarts_max) return ACT_DELAY;
        if (in->obs[OBS_LATENCY] < r->latency_low_ms) return ACT_IGNORE;
        return in->obs[OBS_ERROR] > r->error_max ? ACT_SOFT : ACT_IGNORE;
}

void rule_tuned_bounds(int index, float *ret_lo, float *ret_hi)
{
        static const float bounds[][2] = {
#define X(name, lo, hi) { lo, hi },
                RULE_TUNED_LIST(X)
#undef X
        };

        CHECK(index >= 0 && index < RULE_TUNED_PARAMS);
        *ret_lo = bounds[index][0];
        *ret_hi = bounds[index][1];
}

void rule_belief_bounds(int index, float *ret_lo, float *ret_hi)
{
        static const float bounds[][2] = {
#define X(name, lo, hi) { lo, hi },
                RULE_BELIEF_LIST(X)
#undef X
        };

        CHECK(index >= 0 && index < RULE_BELIEF_PARAMS);
        *ret_lo = bounds[index][0];
        *ret_hi = bounds[index][1];
}

int rule_tuned_decide(const void *self, const struct policy_input *in, struct xoshiro *rng)
{
        const struct rule_tuned *r = self;
        const float *mean = in->tracker->mean;
        bool may = in->obs[OBS_RESTARTS] < r->restarts_max;

        (void)rng;
        if (in->obs[OBS_UP] < 0.5f) return ACT_IGNORE;
        if (mean[0] > r->leak_error && mean[3] > r->leak_memory && may) return mean[0] > r->hard_error ? ACT_HARD : ACT_SOFT;
        if (mean[0] > r->shed_error && mean[1] > r->shed_latency && in->obs[OBS_LOAD] > 0.5f) return ACT_REDUCE;
        if (mean[0] > r->blind_error && may) return ACT_SOFT;
        return mean[0] > r->watch_error ? ACT_DELAY : ACT_IGNORE;
}

int rule_belief_decide(const void *self, const struct policy_input *in, struct xoshiro *rng)
{
        const struct rule_belief *r = self;
        const struct belief *b = &in->tracker->belief;
        float severity = belief_severity(b), nothing = belief_mode(b, MODE_NONE), most = 0;

        (void)rng;
        if (in->obs[OBS_UP] < 0.5f) return ACT_IGNORE;
        if (belief_mode(b, MODE_ESCALATING) > r->p_leak && in->obs[OBS_RESTARTS] < r->restarts_max)
                return severity > r->sev_hard ? ACT_HARD : ACT_SOFT;
        if (belief_mode(b, MODE_LOAD) > r->p_load && severity > r->sev_shed) return ACT_REDUCE;
        if (belief_mode(b, MODE_SENSITIVE) > r->p_rebuild) return ACT_DELAY;
        for (int m = 0; m < MODE_COUNT; m++) {
                float p = belief_mode(b, m);

                most = p > most ? p : most;
        }
        return nothing < 0.5f && most < r->p_unsure ? ACT_DELAY : ACT_IGNORE;
}

int policy_clairvoyant_decide(const void *self, const struct policy_input *in, struct xoshiro *rng)
{
        const struct oracle *o = self;

        (void)rng;
        CHECK(in->true_state >= 0);
        return oracle_best(o->q[in->true_state], in->mask);
}

void qmdp_values(const struct oracle *o, const struct feat_tracker *t, float ret[ACT_COUNT])
{
        struct sim_state s = t->context;

        for (int a = 0; a < ACT_COUNT; a++) ret[a] = 0;
        s.cell = 0;
        int base = sim_index(&s);

        for (int c = 0; c < SIM_CELLS; c++)
                for (int a = 0; a < ACT_COUNT; a++) ret[a] += t->belief.p[c] * o->q[base + c][a];
}

int policy_qmdp_decide(const void *self, const struct policy_input *in, struct xoshiro *rng)
{
        float q[ACT_COUNT];

        (void)rng;
        qmdp_values(self, in->tracker, q);
        return oracle_best(q, in->mask);
}

int qtab_best(const struct qtab *t, int cell, uint32_t mask)
{
        float q[ACT_COUNT];

        qtab_values(t, cell, q);
        return oracle_best(q, mask);
}

int qtab_decide(const void *self, const struct policy_input *in, struct xoshiro *rng)
{
        const struct qtab_policy *p = self;

        (void)rng;
        return qtab_best(p->table, feat_cell(p->feat, in->tracker), in->mask);
}
