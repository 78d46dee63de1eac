/* pool.c - the threads of a CPU backend.
 * A step is some three hundred short parallel regions, so a waiting thread first spins (about 50 us, the time of an op), then yields, then
 * sleeps on a futex. Where there are more threads than cores, one that spins takes the core from the one it waits for: there it yields at
 * once and soon sleeps. */
#include "pool.h"

#include "gate.h"

#include "mtbench/mem.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Between regions the caller may do something long; within one all are at it, and come within the time that waking up would take. Crowded:
 * whoever spins takes the core from the one it waits for. */
static const struct patience between = {2000, 50}, within = {2000, INT_MAX - 2000}, crowded_between = {0, 5}, crowded_within = {0, 50};

struct worker {
    struct pool *pool;
    pthread_t thread;
    int t;
};

struct pool {
    int n, started;
    struct worker *worker;                             /* (n); 0 is the caller */
    int caller_cpu;                                    /* where the caller is to be pinned when it first comes; -1: nowhere, or it is */
    pool_work_f work;
    void *arg;
    struct patience between, within;
    struct gate region;                                /* number of the region that is on */
    struct gate running;                               /* workers that have not finished the region */
    struct gate passed;                                /* barriers so far */
    /* back to 0 before the gate opens, so the next barrier may begin at once */
    _Alignas(64) atomic_int arrived;                   /* at the barrier */
    atomic_int quit;
};

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    struct pool *p = w->pool;
    int seen = 0;
    for (;;) {
        seen = gate_await(&p->region, seen, p->between); /* numbers, not a flag: a slow thread cannot miss a region */
        if (atomic_load(&p->quit))                                                  /* set before the gate was opened for the last time */
            return NULL;
        p->work(p->arg, w->t); /* written before the region's number, which was read with acquire */
        gate_add(&p->running, -1);
    }
}

static void pin(pthread_t thread, int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    pthread_setaffinity_np(thread, sizeof set, &set); /* a refusal costs speed only */
}

struct pool *pool_create(int n, const int *cpu, bool crowded, struct err *err)
{
    struct pool *p = aligned_alloc(64, sizeof *p);
    if (!p) {
        err_set(err, ERR_MEMORY, "threads: no memory for the pool");
        return NULL;
    }
    memset(p, 0, sizeof *p);
    p->n = n;
    p->between = crowded ? crowded_between : between;
    p->within = crowded ? crowded_within : within;
    p->worker = xcalloc((size_t)n, sizeof *p->worker);                              /* before any thread: pool_destroy() walks over it */
    p->caller_cpu = cpu ? cpu[0] : -1;
    for (p->started = 1; p->started < n; p->started++) {
        struct worker *w = &p->worker[p->started];
        w->pool = p;
        w->t = p->started;
        if ((errno = pthread_create(&w->thread, NULL, worker_main, w)) != 0) {
            err_errno(err, "--threads %d: thread %d cannot be started", n, w->t);
            pool_destroy(p);                                                        /* ends those that were started */
            return NULL;
        }
        if (cpu)
            pin(w->thread, cpu[w->t]);
    }
    return p;
}

void pool_destroy(struct pool *p)
{
    if (!p)
        return;
    atomic_store(&p->quit, 1);
    gate_add(&p->region, 1);
    for (int i = 1; i < p->started; i++)
        pthread_join(p->worker[i].thread, NULL);
    free(p->worker);
    free(p);
}

int pool_size(const struct pool *p)
{
    return p->n;
}

int pool_cores(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

void pool_run(struct pool *p, pool_work_f work, void *arg)
{
    if (p->caller_cpu >= 0) {             /* whoever made the pool need not be who uses it */
        pin(pthread_self(), p->caller_cpu);
        p->caller_cpu = -1;
    }
    if (p->n == 1) {
        work(arg, 0);
        return;
    }
    p->work = work;
    p->arg = arg;
    atomic_store_explicit(&p->running.value, p->n - 1, memory_order_relaxed);       /* published by the region's number */
    gate_add(&p->region, 1);
    work(arg, 0);
    /* acquire: what the workers wrote is seen behind pool_run() */
    for (int left = atomic_load_explicit(&p->running.value, memory_order_acquire); left;)
        left = gate_await(&p->running, left, p->within);
}

void pool_barrier(struct pool *p)
{
    if (p->n == 1)
        return;
    int now = atomic_load_explicit(&p->passed.value, memory_order_acquire);         /* before arriving: nobody can open it in between */
    if (atomic_fetch_add(&p->arrived, 1) == p->n - 1) {
        atomic_store(&p->arrived, 0);
        gate_add(&p->passed, 1);
        return;
    }
    gate_await(&p->passed, now, p->within);
}
