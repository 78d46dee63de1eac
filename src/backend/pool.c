/* pool.c - the threads of a CPU backend.
 * A step is some three hundred short parallel regions, so a waiting thread first spins (about 50 us, the time of an op), then sleeps on
 * a futex. Where there are more ranks than cores a spinning thread would take the core from the one it waits for, so it yields. */
#include "pool.h"

#include "mtbench/mem.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SPINS = 2000, YIELDS = 50 };

struct worker {
    struct pool *pool;
    pthread_t thread;
    int t;
};

struct pool {
    int n, started;
    struct worker *worker;                             /* (n); 0 is the caller */
    pool_work_f work;
    void *arg;
    _Alignas(64) atomic_int region;                    /* number of the region that is on; workers wait for it to change */
    _Alignas(64) atomic_int sleepers;
    _Alignas(64) atomic_int running;                   /* workers that have not finished the region */
    _Alignas(64) atomic_int arrived;                   /* at the barrier */
    _Alignas(64) atomic_int passed;                    /* barriers so far */
    atomic_int quit;
};

static inline void relax(int i)
{
    if (i >= SPINS)
        sched_yield();
#if defined(__x86_64__)
    else
        __builtin_ia32_pause();
#endif
}

static int await_region(struct pool *p, int seen)
{
    int now;
    for (int i = 0; i < SPINS + YIELDS; i++) {
        if ((now = atomic_load_explicit(&p->region, memory_order_acquire)) != seen)
            return now;
        relax(i);
    }
    atomic_fetch_add(&p->sleepers, 1);
    while ((now = atomic_load(&p->region)) == seen)
        syscall(SYS_futex, &p->region, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
    atomic_fetch_sub(&p->sleepers, 1);
    return now;
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    struct pool *p = w->pool;
    int seen = 0;
    for (;;) {
        seen = await_region(p, seen);
        if (atomic_load(&p->quit))
            return NULL;
        p->work(p->arg, w->t);
        atomic_fetch_sub_explicit(&p->running, 1, memory_order_release);
    }
}

static void begin_region(struct pool *p)
{
    atomic_fetch_add(&p->region, 1);
    if (atomic_load(&p->sleepers))
        syscall(SYS_futex, &p->region, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static void pin(pthread_t thread, int cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    pthread_setaffinity_np(thread, sizeof set, &set); /* a refusal costs speed only */
}

struct pool *pool_create(int n, const int *cpu, struct err *err)
{
    struct pool *p = aligned_alloc(64, sizeof *p);
    if (!p) {
        err_set(err, ERR_MEMORY, "threads: no memory for the pool");
        return NULL;
    }
    memset(p, 0, sizeof *p);
    p->n = n;
    p->worker = xcalloc((size_t)n, sizeof *p->worker);
    if (cpu)
        pin(pthread_self(), cpu[0]);
    for (p->started = 1; p->started < n; p->started++) {
        struct worker *w = &p->worker[p->started];
        w->pool = p;
        w->t = p->started;
        if ((errno = pthread_create(&w->thread, NULL, worker_main, w)) != 0) {
            err_errno(err, "--threads %d: thread %d cannot be started", n, w->t);
            pool_destroy(p);
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
    begin_region(p);
    for (int i = 1; i < p->started; i++)
        pthread_join(p->worker[i].thread, NULL);
    free(p->worker);
    free(p);
}

int pool_size(const struct pool *p)
{
    return p->n;
}

void pool_run(struct pool *p, pool_work_f work, void *arg)
{
    if (p->n == 1) {
        work(arg, 0);
        return;
    }
    p->work = work;
    p->arg = arg;
    atomic_store_explicit(&p->running, p->n - 1, memory_order_relaxed);
    begin_region(p);
    work(arg, 0);
    for (int i = 0; atomic_load_explicit(&p->running, memory_order_acquire) != 0; i++)
        relax(i);
}

void pool_barrier(struct pool *p)
{
    if (p->n == 1)
        return;
    int now = atomic_load_explicit(&p->passed, memory_order_acquire);
    if (atomic_fetch_add(&p->arrived, 1) == p->n - 1) {
        atomic_store(&p->arrived, 0);
        atomic_fetch_add_explicit(&p->passed, 1, memory_order_release);
        return;
    }
    for (int i = 0; atomic_load_explicit(&p->passed, memory_order_acquire) == now; i++)
        relax(i);
}
