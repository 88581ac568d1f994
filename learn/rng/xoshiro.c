#include "learn/rng/xoshiro.h"

uint64_t splitmix_next(uint64_t *state)
{
        uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));

        z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
        return z ^ (z >> 31);
}

void xoshiro_seed(struct xoshiro *r, uint64_t seed)
{
        for (int i = 0; i < 4; i++) r->s[i] = splitmix_next(&seed);
}

float xoshiro_normal(struct xoshiro *r)
{
        float sum = 0;

        for (int i = 0; i < 12; i++) sum += xoshiro_float(r);
        return sum - 6.0f;
}
