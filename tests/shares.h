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

static void *share_main(void *arg)
{
    struct share_call *c = arg;
    c->work(c->arg, c->s);
    return NULL;
}

/* work(arg, share) for all shares of n threads at once. */
__attribute__((unused)) static void run_shares(int n, share_f work, void *arg)
{
    atomic_int ticket = 0;
    pthread_t thread[MAX_SHARES];
    struct share_call call[MAX_SHARES];
    for (int t = 1; t < n; t++) {
        call[t] = (struct share_call){ work, arg, { t, n, &ticket } };
        pthread_create(&thread[t], NULL, share_main, &call[t]);
    }
    work(arg, (struct share){ 0, n, &ticket });
    for (int t = 1; t < n; t++)
        pthread_join(thread[t], NULL);
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
