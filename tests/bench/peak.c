/* peak.c - fma and memory read at the speed of the machine. */
#include "peak.h"

#include "kernels/cpu/simd.h"

#if defined(MTB_ISA_avx512)
enum { PEAK_CHAINS = 12 };
#else
enum { PEAK_CHAINS = 6 };              /* twelve registers of the sixteen */
#endif

float MTB_K(peak_fma)(long n)
{
    n *= PEAK_FLOPS / (PEAK_CHAINS * LANES * 2);
    v16 c[PEAK_CHAINS], a = v_set1(0.999f), b = v_set1(1e-3f);
#pragma GCC unroll 16
    for (int i = 0; i < PEAK_CHAINS; i++) {        /* held, or the compiler would run equal halves of a chain once */
        c[i] = v_set1((float)i);
        V_HOLD(c[i]);
    }
    while (n-- > 0) {
#pragma GCC unroll 16
        for (int i = 0; i < PEAK_CHAINS; i++)
            c[i] = v_fma(c[i], a, b);
    }
    for (int i = 1; i < PEAK_CHAINS; i++)
        c[0] = v_add(c[0], c[i]);
    return v_sum(c[0]);
}

float MTB_K(peak_read)(const void *p, size_t bytes)
{
    const float *x = p;
    const size_t n = bytes / sizeof *x / 4;
    v16 c[4] = { v_zero(), v_zero(), v_zero(), v_zero() };
    for (size_t i = 0; i < n; i += LANES)
#pragma GCC unroll 4
        for (size_t j = 0; j < 4; j++) {
            __builtin_prefetch(x + j * n + i + 1024);
            c[j] = v_add(c[j], v_load(x + j * n + i));
        }
    return v_sum(v_add(v_add(c[0], c[1]), v_add(c[2], c[3])));
}
