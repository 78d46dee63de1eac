/* lowrank.c - how long an adapter's change takes: a weight matrix of a 7B model, in place, in the pieces in which weights are loaded.
 *
 *   lowrank [isa] [threads]
 *
 * GFLOP/s counts two operations per weight and rank, and CPU seconds of a thread, which other work on the machine changes little; the last
 * column is what all matrices of a 7B model would take. */
#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { N = 4096, K = 11008, MAX_R = 256, PIECE = 16 << 20 };
static const double SEVEN = 6.48e9;           /* weights of the projections of Llama 7B */

struct bench {
    struct machine m;
    struct op_low_rank_add op;
};

static void work(void *arg, int t)
{
    struct bench *b = arg;
    b->m.k->low_rank_add(&b->op, machine_share(&b->m, t));
}

static void measure(struct bench *b, enum dtype t, int r, char *weights)
{
    const int size = dtype_info[t].block_bytes, rows = PIECE / (K * size);
    const clock_t begin = clock();
    b->op.dtype = b->op.from_dtype = t;
    b->op.r = r;
    for (int i = 0; i < N; i += rows) {
        b->op.n_rows = N - i < rows ? N - i : rows;
        b->op.rows = weights + (size_t)i * K * (size_t)size;
        b->op.from = b->op.rows;
        machine_best_of(&b->m, work, b, 1);
    }
    const double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC / b->m.threads;
    const double flop = 2.0 * r * N * K / 1e9;
    printf("%-5s r %3d   %6.1f ms   %5.0f GFLOP/s  %3.0f %% of fma   7B: %5.1f s\n", dtype_info[t].name, r, 1e3 * seconds, flop / seconds,
           100 * flop / seconds / b->m.fma, seconds * SEVEN / ((double)N * K));
}

int main(int argc, char **argv)
{
    static struct bench b;
    static int infinite;
    if (machine_open(&b.m, argc > 1 ? argv[1] : NULL, argc > 2 ? atoi(argv[2]) : 0) < 0) {
        fprintf(stderr, "usage: lowrank [avx512|avx2|plain] [threads]\n");
        return 1;
    }
    char *weights = machine_map((size_t)N * K * sizeof(float));
    float *factors = machine_map((size_t)MAX_R * (N + K) * sizeof *factors);
    for (int i = 0; i < MAX_R * (N + K); i++)
        factors[i] = (float)(i % 1000) / 1e6f;
    b.op = (struct op_low_rank_add){ .b = factors, .a = factors + MAX_R * N, .scale = 0.5f, .n_cols = K, .infinite = &infinite };
    static const enum dtype types[] = { DT_F32, DT_F16, DT_BF16 };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        for (int r = 8; r <= MAX_R; r *= r < 64 ? 8 : 4) {
            memset(weights, 0, (size_t)N * K * sizeof(float));
            measure(&b, types[i], r, weights);
        }
    machine_close(&b.m);
    return 0;
}
