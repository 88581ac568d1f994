/* The topology's two phases: fitting the filters, learning the tables. */
#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "learn/train/topo_play.h"

/* --- phase one --- */

struct counts {
        struct belief_counts stress[TOPO_STRESSES], all;
};

static int true_stress(const struct sim_state *now, int svc)
{
        int stress = 0;

        for (int c = 0; c < SIM12_SERVICES; c++) {
                int sev = now[c].cell % SIM_SEVS, here = now[c].down > 0 ? 2 : (sev >= 2) + (sev >= 5);

                if (sim12_calls(svc, c) && here > stress) stress = here;
        }
        return stress;
}

static void peek_all(const struct topo_rows *r, uint32_t i, struct sim_state *ret)
{
        for (int svc = 0; svc < SIM12_SERVICES; svc++) sim1_peek(r->sim->service[svc], i, &ret[svc]);
}

static void count_row(const struct topo_rows *r, uint32_t i, const struct sim_state *before, const struct sim_state *after, struct counts *c)
{
        for (int svc = 0; svc < SIM12_SERVICES; svc++) {
                const struct sim_state *b = &before[svc], *a = &after[svc];
                bool acted = svc == r->target[i] && (r->mask_before[i] >> r->act[i] & 1) && (r->mask_target_before[i] >> svc & 1);
                int action = acted ? r->act[i] : ACT_IGNORE, stress = true_stress(before, svc);
                bool up = b->down == 0, crash = a->down == 4;
                int pressure = sim_pressure(b->load, up && action == ACT_REDUCE ? 1 : b->shed, b->cold), kind = up ? action : (int)KIND_DOWN;
                const float *obs = r->obs[i] + svc * OBS_COUNT;

                belief_count_move(&c->stress[stress], kind, pressure, b->cell, a->cell, crash);
                belief_count_move(&c->all, kind, pressure, b->cell, a->cell, crash);
                if (a->down == 0 && action != ACT_DELAY) belief_count_obs(&c->all, a->cell, sim_pressure(a->load, a->shed, a->cold), obs);
        }
}

enum err topo_fit(const struct topo_setup *setup, struct topo_feat *ret)
{
        AUTO(topo_rows_free) struct topo_rows *r = NULL;
        AUTO(mem_free) struct counts *c = mem_zalloc(1, sizeof *c);
        struct belief_params all;
        struct xoshiro rng;
        uint32_t episode = 0;
        enum err e = c ? topo_rows_new(setup->kernel, &r) : ERR_NOMEM;

        if (e) return e;
        xoshiro_seed(&rng, setup->seed.value + 5);
        for (uint32_t i = 0; i < TOPO_ROWS; i++) topo_row_start(r, NULL, i, setup->seed.value, episode++);
        for (uint64_t step = 0; step < (uint64_t)setup->episodes * TOPO_STEPS / TOPO_ROWS; step++) {
                struct sim_state before[TOPO_ROWS][SIM12_SERVICES], after[SIM12_SERVICES];

                if (setup->stop && step % 64 == 0 && setup->stop(setup->context)) return ERR_STATE;
                for (uint32_t i = 0; i < TOPO_ROWS; i++) {
                        peek_all(r, i, before[i]);
                        r->act[i] = xoshiro_below(&rng, 2) ? (uint8_t)xoshiro_below(&rng, ACT_COUNT) : (uint8_t)ACT_IGNORE;
                        r->target[i] = (uint16_t)xoshiro_below(&rng, SIM12_SERVICES);
                }
                topo_rows_step(r, NULL);
                for (uint32_t i = 0; i < TOPO_ROWS; i++) {
                        peek_all(r, i, after);
                        if (!r->terminated[i]) count_row(r, i, before[i], after, c);
                        if (r->terminated[i] || r->t[i] == TOPO_STEPS) topo_row_start(r, NULL, i, setup->seed.value, episode++);
                }
        }
        belief_fit(&c->all, &all);
        for (int s = 0; s < TOPO_STRESSES; s++) {
                struct belief_params *to = &ret->stress[s].belief;

                ret->stress[s] = *setup->edges;
                belief_fit(&c->stress[s], to);
                /* What a cell looks like does not depend on its callees. */
                memcpy(to->mean, all.mean, sizeof all.mean);
                memcpy(to->precision, all.precision, sizeof all.precision);
                memcpy(to->weight, all.weight, sizeof all.weight);
                memcpy(to->after_crash, all.after_crash, sizeof all.after_crash);
        }
        return ERR_OK;
}

/* --- phase two --- */

#define GAMMA 0.94f
#define CENTRE_RATE 1e-3f

/* A service's decision whose reward is still coming in. */
struct wait {
        int cell, action; /* cell < 0: none */
        float reward, discount;
};

struct learner {
        struct topo_rows *rows;
        struct topo_table *table[2];
        uint32_t (*visits)[TOPO_CELLS][ACT_COUNT]; /* [SIM12_SERVICES] */
        struct wait wait[TOPO_ROWS][SIM12_SERVICES];
        float centre[SIM12_SERVICES], own[SIM12_SERVICES]; /* running means: of what a service is credited with, of its own reward */
        float floor, epsilon;
        bool dependant[SIM12_SERVICES][SIM12_SERVICES]; /* [service][who depends on it] */
        struct xoshiro rng;
};

static void learner_free(struct learner *l)
{
        if (!l) return;
        topo_rows_free(l->rows);
        mem_free(l->table[0]);
        mem_free(l->table[1]);
        mem_free(l->visits);
        mem_free(l);
}
AUTO_DEFINE(struct learner, learner_free)

static enum err learner_new(const struct topo_setup *setup, const struct qtab *start, struct learner **ret)
{
        AUTO(learner_free) struct learner *l = mem_aligned(64, sizeof *l);

        if (!l) return ERR_NOMEM;
        for (int t = 0; t < 2; t++) {
                l->table[t] = mem_zalloc(1, sizeof *l->table[t]);
                if (!l->table[t]) return ERR_NOMEM;
                for (int svc = 0; svc < SIM12_SERVICES && start; svc++)
                        for (int cell = 0; sim12_targetable(svc) && cell < TOPO_CELLS; cell++)
                                for (int a = 0; a < ACT_COUNT; a++) l->table[t]->q[svc][cell][a] = sim12_weight(svc) * qtab_value(start, cell / TOPO_STRESSES, a);
        }
        l->visits = mem_zalloc(SIM12_SERVICES, sizeof *l->visits);
        if (!l->visits) return ERR_NOMEM;
        for (int s = 0; s < SIM12_SERVICES; s++)
                for (int c = 0; c < SIM12_SERVICES; c++) l->dependant[s][c] = sim12_depends(c, s);
        xoshiro_seed(&l->rng, setup->seed.value * 2 + 7);
        enum err e = topo_rows_new(setup->kernel, &l->rows);

        if (!e) *ret = take(&l);
        return e;
}

/* (1 + n)^-0.5, not below the floor. */
static float step_size(const struct learner *l, uint32_t n)
{
        float a = 1.0f / __builtin_sqrtf(1.0f + (float)n);

        return a > l->floor ? a : l->floor;
}

/* cell_next < 0: the topology is lost, for ever minus the mean. */
static void learn_one(struct learner *l, int svc, struct wait *w, int cell_next)
{
        int pick = (int)(xoshiro_next(&l->rng) >> 63);
        float (*learn)[ACT_COUNT] = l->table[pick]->q[svc], (*judge)[ACT_COUNT] = l->table[!pick]->q[svc], target = w->reward;
        uint32_t *n = &l->visits[svc][w->cell][w->action];

        target += w->discount * (cell_next < 0 ? -l->centre[svc] / (1 - GAMMA) : judge[cell_next][oracle_best(learn[cell_next], ~0u)]);
        learn[w->cell][w->action] += step_size(l, *n / 2) * (target - learn[w->cell][w->action]);
        (*n)++;
        w->cell = -1;
}

static void choose(struct learner *l, const struct topo_feat *tf, uint32_t i)
{
        struct topo_rows *r = l->rows;
        const struct topo_learned both[2] = { { l->table[0], tf }, { l->table[1], tf } };
        const struct topo_input in = { &r->state[i], r->obs[i], r->mask[i], r->mask_target[i], NULL, 0 };
        struct topo_choice c;

        if (xoshiro_float(&l->rng) < l->epsilon) c = (struct topo_choice){ (int)xoshiro_below(&l->rng, ACT_COUNT), (int)xoshiro_below(&l->rng, SIM12_SERVICES) };
        else c = topo_learned_decide(&both[xoshiro_next(&l->rng) >> 63], &in);
        r->act[i] = (uint8_t)c.action;
        r->target[i] = (uint16_t)c.target;
        for (int svc = 0; svc < SIM12_SERVICES; svc++) {
                struct wait *w = &l->wait[i][svc];
                int cell;

                if (!sim12_targetable(svc) || r->state[i].tracker[svc].context.down > 0) continue;
                cell = feat_cell(&tf->stress[0], &r->state[i].tracker[svc]) * TOPO_STRESSES + r->state[i].stress[svc];
                if (w->cell >= 0) learn_one(l, svc, w, cell);
                bool acted = svc == c.target && (r->mask[i] >> c.action & 1) && (r->mask_target[i] >> svc & 1);

                *w = (struct wait){ cell, acted ? c.action : ACT_IGNORE, 0, 1 };
        }
}

/* A service answers for its own reward, and for what it costs those that depend on it: as far as it is believed sick and they to suffer
 * from a callee. (Their whole reward would drown it in their own faults.) */
static float credited(const struct learner *l, uint32_t i, int svc)
{
        const struct topo_rows *r = l->rows;
        float sick = 1 - belief_mode(&r->state[i].tracker[svc].belief, MODE_NONE), sum = r->by_service[i][svc];

        for (int c = 0; c < SIM12_SERVICES; c++) {
                if (!l->dependant[svc][c]) continue;
                sum += sick * belief_mode(&r->state[i].tracker[c].belief, MODE_CASCADING) * (r->by_service[i][c] - l->own[c]);
        }
        return sum;
}

static void feel(struct learner *l, uint32_t i)
{
        const struct topo_rows *r = l->rows;

        for (int c = 0; c < SIM12_SERVICES; c++) l->own[c] += CENTRE_RATE / TOPO_ROWS * (r->by_service[i][c] - l->own[c]);
        for (int svc = 0; svc < SIM12_SERVICES; svc++) {
                struct wait *w = &l->wait[i][svc];
                float reward;

                if (!sim12_targetable(svc)) continue;
                reward = credited(l, i, svc);
                l->centre[svc] += CENTRE_RATE / TOPO_ROWS * (reward - l->centre[svc]);
                if (w->cell < 0) continue;
                w->reward += w->discount * (reward - l->centre[svc]);
                w->discount *= GAMMA;
                if (r->terminated[i]) learn_one(l, svc, w, -1);
        }
}

static void row_restart(struct learner *l, const struct topo_feat *tf, uint32_t i, uint64_t seed, uint32_t episode)
{
        topo_row_start(l->rows, tf, i, seed, episode);
        /* At the time limit the waiting decisions have no state to go on from and are dropped rather than taken for an end. */
        for (int svc = 0; svc < SIM12_SERVICES; svc++) l->wait[i][svc].cell = -1;
}

enum err topo_learn(const struct topo_setup *setup, const struct topo_feat *tf, const struct qtab *start, struct topo_table *ret)
{
        AUTO(learner_free) struct learner *l = NULL;
        uint32_t episode = 0, ended = 0;
        enum err e = learner_new(setup, start, &l);

        if (e) return e;
        for (uint32_t i = 0; i < TOPO_ROWS; i++) row_restart(l, tf, i, setup->seed.value, episode++);
        for (uint64_t step = 0; ended < setup->episodes; step++) {
                float done = (float)ended / (float)setup->episodes;

                if (step % 16 == 0) {
                        if (setup->stop && setup->stop(setup->context)) break; /* what was learned so far is kept */
                        if (setup->progress) setup->progress(setup->context, ended);
                        l->epsilon = 0.30f - 0.25f * (done < 0.6f ? done / 0.6f : 1);
                        l->floor = 0.0005f + 0.03f * (1 - done) * (1 - done);
                }
                for (uint32_t i = 0; i < TOPO_ROWS; i++) choose(l, tf, i);
                topo_rows_step(l->rows, tf);
                for (uint32_t i = 0; i < TOPO_ROWS; i++) {
                        feel(l, i);
                        if (!l->rows->terminated[i] && l->rows->t[i] < TOPO_STEPS) continue;
                        row_restart(l, tf, i, setup->seed.value, episode++);
                        ended++;
                }
        }
        for (int svc = 0; svc < SIM12_SERVICES; svc++)
                for (int cell = 0; cell < TOPO_CELLS; cell++)
                        for (int a = 0; a < ACT_COUNT; a++) ret->q[svc][cell][a] = 0.5f * (l->table[0]->q[svc][cell][a] + l->table[1]->q[svc][cell][a]);
        return ERR_OK;
}
