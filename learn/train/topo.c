#include "learn/train/topo.h"

#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "learn/env/env.h"

static int callees_stress(const struct topo_state *s, int svc)
{
        int stress = 0;

        for (int c = 0; c < SIM12_SERVICES; c++) {
                float severity;
                int here;

                if (!sim12_calls(svc, c)) continue;
                severity = belief_severity(&s->tracker[c].belief);
                here = !s->tracker[c].up || severity >= 4.5f ? 2 : severity >= 1.5f;
                stress = here > stress ? here : stress;
        }
        return stress;
}

void topo_start(const struct topo_feat *tf, struct topo_state *s, const float *obs)
{
        for (int svc = 0; svc < SIM12_SERVICES; svc++) {
                feat_start(&tf->stress[0], &s->tracker[svc], obs + svc * OBS_COUNT);
                s->stress[svc] = 0;
        }
}

static int action_on(int svc, int action, int target, uint32_t mask, uint32_t mask_target)
{
        return svc == target && (mask >> action & 1) && (mask_target >> svc & 1) ? action : ACT_IGNORE;
}

void topo_update(const struct topo_feat *tf, struct topo_state *s, int action, int target, uint32_t mask, uint32_t mask_target, const float *obs)
{
        for (int svc = 0; svc < SIM12_SERVICES; svc++)
                feat_update(&tf->stress[s->stress[svc]], &s->tracker[svc], action_on(svc, action, target, mask, mask_target), obs + svc * OBS_COUNT);
        for (int svc = 0; svc < SIM12_SERVICES; svc++) s->stress[svc] = callees_stress(s, svc);
}

struct topo_choice topo_ignore_decide(const void *self, const struct topo_input *in)
{
        (void)self, (void)in;
        return (struct topo_choice){ ACT_IGNORE, 0 };
}

struct topo_choice topo_rule_decide(const void *self, const struct topo_input *in)
{
        const struct topo_rule *r = self;
        struct topo_choice best = { ACT_IGNORE, 0 };
        float best_worth = 0;

        for (int svc = 0; svc < SIM12_SERVICES; svc++) {
                const struct feat_tracker *t = &in->state->tracker[svc];
                const struct policy_input one = { t, in->obs + svc * OBS_COUNT, in->mask, -1 };
                bool waits = false;
                float worth;
                int action;

                if (!(in->mask_target >> svc & 1)) continue;
                for (int c = 0; c < SIM12_SERVICES; c++) waits |= sim12_calls(svc, c) && in->state->tracker[c].mean[0] > r->root_error;
                if (waits) continue;
                action = r->decide(r->params, &one, NULL);
                worth = (action == ACT_DELAY ? 0.001f : 1.0f) * (0.01f + t->mean[0]) * (0.05f + sim12_weight(svc));
                if (action == ACT_IGNORE || !(in->mask >> action & 1) || worth <= best_worth) continue;
                best = (struct topo_choice){ action, svc };
                best_worth = worth;
        }
        return best;
}

/* The best advantage over ignoring. */
static void consider(struct topo_choice *best, float *best_gain, const float q[ACT_COUNT], uint32_t mask, float scale, int svc)
{
        for (int a = ACT_DELAY; a < ACT_COUNT; a++) {
                float gain = scale * (q[a] - q[ACT_IGNORE]);

                if (!(mask >> a & 1) || gain <= *best_gain) continue;
                *best_gain = gain;
                *best = (struct topo_choice){ a, svc };
        }
}

static int cell_of(const struct topo_feat *tf, const struct topo_state *s, int svc)
{
        return feat_cell(&tf->stress[0], &s->tracker[svc]) * TOPO_STRESSES + s->stress[svc];
}

struct topo_choice topo_learned_decide(const void *self, const struct topo_input *in)
{
        const struct topo_learned *l = self;
        struct topo_choice best = { ACT_IGNORE, 0 };
        float gain = 0;

        for (int svc = 0; svc < SIM12_SERVICES; svc++)
                if (in->mask_target >> svc & 1) consider(&best, &gain, l->table->q[svc][cell_of(l->feat, in->state, svc)], in->mask, 1, svc);
        return best;
}

struct topo_choice topo_clairvoyant_decide(const void *self, const struct topo_input *in)
{
        const struct oracle *o = self;
        struct topo_choice best = { ACT_IGNORE, 0 };
        float gain = 0;

        CHECK(in->truth);
        for (int svc = 0; svc < SIM12_SERVICES; svc++) {
                float weight = sim12_weight(svc);
                struct sim_state one;

                sim1_peek(in->truth->service[svc], in->row, &one);
                if (!(in->mask_target >> svc & 1) || one.cell / SIM_SEVS == MODE_CASCADING) continue;
                for (int c = 0; c < SIM12_SERVICES; c++) weight += sim12_depends(c, svc) ? 0.5f * sim12_weight(c) : 0;
                consider(&best, &gain, o->q[sim_index(&one)], in->mask, weight, svc);
        }
        return best;
}
