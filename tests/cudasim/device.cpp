/* device.cpp - what the emulated device is, and launches. */
#include "runtime.h"

#include <map>
#include <set>
#include <stdlib.h>
#include <string>
#include <string.h>

static std::map<const void *, int> opted_in;     /* dynamic shared memory that a kernel asked for beyond 48 KB */
static int current;

/* ---- the device ---- */

static const struct {
    int arch, shared, shared_sm, sms;
} kinds[] = { { 70, 96, 96, 80 },    { 75, 64, 64, 40 },     { 80, 163, 164, 108 }, { 86, 99, 100, 84 },    { 89, 99, 100, 142 },
              { 90, 227, 228, 132 }, { 100, 227, 228, 148 }, { 120, 99, 100, 170 } };

static int kind()
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (kinds[i].arch == cudasim()->arch)
            return static_cast<int>(i);
    fprintf(stderr, "cudasim: there is no sm_%d; tests/cudasim/device.cpp lists what there is\n", cudasim()->arch);
    abort();
}

/* The name of a card, as nvidia-smi -L has it, by which a list may name it too. */
static std::string name_of_card(int card)
{
    char text[64];
    snprintf(text, sizeof text, "GPU-00000000-0000-0000-0000-%012x", static_cast<unsigned>(card + 1));
    return text;
}

/* The card that a word of CUDA_VISIBLE_DEVICES means: a number, or the beginning of one card's name. A slice is of the card in its name.
 * -1: none. */
static int card_of(std::string word)
{
    int found = -1, n = 0;
    if (!word.empty() && word.find_first_not_of("0123456789") == std::string::npos)
        return word.size() < 9 && atoi(word.c_str()) < cudasim()->devices ? atoi(word.c_str()) : -1;
    if (word.compare(0, 4, "MIG-") == 0)
        word = word.substr(4, word.find('/') - 4);
    for (int i = 0; word.size() > 4 && i < cudasim()->devices; i++)
        if (name_of_card(i).compare(0, word.size(), word) == 0)
            found = i, n++;
    return n == 1 ? found : -1;
}

/* The cards that this process sees, in the order of its list: up to the first word that means none, and none at all where one comes twice.
 * Of slices a process sees one. */
static std::vector<int> cards()
{
    const char *list = getenv("CUDA_VISIBLE_DEVICES");
    std::vector<int> out;
    for (int i = 0; !list && i < cudasim()->devices; i++)
        out.push_back(i);
    for (const char *p = list; p && *p;) {
        const size_t n = strcspn(p, ",");
        std::string word(p, n);
        word.erase(0, word.find_first_not_of(" \t"));
        const int card = card_of(word.substr(0, word.find_last_not_of(" \t") + 1));
        if (card < 0)
            break;
        for (int seen : out)
            if (seen == card)
                return std::vector<int>();
        out.push_back(card);
        if (word.compare(0, 4, "MIG-") == 0)
            break;
        p += n + (p[n] == ',');
    }
    return out;
}

static int device_count() { return static_cast<int>(cards().size()); }

static int driver_version()
{
    return cudasim()->no_driver ? 0 : cudasim()->driver ? cudasim()->driver : CUDART_VERSION;
}

cudaError_t cudaGetDeviceCount(int *n)
{
    turn t;
    if (cudasim()->stub)
        return note(cudaErrorStubLibrary);
    if (driver_version() / 1000 < CUDART_VERSION / 1000)         /* releases of one major number get on with each other */
        return note(cudaErrorInsufficientDriver);
    *n = device_count();
    return note(*n ? cudaSuccess : cudaErrorNoDevice);
}
cudaError_t cudaSetDevice(int d)
{
    turn t;
    if (d < 0 || d >= device_count())
        return note(cudaErrorInvalidDevice);
    current = d;
    return note(cudaSuccess);
}
cudaError_t cudaGetDevice(int *d) { return turn(), *d = current, note(cudaSuccess); }
cudaError_t cudaDriverGetVersion(int *v) { return *v = driver_version(), cudaSuccess; }
cudaError_t cudaRuntimeGetVersion(int *v) { return *v = CUDART_VERSION, cudaSuccess; }

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *p, int device)
{
    turn t;
    if (!p || device < 0 || device >= device_count())
        return note(cudaErrorInvalidDevice);
    *p = cudaDeviceProp();
    snprintf(p->name, sizeof p->name, "emulated sm_%d", kinds[kind()].arch);
    const int card = cards()[static_cast<size_t>(device)];
    p->uuid.bytes[15] = static_cast<char>(card + 1);
    p->totalGlobalMem = cudasim()->device_bytes;
    p->sharedMemPerBlock = 48 << 10;
    p->sharedMemPerBlockOptin = static_cast<size_t>(kinds[kind()].shared) << 10;
    p->sharedMemPerMultiprocessor = static_cast<size_t>(kinds[kind()].shared_sm) << 10;
    p->regsPerBlock = p->regsPerMultiprocessor = 64 << 10;
    p->warpSize = WARP;
    p->maxThreadsPerBlock = MAX_THREADS;
    p->maxThreadsPerMultiProcessor = 2048;
    p->maxThreadsDim[0] = p->maxThreadsDim[1] = 1024, p->maxThreadsDim[2] = 64;
    p->maxGridSize[0] = 0x7fffffff, p->maxGridSize[1] = p->maxGridSize[2] = 65535;
    p->major = kinds[kind()].arch / 10, p->minor = kinds[kind()].arch % 10;
    p->multiProcessorCount = kinds[kind()].sms;
    p->pciBusID = card + 1;
    p->unifiedAddressing = p->concurrentKernels = p->asyncEngineCount = 1;
    return note(cudaSuccess);
}

cudaError_t cudaDeviceGetAttribute(int *v, cudaDeviceAttr a, int device)
{
    turn t;
    cudaDeviceProp p;
    cudaError_t e = cudaGetDeviceProperties(&p, device);
    if (e || !v)
        return note(e ? e : cudaErrorInvalidValue);
    switch (a) {
    case cudaDevAttrComputeCapabilityMajor: *v = p.major; break;
    case cudaDevAttrComputeCapabilityMinor: *v = p.minor; break;
    case cudaDevAttrMultiProcessorCount: *v = p.multiProcessorCount; break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin: *v = static_cast<int>(p.sharedMemPerBlockOptin); break;
    case cudaDevAttrMaxSharedMemoryPerBlock: *v = static_cast<int>(p.sharedMemPerBlock); break;
    case cudaDevAttrMaxThreadsPerBlock: *v = p.maxThreadsPerBlock; break;
    case cudaDevAttrWarpSize: *v = p.warpSize; break;
    case cudaDevAttrComputeMode: *v = cudaComputeModeDefault; break;
    case cudaDevAttrIntegrated: *v = 0; break;
    default: return note(cudaErrorNotSupported);
    }
    return note(cudaSuccess);
}

cudaError_t cudaDeviceGetPCIBusId(char *text, int n, int device)
{
    turn t;
    if (!text || device < 0 || device >= device_count())
        return note(cudaErrorInvalidDevice);
    snprintf(text, static_cast<size_t>(n), "0000:%02X:00.0", static_cast<unsigned>(cards()[static_cast<size_t>(device)] + 1));
    return note(cudaSuccess);
}

cudaError_t cudaDeviceCanAccessPeer(int *can, int device, int other)
{
    turn t;
    if (!can || device < 0 || device >= device_count() || other < 0 || other >= device_count())
        return note(can ? cudaErrorInvalidDevice : cudaErrorInvalidValue);
    *can = device != other && !cudasim()->no_peers;
    return note(cudaSuccess);
}

/* ---- errors ---- */

static const struct {
    cudaError_t e;
    const char *name, *text;
} errors[] = {
#define E(name, text) { name, #name, text }
    E(cudaSuccess, "no error"),
    E(cudaErrorInvalidValue, "invalid argument"),
    E(cudaErrorMemoryAllocation, "out of memory"),
    E(cudaErrorInvalidConfiguration, "invalid configuration argument"),
    E(cudaErrorStubLibrary, "CUDA driver is a stub library"),
    E(cudaErrorInsufficientDriver, "CUDA driver version is insufficient for CUDA runtime version"),
    E(cudaErrorNoDevice, "no CUDA-capable device is detected"),
    E(cudaErrorInvalidDevice, "invalid device ordinal"),
    E(cudaErrorInvalidResourceHandle, "invalid resource handle"),
    E(cudaErrorNotReady, "device not ready"),
    E(cudaErrorIllegalState, "the operation cannot be performed in the present state"),
    E(cudaErrorIllegalAddress, "an illegal memory access was encountered"),
    E(cudaErrorMisalignedAddress, "misaligned address"),
    E(cudaErrorLaunchTimeout, "the launch timed out and was terminated"),
    E(cudaErrorLaunchOutOfResources, "too many resources requested for launch"),
    E(cudaErrorNoKernelImageForDevice, "no kernel image is available for execution on the device"),
    E(cudaErrorLaunchFailure, "unspecified launch failure"),
    E(cudaErrorNotSupported, "operation not supported"),
    E(cudaErrorStreamCaptureUnsupported, "operation not permitted when stream is capturing"),
    E(cudaErrorStreamCaptureInvalidated, "operation failed due to a previous error during capture"),
    E(cudaErrorStreamCaptureMerge, "operation would result in a merge of separate capture sequences"),
    E(cudaErrorStreamCaptureUnmatched, "capture was not ended in the same stream as it began"),
    E(cudaErrorStreamCaptureUnjoined, "capturing stream has unjoined work"),
    E(cudaErrorStreamCaptureIsolation, "dependency created on uncaptured work in another stream"),
    E(cudaErrorCapturedEvent, "operation not permitted on an event last recorded in a capturing stream"),
    E(cudaErrorUnknown, "unknown error"),
#undef E
};
const char *cudaGetErrorName(cudaError_t e)
{
    for (auto &each : errors)
        if (each.e == e)
            return each.name;
    return "unrecognized error code";
}
const char *cudaGetErrorString(cudaError_t e)
{
    for (auto &each : errors)
        if (each.e == e)
            return each.text;
    return "unrecognized error code";
}

/* ---- launches ---- */

cudaError_t cudaFuncSetAttribute(const void *kernel, cudaFuncAttribute a, int v)
{
    turn t;
    if (a == cudaFuncAttributePreferredSharedMemoryCarveout)
        return note(cudaSuccess);
    if (a != cudaFuncAttributeMaxDynamicSharedMemorySize)
        return note(cudaErrorNotSupported);
    if (v < 0 || v > kinds[kind()].shared << 10)
        return note(cudaErrorInvalidValue);
    opted_in[kernel] = v;
    return note(cudaSuccess);
}

size_t shared_most(const sim_call *c)
{
    return static_cast<size_t>(opted_in.count(c->function) ? kinds[kind()].shared : 48) << 10;
}

static cudaError_t refuse(const sim_call *c)
{
    const uint64_t threads = static_cast<uint64_t>(c->block.x) * c->block.y * c->block.z;
    const int limit = opted_in.count(c->function) && opted_in[c->function] > 48 << 10 ? opted_in[c->function] : 48 << 10;
    if (!threads || threads > MAX_THREADS || c->block.z > 64)
        return cudaErrorInvalidConfiguration;
    if (!c->grid.x || !c->grid.y || !c->grid.z || c->grid.x > 0x7fffffff || c->grid.y > 65535 || c->grid.z > 65535)
        return cudaErrorInvalidConfiguration;
    if (cudasim()->no_image)
        return cudaErrorNoKernelImageForDevice;
    if (threads > static_cast<uint64_t>(launch_bound(c->function))) {
        report("%s: a block of %llu threads, where __launch_bounds__ allows %d", c->kernel, static_cast<unsigned long long>(threads),
               launch_bound(c->function));
        return cudaErrorLaunchOutOfResources;
    }
    return c->dyn_shared > static_cast<size_t>(limit) ? cudaErrorInvalidValue : cudaSuccess;
}

static bool its_turn(long *k) { return *k > 0 && --*k == 0; }

static cudaError_t launch(const sim_call *c)
{
    if (its_turn(&cudasim()->lose_device))
        return cudaErrorUnknown;
    if (its_turn(&cudasim()->fail_launch))
        return cudaErrorLaunchFailure;
    return grid_run(c);
}

/* Without the parentheses that K_LAUNCH is given; one string for each. */
static const char *name_of(const char *text)
{
    static std::set<std::string> names;
    std::string name = text;
    if (name.size() > 2 && name[0] == '(' && name[name.size() - 1] == ')')
        name = name.substr(1, name.size() - 2);
    return names.insert(name).first->c_str();
}

void sim_enqueue(sim_call *call, cudaStream_t stream)
{
    turn t;
    std::shared_ptr<sim_call> c(call);
    call->kernel = name_of(call->kernel);
    cudaStream_t s = stream_of(stream);
    cudaError_t e = s ? refuse(call) : cudaErrorInvalidResourceHandle;
    note(e ? e : stream_add(s, [c] { return launch(c.get()); }));
}

void cudasim_reset()
{
    turn t;
    streams_reset();
    memory_reset();
    report_forget();
    opted_in.clear();
    current = 0;
}

/* A kernel is whatever g++ compiled: there is code of it for any device, unless a test says otherwise. */
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes *is, const void *kernel)
{
    turn t;
    if (!is || !kernel)
        return note(cudaErrorInvalidValue);
    if (sticky())
        return note(sticky());
    if (cudasim()->no_image)
        return note(cudaErrorNoKernelImageForDevice);
    *is = {};
    is->maxThreadsPerBlock = launch_bound(kernel);
    return note(cudaSuccess);
}
