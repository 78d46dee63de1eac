/* nvml_stub.c - a management library for tests, opened by MTBENCH_NVML: its one card is at NVML_STUB_BUS and its counter, in millijoules,
 * is what the file NVML_STUB_ENERGY holds; a negative number there is a card without a counter. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int nvmlInit_v2(void);
int nvmlDeviceGetHandleByPciBusId_v2(const char *bus, void **device);
int nvmlDeviceGetTotalEnergyConsumption(void *device, unsigned long long *millijoules);
const char *nvmlErrorString(int result);

enum { SUCCESS, NOT_SUPPORTED = 3, NOT_FOUND = 6 };      /* as the real one numbers them */

int nvmlInit_v2(void)
{
    return SUCCESS;
}

int nvmlDeviceGetHandleByPciBusId_v2(const char *bus, void **device)
{
    static int card;
    const char *mine = getenv("NVML_STUB_BUS");
    *device = &card;
    return mine && !strcmp(bus, mine) ? SUCCESS : NOT_FOUND;
}

int nvmlDeviceGetTotalEnergyConsumption(void *device, unsigned long long *millijoules)
{
    long long value = -1;
    FILE *f = getenv("NVML_STUB_ENERGY") ? fopen(getenv("NVML_STUB_ENERGY"), "r") : NULL;
    (void)device;
    if (f && fscanf(f, "%lld", &value) != 1)
        value = -1;
    if (f)
        fclose(f);
    *millijoules = (unsigned long long)value;
    return value < 0 ? NOT_SUPPORTED : SUCCESS;
}

const char *nvmlErrorString(int result)
{
    return result == NOT_SUPPORTED ? "Not Supported" : result == NOT_FOUND ? "Not Found" : "Unknown Error";
}
