/* simt.h - the dialect in which every CUDA kernel is written.
 *
 * One source, two readers. nvcc compiles it for a GPU; g++ compiles it against the emulator of tests/cudasim, which runs the same kernel
 * on the CPU, thread by thread. CUDA's own spelling holds for whatever both can read (__global__, threadIdx, __syncthreads, __shfl_*_sync,
 * atomics, fmaf); for the rest a kernel uses the names below, which begin with k_ or K_:
 *
 *   K_SHARED(type, name, n)               an array of n in shared memory
 *   K_DYN_SHARED(type, name)              the dynamic shared memory of the launch, aligned to 128 bytes
 *   K_LAUNCH((kernel), grid, block, smem_bytes, stream, args...)   parentheses around the kernel, so that a template may have commas
 *
 * This is the only file with inline PTX, and the only one that asks for __CUDA_ARCH__; what PTX does is spelled in plain C beside it, or
 * in tests/cudasim/warp.cpp where a whole warp does it together. An architecture that lacks an instruction traps, never does nothing. */
#ifndef MTB_SIMT_H
#define MTB_SIMT_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __CUDACC__
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>
#else
#include "simt_cpu.h"
#endif

#define K_FULL 0xffffffffu                       /* mask of a whole warp */
#define K_DEVICE static __device__ __forceinline__

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
#define K_PTX(...) __trap()                      /* bf16 products and asynchronous copies begin with sm_80 */
#else
#define K_PTX(...) asm volatile(__VA_ARGS__)
#endif

#ifdef __CUDACC__
#define K_SHARED(type, name, n) __shared__ type name[n]
#define K_DYN_SHARED(type, name)                                                                                                         \
    extern __shared__ __align__(128) unsigned char k_dyn_shared[];                                                                       \
    type *const name = reinterpret_cast<type *>(k_dyn_shared)
#define K_LAUNCH(kernel, grid, block, smem, stream, ...) kernel<<<(grid), (block), (smem), (stream)>>>(__VA_ARGS__)
#else
#define K_SHARED(type, name, n)                                                                                                          \
    static const char k_site_##name = 0;                                                                                                 \
    type *const name = static_cast<type *>(sim_shared(&k_site_##name, #name, sizeof(type) * (n), alignof(type)))
#define K_DYN_SHARED(type, name) type *const name = static_cast<type *>(sim_dyn_shared())
#define K_LAUNCH(kernel, grid, block, smem, stream, ...) sim_launch(#kernel, kernel, (grid), (block), (smem), (stream), __VA_ARGS__)
#endif

/* ---- numbers: bits, and the two 16-bit types; every rounding is to nearest even ---- */

#ifdef __CUDACC__
K_DEVICE float k_f32_of_bf16(uint16_t b) { return __uint_as_float((uint32_t)b << 16); }
K_DEVICE float k_f32_of_f16(uint16_t b) { return __half2float(__ushort_as_half(b)); }
K_DEVICE uint16_t k_bf16_of(float f) { return __bfloat16_as_ushort(__float2bfloat16_rn(f)); }
/* Infinite from 65520 on, NaN of NaN. */
K_DEVICE uint16_t k_f16_of(float f) { return __half_as_ushort(__float2half_rn(f)); }
#endif
/* Beyond 65504 the largest f16 of that sign, as a product in fp16 would be clamped; NaN stays NaN. */
K_DEVICE uint16_t k_f16_sat(float f) { return k_f16_of(f > 65504.0f ? 65504.0f : f < -65504.0f ? -65504.0f : f); }
/* Two of them in a register, as mma reads them: 'lo' in bits 0-15. */
K_DEVICE uint32_t k_bf16x2(float lo, float hi) { return k_bf16_of(lo) | (uint32_t)k_bf16_of(hi) << 16; }
K_DEVICE uint32_t k_f16x2(float lo, float hi) { return k_f16_sat(lo) | (uint32_t)k_f16_sat(hi) << 16; }

/* ---- memory ---- */

#ifdef __CUDACC__
/* 16 bytes that this kernel reads once and nobody writes meanwhile: past L1. 'p' is a multiple of 16. */
K_DEVICE uint4 k_load128(const void *p)
{
    uint4 v = {};
    K_PTX("ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];" : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w) : "l"(p));
    return v;
}
/* 16 bytes as any other access of memory has them: in order with what the thread wrote, through the caches. 'p' is a multiple of 16. */
K_DEVICE uint4 k_read128(const void *p) { return *static_cast<const uint4 *>(p); }
K_DEVICE void k_write128(void *p, uint4 v) { *static_cast<uint4 *>(p) = v; }
/* Copy 16 bytes from global to shared memory; both addresses are multiples of 16. The bytes are there for the thread itself after a
 * k_cp_wait<N>() that covers their group, for others after a barrier behind it. */
K_DEVICE void k_cp_async16(void *shared, const void *global)
{
    K_PTX("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"((uint32_t)__cvta_generic_to_shared(shared)), "l"(global) : "memory");
}
K_DEVICE void k_cp_commit(void) { K_PTX("cp.async.commit_group;" ::: "memory"); }
/* Wait until at most the N groups committed last are still on their way. */
template <int N> K_DEVICE void k_cp_wait(void) { K_PTX("cp.async.wait_group %0;" ::"n"(N) : "memory"); }
#endif

/* ---- a whole warp together: all 32 lanes call it ---- */

#ifdef __CUDACC__
/* d (16, 8) += a (16, 16) b (16, 8), fp32 sums: mma.m16n8k16 with a by rows, b by columns. With g = lane / 4 and t = lane % 4:
 *   a[0] (g, 2t..2t+1)   a[1] (g+8, 2t..2t+1)   a[2] (g, 2t+8..2t+9)   a[3] (g+8, 2t+8..2t+9)    (row, k)
 *   b[0] (2t..2t+1, g)   b[1] (2t+8..2t+9, g)                                                    (k, column)
 *   d[0] (g, 2t)  d[1] (g, 2t+1)  d[2] (g+8, 2t)  d[3] (g+8, 2t+1)                               (row, column) */
K_DEVICE void k_mma_bf16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2])
{
    K_PTX("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
          : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
          : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
K_DEVICE void k_mma_f16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2])
{
    K_PTX("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
          : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
          : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
/* Sum and maximum over the warp, the same in every lane: the tree (j, j^16), (j, j^8), (j, j^4), (j, j^2), (j, j^1). The maximum is
 * fmaxf's: a NaN loses against a number. */
K_DEVICE float k_warp_sum(float v)
{
    for (int j = 16; j > 0; j /= 2)
        v += __shfl_xor_sync(K_FULL, v, j);
    return v;
}
K_DEVICE float k_warp_max(float v)
{
    for (int j = 16; j > 0; j /= 2)
        v = fmaxf(v, __shfl_xor_sync(K_FULL, v, j));
    return v;
}
#endif

#endif
