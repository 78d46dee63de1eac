/* vmath.h - exp and silu on sixteen lanes, made of fma, mul, add and integer adds to the exponent, so that every instruction set (and a
 * GPU with IEEE fma) gives the same bits.
 *
 * exp(x) = 2^n * e^r with n = round(x / ln 2), |r| <= ln(2) / 2, e^r = 1 + r + r^2 q(r). q was fitted by Lawson's method for the least
 * largest relative error, 3.1e-9; ln 2 is split in two (Cody and Waite). Error at most 2 ulp (tests/ops/vmath.c measures it).
 * Surprise: results below 2^-126 are +0, not denormal; a softmax has no use for them and they are slow. */
#ifndef MTB_VMATH_H
#define MTB_VMATH_H

#include "kernels/cpu/simd.h"

MTB_INLINE v16 v_exp(v16 x)
{
    const v16 magic = v_set1(0x1.8p23f);                         /* adding it rounds to an integer, in the low bits */
    v16 t = v_fma(x, v_set1(0x1.715476p+0f), magic);
    v16 n = v_sub(t, magic);
    v16 r = v_fnma(n, v_set1(0x1.62ep-1f), x);                   /* 12 bits of ln 2: n times it is exact */
    r = v_fnma(n, v_set1(0x1.0bfbe8p-15f), r);
    v16 q = v_set1(0x1.6a23dp-10f);
    q = v_fma(q, r, v_set1(0x1.123a2p-7f));
    q = v_fma(q, r, v_set1(0x1.5558f2p-5f));
    q = v_fma(q, r, v_set1(0x1.555492p-3f));
    q = v_fma(q, r, v_set1(0x1.fffffcp-2f));
    v16 p = v_add(v_fma(v_mul(r, r), q, r), v_set1(1.0f));
    v16 y = v_scale2(p, t);
    y = v_if_less(x, v_set1(-0x1.5d589ep+6f), v_zero(), y);      /* ln 2^-126 */
    y = v_if_less(v_set1(0x1.62e42ep+6f), x, v_set1(INFINITY), y);
    return v_if_less(x, v_set1(INFINITY), y, x);                 /* the exponent of a NaN with a payload may have wrapped to a number's */
}

/* x / (1 + exp(-x)) */
MTB_INLINE v16 v_silu(v16 x)
{
    return v_div(x, v_add(v_set1(1.0f), v_exp(v_sub(v_zero(), x))));
}

MTB_INLINE float exp_1(float x)
{
    float f[LANES];
    v_store(f, v_exp(v_set1(x)));
    return f[0];
}

#endif
