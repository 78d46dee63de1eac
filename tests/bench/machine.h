/* machine.h - the cores that a kernel benchmark runs on, and their yardsticks. */
#ifndef MTB_BENCH_MACHINE_H
#define MTB_BENCH_MACHINE_H

#include "kernels/cpu/kernels.h"
#include "src/backend/pool.h"

struct machine {
    const struct cpu_kernels *k;
    struct pool *pool;
    int threads;
    atomic_int ticket;
    struct scratch all, own;        /* 'own' of one thread; theirs lie one behind the other */
    double fma, read;               /* GFLOP/s, GB/s of all threads */
};

/* isa NULL: the best one; threads 0: one per core of the affinity mask, pinned. Measures and prints the yardsticks. -1: no such thing. */
int machine_open(struct machine *m, const char *isa, int threads);
void machine_close(struct machine *m);
/* Scratch for kernels, until the program ends. */
void machine_scratch(struct machine *m, size_t all, size_t own);
struct share machine_share(struct machine *m, int t);
/* Shortest of some runs of work(arg, thread) on all threads, in seconds. */
double machine_best_of(struct machine *m, pool_work_f work, void *arg, int times);
/* Zeroed pages, huge ones where the system has them; ends the program if there are none. munmap() gives them back. */
void *machine_map(size_t bytes);

#endif
