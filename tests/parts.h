/* parts.h - what members of a tensor group have, and what its sum must be, for tests of groups of threads and of ranks. */
#ifndef MTB_TEST_PARTS_H
#define MTB_TEST_PARTS_H

#include "mtbench/comm.h"

#include <stdint.h>
#include <string.h>

/* Numbers that lose bits in any other order than the tree's. */
static inline float part_of(int rank, int i)
{
    uint32_t x = (uint32_t)(rank * 7919 + i) * 2654435761u;
    x ^= x >> 15;
    return (float)(x % 20011) * (i % 3 ? 1.0e-3f : 1.0e4f) * (x & 1 ? 1 : -1);
}

static inline float tree_of(int size, int i)
{
    float v[COMM_MAX];
    for (int r = 0; r < size; r++)
        v[r] = part_of(r, i);
    for (int d = 1; d < size; d *= 2)
        for (int r = 0; r < size; r += 2 * d)
            v[r] += v[r + d];
    return v[0];
}

/* One sum of (n_rows, dim), in which 'stopper' wants to stop. Returns how much is wrong. */
static inline int check_sum(struct comm *c, float *x, int n_rows, int dim, int seed, int stopper)
{
    bool stop = c->rank == stopper;
    int wrong = 0;
    for (int i = 0; i < n_rows * dim; i++)
        x[i] = part_of(c->rank, i + seed);
    wrong += !comm_sum(c, x, n_rows, dim, &stop) || stop != (stopper >= 0);
    for (int i = 0; i < n_rows * dim; i++) {
        const float want = tree_of(c->size, i + seed);
        wrong += memcmp(&want, &x[i], sizeof want) != 0;
    }
    return wrong;
}

/* Columns of which some members have 5, some 32, and some none. 'x': room for 9 rows of all. */
static inline int check_columns(struct comm *c, float *x)
{
    int first[COMM_MAX + 1] = { 0 }, wrong = 0;
    for (int r = 1; r <= c->size; r++)
        first[r] = first[r - 1] + (r % 3 == 1 ? 32 : r % 3 == 2 ? 0 : 5);
    const int width = first[c->rank + 1] - first[c->rank], ld = c->rank == 0 ? first[c->size] : width;
    for (int n_rows = 1; n_rows <= 9; n_rows++) {
        for (int i = 0; i < n_rows; i++)
            for (int j = 0; j < width; j++)
                x[i * ld + j] = (float)(i * 1000 + first[c->rank] + j);
        wrong += !comm_gather(c, x, n_rows, first);
        for (int i = 0; c->rank == 0 && i < n_rows; i++)
            for (int j = 0; j < first[c->size]; j++)
                wrong += x[i * ld + j] != (float)(i * 1000 + j);
    }
    return wrong;
}

/* 200 messages of all lengths, with sums between them. */
static inline int check_messages(struct comm *c)
{
    struct buf b = { 0 };
    float x[2];
    int wrong = 0;
    for (int i = 1; i <= 200; i++) {
        const size_t n = (size_t)i * (i % 10 ? 1 : 1000);       /* some are sent by rendezvous */
        char *text = buf_reserve(&b, n);
        memset(text, 'a' + i % 26, n);
        struct buf got = { 0 };
        if (c->rank == 0)
            wrong += !comm_tell(c, text, n);
        else
            wrong += comm_hear(c, &got, true) != 1 || got.len != n || memcmp(got.data, text, n);
        buf_free(&got);
        if (i % 50 == 0)
            wrong += check_sum(c, x, 1, 2, i, -1);
    }
    buf_free(&b);
    return wrong;
}

#endif
