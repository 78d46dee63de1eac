/* cuda_memory.c - device and pinned memory, and how large things are there. */
#include "cuda.h"

#include "kernels/cuda/layout.h"

#include <stdlib.h>

/* Allocations are rounded up, each, a piece of the weights is on its way, and the driver takes some for itself when kernels first run. */
enum { KEPT_BACK = 64 << 20 };

void *cuda_alloc(struct backend *be, size_t bytes, struct err *err)
{
    void *p = NULL;
    uint64_t available, total;
    if (!cuda_enter(be)) {
        *err = be->first;
        return NULL;
    }
    const cudaError_t e = cudaMalloc(&p, bytes ? bytes : 1);
    if (e == cudaErrorMemoryAllocation) {
        cudaGetLastError();                                                         /* it is told here, not by the next launch */
        cuda_memory(be, &available, &total);
        err_set(err, ERR_MEMORY, "GPU %d: cannot take %.1f MB, %.1f of %.1f MB are free; use a smaller --max-batch or model, or a GPU that "
                "nobody else uses", be->device, (double)bytes / 1e6, (double)available / 1e6, (double)total / 1e6);
        return NULL;
    }
    if (!cuda_good(be, (int)e, "cudaMalloc") || !cuda_good(be, (int)cudaMemsetAsync(p, 0, bytes ? bytes : 1, be->stream), "cudaMemset")) {
        cudaFree(p);
        *err = be->first;
        return NULL;
    }
    return p;
}

void cuda_release(struct backend *be, void *p, size_t bytes)
{
    (void)bytes;
    cuda_enter(be);
    if (p)
        cuda_good(be, (int)cudaFree(p), "cudaFree");                                /* waits for what still uses it */
}

void *cuda_host_alloc(struct backend *be, size_t bytes, struct err *err)
{
    void *p = NULL;
    if (!cuda_enter(be)) {
        *err = be->first;
        return NULL;
    }
    const cudaError_t e = cudaHostAlloc(&p, bytes ? bytes : 1, cudaHostAllocPortable);
    if (e == cudaErrorMemoryAllocation) {
        cudaGetLastError();
        err_set(err, ERR_MEMORY, "GPU %d: cannot pin %.1f MB of this machine's memory for it; give the job more memory", be->device,
                (double)bytes / 1e6);
        return NULL;
    }
    if (cuda_good(be, (int)e, "cudaHostAlloc"))
        return p;
    *err = be->first;
    return NULL;
}

void cuda_host_release(struct backend *be, void *p, size_t bytes)
{
    (void)bytes;
    cuda_enter(be);
    if (p)
        cuda_good(be, (int)cudaFreeHost(p), "cudaFreeHost");
}

void cuda_upload(struct backend *be, void *dst, const void *host, size_t bytes)
{
    if (cuda_enter(be) && cuda_good(be, (int)cudaMemcpyAsync(dst, host, bytes, cudaMemcpyHostToDevice, be->stream), "upload"))
        cuda_good(be, (int)cudaStreamSynchronize(be->stream), "upload");            /* 'host' is the caller's again */
}

void cuda_download(struct backend *be, void *host, const void *src, size_t bytes)
{
    if (cuda_enter(be) && cuda_good(be, (int)cudaMemcpyAsync(host, src, bytes, cudaMemcpyDeviceToHost, be->stream), "download"))
        cuda_good(be, (int)cudaStreamSynchronize(be->stream), "download");
}

void cuda_copy(struct backend *be, void *dst, const void *src, size_t bytes)
{
    if (cuda_enter(be))
        cuda_good(be, (int)cudaMemcpyAsync(dst, src, bytes, cudaMemcpyDeviceToDevice, be->stream), "copy");
}

void cuda_memory(struct backend *be, uint64_t *available, uint64_t *total)
{
    size_t left = 0, all = 0;
    *available = *total = 0;
    if (cuda_enter(be) && cuda_good(be, (int)cudaMemGetInfo(&left, &all), "cudaMemGetInfo")) {
        *available = left > KEPT_BACK ? left - KEPT_BACK : 0;
        *total = all;
    }
}

/* ---- sizes: kernels/cuda/layout.h ---- */

size_t cuda_linear_bytes(enum dtype t, int n, int k)
{
    (void)t;                                                                        /* 16 bits whatever the file has */
    return (size_t)pad16(n) * (size_t)pad32(k) * sizeof(uint16_t);
}

size_t cuda_operand_bytes(int n_rows, int k)
{
    return (size_t)pad8(n_rows) * (size_t)pad32(k) * sizeof(uint16_t);
}

size_t cuda_sum_bytes(int n_rows, int dim)
{
    return (size_t)n_rows * (size_t)dim * sizeof(float);
}

size_t cuda_kv_page_bytes(int n_layers, int n_kv, int head_dim)
{
    return (size_t)n_layers * (size_t)n_kv * kv_head_halves(head_dim) * sizeof(uint16_t);
}

void cuda_operand_row(struct backend *be, float *host, const void *operand, int n_rows, int row, int k)
{
    const size_t blocks = (size_t)pad32(k) / 32, piece = 32 * sizeof(uint16_t), all = (size_t)pad8(n_rows) * piece;
    uint16_t *bits = malloc(blocks * piece);
    for (int i = 0; i < k; i++)
        host[i] = 0.0f;
    if (!bits || !cuda_enter(be))
        goto out;
    const char *from = (const char *)operand + (size_t)row * piece;
    const cudaError_t e = cudaMemcpy2DAsync(bits, piece, from, all, piece, blocks, cudaMemcpyDeviceToHost, be->stream);
    if (cuda_good(be, (int)e, "download") && cuda_good(be, (int)cudaStreamSynchronize(be->stream), "download"))
        for (int i = 0; i < k; i++)
            host[i] = dtype_number(be->at.half ? DT_F16 : DT_BF16, bits, (size_t)(i / 32 * 32 + slot_of(i % 32)));
out:
    free(bits);
}
