/* Sixteen lanes; needs AVX-512 F, DQ, BW and VL at run time (sim1_isa_usable). */
#include "learn/rng/philox.h"
#include "learn/sim/sim1_int.h"

#if defined(__AVX512F__) && defined(__AVX512DQ__)
#include <immintrin.h>

#define LANES 16
typedef int32_t VI __attribute__((vector_size(64)));
typedef float VF __attribute__((vector_size(64)));
typedef __mmask16 VM;
typedef __m512i VT;
#define V_SET(x) ((VI)_mm512_set1_epi32((int)(x)))
#define F_SET(x) ((VF)_mm512_set1_ps((float)(x)))
#define V_LOAD(p) ((VI)_mm512_loadu_si512((const void *)(p)))
#define V_STORE(p, v) _mm512_storeu_si512((void *)(p), (__m512i)(v))
#define V_BYTES(p) ((VI)_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)(p))))
#define TABLE(p) _mm512_loadu_si512((const void *)(p))
#define V_AT(table, index) ((VI)_mm512_permutexvar_epi32((__m512i)(index), (table)))
#define F_AT(table, index) ((VF)_mm512_permutexvar_epi32((__m512i)(index), (table)))
#define INC(v, m) ((VI)_mm512_mask_add_epi32((__m512i)(v), (VM)(m), (__m512i)(v), _mm512_set1_epi32(1)))
#define DEC(v, m) ((VI)_mm512_mask_sub_epi32((__m512i)(v), (VM)(m), (__m512i)(v), _mm512_set1_epi32(1)))
#define V_ADD(a, b) ((VI)_mm512_add_epi32((__m512i)(a), (__m512i)(b)))
#define V_MUL(a, m, hi, lo)                                                                                            \
        do {                                                                                                           \
                __m512i mm = _mm512_set1_epi32((int)(m)), even = _mm512_mul_epu32((__m512i)(a), mm),                   \
                        odd = _mm512_mul_epu32(_mm512_srli_epi64((__m512i)(a), 32), mm);                               \
                hi = (VI)_mm512_mask_shuffle_epi32(odd, 0x5555, even, (_MM_PERM_ENUM)0xF5);                            \
                lo = (VI)_mm512_mask_shuffle_epi32(even, 0xAAAA, odd, (_MM_PERM_ENUM)0xA0);                            \
        } while (0)
#define V_SHR(a, k) ((VI)_mm512_srli_epi32((__m512i)(a), (k)))
#define GE(a, b) _mm512_cmpge_epi32_mask((__m512i)(a), (__m512i)(b))
#define LT(a, b) _mm512_cmplt_epi32_mask((__m512i)(a), (__m512i)(b))
#define EQ(a, b) _mm512_cmpeq_epi32_mask((__m512i)(a), (__m512i)(b))
#define F_LT(a, b) _mm512_cmp_ps_mask((__m512)(a), (__m512)(b), _CMP_LT_OQ)
#define SEL(m, a, b) ((VI)_mm512_mask_blend_epi32((VM)(m), (__m512i)(b), (__m512i)(a)))
#define FSEL(m, a, b) ((VF)_mm512_mask_blend_ps((VM)(m), (__m512)(b), (__m512)(a)))
#define F_OF(v) ((VF)_mm512_cvtepi32_ps((__m512i)(v)))
#define F_STORE(p, v) _mm512_storeu_ps((p), (__m512)(v))
#define B_STORE(p, m) _mm_storeu_si128((__m128i *)(void *)(p), _mm_maskz_set1_epi8((VM)(m), 1))

/* Sixteen short loads and a transposition within 128-bit lanes: far cheaper than four gathers. */
static inline void quads_load(const void *base, VI index, VF v[4])
{
        const __m128i *row = base;
        __m512 a[4];

        for (int i = 0; i < 4; i++) {
                __m512i x = _mm512_castsi128_si512(_mm_load_si128(row + index[i]));

                x = _mm512_inserti32x4(x, _mm_load_si128(row + index[4 + i]), 1);
                x = _mm512_inserti32x4(x, _mm_load_si128(row + index[8 + i]), 2);
                a[i] = (__m512)_mm512_inserti32x4(x, _mm_load_si128(row + index[12 + i]), 3);
        }
        __m512 t0 = _mm512_unpacklo_ps(a[0], a[1]), t1 = _mm512_unpackhi_ps(a[0], a[1]);
        __m512 t2 = _mm512_unpacklo_ps(a[2], a[3]), t3 = _mm512_unpackhi_ps(a[2], a[3]);

        v[0] = (VF)_mm512_shuffle_ps(t0, t2, 0x44);
        v[1] = (VF)_mm512_shuffle_ps(t0, t2, 0xEE);
        v[2] = (VF)_mm512_shuffle_ps(t1, t3, 0x44);
        v[3] = (VF)_mm512_shuffle_ps(t1, t3, 0xEE);
}
#define F_QUADS(base, index, out) quads_load((base), (index), (out))
#define V_QUADS(base, index, out)                                                                                      \
        do {                                                                                                           \
                VF quads[4];                                                                                           \
                quads_load((base), (index), quads);                                                                    \
                for (int quad_c = 0; quad_c < 4; quad_c++) (out)[quad_c] = (VI)quads[quad_c];                          \
        } while (0)

/* rows[lane][column] = v[column][lane], eight columns: four-float pieces are transposed within 128-bit lanes, then placed. */
static inline void rows8_store(const VF v[8], float *rows, size_t stride)
{
        __m512 c[8];

        for (int i = 0; i < 2; i++) {
                __m512 a0 = _mm512_unpacklo_ps((__m512)v[4 * i], (__m512)v[4 * i + 1]);
                __m512 a1 = _mm512_unpackhi_ps((__m512)v[4 * i], (__m512)v[4 * i + 1]);
                __m512 a2 = _mm512_unpacklo_ps((__m512)v[4 * i + 2], (__m512)v[4 * i + 3]);
                __m512 a3 = _mm512_unpackhi_ps((__m512)v[4 * i + 2], (__m512)v[4 * i + 3]);

                c[4 * i] = _mm512_shuffle_ps(a0, a2, 0x44);
                c[4 * i + 1] = _mm512_shuffle_ps(a0, a2, 0xEE);
                c[4 * i + 2] = _mm512_shuffle_ps(a1, a3, 0x44);
                c[4 * i + 3] = _mm512_shuffle_ps(a1, a3, 0xEE);
        }
        /* c[r] holds columns 0..3 of lanes r, 4+r, 8+r, 12+r; c[4 + r] their columns 4..7. */
        for (int r = 0; r < 4; r++) {
                __m512 low = _mm512_shuffle_f32x4(c[r], c[4 + r], 0x44), high = _mm512_shuffle_f32x4(c[r], c[4 + r], 0xEE);

                low = _mm512_shuffle_f32x4(low, low, 0xD8);
                high = _mm512_shuffle_f32x4(high, high, 0xD8);
                _mm256_storeu_ps(rows + stride * (size_t)r, _mm512_castps512_ps256(low));
                _mm256_storeu_ps(rows + stride * (size_t)(4 + r), _mm512_extractf32x8_ps(low, 1));
                _mm256_storeu_ps(rows + stride * (size_t)(8 + r), _mm512_castps512_ps256(high));
                _mm256_storeu_ps(rows + stride * (size_t)(12 + r), _mm512_extractf32x8_ps(high, 1));
        }
}

static inline void rows4_store(const VF v[4], float *rows)
{
        __m512 a0 = _mm512_unpacklo_ps((__m512)v[0], (__m512)v[1]), a1 = _mm512_unpackhi_ps((__m512)v[0], (__m512)v[1]);
        __m512 a2 = _mm512_unpacklo_ps((__m512)v[2], (__m512)v[3]), a3 = _mm512_unpackhi_ps((__m512)v[2], (__m512)v[3]);
        __m512 c[4] = { _mm512_shuffle_ps(a0, a2, 0x44), _mm512_shuffle_ps(a0, a2, 0xEE),
                        _mm512_shuffle_ps(a1, a3, 0x44), _mm512_shuffle_ps(a1, a3, 0xEE) };

        for (int r = 0; r < 4; r++) {
                _mm_storeu_ps(rows + 4 * r, _mm512_castps512_ps128(c[r]));
                _mm_storeu_ps(rows + 4 * (4 + r), _mm512_extractf32x4_ps(c[r], 1));
                _mm_storeu_ps(rows + 4 * (8 + r), _mm512_extractf32x4_ps(c[r], 2));
                _mm_storeu_ps(rows + 4 * (12 + r), _mm512_extractf32x4_ps(c[r], 3));
        }
}
#define F_ROWS8(v, rows, stride) rows8_store((v), (rows), (stride))
#define F_ROWS4(v, rows) rows4_store((v), (rows))
#define RANGE_NAME range_lanes
#include "learn/sim/sim1_core.inc"

void sim1_range_avx512(struct sim1 *s, uint32_t from, uint32_t to, const uint8_t *act, const struct sim1_out *out)
{
        range_lanes(s, from, to, act, out);
}
#else
void sim1_range_avx512(struct sim1 *s, uint32_t from, uint32_t to, const uint8_t *act, const struct sim1_out *out)
{
        sim1_range_scalar(s, from, to, act, out);
}
#endif
