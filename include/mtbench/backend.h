/* backend.h - the executors that this build offers (room: backend). */
#ifndef MTB_BACKEND_H
#define MTB_BACKEND_H

#include "mtbench/ops.h"

struct cpu_opts {
    int threads;             /* 0: one per core of this process's affinity mask */
    const int *cpu;          /* (threads) where each thread is pinned; NULL: not pinned */
    bool crowded;            /* there are more threads than cores on this machine: waiting threads yield at once and soon sleep */
    const char *isa;         /* "avx512", "avx2", "plain"; NULL: MTBENCH_ISA from the environment, else the best this machine has */
    int max_rows;            /* most rows of a step; scratch is taken for them */
    int max_k;               /* widest input of a linear */
};

/* The CPU executor. NULL on error (err: usage for an unknown or missing instruction set, memory). Destroy with backend_cpu_destroy(). */
struct backend *backend_cpu_create(const struct cpu_opts *o, struct err *err);
void backend_cpu_destroy(struct backend *be);
extern const struct ops ops_cpu;

/* What was chosen: "avx512" and so on. */
const char *backend_cpu_isa(const struct backend *be);
int backend_cpu_threads(const struct backend *be);
/* Bytes of scratch memory, taken at creation. */
size_t backend_cpu_scratch(const struct backend *be);
/* Instruction sets that were compiled in and that this machine can run, best first, separated by blanks. */
const char *backend_cpu_isas(void);

#endif
