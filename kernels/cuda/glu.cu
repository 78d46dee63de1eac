/* glu.cu - the gated activation of the MLP: silu(gate) * up. */
#include "kernels.h"
#include "operand.cuh"
#include "vmath.cuh"

enum { THREADS = 128 };

template <bool HALF> static __global__ void __launch_bounds__(THREADS) glu_kernel(void *h, const float *gu, int n_rows, int ff)
{
    const int row = static_cast<int>(blockIdx.y), i = 2 * static_cast<int>(blockIdx.x * THREADS + threadIdx.x);
    float y[2] = { 0.0f, 0.0f };
    if (i >= pad32(ff))
        return;
    const float *gate = gu + static_cast<size_t>(row) * 2 * ff;
    for (int j = 0; j < 2; j++)
        if (row < n_rows && i + j < ff)
            y[j] = k_silu(gate[i + j]) * gate[ff + i + j];
    k_store_pair(h, row, i, n_rows, k_pair<HALF>(y[0], y[1]));
}

int k_silu_mul(const struct op_silu_mul *a, const struct k_at *at)
{
    const dim3 grid(static_cast<unsigned>((pad32(a->ff) / 2 + THREADS - 1) / THREADS), static_cast<unsigned>(pad8(a->n_rows)));
    if (at->half)
        K_LAUNCH((glu_kernel<true>), grid, THREADS, 0, at->stream, a->h, a->gu, a->n_rows, a->ff);
    else
        K_LAUNCH((glu_kernel<false>), grid, THREADS, 0, at->stream, a->h, a->gu, a->n_rows, a->ff);
    return cudaGetLastError();
}
