/* sim1_int: the vectorised range functions behind sim1_step. Only sim1*.c include this. */
#ifndef LEARN_SIM_SIM1_INT_H
#define LEARN_SIM_SIM1_INT_H

#include "learn/sim/sim1.h"

/* The standard deviation of the sum of four uniform bytes: 4 * (256^2 - 1) / 12 = 21845. */
#define SIM1_BYTES_SIGMA 147.80053f
#define SIM1_DOWN_CPU 5.0f
#define SIM1_DOWN_MEMORY 10.0f
#define SIM1_ADMIT_SHED 0.7f

/* Rows [from, to), both multiples of SIM1_LANES for the wide ones. */
void sim1_range_scalar(struct sim1 *s, uint32_t from, uint32_t to, const uint8_t *act, const struct sim1_out *out);
void sim1_range_avx2(struct sim1 *s, uint32_t from, uint32_t to, const uint8_t *act, const struct sim1_out *out);
void sim1_range_avx512(struct sim1 *s, uint32_t from, uint32_t to, const uint8_t *act, const struct sim1_out *out);

#endif
