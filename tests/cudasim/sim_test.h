/* sim_test.h - for tests of the emulator: device memory by the CUDA runtime, and TAP. */
#ifndef MTB_CUDASIM_SIM_TEST_H
#define MTB_CUDASIM_SIM_TEST_H

#include "hooks.h"
#include "tests/tap.h"

#include <cuda_runtime_api.h>
#include <vector>

#define CUDA(call)                                                                                                                       \
    do {                                                                                                                                 \
        cudaError_t error_ = (call);                                                                                                     \
        if (error_)                                                                                                                      \
            ok(false, "%s: %s (%s:%d)", #call, cudaGetErrorName(error_), __FILE__, __LINE__);                                            \
    } while (0)

template <class T> static T *device(size_t n)
{
    void *p = nullptr;
    CUDA(cudaMalloc(&p, n * sizeof(T)));
    return static_cast<T *>(p);
}
template <class T> static void store(T *d, const std::vector<T> &v)
{
    CUDA(cudaMemcpy(d, v.data(), v.size() * sizeof(T), cudaMemcpyHostToDevice));
}
template <class T> static std::vector<T> fetch(const T *d, size_t n)
{
    std::vector<T> v(n);
    CUDA(cudaGetLastError());
    CUDA(cudaMemcpy(v.data(), d, n * sizeof(T), cudaMemcpyDeviceToHost));
    return v;
}

#endif
