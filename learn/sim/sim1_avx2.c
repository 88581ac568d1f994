/* Eight lanes; needs AVX2 at run time (sim1_isa_usable). */
#include "learn/rng/philox.h"
#include "learn/sim/sim1_int.h"

#if defined(__AVX2__)
#include <immintrin.h>

#define LANES 8
typedef int32_t VI __attribute__((vector_size(32)));
typedef float VF __attribute__((vector_size(32)));
#define V_SET(x) ((VI)_mm256_set1_epi32((int)(x)))
#define F_SET(x) ((VF)_mm256_set1_ps((float)(x)))
#define V_LOAD(p) ((VI)_mm256_loadu_si256((const __m256i *)(const void *)(p)))
#define V_STORE(p, v) _mm256_storeu_si256((__m256i *)(void *)(p), (__m256i)(v))
#define V_BYTES(p) ((VI)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)(p))))
#define V_GATHER(base, index) ((VI)_mm256_i32gather_epi32((base), (__m256i)(index), 4))
#define F_GATHER(base, index) ((VF)_mm256_i32gather_ps((base), (__m256i)(index), 4))
#define V_ADD(a, b) ((VI)_mm256_add_epi32((__m256i)(a), (__m256i)(b)))
#define V_MUL(a, m, hi, lo)                                                                                            \
        do {                                                                                                           \
                __m256i mm = _mm256_set1_epi32((int)(m)), even = _mm256_mul_epu32((__m256i)(a), mm),                   \
                        odd = _mm256_mul_epu32(_mm256_srli_epi64((__m256i)(a), 32), mm);                               \
                hi = (VI)_mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA);                                   \
                lo = (VI)_mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xAA);                                   \
        } while (0)
#define V_SHR(a, k) ((VI)_mm256_srli_epi32((__m256i)(a), (k)))
#define V_SHRV(a, k) ((VI)_mm256_srlv_epi32((__m256i)(a), (__m256i)(k)))
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
