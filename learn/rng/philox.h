/* philox: Philox4x32-10 (Salmon et al., SC'11), a counter-based generator: the nth number is a pure function of key and
 * counter. Every exogenous draw of a simulated incident comes from here, so all policies meet the same incident and any
 * step can be drawn again.
 * Owner: none, no state.  Memory: none.  Units: 32-bit words.  Limits: 2^128 counters a key.  Fails: never. */
#ifndef LEARN_RNG_PHILOX_H
#define LEARN_RNG_PHILOX_H

#include <stddef.h>
#include <stdint.h>

#define PHILOX_M0 UINT32_C(0xD2511F53)
#define PHILOX_M1 UINT32_C(0xCD9E8D57)
#define PHILOX_W0 UINT32_C(0x9E3779B9)
#define PHILOX_W1 UINT32_C(0xBB67AE85)
enum { PHILOX_ROUNDS = 10 };

static inline void philox_words(const uint32_t counter[4], const uint32_t key[2], uint32_t ret_words[4])
{
        uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
        uint32_t k0 = key[0], k1 = key[1];

        for (int round = 0; round < PHILOX_ROUNDS; round++) {
                uint64_t p0 = (uint64_t)PHILOX_M0 * c0, p1 = (uint64_t)PHILOX_M1 * c2;

                c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
                c1 = (uint32_t)p1;
                c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
                c3 = (uint32_t)p0;
                k0 += PHILOX_W0;
                k1 += PHILOX_W1;
        }
        ret_words[0] = c0;
        ret_words[1] = c1;
        ret_words[2] = c2;
        ret_words[3] = c3;
}

/* What a draw is for. A channel has its own counter space, so drawing more in one never moves another. */
enum philox_channel { PHILOX_DYNAMICS, PHILOX_EMISSION, PHILOX_LOG, PHILOX_TOPOLOGY };

/* The draws of one step of one service: key (seed, episode), counter (step, service, channel, seed's high word). */
void philox_draw(uint64_t seed, uint32_t episode, uint32_t step, uint32_t service, enum philox_channel channel,
                 uint32_t ret_words[4]);

#endif
