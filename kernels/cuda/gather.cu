/* gather.cu - the rows of a step that draw, brought together: from operand to operand, 16 bytes at a time. */
#include "kernels.h"
#include "layout.h"
#include "simt.h"

enum { THREADS = 128, PIECES = 4 };              /* pieces of 16 bytes in 32 inputs */

static __global__ void __launch_bounds__(THREADS) gather_kernel(uint16_t *out, const uint16_t *x, const int32_t *out_row, int n_out,
                                                                int n_rows, int k32)
{
    const int row = static_cast<int>(blockIdx.y), i = static_cast<int>(blockIdx.x * THREADS + threadIdx.x), block = i / PIECES;
    if (block >= k32)
        return;
    uint4 v = {};                                /* rows beyond the last are zeros */
    if (row < n_out)
        v = k_read128(x + (static_cast<size_t>(block) * pad8(n_rows) + out_row[row]) * 32 + i % PIECES * 8);
    k_write128(out + (static_cast<size_t>(block) * pad8(n_out) + row) * 32 + i % PIECES * 8, v);
}

int k_gather_rows(const struct op_gather_rows *a, const struct k_at *at)
{
    const int k32 = pad32(a->dim) / 32;
    const dim3 grid(static_cast<unsigned>((k32 * PIECES + THREADS - 1) / THREADS), static_cast<unsigned>(pad8(at->step.n_out)));
    K_LAUNCH((gather_kernel), grid, THREADS, 0, at->stream, static_cast<uint16_t *>(a->out), static_cast<const uint16_t *>(a->x),
             at->step.out_row, at->step.n_out, at->step.n_rows, k32);
    return cudaGetLastError();
}
