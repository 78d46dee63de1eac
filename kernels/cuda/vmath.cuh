/* vmath.cuh - exp and silu with the bits of kernels/cpu/vmath.h: fma, mul, add and integer adds to the exponent. */
#ifndef MTB_CUDA_VMATH_H
#define MTB_CUDA_VMATH_H

#include "simt.h"

K_DEVICE float k_exp(float x)
{
    const float magic = 0x1.8p23f, t = fmaf(x, 0x1.715476p+0f, magic), n = t - magic;
    float r = fmaf(-n, 0x1.62ep-1f, x);
    r = fmaf(-n, 0x1.0bfbe8p-15f, r);
    float q = 0x1.6a23dp-10f;
    q = fmaf(q, r, 0x1.123a2p-7f);
    q = fmaf(q, r, 0x1.5558f2p-5f);
    q = fmaf(q, r, 0x1.555492p-3f);
    q = fmaf(q, r, 0x1.fffffcp-2f);
    const float p = fmaf(r * r, q, r) + 1.0f;
    float y = __uint_as_float(__float_as_uint(p) + (__float_as_uint(t) << 23));
    y = x < -0x1.5d589ep+6f ? 0.0f : y;
    y = 0x1.62e42ep+6f < x ? INFINITY : y;
    return x < INFINITY ? y : x;                                 /* the exponent of a NaN may have wrapped to a number's */
}

K_DEVICE float k_silu(float x)
{
    return x / (1.0f + k_exp(0.0f - x));
}

#endif
