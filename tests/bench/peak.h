/* peak.h - what the machine can do: the yardsticks of the kernel benchmarks. One set of functions per instruction set. */
#ifndef MTB_PEAK_H
#define MTB_PEAK_H

#include <stddef.h>

/* 'n' rounds of PEAK_FLOPS floating point operations in independent fma chains. */
enum { PEAK_FLOPS = 12 * 16 * 2 };
float peak_fma_avx512(long n), peak_fma_avx2(long n), peak_fma_plain(long n);
/* Read 'bytes' (a multiple of 8192) as four streams with prefetch. */
float peak_read_avx512(const void *p, size_t bytes), peak_read_avx2(const void *p, size_t bytes),
    peak_read_plain(const void *p, size_t bytes);

#endif
