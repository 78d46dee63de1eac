/* shares.h - run kernels in tests: every instruction set of this machine, any number of threads. */
#ifndef MTB_SHARES_H
#define MTB_SHARES_H

#include "src/backend/isa.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ISA = 3, MAX_SHARES = 8 };

__attribute__((unused)) static int isa_list(const struct cpu_kernels *isa[MAX_ISA])
{
    int n = 0;
    while (isa_at(n))
        n++;
    for (int i = 0; i < n; i++)
        isa[i] = isa_at(n - 1 - i);      /* plain C first: it is what the others are compared with */
    return n;
}

typedef void (*share_f)(void *arg, struct share s);

struct share_call {
    share_f work;
    void *arg;
    struct share s;
};

static void share_meet(void *barrier)
{
    pthread_barrier_wait(barrier);
}

static void *share_main(void *arg)
{
    struct share_call *c = arg;
    c->work(c->arg, c->s);
    return NULL;
}

/* work(arg, share) for all shares of n threads at once, with 'all' bytes of scratch for the op and 'own' for each thread, full of NaN. */
__attribute__((unused)) static void run_shares_with(int n, size_t all, size_t own, share_f work, void *arg)
{
    atomic_int ticket = 0;
    pthread_barrier_t barrier;
    pthread_t thread[MAX_SHARES];
    struct share_call call[MAX_SHARES];
    struct share s = {
        .n_threads = n, .ticket = &ticket, .all = { NULL, all }, .own = { NULL, own }, .meet = share_meet, .with = &barrier,
    };
    pthread_barrier_init(&barrier, NULL, (unsigned)n);
    s.all.at = aligned_alloc(4096, (all + 4095) / 4096 * 4096);
    memset(s.all.at, 0xff, all);
    for (int t = 0; t < n; t++) {
        s.t = t;
        s.own.at = aligned_alloc(4096, (own + 4095) / 4096 * 4096);
        memset(s.own.at, 0xff, own);
        call[t] = (struct share_call){ work, arg, s };
        if (t > 0)
            pthread_create(&thread[t], NULL, share_main, &call[t]);
    }
    share_main(&call[0]);
    for (int t = 0; t < n; t++) {
        if (t > 0)
            pthread_join(thread[t], NULL);
        free(call[t].s.own.at);
    }
    free(s.all.at);
    pthread_barrier_destroy(&barrier);
}

__attribute__((unused)) static void run_shares(int n, share_f work, void *arg)
{
    run_shares_with(n, 0, 0, work, arg);
}

/* Reproducible numbers for tests: SplitMix64. */
__attribute__((unused)) static uint64_t mix_next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

/* In [-1, 1). */
__attribute__((unused)) static float mix_float(uint64_t *state)
{
    return (float)(mix_next(state) >> 40) * 0x1p-23f - 1.0f;
}

__attribute__((unused)) static void mix_fill(float *x, size_t n, float size, uint64_t seed)
{
    for (size_t i = 0; i < n; i++)
        x[i] = size * mix_float(&seed);
}

#endif
