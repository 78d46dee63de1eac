/* simd.h - sixteen fp32 lanes, the same on every instruction set (rooms: kernels/cpu only).
 * Each kernel is one source compiled three times with -DMTB_ISA=avx512, avx2 or plain; MTB_K(name) gives its functions distinct names.
 * Sixteen is a property of the arithmetic, not of the machine: AVX2 uses two registers and plain C four vectors of the compiler's, so that
 * the order of every sum, and with it every bit, is the same. v_max and v_min have the x86 rule for NaN: the second operand wins. */
#ifndef MTB_SIMD_H
#define MTB_SIMD_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MTB_CAT_(a, b) a##_##b
#define MTB_CAT(a, b) MTB_CAT_(a, b)
#define MTB_K(name) MTB_CAT(name, MTB_ISA)
#define MTB_STR_(a) #a
#define MTB_STR(a) MTB_STR_(a)
#define MTB_NAME MTB_STR(MTB_ISA)

#define MTB_INLINE static inline __attribute__((always_inline, unused))

enum { LANES = 16 };

#if defined(MTB_ISA_avx512) || defined(MTB_ISA_avx2)
#include <immintrin.h>
#endif

#if defined(MTB_ISA_avx512)

typedef __m512 v16;

MTB_INLINE v16 v_zero(void) { return _mm512_setzero_ps(); }
MTB_INLINE v16 v_set1(float x) { return _mm512_set1_ps(x); }
MTB_INLINE v16 v_load(const float *p) { return _mm512_loadu_ps(p); }
MTB_INLINE void v_store(float *p, v16 a) { _mm512_storeu_ps(p, a); }
MTB_INLINE v16 v_add(v16 a, v16 b) { return _mm512_add_ps(a, b); }
MTB_INLINE v16 v_sub(v16 a, v16 b) { return _mm512_sub_ps(a, b); }
MTB_INLINE v16 v_mul(v16 a, v16 b) { return _mm512_mul_ps(a, b); }
MTB_INLINE v16 v_div(v16 a, v16 b) { return _mm512_div_ps(a, b); }
MTB_INLINE v16 v_fma(v16 a, v16 b, v16 c) { return _mm512_fmadd_ps(a, b, c); }           /* a * b + c */
MTB_INLINE v16 v_fnma(v16 a, v16 b, v16 c) { return _mm512_fnmadd_ps(a, b, c); }         /* -(a * b) + c */
MTB_INLINE v16 v_max(v16 a, v16 b) { return _mm512_max_ps(a, b); }                       /* a > b ? a : b */
MTB_INLINE v16 v_min(v16 a, v16 b) { return _mm512_min_ps(a, b); }                       /* a < b ? a : b */
MTB_INLINE v16 v_if_less(v16 a, v16 b, v16 yes, v16 no)                                  /* a < b ? yes : no; false for NaN */
{
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), no, yes);
}
/* p * 2^n with n in the low bits of t = n + 1.5 * 2^23; the result must be a normal number. */
MTB_INLINE v16 v_scale2(v16 p, v16 t)
{
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(p), _mm512_slli_epi32(_mm512_castps_si512(t), 23)));
}
MTB_INLINE v16 v_load_f16(const uint16_t *p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const void *)p)); }
MTB_INLINE void v_store_f16(uint16_t *p, v16 a)                                          /* to nearest, ties to even */
{
    _mm256_storeu_si256((void *)p, _mm512_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT));
}

#elif defined(MTB_ISA_avx2)

typedef struct { __m256 a, b; } v16;
#define V2(x, y) ((v16){ (x), (y) })

MTB_INLINE v16 v_zero(void) { return V2(_mm256_setzero_ps(), _mm256_setzero_ps()); }
MTB_INLINE v16 v_set1(float x) { __m256 y = _mm256_set1_ps(x); return V2(y, y); }
MTB_INLINE v16 v_load(const float *p) { return V2(_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)); }
MTB_INLINE void v_store(float *p, v16 x) { _mm256_storeu_ps(p, x.a); _mm256_storeu_ps(p + 8, x.b); }
MTB_INLINE v16 v_add(v16 x, v16 y) { return V2(_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)); }
MTB_INLINE v16 v_sub(v16 x, v16 y) { return V2(_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)); }
MTB_INLINE v16 v_mul(v16 x, v16 y) { return V2(_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)); }
MTB_INLINE v16 v_div(v16 x, v16 y) { return V2(_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b)); }
MTB_INLINE v16 v_fma(v16 x, v16 y, v16 z) { return V2(_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)); }
MTB_INLINE v16 v_fnma(v16 x, v16 y, v16 z) { return V2(_mm256_fnmadd_ps(x.a, y.a, z.a), _mm256_fnmadd_ps(x.b, y.b, z.b)); }
MTB_INLINE v16 v_max(v16 x, v16 y) { return V2(_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)); }
MTB_INLINE v16 v_min(v16 x, v16 y) { return V2(_mm256_min_ps(x.a, y.a), _mm256_min_ps(x.b, y.b)); }
MTB_INLINE v16 v_if_less(v16 x, v16 y, v16 yes, v16 no)
{
    return V2(_mm256_blendv_ps(no.a, yes.a, _mm256_cmp_ps(x.a, y.a, _CMP_LT_OQ)),
              _mm256_blendv_ps(no.b, yes.b, _mm256_cmp_ps(x.b, y.b, _CMP_LT_OQ)));
}
MTB_INLINE __m256 v_scale2_half(__m256 p, __m256 t)
{
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), _mm256_slli_epi32(_mm256_castps_si256(t), 23)));
}
MTB_INLINE v16 v_scale2(v16 p, v16 t) { return V2(v_scale2_half(p.a, t.a), v_scale2_half(p.b, t.b)); }
MTB_INLINE v16 v_load_f16(const uint16_t *p)
{
    return V2(_mm256_cvtph_ps(_mm_loadu_si128((const void *)p)), _mm256_cvtph_ps(_mm_loadu_si128((const void *)(p + 8))));
}
MTB_INLINE void v_store_f16(uint16_t *p, v16 x)
{
    _mm_storeu_si128((void *)p, _mm256_cvtps_ph(x.a, _MM_FROUND_TO_NEAREST_INT));
    _mm_storeu_si128((void *)(p + 8), _mm256_cvtps_ph(x.b, _MM_FROUND_TO_NEAREST_INT));
}

#else
#include "kernels/cpu/plain.h"
#endif

/* The tree of every lane sum: (j, j+8), (j, j+4), (j, j+2), (0, 1). */
#if defined(MTB_ISA_avx512) || defined(MTB_ISA_avx2)
MTB_INLINE void v_halves(v16 a, __m256 *low, __m256 *high)
{
#if defined(MTB_ISA_avx512)
    *low = _mm512_castps512_ps256(a);
    *high = _mm512_extractf32x8_ps(a, 1);
#else
    *low = a.a;
    *high = a.b;
#endif
}

MTB_INLINE float v_sum(v16 a)
{
    __m256 x, y;
    v_halves(a, &x, &y);
    x = _mm256_add_ps(x, y);
    __m128 z = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    z = _mm_add_ps(z, _mm_movehl_ps(z, z));
    return _mm_cvtss_f32(_mm_add_ss(z, _mm_movehdup_ps(z)));
}

MTB_INLINE float v_hmax(v16 a)
{
    __m256 x, y;
    v_halves(a, &x, &y);
    x = _mm256_max_ps(x, y);
    __m128 z = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    z = _mm_max_ps(z, _mm_movehl_ps(z, z));
    return _mm_cvtss_f32(_mm_max_ss(z, _mm_movehdup_ps(z)));
}
#endif

/* to[j * ldt + i] = from[i * ldf + j] for i, j < 4. */
MTB_INLINE void transpose4(float *to, size_t ldt, const float *from, size_t ldf)
{
#if defined(MTB_ISA_plain)
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 4; j++)
            to[j * ldt + i] = from[i * ldf + j];
#else
    __m128 a = _mm_loadu_ps(from), b = _mm_loadu_ps(from + ldf), c = _mm_loadu_ps(from + 2 * ldf), d = _mm_loadu_ps(from + 3 * ldf);
    _MM_TRANSPOSE4_PS(a, b, c, d);
    _mm_storeu_ps(to, a);
    _mm_storeu_ps(to + ldt, b);
    _mm_storeu_ps(to + 2 * ldt, c);
    _mm_storeu_ps(to + 3 * ldt, d);
#endif
}

/* Have the value in a register: a compiler likes to load an operand again for each use, which the load ports cannot carry. */
#if defined(MTB_ISA_avx512)
#define V_HOLD(x) __asm__("" : "+v"(x))
#elif defined(MTB_ISA_avx2)
#define V_HOLD(x) __asm__("" : "+x"((x).a), "+x"((x).b))
#else
#define V_HOLD(x) ((void)(x))
#endif

#endif
