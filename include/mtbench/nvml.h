/* nvml.h - energy that a GPU has taken, as its driver's management library tells it, which is opened when somebody asks (room: backend).
 * Local. No build needs a file of it. */
#ifndef MTB_NVML_H
#define MTB_NVML_H

#include "mtbench/err.h"

struct nvml;

/* The card with this bus address ("0000:3B:00.0"), as executor.device_id() has it. MTBENCH_NVML=FILE names another library than the
 * driver's. NULL: err (device): no library, no such card, a slice of one, or a card without a counter. */
struct nvml *nvml_open(const char *bus, struct err *err);
/* Joules since nvml_open(). The counter moves every 20 to 100 ms. -1: err (device). */
int nvml_read(struct nvml *n, double *joules, struct err *err);
/* NULL is fine. */
void nvml_close(struct nvml *n);

#endif
