/* ceilings.cu - what a card can do at most: bytes copied, read, brought from the host, nodes of a graph launched. The denominators of
 * every claim about speed; measured, since a data sheet is not the card at hand.
 *
 *   ceilings [MIB]       bytes of the buffer that is read and copied (2048); prints NAME <tab> VALUE <tab> UNIT, a line each
 *
 * Exit code 77: no usable GPU. Medians of event pairs, after two runs that warm up; the spread is half the distance of the quartiles. The
 * bytes are random: some cards are faster with zeros. */
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
    exit(error == cudaErrorNoDevice || error == cudaErrorInsufficientDriver || error == cudaErrorStubLibrary ? 77 : 1);
}

/* Reads n vectors and keeps of them what can be checked: the sum of their words, per thread. */
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
    printf("%s\t%.4g\t%s +- %.1f %%\n", name, value, unit, spread);
    fflush(stdout);
    t->n = 0;
}

static void copies(struct timer *t, void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind)
{
    for (int i = 0; i < REPEATS + 2; i++) {
        timer_start(t);
        CHECK(cudaMemcpyAsync(to, from, bytes, kind, t->stream));
        timer_stop(t, i);
    }
}

/* Random words in pinned memory; returns their sum. */
static unsigned fill(unsigned *host, size_t n)
{
    unsigned x = 1, sum = 0;
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        host[i] = x ^ x >> 16;
        sum += host[i];
    }
    return sum;
}

/* 'a' becomes random bytes, whose sum of words is returned. */
static unsigned measure_host(struct timer *t, uint4 *a, size_t bytes)
{
    unsigned *host;
    CHECK(cudaHostAlloc(reinterpret_cast<void **>(&host), bytes, cudaHostAllocDefault));
    const unsigned sum = fill(host, bytes / sizeof *host);
    copies(t, a, host, bytes, cudaMemcpyHostToDevice);
    put(t, "from the host, pinned", 1e-6 * (double)bytes, false, "GB/s");
    CHECK(cudaFreeHost(host));
    return sum;
}

/* With the number of blocks a multiprocessor that is best on this card. */
static int measure_read(struct timer *t, const uint4 *a, size_t bytes, int n_sm, unsigned want)
{
    enum { MOST_BLOCKS = 16 };
    const size_t n = bytes / sizeof *a, most = (size_t)n_sm * MOST_BLOCKS * BLOCK;
    struct timer best = *t;
    unsigned *out, *host = static_cast<unsigned *>(calloc(most, sizeof *host));
    int bad = 0;
    CHECK(cudaMalloc(reinterpret_cast<void **>(&out), most * sizeof *out));
    for (int per = 2; per <= MOST_BLOCKS; per *= 2) {
        const unsigned n_blocks = static_cast<unsigned>(n_sm * per);
        unsigned sum = 0;
        for (int i = 0; i < REPEATS + 2; i++) {
            timer_start(t);
            K_LAUNCH((read_all), n_blocks, BLOCK, 0, t->stream, a, n, out);
            CHECK(cudaGetLastError());
            timer_stop(t, i);
        }
        CHECK(cudaMemcpyAsync(host, out, n_blocks * BLOCK * sizeof *out, cudaMemcpyDeviceToHost, t->stream));
        CHECK(cudaStreamSynchronize(t->stream));
        for (size_t i = 0; i < n_blocks * BLOCK; i++)
            sum += host[i];
        if (sum != want)
            bad = fprintf(stderr, "ceilings: the sum of all words is %08x, the kernel of %u blocks read %08x\n", want, n_blocks, sum) > 0;
        qsort(t->ms, (size_t)t->n, sizeof *t->ms, by_value);
        if (best.n == 0 || t->ms[t->n / 2] < best.ms[best.n / 2])
            best = *t;
        t->n = 0;
    }
    put(&best, "read", 1e-6 * (double)bytes, false, "GB/s");
    free(host);
    CHECK(cudaFree(out));
    return bad;
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

static int attribute(enum cudaDeviceAttr what)
{
    int value = 0;
    CHECK(cudaDeviceGetAttribute(&value, what, 0));
    return value;
}

int main(int argc, char **argv)
{
    const size_t bytes = (size_t)(argc > 1 ? atol(argv[1]) : 2048) << 20;
    size_t available = 0, total = 0;
    int n_devices = 0, bad;
    uint4 *a, *b;
    struct timer t;
    CHECK(cudaGetDeviceCount(&n_devices));
    if (n_devices == 0)
        fail("cudaGetDeviceCount", cudaErrorNoDevice);
    CHECK(cudaSetDevice(0));
    const int major = attribute(cudaDevAttrComputeCapabilityMajor), n_sm = attribute(cudaDevAttrMultiProcessorCount);
    CHECK(cudaMemGetInfo(&available, &total));
    printf("compute capability\t%d.%d\t\n", major, attribute(cudaDevAttrComputeCapabilityMinor));
    printf("multiprocessors\t%d\t\n", n_sm);
    printf("memory, free\t%.1f\tGB of %.1f\n", 1e-9 * (double)available, 1e-9 * (double)total);
    CHECK(cudaMalloc(reinterpret_cast<void **>(&a), bytes));
    CHECK(cudaMalloc(reinterpret_cast<void **>(&b), bytes));
    timer_create(&t);
    const unsigned sum = measure_host(&t, a, bytes);
    copies(&t, b, a, bytes, cudaMemcpyDeviceToDevice);
    put(&t, "copy, bytes read and written", 2e-6 * (double)bytes, false, "GB/s");
    bad = measure_read(&t, a, bytes, n_sm, sum);
    measure_graph(&t, "node of a graph", false);
#ifdef __CUDACC__
    if (major >= 9)
        measure_graph(&t, "node of a graph, programmatic", true);
#endif
    CHECK(cudaFree(a));
    CHECK(cudaFree(b));
    return bad;
}
