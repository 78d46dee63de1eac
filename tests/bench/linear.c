/* linear.c - how fast the products run, beside what the machine can do.
 *
 *   linear [isa] [threads]
 *
 * The products of all layers of a 135M model (each layer has weights of its own, so that they stream as in a step) and of its head,
 * with 1, 8, 80 and 512 rows. GFLOP/s counts two operations per weight and row. */
#include "machine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { LAYERS = 30, MAX_ROWS = 512, MAX_K = 1536, MAX_N = 49152 };

static const struct shape {
    int n, k;
} layer_shape[] = {{960, 576}, {576, 576}, {3072, 576}, {576, 1536}}, head_shape[] = {{49152, 576}};

struct bench {
    struct machine m;
    struct linear_out out;
    int n_rows;
    float *x, *y;
};

static void product_work(void *arg, int t)
{
    struct bench *b = arg;
    b->m.k->linear(&(struct op_linear){ &b->out, 1, b->x, b->n_rows }, machine_share(&b->m, t));
}

/* Seconds for the products of these shapes, 'times' copies of each after another; best of some rounds. */
static double run(struct bench *b, enum dtype t, const struct shape *shape, int n_shapes, int times, char *packed, int rounds)
{
    double best = INFINITY;
    for (int round = 0; round < rounds; round++) {
        double sum = 0.0;
        char *at = packed;
        for (int i = 0; i < times * n_shapes; i++) {
            const struct shape *s = &shape[i % n_shapes];
            const struct linear w = { .dtype = t, .n = s->n, .k = s->k, .n_shards = 1, .packed = at };
            b->out = (struct linear_out){ .w = &w, .y = b->y, .ldy = s->n };
            sum += machine_best_of(&b->m, product_work, b, 1);
            at += b->m.k->linear_bytes(t, s->n, s->k);
        }
        best = fmin(best, sum);
    }
    return best;
}

static size_t weights_of(const struct shape *shape, int n_shapes)
{
    size_t n = 0;
    for (int i = 0; i < n_shapes; i++)
        n += (size_t)shape[i].n * (size_t)shape[i].k;
    return n;
}

static void measure(struct bench *b, enum dtype t)
{
    static const int rows[] = { 1, 8, 80, 512 };
    const size_t bytes = (weights_of(layer_shape, 4) * LAYERS + weights_of(head_shape, 1)) / (size_t)dtype_info[t].block *
                         (size_t)(dtype_info[t].block_bytes + (t == DT_F32 ? 0 : 8));
    char *packed = machine_map(bytes);
    memset(packed, 0x2c, bytes);               /* small normal numbers in every format */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        b->n_rows = rows[i];
        const double flop = 2.0 * rows[i] / 1e9, rounds = rows[i] < 80 ? 5 : 2;
        const double layers = flop * LAYERS * (double)weights_of(layer_shape, 4) / run(b, t, layer_shape, 4, LAYERS, packed, (int)rounds);
        const double head =
            rows[i] > 80 ? 0.0 : flop * (double)weights_of(head_shape, 1) / run(b, t, head_shape, 1, 1, packed, (int)rounds);
        printf("%-5s %3d rows   layers %5.0f GFLOP/s  %3.0f %% of fma", dtype_info[t].name, rows[i], layers, 100.0 * layers / b->m.fma);
        if (head > 0.0)
            printf("   head %5.0f GFLOP/s  %3.0f %%", head, 100.0 * head / b->m.fma);
        printf("\n");
    }
    munmap(packed, bytes);
}

int main(int argc, char **argv)
{
    static struct bench b;
    static const enum dtype types[] = { DT_F32, DT_F16, DT_BF16, DT_Q8_0, DT_Q4_0, DT_Q4_1, DT_Q5_0 };
    if (machine_open(&b.m, argc > 1 ? argv[1] : NULL, argc > 2 ? atoi(argv[2]) : 0) < 0) {
        fprintf(stderr, "usage: linear [avx512|avx2|plain] [threads]\n");
        return 1;
    }
    b.x = machine_map((size_t)MAX_ROWS * MAX_K * sizeof *b.x);
    b.y = machine_map((size_t)80 * MAX_N * sizeof *b.y);
    machine_scratch(&b.m, b.m.k->linear_scratch(MAX_ROWS, MAX_K), 1);
    for (int i = 0; i < MAX_ROWS * MAX_K; i++)
        b.x[i] = (float)(i % 1000) / 500.0f - 1.0f;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        measure(&b, types[i]);
    machine_close(&b.m);
    return 0;
}
