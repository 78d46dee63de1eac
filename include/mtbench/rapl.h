/* rapl.h - energy that the processor packages of this machine have taken, with their memory where it counts apart, as the kernel's powercap
 * folder tells it (room: base). Local. */
#ifndef MTB_RAPL_H
#define MTB_RAPL_H

#include "mtbench/err.h"

struct rapl;

#define RAPL_ROOT "/sys/class/powercap"

/* Counters of the packages (intel-rapl:N, which AMD's kernels have too) and of their DRAM; a platform's (psys) holds these once more and is
 * left out. NULL: err (device), there are none, or they may not be read. */
struct rapl *rapl_open(const char *root, struct err *err);
/* Joules since rapl_open(); counters wrap, and so must be looked at every few minutes. -1: err (device), it can't be told how much there
 * was since the last look: a counter may have wrapped unseen, or is gone. What comes later counts again. */
int rapl_read(struct rapl *r, double *joules, struct err *err);
/* NULL is fine. */
void rapl_close(struct rapl *r);

#endif
