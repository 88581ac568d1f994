/* Forward and backward passes of the network of dqn.h. */
#include <math.h>
#include <string.h>

#include "learn/nn/dqn.h"

enum {
        W1 = 0,
        B1 = W1 + DQN_IN * DQN_HIDDEN,
        W2 = B1 + DQN_HIDDEN,
        B2 = W2 + DQN_HIDDEN * DQN_HIDDEN,
        W3 = B2 + DQN_HIDDEN,
        B3 = W3 + DQN_HIDDEN * DQN_OUT,
        HEAD = 1 + ACT_COUNT,
};
_Static_assert(B3 + DQN_OUT == DQN_FLOATS, "the offsets cover the weights");
_Static_assert(DQN_HEADS * HEAD <= DQN_OUT, "the heads fit");

struct pass {
        float h1[DQN_BATCH][DQN_HIDDEN], h2[DQN_BATCH][DQN_HIDDEN], out[DQN_BATCH][DQN_OUT];
};

static void forward(const float *net, const float *x, int batch, struct pass *p, const struct dense_ops *ops)
{
        ops->forward(x, batch, DQN_IN, net + W1, net + B1, &p->h1[0][0], DQN_HIDDEN);
        ops->relu(&p->h1[0][0], batch * DQN_HIDDEN);
        ops->forward(&p->h1[0][0], batch, DQN_HIDDEN, net + W2, net + B2, &p->h2[0][0], DQN_HIDDEN);
        ops->relu(&p->h2[0][0], batch * DQN_HIDDEN);
        ops->forward(&p->h2[0][0], batch, DQN_HIDDEN, net + W3, net + B3, &p->out[0][0], DQN_OUT);
}

/* Dueling: q[a] = value + advantage[a] - mean advantage. */
static void head_q(const float *out, int head, float q[ACT_COUNT])
{
        const float *o = out + head * HEAD;
        float mean = ((o[1] + o[2]) + (o[3] + o[4]) + o[5]) * (1.0f / ACT_COUNT);

        for (int a = 0; a < ACT_COUNT; a++) q[a] = o[0] + o[1 + a] - mean;
}

void dqn_heads(const float *net, const float *x, int batch, float (*ret)[DQN_HEADS][ACT_COUNT], const struct dense_ops *ops)
{
        struct pass p;

        forward(net, x, batch, &p, ops);
        for (int b = 0; b < batch; b++)
                for (int h = 0; h < DQN_HEADS; h++) head_q(p.out[b], h, ret[b][h]);
}

void dqn_values(const float *net, const float x[DQN_IN], float ret_q[ACT_COUNT])
{
        float q[1][DQN_HEADS][ACT_COUNT];

        dqn_heads(net, x, 1, q, dense_best());
        for (int a = 0; a < ACT_COUNT; a++) ret_q[a] = (((q[0][0][a] + q[0][1][a]) + q[0][2][a]) + (q[0][3][a] + q[0][4][a])) * (1.0f / DQN_HEADS);
}

float dqn_spread(const float *net, const float x[DQN_IN])
{
        float q[1][DQN_HEADS][ACT_COUNT], worst = 0;

        dqn_heads(net, x, 1, q, dense_best());
        for (int a = 0; a < ACT_COUNT; a++) {
                float sum = 0, sum2 = 0;

                for (int h = 0; h < DQN_HEADS; h++) sum += q[0][h][a], sum2 += q[0][h][a] * q[0][h][a];
                float variance = sum2 / DQN_HEADS - (sum / DQN_HEADS) * (sum / DQN_HEADS);

                if (variance > worst) worst = variance;
        }
        return sqrtf(worst);
}

static void transpose(const float *w, int rows, int columns, float *to)
{
        for (int r = 0; r < rows; r++)
                for (int c = 0; c < columns; c++) to[c * rows + r] = w[r * columns + c];
}

/* Huber with threshold 1, and d loss / d out. */
static float loss_rows(const struct dqn_batch *batch, const struct pass *p, float (*d_out)[DQN_OUT])
{
        const float scale = 1.0f / (DQN_BATCH * DQN_HEADS);
        float loss = 0;

        memset(d_out, 0, sizeof(float) * DQN_BATCH * DQN_OUT);
        for (int b = 0; b < DQN_BATCH; b++) {
                for (int h = 0; h < DQN_HEADS; h++) {
                        float q[ACT_COUNT], error, slope, *d = d_out[b] + h * HEAD;

                        if (!(batch->heads[b] >> h & 1)) continue;
                        head_q(p->out[b], h, q);
                        error = q[batch->action[b]] - batch->target[b][h];
                        slope = error > 1 ? 1.0f : error < -1 ? -1.0f : error;
                        loss += scale * (fabsf(error) > 1 ? fabsf(error) - 0.5f : 0.5f * error * error);
                        d[0] = slope * scale;
                        for (int a = 0; a < ACT_COUNT; a++) d[1 + a] = slope * scale * ((a == batch->action[b]) - 1.0f / ACT_COUNT);
                }
        }
        return loss;
}

float dqn_loss(const float *net, const struct dqn_batch *batch, float *g, const struct dense_ops *ops)
{
        static const float zero[DQN_HIDDEN];
        struct pass p;
        float d_out[DQN_BATCH][DQN_OUT], d2[DQN_BATCH][DQN_HIDDEN], d1[DQN_BATCH][DQN_HIDDEN], turned[DQN_HIDDEN * DQN_HIDDEN], loss;

        forward(net, &batch->x[0][0], DQN_BATCH, &p, ops);
        loss = loss_rows(batch, &p, d_out);
        if (!g) return loss;
        memset(g, 0, DQN_FLOATS * sizeof *g);
        ops->gradient(&p.h2[0][0], DQN_BATCH, DQN_HIDDEN, &d_out[0][0], DQN_OUT, g + W3, g + B3);
        transpose(net + W3, DQN_HIDDEN, DQN_OUT, turned);
        ops->forward(&d_out[0][0], DQN_BATCH, DQN_OUT, turned, zero, &d2[0][0], DQN_HIDDEN);
        ops->relu_back(&d2[0][0], &p.h2[0][0], DQN_BATCH * DQN_HIDDEN);
        ops->gradient(&p.h1[0][0], DQN_BATCH, DQN_HIDDEN, &d2[0][0], DQN_HIDDEN, g + W2, g + B2);
        transpose(net + W2, DQN_HIDDEN, DQN_HIDDEN, turned);
        ops->forward(&d2[0][0], DQN_BATCH, DQN_HIDDEN, turned, zero, &d1[0][0], DQN_HIDDEN);
        ops->relu_back(&d1[0][0], &p.h1[0][0], DQN_BATCH * DQN_HIDDEN);
        ops->gradient(&batch->x[0][0], DQN_BATCH, DQN_IN, &d1[0][0], DQN_HIDDEN, g + W1, g + B1);
        return loss;
}
