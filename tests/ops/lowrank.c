/* lowrank.c - low_rank_add: against the book and its rounding, and the same bits for every instruction set, thread count and cut of the
 * rows. */
#include "kernels/ref/ref.h"
#include "shares.h"
#include "tap.h"

#include <math.h>

struct call {
    const struct cpu_kernels *k;
    struct op_low_rank_add op;
};

static void work(void *arg, struct share s)
{
    const struct call *c = arg;
    c->k->low_rank_add(&c->op, s);
}

static const char *const word[] = { [DT_F32] = "F32", [DT_F16] = "F16", [DT_BF16] = "BF16" };

static size_t size_of(enum dtype t)
{
    return t == DT_F32 ? 4 : 2;
}

static float bf16(float x) /* the nearest, by arithmetic: 8 bits of a fraction */
{
    int e;
    const float m = frexpf(x, &e);
    return (float)ldexp(nearbyint(ldexp((double)m, 8)), e - 8);
}

static void put(enum dtype t, void *to, size_t i, float x)
{
    const uint16_t half = ref_half_from_float(x);
    const float rounded = bf16(x);
    uint32_t bits;
    memcpy(&bits, &rounded, 4);
    const uint16_t high = (uint16_t)(bits >> 16);
    if (t == DT_F32)
        memcpy((char *)to + 4 * i, &x, 4);
    else
        memcpy((char *)to + 2 * i, t == DT_F16 ? &half : &high, 2);
}

static float get(enum dtype t, const void *from, size_t i)
{
    float x;
    ref_dequant(t, (const char *)from + i * size_of(t), 1, &x);
    return x;
}

/* Panels of 16 columns. */
static void to_panels(float *to, const float *a, int r, int n_cols)
{
    for (int k = 0; k < r; k++)
        for (int j = 0; j < n_cols; j++)
            to[(j / 16 * r + k) * 16 + j % 16] = a[k * n_cols + j];
}

static void check(enum dtype from_type, enum dtype type, int n_rows, int n_cols, int r)
{
    const size_t n = (size_t)n_rows * (size_t)n_cols, wide = (size_t)((n_cols + 15) / 16 * 16);
    const float scale = 0.75f;
    float *w = malloc(4 * n), *b = malloc(4 * (size_t)(n_rows * r + 1)), *a = malloc(4 * (size_t)(n_cols * r + 1));
    float *panels = calloc(wide * (size_t)r + 1, 4);
    void *from = malloc(4 * n), *first = malloc(4 * n), *rows = malloc(4 * n);
    double *ref = malloc(n * sizeof *ref), worst = 0;
    int infinite = 0;
    mix_fill(w, n, 1.0f, 3), mix_fill(b, (size_t)(n_rows * r), 1.0f, 4), mix_fill(a, (size_t)(n_cols * r), 1.0f, 5);
    for (size_t i = 0; i < n; i++) {
        put(from_type, from, i, w[i]);
        w[i] = get(from_type, from, i);
    }
    to_panels(panels, a, r, n_cols);
    ref_low_rank_add(ref, w, b, a, (double)scale, n_rows, n_cols, r);
    const struct cpu_kernels *isa[MAX_ISA];
    const int n_isa = isa_list(isa);
    struct call c = { isa[0], { first, from, type, from_type, b, panels, scale, n_rows, n_cols, r, &infinite } };
    run_shares(1, work, &c);
    const double unit = type == DT_F32 ? 0 : type == DT_F16 ? 0x1p-11 : 0x1p-8;         /* half a last place, relatively */
    for (size_t i = 0; i < n; i++)
        worst = fmax(worst, fabs((double)get(type, first, i) - ref[i]) - unit * fabs(ref[i]) - (type == DT_F16 ? 0x1p-25 : 0));
    ok(worst < 1e-7 * (r + 1) && !infinite, "%s to %s, %d x %d, r %d: off by %.1e beyond the rounding", word[from_type], word[type], n_rows,
       n_cols, r, worst);
    for (int k = 0; k < n_isa; k++)
        for (int threads = 1; threads <= 3; threads++) {
            memset(rows, 0xff, n * size_of(type));
            c.k = isa[k], c.op.rows = rows;
            run_shares(threads, work, &c);
            ok(!memcmp(rows, first, n * size_of(type)), "%s, %d threads: same bits", isa[k]->isa, threads);
        }
    if (type == from_type) {             /* where they are, and row by row */
        memcpy(rows, from, n * size_of(type));
        for (int i = 0; i < n_rows; i++) {
            c.op.rows = (char *)rows + (size_t)(i * n_cols) * size_of(type);
            c.op.from = c.op.rows, c.op.b = b + i * r, c.op.n_rows = 1;
            run_shares(1, work, &c);
        }
        ok(!memcmp(rows, first, n * size_of(type)), "in place, row by row: same bits");
    }
    free(w), free(b), free(a), free(panels), free(from), free(first), free(rows), free(ref);
}

/* The order of the sum, in numbers that tell it: 1 + 2^-24 + 2^-24 is 1 from the left, and more than 1 from the right. */
static void check_order(void)
{
    const float b[] = { 1.0f, 0x1p-24f, 0x1p-24f };
    float panels[3 * 16], w[16] = { 0 };
    int infinite = 0;
    for (int i = 0; i < 3 * 16; i++)
        panels[i] = 1.0f;
    struct call c = { &cpu_kernels_plain, { w, w, DT_F32, DT_F32, b, panels, 1.0f, 1, 16, 3, &infinite } };
    run_shares(1, work, &c);
    ok(w[0] == 1.0f, "k ascending: %a", (double)w[0]);
}

/* Rounding at ties, and where a type ends. */
static void check_ends(void)
{
    static const struct { enum dtype type; float x, want; int infinite; } end[] = {
        { DT_F16, 65519.0f, 65504.0f, 0 }, { DT_F16, 65520.0f, INFINITY, 1 }, { DT_F16, -1e9f, -INFINITY, 1 },
        { DT_F16, 1.0f + 0x1p-11f, 1.0f, 0 }, { DT_F16, 1.0f + 3 * 0x1p-11f, 1.0f + 0x1p-9f, 0 }, { DT_F16, 0x1p-25f, 0.0f, 0 },
        { DT_BF16, 1.0f + 0x1p-8f, 1.0f, 0 }, { DT_BF16, 1.0f + 3 * 0x1p-8f, 1.0f + 0x1p-6f, 0 },
        { DT_BF16, 0x1.fffffep127f, INFINITY, 1 }, { DT_BF16, NAN, NAN, 0 }, { DT_F16, NAN, NAN, 0 }, { DT_F32, INFINITY, INFINITY, 1 },
        { DT_F32, -0.0f, -0.0f, 0 },
    };
    const struct cpu_kernels *isa[MAX_ISA];
    const int n_isa = isa_list(isa);
    for (size_t i = 0; i < sizeof end / sizeof *end; i++)
        for (int k = 0; k < n_isa; k++) {
            uint8_t rows[4] = { 0 };
            int infinite = 0;
            struct call c = { isa[k], { rows, &end[i].x, end[i].type, DT_F32, &end[i].x, &end[i].x, 1.0f, 1, 1, 0, &infinite } };
            run_shares(1, work, &c);
            const float got = get(end[i].type, rows, 0);
            ok((isnan(got) ? isnan(end[i].want) : got == end[i].want) && infinite == end[i].infinite, "%s: %a to %s is %a", isa[k]->isa,
               (double)end[i].x, word[end[i].type], (double)got);
        }
}

int main(void)
{
    check(DT_F32, DT_F32, 70, 96, 8);
    check(DT_F16, DT_F16, 131, 61, 3);
    check(DT_BF16, DT_BF16, 66, 47, 64);
    check(DT_F32, DT_F16, 5, 40, 1);
    check(DT_F16, DT_BF16, 9, 16, 0);
    check(DT_BF16, DT_F32, 1, 15, 2);
    check_order();
    check_ends();
    return done_testing();
}
