/* nvml.c - the driver's management library, by its names alone. */
#include "mtbench/nvml.h"

#include "mtbench/mem.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

typedef int (*init_f)(void);
typedef int (*handle_f)(const char *bus, void **device);
typedef int (*energy_f)(void *device, unsigned long long *millijoules);
typedef const char *(*words_f)(int result);

struct nvml {
    void *device;                        /* the library's handle of the card; lives as long as the library is open */
    energy_f energy;
    words_f words;
    unsigned long long first;            /* millijoules when it was opened */
};

static int failed(const struct nvml *n, const char *what, int result, struct err *err)
{
    return err_set(err, ERR_DEVICE, "NVML: %s: %s", what, n->words ? n->words(result) : "failed");
}

static void *find(void *library, const char *name, struct err *err)
{
    void *f = dlsym(library, name);
    if (!f)
        err_set(err, ERR_DEVICE, "NVML: the library has no %s", name);
    return f;
}

/* The library stays open: it is opened once for each card, and the system counts. */
static int open_card(struct nvml *n, const char *bus, struct err *err)
{
    const char *named = getenv("MTBENCH_NVML"), *file = named && *named ? named : "libnvidia-ml.so.1";
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return err_set(err, ERR_DEVICE, "NVML: %s cannot be opened", file);
    init_f init = (init_f)find(library, "nvmlInit_v2", err);
    handle_f handle = (handle_f)find(library, "nvmlDeviceGetHandleByPciBusId_v2", err);
    n->energy = (energy_f)find(library, "nvmlDeviceGetTotalEnergyConsumption", err);
    n->words = (words_f)dlsym(library, "nvmlErrorString");
    if (!init || !handle || !n->energy)
        return -1;
    int result = init();                 /* counted by the library, too */
    if (result == 0)
        result = handle(bus, &n->device);
    if (result == 0)
        result = n->energy(n->device, &n->first);
    return result == 0 ? 0 : failed(n, bus, result, err);
}

struct nvml *nvml_open(const char *bus, struct err *err)
{
    struct nvml *n = xcalloc(1, sizeof *n);
    int rc = !*bus ? err_set(err, ERR_DEVICE, "NVML: the bus address of the GPU is unknown")
             : strchr(bus, ' ') ? err_set(err, ERR_DEVICE, "NVML: a slice of a GPU has no energy counter of its own")
             : open_card(n, bus, err);
    if (rc == 0)
        return n;
    free(n);
    return NULL;
}

int nvml_read(struct nvml *n, double *joules, struct err *err)
{
    unsigned long long now;
    const int result = n->energy(n->device, &now);
    if (result != 0)
        return failed(n, "energy", result, err);
    if (now < n->first)                  /* since the driver was loaded; it never wraps */
        return err_set(err, ERR_DEVICE, "NVML: the counter went back; the driver was loaded anew");
    *joules = (double)(now - n->first) / 1e3;
    return 0;
}

void nvml_close(struct nvml *n)
{
    free(n);
}
