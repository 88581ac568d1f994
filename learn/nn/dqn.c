/* The training loop of dqn.h. */
#include "learn/nn/dqn.h"

#include <math.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/mem.h"

const struct dqn_opts dqn_defaults = {
        .updates = 150000, .gamma = 0.94f, .epsilon_from = 0.20f, .epsilon_to = 0.03f, .rate = 5e-4f, .polyak = 0.005f,
        .n_step = 3, .updates_per_step = 4,
};

enum { ROWS = 64, N_MAX = 8, WARM_UP = 5000 };
#define CENTRE_RATE 1e-3f

struct transition {
        float x[DQN_IN], next[DQN_IN], reward, discount; /* discount 0: nothing follows */
        uint8_t action, heads;
};

struct pending {
        float x[DQN_IN], reward, discount;
        int action;
};

struct row {
        struct feat_tracker tracker;
        struct pending wait[N_MAX];
        int waiting;
};

struct dqn {
        struct dqn_opts o;
        const struct dense_ops *ops;
        struct env_vec *v;
        struct row *row;
        struct transition *replay;
        uint64_t stored, updates, episodes, summed;
        float *net, *target, *gradient, *m, *v2; /* [DQN_FLOATS] */
        struct dqn_batch batch;
        struct xoshiro rng;
        double sum;
        float centre, beta1, beta2;
};

static void weights_draw(struct dqn *d)
{
        const int in[] = { DQN_IN, DQN_HIDDEN, DQN_HIDDEN }, out[] = { DQN_HIDDEN, DQN_HIDDEN, DQN_OUT };
        float *w = d->net;

        for (int layer = 0; layer < 3; layer++) {
                float scale = sqrtf(2.0f / (float)in[layer]) * (layer == 2 ? 0.1f : 1.0f);

                for (int i = 0; i < in[layer] * out[layer]; i++) *w++ = scale * xoshiro_normal(&d->rng);
                w += out[layer];
        }
        memcpy(d->target, d->net, DQN_FLOATS * sizeof *d->net);
}

enum err dqn_new(const struct dqn_opts *opts, struct dqn **ret)
{
        const struct env_opts env = { .kernel = opts->kernel, .autoreset = ENV_SAME_STEP };
        AUTO(dqn_free) struct dqn *d = mem_aligned(64, sizeof *d);
        enum err e;

        CHECK(opts->n_step >= 1 && opts->n_step <= N_MAX && seed_kind_of(opts->seed.value) == SEED_train);
        if (!d) return ERR_NOMEM;
        d->o = *opts;
        d->ops = dense_best();
        e = env_make("sim1", ROWS, &env, &d->v, NULL);
        if (e) return e;
        d->row = mem_aligned(64, ROWS * sizeof *d->row);
        d->replay = mem_zalloc(DQN_REPLAY, sizeof *d->replay);
        d->net = mem_aligned(64, 5 * DQN_FLOATS * sizeof *d->net);
        if (!d->row || !d->replay || !d->net) return ERR_NOMEM;
        d->target = d->net + DQN_FLOATS;
        d->gradient = d->target + DQN_FLOATS;
        d->m = d->gradient + DQN_FLOATS;
        d->v2 = d->m + DQN_FLOATS;
        d->beta1 = d->beta2 = 1;
        xoshiro_seed(&d->rng, opts->seed.value * 2 + 3);
        weights_draw(d);
        env_reset(d->v, opts->seed.value, NULL);
        for (uint32_t i = 0; i < ROWS; i++) feat_start(opts->feat, &d->row[i].tracker, d->v->obs + (size_t)i * OBS_COUNT);
        *ret = take(&d);
        return ERR_OK;
}

void dqn_free(struct dqn *d)
{
        if (!d) return;
        env_close(d->v);
        mem_free(d->row);
        mem_free(d->replay);
        mem_free(d->net);
        mem_free(d);
}

/* The oldest waiting decision becomes a transition; next NULL: nothing follows, for ever minus the mean reward. */
static void store_oldest(struct dqn *d, struct row *row, const float *next)
{
        struct transition *t = &d->replay[d->stored++ % DQN_REPLAY];
        float reward = next ? 0 : -d->centre / (1 - d->o.gamma), discount = 1;

        for (int i = row->waiting - 1; i >= 0; i--) reward = row->wait[i].reward + row->wait[i].discount * reward;
        for (int i = 0; i < row->waiting; i++) discount *= row->wait[i].discount;
        memcpy(t->x, row->wait[0].x, sizeof t->x);
        if (next) memcpy(t->next, next, sizeof t->next);
        else memset(t->next, 0, sizeof t->next);
        t->reward = reward;
        t->discount = next ? discount : 0;
        t->action = (uint8_t)row->wait[0].action;
        t->heads = 0;
        for (int h = 0; h < DQN_HEADS; h++) t->heads |= (uint8_t)((xoshiro_float(&d->rng) < 0.8f) << h);
        row->waiting--;
        memmove(row->wait, row->wait + 1, (size_t)row->waiting * sizeof *row->wait);
}

static void act(struct dqn *d, float epsilon)
{
        float x[ROWS][DQN_IN], q[ROWS][DQN_HEADS][ACT_COUNT];

        for (uint32_t i = 0; i < ROWS; i++) feat_vector(d->o.feat, &d->row[i].tracker, x[i]);
        dqn_heads(d->net, &x[0][0], ROWS, q, d->ops);
        for (uint32_t i = 0; i < ROWS; i++) {
                struct row *row = &d->row[i];
                float mean[ACT_COUNT] = { 0 };
                int action;

                d->v->act[i] = ACT_IGNORE;
                if (row->tracker.context.down > 0) continue;
                if (row->waiting == d->o.n_step) store_oldest(d, row, x[i]);
                for (int h = 0; h < DQN_HEADS; h++)
                        for (int a = 0; a < ACT_COUNT; a++) mean[a] += q[i][h][a];
                action = xoshiro_float(&d->rng) < epsilon ? (int)xoshiro_below(&d->rng, ACT_COUNT) : oracle_best(mean, ~0u);
                struct pending *w = &row->wait[row->waiting++];

                memcpy(w->x, x[i], sizeof w->x);
                w->reward = 0;
                w->discount = 1;
                w->action = action;
                d->v->act[i] = (uint8_t)action;
        }
}

static void feel(struct dqn *d, uint32_t i)
{
        struct env_vec *v = d->v;
        struct row *row = &d->row[i];
        bool ended = v->terminated[i] || v->truncated[i];
        const float *obs = (ended ? v->final_obs : v->obs) + (size_t)i * OBS_COUNT;
        float x[DQN_IN];

        if (row->waiting > 0) {
                struct pending *w = &row->wait[row->waiting - 1];

                w->reward += w->discount * (v->reward[i] - d->centre);
                w->discount *= d->o.gamma;
        }
        if (!v->terminated[i]) feat_update(d->o.feat, &row->tracker, v->act[i], obs);
        if (!ended) return;
        bool bootstrap = v->truncated[i] && row->tracker.context.down == 0;

        if (bootstrap) feat_vector(d->o.feat, &row->tracker, x);
        while (row->waiting > 0 && (bootstrap || v->terminated[i])) store_oldest(d, row, bootstrap ? x : NULL);
        row->waiting = 0;
        d->sum += v->episode_return[i];
        d->summed++;
        d->episodes++;
        feat_start(d->o.feat, &row->tracker, v->obs + (size_t)i * OBS_COUNT);
}

static void play(struct dqn *d)
{
        float done = (float)d->updates / (0.6f * (float)d->o.updates), mean = 0;

        act(d, d->o.epsilon_from + (d->o.epsilon_to - d->o.epsilon_from) * (done < 1 ? done : 1.0f));
        env_step(d->v);
        for (uint32_t i = 0; i < ROWS; i++) mean += d->v->reward[i];
        d->centre += CENTRE_RATE * (mean / ROWS - d->centre);
        for (uint32_t i = 0; i < ROWS; i++) feel(d, i);
}

/* Double targets, head by head: the network picks, its slow copy judges. */
static void batch_draw(struct dqn *d)
{
        float next[DQN_BATCH][DQN_IN], pick[DQN_BATCH][DQN_HEADS][ACT_COUNT], judge[DQN_BATCH][DQN_HEADS][ACT_COUNT];
        const struct transition *from[DQN_BATCH];
        uint32_t held = (uint32_t)MIN(d->stored, (uint64_t)DQN_REPLAY);

        for (int b = 0; b < DQN_BATCH; b++) {
                const struct transition *t = from[b] = &d->replay[xoshiro_below(&d->rng, held)];

                memcpy(d->batch.x[b], t->x, sizeof t->x);
                memcpy(next[b], t->next, sizeof t->next);
                d->batch.action[b] = t->action;
                d->batch.heads[b] = t->heads;
        }
        dqn_heads(d->net, &next[0][0], DQN_BATCH, pick, d->ops);
        dqn_heads(d->target, &next[0][0], DQN_BATCH, judge, d->ops);
        for (int b = 0; b < DQN_BATCH; b++)
                for (int h = 0; h < DQN_HEADS; h++)
                        d->batch.target[b][h] = from[b]->reward + from[b]->discount * judge[b][h][oracle_best(pick[b][h], ~0u)];
}

/* The norm at most 10. The exact sum, whose order fixes its bits, is taken only where the quick one is not clearly below. */
static void gradient_clip(struct dqn *d)
{
        float norm2 = 0, scale;

        if (d->ops->norm2(d->gradient, DQN_FLOATS) < 99.0f) return;
        for (int i = 0; i < DQN_FLOATS; i++) norm2 += d->gradient[i] * d->gradient[i];
        if (!(norm2 > 100.0f)) return;
        scale = 10.0f / sqrtf(norm2);
        for (int i = 0; i < DQN_FLOATS; i++) d->gradient[i] *= scale;
}

static void update(struct dqn *d)
{
        float left = 1.0f - (float)d->updates / (float)d->o.updates, rate = d->o.rate * (0.05f + 0.95f * (left > 0 ? left : 0));

        batch_draw(d);
        (void)dqn_loss(d->net, &d->batch, d->gradient, d->ops);
        gradient_clip(d);
        d->beta1 *= 0.9f;
        d->beta2 *= 0.999f;
        d->ops->adam(d->net, d->gradient, d->m, d->v2, DQN_FLOATS, rate, 0.9f, 0.999f, 1 / (1 - d->beta1), 1 / (1 - d->beta2));
        d->ops->follow(d->target, d->net, DQN_FLOATS, d->o.polyak);
        d->updates++;
}

void dqn_run(struct dqn *d, uint64_t updates)
{
        uint64_t until = d->updates + updates;

        d->sum = 0;
        d->summed = 0;
        while (d->updates < until) {
                play(d);
                for (int i = 0; i < d->o.updates_per_step && d->stored >= WARM_UP && d->updates < until; i++) update(d);
        }
}

uint64_t dqn_updates(const struct dqn *d)
{
        return d->updates;
}

uint64_t dqn_episodes(const struct dqn *d)
{
        return d->episodes;
}

double dqn_recent_return(const struct dqn *d)
{
        return d->summed ? d->sum / (double)d->summed : 0;
}

const float *dqn_net(const struct dqn *d)
{
        return d->net;
}

int dqn_decide(const void *self, const struct policy_input *in, struct xoshiro *rng)
{
        const struct dqn_policy *p = self;
        float x[FEAT_VECTOR], q[ACT_COUNT];

        (void)rng;
        feat_vector(p->feat, in->tracker, x);
        dqn_values(p->net, x, q);
        return oracle_best(q, in->mask);
}
