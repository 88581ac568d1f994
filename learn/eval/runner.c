#include "learn/eval/runner.h"

#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"

enum { BATCH = 64 };

/* The incident of a row, while it lasts. */
struct watch {
        int onset, calm, mode, recovered_at, recovered_mode;
        bool open;
};

struct rows {
        struct feat_tracker tracker[BATCH], exact[BATCH];
        struct xoshiro rng[BATCH];
        struct watch watch[BATCH];
        bool over[BATCH];
};

static void record_duration(struct run_record *r, int steps, bool censored)
{
        int at = r->incidents - 1;

        if (at >= RUN_INCIDENTS_MAX) return;
        r->duration[at] = (uint8_t)MIN(steps, 255);
        r->censored[at] = censored;
}

static void watch_step(struct watch *w, struct run_record *r, const struct env_truth *truth, int load, int t)
{
        if (!truth->in_slo) r->unstable++;
        if (!w->open && !truth->in_slo) {
                *w = (struct watch){ .onset = t, .open = true, .mode = truth->mode, .recovered_at = w->recovered_at, .recovered_mode = w->recovered_mode };
                r->incidents++;
                record_duration(r, 0, true);
                if (r->incidents == 1 && truth->mode > 0) r->stratum = (uint8_t)((truth->mode - 1) * SIM_LOADS + load + 1);
                if (w->recovered_at > 0 && truth->mode == w->recovered_mode && t - w->recovered_at <= RUN_RELAPSE) r->relapses++;
        }
        if (!w->open) return;
        if (truth->mode > 0) w->mode = truth->mode;
        w->calm = truth->in_slo ? w->calm + 1 : 0;
        if (w->calm < RUN_STABLE) {
                record_duration(r, t - w->onset + 1, true);
                return;
        }
        record_duration(r, t - RUN_STABLE + 1 - w->onset, false);
        r->recoveries++;
        w->open = false;
        w->recovered_at = t;
        w->recovered_mode = w->mode;
}

static void verdict(const struct run_setup *setup, const struct feat_tracker *exact, const struct env_truth *truth, uint32_t mask,
                    int action, struct run_record *r)
{
        const float *q = setup->oracle->q[truth->state];
        float ex_ante[ACT_COUNT];
        uint32_t gentle = mask & ~(1u << ACT_SOFT | 1u << ACT_HARD);

        if (action < ACT_SOFT) return;
        if (q[oracle_best(q, gentle)] >= q[action]) r->unnecessary++;
        qmdp_values(setup->oracle, exact, ex_ante);
        if (ex_ante[oracle_best(ex_ante, gentle)] >= ex_ante[action]) r->unnecessary_ex_ante++;
}

static void batch_start(const struct run_setup *setup, const struct policy *policy, struct env_vec *v, struct rows *rows,
                        struct run_record *records, uint32_t count)
{
        env_reset(v, setup->seed.value, NULL);
        memset(records, 0, count * sizeof *records);
        memset(rows->watch, 0, sizeof rows->watch);
        for (uint32_t i = 0; i < count; i++) {
                feat_start(policy->feat, &rows->tracker[i], v->obs + (size_t)i * OBS_COUNT);
                feat_start(setup->exact, &rows->exact[i], v->obs + (size_t)i * OBS_COUNT);
                xoshiro_seed(&rows->rng[i], setup->seed.value ^ ((uint64_t)v->episode[i] << 20));
                rows->over[i] = false;
        }
}

static void batch_act(const struct run_setup *setup, const struct policy *policy, struct env_vec *v, struct rows *rows,
                      struct run_record *records, uint32_t count)
{
        for (uint32_t i = 0; i < count; i++) {
                struct env_truth truth;

                if (rows->over[i]) {
                        v->act[i] = ACT_IGNORE;
                        continue;
                }
                env_truth_peek(v, i, 0, &truth);
                const struct policy_input in = { &rows->tracker[i], v->obs + (size_t)i * OBS_COUNT, v->mask[i],
                                                 policy->clairvoyant ? truth.state : -1 };
                int action = policy_decide(policy, &in, &rows->rng[i]);

                v->act[i] = (uint8_t)action;
                records[i].actions[action]++;
                verdict(setup, &rows->exact[i], &truth, v->mask[i], action, &records[i]);
        }
}

static bool batch_learn(const struct run_setup *setup, const struct policy *policy, struct env_vec *v, struct rows *rows,
                        struct run_record *records, uint32_t count)
{
        bool running = false;

        for (uint32_t i = 0; i < count; i++) {
                const float *obs = v->obs + (size_t)i * OBS_COUNT;
                struct run_record *r = &records[i];
                struct env_truth truth;

                if (rows->over[i]) continue;
                r->reward += v->reward[i];
                for (int c = 0; c < REW_COUNT; c++) r->columns[c] += v->columns[i][c];
                r->crashes += v->columns[i][REW_STABILITY] <= -setup->kernel->w.crash && setup->kernel->w.crash > 0;
                env_truth_peek(v, i, 0, &truth);
                watch_step(&rows->watch[i], r, &truth, (int)obs[OBS_LOAD], (int)v->t[i]);
                feat_update(policy->feat, &rows->tracker[i], v->act[i], obs);
                feat_update(setup->exact, &rows->exact[i], v->act[i], obs);
                rows->over[i] = v->terminated[i] || v->truncated[i];
                if (v->terminated[i]) {
                        r->died = 1; /* never stable again: censored at the time limit, not at its death */
                        record_duration(r, (int)v->spec->max_steps - rows->watch[i].onset, true);
                        r->unstable = (uint16_t)(r->unstable + v->spec->max_steps - v->t[i]);
                }
                running |= !rows->over[i];
        }
        return running;
}

enum err run_policy(const struct run_setup *setup, const struct policy *policy, struct run_record *ret_records)
{
        AUTO(mem_free) struct rows *rows = NULL;

        CHECK(setup->episodes <= RUN_EPISODES_MAX && seed_kind_of(setup->seed.value) == SEED_test);
        rows = mem_aligned(64, sizeof *rows);
        if (!rows) return ERR_NOMEM;
        for (uint32_t done = 0; done < setup->episodes; done += BATCH) {
                uint32_t count = MIN(setup->episodes - done, (uint32_t)BATCH);
                const struct env_opts opts = { .kernel = setup->kernel, .max_steps = setup->max_steps, .first_episode = setup->first_episode + done };
                AUTO(env_close) struct env_vec *v = NULL;
                enum err e = env_make("sim1", count, &opts, &v, NULL);

                if (e) return e;
                if (setup->stop && setup->stop(setup->context)) return ERR_STATE;
                batch_start(setup, policy, v, rows, ret_records + done, count);
                do {
                        batch_act(setup, policy, v, rows, ret_records + done, count);
                        env_step(v);
                } while (batch_learn(setup, policy, v, rows, ret_records + done, count));
                if (setup->progress) setup->progress(setup->context, done + count);
        }
        return ERR_OK;
}
