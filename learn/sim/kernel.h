/* kernel: the failure process of one service as a finite Markov decision process, held in tables.
 *
 *   state = cell (mode x severity) x load x shed timer x down timer x cold timer x recent restarts: 100,800 states
 *   one step = 5 s
 *
 *        onset                     sev up                    crash (escalating, severity 7)
 *   NONE ------> mode at sev 2 <---------> sev 1..7 -----------------------------------> down 4, cold 4, sev 3
 *     ^                             | sev 1 goes down, or cure                            (with 3 recent restarts: the end)
 *     +-----------------------------+
 *
 * All five modes begin at the same severity with the same error rate: one sample does not tell them apart.
 * The tables are integers (32-bit probability thresholds); the simulator, the oracle and the tests read the same ones.
 * Owner: immutable after kernel_init.  Memory: the caller's struct.  Units: steps of 5 s, errors 0..1, latency ms, CPU
 * and memory percent, reward 1.0 = all requests of one nominal step.  Limits: the enums below.  Fails: never. */
#ifndef LEARN_SIM_KERNEL_H
#define LEARN_SIM_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#define SIM_MODE_LIST(X)                                                                                               \
        X(NONE, "none") X(TRANSIENT, "transient") X(ESCALATING, "escalating") X(LOAD, "load-induced")                  \
        X(SENSITIVE, "recovery-sensitive") X(CASCADING, "cascading")
enum sim_mode {
#define X(name, text) MODE_##name,
        SIM_MODE_LIST(X)
#undef X
        MODE_COUNT
};

#define SIM_ACTION_LIST(X)                                                                                             \
        X(IGNORE, "ignore") X(DELAY, "delay") X(REDUCE, "reduce-load") X(SOFT, "soft-restart") X(HARD, "hard-restart")
enum sim_action {
#define X(name, text) ACT_##name,
        SIM_ACTION_LIST(X)
#undef X
        ACT_COUNT
};
enum { KIND_DOWN = ACT_COUNT, KIND_COUNT }; /* what the mode does while the service is down, whatever the action */

#define SIM_REWARD_LIST(X)                                                                                             \
        X(STABILITY, "stability") X(RECOVERY, "recovery-cost") X(DISRUPTION, "disruption") X(OVER, "over-recovery")
enum sim_reward {
#define X(name, text) REW_##name,
        SIM_REWARD_LIST(X)
#undef X
        REW_COUNT
};

enum {
        SIM_SEVS = 8,
        SIM_CELLS = MODE_COUNT * SIM_SEVS,
        SIM_LOADS = 3,
        SIM_SHEDS = 7,
        SIM_DOWNS = 5,
        SIM_COLDS = 5,
        SIM_RECENTS = 4,
        SIM_PRESSURES = 3,
        SIM_CTXS = SIM_LOADS * SIM_SHEDS * SIM_DOWNS * SIM_COLDS * SIM_RECENTS,
        SIM_STATES = SIM_CTXS * SIM_CELLS,
        SIM_ROWS = SIM_CELLS * KIND_COUNT * SIM_PRESSURES,
        SIM_OUTCOMES = 4,
        SIM_ONSETS = 16,
        SIM_CHANNELS = 4, /* error rate, latency, CPU, memory */
        SIM_ONSET_SEV = 2,
        /* outcome codes: a cell, or one of these */
        OUT_CELL_MASK = 0x3f,
        OUT_CRASH = 0x40,
        OUT_ONSET = 0x80,
};

struct sim_weights {
        float slo, disruption, shed, over, crash, dead, cost[ACT_COUNT];
};

struct sim_kernel {
        struct sim_weights w;
        int32_t threshold[SIM_ROWS][SIM_OUTCOMES]; /* u >= threshold[j], j = 0..2, counts up to the outcome; biased by 2^31 */
        uint32_t outcome[SIM_ROWS];                /* four bytes, outcome 0 lowest */
        int32_t load_threshold[SIM_LOADS][2];      /* as above */
        int32_t recent_threshold;                  /* a recent restart is forgotten if u < this */
        int32_t onset_cell[SIM_ONSETS];
        float mean[SIM_CHANNELS][SIM_CELLS * SIM_PRESSURES];
        float sigma[SIM_CHANNELS];
        float load_weight[SIM_LOADS];
        float slo_error_max;
};

struct sim_state {
        int32_t cell, load, shed, down, cold, recent;
};

extern const struct sim_weights sim_weights_default;

void kernel_init(struct sim_kernel *k, const struct sim_weights *weights /* NULL: default */);
const char *sim_mode_name(int mode);
const char *sim_action_name(int action); /* NULL if there is none */
const char *sim_reward_name(int column);

static inline int sim_row(int cell, int kind, int pressure)
{
        return (cell * KIND_COUNT + kind) * SIM_PRESSURES + pressure;
}

/* Load against capacity: 0 slack, 1 nominal, 2 overload. Shedding takes a level off, a cold cache adds one. */
static inline int sim_pressure(int load, int shed, int cold)
{
        int p = load + (cold > 0) - (shed > 0);

        return p < 0 ? 0 : p > 2 ? 2 : p;
}

static inline int sim_ctx(const struct sim_state *s)
{
        return (((s->load * SIM_SHEDS + s->shed) * SIM_DOWNS + s->down) * SIM_COLDS + s->cold) * SIM_RECENTS + s->recent;
}
/* The number of a state: context-major, so that the cells of one context lie together. */
static inline int sim_index(const struct sim_state *s)
{
        return sim_ctx(s) * SIM_CELLS + s->cell;
}
void sim_state_at(int index, struct sim_state *ret);
bool sim_cell_valid(int cell); /* NONE has severity 0 only, the others 1..7 */
struct sim_state sim_start(void);

/* The context after an action, without the random moves of load and recent restarts. */
void sim_ctx_next(const struct sim_state *s, enum sim_action action, bool crash, struct sim_state *ret);
/* Probabilities of the row's outcomes in 1/2^32, summing to 2^32. */
void sim_row_odds(const struct sim_kernel *k, int row, uint64_t ret_odds[SIM_OUTCOMES], uint8_t ret_codes[SIM_OUTCOMES]);
void sim_load_odds(const struct sim_kernel *k, int load, uint64_t ret_odds[SIM_LOADS]);
/* The part of the reward that the state reached decides: columns STABILITY and DISRUPTION. */
void sim_reach_reward(const struct sim_kernel *k, const struct sim_state *s, float ret[REW_COUNT]);
bool sim_in_slo(const struct sim_kernel *k, const struct sim_state *s);

#endif
