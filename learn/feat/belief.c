#include "learn/feat/belief.h"

#include <math.h>
#include <string.h>

#include "learn/feat/belief_int.h"

void belief_start(struct belief *b)
{
        memset(b, 0, sizeof *b);
        b->p[0] = 1.0f;
}

void belief_forget(struct belief *b)
{
        float each = 1.0f / (1 + (MODE_COUNT - 1) * (SIM_SEVS - 1));

        for (int c = 0; c < SIM_CELLS; c++) b->p[c] = sim_cell_valid(c) ? each : 0.0f;
}

static const struct belief_ops *ops_best(void)
{
#if defined(__x86_64__)
        if (sim1_isa_usable(ISA_AVX512)) return &belief_avx512;
        if (sim1_isa_usable(ISA_AVX2)) return &belief_avx2;
#endif
        return &belief_base;
}

void belief_predict(const struct belief_params *bp, struct belief *b, int kind, int pressure)
{
        ops_best()->predict(bp, b, kind, pressure);
}

void belief_observe(const struct belief_params *bp, struct belief *b, const float obs[SIM_CHANNELS], int pressure, bool calm)
{
        ops_best()->observe(bp, b, obs, pressure, calm);
}

void belief_crashed(const struct belief_params *bp, struct belief *b)
{
        memcpy(b->p, bp->after_crash, sizeof b->p);
}

float belief_severity(const struct belief *b)
{
        float sum[SIM_SEVS] = { 0 };

        for (int m = 1; m < MODE_COUNT; m++)
                for (int v = 0; v < SIM_SEVS; v++) sum[v] += b->p[m * SIM_SEVS + v];
        /* By fours, as the filter sums. */
        return ((0 * sum[0] + 4 * sum[4]) + (1 * sum[1] + 5 * sum[5])) + ((2 * sum[2] + 6 * sum[6]) + (3 * sum[3] + 7 * sum[7]));
}

void belief_count_move(struct belief_counts *c, int kind, int pressure, int from_cell, int to_cell, bool crash)
{
        if (crash) {
                c->crash[kind][pressure][from_cell] += 1;
                c->after_crash[to_cell] += 1;
        } else {
                c->move[kind][pressure][from_cell][to_cell] += 1;
        }
}

void belief_count_obs(struct belief_counts *c, int cell, int pressure, const float obs[SIM_CHANNELS])
{
        c->n[pressure][cell] += 1;
        for (int ch = 0; ch < SIM_CHANNELS; ch++) {
                c->sum[pressure][ch][cell] += (double)obs[ch];
                c->sum2[pressure][ch][cell] += (double)obs[ch] * (double)obs[ch];
        }
}

/* One row of transitions, drawn towards the same row pooled over pressures when it was seen seldom. */
static void row_fit(const struct belief_counts *c, int kind, int pressure, int cell, double ret[SIM_CELLS])
{
        enum { PRIOR = 20 };
        double pooled[SIM_CELLS] = { 0 }, all = 0, here = 0;

        for (int p = 0; p < SIM_PRESSURES; p++) {
                for (int to = 0; to < SIM_CELLS; to++) pooled[to] += c->move[kind][p][cell][to];
                all += c->crash[kind][p][cell];
        }
        for (int to = 0; to < SIM_CELLS; to++) all += pooled[to], here += c->move[kind][pressure][cell][to];
        here += c->crash[kind][pressure][cell];
        for (int to = 0; to < SIM_CELLS; to++) {
                double prior = all > 0 ? pooled[to] / all : to == cell;

                ret[to] = (c->move[kind][pressure][cell][to] + PRIOR * prior) / (here + PRIOR);
        }
}

static void emission_fit(const struct belief_counts *c, struct belief_params *ret)
{
        double offset[SIM_PRESSURES][SIM_CHANNELS] = { 0 };

        /* How a channel moves with pressure when nothing is wrong, for cells not seen at that pressure. */
        for (int p = 0; p < SIM_PRESSURES; p++)
                for (int ch = 0; ch < SIM_CHANNELS; ch++)
                        if (c->n[p][0] > 0 && c->n[1][0] > 0) offset[p][ch] = c->sum[p][ch][0] / c->n[p][0] - c->sum[1][ch][0] / c->n[1][0];
        for (int cell = 0; cell < SIM_CELLS; cell++) {
                double weight = 1;

                for (int ch = 0; ch < SIM_CHANNELS; ch++) {
                        double n = 0, sum = 0, ss = 0;

                        for (int p = 0; p < SIM_PRESSURES; p++) n += c->n[p][cell], sum += c->sum[p][ch][cell] - c->n[p][cell] * offset[p][ch];
                        for (int p = 0; p < SIM_PRESSURES; p++) {
                                double k = c->n[p][cell], base = (n > 0 ? sum / n : 0) + offset[p][ch];
                                double mean = (c->sum[p][ch][cell] + 5 * base) / (k + 5);

                                ret->mean[p][ch][cell] = (float)mean;
                                ss += c->sum2[p][ch][cell] - 2 * mean * c->sum[p][ch][cell] + k * mean * mean;
                        }
                        if (n < 2) {
                                ret->precision[ch][cell] = 0;
                                weight = 0;
                                continue;
                        }
                        double variance = ss / n;

                        if (variance < 1e-6) variance = 1e-6;
                        ret->precision[ch][cell] = (float)(1 / variance);
                        weight *= 1 / sqrt(variance);
                }
                ret->weight[cell] = (float)weight;
        }
}

void belief_fit(const struct belief_counts *c, struct belief_params *ret)
{
        double crashes = 0;

        memset(ret, 0, sizeof *ret);
        for (int kind = 0; kind < KIND_COUNT; kind++) {
                for (int p = 0; p < SIM_PRESSURES; p++) {
                        double row[SIM_CELLS];

                        row_fit(c, kind, p, 0, row);
                        for (int to = 0; to < SIM_CELLS; to++) ret->from_none[kind][p][to] = (float)row[to];
                        for (int cell = SIM_SEVS; cell < SIM_CELLS; cell++) {
                                int m = cell / SIM_SEVS, v = cell % SIM_SEVS;

                                if (v == 0) continue;
                                row_fit(c, kind, p, cell, row);
                                ret->move[kind][p][m - 1][v][0] = (float)row[0];
                                for (int to = 1; to < SIM_SEVS; to++) ret->move[kind][p][m - 1][v][to] = (float)row[m * SIM_SEVS + to];
                        }
                }
        }
        for (int cell = 0; cell < SIM_CELLS; cell++) crashes += c->after_crash[cell];
        for (int cell = 0; cell < SIM_CELLS; cell++)
                ret->after_crash[cell] = crashes > 0 ? (float)(c->after_crash[cell] / crashes) : cell == 0 ? 1.0f : 0.0f;
        emission_fit(c, ret);
}

void belief_params_true(const struct sim_kernel *k, struct belief_params *ret)
{
        memset(ret, 0, sizeof *ret);
        for (int cell = 0; cell < SIM_CELLS; cell++) {
                float weight = 1;

                if (!sim_cell_valid(cell)) continue;
                for (int ch = 0; ch < SIM_CHANNELS; ch++) {
                        ret->precision[ch][cell] = 1.0f / (k->sigma[ch] * k->sigma[ch]);
                        weight /= k->sigma[ch];
                        for (int p = 0; p < SIM_PRESSURES; p++) ret->mean[p][ch][cell] = k->mean[ch][cell * SIM_PRESSURES + p];
                }
                ret->weight[cell] = weight;
        }
        ret->after_crash[MODE_ESCALATING * SIM_SEVS + 3] = 1;
        for (int kind = 0; kind < KIND_COUNT; kind++) {
                for (int p = 0; p < SIM_PRESSURES; p++) {
                        for (int cell = 0; cell < SIM_CELLS; cell++) {
                                uint64_t odds[SIM_OUTCOMES];
                                uint8_t code[SIM_OUTCOMES];
                                int m = cell / SIM_SEVS, v = cell % SIM_SEVS;

                                if (!sim_cell_valid(cell)) continue;
                                sim_row_odds(k, sim_row(cell, kind, p), odds, code);
                                for (int j = 0; j < SIM_OUTCOMES; j++) {
                                        float q = (float)odds[j] * 0x1p-32f;

                                        if (cell == 0 && (code[j] & OUT_ONSET))
                                                for (int i = 0; i < SIM_ONSETS; i++) ret->from_none[kind][p][k->onset_cell[i]] += q / SIM_ONSETS;
                                        else if (cell == 0) ret->from_none[kind][p][0] += q;
                                        else if (!(code[j] & OUT_CRASH)) ret->move[kind][p][m - 1][v][code[j] % SIM_SEVS] += q;
                                }
                        }
                }
        }
}
