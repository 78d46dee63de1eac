/* plain.cu - between the executor's own layouts and the plain rows of a library's product: operands become rows of a fixed number, its
 * outputs become what the op asked for, and random rows show whether company changes a row. */
#include "kernels.h"
#include "layout.h"
#include "simt.h"

enum { THREADS = 256, LINES = 32 };

/* A thread has one column, and of the rows every gridDim.y-th. */
static dim3 grid_of(int width, int rows)
{
    return dim3(static_cast<unsigned>((width + THREADS - 1) / THREADS), static_cast<unsigned>(rows < LINES ? rows : LINES));
}

K_DEVICE int column() { return static_cast<int>(blockIdx.x * THREADS + threadIdx.x); }
K_DEVICE int first_row() { return static_cast<int>(blockIdx.y); }
K_DEVICE int next_row(int row) { return row + static_cast<int>(gridDim.y); }

static __global__ void __launch_bounds__(THREADS) rows_kernel(uint16_t *to, int n_to, const uint16_t *operand, int row0, int n,
                                                              int n_rows, int k)
{
    const int i = column();
    for (int row = first_row(); i < k && row < n_to; row = next_row(row))           /* rows that are not there are zeros, every time */
        to[static_cast<size_t>(row) * k + i] = row < n ? operand[operand_at(row0 + row, i, n_rows)] : static_cast<uint16_t>(0);
}

int k_plain_rows(void *to, int n_to, const void *operand, int row0, int n, int n_rows, int k, const struct k_at *at)
{
    K_LAUNCH((rows_kernel), grid_of(pad32(k), n_to), THREADS, 0, at->stream, static_cast<uint16_t *>(to), n_to,
             static_cast<const uint16_t *>(operand), row0, n, n_rows, pad32(k));
    return cudaGetLastError();
}

static __global__ void __launch_bounds__(THREADS) out_kernel(float *y, int ldy, const float *from, int ld, int n_rows,
                                                             const float *bias, int n)
{
    const int j = column();
    for (int row = first_row(); j < n && row < n_rows; row = next_row(row)) {
        const float v = from[static_cast<size_t>(row) * ld + j];
        y[static_cast<size_t>(row) * ldy + j] = bias ? v + bias[j] : v;
    }
}

int k_plain_out(float *y, int ldy, const float *from, int ld, int n_rows, const float *bias, int n, const struct k_at *at)
{
    K_LAUNCH((out_kernel), grid_of(n, n_rows), THREADS, 0, at->stream, y, ldy, from, ld, n_rows, bias, n);
    return cudaGetLastError();
}

/* Number i of a sequence, in [-1, 1): a multiplicative hash, so that it is the same wherever it is computed. */
K_DEVICE float noise(uint32_t seed, uint32_t i)
{
    uint32_t u = (i + 1) * 0x9e3779b1u ^ seed * 0x85ebca6bu;
    u = (u ^ u >> 16) * 0x7feb352du;
    u = (u ^ u >> 15) * 0x846ca68bu;
    return static_cast<float>((u ^ u >> 16) >> 8) * 0x1p-23f - 1.0f;
}

static __global__ void __launch_bounds__(THREADS) noise_kernel(uint16_t *to, int n, int k, int first, int period, uint32_t seed, bool half)
{
    const int i = column();
    for (int row = first_row(); i < k && row < n; row = next_row(row)) {
        const float x = noise(seed + static_cast<uint32_t>((first + row) % period), static_cast<uint32_t>(i));
        to[static_cast<size_t>(row) * k + i] = half ? k_f16_of(x) : k_bf16_of(x);
    }
}

int k_plain_noise(void *to, int n, int k, int first, int period, uint32_t seed, const struct k_at *at)
{
    K_LAUNCH((noise_kernel), grid_of(pad32(k), n), THREADS, 0, at->stream, static_cast<uint16_t *>(to), n, pad32(k), first, period, seed,
             at->half);
    return cudaGetLastError();
}

static __global__ void __launch_bounds__(THREADS) differ_kernel(int32_t *count, const float *rows, int n, const float *alone, int ld,
                                                                int period)
{
    const int j = column();
    int differ = 0;
    for (int row = first_row(); j < ld && row < n; row = next_row(row)) {
        const float here = rows[static_cast<size_t>(row) * ld + j], there = alone[static_cast<size_t>(row % period) * ld + j];
        differ += __float_as_uint(here) != __float_as_uint(there);
    }
    if (differ)
        atomicAdd(count, differ);
}

int k_plain_differ(int32_t *count, const float *rows, int n, const float *alone, int ld, int period, const struct k_at *at)
{
    K_LAUNCH((differ_kernel), grid_of(ld, n), THREADS, 0, at->stream, count, rows, n, alone, ld, period);
    return cudaGetLastError();
}
