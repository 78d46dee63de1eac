/* plain.h - the sixteen lanes of simd.h in the compiler's own vectors: any processor, the same bits (rooms: kernels/cpu only).
 * Without a fused multiply-add in hardware the C library's fmaf() takes some forty nanoseconds a lane. Here the product is taken in double,
 * where it is exact; the sum then rounds twice, to 53 and to 24 bits, which is wrong only where the first rounding ends half-way between
 * two floats. That is seen in the bits of the sum, and those rare lanes are added again, rounding to odd (Boldo and Melquiond, IEEE TC
 * 57(4), 2008). */
#ifndef MTB_PLAIN_H
#define MTB_PLAIN_H

#include <stdbool.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum { QUARTERS = LANES / 4 };

typedef float f32x4 __attribute__((vector_size(16)));
typedef int32_t i32x4 __attribute__((vector_size(16)));
typedef uint32_t u32x4 __attribute__((vector_size(16)));
typedef double f64x2 __attribute__((vector_size(16)));
typedef int64_t i64x2 __attribute__((vector_size(16)));
typedef struct { f32x4 q[QUARTERS]; } v16;
typedef struct { u32x4 q[QUARTERS]; } i16x;                                         /* sixteen 32-bit lanes */

#define V_EACH(expr) v16 r; _Pragma("GCC unroll 4") for (int i = 0; i < QUARTERS; i++) r.q[i] = (expr); return r
#define I_EACH(expr) i16x r; _Pragma("GCC unroll 4") for (int i = 0; i < QUARTERS; i++) r.q[i] = (u32x4)(expr); return r

MTB_INLINE f32x4 f_select(i32x4 m, f32x4 yes, f32x4 no) { return (f32x4)((m & (i32x4)yes) | (~m & (i32x4)no)); }

/* ---- a * b + c, rounded once ---- */

#if defined(__FP_FAST_FMAF)
MTB_INLINE f32x4 f_fma(f32x4 a, f32x4 b, f32x4 c)
{
    for (int i = 0; i < 4; i++)
        c[i] = __builtin_fmaf(a[i], b[i], c[i]);
    return c;
}
#else

MTB_INLINE f64x2 low_half(f32x4 a)
{
#if defined(__SSE2__)
    return (f64x2)_mm_cvtps_pd((__m128)a);
#else
    return (f64x2){ (double)a[0], (double)a[1] };
#endif
}

MTB_INLINE f64x2 high_half(f32x4 a)
{
#if defined(__SSE2__)
    return (f64x2)_mm_cvtps_pd(_mm_movehl_ps((__m128)a, (__m128)a));
#else
    return (f64x2){ (double)a[2], (double)a[3] };
#endif
}

MTB_INLINE f32x4 narrow(f64x2 low, f64x2 high)
{
#if defined(__SSE2__)
    return (f32x4)_mm_movelh_ps(_mm_cvtpd_ps((__m128d)low), _mm_cvtpd_ps((__m128d)high));
#else
    return (f32x4){ (float)low[0], (float)low[1], (float)high[0], (float)high[1] };
#endif
}

/* Can a second rounding of these sums go wrong? Half-way between two floats: bits 28..0 are 1 and zeros. Below the normal floats, zero
 * apart, the half-way points lie elsewhere, so all of those count. */
MTB_INLINE bool doubtful(f64x2 low, f64x2 high)
{
#if defined(__SSE2__)
    const __m128 a = (__m128)low, b = (__m128)high;
    __m128i words = (__m128i)_mm_shuffle_ps(a, b, _MM_SHUFFLE(2, 0, 2, 0)), tops = (__m128i)_mm_shuffle_ps(a, b, _MM_SHUFFLE(3, 1, 3, 1));
    __m128i half = _mm_cmpeq_epi32(_mm_slli_epi32(words, 3), _mm_set1_epi32((int)0x80000000));
    tops = _mm_and_si128(tops, _mm_set1_epi32(0x7fffffff));
    __m128i tiny = _mm_cmpgt_epi32(_mm_set1_epi32((1023 - 126) << 20), tops), zero = _mm_cmpeq_epi32(tops, _mm_setzero_si128());
    return _mm_movemask_epi8(_mm_or_si128(half, _mm_andnot_si128(zero, tiny))) != 0;
#else
    const i64x2 half = (i64x2){ 0, 0 } + 0x10000000, part = (i64x2){ 0, 0 } + 0x1fffffff, rest = (i64x2){ 0, 0 } + INT64_MAX;
    const i64x2 tiny = (i64x2){ 0, 0 } + ((int64_t)(1023 - 126) << 52), a = (i64x2)low & rest, b = (i64x2)high & rest;
    const i64x2 m = ((a & part) == half) | ((b & part) == half) | ((a < tiny) & (a != 0)) | ((b < tiny) & (b != 0));
    return (m[0] | m[1]) != 0;
#endif
}

/* p + c, rounded to odd: where it is inexact, to the neighbour whose last bit is one, so that a further rounding sees on which side it
 * lies. */
MTB_INLINE f64x2 add_to_odd(f64x2 p, f64x2 c)
{
    const f64x2 s = p + c, back = s - p, rest = (p - (s - back)) + (c - back), zero = { 0.0, 0.0 };   /* s + rest = p + c exactly (Knuth) */
    const i64x2 inexact = (rest < zero) | (rest > zero);                /* false where s is infinite or no number */
    const i64x2 even = ~(i64x2)s & 1 & inexact, back_by = ((i64x2)s ^ (i64x2)rest) < 0;
    return (f64x2)((i64x2)s + even - ((even + even) & back_by));
}

static __attribute__((noinline, cold, unused)) f32x4 f_fma_exact(f32x4 a, f32x4 b, f32x4 c)
{
    return narrow(add_to_odd(low_half(a) * low_half(b), low_half(c)), add_to_odd(high_half(a) * high_half(b), high_half(c)));
}

/* Under a sanitizer hundreds of inlined copies, each of their steps checked, would take minutes to compile. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static __attribute__((noinline, unused))
#else
MTB_INLINE
#endif
f32x4 f_fma(f32x4 a, f32x4 b, f32x4 c)
{
    const f64x2 low = low_half(a) * low_half(b) + low_half(c), high = high_half(a) * high_half(b) + high_half(c);
    return __builtin_expect(doubtful(low, high), 0) ? f_fma_exact(a, b, c) : narrow(low, high);
}
#endif

/* ---- sixteen floats ---- */

MTB_INLINE v16 v_set1(float x) { V_EACH(((f32x4){ x, x, x, x })); }
MTB_INLINE v16 v_zero(void) { return v_set1(0.0f); }
MTB_INLINE v16 v_load(const float *p) { v16 r; memcpy(&r, p, sizeof r); return r; }
MTB_INLINE void v_store(float *p, v16 a) { memcpy(p, &a, sizeof a); }
MTB_INLINE v16 v_add(v16 a, v16 b) { V_EACH(a.q[i] + b.q[i]); }
MTB_INLINE v16 v_sub(v16 a, v16 b) { V_EACH(a.q[i] - b.q[i]); }
MTB_INLINE v16 v_mul(v16 a, v16 b) { V_EACH(a.q[i] * b.q[i]); }
MTB_INLINE v16 v_div(v16 a, v16 b) { V_EACH(a.q[i] / b.q[i]); }
MTB_INLINE v16 v_fma(v16 a, v16 b, v16 c) { V_EACH(f_fma(a.q[i], b.q[i], c.q[i])); }                 /* a * b + c */
MTB_INLINE v16 v_fnma(v16 a, v16 b, v16 c) { V_EACH(f_fma(-a.q[i], b.q[i], c.q[i])); }               /* -(a * b) + c */
MTB_INLINE v16 v_max(v16 a, v16 b) { V_EACH(f_select(a.q[i] > b.q[i], a.q[i], b.q[i])); }            /* a > b ? a : b */
MTB_INLINE v16 v_min(v16 a, v16 b) { V_EACH(f_select(a.q[i] < b.q[i], a.q[i], b.q[i])); }            /* a < b ? a : b */
MTB_INLINE v16 v_if_less(v16 a, v16 b, v16 yes, v16 no) { V_EACH(f_select(a.q[i] < b.q[i], yes.q[i], no.q[i])); }
MTB_INLINE v16 v_scale2(v16 p, v16 t) { V_EACH((f32x4)((u32x4)p.q[i] + ((u32x4)t.q[i] << 23))); }

MTB_INLINE float v_sum(v16 a)
{
    f32x4 x = (a.q[0] + a.q[2]) + (a.q[1] + a.q[3]);                    /* (j, j+8), then (j, j+4) */
    return (x[0] + x[2]) + (x[1] + x[3]);
}

MTB_INLINE float v_hmax(v16 a)
{
    f32x4 x = f_select(a.q[0] > a.q[2], a.q[0], a.q[2]), y = f_select(a.q[1] > a.q[3], a.q[1], a.q[3]);
    x = f_select(x > y, x, y);
    const float even = x[0] > x[2] ? x[0] : x[2], odd = x[1] > x[3] ? x[1] : x[3];
    return even > odd ? even : odd;
}

/* ---- sixteen integers ---- */

MTB_INLINE u32x4 widen_u8(const uint8_t *p) { return (u32x4){ p[0], p[1], p[2], p[3] }; }
MTB_INLINE u32x4 widen_u16(const uint8_t *p)
{
    uint16_t h[4];
    memcpy(h, p, sizeof h);
    return (u32x4){ h[0], h[1], h[2], h[3] };
}
MTB_INLINE i16x i_load_u8(const uint8_t *p) { I_EACH(widen_u8(p + 4 * i)); }
MTB_INLINE i16x i_load_s8(const uint8_t *p) { I_EACH(((i32x4)widen_u8(p + 4 * i) << 24) >> 24); }
MTB_INLINE i16x i_load_u16(const uint8_t *p) { I_EACH(widen_u16(p + 8 * i)); }
MTB_INLINE i16x i_load_u32(const uint8_t *p) { i16x r; memcpy(&r, p, sizeof r); return r; }
MTB_INLINE i16x i_and(i16x a, int mask) { I_EACH(a.q[i] & (uint32_t)mask); }
MTB_INLINE i16x i_or(i16x a, i16x b) { I_EACH(a.q[i] | b.q[i]); }
MTB_INLINE i16x i_shr(i16x a, int n) { I_EACH(a.q[i] >> n); }
MTB_INLINE i16x i_shl(i16x a, int n) { I_EACH(a.q[i] << n); }
MTB_INLINE i16x i_sub(i16x a, int n) { I_EACH(a.q[i] - (uint32_t)n); }
MTB_INLINE v16 v_from_int(i16x a) { V_EACH(__builtin_convertvector((i32x4)a.q[i], f32x4)); }
MTB_INLINE v16 v_from_bits(i16x a) { V_EACH((f32x4)a.q[i]); }

/* ---- half precision: IEEE 754 binary16, to nearest, ties to even ---- */

/* The bits of a half, moved up, are a float 2^112 times too small; that holds for subnormal halves too. Infinities and NaNs keep their
 * exponent. */
MTB_INLINE f32x4 f_from_half(u32x4 h)
{
    const float scale = 0x1p112f;
    u32x4 r = (u32x4)((f32x4)((h & 0x7fff) << 13) * (f32x4){ scale, scale, scale, scale });
    r |= (u32x4)((h & 0x7c00) == 0x7c00) & (0x7f800000 | ((h & 0x3ff) << 13));
    return (f32x4)(r | ((h & 0x8000) << 16));
}

MTB_INLINE u32x4 half_from_f(f32x4 a)
{
    const float half = 0.5f;
    const u32x4 bits = (u32x4)a, f = bits & 0x7fffffff, unit = (u32x4)(f32x4){ half, half, half, half };
    const u32x4 normal = (f - (112u << 23) + 0xfff + (f >> 13 & 1)) >> 13;                  /* above 65504: carries into infinity */
    const u32x4 small = (u32x4)((f32x4)f + (f32x4)unit) - unit; /* the adder rounds at the last place of a half */
    const u32x4 large = 0x7c00 | ((u32x4)((i32x4)f > 0x7f800000) & (0x200 | (f >> 13 & 0x3ff)));
    const u32x4 is_small = (u32x4)((i32x4)f < (113 << 23)), is_large = (u32x4)((i32x4)f >= (143 << 23));
    return (is_small & small) | (is_large & large) | (~is_small & ~is_large & normal) | (bits >> 16 & 0x8000);
}

MTB_INLINE v16 v_load_f16(const uint16_t *p) { V_EACH(f_from_half(widen_u16((const uint8_t *)(p + 4 * i)))); }
MTB_INLINE void v_store_f16(uint16_t *p, v16 a)
{
    for (int i = 0; i < LANES; i++) {
        u32x4 h = half_from_f(a.q[i / 4]);
        p[i] = (uint16_t)h[i % 4];
    }
}

#endif
