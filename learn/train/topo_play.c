/* Playing the twelve services: batches of rows of sim12, each with its own trackers. */
#include "learn/train/topo_play.h"

#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"

enum err topo_rows_new(const struct sim_kernel *k, struct topo_rows **ret)
{
        AUTO(topo_rows_free) struct topo_rows *r = mem_aligned(64, sizeof *r);
        enum err e;

        if (!r) return ERR_NOMEM;
        e = sim12_new(k, TOPO_ROWS, ISA_BEST, &r->sim);
        if (e) return e;
        r->out = (struct sim12_out){ &r->obs[0][0], r->reward, r->columns, r->terminated, r->mask, r->mask_target, &r->by_service[0][0] };
        *ret = take(&r);
        return ERR_OK;
}

void topo_rows_free(struct topo_rows *r)
{
        if (!r) return;
        sim12_free(r->sim);
        mem_free(r);
}

void topo_row_start(struct topo_rows *r, const struct topo_feat *tf, uint32_t i, uint64_t seed, uint32_t episode)
{
        sim12_start(r->sim, i, seed, episode, &r->out);
        if (tf) topo_start(tf, &r->state[i], r->obs[i]);
        r->t[i] = 0;
        r->act[i] = ACT_IGNORE;
        r->target[i] = 0;
}

void topo_rows_step(struct topo_rows *r, const struct topo_feat *tf)
{
        memcpy(r->mask_before, r->mask, sizeof r->mask);
        memcpy(r->mask_target_before, r->mask_target, sizeof r->mask_target);
        sim12_step(r->sim, 0, TOPO_ROWS, r->act, r->target, &r->out);
        for (uint32_t i = 0; i < TOPO_ROWS; i++) {
                r->t[i]++;
                if (tf) topo_update(tf, &r->state[i], r->act[i], r->target[i], r->mask_before[i], r->mask_target_before[i], r->obs[i]);
        }
}

static void record_step(const struct topo_run *run, struct topo_rows *r, uint32_t i, struct topo_record *to)
{
        struct sim_state one;

        to->reward += r->reward[i];
        to->died |= r->terminated[i];
        for (int svc = 0; svc < SIM12_SERVICES; svc++) {
                sim1_peek(r->sim->service[svc], i, &one);
                to->unstable = (uint16_t)(to->unstable + !sim_in_slo(run->kernel, &one));
        }
}

static void record_choice(struct topo_rows *r, uint32_t i, struct topo_choice c, struct topo_record *to)
{
        bool legal = (r->mask[i] >> c.action & 1) && (r->mask_target[i] >> c.target & 1);
        struct sim_state one;

        r->act[i] = (uint8_t)c.action;
        r->target[i] = (uint16_t)c.target;
        if (!legal || c.action == ACT_IGNORE) return;
        sim1_peek(r->sim->service[c.target], i, &one);
        to->actions++;
        to->restarts = (uint16_t)(to->restarts + (c.action >= ACT_SOFT));
        to->astray = (uint16_t)(to->astray + (c.action >= ACT_SOFT && one.cell / SIM_SEVS != MODE_ESCALATING));
}

enum err topo_play(const struct topo_run *run, topo_decide_fn *decide, const void *self, struct topo_record *ret)
{
        AUTO(topo_rows_free) struct topo_rows *r = NULL;
        enum err e = topo_rows_new(run->kernel, &r);

        if (e) return e;
        memset(ret, 0, run->episodes * sizeof *ret);
        for (uint32_t done = 0; done < run->episodes; done += TOPO_ROWS) {
                uint32_t count = MIN(run->episodes - done, (uint32_t)TOPO_ROWS);
                bool over[TOPO_ROWS] = { false };

                if (run->stop && run->stop(run->context)) return ERR_STATE;
                for (uint32_t i = 0; i < TOPO_ROWS; i++) topo_row_start(r, run->feat, i, run->seed, run->first + done + i);
                for (int t = 0; t < TOPO_STEPS; t++) {
                        for (uint32_t i = 0; i < count; i++) {
                                const struct topo_input in = { &r->state[i], r->obs[i], r->mask[i], r->mask_target[i], run->clairvoyant ? r->sim : NULL, i };

                                if (!over[i]) record_choice(r, i, decide(self, &in), &ret[done + i]);
                                else r->act[i] = ACT_IGNORE;
                        }
                        topo_rows_step(r, run->feat);
                        for (uint32_t i = 0; i < count; i++) {
                                if (over[i]) continue;
                                record_step(run, r, i, &ret[done + i]);
                                over[i] = r->terminated[i];
                        }
                }
        }
        return ERR_OK;
}

enum err topo_tune(const struct topo_setup *setup, const struct topo_feat *tf, uint32_t candidates, void (*bounds)(int index, float *lo, float *hi),
                   struct topo_rule *rule, double *ret_reward)
{
        AUTO(mem_free) struct topo_record *records = mem_zalloc(setup->episodes, sizeof *records);
        const struct topo_run run = { .kernel = setup->kernel, .feat = tf, .seed = setup->seed.value, .episodes = setup->episodes, .stop = setup->stop,
                                      .context = setup->context };
        struct topo_rule best = *rule;
        double best_reward = -1e30;
        struct xoshiro rng;

        if (!records) return ERR_NOMEM;
        xoshiro_seed(&rng, setup->seed.value + 29);
        for (uint32_t k = 0; k < candidates; k++) {
                struct topo_rule candidate = best;
                bool near = k > candidates / 3 && k % 4 != 0;
                double sum = 0;
                enum err e;

                for (int i = 0; i <= rule->count; i++) {
                        float lo = 0.05f, hi = 1.2f, u = xoshiro_float(&rng), *to = i < rule->count ? &candidate.params[i] : &candidate.root_error;

                        if (i < rule->count) bounds(i, &lo, &hi);
                        if (!near) *to = lo + u * (hi - lo);
                        else if (xoshiro_float(&rng) < 0.5f) *to += (u - 0.5f) * 0.3f * (hi - lo);
                        *to = *to < lo ? lo : *to > hi ? hi : *to;
                }
                e = topo_play(&run, topo_rule_decide, &candidate, records);
                if (e) return e;
                for (uint32_t i = 0; i < setup->episodes; i++) sum += (double)records[i].reward;
                if (sum / setup->episodes > best_reward) best_reward = sum / setup->episodes, best = candidate;
                if (setup->progress) setup->progress(setup->context, k + 1);
        }
        *rule = best;
        *ret_reward = best_reward;
        return ERR_OK;
}
