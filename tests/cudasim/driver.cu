/* driver.cu - the fake CUDA runtime: streams, events, graphs, copies and memory as the CUDA manual has them, and the bugs that host code
 * can have with them, each seen every time. */
#include "kernels/cuda/simt.h"

#include "sim_test.h"

#include <signal.h>
#include <string>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { N = 1024 };
__global__ void fill(float *o, float v) { o[blockIdx.x * blockDim.x + threadIdx.x] = v; }
__global__ void add(float *o, const float *x) { o[blockIdx.x * blockDim.x + threadIdx.x] += x[blockIdx.x * blockDim.x + threadIdx.x]; }
__global__ void big(float *o)
{
    K_DYN_SHARED(float, s);
    s[threadIdx.x] = 1;
    o[threadIdx.x] = s[threadIdx.x];
}

__global__ void __launch_bounds__(64) bounded(float *o) { o[threadIdx.x] = 1; }
template <int N> static __global__ void __launch_bounds__(32 * N, 2) bounded_by(float *o) { o[threadIdx.x] = 1; }
__global__ void both_kinds(float *o)
{
    K_SHARED(float, fixed, 8 << 10);
    K_DYN_SHARED(float, s);
    s[threadIdx.x] = fixed[threadIdx.x] = 1;
    o[threadIdx.x] = s[threadIdx.x] + fixed[threadIdx.x];
}

struct two_streams {
    cudaStream_t a, b;
    cudaEvent_t e;
    float *x, *y, *host;
    two_streams()
    {
        void *p;
        cudasim_reset();
        CUDA(cudaStreamCreateWithFlags(&a, cudaStreamNonBlocking));
        CUDA(cudaStreamCreateWithFlags(&b, cudaStreamNonBlocking));
        CUDA(cudaEventCreateWithFlags(&e, cudaEventDisableTiming));
        x = device<float>(N), y = device<float>(N);
        CUDA(cudaMallocHost(&p, N * sizeof(float)));
        host = static_cast<float *>(p);
        CUDA(cudaMemset(x, 0, N * sizeof(float)));
        CUDA(cudaMemset(y, 0, N * sizeof(float)));
        CUDA(cudaDeviceSynchronize());           /* these streams do not wait for the default stream */
    }
    ~two_streams() { cudaEventDestroy(e); }
};
static void fill_on(cudaStream_t s, float *p, float v) { K_LAUNCH((fill), N / 256, 256, 0, s, p, v); }
static void add_on(cudaStream_t s, float *p, const float *x) { K_LAUNCH((add), N / 256, 256, 0, s, p, x); }

/* ---- streams and events ---- */

static void test_order()
{
    two_streams t;
    fill_on(t.a, t.x, 3);
    CUDA(cudaEventRecord(t.e, t.a));
    fill_on(t.a, t.x, 5);                        /* after the event: the other stream may or may not see it, lazily it does not */
    CUDA(cudaStreamWaitEvent(t.b, t.e, 0));
    add_on(t.b, t.y, t.x);
    CUDA(cudaStreamSynchronize(t.b));
    CUDA(cudaMemcpyAsync(t.host, t.y, N * sizeof(float), cudaMemcpyDeviceToHost, t.b));
    CUDA(cudaStreamSynchronize(t.b));
    ok(t.host[0] == (cudasim()->eager ? 5 : 3) && t.host[N - 1] == t.host[0], "a stream waits for another's event");
    CUDA(cudaStreamSynchronize(t.a));
    ok(cudaEventQuery(t.e) == cudaSuccess, "the event has happened");
}

static void test_polling()
{
    two_streams t;
    int asked = 0;
    fill_on(t.a, t.x, 1);
    add_on(t.a, t.y, t.x);
    CUDA(cudaEventRecord(t.e, t.a));
    while (cudaEventQuery(t.e) == cudaErrorNotReady)
        asked++;
    ok(asked == (cudasim()->eager ? 0 : 3) && cudaStreamQuery(t.a) == cudaSuccess, "who polls gets there");
    ok(cudaGetLastError() == cudaSuccess, "not ready is no error");
}

static void test_default_stream()
{
    two_streams t;
    cudaStream_t blocking;
    CUDA(cudaStreamCreate(&blocking));
    fill_on(blocking, t.x, 7);
    add_on(nullptr, t.y, t.x);
    fill_on(blocking, t.x, 9);
    std::vector<float> y = fetch(t.y, N), x = fetch(t.x, N);
    ok(y[5] == 7 && x[5] == 9, "the default stream keeps its order with blocking streams");
}

static void test_elapsed()
{
    cudasim_reset();
    cudaEvent_t a, b;
    float *x = device<float>(N), ms = -1;
    CUDA(cudaEventCreate(&a));
    CUDA(cudaEventCreate(&b));
    CUDA(cudaEventRecord(a, nullptr));
    fill_on(nullptr, x, 1);
    CUDA(cudaEventRecord(b, nullptr));
    ok(cudasim()->eager || cudaEventElapsedTime(&ms, a, b) == cudaErrorNotReady, "no time before the event");
    CUDA(cudaEventSynchronize(b));
    ok(cudaEventElapsedTime(&ms, a, b) == cudaSuccess && ms > 0 && ms < 10000, "time between two events");
    cudaEventDestroy(a), cudaEventDestroy(b);
}

/* ---- forgotten waits: only lazy streams show them ---- */

static void test_forgotten_waits()
{
    {
        two_streams t;
        t.host[0] = 1;
        fill_on(t.a, t.x, 3);
        CUDA(cudaMemcpyAsync(t.host, t.x, N * sizeof(float), cudaMemcpyDeviceToHost, t.a));
        float early = t.host[0];
        CUDA(cudaStreamSynchronize(t.a));
        ok(early != 3 && early != 1 && t.host[0] == 3, "a result read before it is awaited is the fill byte");
    }
    {
        two_streams t;
        fill_on(t.a, t.x, 3);
        add_on(t.b, t.y, t.x);                   /* no event between them */
        CUDA(cudaStreamSynchronize(t.b));
        CUDA(cudaStreamSynchronize(t.a));
        ok(fetch(t.y, N)[0] != 3, "a stream that does not wait for another's event computes with what was there");
    }
    {
        two_streams t;
        t.host[9] = 1;
        CUDA(cudaMemcpyAsync(t.x, t.host, N * sizeof(float), cudaMemcpyHostToDevice, t.a));
        t.host[9] = 2;
        ok(cudaStreamSynchronize(t.a) == cudaErrorLaunchFailure && strstr(cudasim_last(), "changed before"),
           "a pinned buffer used again too early: %s", cudasim_last());
    }
    {
        two_streams t;
        std::vector<float> v(N, 4);
        CUDA(cudaMemcpyAsync(t.x, v.data(), N * sizeof(float), cudaMemcpyHostToDevice, t.a));
        v.assign(N, 5);
        CUDA(cudaStreamSynchronize(t.a));
        ok(fetch(t.x, N)[1] == 4, "pageable memory is staged at once");
    }
}

/* ---- memory ---- */

/* How a child that runs f ends: its signal. */
static int signal_of(void (*f)(float *), float *p)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        f(p);
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

static void test_memory()
{
    cudasim_reset();
    size_t before, left, total;
    CUDA(cudaMemGetInfo(&before, &total));
    float *p = device<float>(N);
    CUDA(cudaMemGetInfo(&left, &total));
    ok(total == cudasim()->device_bytes && before == total && left == total - N * sizeof(float), "free and total memory");
    ok(signal_of([](float *q) { *static_cast<volatile float *>(q) = 1; }, p) != 0, "the host cannot touch device memory");
    float host[4];
    ok(cudaMemcpy(host, p + N - 2, sizeof host, cudaMemcpyDeviceToHost) == cudaErrorInvalidValue && strstr(cudasim_last(), "not inside"),
       "a copy past the end: %s", cudasim_last());
    ok(cudaMemcpy(p, host, sizeof host, cudaMemcpyDeviceToHost) == cudaErrorInvalidValue, "a copy in the wrong direction");
    CUDA(cudaFree(p));
    ok(cudaFree(p) == cudaErrorInvalidValue && cudaMemset(p, 0, 4) == cudaErrorInvalidValue, "freed twice, used after it was freed");
    CUDA(cudaFree(nullptr));
    void *all;
    ok(cudaMalloc(&all, total + 1) == cudaErrorMemoryAllocation && !all, "more than there is");
    CUDA(cudaMalloc(&all, total / 2));
    CUDA(cudaFree(all));
    cudaGetLastError();
    ok(signal_of([](float *) {
           void *h;
           cudaMallocHost(&h, 4096);
           static_cast<volatile char *>(h)[4096] = 1;
       }, nullptr) != 0, "pinned memory ends where it ends");
}

/* ---- launches and errors ---- */

static void test_launches()
{
    cudasim_reset();
    float *p = device<float>(N);
    K_LAUNCH((fill), 0, 256, 0, nullptr, p, 1);
    ok(cudaPeekAtLastError() == cudaErrorInvalidConfiguration && cudaGetLastError() == cudaErrorInvalidConfiguration, "a grid of nothing");
    ok(cudaGetLastError() == cudaSuccess, "asked once, an error is gone");
    K_LAUNCH((fill), 1, 1025, 0, nullptr, p, 1);
    ok(cudaGetLastError() == cudaErrorInvalidConfiguration, "a block of 1025 threads");
    K_LAUNCH((fill), dim3(1, 65536), 1, 0, nullptr, p, 1);
    ok(cudaGetLastError() == cudaErrorInvalidConfiguration, "a grid of 65536 in y");
    K_LAUNCH((fill), dim3(1, 1, 65536), 1, 0, nullptr, p, 1);
    ok(cudaGetLastError() == cudaErrorInvalidConfiguration, "a grid of 65536 in z");
    K_LAUNCH((fill), 1, dim3(1, 1, 65), 0, nullptr, p, 1);
    ok(cudaGetLastError() == cudaErrorInvalidConfiguration, "a block of 65 in z");
    K_LAUNCH((big), 1, 32, 64 << 10, nullptr, p);
    ok(cudaGetLastError() == cudaErrorInvalidValue, "64 KB of shared memory that was not asked for");
    CUDA(cudaFuncSetAttribute(reinterpret_cast<const void *>(big), cudaFuncAttributeMaxDynamicSharedMemorySize, 64 << 10));
    K_LAUNCH((big), 1, 32, 64 << 10, nullptr, p);
    ok(cudaGetLastError() == cudaSuccess && fetch(p, 1)[0] == 1, "the same when it was");
    ok(cudaFuncSetAttribute(reinterpret_cast<const void *>(big), cudaFuncAttributeMaxDynamicSharedMemorySize, 240 << 10) ==
           cudaErrorInvalidValue,
       "more than an SM has");
    cudaGetLastError();
    K_LAUNCH((fill), 2, 1024, 0, nullptr, p, 1);
    ok(cudaDeviceSynchronize() == cudaErrorIllegalAddress, "past the end: %s", cudasim_last());
    ok(cudaGetLastError() == cudaErrorIllegalAddress && cudaMemset(p, 0, 4) == cudaErrorIllegalAddress, "such an error stays");
    cudasim_reset();
    CUDA(cudaDeviceSynchronize());
}

static void test_bounds()
{
    cudasim_reset();
    float *p = device<float>(N);
    cudaFuncAttributes is;
    K_LAUNCH((bounded), 1, 64, 0, nullptr, p);
    K_LAUNCH((bounded_by<3>), 1, 96, 0, nullptr, p);
    CUDA(cudaDeviceSynchronize());
    ok(cudaGetLastError() == cudaSuccess && !cudasim_reports(), "blocks as large as their bounds");
    K_LAUNCH((bounded), 1, 65, 0, nullptr, p);
    ok(cudaGetLastError() == cudaErrorLaunchOutOfResources && strstr(cudasim_last(), "bounded: a block of 65 threads"), "%s",
       cudasim_last());
    K_LAUNCH((bounded_by<3>), 1, dim3(49, 2), 0, nullptr, p);
    ok(cudaGetLastError() == cudaErrorLaunchOutOfResources && strstr(cudasim_last(), "98 threads, where __launch_bounds__ allows 96"), "%s",
       cudasim_last());
    CUDA(cudaFuncGetAttributes(&is, reinterpret_cast<const void *>(bounded_by<3>)));
    ok(is.maxThreadsPerBlock == 96, "its attributes say so");
    CUDA(cudaFuncGetAttributes(&is, reinterpret_cast<const void *>(fill)));
    ok(is.maxThreadsPerBlock == 1024, "and no bound is the device's");
    /* 32 KB by declaration and 32 KB by the launch: neither is too much */
    CUDA(cudaFuncSetAttribute(reinterpret_cast<const void *>(both_kinds), cudaFuncAttributeMaxDynamicSharedMemorySize, 32 << 10));
    K_LAUNCH((both_kinds), 1, 32, 32 << 10, nullptr, p);
    ok(cudaDeviceSynchronize() == cudaSuccess && !strstr(cudasim_last(), "shared memory"), "64 KB of both kinds that were asked for");
    cudasim_reset();
    p = device<float>(N);
    K_LAUNCH((both_kinds), 1, 32, 32 << 10, nullptr, p);
    ok(cudaDeviceSynchronize() != cudaSuccess && strstr(cudasim_last(), "65536 bytes, 32768 of them dynamic, where 49152 may be"), "%s",
       cudasim_last());
}

static void test_injected()
{
    cudasim_reset();
    cudasim()->fail_alloc = 2;
    void *a, *b;
    ok(cudaMalloc(&a, 4) == cudaSuccess && cudaMallocHost(&b, 4) == cudaErrorMemoryAllocation && cudaMallocHost(&b, 4) == cudaSuccess,
       "the second allocation fails, and no other");
    cudaGetLastError();
    float *p = device<float>(N);
    cudasim()->fail_launch = 2;
    fill_on(nullptr, p, 1);
    ok(cudaDeviceSynchronize() == cudaSuccess, "the first launch runs");
    fill_on(nullptr, p, 1);
    ok(cudaDeviceSynchronize() == cudaErrorLaunchFailure && cudaMalloc(&a, 4) == cudaErrorLaunchFailure, "the second fails for good");
    cudasim_reset();
    cudasim()->lose_device = 1;
    fill_on(nullptr, device<float>(N), 1);
    ok(cudaDeviceSynchronize() == cudaErrorUnknown, "the device is lost");
    cudasim_reset();
    cudasim()->no_driver = true;
    int n = -1;
    ok(cudaGetDeviceCount(&n) == cudaErrorInsufficientDriver && n == -1, "no driver");
    cudasim()->no_driver = false;
    cudasim()->driver = 12040;
    ok(cudaGetDeviceCount(&n) == cudaErrorInsufficientDriver && cudaDriverGetVersion(&n) == cudaSuccess && n == 12040, "an old driver");
    cudasim()->driver = 0;
    cudasim()->stub = true;
    ok(cudaGetDeviceCount(&n) == cudaErrorStubLibrary, "the toolkit's stub");
    cudasim()->stub = false;
    cudasim()->no_image = true;
    cudaFuncAttributes is;
    cudaGetLastError();
    fill_on(nullptr, device<float>(N), 1);
    ok(cudaGetLastError() == cudaErrorNoKernelImageForDevice &&
           cudaFuncGetAttributes(&is, reinterpret_cast<const void *>(fill)) == cudaErrorNoKernelImageForDevice,
       "no code for this device");
    cudasim()->no_image = false;
    cudaGetLastError();
    cudasim()->devices = 0;
    ok(cudaGetDeviceCount(&n) == cudaErrorNoDevice && n == 0, "no device");
    cudasim()->devices = 1;
    cudaGetLastError();
}

/* ---- graphs ---- */

static cudaGraphExec_t captured(two_streams &t, void (*work)(two_streams &), cudaError_t *e, size_t *nodes)
{
    cudaGraph_t g = nullptr;
    cudaGraphExec_t x = nullptr;
    CUDA(cudaStreamBeginCapture(t.a, cudaStreamCaptureModeThreadLocal));
    work(t);
    *e = cudaStreamEndCapture(t.a, &g);
    if (*e)
        return cudaGetLastError(), nullptr;
    CUDA(cudaGraphGetNodes(g, nullptr, nodes));
    CUDA(cudaGraphInstantiate(&x, g, 0));
    CUDA(cudaGraphDestroy(g));
    return x;
}

/* y += x (3), in two branches that meet again: the other stream waits for x. */
static void fork_and_join(two_streams &t)
{
    fill_on(t.a, t.x, 3);
    cudaEventRecord(t.e, t.a);
    cudaStreamWaitEvent(t.b, t.e, 0);
    add_on(t.b, t.y, t.x);
    cudaEventRecord(t.e, t.b);
    cudaStreamWaitEvent(t.a, t.e, 0);
    cudaMemcpyAsync(t.host, t.y, N * sizeof(float), cudaMemcpyDeviceToHost, t.a);
}

static void test_graphs()
{
    two_streams t;
    cudaError_t e;
    size_t n = 0;
    cudaGraphExec_t x = captured(t, fork_and_join, &e, &n);
    ok(!e && n == 3 && fetch(t.y, N)[0] == 0, "capture runs nothing and makes three nodes");
    for (int i = 0; i < 3; i++)
        CUDA(cudaGraphLaunch(x, t.b));
    CUDA(cudaStreamSynchronize(t.b));
    ok(t.host[0] == 9 && t.host[N - 1] == 9, "three replays");
    CUDA(cudaGraphExecDestroy(x));
}

static void test_misused_graphs()
{
    cudaError_t e;
    size_t n;
    {
        two_streams t;
        captured(t, [](two_streams &u) {
            fill_on(u.a, u.x, 3);
            ok(cudaStreamSynchronize(u.a) == cudaErrorStreamCaptureUnsupported, "no waiting inside a capture");
        }, &e, &n);
        ok(e == cudaErrorStreamCaptureInvalidated, "and the capture is spoilt");
    }
    {
        two_streams t;
        cudaGraphExecDestroy(captured(t, [](two_streams &) {
            void *p;
            ok(cudaMalloc(&p, 4) == cudaErrorStreamCaptureUnsupported, "no allocation inside a capture");
        }, &e, &n));
    }
    {
        two_streams t;
        captured(t, [](two_streams &u) {
            fill_on(u.a, u.x, 3);
            cudaEventRecord(u.e, u.a);
            cudaStreamWaitEvent(u.b, u.e, 0);
            add_on(u.b, u.y, u.x);
        }, &e, &n);
        ok(e == cudaErrorStreamCaptureUnjoined, "a branch that does not come back");
    }
    {
        two_streams t;
        CUDA(cudaEventRecord(t.e, t.b));
        captured(t, [](two_streams &u) {
            ok(cudaStreamWaitEvent(u.a, u.e, 0) == cudaErrorStreamCaptureIsolation, "no waiting for what is outside of the capture");
        }, &e, &n);
    }
    {
        two_streams t;
        cudaGraphExec_t x = captured(t, [](two_streams &u) { fill_on(u.a, u.y, 3); }, &e, &n);
        CUDA(cudaFree(t.y));
        CUDA(cudaGraphLaunch(x, t.a));
        ok(cudaStreamSynchronize(t.a) == cudaErrorIllegalAddress, "a graph whose memory was freed: %s", cudasim_last());
        cudaGraphExecDestroy(x);
    }
}

/* Two branches of which one needs the other's result, and does not wait for it. */
static void test_missing_edge()
{
    cudaError_t e;
    size_t n;
    two_streams t;
    cudaGraphExec_t x = captured(t, [](two_streams &u) {
        cudaEventRecord(u.e, u.a);
        cudaStreamWaitEvent(u.b, u.e, 0);
        fill_on(u.a, u.x, 3);
        add_on(u.b, u.y, u.x);
        cudaEventRecord(u.e, u.b);
        cudaStreamWaitEvent(u.a, u.e, 0);
    }, &e, &n);
    CUDA(cudaGraphLaunch(x, t.a));
    CUDA(cudaStreamSynchronize(t.a));
    float got = fetch(t.y, N)[0];
    ok(got == 0, "an edge that is missing shows in the reverse order");
    cudaGraphExecDestroy(x);
}

int main()
{
    cudasim()->quiet = true;
    for (int eager = 0; eager < 2; eager++)
        for (int order = 0; order < 3; order++) {
            cudasim()->eager = eager != 0;
            cudasim()->order = static_cast<enum cudasim_order>(order);
            test_order();
            test_polling();
            test_default_stream();
            test_elapsed();
            test_graphs();
            if (!eager)
                test_forgotten_waits();
            if (order == CUDASIM_REVERSE)
                test_missing_edge();
        }
    cudasim()->eager = false;
    test_memory();
    test_launches();
    test_bounds();
    test_injected();
    test_misused_graphs();
    cudasim_reset();
    return done_testing();
}
