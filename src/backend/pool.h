/* pool.h - the threads of a CPU backend (room: backend). The caller is thread 0; the others wait, spinning a little, then asleep. */
#ifndef MTB_POOL_H
#define MTB_POOL_H

#include "mtbench/err.h"

#include <stdbool.h>

struct pool;

typedef void (*pool_work_f)(void *arg, int t);

/* 'n' threads in all; 'cpu' (n) pins thread i to core cpu[i], whoever calls pool_run() first too; NULL: not pinned. 'crowded': others need
 * the cores that these threads wait on. NULL: device error. */
struct pool *pool_create(int n, const int *cpu, bool crowded, struct err *err);
void pool_destroy(struct pool *p);
int pool_size(const struct pool *p);
/* Cores of this process's affinity mask. */
int pool_cores(void);
/* Run work(arg, t) on every thread t and return when all have returned. Only one caller at a time. */
void pool_run(struct pool *p, pool_work_f work, void *arg);
/* Inside work: wait until every thread has come here. */
void pool_barrier(struct pool *p);

#endif
