#include "learn/train/dynamics.h"

#include <math.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"

enum { ROWS = 64 };

static int32_t biased(double p)
{
        double u = p * 4294967296.0 + 0.5;

        return (int32_t)((u >= 4294967295.0 ? UINT32_MAX : (uint32_t)u) ^ UINT32_C(0x80000000));
}

/* The outcomes of one row, commonest first; the fourth is to stay. */
static void row_write(struct sim_kernel *k, int row, const double *share /* [codes], of moving away */, const uint8_t *code, int codes, uint8_t stay)
{
        double below = 0;
        uint32_t outcome = (uint32_t)stay << 24;
        bool taken[SIM_CELLS + 1] = { false };

        for (int j = 0; j < 3; j++) {
                int best = -1;

                for (int i = 0; i < codes; i++)
                        if (!taken[i] && share[i] > 0 && (best < 0 || share[i] > share[best])) best = i;
                if (best >= 0) {
                        taken[best] = true;
                        below += share[best];
                        outcome |= (uint32_t)code[best] << (8 * j);
                } else {
                        outcome |= (uint32_t)stay << (8 * j);
                }
                k->threshold[row][j] = biased(below);
        }
        k->threshold[row][3] = INT32_MAX;
        k->outcome[row] = outcome;
}

static void row_fit(const struct collect_counts *c, struct sim_kernel *ret, int cell, int kind, int pressure, uint8_t crash_cell)
{
        const double *move = c->belief.move[kind][pressure][cell];
        double share[SIM_CELLS + 1] = { 0 }, n = c->belief.crash[kind][pressure][cell], away = 0;
        uint8_t code[SIM_CELLS + 1];
        int codes = 0;

        for (int to = 0; to < SIM_CELLS; to++) n += move[to];
        for (int to = 0; to < SIM_CELLS && n > 0; to++) {
                if (to == cell || move[to] <= 0) continue;
                if (cell == 0) {
                        away += move[to] / n;
                        continue;
                }
                code[codes] = (uint8_t)to;
                share[codes++] = move[to] / n;
        }
        if (cell == 0 && away > 0) code[codes] = OUT_ONSET, share[codes++] = away;
        if (c->belief.crash[kind][pressure][cell] > 0) code[codes] = (uint8_t)(OUT_CRASH | crash_cell), share[codes++] = c->belief.crash[kind][pressure][cell] / n;
        row_write(ret, sim_row(cell, kind, pressure), share, code, codes, (uint8_t)cell);
}

/* Sixteenths of the onsets by largest remainder. */
static void onset_fit(const struct collect_counts *c, struct sim_kernel *ret)
{
        double total = 0, left[SIM_CELLS];
        int given = 0;

        for (int cell = 0; cell < SIM_CELLS; cell++) total += c->onset[cell];
        if (total <= 0) return;
        for (int cell = 0; cell < SIM_CELLS; cell++) {
                double exact = c->onset[cell] / total * SIM_ONSETS;
                int whole = (int)exact;

                left[cell] = exact - whole;
                while (whole-- > 0) ret->onset_cell[given++] = cell;
        }
        while (given < SIM_ONSETS) {
                int best = 0;

                for (int cell = 0; cell < SIM_CELLS; cell++)
                        if (left[cell] > left[best]) best = cell;
                left[best] = -1;
                ret->onset_cell[given++] = best;
        }
}

static void emission_fit(const struct collect_counts *c, struct sim_kernel *ret)
{
        struct belief_params fitted;

        belief_fit(&c->belief, &fitted);
        for (int ch = 0; ch < SIM_CHANNELS; ch++) {
                double variance = 0, n = 0;

                for (int cell = 0; cell < SIM_CELLS; cell++) {
                        for (int p = 0; p < SIM_PRESSURES; p++) {
                                double seen = c->belief.n[p][cell];

                                ret->mean[ch][cell * SIM_PRESSURES + p] = fitted.mean[p][ch][cell];
                                if (fitted.precision[ch][cell] > 0) variance += seen / (double)fitted.precision[ch][cell], n += seen;
                        }
                }
                if (n > 0) ret->sigma[ch] = (float)sqrt(variance / n);
        }
}

void dynamics_fit(const struct collect_counts *c, const struct sim_kernel *reward, struct sim_kernel *ret)
{
        int crash_cell = 0;

        memset(ret, 0, sizeof *ret);
        ret->w = reward->w;
        ret->slo_error_max = reward->slo_error_max;
        memcpy(ret->load_weight, reward->load_weight, sizeof ret->load_weight);
        for (int cell = 0; cell < SIM_CELLS; cell++)
                if (c->belief.after_crash[cell] > c->belief.after_crash[crash_cell]) crash_cell = cell;
        for (int cell = 0; cell < SIM_CELLS; cell++)
                for (int kind = 0; kind < KIND_COUNT; kind++)
                        for (int p = 0; p < SIM_PRESSURES; p++) row_fit(c, ret, cell, kind, p, (uint8_t)crash_cell);
        for (int l = 0; l < SIM_LOADS; l++) {
                double n = c->load[l][0] + c->load[l][1] + c->load[l][2];

                ret->load_threshold[l][0] = biased(n > 0 ? c->load[l][0] / n : l < 1);
                ret->load_threshold[l][1] = biased(n > 0 ? (c->load[l][0] + c->load[l][1]) / n : l < 2);
        }
        double recents = c->recent_kept + c->recent_forgotten;

        ret->recent_threshold = biased(recents > 0 ? c->recent_forgotten / recents : 0);
        onset_fit(c, ret);
        emission_fit(c, ret);
}

double dynamics_distance(const struct sim_kernel *a, const struct sim_kernel *b, const struct collect_counts *weight)
{
        double sum = 0, total = 0;

        for (int cell = 0; cell < SIM_CELLS; cell++)
                for (int kind = 0; kind < KIND_COUNT; kind++)
                        for (int p = 0; p < SIM_PRESSURES; p++) {
                                double n = weight->belief.crash[kind][p][cell], distance = 0, share[256] = { 0 };
                                const struct sim_kernel *const both[] = { a, b };

                                for (int to = 0; to < SIM_CELLS; to++) n += weight->belief.move[kind][p][cell][to];
                                for (int side = 0; side < 2; side++) {
                                        uint64_t odds[SIM_OUTCOMES];
                                        uint8_t code[SIM_OUTCOMES];

                                        sim_row_odds(both[side], sim_row(cell, kind, p), odds, code);
                                        for (int j = 0; j < SIM_OUTCOMES; j++) share[code[j]] += (side ? -1.0 : 1.0) * (double)odds[j] * 0x1p-32;
                                }
                                for (int j = 0; j < 256; j++) distance += fabs(share[j]) / 2;
                                sum += n * distance;
                                total += n;
                        }
        return total > 0 ? sum / total : 0;
}

/* What the learned process expects to be shown after `horizon` steps of waiting, at today's pressure. */
static void foresee(const struct dynamics_test *t, const struct feat_tracker *from, float ret[SIM_CHANNELS])
{
        struct belief b = from->belief;
        int pressure = sim_pressure(from->context.load, from->context.shed, from->context.cold);

        for (uint32_t h = 0; h < t->horizon; h++) belief_predict(&t->feat->belief, &b, ACT_IGNORE, pressure);
        for (int ch = 0; ch < SIM_CHANNELS; ch++) {
                ret[ch] = 0;
                for (int cell = 0; cell < SIM_CELLS; cell++) ret[ch] += b.p[cell] * t->learned->mean[ch][cell * SIM_PRESSURES + pressure];
        }
}

enum err dynamics_forecast(const struct dynamics_test *t, struct dynamics_skill *ret)
{
        const struct env_opts opts = { .kernel = t->kernel, .autoreset = ENV_SAME_STEP };
        AUTO(env_close) struct env_vec *v = NULL;
        AUTO(mem_free) struct feat_tracker *tracker = mem_aligned(64, ROWS * sizeof *tracker);
        AUTO(mem_free) float (*ahead)[64][2][SIM_CHANNELS] = mem_zalloc(ROWS, sizeof *ahead); /* [row][due step % 64][model, as now] */
        double scale[SIM_CHANNELS];
        enum err e = env_make("sim1", ROWS, &opts, &v, NULL);

        CHECK(t->horizon >= 1 && t->horizon < 64 && seed_kind_of(t->seed.value) == SEED_test);
        *ret = (struct dynamics_skill){ 0 };
        if (e || !tracker || !ahead) return e ? e : ERR_NOMEM;
        for (int ch = 0; ch < SIM_CHANNELS; ch++) scale[ch] = 1 / ((double)t->learned->sigma[ch] * (double)t->learned->sigma[ch]);
        env_reset(v, t->seed.value, NULL);
        for (uint32_t i = 0; i < ROWS; i++) feat_start(t->feat, &tracker[i], v->obs + (size_t)i * OBS_COUNT);
        for (uint64_t step = 0; step < (uint64_t)t->episodes * ENV_STEPS_DEFAULT / ROWS; step++) {
                memset(v->act, ACT_IGNORE, ROWS);
                env_step(v);
                for (uint32_t i = 0; i < ROWS; i++) {
                        const float *obs = v->obs + (size_t)i * OBS_COUNT;
                        uint32_t due = (v->t[i] + t->horizon) % 64;

                        if (v->terminated[i] || v->truncated[i]) {
                                feat_start(t->feat, &tracker[i], obs);
                                continue;
                        }
                        feat_update(t->feat, &tracker[i], ACT_IGNORE, obs);
                        for (int ch = 0; ch < SIM_CHANNELS && v->t[i] > t->horizon && tracker[i].up; ch++) {
                                const float(*said)[SIM_CHANNELS] = ahead[i][v->t[i] % 64];

                                ret->model += scale[ch] * (double)((obs[ch] - said[0][ch]) * (obs[ch] - said[0][ch]));
                                ret->persistence += scale[ch] * (double)((obs[ch] - said[1][ch]) * (obs[ch] - said[1][ch]));
                                ret->forecasts += ch == 0;
                        }
                        foresee(t, &tracker[i], ahead[i][due][0]);
                        memcpy(ahead[i][due][1], obs, sizeof ahead[i][due][1]);
                }
        }
        return ERR_OK;
}
