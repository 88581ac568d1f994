#include "learn/feat/belief.h"

#include <math.h>
#include <string.h>


/* Vectors of four: two hold the eight severities of a mode. Every operation is lane by lane in the same order, so the bits
 * do not depend on how a compiler lowers it. (Vectors of eight make gcc spill through the stack on plain SSE2.) */
enum { LANES = SIM_SEVS, WIDE = 4, HALVES = SIM_CELLS / WIDE };
typedef float vf __attribute__((vector_size(4 * WIDE), aligned(4)));
typedef int32_t vi __attribute__((vector_size(4 * WIDE), aligned(4)));

static inline vf load(const float *p)
{
        vf v;

        memcpy(&v, p, sizeof v);
        return v;
}

static inline void store(float *p, vf v)
{
        memcpy(p, &v, sizeof v);
}

static inline vf all(float x)
{
        return (vf){ x, x, x, x };
}

static inline vf select(vi mask, vf a, vf b)
{
        return (vf)((mask & (vi)a) | (~mask & (vi)b));
}

static inline float sum_of(vf v)
{
        return (v[0] + v[1]) + (v[2] + v[3]);
}

/* e^x for x <= 0 by range reduction and a polynomial, relative error below 3e-7. Below -40 it stays at e^-40: products with
 * beliefs would else be denormal numbers, which cost a hundred cycles each. */
static inline vf exp_lanes(vf x)
{
        x = select(x < all(-40.0f), all(-40.0f), x);
        vi k = __builtin_convertvector(x * all(1.44269504f) - all(0.5f), vi);
        vf kf = __builtin_convertvector(k, vf), r = x - kf * all(0.693359375f) + kf * all(2.12194440e-4f);
        vf p = all(1.9875691500e-4f) * r + all(1.3981999507e-3f);

        p = p * r + all(8.3334519073e-3f);
        p = p * r + all(4.1665795894e-2f);
        p = p * r + all(1.6666665459e-1f);
        p = p * r + all(5.0000001201e-1f);
        p = p * r * r + r + all(1.0f);
        return p * (vf)((k + 127) << 23);
}

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

void belief_predict(const struct belief_params *bp, struct belief *b, int kind, int pressure)
{
        const float *from_none = bp->from_none[kind][pressure];
        vf out[HALVES], none = all(b->p[0]), sum = all(0);
        float exits = 0;

        out[0] = none * load(from_none);
        out[1] = none * load(from_none + WIDE);
        for (int m = 1; m < MODE_COUNT; m++) {
                const float (*move)[SIM_SEVS] = bp->move[kind][pressure][m - 1];
                const float *p = b->p + m * LANES;
                vf low = all(0), high = all(0);

                for (int from = 1; from < LANES; from++) {
                        vf q = all(p[from]);

                        low += q * load(move[from]);
                        high += q * load(move[from] + WIDE);
                }
                exits += low[0];
                low *= (vf){ 0, 1, 1, 1 };
                out[2 * m] = none * load(from_none + m * LANES) + low;
                out[2 * m + 1] = none * load(from_none + m * LANES + WIDE) + high;
        }
        out[0] += (vf){ 1, 0, 0, 0 } * all(exits);
        for (int h = 0; h < HALVES; h++) sum += out[h];
        float total = sum_of(sum);

        if (!(total > 1e-20f)) {
                belief_forget(b);
                return;
        }
        for (int h = 0; h < HALVES; h++) store(b->p + h * WIDE, out[h] * all(1.0f / total));
}

void belief_crashed(const struct belief_params *bp, struct belief *b)
{
        memcpy(b->p, bp->after_crash, sizeof b->p);
}

void belief_observe(const struct belief_params *bp, struct belief *b, const float obs[SIM_CHANNELS], int pressure, bool calm)
{
        vf distance[HALVES], post[HALVES], near = all(1e30f), sum = all(0), x[SIM_CHANNELS];
        float sharp = calm ? 4.0f : 1.0f, nearest = 1e30f;

        for (int ch = 0; ch < SIM_CHANNELS; ch++) x[ch] = all(obs[ch]);
        for (int h = 0; h < HALVES; h++) {
                vf d = all(0);

                for (int ch = 0; ch < SIM_CHANNELS; ch++) {
                        vf off = x[ch] - load(bp->mean[pressure][ch] + h * WIDE);

                        d += off * off * load(bp->precision[ch] + h * WIDE);
                }
                distance[h] = d;
                d = select(load(b->p + h * WIDE) > all(1e-6f), d, all(1e30f));
                near = select(d < near, d, near);
        }
        for (int v = 0; v < WIDE; v++) nearest = near[v] < nearest ? near[v] : nearest;
        b->surprise = nearest * sharp;
        for (int h = 0; h < HALVES; h++) {
                vf e = all(-0.5f * sharp) * (distance[h] - all(nearest));

                e = select(e > all(0), all(0), e);
                post[h] = load(b->p + h * WIDE) * load(bp->weight + h * WIDE) * exp_lanes(e);
                sum += post[h];
        }
        float total = sum_of(sum);

        if (!(total > 1e-20f)) return;
        /* A floor keeps every cell possible: one wrong certainty must not outlive the evidence. */
        for (int h = 0; h < HALVES; h++)
                store(b->p + h * WIDE, post[h] * all(1.0f / total) + select(load(bp->weight + h * WIDE) > all(0), all(1e-6f), all(0)));
}

float belief_severity(const struct belief *b)
{
        vf low = all(0), high = all(0);

        for (int m = 1; m < MODE_COUNT; m++) low += load(b->p + m * LANES), high += load(b->p + m * LANES + WIDE);
        return sum_of(low * (vf){ 0, 1, 2, 3 } + high * (vf){ 4, 5, 6, 7 });
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
