#include "learn/train/qlearn.h"

#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"

const struct qlearn_opts qlearn_defaults = {
        .episodes = 500000, .gamma = 0.94f, .epsilon_from = 0.12f, .epsilon_to = 0.03f,
        .alpha_from = 0.05f, .alpha_to = 0.0005f, .n_step = 1,
};

enum { ALPHAS = 4096 };
#define CENTRE_RATE 1e-3f

/* A decision waiting for its n-step return. */
struct pending {
        int cell, action;
        float reward[REW_COUNT], discount; /* until the next decision */
};

struct row {
        struct feat_tracker tracker;
        struct pending wait[QLEARN_N_MAX];
        int waiting;
};

struct qlearn {
        struct qlearn_opts o;
        struct env_vec *v;
        struct row *row;       /* [QLEARN_ROWS] */
        struct qtab *table[2];
        float alpha[ALPHAS];
        struct xoshiro rng;
        uint64_t episodes, steps;
        double sum;
        uint64_t summed;
        float alpha_floor;
        float centre[REW_COUNT]; /* running mean reward of a step */
};

enum err qlearn_new(const struct qlearn_opts *opts, struct qlearn **ret)
{
        AUTO(qlearn_free) struct qlearn *q = mem_zalloc(1, sizeof *q);
        struct env_opts env = { .kernel = opts->kernel, .autoreset = ENV_SAME_STEP };
        enum err e;

        CHECK(opts->n_step >= 1 && opts->n_step <= QLEARN_N_MAX && seed_kind_of(opts->seed.value) == SEED_train);
        if (!q) return ERR_NOMEM;
        q->o = *opts;
        e = env_make("sim1", QLEARN_ROWS, &env, &q->v, NULL);
        if (e) return e;
        q->row = mem_aligned(64, QLEARN_ROWS * sizeof *q->row);
        q->table[0] = mem_zalloc(1, sizeof *q->table[0]);
        q->table[1] = mem_zalloc(1, sizeof *q->table[1]);
        if (!q->row || !q->table[0] || !q->table[1]) return ERR_NOMEM;
        /* (1 + n)^-0.6, nearly: (1 + n)^-0.625 by square roots, which round the same everywhere. */
        for (int n = 0; n < ALPHAS; n++) {
                double x = 1.0 + n, half = __builtin_sqrt(x), small = x;

                for (int i = 0; i < 3; i++) small = __builtin_sqrt(small); /* n^(1/8) */
                q->alpha[n] = (float)(1 / (half * small));
        }
        xoshiro_seed(&q->rng, opts->seed.value * 2 + 1);
        env_reset(q->v, opts->seed.value, NULL);
        for (uint32_t i = 0; i < QLEARN_ROWS; i++) feat_start(q->o.feat, &q->row[i].tracker, q->v->obs + (size_t)i * OBS_COUNT);
        *ret = take(&q);
        return ERR_OK;
}

void qlearn_free(struct qlearn *q)
{
        if (!q) return;
        env_close(q->v);
        mem_free(q->row);
        mem_free(q->table[0]);
        mem_free(q->table[1]);
        mem_free(q);
}

static int best_of_both(const struct qlearn *q, int cell)
{
        float sum[ACT_COUNT], other[ACT_COUNT];

        qtab_values(q->table[0], cell, sum);
        qtab_values(q->table[1], cell, other);
        for (int a = 0; a < ACT_COUNT; a++) sum[a] += other[a];
        return oracle_best(sum, ~0u);
}

/* The oldest waiting decision gets its return; cell_next < 0: nothing follows. */
static void learn_oldest(struct qlearn *q, struct row *row, int cell_next)
{
        const struct pending *w = row->wait;
        int pick = (int)(xoshiro_next(&q->rng) >> 63);
        struct qtab *learn = q->table[pick], *judge = q->table[!pick];
        float g[REW_COUNT] = { 0 };

        /* Nothing more: raw rewards of 0 for ever, which centred are minus the mean each step. */
        for (int c = 0; c < REW_COUNT && q->o.gamma < 1; c++) g[c] = -q->centre[c] / (1 - q->o.gamma);
        if (cell_next >= 0) memcpy(g, judge->q[cell_next][qtab_best(learn, cell_next, ~0u)], sizeof g);
        for (int i = row->waiting - 1; i >= 0; i--)
                for (int c = 0; c < REW_COUNT; c++) g[c] = w[i].reward[c] + w[i].discount * g[c];
        uint32_t *n = &learn->visits[w->cell][w->action];
        float alpha = q->alpha[*n < ALPHAS ? *n : ALPHAS - 1], *to = learn->q[w->cell][w->action];

        if (alpha < q->alpha_floor) alpha = q->alpha_floor;

        for (int c = 0; c < REW_COUNT; c++) to[c] += alpha * (g[c] - to[c]);
        (*n)++;
        q->steps++;
        row->waiting--;
        memmove(row->wait, row->wait + 1, (size_t)row->waiting * sizeof *row->wait);
}

/* Rewards are centred on their running mean (Naik et al., "Reward Centering", 2024): otherwise every value first has to
 * climb to the common level r / (1 - gamma), and rarely tried actions look good only for not having been there yet. */
static void centre_move(struct qlearn *q)
{
        for (int c = 0; c < REW_COUNT; c++) {
                float sum = 0;

                for (uint32_t i = 0; i < QLEARN_ROWS; i++) sum += q->v->columns[i][c];
                q->centre[c] += CENTRE_RATE * (sum / QLEARN_ROWS - q->centre[c]);
        }
}

/* The cell a row decides in, -1 while it is down; both tables' rows are called into the cache. */
static int cell_of(const struct qlearn *q, uint32_t i)
{
        const struct row *row = &q->row[i];
        int cell;

        if (row->tracker.context.down > 0) return -1;
        cell = feat_cell(q->o.feat, &row->tracker);
        for (int t = 0; t < 2; t++) {
                __builtin_prefetch(q->table[t]->q[cell]);
                __builtin_prefetch(&q->table[t]->q[cell][ACT_COUNT - 1]);
        }
        return cell;
}

static void decide(struct qlearn *q, uint32_t i, int cell, float epsilon)
{
        struct row *row = &q->row[i];
        int action;

        if (cell < 0) {
                q->v->act[i] = ACT_IGNORE;
                return;
        }
        if (row->waiting == q->o.n_step) learn_oldest(q, row, cell);
        action = xoshiro_float(&q->rng) < epsilon ? (int)xoshiro_below(&q->rng, ACT_COUNT) : best_of_both(q, cell);
        row->wait[row->waiting++] = (struct pending){ .cell = cell, .action = action, .discount = 1.0f };
        q->v->act[i] = (uint8_t)action;
}

static void feel(struct qlearn *q, uint32_t i)
{
        struct env_vec *v = q->v;
        struct row *row = &q->row[i];
        bool ended = v->terminated[i] || v->truncated[i];
        const float *obs = (ended ? v->final_obs : v->obs) + (size_t)i * OBS_COUNT;

        if (row->waiting > 0) {
                struct pending *w = &row->wait[row->waiting - 1];

                for (int c = 0; c < REW_COUNT; c++) w->reward[c] += w->discount * (v->columns[i][c] - q->centre[c]);
                w->discount *= q->o.gamma;
        }
        if (!v->terminated[i]) feat_update(q->o.feat, &row->tracker, v->act[i], obs);
        if (!ended) return;
        /* Truncated while up: the state goes on without us, so its value counts. Truncated while down: the waiting decisions
         * have no state to bootstrap from and are dropped rather than taken for an end. */
        bool bootstrap = q->o.gamma > 0 && v->truncated[i] && row->tracker.context.down == 0;
        int cell = bootstrap ? feat_cell(q->o.feat, &row->tracker) : -1;

        while (row->waiting > 0 && (bootstrap || v->terminated[i])) learn_oldest(q, row, cell);
        row->waiting = 0;
        q->sum += v->episode_return[i];
        q->summed++;
        q->episodes++;
        feat_start(q->o.feat, &row->tracker, v->obs + (size_t)i * OBS_COUNT);
}

void qlearn_run(struct qlearn *q, uint64_t episodes)
{
        uint64_t until = q->episodes + episodes;

        q->sum = 0;
        q->summed = 0;
        while (q->episodes < until) {
                float done = (float)q->episodes / (0.6f * (float)q->o.episodes);
                float epsilon = q->o.epsilon_from + (q->o.epsilon_to - q->o.epsilon_from) * (done < 1 ? done : 1.0f);
                float left = 1.0f - (float)q->episodes / (float)q->o.episodes;

                left = left > 0 ? left : 0;
                q->alpha_floor = q->o.alpha_to + (q->o.alpha_from - q->o.alpha_to) * left * left;

                int cell[QLEARN_ROWS];

                for (uint32_t i = 0; i < QLEARN_ROWS; i++) cell[i] = cell_of(q, i);
                for (uint32_t i = 0; i < QLEARN_ROWS; i++) decide(q, i, cell[i], epsilon);
                env_step(q->v);
                centre_move(q);
                for (uint32_t i = 0; i < QLEARN_ROWS; i++) feel(q, i);
        }
}

uint64_t qlearn_episodes(const struct qlearn *q)
{
        return q->episodes;
}

uint64_t qlearn_steps(const struct qlearn *q)
{
        return q->steps;
}

double qlearn_recent_return(const struct qlearn *q)
{
        return q->summed ? q->sum / (double)q->summed : 0;
}

void qlearn_table(const struct qlearn *q, struct qtab *ret)
{
        for (int s = 0; s < FEAT_STATES; s++) {
                for (int a = 0; a < ACT_COUNT; a++) {
                        for (int c = 0; c < REW_COUNT; c++) ret->q[s][a][c] = 0.5f * (q->table[0]->q[s][a][c] + q->table[1]->q[s][a][c]);
                        ret->visits[s][a] = q->table[0]->visits[s][a] + q->table[1]->visits[s][a];
                }
        }
}
