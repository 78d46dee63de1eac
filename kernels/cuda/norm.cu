/* norm.cu - RMS normalisation, alone and with the residual addition before it. One block a row; rows up to the next multiple of 8 are
 * zeros. */
#include "kernels.h"
#include "operand.cuh"

enum { THREADS = 256, LANES = 16 };

struct norm {
    void *out;
    float *x;
    const float *sum, *bias, *weight;            /* sum NULL: nothing is added */
    float eps;
    int n_rows, dim;
};

/* The lane sum of squares of ops.h, by the first warp; its upper lanes do again what the lower ones do. */
K_DEVICE float lane_squares(const float *x, int dim)
{
    float sum = 0.0f;
    for (int i = static_cast<int>(threadIdx.x) % LANES; i < dim; i += LANES)
        sum = fmaf(x[i], x[i], sum);
    for (int j = LANES / 2; j > 0; j /= 2)
        sum += __shfl_xor_sync(K_FULL, sum, j);
    return sum;
}

template <bool HALF> static __global__ void __launch_bounds__(THREADS) norm_kernel(struct norm a)
{
    K_SHARED(float, scale, 1);
    const int row = static_cast<int>(blockIdx.x), t = static_cast<int>(threadIdx.x);
    if (row >= a.n_rows) {
        for (int i = 2 * t; i < pad32(a.dim); i += 2 * THREADS)
            k_store_pair(a.out, row, i, a.n_rows, 0);
        return;
    }
    float *x = a.x + static_cast<size_t>(row) * a.dim;
    if (a.sum) {
        const float *sum = a.sum + static_cast<size_t>(row) * a.dim;
        for (int i = t; i < a.dim; i += THREADS)
            x[i] += a.bias ? sum[i] + a.bias[i] : sum[i];
        __syncthreads();
    }
    if (t < 32) {
        const float squares = lane_squares(x, a.dim);
        if (t == 0)
            scale[0] = 1.0f / sqrtf(squares / static_cast<float>(a.dim) + a.eps);
    }
    __syncthreads();
    const float r = scale[0];
    for (int i = 2 * t; i < pad32(a.dim); i += 2 * THREADS) {
        const float lo = i < a.dim ? x[i] * r * a.weight[i] : 0.0f, hi = i + 1 < a.dim ? x[i + 1] * r * a.weight[i + 1] : 0.0f;
        k_store_pair(a.out, row, i, a.n_rows, k_pair<HALF>(lo, hi));
    }
}

static int launch(const struct norm *a, const struct k_at *at)
{
    const unsigned rows = static_cast<unsigned>(pad8(a->n_rows));
    if (at->half)
        K_LAUNCH((norm_kernel<true>), rows, THREADS, 0, at->stream, *a);
    else
        K_LAUNCH((norm_kernel<false>), rows, THREADS, 0, at->stream, *a);
    return cudaGetLastError();
}

int k_rmsnorm(const struct op_rmsnorm *a, const struct k_at *at)
{
    const struct norm n = { a->out, const_cast<float *>(a->x), nullptr, nullptr, a->weight, a->eps, a->n_rows, a->dim };
    return launch(&n, at);
}

int k_add_rmsnorm(const struct op_add_rmsnorm *a, const struct k_at *at)
{
    const struct norm n = { a->out, a->x, static_cast<const float *>(a->sum), a->bias, a->weight, a->eps, a->n_rows, a->dim };
    return launch(&n, at);
}
