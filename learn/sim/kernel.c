#include "learn/sim/kernel.h"

#include <string.h>

#include "common/base/attr.h"
#include "common/base/check.h"

/* Costs stand in for the real stack's lost requests until those are measured (docs/learning.md). */
const struct sim_weights sim_weights_default = {
        .slo = 0.5f, .disruption = 3.0f, .shed = 0.15f, .over = 1.5f, .crash = 12.0f, .dead = 40.0f,
        .cost = { 0.0f, 0.1f, 0.5f, 2.0f, 6.0f },
};

/* Mean error by severity: the same for every mode, that is the point. */
static const float error_by_sev[SIM_SEVS] = { .006f, .04f, .15f, .25f, .36f, .48f, .62f, .80f };

/* What one level of severity adds to latency (share of the 80 ms base), CPU and memory (percent). They overlap within
 * the noise at severity 2 and part as severity grows. */
static const struct {
        float latency, cpu, memory;
} signature[MODE_COUNT] = {
        [MODE_TRANSIENT] = { .25f, 1.0f, 0.5f }, [MODE_ESCALATING] = { .30f, 4.5f, 4.5f },
        [MODE_LOAD] = { .55f, 5.5f, 1.5f },      [MODE_SENSITIVE] = { .45f, 3.0f, 1.0f },
        [MODE_CASCADING] = { .50f, -2.5f, 0.0f },
};

static const uint8_t onset_mode[SIM_ONSETS] = { /* of sixteen incidents */
        1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 4, 4, 5, 5,
};

struct row_odds {
        double down, up, cure;
        int up_by;
};

static struct row_odds odds_escalating(int sev, int kind, int pressure)
{
        static const double grow[SIM_PRESSURES] = { .14, .18, .22 };

        if (kind == ACT_SOFT) return (struct row_odds){ .cure = sev <= 3 ? .75 : sev <= 5 ? .35 : .10 };
        if (kind == ACT_HARD) return (struct row_odds){ .cure = .95 };
        if (kind == KIND_DOWN) return (struct row_odds){ 0 };
        return (struct row_odds){ .up = grow[pressure], .up_by = 1 };
}

static struct row_odds odds_load(int sev, int kind, int pressure)
{
        bool metastable = sev >= 4; /* retries keep the queue full after the surge has gone */

        if (kind == ACT_SOFT) return (struct row_odds){ .up = 1, .up_by = 1 };
        if (kind == ACT_HARD) return (struct row_odds){ .down = .8 };
        if (kind == KIND_DOWN) return (struct row_odds){ .down = .3 };
        if (kind == ACT_REDUCE) return (struct row_odds){ .down = .6 };
        if (pressure == 2) return (struct row_odds){ .up = .40, .up_by = 1 };
        if (pressure == 1) return metastable ? (struct row_odds){ .down = .05, .up = .15, .up_by = 1 }
                                             : (struct row_odds){ .down = .12, .up = .12, .up_by = 1 };
        return metastable ? (struct row_odds){ .down = .10 } : (struct row_odds){ .down = .50 };
}

static struct row_odds odds_sensitive(int kind, int pressure)
{
        if (kind == ACT_SOFT) return (struct row_odds){ .up = 1, .up_by = 2 };
        if (kind == ACT_HARD) return (struct row_odds){ .up = 1, .up_by = SIM_SEVS };
        if (kind == KIND_DOWN) return (struct row_odds){ 0 };
        if (kind == ACT_REDUCE) return (struct row_odds){ .down = .28 };
        if (kind == ACT_DELAY) return (struct row_odds){ .down = .20 }; /* held background work leaves it room */
        return (struct row_odds){ .down = pressure == 2 ? .10 : .14 };
}

static struct row_odds odds_cascading(int kind)
{
        if (kind == ACT_SOFT || kind == ACT_HARD) return (struct row_odds){ .up = 1, .up_by = 1 };
        if (kind == ACT_REDUCE) return (struct row_odds){ .down = .12, .up = .02, .up_by = 1 };
        return (struct row_odds){ .down = .12, .up = .06, .up_by = 1 };
}

static struct row_odds odds_of(int mode, int sev, int kind, int pressure)
{
        switch (mode) {
        case MODE_TRANSIENT:
                if (kind == ACT_SOFT || kind == ACT_HARD) return (struct row_odds){ 0 };
                return (struct row_odds){ .down = pressure == 2 ? .30 : .35 };
        case MODE_ESCALATING: return odds_escalating(sev, kind, pressure);
        case MODE_LOAD: return odds_load(sev, kind, pressure);
        case MODE_SENSITIVE: return odds_sensitive(kind, pressure);
        case MODE_CASCADING: return odds_cascading(kind);
        default: return (struct row_odds){ 0 };
        }
}

static int32_t biased(double p)
{
        uint64_t u = (uint64_t)(p * 4294967296.0 + 0.5);

        /* u >= 2^32 would never be reached by a draw: the largest threshold leaves one draw in 2^32 to the last outcome. */
        if (u > UINT32_MAX) u = UINT32_MAX;
        return (int32_t)((uint32_t)u ^ UINT32_C(0x80000000));
}

static uint32_t code_of(int mode, int sev)
{
        return sev <= 0 ? 0 : (uint32_t)(mode * SIM_SEVS + sev);
}

static void row_fill(struct sim_kernel *k, int row, const double p[3], const uint32_t code[4])
{
        double sum = 0;

        for (int j = 0; j < 3; j++) {
                sum += p[j];
                k->threshold[row][j] = biased(sum);
        }
        k->threshold[row][3] = INT32_MAX;
        k->outcome[row] = code[0] | code[1] << 8 | code[2] << 16 | code[3] << 24;
}

static void rows_fill(struct sim_kernel *k)
{
        enum { STAY = 3 };

        for (int cell = 0; cell < SIM_CELLS; cell++) {
                for (int kind = 0; kind < KIND_COUNT; kind++) {
                        for (int p = 0; p < SIM_PRESSURES; p++) {
                                int mode = cell / SIM_SEVS, sev = cell % SIM_SEVS, row = sim_row(cell, kind, p);

                                if (!sim_cell_valid(cell)) sev = 0, mode = MODE_NONE;
                                if (mode == MODE_NONE) {
                                        row_fill(k, row, (double[]){ kind == KIND_DOWN ? 0 : .04, 0, 0 },
                                                 (uint32_t[]){ OUT_ONSET, 0, 0, 0 });
                                        continue;
                                }
                                struct row_odds o = odds_of(mode, sev, kind, p);
                                int up = MIN(sev + o.up_by, SIM_SEVS - 1);
                                uint32_t code[] = { code_of(mode, sev - 1), code_of(mode, up), 0, code_of(mode, sev) };

                                if (mode == MODE_ESCALATING && sev == SIM_SEVS - 1) code[1] = OUT_CRASH | code_of(mode, 3);
                                row_fill(k, row, (double[]){ o.down, o.up, o.cure }, code);
                                _Static_assert(STAY == SIM_OUTCOMES - 1, "the last outcome is to stay");
                        }
                }
        }
}

static void means_fill(struct sim_kernel *k)
{
        static const float cpu_by_pressure[] = { 25, 40, 62 }, latency_by_pressure[] = { 70, 80, 110 };

        for (int cell = 0; cell < SIM_CELLS; cell++) {
                int mode = cell / SIM_SEVS, sev = sim_cell_valid(cell) ? cell % SIM_SEVS : 0;
                float above = sev > 0 ? (float)sev : 0;

                for (int p = 0; p < SIM_PRESSURES; p++) {
                        int at = cell * SIM_PRESSURES + p;

                        k->mean[0][at] = error_by_sev[sev];
                        k->mean[1][at] = latency_by_pressure[p] + 80.0f * signature[mode].latency * above;
                        k->mean[2][at] = cpu_by_pressure[p] + signature[mode].cpu * above;
                        k->mean[3][at] = 45.0f + signature[mode].memory * above;
                }
        }
        k->sigma[0] = .08f;
        k->sigma[1] = 45.0f;
        k->sigma[2] = 10.5f;
        k->sigma[3] = 6.5f;
}

void kernel_init(struct sim_kernel *k, const struct sim_weights *weights)
{
        static const double load_move[SIM_LOADS][2] = { { .94, .06 }, { .03, .93 }, { 0, .10 } };

        memset(k, 0, sizeof *k);
        k->w = weights ? *weights : sim_weights_default;
        rows_fill(k);
        means_fill(k);
        for (int l = 0; l < SIM_LOADS; l++) {
                k->load_threshold[l][0] = biased(load_move[l][0]);
                k->load_threshold[l][1] = biased(load_move[l][0] + load_move[l][1]);
        }
        k->recent_threshold = biased(.03);
        for (int i = 0; i < SIM_ONSETS; i++) k->onset_cell[i] = onset_mode[i] * SIM_SEVS + SIM_ONSET_SEV;
        k->load_weight[0] = .6f;
        k->load_weight[1] = 1.0f;
        k->load_weight[2] = 1.4f;
        k->slo_error_max = .05f;
}

const char *sim_mode_name(int mode)
{
        static const char *const names[] = {
#define X(name, text) text,
                SIM_MODE_LIST(X)
#undef X
        };

        return mode >= 0 && mode < MODE_COUNT ? names[mode] : "unknown";
}

const char *sim_action_name(int action)
{
        static const char *const names[] = {
#define X(name, text) text,
                SIM_ACTION_LIST(X)
#undef X
        };

        return action >= 0 && action < ACT_COUNT ? names[action] : NULL;
}

const char *sim_reward_name(int column)
{
        static const char *const names[] = {
#define X(name, text) text,
                SIM_REWARD_LIST(X)
#undef X
        };

        return column >= 0 && column < REW_COUNT ? names[column] : NULL;
}

void sim_state_at(int index, struct sim_state *ret)
{
        int ctx = index / SIM_CELLS;

        CHECK(index >= 0 && index < SIM_STATES);
        ret->cell = index % SIM_CELLS;
        ret->recent = ctx % SIM_RECENTS, ctx /= SIM_RECENTS;
        ret->cold = ctx % SIM_COLDS, ctx /= SIM_COLDS;
        ret->down = ctx % SIM_DOWNS, ctx /= SIM_DOWNS;
        ret->shed = ctx % SIM_SHEDS, ctx /= SIM_SHEDS;
        ret->load = ctx;
}

bool sim_cell_valid(int cell)
{
        return cell == 0 || (cell >= SIM_SEVS && cell < SIM_CELLS && cell % SIM_SEVS != 0);
}

struct sim_state sim_start(void)
{
        return (struct sim_state){ .load = 1 };
}

void sim_ctx_next(const struct sim_state *s, enum sim_action action, bool crash, struct sim_state *ret)
{
        bool up = s->down == 0, soft = up && action == ACT_SOFT, hard = up && action == ACT_HARD;

        *ret = *s;
        ret->shed = up && action == ACT_REDUCE ? SIM_SHEDS - 1 : MAX(s->shed - 1, 0);
        ret->down = crash ? 4 : soft ? 1 : hard ? 3 : MAX(s->down - 1, 0);
        ret->cold = crash ? 4 : soft ? 2 : hard ? 4 : up ? MAX(s->cold - 1, 0) : s->cold;
        if (soft || hard || crash) ret->recent = MIN(s->recent + 1, SIM_RECENTS - 1);
}

static uint64_t unbiased(int32_t threshold)
{
        return (uint32_t)threshold ^ UINT32_C(0x80000000);
}

void sim_row_odds(const struct sim_kernel *k, int row, uint64_t ret_odds[SIM_OUTCOMES], uint8_t ret_codes[SIM_OUTCOMES])
{
        uint64_t below = 0;

        for (int j = 0; j < SIM_OUTCOMES; j++) {
                uint64_t limit = j < 3 ? unbiased(k->threshold[row][j]) : UINT64_C(1) << 32;

                ret_odds[j] = limit - below;
                ret_codes[j] = (uint8_t)(k->outcome[row] >> (8 * j));
                below = limit;
        }
}

void sim_load_odds(const struct sim_kernel *k, int load, uint64_t ret_odds[SIM_LOADS])
{
        uint64_t a = unbiased(k->load_threshold[load][0]), b = unbiased(k->load_threshold[load][1]);

        ret_odds[0] = a;
        ret_odds[1] = b - a;
        ret_odds[2] = (UINT64_C(1) << 32) - b;
}

bool sim_in_slo(const struct sim_kernel *k, const struct sim_state *s)
{
        int at = s->cell * SIM_PRESSURES + sim_pressure(s->load, s->shed, s->cold);

        return s->down == 0 && k->mean[0][at] <= k->slo_error_max;
}

void sim_reach_reward(const struct sim_kernel *k, const struct sim_state *s, float ret[REW_COUNT])
{
        int at = s->cell * SIM_PRESSURES + sim_pressure(s->load, s->shed, s->cold);
        float error = s->down > 0 ? 1.0f : k->mean[0][at], shed = s->shed > 0 ? k->w.shed : 0.0f;

        ret[REW_STABILITY] = sim_in_slo(k, s) ? k->w.slo : 0.0f;
        ret[REW_RECOVERY] = 0.0f;
        ret[REW_DISRUPTION] = -k->w.disruption * (k->load_weight[s->load] * (error + shed));
        ret[REW_OVER] = 0.0f;
}
