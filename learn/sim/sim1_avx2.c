/* Eight lanes; needs AVX2 at run time (sim1_isa_usable). */
#include "learn/rng/philox.h"
#include "learn/sim/sim1_int.h"

#if defined(__AVX2__)
#include <immintrin.h>

#define LANES 8
typedef int32_t VI __attribute__((vector_size(32)));
typedef float VF __attribute__((vector_size(32)));
typedef VI VM; /* -1 or 0 */
typedef struct {
        __m256i low, high;
} VT;
#define V_SET(x) ((VI)_mm256_set1_epi32((int)(x)))
#define F_SET(x) ((VF)_mm256_set1_ps((float)(x)))
#define V_LOAD(p) ((VI)_mm256_loadu_si256((const __m256i *)(const void *)(p)))
#define V_STORE(p, v) _mm256_storeu_si256((__m256i *)(void *)(p), (__m256i)(v))
#define V_BYTES(p) ((VI)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)(p))))
#define TABLE(p) ((VT){ _mm256_loadu_si256((const __m256i *)(const void *)(p)), _mm256_loadu_si256((const __m256i *)(const void *)(p) + 1) })
#define INC(v, m) ((v) - (m))
#define DEC(v, m) ((v) + (m))
#define V_ADD(a, b) ((VI)_mm256_add_epi32((__m256i)(a), (__m256i)(b)))
#define V_MUL(a, m, hi, lo)                                                                                            \
        do {                                                                                                           \
                __m256i mm = _mm256_set1_epi32((int)(m)), even = _mm256_mul_epu32((__m256i)(a), mm),                   \
                        odd = _mm256_mul_epu32(_mm256_srli_epi64((__m256i)(a), 32), mm);                               \
                hi = (VI)_mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA);                                   \
                lo = (VI)_mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xAA);                                   \
        } while (0)
#define V_SHR(a, k) ((VI)_mm256_srli_epi32((__m256i)(a), (k)))
#define GE(a, b) ((VI)((a) >= (b)))
#define LT(a, b) ((VI)((a) < (b)))
#define EQ(a, b) ((VI)((a) == (b)))
#define F_LT(a, b) ((VI)((a) < (b)))
#define SEL(m, a, b) ((VI)_mm256_blendv_epi8((__m256i)(b), (__m256i)(a), (__m256i)(m)))
#define FSEL(m, a, b) ((VF)_mm256_blendv_ps((__m256)(b), (__m256)(a), (__m256)(m)))
#define F_OF(v) ((VF)_mm256_cvtepi32_ps((__m256i)(v)))
#define F_STORE(p, v) _mm256_storeu_ps((p), (__m256)(v))

static inline void bytes_store(uint8_t *p, VI mask)
{
        int bits = _mm256_movemask_ps((__m256)mask);

        for (int lane = 0; lane < LANES; lane++) p[lane] = (uint8_t)(bits >> lane & 1);
}
#define B_STORE(p, m) bytes_store((p), (m))

/* The low three bits pick in both halves, the fourth picks the half. */
static inline VI table_at(VT table, VI index)
{
        __m256i low = _mm256_permutevar8x32_epi32(table.low, (__m256i)index), high = _mm256_permutevar8x32_epi32(table.high, (__m256i)index);

        return (VI)_mm256_blendv_ps((__m256)low, (__m256)high, (__m256)_mm256_slli_epi32((__m256i)index, 28));
}
#define V_AT(table, index) table_at((table), (index))
#define F_AT(table, index) ((VF)table_at((table), (index)))

/* Eight short loads and a transposition: far cheaper than four gathers. */
static inline void quads_load(const void *base, VI index, VF v[4])
{
        const __m128 *row = base;
        __m256 a[4];

        for (int i = 0; i < 4; i++) a[i] = _mm256_set_m128(_mm_load_ps((const float *)(row + index[4 + i])), _mm_load_ps((const float *)(row + index[i])));
        __m256 t0 = _mm256_unpacklo_ps(a[0], a[1]), t1 = _mm256_unpackhi_ps(a[0], a[1]);
        __m256 t2 = _mm256_unpacklo_ps(a[2], a[3]), t3 = _mm256_unpackhi_ps(a[2], a[3]);

        v[0] = (VF)_mm256_shuffle_ps(t0, t2, 0x44);
        v[1] = (VF)_mm256_shuffle_ps(t0, t2, 0xEE);
        v[2] = (VF)_mm256_shuffle_ps(t1, t3, 0x44);
        v[3] = (VF)_mm256_shuffle_ps(t1, t3, 0xEE);
}
#define F_QUADS(base, index, out) quads_load((base), (index), (out))
#define V_QUADS(base, index, out)                                                                                      \
        do {                                                                                                           \
                VF quads[4];                                                                                           \
                quads_load((base), (index), quads);                                                                    \
                for (int quad_c = 0; quad_c < 4; quad_c++) (out)[quad_c] = (VI)quads[quad_c];                          \
        } while (0)

/* rows[lane][column] = v[column][lane] */
static inline void rows8_store(const VF v[8], float *rows, size_t stride)
{
        __m256 a[8], b[8];

        for (int i = 0; i < 4; i++) {
                a[2 * i] = _mm256_unpacklo_ps((__m256)v[2 * i], (__m256)v[2 * i + 1]);
                a[2 * i + 1] = _mm256_unpackhi_ps((__m256)v[2 * i], (__m256)v[2 * i + 1]);
        }
        for (int i = 0; i < 2; i++) {
                b[4 * i] = _mm256_shuffle_ps(a[4 * i], a[4 * i + 2], 0x44);
                b[4 * i + 1] = _mm256_shuffle_ps(a[4 * i], a[4 * i + 2], 0xEE);
                b[4 * i + 2] = _mm256_shuffle_ps(a[4 * i + 1], a[4 * i + 3], 0x44);
                b[4 * i + 3] = _mm256_shuffle_ps(a[4 * i + 1], a[4 * i + 3], 0xEE);
        }
        for (int i = 0; i < 4; i++) {
                _mm256_storeu_ps(rows + stride * (size_t)i, _mm256_permute2f128_ps(b[i], b[4 + i], 0x20));
                _mm256_storeu_ps(rows + stride * (size_t)(4 + i), _mm256_permute2f128_ps(b[i], b[4 + i], 0x31));
        }
}

static inline void rows4_store(const VF v[4], float *rows)
{
        __m256 a0 = _mm256_unpacklo_ps((__m256)v[0], (__m256)v[1]), a1 = _mm256_unpackhi_ps((__m256)v[0], (__m256)v[1]);
        __m256 a2 = _mm256_unpacklo_ps((__m256)v[2], (__m256)v[3]), a3 = _mm256_unpackhi_ps((__m256)v[2], (__m256)v[3]);
        __m256 b[4] = { _mm256_shuffle_ps(a0, a2, 0x44), _mm256_shuffle_ps(a0, a2, 0xEE),
                        _mm256_shuffle_ps(a1, a3, 0x44), _mm256_shuffle_ps(a1, a3, 0xEE) };

        for (int i = 0; i < 2; i++) {
                _mm256_storeu_ps(rows + 8 * i, _mm256_permute2f128_ps(b[2 * i], b[2 * i + 1], 0x20));
                _mm256_storeu_ps(rows + 16 + 8 * i, _mm256_permute2f128_ps(b[2 * i], b[2 * i + 1], 0x31));
        }
}
#define F_ROWS8(v, rows, stride) rows8_store((v), (rows), (stride))
#define F_ROWS4(v, rows) rows4_store((v), (rows))
#define RANGE_NAME range_lanes
#include "learn/sim/sim1_core.inc"

void sim1_range_avx2(struct sim1 *s, uint32_t from, uint32_t to, const uint8_t *act, const struct sim1_out *out)
{
        range_lanes(s, from, to, act, out);
}
#else
void sim1_range_avx2(struct sim1 *s, uint32_t from, uint32_t to, const uint8_t *act, const struct sim1_out *out)
{
        sim1_range_scalar(s, from, to, act, out);
}
#endif
