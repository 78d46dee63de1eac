/* shuffle.c - the order that numpy.random.seed(0); numpy.random.shuffle() gives: MT19937 (Matsumoto, Nishimura 1998) with the classic
 * linear seeding, bounded numbers by masking and rejection. */
#include "mtbench/match.h"

#include <stdint.h>

enum { N = 624, M = 397 };

struct twister {
    uint32_t word[N];                    /* the state */
    int next;                            /* N: used up */
};

static void twister_seed(struct twister *t, uint32_t seed)
{
    t->word[0] = seed;
    for (int i = 1; i < N; i++)
        /* Init_genrand(): what numpy.random.seed(int) uses. */
        t->word[i] = 1812433253u * (t->word[i - 1] ^ t->word[i - 1] >> 30) + (uint32_t)i;
    t->next = N;                         /* the first draw refills */
}

static void refill(struct twister *t)
{
    for (int i = 0; i < N; i++) {
        uint32_t y = (t->word[i] & 0x80000000u) | (t->word[(i + 1) % N] & 0x7fffffffu);
        t->word[i] = t->word[(i + M) % N] ^ y >> 1 ^ (y & 1 ? 0x9908b0dfu : 0);
    }
    t->next = 0;
}

static uint32_t twister_next(struct twister *t)
{
    if (t->next == N)
        refill(t);
    uint32_t y = t->word[t->next++];
    y ^= y >> 11;                        /* tempering */
    y ^= y << 7 & 0x9d2c5680u;
    y ^= y << 15 & 0xefc60000u;
    return y ^ y >> 18;
}

/* A number of 0 .. most: words masked to the bits of 'most' until one fits. */
static uint32_t below(struct twister *t, uint32_t most)
{
    uint32_t mask = most, v;
    for (int shift = 1; shift < 32; shift *= 2)
        mask |= mask >> shift;           /* the smallest 2^k - 1 that is not less */
    /* Rejection, as numpy's legacy generator does it: a modulo would be another order, and FastChat's calls would come
     * in it no more. */
    while ((v = twister_next(t) & mask) > most)
        ;
    return v;
}

void shuffle_seed_0(int n, int *order)
{
    struct twister t;
    twister_seed(&t, 0);
    for (int i = 0; i < n; i++)
        order[i] = i;
    for (int i = n - 1; i > 0; i--) {    /* Fisher and Yates, from the end */
        int j = (int)below(&t, (uint32_t)i), swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
}
