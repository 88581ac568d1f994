#include "learn/train/tune.h"

#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"
#include "learn/env/env.h"

enum { ROWS = 64 };

const struct tune_rule tune_rule_tuned = { RULE_TUNED_PARAMS, rule_tuned_bounds, rule_tuned_decide };
const struct tune_rule tune_rule_belief = { RULE_BELIEF_PARAMS, rule_belief_bounds, rule_belief_decide };

enum err train_score(const struct sim_kernel *k, const struct policy *p, struct seed_train seed, uint32_t first, uint32_t episodes,
                     double *ret)
{
        AUTO(mem_free) struct feat_tracker *tracker = mem_aligned(64, ROWS * sizeof *tracker);
        AUTO(env_close) struct env_vec *v = NULL;
        const struct env_opts opts = { .kernel = k, .autoreset = ENV_SAME_STEP, .first_episode = first };
        struct xoshiro rng;
        double sum = 0;
        uint32_t done = 0;
        enum err e = env_make("sim1", ROWS, &opts, &v, NULL);

        if (e || !tracker) return e ? e : ERR_NOMEM;
        xoshiro_seed(&rng, seed.value);
        env_reset(v, seed.value, NULL);
        for (uint32_t i = 0; i < ROWS; i++) feat_start(p->feat, &tracker[i], v->obs + (size_t)i * OBS_COUNT);
        /* Whole generations of rows, so that short (terminated) episodes are not over-represented. */
        uint32_t last = first + (episodes + ROWS - 1) / ROWS * ROWS;

        while (done < last - first) {
                for (uint32_t i = 0; i < ROWS; i++) {
                        const struct policy_input in = { &tracker[i], v->obs + (size_t)i * OBS_COUNT, v->mask[i], -1 };

                        v->act[i] = (uint8_t)policy_decide(p, &in, &rng);
                }
                uint32_t playing[ROWS];

                memcpy(playing, v->episode, sizeof playing);
                env_step(v);
                for (uint32_t i = 0; i < ROWS; i++) {
                        if (v->terminated[i] || v->truncated[i]) {
                                if (playing[i] < last) sum += v->episode_return[i], done++;
                                feat_start(p->feat, &tracker[i], v->obs + (size_t)i * OBS_COUNT);
                        } else {
                                feat_update(p->feat, &tracker[i], v->act[i], v->obs + (size_t)i * OBS_COUNT);
                        }
                }
        }
        *ret = sum / done;
        return ERR_OK;
}

static enum err judge(const struct tune_setup *setup, const struct tune_rule *rule, const float *params, uint32_t episodes, double *ret)
{
        const struct policy p = { "candidate", rule->decide, params, setup->feat, false };

        if (setup->stop && setup->stop(setup->context)) return ERR_STATE;
        return train_score(setup->kernel, &p, setup->seed, 0, episodes, ret);
}

/* Half the candidates wander near the best so far, half are drawn anew. */
static void draw(const struct tune_rule *rule, struct xoshiro *rng, const float *best, bool near, float *ret)
{
        for (int i = 0; i < rule->params; i++) {
                float lo, hi, u = xoshiro_float(rng);

                rule->bounds(i, &lo, &hi);
                ret[i] = lo + u * (hi - lo);
                if (near) ret[i] = best[i] + (u - 0.5f) * 0.3f * (hi - lo);
                if (near && xoshiro_float(rng) < 0.5f) ret[i] = best[i];
                ret[i] = ret[i] < lo ? lo : ret[i] > hi ? hi : ret[i];
        }
}

enum err tune_search(const struct tune_setup *setup, const struct tune_rule *rule, float *ret_params, double *ret_reward)
{
        float best[TUNE_PARAMS_MAX] = { 0 }, candidate[TUNE_PARAMS_MAX];
        double best_reward = -1e30, reward;
        struct xoshiro rng;

        CHECK(rule->params <= TUNE_PARAMS_MAX && seed_kind_of(setup->seed.value) == SEED_train);
        xoshiro_seed(&rng, setup->seed.value + 17);
        for (uint32_t i = 0; i < setup->candidates; i++) {
                enum err e;

                draw(rule, &rng, best, i > setup->candidates / 3 && i % 4 != 0, candidate);
                e = judge(setup, rule, candidate, setup->episodes, &reward);
                if (e) return e;
                if (reward <= best_reward - 3) continue;
                /* Near or better: judged again on more episodes before it may replace the best. */
                e = judge(setup, rule, candidate, setup->episodes * 10, &reward);
                if (e) return e;
                if (reward > best_reward) {
                        best_reward = reward;
                        memcpy(best, candidate, sizeof best);
                }
        }
        memcpy(ret_params, best, (size_t)rule->params * sizeof *best);
        *ret_reward = best_reward;
        return ERR_OK;
}
