/* cuda_devices.c - which GPUs there are, and why there are none. */
#include "cuda.h"
#include "visible.h"

#include <cuda_runtime_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OLDEST = 80 };                 /* compute capability times ten: bf16 products and cp.async begin there */

static int release_major(int version)
{
    return version / 1000;
}

static int release_minor(int version)
{
    return version % 1000 / 10;
}

/* 35: no driver, or one that is older than the runtime in this program. */
static void say_driver(struct err *why)
{
    int driver = 0, runtime = CUDART_VERSION;
    if (cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0)
        err_set(why, ERR_DEVICE, "no usable GPU: there is no NVIDIA driver here (libcuda.so.1); install one, or use --device cpu");
    else
        err_set(why, ERR_DEVICE, "no usable GPU: the driver knows CUDA %d.%d and this program needs %d.%d; update the driver, "
                "build with an older CUDA, or use --device cpu",
                release_major(driver), release_minor(driver), release_major(runtime), release_minor(runtime));
}

static void say_none(struct err *why)
{
    const char *listed = getenv("CUDA_VISIBLE_DEVICES");
    if (listed)
        err_set(why, ERR_DEVICE, "no usable GPU: CUDA_VISIBLE_DEVICES=%s names none of this machine's; unset it or list what "
                "nvidia-smi -L shows, or use --device cpu", listed);
    else
        err_set(why, ERR_DEVICE, "no usable GPU: the driver finds none in this machine; run where there is one, or use --device cpu");
}

static void say_error(struct err *why, cudaError_t e)
{
    if (e == cudaErrorInsufficientDriver)
        say_driver(why);
    else if (e == cudaErrorNoDevice || e == cudaErrorInvalidDevice)
        say_none(why);
    else if (e == cudaErrorStubLibrary)
        err_set(why, ERR_DEVICE, "no usable GPU: libcuda.so.1 is the CUDA toolkit's stub; take its stubs folder out of "
                "LD_LIBRARY_PATH, or use --device cpu");
    else
        err_set(why, ERR_DEVICE, "no usable GPU: %s (CUDA error %d); see what nvidia-smi says, or use --device cpu",
                cudaGetErrorString(e), (int)e);
}

/* All of them must do: a run that takes some of the listed GPUs is not the one that was asked for. */
static int check_device(int i, struct err *why)
{
    int major = 0, minor = 0;
    cudaError_t e = cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, i);
    if (e == cudaSuccess)
        e = cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, i);
    if (e != cudaSuccess) {
        say_error(why, e);
        return -1;
    }
    if (10 * major + minor < OLDEST)
        return err_set(why, ERR_DEVICE, "no usable GPU: number %d has compute capability %d.%d and the kernels need %d.%d (A100 and "
                       "later); leave it out of CUDA_VISIBLE_DEVICES, or use --device cpu", i, major, minor, OLDEST / 10, OLDEST % 10);
    return 0;
}

int cuda_devices(struct err *why)
{
    const char *text = getenv("CUDA_VISIBLE_DEVICES");
    int n = 0, listed = text ? visible_count(text, why) : -1;
    if (text && listed < 0) {
        err_wrap(why, "no usable GPU");
        return 0;
    }
    const cudaError_t e = cudaGetDeviceCount(&n);                                   /* leaves n alone where there is no driver */
    if (e != cudaSuccess || n <= 0) {
        say_error(why, e == cudaSuccess ? cudaErrorNoDevice : e);
        return 0;
    }
    if (listed > n) {
        err_set(why, ERR_DEVICE, "no usable GPU: CUDA_VISIBLE_DEVICES=%s names %d GPUs and the driver knows %d of them; list what "
                "nvidia-smi -L shows", text, listed, n);
        return 0;
    }
    for (int i = 0; i < n; i++)
        if (check_device(i, why) < 0)
            return 0;
    return n;
}

void cuda_device_id(int device, char id[64])
{
    const char *listed = getenv("CUDA_VISIBLE_DEVICES");
    /* A slice has the bus address of its card. A process sees one slice at most, and that by its name. */
    listed += listed ? strspn(listed, " \t") : 0;
    const bool slice = listed && !strncmp(listed, "MIG-", 4);
    char bus[16] = "";
    if (cudaDeviceGetPCIBusId(bus, sizeof bus, device) != cudaSuccess) {
        cudaGetLastError();                                                         /* or the next launch would be blamed for it */
        *bus = '\0';
    }
    snprintf(id, 64, "%s%s%s", bus, slice ? " " : "", slice ? listed : "");
}

bool cuda_reaches(int device, int other)
{
    int can = 0;
    if (cudaDeviceCanAccessPeer(&can, device, other) != cudaSuccess)
        cudaGetLastError();                                                         /* as above */
    return can;
}
