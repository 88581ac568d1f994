/* The plain reference, and the choice among the others. */
#include "learn/nn/dense.h"

#include <math.h>

static void forward(const float *x, int batch, int in, const float *w, const float *bias, float *y, int out)
{
        for (int b = 0; b < batch; b++) {
                for (int o = 0; o < out; o++) {
                        float sum = bias[o];

                        for (int i = 0; i < in; i++) sum += x[b * in + i] * w[i * out + o];
                        y[b * out + o] = sum;
                }
        }
}

static void gradient(const float *x, int batch, int in, const float *dy, int out, float *dw, float *dbias)
{
        for (int o = 0; o < out; o++) {
                for (int b = 0; b < batch; b++) dbias[o] += dy[b * out + o];
                for (int i = 0; i < in; i++)
                        for (int b = 0; b < batch; b++) dw[i * out + o] += x[b * in + i] * dy[b * out + o];
        }
}

static void adam(float *w, const float *g, float *m, float *v, int count, float rate, float beta1, float beta2, float scale1, float scale2)
{
        for (int i = 0; i < count; i++) {
                m[i] = beta1 * m[i] + (1 - beta1) * g[i];
                v[i] = beta2 * v[i] + (1 - beta2) * (g[i] * g[i]);
                w[i] -= rate * (m[i] * scale1) / (sqrtf(v[i] * scale2) + 1e-5f);
        }
}

static void follow(float *to, const float *from, int count, float share)
{
        for (int i = 0; i < count; i++) to[i] += share * (from[i] - to[i]);
}

static void relu(float *y, int count)
{
        for (int i = 0; i < count; i++) y[i] = y[i] > 0 ? y[i] : 0;
}

static void relu_back(float *dy, const float *y, int count)
{
        for (int i = 0; i < count; i++) dy[i] = y[i] > 0 ? dy[i] : 0;
}

static float norm2(const float *x, int count)
{
        float sum = 0;

        for (int i = 0; i < count; i++) sum += x[i] * x[i];
        return sum;
}

const struct dense_ops dense_plain = { forward, gradient, adam, follow, relu, relu_back, norm2 };

const struct dense_ops *dense_best(void)
{
#if defined(__x86_64__)
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
            __builtin_cpu_supports("avx512vl"))
                return &dense_avx512;
        if (__builtin_cpu_supports("avx2")) return &dense_avx2;
        return &dense_base;
#else
        return &dense_plain;
#endif
}
