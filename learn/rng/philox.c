#include "learn/rng/philox.h"

void philox_draw(uint64_t seed, uint32_t episode, uint32_t step, uint32_t service, enum philox_channel channel,
                 uint32_t ret_words[4])
{
        const uint32_t key[2] = { (uint32_t)seed, episode };
        const uint32_t counter[4] = { step, service, (uint32_t)channel, (uint32_t)(seed >> 32) };

        philox_words(counter, key, ret_words);
}
