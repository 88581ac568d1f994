/* sim1: batches of one-service episodes over the failure kernel, as a structure of arrays.
 * sim1_plain is the readable reference; sim1_step runs the same step for a range, vectorised where the CPU can, bit-identical.
 * Owner: the caller; ranges that do not overlap may be stepped by different threads.
 * Memory: sim1_new allocates all, sim1_step nothing.   Units: as in kernel.h.
 * Limits: n <= SIM1_ENVS_MAX.                          Fails: ERR_NOMEM; ERR_INVAL for n. */
#ifndef LEARN_SIM_SIM1_H
#define LEARN_SIM_SIM1_H

#include <stddef.h>

#include "common/base/err.h"
#include "learn/sim/kernel.h"

#define SIM1_ISA_LIST(X) X(BEST, "best") X(SCALAR, "scalar") X(AVX2, "avx2") X(AVX512, "avx512")
enum sim1_isa {
#define X(name, text) ISA_##name,
        SIM1_ISA_LIST(X)
#undef X
        ISA_COUNT
};

#define SIM1_OBS_LIST(X)                                                                                               \
        X(ERROR, "error_rate", 0, 1) X(LATENCY, "latency_ms", 0, 10000) X(CPU, "cpu_pct", 0, 100)                      \
        X(MEMORY, "memory_pct", 0, 100) X(LOAD, "load_level", 0, 2) X(RESTARTS, "restart_count", 0, 3) X(UP, "up", 0, 1) \
        X(ADMIT, "admission", 0, 1)
enum sim1_obs {
#define X(name, text, lo, hi) OBS_##name,
        SIM1_OBS_LIST(X)
#undef X
        OBS_COUNT
};

enum { SIM1_ENVS_MAX = 1 << 20, SIM1_LANES = 16 };

/* The kernel's tables as the wide loops read them: what one index needs lies together, short tables are 16 words long. */
struct sim1_tables {
        int32_t row[SIM_ROWS][4];                                  /* three thresholds, the outcomes */
        float mean[SIM_CELLS * SIM_PRESSURES][SIM_CHANNELS];
        int32_t load_threshold[16], onset[16];
        float cost[16], load_weight[16];
};

struct sim1 {
        const struct sim_kernel *kernel; /* lent */
        const struct sim1_tables *tables;
        struct sim1_tables *tables_own;  /* NULL when lent */
        uint32_t n;
        uint64_t seed;
        uint32_t service;      /* which service's draws: 0 alone, 0..11 in the topology */
        const int32_t *stress; /* [n] or NULL: how sick the callees are, 0..2; NONE and CASCADING then move by it, not by pressure */
        enum sim1_isa isa;     /* never BEST after sim1_new */
        int32_t *cell, *load, *shed, *down, *cold, *recent;
        int32_t *calm; /* 1 if the last action was delay: its observation has half the noise */
        int32_t *t;    /* steps taken in the episode */
        int32_t *episode;
        float scale[SIM_CHANNELS]; /* noise per unit of the byte sum */
        void *block;
};

/* Where a step writes; rows of the batch. */
struct sim1_out {
        float *obs;
        size_t obs_stride; /* floats from one row to the next, at least OBS_COUNT */
        float *reward;
        float (*columns)[REW_COUNT];
        uint8_t *terminated;
};

MUST_USE enum err sim1_new(const struct sim_kernel *k, uint32_t n, enum sim1_isa isa, struct sim1 **ret);
/* As sim1_new, reading the tables of `other`, which must have the same kernel and live longer: many services, one cache. */
MUST_USE enum err sim1_new_beside(const struct sim1 *other, uint32_t n, enum sim1_isa isa, struct sim1 **ret);
void sim1_free(struct sim1 *s);
AUTO_DEFINE(struct sim1, sim1_free)

/* Starts episode `episode` in row i and writes its first observation. */
void sim1_start(struct sim1 *s, uint32_t i, uint32_t episode, float ret_obs[OBS_COUNT]);
/* One step of rows [from, to): reads act, writes out. Actions other than ignore and delay are ignored while down. */
void sim1_step(struct sim1 *s, uint32_t from, uint32_t to, const uint8_t *act, const struct sim1_out *out);
void sim1_peek(const struct sim1 *s, uint32_t i, struct sim_state *ret);
void sim1_poke(struct sim1 *s, uint32_t i, const struct sim_state *state);

/* The reference: one step of one state from its two blocks of draws. Returns whether it ended the episode. */
bool sim1_plain(const struct sim_kernel *k, struct sim_state *s, int action, int stress /* -1: alone */,
                const uint32_t dynamics[4], float ret_columns[REW_COUNT]);
void sim1_observe(const struct sim_kernel *k, const struct sim_state *s, bool calm, const uint32_t emission[4],
                  float ret_obs[OBS_COUNT]);

bool sim1_isa_usable(enum sim1_isa isa);
const char *sim1_isa_name(enum sim1_isa isa);
const char *sim1_obs_name(int column);
void sim1_obs_bounds(int column, float *ret_lo, float *ret_hi);

#endif
