/* The portable instantiation: one lane. */
#include "learn/rng/philox.h"
#include "learn/sim/sim1_int.h"

#define LANES 1
typedef int32_t VI;
typedef float VF;
typedef int32_t VM; /* -1 or 0 */
typedef const void *VT;
#define V_SET(x) ((int32_t)(x))
#define F_SET(x) ((float)(x))
#define V_LOAD(p) (*(p))
#define V_STORE(p, v) (*(p) = (v))
#define V_BYTES(p) ((int32_t)*(p))
#define TABLE(p) ((const void *)(p))
#define V_AT(table, index) (((const int32_t *)(table))[index])
#define F_AT(table, index) (((const float *)(table))[index])
#define QUADS(base, index, out)                                                                                        \
        do {                                                                                                           \
                for (int quad_c = 0; quad_c < 4; quad_c++) (out)[quad_c] = (base)[(index) * 4 + quad_c];               \
        } while (0)
#define V_QUADS(base, index, out) QUADS(base, index, out)
#define F_QUADS(base, index, out) QUADS(base, index, out)
#define INC(v, m) ((v) - (m))
#define DEC(v, m) ((v) + (m))
#define V_ADD(a, b) ((int32_t)((uint32_t)(a) + (uint32_t)(b)))
#define V_MUL(a, m, hi, lo)                                                                                            \
        do {                                                                                                           \
                uint64_t product = (uint64_t)(uint32_t)(a) * (m);                                                      \
                hi = (int32_t)(product >> 32);                                                                         \
                lo = (int32_t)(uint32_t)product;                                                                       \
        } while (0)
#define V_SHR(a, k) ((int32_t)((uint32_t)(a) >> (k)))
#define GE(a, b) (-(int32_t)((a) >= (b)))
#define LT(a, b) (-(int32_t)((a) < (b)))
#define EQ(a, b) (-(int32_t)((a) == (b)))
#define F_LT(a, b) (-(int32_t)((a) < (b)))
#define SEL(m, a, b) ((m) ? (a) : (b))
#define FSEL(m, a, b) ((m) ? (a) : (b))
#define F_OF(v) ((float)(v))
#define F_STORE(p, v) (*(p) = (v))
#define B_STORE(p, m) (*(p) = (uint8_t)((m) & 1))
#define F_ROWS8(v, rows, stride)                                                                                               \
        for (int column = 0; column < 8; column++) (rows)[column] = (v)[column]
#define F_ROWS4(v, rows)                                                                                               \
        for (int column = 0; column < 4; column++) (rows)[column] = (v)[column]
#define RANGE_NAME range_lanes
#include "learn/sim/sim1_core.inc"

void sim1_range_scalar(struct sim1 *s, uint32_t from, uint32_t to, const uint8_t *act, const struct sim1_out *out)
{
        range_lanes(s, from, to, act, out);
}
