/* expf: e^x in single precision by range reduction and a polynomial: the same bits with every compiler and C library,
 * and loops over it vectorise. Relative error below 3e-7 in [-87, 0].
 * Owner: none.  Memory: none.  Units: none.  Limits: x is clamped to [-87, 88].  Fails: never. */
#ifndef LEARN_FEAT_EXPF_H
#define LEARN_FEAT_EXPF_H

#include <stdint.h>
#include <string.h>

static inline float exp_same(float x)
{
        x = x < -87.0f ? -87.0f : x;
        x = x > 88.0f ? 88.0f : x;
        float n = x * 1.44269504f;
        int32_t k = (int32_t)(n + (n < 0 ? -0.5f : 0.5f));
        float r = x - (float)k * 0.693359375f + (float)k * 2.12194440e-4f;
        float p = 1.9875691500e-4f;

        p = p * r + 1.3981999507e-3f;
        p = p * r + 8.3334519073e-3f;
        p = p * r + 4.1665795894e-2f;
        p = p * r + 1.6666665459e-1f;
        p = p * r + 5.0000001201e-1f;
        p = p * r * r + r + 1.0f;
        int32_t bits = (k + 127) << 23;
        float scale;

        memcpy(&scale, &bits, sizeof scale);
        return p * scale;
}

#endif
