/* The twin: RECO_REPLAYS states drawn from the belief, replayed RECO_HORIZON steps for each first action under the same
 * draws; after the first action a plain operator who sees the state goes on (restart a leak, shed a surge, else wait). */
#include <stdlib.h>
#include <string.h>

#include "common/base/mem.h"
#include "learn/reco/reco.h"
#include "learn/rng/xoshiro.h"

struct reco_twin {
        struct sim_kernel kernel;
        struct sim1 *sim;
        float obs[RECO_REPLAYS][OBS_COUNT], reward[RECO_REPLAYS], columns[RECO_REPLAYS][REW_COUNT], lost[RECO_REPLAYS];
        uint8_t act[RECO_REPLAYS + SIM1_LANES], terminated[RECO_REPLAYS + SIM1_LANES], recovered[RECO_REPLAYS];
        struct sim_state start[RECO_REPLAYS];
        uint8_t follow[SIM_CELLS];
};

enum err reco_twin_new(const struct sim_kernel *k, struct reco_twin **ret)
{
        AUTO(reco_twin_free) struct reco_twin *t = mem_aligned(64, sizeof *t);
        enum err e;

        if (!t) return ERR_NOMEM;
        t->kernel = *k;
        e = sim1_new(&t->kernel, RECO_REPLAYS, ISA_BEST, &t->sim);
        if (e) return e;
        for (int c = 0; c < SIM_CELLS; c++) {
                int mode = c / SIM_SEVS, sev = c % SIM_SEVS;

                t->follow[c] = mode == MODE_ESCALATING ? (sev > 3 ? ACT_HARD : ACT_SOFT) : mode == MODE_LOAD && sev >= 3 ? ACT_REDUCE : ACT_IGNORE;
        }
        *ret = take(&t);
        return ERR_OK;
}

void reco_twin_free(struct reco_twin *t)
{
        if (!t) return;
        sim1_free(t->sim);
        mem_free(t);
}

static void draw_states(struct reco_twin *t, const struct feat_tracker *tracker, uint64_t seed)
{
        struct xoshiro rng;

        xoshiro_seed(&rng, seed ^ UINT64_C(0x7477696e));
        for (int i = 0; i < RECO_REPLAYS; i++) {
                float u = xoshiro_float(&rng), sum = 0;
                int cell = 0;

                for (int c = 0; c < SIM_CELLS; c++) {
                        if (!sim_cell_valid(c)) continue;
                        sum += tracker->belief.p[c];
                        cell = c;
                        if (u < sum) break;
                }
                t->start[i] = tracker->context;
                t->start[i].cell = cell;
        }
}

static int by_value(const void *a, const void *b)
{
        float x = *(const float *)a, y = *(const float *)b;

        return (x > y) - (x < y);
}

static void replay(struct reco_twin *t, int first, struct reco_forecast *ret)
{
        const struct sim1_out out = { &t->obs[0][0], OBS_COUNT, t->reward, t->columns, t->terminated };
        struct sim1 *s = t->sim;
        int recovered = 0;

        for (uint32_t i = 0; i < RECO_REPLAYS; i++) {
                sim1_poke(s, i, &t->start[i]);
                s->t[i] = 0;
                s->episode[i] = (int32_t)i;
                t->lost[i] = 0;
                t->recovered[i] = 0;
        }
        for (int step = 0; step < RECO_HORIZON; step++) {
                for (int i = 0; i < RECO_REPLAYS; i++) t->act[i] = step == 0 ? (uint8_t)first : t->follow[s->cell[i]];
                sim1_step(s, 0, RECO_REPLAYS, t->act, &out);
                /* The disruption column is minus the weight times the requests lost. */
                for (int i = 0; i < RECO_REPLAYS; i++) {
                        t->lost[i] -= t->columns[i][REW_DISRUPTION] / t->kernel.w.disruption;
                        t->recovered[i] |= step < RECO_RECOVERED_BY && t->columns[i][REW_STABILITY] > 0;
                }
        }
        for (int i = 0; i < RECO_REPLAYS; i++) recovered += t->recovered[i];
        qsort(t->lost, RECO_REPLAYS, sizeof t->lost[0], by_value);
        *ret = (struct reco_forecast){ (float)recovered / RECO_REPLAYS, t->lost[RECO_REPLAYS / 10], t->lost[RECO_REPLAYS / 2],
                                       t->lost[RECO_REPLAYS * 9 / 10] };
}

void reco_twin_forecast(struct reco_twin *t, const struct feat_tracker *tracker, uint64_t seed, struct reco_forecast ret[ACT_COUNT])
{
        t->sim->seed = seed;
        draw_states(t, tracker, seed);
        for (int a = 0; a < ACT_COUNT; a++) replay(t, a, &ret[a]);
}
