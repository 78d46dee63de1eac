/* cuda.c - the CUDA executor: fills struct ops with launchers of kernels/cuda, all behind each other in one stream.
 * Nothing waits but drawn(), download() and settle(); whatever fails, when it is started or later, is found there, and what was asked for
 * after it is not started. */
#include "cuda.h"
#include "isa.h"
#include "pool.h"

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
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorInvalidDeviceFunction: return "build with MTBENCH_CUDA_ARCHS that has this GPU, or use --device cpu";
    case cudaErrorJitCompilerNotFound:
    case cudaErrorUnsupportedPtxVersion:
        return "update the driver, build with MTBENCH_CUDA_ARCHS that has this GPU, or use --device cpu";
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

/* Layers are counted, as most ops do not know theirs: said of errors. The first norm leads into layer 0, the second addition of a layer
 * out of it, and rows are gathered behind the last. */
static void next_layer(struct backend *be)
{
    be->layer += be->in_mlp;
    be->in_mlp = false;
}

#define CUDA_OP(op, before, behind)                                                                                                        \
    static void cuda_##op(struct backend *be, const struct op_##op *a)                                                                     \
    {                                                                                                                                      \
        before;                                                                                                                            \
        if (cuda_enter(be))                                                                                                                \
            cuda_started(be, k_##op(a, &be->at), #op);                                                                                     \
        behind;                                                                                                                            \
    }
CUDA_OP(embed, be->layer = -1, )
CUDA_OP(rmsnorm, , be->layer = 0)
CUDA_OP(add_rmsnorm, , next_layer(be))
CUDA_OP(rope_kv, be->layer = a->shape->layer, )
CUDA_OP(attend, , )
CUDA_OP(silu_mul, , be->in_mlp = true)
CUDA_OP(gather_rows, be->layer = -1, )

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

struct low_rank {
    const struct op_low_rank_add *a;
    int n_threads;
    atomic_int ticket;
};

static void low_rank_work(void *arg, int t)
{
    struct low_rank *w = arg;
    isa_at(0)->low_rank_add(w->a, (struct share){ .t = t, .n_threads = w->n_threads, .ticket = &w->ticket });
}

/* Weights of a file in host memory, while they are loaded: the CPU's kernel, on threads that are started when the first adapter comes. */
static void cuda_low_rank_add(struct backend *be, const struct op_low_rank_add *a)
{
    struct low_rank w = { .a = a, .n_threads = 1 };
    struct err slow;
    if (!be->cores)
        be->cores = pool_create(be->threads, NULL, be->crowded, &slow);             /* without them the caller does it alone */
    if (!be->cores) {
        low_rank_work(&w, 0);
        return;
    }
    w.n_threads = pool_size(be->cores);
    pool_run(be->cores, low_rank_work, &w);
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
    cuda_release(be, be->staging, be->staging_bytes);
    if (be->step_read)
        cudaEventDestroy(be->step_read);
    if (be->stream)
        cudaStreamDestroy(be->stream);
    pool_destroy(be->cores);
    free(be->half);
    free(be);
}

/* An answer that is not had is no error of what is started next, which cudaGetLastError() would say. */
static int attribute(int device, enum cudaDeviceAttr what)
{
    int n = 0;
    if (cudaDeviceGetAttribute(&n, what, device) == cudaSuccess)
        return n;
    cudaGetLastError();
    return 0;
}

int cuda_capability(int device)
{
    return 10 * attribute(device, cudaDevAttrComputeCapabilityMajor) + attribute(device, cudaDevAttrComputeCapabilityMinor);
}

int cuda_multiprocessors(int device)
{
    return attribute(device, cudaDevAttrMultiProcessorCount);
}

struct backend *cuda_open(const struct executor_opts *o, struct err *err)
{
    struct backend *be = xcalloc(1, sizeof *be);
    be->device = o->device;
    be->max_rows = o->max_rows;
    be->threads = o->threads > 0 ? o->threads : pool_cores();
    be->crowded = o->crowded;
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
    .device_id = cuda_device_id, .reaches = cuda_reaches, .numerics = cuda_numerics, .open = cuda_open,
    .close = cuda_close, .path = cuda_path, .threads = cuda_threads, .scratch = cuda_scratch,
    .mark = cuda_mark, .between = cuda_between,
};
