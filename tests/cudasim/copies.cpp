/* copies.cpp - allocation and copying. What an asynchronous copy may do, it does: one from pinned memory reads it when it runs, one to
 * pinned memory leaves the fill byte there until then. Copies of pageable memory wait, as CUDA's do. */
#include "runtime.h"

#include <string.h>

/* ---- allocation ---- */

static bool fails_now()
{
    long *k = &cudasim()->fail_alloc;
    return *k > 0 && --*k == 0;
}

static long n_allocations;
long cudasim_allocations() { return turn(), n_allocations; }

static cudaError_t allocate(void **out, size_t bytes, bool pinned)
{
    n_allocations++;
    if (!out)
        return cudaErrorInvalidValue;
    *out = nullptr;
    if (sticky() || bytes == 0)
        return sticky();
    if (stream_captures())
        return cudaErrorStreamCaptureUnsupported;
    if (fails_now())
        return cudaErrorMemoryAllocation;
    *out = memory_alloc(bytes, pinned);
    return *out ? cudaSuccess : cudaErrorMemoryAllocation;
}

static cudaError_t release(void *p, bool pinned)
{
    if (!p)
        return cudaSuccess;
    if (stream_captures())
        return cudaErrorStreamCaptureUnsupported;
    cudaError_t e = stream_drain_all();          /* frees wait for the device */
    if (!memory_free(p, pinned))
        return cudaErrorInvalidValue;
    return e;
}

cudaError_t cudaMalloc(void **out, size_t bytes) { return turn(), note(allocate(out, bytes, false)); }
cudaError_t cudaFree(void *p) { return turn(), note(release(p, false)); }
cudaError_t cudaMallocHost(void **out, size_t bytes) { return turn(), note(allocate(out, bytes, true)); }
cudaError_t cudaFreeHost(void *p) { return turn(), note(release(p, true)); }
cudaError_t cudaHostAlloc(void **out, size_t bytes, unsigned flags)
{
    turn t;
    if (flags & ~static_cast<unsigned>(cudaHostAllocPortable))
        return note(cudaErrorNotSupported);
    return note(allocate(out, bytes, true));
}

cudaError_t cudaMemGetInfo(size_t *left, size_t *total)
{
    turn t;
    if (!left || !total)
        return note(cudaErrorInvalidValue);
    *left = memory_left();
    *total = cudasim()->device_bytes;
    return note(cudaSuccess);
}

/* ---- copying ---- */

static bool inside_device(const char *what, const void *p, size_t n)
{
    if (memory_holds(p, n, false))
        return true;
    report("%s: %zu bytes at %p are not inside one allocation of device memory: %s", what, n, p, memory_name(p));
    return false;
}

static uint64_t sum_of(const void *p, size_t n)
{
    uint64_t sum = n, w;
    const char *c = static_cast<const char *>(p);
    for (size_t i = 0; i < n; i += sizeof w) {
        w = 0;
        memcpy(&w, c + i, n - i < sizeof w ? n - i : sizeof w);
        sum = (sum ^ w) * 0x9e3779b97f4a7c15u;
        sum ^= sum >> 29;
    }
    return sum;
}

static cudaError_t to_device(void *to, const void *from, size_t n, cudaStream_t s)
{
    if (!inside_device("copy to the device", to, n))
        return cudaErrorInvalidValue;
    if (!memory_holds(from, n, true) && !s->into) {
        std::shared_ptr<std::vector<char>> staged(
            new std::vector<char>(static_cast<const char *>(from), static_cast<const char *>(from) + n));
        return stream_add(s, [to, staged, n] { return memcpy(to, staged->data(), n), shadow_state(to, n, SHADOW_SET), cudaSuccess; });
    }
    const bool once = !s->into;
    const uint64_t sum = once ? sum_of(from, n) : 0;
    return stream_add(s, [to, from, n, once, sum] {
        if (once && sum_of(from, n) != sum) {
            report("copy to the device: the %zu bytes at %p were changed before the copy had run", n, from);
            return cudaErrorLaunchFailure;
        }
        memcpy(to, from, n);
        shadow_state(to, n, SHADOW_SET);
        return cudaSuccess;
    });
}

static cudaError_t to_host(void *to, const void *from, size_t n, cudaStream_t s)
{
    if (!inside_device("copy from the device", from, n))
        return cudaErrorInvalidValue;
    const bool pinned = memory_holds(to, n, true);
    if (pinned && !s->into)
        memset(to, cudasim()->fill, n);
    cudaError_t e = stream_add(s, [to, from, n] { return memcpy(to, from, n), cudaSuccess; });
    return e || pinned || s->into ? e : stream_settle(s);
}

static cudaError_t on_device(void *to, const void *from, size_t n, cudaStream_t s)
{
    if (!inside_device("copy on the device", from, n) || !inside_device("copy on the device", to, n))
        return cudaErrorInvalidValue;
    return stream_add(s, [to, from, n] { return memmove(to, from, n), shadow_copy(to, from, n), cudaSuccess; });
}

static cudaError_t copy(void *to, const void *from, size_t n, cudaMemcpyKind kind, cudaStream_t s)
{
    const bool d = memory_is_device(to), f = memory_is_device(from);
    const cudaMemcpyKind is = d ? f ? cudaMemcpyDeviceToDevice : cudaMemcpyHostToDevice : f ? cudaMemcpyDeviceToHost : cudaMemcpyHostToHost;
    if (sticky())
        return sticky();
    if (!s)
        return cudaErrorInvalidResourceHandle;
    if (n == 0)
        return cudaSuccess;
    if (kind != cudaMemcpyDefault && kind != is) {
        report("copy of %zu bytes: to %s memory, from %s memory, which is another direction than what was asked for", n,
               d ? "device" : "host", f ? "device" : "host");
        return cudaErrorInvalidValue;
    }
    switch (is) {
    case cudaMemcpyHostToDevice: return to_device(to, from, n, s);
    case cudaMemcpyDeviceToHost: return to_host(to, from, n, s);
    case cudaMemcpyDeviceToDevice: return on_device(to, from, n, s);
    default: return stream_add(s, [to, from, n] { return memmove(to, from, n), cudaSuccess; });
    }
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t n, cudaMemcpyKind kind, cudaStream_t s)
{
    turn t;
    return note(copy(to, from, n, kind, stream_of(s)));
}

/* Row by row. */
cudaError_t cudaMemcpy2DAsync(void *to, size_t to_pitch, const void *from, size_t from_pitch, size_t width, size_t height,
                              cudaMemcpyKind kind, cudaStream_t s)
{
    turn t;
    cudaError_t e = width > to_pitch || width > from_pitch ? cudaErrorInvalidPitchValue : cudaSuccess;
    for (size_t i = 0; i < height && !e; i++)
        e = copy(static_cast<char *>(to) + i * to_pitch, static_cast<const char *>(from) + i * from_pitch, width, kind, stream_of(s));
    return note(e);
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t n, cudaMemcpyKind kind)
{
    turn t;
    if (stream_captures())
        return note(cudaErrorStreamCaptureUnsupported);
    cudaStream_t s = stream_of(nullptr);
    cudaError_t e = copy(to, from, n, kind, s);
    return note(e ? e : stream_settle(s));
}

cudaError_t cudaMemsetAsync(void *p, int value, size_t n, cudaStream_t s)
{
    turn t;
    s = stream_of(s);
    if (!s)
        return note(cudaErrorInvalidResourceHandle);
    if (n && !inside_device("cudaMemset", p, n))
        return note(cudaErrorInvalidValue);
    return note(stream_add(s, [p, value, n] { return memset(p, value, n), shadow_state(p, n, SHADOW_SET), cudaSuccess; }));
}
cudaError_t cudaMemset(void *p, int value, size_t n)
{
    turn t;
    if (stream_captures())
        return note(cudaErrorStreamCaptureUnsupported);
    return cudaMemsetAsync(p, value, n, nullptr);
}
