/* counted.cu - launches, products, bytes and sectors that the emulator counts, against what the kernels plainly do. */
#include "kernels/cuda/simt.h"

#include "sim_test.h"

#include <string.h>

enum { BLOCKS = 3, THREADS = 128, N = BLOCKS * THREADS };

__global__ void side_by_side(float *o, const float *x)
{
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    o[i] = x[i];
}
__global__ void far_apart(float *o, const float *x)
{
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    o[i] = x[i * 8];
}
__global__ void all_the_same(float *o, const float *x)
{
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    o[i] = x[0];
}
__global__ void off_by_one(float *o, const float *x)
{
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    o[i] = x[i + 1];
}
__global__ void wide(float *o, const float *x)
{
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    uint4 v = k_load128(x + i * 4);
    o[i] = __uint_as_float(v.x ^ v.y ^ v.z ^ v.w);
}
__global__ void wide_there_and_back(float *o, const float *x)
{
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i % 4 == 0)
        k_write128(o + i, k_read128(x + i));
}
/* Lanes go round a loop a different number of times: what they do in the same round belongs together. */
__global__ void ragged(float *o, const float *x)
{
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    float sum = 0;
    for (unsigned k = 0; k <= threadIdx.x % 2; k++)
        sum += x[k * N + i];
    o[i] = sum;
}
__global__ void products(float *o, const float *)
{
    float d[4] = {};
    uint32_t a[4] = {}, b[2] = {};
    for (int i = 0; i < 5; i++)
        k_mma_bf16(d, a, b);
    __syncthreads();
    o[blockIdx.x * blockDim.x + threadIdx.x] = d[0];
}

static const struct {
    const char *name;
    void (*kernel)(float *, const float *);
    long bytes, sectors;                         /* read, by a warp of 32 lanes */
} kernels[] = {
    { "side_by_side", side_by_side, 128, 4 }, { "far_apart", far_apart, 128, 32 }, { "all_the_same", all_the_same, 128, 1 },
    { "off_by_one", off_by_one, 128, 5 },     { "wide", wide, 512, 16 },           { "ragged", ragged, 192, 8 },
    { "wide_there_and_back", wide_there_and_back, 128, 4 },
    { "products", products, 0, 0 },
};

int main()
{
    cudasim()->counts = true;
    cudasim_reset();
    float *x = device<float>(N * 8), *o = device<float>(N);
    CUDA(cudaMemset(x, 0, N * 8 * sizeof(float)));
    for (auto &k : kernels) {
        CUDA(cudaDeviceSynchronize());
        for (int i = 0; i < 2; i++)
            sim_launch(k.name, k.kernel, BLOCKS, THREADS, 0, nullptr, o, x);
    }
    CUDA(cudaDeviceSynchronize());
    struct cudasim_counts c[32];
    const int n = cudasim_kernels(c, 32);
    const long warps = 2 * N / 32;
    ok(n == sizeof kernels / sizeof kernels[0], "each kernel is counted by its name");
    for (auto &k : kernels)
        for (int i = 0; i < n; i++) {
            if (strcmp(c[i].kernel, k.name) != 0)
                continue;
            ok(c[i].launches == 2 && c[i].blocks == 2 * BLOCKS && c[i].threads == 2 * N, "%s: launches, blocks, threads", k.name);
            if (k.kernel == products)
                ok(c[i].products == 5 * warps && c[i].barriers == 2 * BLOCKS, "%ld products, %ld barriers", c[i].products, c[i].barriers);
            if (cudasim_checks())
                ok(c[i].bytes_read == k.bytes * warps && c[i].sectors_read == k.sectors * warps && c[i].bytes_written == 128 * warps &&
                       c[i].sectors_written == 4 * warps,
                   "%s: %ld bytes in %ld sectors a warp", k.name, c[i].bytes_read / warps, c[i].sectors_read / warps);
        }
    cudasim()->counts = false;
    return done_testing();
}
