#include "sut/loadgen/load_chance.h"

static uint64_t chance_mix(uint64_t z)
{
        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        return z ^ (z >> 31);
}

uint64_t load_chance_u64(uint64_t seed, enum load_stream stream, uint64_t n)
{
        const uint64_t golden = UINT64_C(0x9e3779b97f4a7c15);

        return chance_mix(chance_mix(seed + golden * (uint64_t)stream) + golden * (n + 1));
}

double load_chance_unit(uint64_t seed, enum load_stream stream, uint64_t n)
{
        return (double)(load_chance_u64(seed, stream, n) >> 11) * 0x1p-53;
}

uint32_t load_chance_below(uint64_t seed, enum load_stream stream, uint64_t n, uint32_t count)
{
        return (uint32_t)(((load_chance_u64(seed, stream, n) >> 32) * count) >> 32);
}
