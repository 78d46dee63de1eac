/* norm.c - rmsnorm and add_rmsnorm: against the book, and the same bits for every instruction set, thread count and split of rows. */
#include "kernels/ref/ref.h"
#include "shares.h"
#include "tap.h"

#include <math.h>

struct call {
    const struct cpu_kernels *k;
    float *out, *x;
    const float *y, *bias, *weight;
    int n_rows, dim;
};

static const float EPS = 1e-5f;

static void work(void *arg, struct share s)
{
    const struct call *c = arg;
    if (c->y)
        c->k->add_rmsnorm(&(struct op_add_rmsnorm){ c->out, c->x, c->y, c->bias, c->weight, EPS, c->n_rows, c->dim }, s);
    else
        c->k->rmsnorm(&(struct op_rmsnorm){ c->out, c->x, c->weight, EPS, c->n_rows, c->dim }, s);
}

/* The bias is added to the sum, and both to x: two roundings, as a product with a bias would have made them. */
static void check_bias(const struct cpu_kernels **isa, int n_isa, const float *x, const float *y, const float *w, int n_rows, int dim)
{
    const size_t n = (size_t)n_rows * (size_t)dim, bytes = n * sizeof(float);
    float *with = malloc(bytes), *got = malloc(bytes), *a = malloc(bytes), *b = malloc(bytes);
    for (size_t i = 0; i < n; i++)
        with[i] = y[i] + w[i % (size_t)dim];
    for (int k = 0; k < n_isa; k++) {
        memcpy(a, x, bytes), memcpy(b, x, bytes);
        run_shares(2, work, &(struct call){ isa[k], with, a, with, NULL, w, n_rows, dim });
        run_shares(2, work, &(struct call){ isa[k], got, b, y, w, w, n_rows, dim });
        ok(!memcmp(with, got, bytes) && !memcmp(a, b, bytes), "%d x %d: %s: a bias behind the sum", n_rows, dim, isa[k]->isa);
        for (size_t i = 0; i < n; i++)
            with[i] = y[i] + w[i % (size_t)dim];
    }
    free(with), free(got), free(a), free(b);
}

static void check(int n_rows, int dim)
{
    const size_t n = (size_t)n_rows * (size_t)dim, bytes = n * sizeof(float);
    float *x = malloc(bytes), *y = malloc(bytes), *w = malloc((size_t)dim * sizeof *w), *sum = malloc(bytes);
    float *first = malloc(bytes), *out = malloc(bytes), *added = malloc(bytes);
    double *ref = malloc(n * sizeof *ref), worst = 0.0;
    mix_fill(x, n, 3.0f, 1);
    mix_fill(y, n, 1.0f, 2);
    mix_fill(w, (size_t)dim, 2.0f, 3);
    for (size_t i = 0; i < n; i++)
        sum[i] = x[i] + y[i];
    ref_rmsnorm(ref, sum, w, (double)EPS, n_rows, dim);

    const struct cpu_kernels *isa[MAX_ISA];
    const int n_isa = isa_list(isa);
    run_shares(1, work, &(struct call){ isa[0], first, sum, NULL, NULL, w, n_rows, dim });
    for (size_t i = 0; i < n; i++)
        worst = fmax(worst, fabs((double)first[i] - ref[i]) / (fabs(ref[i]) + 1e-6));
    ok(worst < 1e-6, "%d x %d: relative error %.1e", n_rows, dim, worst);
    for (int k = 0; k < n_isa; k++)
        for (int threads = 1; threads <= 3; threads++) {
            memcpy(added, x, bytes);
            memset(out, 0xff, bytes);
            run_shares(threads, work, &(struct call){ isa[k], out, added, y, NULL, w, n_rows, dim });
            ok(!memcmp(out, first, bytes) && !memcmp(added, sum, bytes), "%d x %d: %s, %d threads: same bits", n_rows, dim, isa[k]->isa,
               threads);
        }
    memset(out, 0xff, bytes);
    for (int r = n_rows - 1; r >= 0; r--)
        run_shares(1, work, &(struct call){ isa[n_isa - 1], out + r * dim, sum + r * dim, NULL, NULL, w, 1, dim });
    ok(!memcmp(out, first, bytes), "%d x %d: row by row: same bits", n_rows, dim);
    run_shares(1, work, &(struct call){ isa[n_isa - 1], sum, sum, NULL, NULL, w, n_rows, dim });
    ok(!memcmp(sum, first, bytes), "%d x %d: in place: same bits", n_rows, dim);
    check_bias(isa, n_isa, x, y, w, n_rows, dim);
    free(x), free(y), free(w), free(sum), free(first), free(out), free(added), free(ref);
}

int main(void)
{
    static const struct { int n_rows, dim; } table[] = { { 1, 16 }, { 5, 576 }, { 80, 64 }, { 3, 1 }, { 7, 37 }, { 2, 4096 } };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        check(table[i].n_rows, table[i].dim);
    return done_testing();
}
