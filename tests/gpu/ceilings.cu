/* ceilings.cu - what a card can do at most: bytes copied, bytes read, nodes of a graph launched. The denominators of every claim about
 * speed; measured, since a data sheet is not the card at hand.
 *
 *   ceilings [MIB]       bytes of the buffer that is read and copied (2048); prints NAME <tab> VALUE <tab> UNIT <tab> SPREAD, a line each
 *
 * Exit code 77: no usable GPU. Medians of event pairs, after two runs that warm up; the spread is half the distance of the quartiles. */
#include "kernels/cuda/simt.h"

#include <cuda_runtime_api.h>

#include <stdio.h>
#include <stdlib.h>

enum { REPEATS = 15, NODES = 300, BLOCK = 256, PER_THREAD = 8 };

#define CHECK(call)                                                                                                                      \
    do {                                                                                                                                 \
        cudaError_t error_ = (call);                                                                                                     \
        if (error_ != cudaSuccess)                                                                                                       \
            fail(#call, error_);                                                                                                         \
    } while (0)

static void fail(const char *call, cudaError_t error)
{
    fprintf(stderr, "ceilings: %s: %s\n", call, cudaGetErrorString(error));
    exit(error == cudaErrorNoDevice || error == cudaErrorInsufficientDriver ? 77 : 1);
}

/* Reads n vectors and keeps of them what can be checked: the bits that are set in all, by exclusive or per thread. */
static __global__ void __launch_bounds__(BLOCK) read_all(const uint4 *p, size_t n, unsigned *out)
{
    size_t at = (size_t)blockIdx.x * BLOCK + threadIdx.x, stride = (size_t)gridDim.x * BLOCK;
    unsigned x = 0;
    for (; at + (PER_THREAD - 1) * stride < n; at += PER_THREAD * stride) {
        uint4 v[PER_THREAD];
#pragma unroll
        for (int i = 0; i < PER_THREAD; i++)
            v[i] = k_load128(p + at + i * stride);
#pragma unroll
        for (int i = 0; i < PER_THREAD; i++)
            x += v[i].x + v[i].y + v[i].z + v[i].w;
    }
    for (; at < n; at += stride) {
        uint4 v = k_load128(p + at);
        x += v.x + v.y + v.z + v.w;
    }
    out[blockIdx.x * BLOCK + threadIdx.x] = x;
}

static __global__ void nothing(int)
{
}

struct timer { cudaEvent_t from, to; cudaStream_t stream; float ms[REPEATS]; int n; };

static void timer_create(struct timer *t)
{
    CHECK(cudaStreamCreateWithFlags(&t->stream, cudaStreamNonBlocking));
    CHECK(cudaEventCreateWithFlags(&t->from, cudaEventDefault));
    CHECK(cudaEventCreateWithFlags(&t->to, cudaEventDefault));
    t->n = 0;
}

static void timer_start(struct timer *t)
{
    CHECK(cudaEventRecord(t->from, t->stream));
}

/* The first two are not counted. */
static void timer_stop(struct timer *t, int i)
{
    float ms;
    CHECK(cudaEventRecord(t->to, t->stream));
    CHECK(cudaEventSynchronize(t->to));
    CHECK(cudaEventElapsedTime(&ms, t->from, t->to));
    if (i >= 2)
        t->ms[t->n++] = ms;
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* 'amount' of the unit per millisecond, or with 'per' the milliseconds of each of 'amount' things, times 1000. */
static void put(struct timer *t, const char *name, double amount, bool each, const char *unit)
{
    qsort(t->ms, (size_t)t->n, sizeof *t->ms, by_value);
    double median = (double)t->ms[t->n / 2], spread = 50 * (double)(t->ms[3 * t->n / 4] - t->ms[t->n / 4]) / median;
    double value = each ? 1000 * median / amount : amount / (median > 0 ? median : 1e-9);
    printf("%s\t%.4g\t%s\t+- %.1f %%\n", name, value, unit, spread);
    fflush(stdout);
    t->n = 0;
}

static void measure_copy(struct timer *t, uint4 *a, uint4 *b, size_t bytes)
{
    for (int i = 0; i < REPEATS + 2; i++) {
        timer_start(t);
        CHECK(cudaMemcpyAsync(b, a, bytes, cudaMemcpyDeviceToDevice, t->stream));
        timer_stop(t, i);
    }
    put(t, "copy, bytes read and written", 2e-6 * (double)bytes, false, "GB/s");
}

/* Every word of the buffer is 1: the sum says that all of it was read. */
static int measure_read(struct timer *t, uint4 *a, size_t bytes, int n_blocks)
{
    size_t n = bytes / sizeof *a, n_out = (size_t)n_blocks * BLOCK;
    unsigned *out, *host = static_cast<unsigned *>(calloc(n_out, sizeof *host));
    uint4 *ones = static_cast<uint4 *>(malloc(bytes));
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        ones[i] = make_uint4(1, 1, 1, 1);
    CHECK(cudaMalloc(reinterpret_cast<void **>(&out), n_out * sizeof *out));
    CHECK(cudaMemcpyAsync(a, ones, bytes, cudaMemcpyHostToDevice, t->stream));
    for (int i = 0; i < REPEATS + 2; i++) {
        timer_start(t);
        K_LAUNCH((read_all), (unsigned)n_blocks, BLOCK, 0, t->stream, a, n, out);
        CHECK(cudaGetLastError());
        timer_stop(t, i);
    }
    CHECK(cudaMemcpyAsync(host, out, n_out * sizeof *out, cudaMemcpyDeviceToHost, t->stream));
    CHECK(cudaStreamSynchronize(t->stream));
    for (size_t i = 0; i < n_out; i++)
        sum += host[i];
    free(ones);
    free(host);
    CHECK(cudaFree(out));
    if (sum != 4 * (uint64_t)n) {
        fprintf(stderr, "ceilings: of %zu words the kernel read %llu\n", 4 * n, static_cast<unsigned long long>(sum));
        return 1;
    }
    put(t, "read", 1e-6 * (double)bytes, false, "GB/s");
    return 0;
}

/* 'linked': programmatic launch, a node may begin before the one before it has ended. */
static void add_nodes(cudaStream_t stream, bool linked)
{
    for (int i = 0; i < NODES; i++) {
        if (!linked) {
            K_LAUNCH((nothing), 1, 32, 0, stream, i);
            continue;
        }
#ifdef __CUDACC__
        cudaLaunchConfig_t how = {};
        cudaLaunchAttribute attribute = {};
        attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
        attribute.val.programmaticStreamSerializationAllowed = 1;
        how.gridDim = dim3(1);
        how.blockDim = dim3(32);
        how.stream = stream;
        how.attrs = &attribute;
        how.numAttrs = 1;
        CHECK(cudaLaunchKernelEx(&how, nothing, i));
#endif
    }
    CHECK(cudaGetLastError());
}

static void measure_graph(struct timer *t, const char *name, bool linked)
{
    cudaGraph_t graph;
    cudaGraphExec_t exec;
    CHECK(cudaStreamBeginCapture(t->stream, cudaStreamCaptureModeThreadLocal));
    add_nodes(t->stream, linked);
    CHECK(cudaStreamEndCapture(t->stream, &graph));
    CHECK(cudaGraphInstantiate(&exec, graph, 0));
    for (int i = 0; i < REPEATS + 2; i++) {
        timer_start(t);
        CHECK(cudaGraphLaunch(exec, t->stream));
        timer_stop(t, i);
    }
    put(t, name, NODES, true, "us");
    CHECK(cudaGraphExecDestroy(exec));
    CHECK(cudaGraphDestroy(graph));
}

int main(int argc, char **argv)
{
    size_t bytes = (size_t)(argc > 1 ? atol(argv[1]) : 2048) << 20;
    int n_devices = 0, n_sm = 0, major = 0, bad;
    uint4 *a, *b;
    struct timer t;
    CHECK(cudaGetDeviceCount(&n_devices));
    if (n_devices == 0)
        fail("cudaGetDeviceCount", cudaErrorNoDevice);
    CHECK(cudaSetDevice(0));
    CHECK(cudaDeviceGetAttribute(&n_sm, cudaDevAttrMultiProcessorCount, 0));
    CHECK(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0));
    CHECK(cudaMalloc(reinterpret_cast<void **>(&a), bytes));
    CHECK(cudaMalloc(reinterpret_cast<void **>(&b), bytes));
    timer_create(&t);
    measure_copy(&t, a, b, bytes);
    bad = measure_read(&t, a, bytes, 4 * n_sm);
    measure_graph(&t, "node of a graph", false);
#ifdef __CUDACC__
    if (major >= 9)
        measure_graph(&t, "node of a graph, programmatic", true);
#endif
    CHECK(cudaFree(a));
    CHECK(cudaFree(b));
    return bad;
}
