#include "sut/loadgen/load_plan.h"

#include <math.h>

#include "common/base/attr.h"
#include "common/base/check.h"
#include "sut/loadgen/load_chance.h"

/* The rate is summed in steps of at most 10 ms with the rate at the middle of the step: exact for constant rates, and within
 * 0.001 of an arrival for the steepest ramp that the limits allow. */
#define PLAN_STEP_NS INT64_C(10000000)
#define PLAN_SECOND_NS 1e9

static double burst_rate(const struct load_profile *p, double since_s)
{
        if (p->burst_every_s > 0) since_s = fmod(since_s, MAX(p->burst_every_s, p->burst_s));
        return since_s < p->burst_s ? p->burst_rps : p->rps;
}

static double replay_rate(const struct load_profile *p, double since_s)
{
        if (p->replay_count == 0 || p->replay_step_s <= 0) return p->rps;
        return p->replay_rps[(size_t)(since_s / p->replay_step_s) % p->replay_count];
}

double load_profile_rate(const struct load_profile *p, double since_s)
{
        double rate = p->rps;

        switch (p->kind) {
        case LOAD_STEADY: break;
        case LOAD_RAMP:
                if (p->ramp_s <= 0 || since_s >= p->ramp_s) rate = p->ramp_rps;
                else rate = p->rps + (p->ramp_rps - p->rps) * since_s / p->ramp_s;
                break;
        case LOAD_WAVE:
                if (p->wave_s > 0) rate = p->rps + p->wave_rps * sin(2 * M_PI * since_s / p->wave_s);
                break;
        case LOAD_BURST: rate = burst_rate(p, since_s); break;
        case LOAD_REPLAY: rate = replay_rate(p, since_s); break;
        case LOAD_PROFILE_COUNT: CHECK(false);
        }
        return rate < 0 ? 0 : MIN(rate, LOAD_RPS_MAX);
}

/* How much expected arrivals lie between the last arrival and the next one. */
static void plan_draw(struct load_plan *plan)
{
        double unit = load_chance_unit(plan->seed, LOAD_STREAM_ARRIVAL, plan->arrival_count);

        if (plan->profile.arrival == LOAD_POISSON) {
                plan->need = -log1p(-unit);
                plan->slot_rest = 0;
        } else {
                plan->need = plan->slot_rest + unit;
                plan->slot_rest = 1 - unit;
        }
}

void load_plan_init(struct load_plan *plan, uint64_t seed, const struct load_profile *profile, int64_t now_ns)
{
        *plan = (struct load_plan){
                .profile = *profile, .seed = seed, .profile_start_ns = now_ns, .position_ns = now_ns};
        plan_draw(plan);
}

void load_plan_change(struct load_plan *plan, const struct load_profile *profile, int64_t now_ns)
{
        plan->profile = *profile;
        plan->profile_start_ns = now_ns;
        plan->position_ns = MAX(plan->position_ns, now_ns);
        plan->slot_rest = 0;
        plan_draw(plan);
}

bool load_plan_next(struct load_plan *plan, int64_t until_ns, int64_t *ret_ns)
{
        while (plan->position_ns < until_ns) {
                int64_t step_ns = MIN(PLAN_STEP_NS, until_ns - plan->position_ns);
                int64_t middle_ns = plan->position_ns - plan->profile_start_ns + step_ns / 2;
                double rate = load_profile_rate(&plan->profile, (double)middle_ns / PLAN_SECOND_NS);
                double passed = rate * (double)step_ns / PLAN_SECOND_NS;

                if (rate <= 0 || passed < plan->need) {
                        plan->need -= passed;
                        plan->position_ns += step_ns;
                        continue;
                }
                /* The arrival lies in this step; the rest of the step is summed by the next call. */
                plan->position_ns += MIN(step_ns, (int64_t)(plan->need / rate * PLAN_SECOND_NS));
                plan->arrival_count++;
                plan_draw(plan);
                *ret_ns = plan->position_ns;
                return true;
        }
        return false;
}
