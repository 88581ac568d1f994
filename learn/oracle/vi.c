#include "learn/oracle/vi.h"

#include <math.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"

/* Contexts change in four ways without a crash (tick, shed, soft, hard) and in one with it. */
enum { EVO_TICK, EVO_REDUCE, EVO_SOFT, EVO_HARD, EVO_CRASH, EVO_COUNT };

static const int evo_of[ACT_COUNT] = { EVO_TICK, EVO_TICK, EVO_REDUCE, EVO_SOFT, EVO_HARD };
static const int action_of[EVO_COUNT] = { ACT_IGNORE, ACT_REDUCE, ACT_SOFT, ACT_HARD, ACT_IGNORE };

enum err oracle_new(const struct sim_kernel *k, double gamma, struct oracle **ret)
{
        struct oracle *o = mem_zalloc(1, sizeof *o);

        if (!o) return ERR_NOMEM;
        o->kernel = k;
        o->gamma = gamma;
        o->stress_max = -1;
        o->actions = ~0u;
        o->v = mem_aligned(64, SIM_STATES * sizeof *o->v);
        o->q = mem_aligned(64, SIM_STATES * sizeof *o->q);
        o->reach = mem_aligned(64, SIM_STATES * sizeof *o->reach);
        o->expected = mem_aligned(64, EVO_COUNT * SIM_CELLS * sizeof *o->expected);
        o->odds = mem_aligned(64, SIM_ROWS * sizeof *o->odds);
        o->arrive = mem_aligned(64, SIM_STATES * sizeof *o->arrive);
        if (!o->v || !o->q || !o->reach || !o->expected || !o->odds || !o->arrive) {
                oracle_free(o);
                return ERR_NOMEM;
        }
        for (int row = 0; row < SIM_ROWS; row++) {
                uint64_t odds[SIM_OUTCOMES];
                uint8_t code[SIM_OUTCOMES];

                sim_row_odds(k, row, odds, code);
                for (int j = 0; j < SIM_OUTCOMES; j++) o->odds[row][j] = (float)odds[j] * 0x1p-32f;
        }
        for (int i = 0; i < SIM_STATES; i++) {
                struct sim_state s;
                float r[REW_COUNT];

                sim_state_at(i, &s);
                sim_reach_reward(k, &s, r);
                o->arrive[i] = r[REW_STABILITY] + r[REW_DISRUPTION];
        }
        *ret = o;
        return ERR_OK;
}

void oracle_free(struct oracle *o)
{
        if (!o) return;
        mem_free(o->v);
        mem_free(o->q);
        mem_free(o->reach);
        mem_free(o->expected);
        mem_free(o->odds);
        mem_free(o->arrive);
        mem_free(o);
}

/* reach[s] = reward of being in s + discount * v[s]: what arriving in s is worth. */
static void reach_fill(struct oracle *o, double discount)
{
        for (int i = 0; i < SIM_STATES; i++) o->reach[i] = o->arrive[i] + (float)discount * o->v[i];
}

/* expected[cell'] of reach over the random moves of load and recent restarts, from context s by evolution evo. */
static void expect(const struct oracle *o, const struct sim_state *s, int evo, float *restrict out)
{
        const struct sim_kernel *k = o->kernel;
        bool crash = evo == EVO_CRASH, restart = crash || (s->down == 0 && (evo == EVO_SOFT || evo == EVO_HARD));
        float forget = (float)((uint32_t)k->recent_threshold ^ 0x80000000u) * 0x1p-32f;
        struct sim_state to;
        uint64_t load[SIM_LOADS];

        memset(out, 0, SIM_CELLS * sizeof *out);
        sim_ctx_next(s, (enum sim_action)action_of[evo], crash, &to);
        sim_load_odds(k, s->load, load);
        int recent = to.recent, fewer = restart || recent == 0 ? 1 : 2;

        for (int l = 0; l < SIM_LOADS; l++) {
                for (int f = 0; f < fewer; f++) {
                        float p = (float)load[l] * 0x1p-32f * (fewer == 1 ? 1.0f : f ? forget : 1 - forget);

                        if (p == 0) continue;
                        to.load = l;
                        to.recent = recent - f;
                        to.cell = 0;
                        const float *restrict from = o->reach + sim_index(&to);

                        for (int c = 0; c < SIM_CELLS; c++) out[c] += p * from[c];
                }
        }
}

static float onset_mean(const struct sim_kernel *k, const float *expected)
{
        float sum = 0;

        for (int i = 0; i < SIM_ONSETS; i++) sum += expected[k->onset_cell[i]];
        return sum / SIM_ONSETS;
}

/* Q of one action in state s, given the expectations of its context; stress < 0: by the service's own pressure. */
static float q_under(const struct oracle *o, const struct sim_state *s, int action, const float *expected, int stress)
{
        const struct sim_kernel *k = o->kernel;
        bool down = s->down > 0, restart = !down && action >= ACT_SOFT;
        int kind = down ? (int)KIND_DOWN : action, evo = down ? EVO_TICK : evo_of[action];
        const float *e = expected + evo * SIM_CELLS, *crashed = expected + EVO_CRASH * SIM_CELLS;
        int row = sim_row(s->cell, kind, stress >= 0 ? stress : sim_pressure(s->load, action == ACT_REDUCE && !down ? 1 : s->shed, s->cold));
        float q = down ? 0 : -k->w.cost[action] - (restart ? k->w.over * (float)s->recent : 0);

        for (int j = 0; j < SIM_OUTCOMES; j++) {
                float p = o->odds[row][j];
                int code = (int)(k->outcome[row] >> (8 * j) & 0xff);

                if (p == 0) continue;
                if (code & OUT_ONSET) q += p * onset_mean(k, e);
                else if (!(code & OUT_CRASH)) q += p * e[code];
                else if (s->recent == SIM_RECENTS - 1) q -= p * (k->w.crash + k->w.dead);
                else q += p * (crashed[code & OUT_CELL_MASK] - k->w.crash);
        }
        return q;
}

static float q_of(const struct oracle *o, const struct sim_state *s, int action, const float *expected)
{
        int mode = s->cell / SIM_SEVS;
        bool stressed = o->stress_max >= 0 && (mode == MODE_NONE || mode == MODE_CASCADING);
        float q = q_under(o, s, action, expected, stressed ? 0 : -1);

        for (int stress = 1; stressed && stress <= o->stress_max; stress++) q = fmaxf(q, q_under(o, s, action, expected, stress));
        return action == ACT_IGNORE || s->down > 0 ? q : q - o->price;
}

/* One sweep: q of every state from v, then v = max q, or q of the fixed policy. Returns the largest change of v. */
static double sweep(struct oracle *o, double discount, const uint8_t *policy)
{
        double worst = 0;

        reach_fill(o, discount);
        for (int ctx = 0; ctx < SIM_CTXS; ctx++) {
                struct sim_state s;

                sim_state_at(ctx * SIM_CELLS, &s);
                /* Down, every action is the same: one evolution, one value. */
                for (int evo = 0; evo < (s.down > 0 ? 1 : EVO_COUNT); evo++) expect(o, &s, evo, o->expected + evo * SIM_CELLS);
                for (int c = 0; c < SIM_CELLS; c++) {
                        int at = ctx * SIM_CELLS + c;
                        float v;

                        if (!sim_cell_valid(c)) continue;
                        s.cell = c;
                        if (s.down > 0) {
                                v = q_of(o, &s, ACT_IGNORE, o->expected);
                                for (int a = 0; a < ACT_COUNT; a++) o->q[at][a] = v;
                        } else if (policy) {
                                v = q_of(o, &s, policy[at], o->expected);
                        } else {
                                for (int a = 0; a < ACT_COUNT; a++) o->q[at][a] = q_of(o, &s, a, o->expected);
                                v = o->q[at][oracle_best(o->q[at], o->actions)];
                        }
                        if (o->may_leave && v < 0) v = 0;
                        worst = fmax(worst, fabs((double)v - (double)o->v[at]));
                        o->v[at] = v;
                }
        }
        return worst;
}

enum err oracle_solve(struct oracle *o, double tolerance, int sweeps_max)
{
        memset(o->v, 0, SIM_STATES * sizeof *o->v);
        for (o->sweeps = 0; o->sweeps < sweeps_max; o->sweeps++) {
                o->residual = sweep(o, o->gamma, NULL);
                if (o->residual <= tolerance) return ERR_OK;
        }
        return ERR_LIMIT;
}

void oracle_look_ahead(struct oracle *o, int horizon)
{
        CHECK(horizon >= 1);
        memset(o->v, 0, SIM_STATES * sizeof *o->v);
        for (o->sweeps = 0; o->sweeps < horizon; o->sweeps++) o->residual = sweep(o, o->gamma, NULL);
}

double oracle_bound(struct oracle *o, int steps, const struct sim_state *start)
{
        memset(o->v, 0, SIM_STATES * sizeof *o->v);
        for (int t = 0; t < steps; t++) (void)sweep(o, 1.0, NULL);
        return (double)o->v[sim_index(start)];
}

double oracle_policy_value(struct oracle *o, const uint8_t *action, int steps, const struct sim_state *start)
{
        memset(o->v, 0, SIM_STATES * sizeof *o->v);
        for (int t = 0; t < steps; t++) (void)sweep(o, 1.0, action);
        return (double)o->v[sim_index(start)];
}

void oracle_greedy(const struct oracle *o, uint8_t *ret_action)
{
        for (int i = 0; i < SIM_STATES; i++) {
                struct sim_state s;

                sim_state_at(i, &s);
                ret_action[i] = (uint8_t)oracle_best(o->q[i], s.down > 0 ? 3u : ~0u);
        }
}
