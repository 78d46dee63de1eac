/* unpack.h - 32 k of a panel widened to fp32: the values that the GGUF reference gives (gguf-py dequantize), bit for bit.
 * A product d*q is exact in fp32 for every format here; where a minimum is added, one fma rounds once, as the reference's add does. */
#ifndef MTB_UNPACK_H
#define MTB_UNPACK_H

#include "kernels/cpu/panel.h"
#include "kernels/cpu/simd.h"

/* ---- sixteen small integers to fp32 ---- */

#if defined(MTB_ISA_avx512)
typedef __m512i i16x;                                                              /* sixteen 32-bit lanes */
MTB_INLINE i16x i_load_u8(const uint8_t *p) { return _mm512_cvtepu8_epi32(_mm_loadu_si128((const void *)p)); }
MTB_INLINE i16x i_load_s8(const uint8_t *p) { return _mm512_cvtepi8_epi32(_mm_loadu_si128((const void *)p)); }
MTB_INLINE i16x i_load_u16(const uint8_t *p) { return _mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)p)); }
MTB_INLINE i16x i_load_u32(const uint8_t *p) { return _mm512_loadu_si512(p); }
MTB_INLINE i16x i_and(i16x a, int mask) { return _mm512_and_si512(a, _mm512_set1_epi32(mask)); }
MTB_INLINE i16x i_or(i16x a, i16x b) { return _mm512_or_si512(a, b); }
MTB_INLINE i16x i_shr(i16x a, int n) { return _mm512_srl_epi32(a, _mm_cvtsi32_si128(n)); }
MTB_INLINE i16x i_shl(i16x a, int n) { return _mm512_sll_epi32(a, _mm_cvtsi32_si128(n)); }
MTB_INLINE i16x i_sub(i16x a, int n) { return _mm512_sub_epi32(a, _mm512_set1_epi32(n)); }
MTB_INLINE v16 v_from_int(i16x a) { return _mm512_cvtepi32_ps(a); }
MTB_INLINE v16 v_from_bits(i16x a) { return _mm512_castsi512_ps(a); }
#elif defined(MTB_ISA_avx2)
typedef struct { __m256i a, b; } i16x;
#define I2(x, y) ((i16x){ (x), (y) })
MTB_INLINE i16x i_load_u8(const uint8_t *p)
{
    return I2(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)p)), _mm256_cvtepu8_epi32(_mm_loadl_epi64((const void *)(p + 8))));
}
MTB_INLINE i16x i_load_s8(const uint8_t *p)
{
    return I2(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const void *)p)), _mm256_cvtepi8_epi32(_mm_loadl_epi64((const void *)(p + 8))));
}
MTB_INLINE i16x i_load_u16(const uint8_t *p)
{
    return I2(_mm256_cvtepu16_epi32(_mm_loadu_si128((const void *)p)), _mm256_cvtepu16_epi32(_mm_loadu_si128((const void *)(p + 16))));
}
MTB_INLINE i16x i_load_u32(const uint8_t *p) { return I2(_mm256_loadu_si256((const void *)p), _mm256_loadu_si256((const void *)(p + 32))); }
MTB_INLINE i16x i_and(i16x x, int mask)
{
    __m256i m = _mm256_set1_epi32(mask);
    return I2(_mm256_and_si256(x.a, m), _mm256_and_si256(x.b, m));
}
MTB_INLINE i16x i_or(i16x x, i16x y) { return I2(_mm256_or_si256(x.a, y.a), _mm256_or_si256(x.b, y.b)); }
MTB_INLINE i16x i_shr(i16x x, int n) { __m128i c = _mm_cvtsi32_si128(n); return I2(_mm256_srl_epi32(x.a, c), _mm256_srl_epi32(x.b, c)); }
MTB_INLINE i16x i_shl(i16x x, int n) { __m128i c = _mm_cvtsi32_si128(n); return I2(_mm256_sll_epi32(x.a, c), _mm256_sll_epi32(x.b, c)); }
MTB_INLINE i16x i_sub(i16x x, int n) { __m256i c = _mm256_set1_epi32(n); return I2(_mm256_sub_epi32(x.a, c), _mm256_sub_epi32(x.b, c)); }
MTB_INLINE v16 v_from_int(i16x x) { return V2(_mm256_cvtepi32_ps(x.a), _mm256_cvtepi32_ps(x.b)); }
MTB_INLINE v16 v_from_bits(i16x x) { return V2(_mm256_castsi256_ps(x.a), _mm256_castsi256_ps(x.b)); }
#endif

MTB_INLINE v16 f16_at(const uint8_t *p, int half)
{
    uint16_t h[LANES];
    memcpy(h, p + half * 2 * LANES, sizeof h);                                      /* bytes have no alignment of their own */
    return v_load_f16(h);
}

/* Prefetch this far ahead of what is being unpacked: a panel is one stream. */
enum { AHEAD = 1536 };

MTB_INLINE void ahead(const uint8_t *p)
{
    __builtin_prefetch(p + AHEAD);
}

/* ---- one block of 32 k: dst [32][PANEL] ---- */

/* Sixteen rows of nibbles, the fifth bit from 'fifth' (NULL: none); lane half h of the panel. With a minimum d*q + m, else d*(q - centre),
 * whose zeros have the reference's sign. */
MTB_INLINE void nibbles(const uint8_t *q, const uint8_t *fifth, v16 d, v16 m, int centre, int h, float *dst)
{
    const int at = h * LANES;
    i16x high = fifth ? i_load_u32(fifth + 4 * at) : i_load_u8(q + at);
    for (int r = 0; r < 16; r++) {
        i16x both = i_load_u8(q + r * PANEL + at), low = i_and(both, 15), up = i_shr(both, 4);
        if (h == 0 && (r & 1) == 0)
            ahead(q + r * PANEL);
        if (fifth) {
            low = i_or(low, i_shl(i_and(i_shr(high, r), 1), 4));
            up = i_or(up, i_shl(i_and(i_shr(high, r + 16), 1), 4));
        }
        v_store(dst + r * PANEL + at, centre ? v_mul(d, v_from_int(i_sub(low, centre))) : v_fma(d, v_from_int(low), m));
        v_store(dst + (r + 16) * PANEL + at, centre ? v_mul(d, v_from_int(i_sub(up, centre))) : v_fma(d, v_from_int(up), m));
    }
}

MTB_INLINE void unpack_q8(const uint8_t *b, float *dst)
{
    const uint8_t *q = b + 2 * PANEL;
    const v16 d0 = f16_at(b, 0), d1 = f16_at(b, 1);
    for (int r = 0; r < 32; r++) {
        if ((r & 1) == 0)
            ahead(q + r * PANEL);
        v_store(dst + r * PANEL, v_mul(d0, v_from_int(i_load_s8(q + r * PANEL))));
        v_store(dst + r * PANEL + LANES, v_mul(d1, v_from_int(i_load_s8(q + r * PANEL + LANES))));
    }
}

MTB_INLINE void unpack_45(const uint8_t *b, bool has_min, bool has_fifth, int centre, float *dst)
{
    const uint8_t *q = b + (has_min ? 4 : 2) * PANEL;
    for (int h = 0; h < 2; h++) {
        v16 d = f16_at(b, h), m = has_min ? f16_at(b + 2 * PANEL, h) : v_zero();
        nibbles(q, has_fifth ? q + NIBBLES : NULL, d, m, centre, h, dst);
    }
}

MTB_INLINE void unpack_k45(const uint8_t *super, int sub, bool has_fifth, float *dst)
{
    const uint8_t *q = super + KHEAD + sub * (NIBBLES + (has_fifth ? FIFTH : 0));
    for (int h = 0; h < 2; h++) {
        v16 sc = v_from_int(i_load_u8(super + (4 + sub) * PANEL + h * LANES)),
            mn = v_from_int(i_load_u8(super + (12 + sub) * PANEL + h * LANES));
        v16 d = v_mul(f16_at(super, h), sc), m = v_mul(f16_at(super + 2 * PANEL, h), mn);
        nibbles(q, has_fifth ? q + NIBBLES : NULL, d, v_mul(v_set1(-1.0f), m), 0, h, dst);
    }
}

MTB_INLINE void unpack_k6(const uint8_t *super, int sub, float *dst)
{
    const uint8_t *q = super + Q6HEAD + sub * (NIBBLES + 2 * FIFTH), *sc = super + 2 * PANEL + 2 * sub * PANEL;
    for (int h = 0; h < 2; h++) {
        const int at = h * LANES;
        v16 d = f16_at(super, h), d0 = v_mul(d, v_from_int(i_load_s8(sc + at))), d1 = v_mul(d, v_from_int(i_load_s8(sc + PANEL + at)));
        i16x h0 = i_load_u32(q + NIBBLES + 4 * at), h1 = i_load_u32(q + NIBBLES + FIFTH + 4 * at);
        for (int r = 0; r < 16; r++) {
            i16x both = i_load_u8(q + r * PANEL + at);
            i16x low = i_or(i_and(both, 15), i_shl(i_and(i_shr(h0, 2 * r), 3), 4)),
                 up = i_or(i_shr(both, 4), i_shl(i_and(i_shr(h1, 2 * r), 3), 4));
            v_store(dst + r * PANEL + at, v_mul(d0, v_from_int(i_sub(low, 32))));
            v_store(dst + (r + 16) * PANEL + at, v_mul(d1, v_from_int(i_sub(up, 32))));
        }
    }
}

MTB_INLINE void unpack_16(const uint8_t *p, int n_k, bool bf16, float *dst)
{
    for (int r = 0; r < n_k; r++, p += 2 * PANEL) {
        ahead(p);
        for (int h = 0; h < 2; h++)
            v_store(dst + r * PANEL + h * LANES, bf16 ? v_from_bits(i_shl(i_load_u16(p + 2 * LANES * h), 16)) : f16_at(p, h));
    }
}

/* k [k0, k0 + n_k) of a panel to dst [n_k][PANEL]; k0 and n_k are multiples of 32 for quantised types. */
MTB_INLINE void unpack(enum dtype t, const uint8_t *panel, int k0, int n_k, float *dst)
{
    const size_t block = panel_block_bytes(t);
    switch (t) {
    case DT_F32:
        memcpy(dst, panel + (size_t)k0 * PANEL * 4, (size_t)n_k * PANEL * 4);
        return;
    case DT_F16:
        unpack_16(panel + (size_t)k0 * PANEL * 2, n_k, false, dst);
        return;
    case DT_BF16:
        unpack_16(panel + (size_t)k0 * PANEL * 2, n_k, true, dst);
        return;
    default:
        break;
    }
    for (int k = k0; k < k0 + n_k; k += 32, dst += 32 * PANEL) {
        const uint8_t *b32 = panel + (size_t)(k / 32) * block, *b256 = panel + (size_t)(k / 256) * block;
        const int sub = k / 32 % 8;
        switch (t) {
        case DT_Q8_0: unpack_q8(b32, dst); break;
        case DT_Q4_0: unpack_45(b32, false, false, 8, dst); break;
        case DT_Q4_1: unpack_45(b32, true, false, 0, dst); break;
        case DT_Q5_0: unpack_45(b32, false, true, 16, dst); break;
        case DT_Q5_1: unpack_45(b32, true, true, 0, dst); break;
        case DT_Q4_K: unpack_k45(b256, sub, false, dst); break;
        case DT_Q5_K: unpack_k45(b256, sub, true, dst); break;
        default: unpack_k6(b256, sub, dst); break;
        }
    }
}

#endif
