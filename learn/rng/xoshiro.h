/* xoshiro: xoshiro256++ (Blackman, Vigna), seeded through SplitMix64. Only for learners and resampling, never for the
 * environment: its draws depend on the order of calls.
 * Owner: the caller's struct, not thread-safe.  Memory: none.  Units: words.  Limits: period 2^256 - 1.  Fails: never. */
#ifndef LEARN_RNG_XOSHIRO_H
#define LEARN_RNG_XOSHIRO_H

#include <stdint.h>

struct xoshiro {
        uint64_t s[4];
};

uint64_t splitmix_next(uint64_t *state);
void xoshiro_seed(struct xoshiro *r, uint64_t seed);

static inline uint64_t xoshiro_rotl(uint64_t x, int k)
{
        return (x << k) | (x >> (64 - k));
}

static inline uint64_t xoshiro_next(struct xoshiro *r)
{
        uint64_t *s = r->s;
        uint64_t result = xoshiro_rotl(s[0] + s[3], 23) + s[0], t = s[1] << 17;

        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = xoshiro_rotl(s[3], 45);
        return result;
}

/* Uniform in [0, bound), bound > 0; the bias of the multiply is below 2^-32. */
static inline uint32_t xoshiro_below(struct xoshiro *r, uint32_t bound)
{
        return (uint32_t)(((xoshiro_next(r) >> 32) * bound) >> 32);
}

/* Uniform in [0, 1), 24 bits. */
static inline float xoshiro_float(struct xoshiro *r)
{
        return (float)(xoshiro_next(r) >> 40) * 0x1p-24f;
}

/* Standard normal, by the sum of twelve uniforms: enough for initial weights, and the same bits everywhere. */
float xoshiro_normal(struct xoshiro *r);

#endif
