/* cuda.c - the CUDA executor: fills struct ops with launchers of kernels/cuda, all behind each other in one stream.
 * Nothing waits but drawn(), download() and settle(); whatever fails, when it is started or later, is found there, and what was asked for
 * after it is not started. */
#include "cuda.h"
#include "isa.h"

#include "mtbench/executor.h"
#include "mtbench/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- errors ---- */

static const char *remedy(int code)
{
    switch (code) {
    case cudaErrorMemoryAllocation: return "use a smaller --max-batch, or a GPU that nobody else uses";
    case cudaErrorNoKernelImageForDevice: return "build with MTBENCH_CUDA_ARCHS that has this GPU";
    case cudaErrorUnsupportedPtxVersion: return "update the driver, or build with MTBENCH_CUDA_ARCHS that has this GPU";
    default: return "what is finished is kept: start again; if it comes back, MTBENCH_CUDA_SYNC=1 names the op, nvidia-smi may say more";
    }
}

bool cuda_good(struct backend *be, int code, const char *what)
{
    char where[64] = "";
    if (be->first.kind)
        return false;
    if (code == cudaSuccess)
        return true;
    if (be->steps)
        snprintf(where, sizeof where, " of step %llu", (unsigned long long)be->steps);
    err_set(&be->first, ERR_DEVICE, "GPU %d: %s%s: %s (CUDA error %d); %s", be->device, what, where,
            cudaGetErrorString((cudaError_t)code), code, remedy(code));
    return false;
}

bool cuda_started(struct backend *be, int code, const char *op)
{
    char what[64];
    snprintf(what, sizeof what, be->layer < 0 ? "%s" : "%s in layer %d", op, be->layer);
    return cuda_good(be, code, what) && (!be->stepwise || cuda_good(be, (int)cudaStreamSynchronize(be->stream), what));
}

bool cuda_enter(struct backend *be)
{
    static _Thread_local int current = -1;
    if (current != be->device && cuda_good(be, (int)cudaSetDevice(be->device), "cudaSetDevice"))
        current = be->device;
    return !be->first.kind;
}

int cuda_wait(struct backend *be, const char *what, struct err *err)
{
    if (cuda_enter(be))
        cuda_good(be, (int)cudaStreamSynchronize(be->stream), what);
    if (!be->first.kind)
        return 0;
    if (err)                             /* NULL: something else has failed, and is told */
        *err = be->first;
    return -1;
}

/* ---- ops ---- */

#define CUDA_OP(op)                                                                                                                        \
    static void cuda_##op(struct backend *be, const struct op_##op *a)                                                                     \
    {                                                                                                                                      \
        if (cuda_enter(be))                                                                                                                \
            cuda_started(be, k_##op(a, &be->at), #op);                                                                                     \
    }
CUDA_OP(embed)
CUDA_OP(rmsnorm)
CUDA_OP(add_rmsnorm)
CUDA_OP(attend)
CUDA_OP(silu_mul)
CUDA_OP(gather_rows)

static void cuda_linear(struct backend *be, const struct op_linear *a)
{
    int code = cudaSuccess;
    if (!cuda_enter(be))
        return;
    if (be->products)
        be->products->linear(be, a);
    else
        code = k_linear(a, &be->at);
    cuda_started(be, code, "linear");
}

static void cuda_rope_kv(struct backend *be, const struct op_rope_kv *a)
{
    be->layer = a->shape->layer;         /* said of errors, up to the next layer's */
    if (cuda_enter(be))
        cuda_started(be, k_rope_kv(a, &be->at), "rope_kv");
}

/* Weights of a file in host memory, while they are loaded: a kernel of the CPU. */
static void cuda_low_rank_add(struct backend *be, const struct op_low_rank_add *a)
{
    atomic_int ticket = 0;
    (void)be;
    isa_at(0)->low_rank_add(a, (struct share){ .t = 0, .n_threads = 1, .ticket = &ticket });
}

#define CUDA_SLOT(op) .op = cuda_##op,
const struct ops ops_cuda = {
    .name = "cuda",
    .synchronous = false,
    .alloc = cuda_alloc,
    .release = cuda_release,
    .host_alloc = cuda_host_alloc,
    .host_release = cuda_host_release,
    .upload = cuda_upload,
    .download = cuda_download,
    .copy = cuda_copy,
    .memory = cuda_memory,
    .linear_bytes = cuda_linear_bytes,
    .operand_bytes = cuda_operand_bytes,
    .sum_bytes = cuda_sum_bytes,
    .kv_page_bytes = cuda_kv_page_bytes,
    .step_bytes = cuda_step_bytes,
    .linear_pack = cuda_linear_pack,
    .settle = cuda_settle,
    .step_room = cuda_step_room,
    .step_begin = cuda_step_begin,
    MTB_EACH_OP(CUDA_SLOT)
    .drawn = cuda_drawn,
    .operand_row = cuda_operand_row,
};

/* ---- the backend ---- */

void cuda_close(struct backend *be)
{
    if (!be)
        return;
    cuda_enter(be);
    if (be->stream)
        cudaStreamSynchronize(be->stream);
    if (be->products)
        be->products->end(be);
    cuda_step_destroy(be);
    cuda_marks_destroy(be);
    cudaFree(be->staging);
    if (be->stream)
        cudaStreamDestroy(be->stream);
    free(be->half);
    free(be);
}

int cuda_capability(int device)
{
    int major = 0, minor = 0;
    if (cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device) != cudaSuccess ||
        cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device) != cudaSuccess)
        return 0;
    return 10 * major + minor;
}

int cuda_multiprocessors(int device)
{
    int n = 0;
    return cudaDeviceGetAttribute(&n, cudaDevAttrMultiProcessorCount, device) == cudaSuccess ? n : 0;
}

struct backend *cuda_open(const struct executor_opts *o, struct err *err)
{
    struct backend *be = xcalloc(1, sizeof *be);
    be->device = o->device;
    be->max_rows = o->max_rows;
    be->layer = -1;
    be->stepwise = getenv("MTBENCH_CUDA_SYNC") != NULL;
    snprintf(be->path, sizeof be->path, "sm_%d", cuda_capability(o->device));
    const bool good = cuda_enter(be) && cuda_good(be, k_probe(), "kernels for it") &&
        cuda_good(be, (int)cudaStreamCreateWithFlags(&be->stream, cudaStreamNonBlocking), "cudaStreamCreate");
    be->at.stream = be->stream;
    if (!good)
        *err = be->first;
    if (!good || cuda_step_create(be, err) < 0) {
        cuda_close(be);
        return NULL;
    }
    return be;
}

static void cuda_numerics(int device, enum dtype weights, char text[64])
{
    snprintf(text, 64, "cuda-sm%d-%s-kv16-v1", cuda_capability(device), weights == DT_F16 ? "f16" : "bf16");
}

const char *cuda_path(const struct backend *be)
{
    return be->path;
}

int cuda_threads(const struct backend *be)
{
    (void)be;
    return 0;
}

size_t cuda_scratch(const struct backend *be)
{
    return be->products ? be->products->bytes(be) : 0;
}

const struct executor executor_cuda = {
    .name = "cuda", .ops = &ops_cuda, .node_weights = false, .max_rows = 1024, .devices = cuda_devices,
    .device_id = cuda_device_id, .numerics = cuda_numerics, .open = cuda_open,
    .close = cuda_close, .path = cuda_path, .threads = cuda_threads, .scratch = cuda_scratch,
    .mark = cuda_mark, .between = cuda_between,
};
