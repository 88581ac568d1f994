/* load_chance: random numbers by counter: number n of a stream of a seed, in any order, always the same. Pure.
 * SplitMix64's finaliser over seed, stream and counter (Steele, Lea, Flood: Fast splittable pseudorandom number generators).
 * Owner: none. Memory: none. Units: none. Limits: none. Fails: nothing. */
#ifndef SUT_LOADGEN_LOAD_CHANCE_H
#define SUT_LOADGEN_LOAD_CHANCE_H

#include <stdint.h>

enum load_stream { LOAD_STREAM_ARRIVAL = 1, LOAD_STREAM_JOURNEY, LOAD_STREAM_PRODUCT, LOAD_STREAM_USER, LOAD_STREAM_QUANTITY };

uint64_t load_chance_u64(uint64_t seed, enum load_stream stream, uint64_t n);
/* 0 <= value < 1 */
double load_chance_unit(uint64_t seed, enum load_stream stream, uint64_t n);
/* 0 <= value < count */
uint32_t load_chance_below(uint64_t seed, enum load_stream stream, uint64_t n, uint32_t count);

#endif
