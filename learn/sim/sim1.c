#include "learn/sim/sim1.h"

#include "common/base/check.h"
#include "common/base/mem.h"
#include "learn/rng/philox.h"
#include "learn/sim/sim1_int.h"

static const char *const obs_names[] = {
#define X(name, text, lo, hi) text,
        SIM1_OBS_LIST(X)
#undef X
};
static const float obs_bounds[][2] = {
#define X(name, text, lo, hi) { lo, hi },
        SIM1_OBS_LIST(X)
#undef X
};

const char *sim1_obs_name(int column)
{
        return column >= 0 && column < OBS_COUNT ? obs_names[column] : NULL;
}

void sim1_obs_bounds(int column, float *ret_lo, float *ret_hi)
{
        CHECK(column >= 0 && column < OBS_COUNT);
        *ret_lo = obs_bounds[column][0];
        *ret_hi = obs_bounds[column][1];
}

const char *sim1_isa_name(enum sim1_isa isa)
{
        static const char *const names[] = {
#define X(name, text) text,
                SIM1_ISA_LIST(X)
#undef X
        };

        return isa < ISA_COUNT ? names[isa] : "unknown";
}

bool sim1_isa_usable(enum sim1_isa isa)
{
#if defined(__x86_64__)
        if (isa == ISA_AVX512)
                return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                       __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
        if (isa == ISA_AVX2) return __builtin_cpu_supports("avx2");
#endif
        return isa == ISA_BEST || isa == ISA_SCALAR;
}

_Static_assert(SIM_OUTCOMES == 4 && SIM_ONSETS == 16, "the wide loops count on it");

static void tables_fill(const struct sim_kernel *k, struct sim1_tables *t)
{
        for (int r = 0; r < SIM_ROWS; r++) {
                const int32_t *from = k->threshold[r];

                CHECK(from[0] <= from[1] && from[1] <= from[2]);
                for (int j = 0; j < 3; j++) t->row[r][j] = from[j];
                t->row[r][3] = (int32_t)k->outcome[r];
        }
        for (int at = 0; at < SIM_CELLS * SIM_PRESSURES; at++)
                for (int ch = 0; ch < SIM_CHANNELS; ch++) t->mean[at][ch] = k->mean[ch][at];
        for (int load = 0; load < SIM_LOADS; load++) {
                t->load_weight[load] = k->load_weight[load];
                for (int j = 0; j < 2; j++) t->load_threshold[2 * load + j] = k->load_threshold[load][j];
        }
        for (int i = 0; i < SIM_ONSETS; i++) t->onset[i] = k->onset_cell[i];
        for (int a = 0; a < ACT_COUNT; a++) t->cost[a] = k->w.cost[a];
}

static enum err make(const struct sim_kernel *k, const struct sim1_tables *tables, uint32_t n, enum sim1_isa isa, struct sim1 **ret)
{
        if (n == 0 || n > SIM1_ENVS_MAX || !sim1_isa_usable(isa)) return ERR_INVAL;

        AUTO(sim1_free) struct sim1 *s = mem_zalloc(1, sizeof *s);
        size_t padded = (n + SIM1_LANES - 1) / SIM1_LANES * SIM1_LANES;

        if (!s) return ERR_NOMEM;
        s->block = mem_aligned(64, 9 * padded * sizeof(int32_t));
        if (!s->block) return ERR_NOMEM;
        if (!tables) {
                tables = s->tables_own = mem_aligned(64, sizeof *s->tables_own);
                if (!tables) return ERR_NOMEM;
                tables_fill(k, s->tables_own);
        }
        int32_t **columns[] = { &s->cell, &s->load, &s->shed, &s->down, &s->cold, &s->recent, &s->calm, &s->t, &s->episode };

        for (size_t i = 0; i < ARRAY_COUNT(columns); i++) *columns[i] = (int32_t *)s->block + i * padded;
        s->kernel = k;
        s->tables = tables;
        s->n = n;
        s->isa = isa;
        if (isa == ISA_BEST) s->isa = sim1_isa_usable(ISA_AVX512) ? ISA_AVX512 : sim1_isa_usable(ISA_AVX2) ? ISA_AVX2 : ISA_SCALAR;
        for (int c = 0; c < SIM_CHANNELS; c++) s->scale[c] = k->sigma[c] / SIM1_BYTES_SIGMA;
        *ret = take(&s);
        return ERR_OK;
}

enum err sim1_new(const struct sim_kernel *k, uint32_t n, enum sim1_isa isa, struct sim1 **ret)
{
        return make(k, NULL, n, isa, ret);
}

enum err sim1_new_beside(const struct sim1 *other, uint32_t n, enum sim1_isa isa, struct sim1 **ret)
{
        return make(other->kernel, other->tables, n, isa, ret);
}

void sim1_free(struct sim1 *s)
{
        if (!s) return;
        mem_free(s->tables_own);
        mem_free(s->block);
        mem_free(s);
}

void sim1_peek(const struct sim1 *s, uint32_t i, struct sim_state *ret)
{
        *ret = (struct sim_state){ s->cell[i], s->load[i], s->shed[i], s->down[i], s->cold[i], s->recent[i] };
}

void sim1_poke(struct sim1 *s, uint32_t i, const struct sim_state *state)
{
        s->cell[i] = state->cell;
        s->load[i] = state->load;
        s->shed[i] = state->shed;
        s->down[i] = state->down;
        s->cold[i] = state->cold;
        s->recent[i] = state->recent;
}

void sim1_start(struct sim1 *s, uint32_t i, uint32_t episode, float ret_obs[OBS_COUNT])
{
        struct sim_state start = sim_start();
        uint32_t draws[4];

        CHECK(i < s->n);
        sim1_poke(s, i, &start);
        s->calm[i] = 0;
        s->t[i] = 0;
        s->episode[i] = (int32_t)episode;
        philox_draw(s->seed, episode, 0, s->service, PHILOX_EMISSION, draws);
        sim1_observe(s->kernel, &start, false, draws, ret_obs);
}

static int outcome_of(const struct sim_kernel *k, int row, uint32_t draw)
{
        int32_t u = (int32_t)(draw ^ UINT32_C(0x80000000));
        int j = (u >= k->threshold[row][0]) + (u >= k->threshold[row][1]) + (u >= k->threshold[row][2]);

        return (int)(k->outcome[row] >> (8 * j) & 0xff);
}

/* Whether a cell moves by its callees' health when it has callees. */
static bool stressed(int cell)
{
        return cell < SIM_SEVS || cell >= MODE_CASCADING * SIM_SEVS;
}

bool sim1_plain(const struct sim_kernel *k, struct sim_state *s, int action, int stress, const uint32_t dynamics[4],
                float ret_columns[REW_COUNT])
{
        bool up = s->down == 0, restart = up && action >= ACT_SOFT;
        int shed = up && action == ACT_REDUCE ? 1 : s->shed;
        int pressure = stress >= 0 && stressed(s->cell) ? stress : sim_pressure(s->load, shed, s->cold);
        int row = sim_row(s->cell, up ? action : (int)KIND_DOWN, pressure);
        int code = outcome_of(k, row, dynamics[0]);
        bool crash = code & OUT_CRASH, dead = crash && s->recent == SIM_RECENTS - 1;
        int32_t load = (int32_t)(dynamics[1] ^ UINT32_C(0x80000000)), recent = (int32_t)(dynamics[2] ^ UINT32_C(0x80000000));
        struct sim_state next;

        sim_ctx_next(s, (enum sim_action)action, crash, &next);
        next.cell = code & OUT_ONSET ? k->onset_cell[dynamics[3] >> 28] : code & OUT_CELL_MASK;
        next.load = (load >= k->load_threshold[s->load][0]) + (load >= k->load_threshold[s->load][1]);
        if (!restart && !crash && recent < k->recent_threshold && next.recent > 0) next.recent--;

        sim_reach_reward(k, &next, ret_columns);
        if (dead) ret_columns[REW_STABILITY] = ret_columns[REW_DISRUPTION] = 0; /* nothing is served any more */
        ret_columns[REW_STABILITY] -= (crash ? k->w.crash : 0.0f) + (dead ? k->w.dead : 0.0f);
        ret_columns[REW_RECOVERY] = up ? -k->w.cost[action] : 0.0f;
        ret_columns[REW_OVER] = restart ? -k->w.over * (float)s->recent : 0.0f;
        *s = next;
        return dead;
}

static float noise_of(uint32_t word)
{
        int sum = (int)(word & 255) + (int)(word >> 8 & 255) + (int)(word >> 16 & 255) + (int)(word >> 24);

        return (float)(sum - 510);
}

void sim1_observe(const struct sim_kernel *k, const struct sim_state *s, bool calm, const uint32_t emission[4],
                  float ret_obs[OBS_COUNT])
{
        int at = s->cell * SIM_PRESSURES + sim_pressure(s->load, s->shed, s->cold);

        for (int c = 0; c < SIM_CHANNELS; c++) {
                float scale = k->sigma[c] / SIM1_BYTES_SIGMA * (calm ? 0.5f : 1.0f);
                float x = k->mean[c][at] + noise_of(emission[c]) * scale;

                ret_obs[c] = x < obs_bounds[c][0] ? obs_bounds[c][0] : x > obs_bounds[c][1] ? obs_bounds[c][1] : x;
        }
        if (s->down > 0) {
                ret_obs[OBS_ERROR] = 1.0f;
                ret_obs[OBS_LATENCY] = 0.0f;
                ret_obs[OBS_CPU] = SIM1_DOWN_CPU;
                ret_obs[OBS_MEMORY] = SIM1_DOWN_MEMORY;
        }
        ret_obs[OBS_LOAD] = (float)s->load;
        ret_obs[OBS_RESTARTS] = (float)s->recent;
        ret_obs[OBS_UP] = s->down > 0 ? 0.0f : 1.0f;
        ret_obs[OBS_ADMIT] = s->shed > 0 ? SIM1_ADMIT_SHED : 1.0f;
}

void sim1_step(struct sim1 *s, uint32_t from, uint32_t to, const uint8_t *act, const struct sim1_out *out)
{
        uint32_t wide_from = (from + SIM1_LANES - 1) / SIM1_LANES * SIM1_LANES, wide_to = to / SIM1_LANES * SIM1_LANES;

        CHECK(from <= to && to <= s->n);
        if (s->isa == ISA_SCALAR || wide_from >= wide_to) {
                sim1_range_scalar(s, from, to, act, out);
                return;
        }
        sim1_range_scalar(s, from, wide_from, act, out);
        if (s->isa == ISA_AVX512) sim1_range_avx512(s, wide_from, wide_to, act, out);
        else sim1_range_avx2(s, wide_from, wide_to, act, out);
        sim1_range_scalar(s, wide_to, to, act, out);
}
