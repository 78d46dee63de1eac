/* glu.c - silu_mul: against the book, and the same bits for every instruction set, thread count and split of rows. */
#include "kernels/ref/ref.h"
#include "shares.h"
#include "tap.h"

#include <math.h>

struct call {
    const struct cpu_kernels *k;
    struct op_silu_mul op;
};

static void work(void *arg, struct share s)
{
    const struct call *c = arg;
    c->k->silu_mul(&c->op, s);
}

static void check(int n_rows, int ff, float size)
{
    const size_t n = (size_t)n_rows * (size_t)ff, bytes = n * sizeof(float);
    float *gu = malloc(2 * bytes), *first = malloc(bytes), *h = malloc(bytes);
    double *ref = malloc(n * sizeof *ref), worst = 0.0;
    mix_fill(gu, 2 * n, size, 5);
    ref_silu_mul(ref, gu, n_rows, ff);
    const struct cpu_kernels *isa[MAX_ISA];
    const int n_isa = isa_list(isa);
    run_shares(1, work, &(struct call){ isa[0], { first, gu, n_rows, ff } });
    for (size_t i = 0; i < n; i++)
        worst = fmax(worst, fabs((double)first[i] - ref[i]) / (fabs(ref[i]) + 1e-30));
    ok(worst < 6e-7, "%d x %d, size %g: relative error %.1e", n_rows, ff, (double)size, worst);
    for (int k = 0; k < n_isa; k++)
        for (int threads = 1; threads <= 3; threads++) {
            memset(h, 0xff, bytes);
            run_shares(threads, work, &(struct call){ isa[k], { h, gu, n_rows, ff } });
            ok(!memcmp(h, first, bytes), "%d x %d: %s, %d threads: same bits", n_rows, ff, isa[k]->isa, threads);
        }
    memset(h, 0xff, bytes);
    for (int r = 0; r < n_rows; r++)
        run_shares(1, work, &(struct call){ isa[n_isa - 1], { h + r * ff, gu + r * 2 * ff, 1, ff } });
    ok(!memcmp(h, first, bytes), "%d x %d: row by row: same bits", n_rows, ff);
    free(gu), free(first), free(h), free(ref);
}

int main(void)
{
    check(80, 1536, 6.0f);
    check(3, 5632, 40.0f);
    check(2, 37, 1e-3f);
    const float odd[] = { -INFINITY, -1e30f, -200.0f, -0.0f, 1e30f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f };
    float h[5];
    run_shares(1, work, &(struct call){ &cpu_kernels_plain, { h, odd, 1, 5 } });
    ok(isnan(h[0]) && h[1] == 0.0f && h[2] == 0.0f && h[3] == 0.0f && h[4] == 1e30f,
       "silu(-1e30) = silu(-200) = silu(-0) = 0, silu(1e30) = 1e30");
    return done_testing();
}
