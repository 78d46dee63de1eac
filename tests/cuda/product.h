/* product.h - a product of random numbers on a side, for the tests of whoever computes products there. */
#ifndef MTB_CUDA_PRODUCT_H
#define MTB_CUDA_PRODUCT_H

#include "side.h"

struct product {
    int n, k, rows;
    bool half;
    float *w, *x, *b;                 /* (n, k), (rows, k) exact in 16 bits; (n) or NULL */
    struct linear packed;
};

/* Of a number that has 16 bits. */
__attribute__((unused)) static uint16_t product_bits(float x, bool half)
{
    uint32_t u;
    if (half)
        return ref_half_from_float(x);
    memcpy(&u, &x, sizeof u);
    return (uint16_t)(u >> 16);
}

__attribute__((unused)) static float *product_numbers(size_t n, float size, bool half)
{
    float *x = malloc(n * sizeof *x);
    side_fill(x, n, size);
    for (size_t i = 0; i < n; i++)
        x[i] = side_round(x[i], half);
    return x;
}

/* Columns [first, first + k) of the weights, as a matrix of its own or as the slice that they are. */
__attribute__((unused)) static struct linear product_pack(const struct side *s, const struct product *p, int first, int k)
{
    const size_t weights = (size_t)p->n * (size_t)k;
    uint16_t *raw = malloc(weights * sizeof *raw);
    for (size_t i = 0; i < weights; i++)
        raw[i] = product_bits(p->w[i / (size_t)k * (size_t)p->k + (size_t)first + i % (size_t)k], p->half);
    struct linear w = side_pack(s, p->half ? DT_F16 : DT_BF16, p->n, k, raw);
    w.k_whole = p->k;
    side_settled(s);
    free(raw);
    return w;
}

__attribute__((unused)) static struct product product_make(const struct side *s, int n, int k, int rows, bool half, bool bias)
{
    struct product p = { n, k, rows, half, product_numbers((size_t)n * (size_t)k, 1.0f, half),
                         product_numbers((size_t)rows * (size_t)k, 2.0f, half), NULL, { 0 } };
    p.packed = product_pack(s, &p, 0, k);
    if (bias) {
        side_fill(p.b = malloc((size_t)n * sizeof *p.b), (size_t)n, 1.0f);
        p.packed.bias = side_put(s, p.b, (size_t)n * sizeof *p.b);
    }
    return p;
}

__attribute__((unused)) static void product_drop(const struct side *s, struct product *p)
{
    side_drop(s, p->packed.packed, 0);
    side_drop(s, (void *)(uintptr_t)p->packed.bias, 0);
    free(p->w);
    free(p->x);
    free(p->b);
}

/* y (n, p->n) of rows [first, first + n) with w, which reads inputs from number 'col' on; by a sum where 'as_sum', else as rows of a wider
 * matrix. */
__attribute__((unused)) static void product_run(const struct side *s, const struct product *p, const struct linear *w, int col, int first,
                                                int n, bool as_sum, float *y)
{
    const int ld = as_sum ? p->n : p->n + 5;
    const size_t bytes = (size_t)n * (size_t)ld * sizeof *y, operand = s->ops->operand_bytes(n, w->k);
    uint16_t *bits = calloc(1, operand);
    for (int r = 0; r < n; r++)
        for (int i = 0; i < w->k; i++)
            bits[operand_at(r, i, n)] = product_bits(p->x[(size_t)(first + r) * (size_t)p->k + (size_t)(col + i)], p->half);
    void *x = side_put(s, bits, operand);
    float *there = side_put(s, NULL, bytes), *host = malloc(bytes);
    const struct linear_out out = { w, as_sum ? NULL : there, as_sum ? 0 : ld, as_sum ? there : NULL };
    int beside = 0;
    MTB_DO(s, linear, .out = &out, .n_out = 1, .x = x, .n_rows = n);
    side_get(s, host, there, bytes);
    for (int r = 0; r < n; r++)
        for (int i = 0; i < ld; i++)
            if (i < p->n)
                y[(size_t)r * (size_t)p->n + (size_t)i] = host[(size_t)r * (size_t)ld + (size_t)i];
            else
                beside += !isnan(host[(size_t)r * (size_t)ld + (size_t)i]);
    if (beside)
        ok(false, "%d x %d: nothing is written beside the product", p->n, p->k);
    free(bits);
    free(host);
    side_drop(s, x, 0);
    side_drop(s, there, 0);
}

/* The emulator stays below 2e-7. A tensor core may cut off what lies below the largest number of a step; whoever rounds to 16 bits is
 * beyond 1e-4. */
#define PRODUCT_ERROR 4e-6

/* The largest error of all rows against sums in double, in parts of the sum of sizes. */
__attribute__((unused)) static double product_error(const struct product *p, const float *y)
{
    double worst = 0;
    for (int r = 0; r < p->rows; r++)
        for (int j = 0; j < p->n; j++) {
            double sum = p->b ? (double)p->b[j] : 0, size = fabs(sum);
            for (int i = 0; i < p->k; i++) {
                const double t = (double)p->w[(size_t)j * (size_t)p->k + (size_t)i] * (double)p->x[(size_t)r * (size_t)p->k + (size_t)i];
                sum += t;
                size += fabs(t);
            }
            const double e = fabs((double)y[(size_t)r * (size_t)p->n + (size_t)j] - sum) / (size + 1e-30);
            worst = e > worst || isnan(e) ? e : worst;
        }
    return worst;
}

#endif
