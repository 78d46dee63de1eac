/* machine.c - threads, time and yardsticks for kernel benchmarks. */
#include "machine.h"

#include "peak.h"
#include "src/backend/isa.h"

#include "mtbench/clock.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { MAX_THREADS = 256, FMA_ROUNDS = 2000000 };
static const size_t READ_BYTES = (size_t)256 << 20;
static volatile float sink;

static const struct yardstick {
    const struct cpu_kernels *k;
    float (*fma)(long);
    float (*read)(const void *, size_t);
} yardstick_of[] = {
    { &cpu_kernels_avx512, peak_fma_avx512, peak_read_avx512 },
    { &cpu_kernels_avx2, peak_fma_avx2, peak_read_avx2 },
    { &cpu_kernels_plain, peak_fma_plain, peak_read_plain },
};

struct measurement {
    struct machine *m;
    const struct yardstick *y;
    char *data;
};

void *machine_map(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) {
        fprintf(stderr, "cannot map %.1f GB\n", (double)bytes / 1e9);
        exit(1);
    }
    madvise(p, bytes, MADV_HUGEPAGE);
    return p;
}

void machine_scratch(struct machine *m, size_t all, size_t own)
{
    m->all = (struct scratch){ machine_map(all), all };
    m->own = (struct scratch){ machine_map(own * (size_t)m->threads), own };
}

static void meet(void *pool)
{
    pool_barrier(pool);
}

struct share machine_share(struct machine *m, int t)
{
    return (struct share){
        .t = t, .n_threads = m->threads, .ticket = &m->ticket, .all = m->all,
        .own = { (char *)m->own.at + (size_t)t * m->own.bytes, m->own.bytes }, .meet = meet, .with = m->pool,
    };
}

double machine_best_of(struct machine *m, pool_work_f work, void *arg, int times)
{
    double best = INFINITY;
    for (int i = 0; i < times; i++) {
        atomic_store(&m->ticket, 0);
        const double t = clock_now();
        pool_run(m->pool, work, arg);
        best = fmin(best, clock_now() - t);
    }
    return best;
}

static void fma_work(void *arg, int t)
{
    (void)t;
    sink = ((struct measurement *)arg)->y->fma(FMA_ROUNDS);
}

static void read_work(void *arg, int t)
{
    struct measurement *w = arg;
    const size_t share = READ_BYTES / (size_t)w->m->threads / 8192 * 8192;
    sink = w->y->read(w->data + (size_t)t * share, share);
}

static void measure(struct machine *m, const struct yardstick *y)
{
    struct measurement w = { m, y, machine_map(READ_BYTES) };
    memset(w.data, 1, READ_BYTES);
    m->fma = (double)PEAK_FLOPS * FMA_ROUNDS * m->threads / machine_best_of(m, fma_work, &w, 5) / 1e9;
    m->read = (double)READ_BYTES / machine_best_of(m, read_work, &w, 8) / 1e9;
    munmap(w.data, READ_BYTES);
    printf("%s, %d threads: fma %.0f GFLOP/s, read %.1f GB/s\n", m->k->isa, m->threads, m->fma, m->read);
}

int machine_open(struct machine *m, const char *isa, int threads)
{
    const struct yardstick *y = NULL;
    cpu_set_t set;
    int cpu[MAX_THREADS], n = 0;
    sched_getaffinity(0, sizeof set, &set);
    for (int i = 0; i < CPU_SETSIZE && n < MAX_THREADS; i++)
        if (CPU_ISSET((size_t)i, &set))
            cpu[n++] = i;
    if (!isa)
        isa = isa_at(0)->isa;
    for (size_t i = 0; i < sizeof yardstick_of / sizeof *yardstick_of; i++)
        if (!strcmp(yardstick_of[i].k->isa, isa))
            y = &yardstick_of[i];
    *m = (struct machine){ .k = y ? y->k : NULL, .threads = threads > 0 ? threads : n };
    struct err err;
    if (!y || m->threads > n || !(m->pool = pool_create(m->threads, cpu, false, &err)))
        return -1;
    measure(m, y);
    return 0;
}

void machine_close(struct machine *m)
{
    pool_destroy(m->pool);
}
