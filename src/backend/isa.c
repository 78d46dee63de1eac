/* isa.c - what the processor and the system can do, asked once. The compilers' own __builtin_cpu_supports() knows no f16c in clang, so that
 * one bit is read from the processor; whether the system saves wide registers is then known from AVX2. */
#include "isa.h"

#include <stdbool.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#if defined(__x86_64__)
static bool has_f16c(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);                        /* conversions of the KV cache */
}

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
}

static bool has_avx512(void)
{
    /* all that ISA.avx512 of the Makefile lets the compiler use */
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}
#endif

static bool has_any(void)
{
    return true;
}

static const struct {
    const struct cpu_kernels *kernels;
    bool (*usable)(void);
} isa_table[] = {                                       /* best first */
#if defined(__x86_64__)
    { &cpu_kernels_avx512, has_avx512 },
    { &cpu_kernels_avx2, has_avx2 },
#endif
    { &cpu_kernels_plain, has_any },
};

const struct cpu_kernels *isa_at(int i)
{
    for (size_t k = 0; k < sizeof isa_table / sizeof *isa_table; k++)
        if (isa_table[k].usable() && i-- == 0)
            return isa_table[k].kernels;
    return NULL;
}
