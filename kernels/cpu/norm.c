/* norm.c - RMS normalisation, alone and with the residual addition before it. */
#include "kernels/cpu/rows.h"
#include "kernels/cpu/slots.h"

enum { ROWS = 4 };                    /* rows of a ticket */

MTB_INLINE v16 load_part(const float *p, int n)
{
    float f[LANES] = { 0 };                                                         /* zeros add nothing to their lanes */
    memcpy(f, p, (size_t)n * sizeof *f);
    return v_load(f);
}

/* Lane sum of squares: each enters its lane by fma. */
static float squares(const float *x, int dim)
{
    v16 sum = v_zero();
    int i = 0;
    for (; i + LANES <= dim; i += LANES) {
        v16 a = v_load(x + i);
        sum = v_fma(a, a, sum);
    }
    if (i < dim) {
        v16 a = load_part(x + i, dim - i);
        sum = v_fma(a, a, sum);
    }
    return v_sum(sum);
}

static void norm_row(float *out, const float *x, const float *weight, float eps, int dim)
{
    /* division and square root are exactly rounded everywhere; an approximation would tie the bits to a processor */
    const float r = 1.0f / sqrtf(squares(x, dim) / (float)dim + eps);
    int i = 0;
    for (; i + LANES <= dim; i += LANES)
        v_store(out + i, v_mul(v_mul(v_load(x + i), v_set1(r)), v_load(weight + i))); /* x first, then the weight: two roundings */
    for (; i < dim; i++)
        out[i] = x[i] * r * weight[i];
}

void MTB_K(rmsnorm)(const struct op_rmsnorm *a, struct share s)
{
    const size_t dim = (size_t)a->dim;
    for (struct rows r; take_rows(&r, s, a->n_rows, ROWS);)
        for (int i = r.begin; i < r.end; i++)
            norm_row((float *)a->out + (size_t)i * dim, a->x + (size_t)i * dim, a->weight, a->eps, a->dim);
}

/* One rounding for the bias and one for the addition: any order of lanes will do. */
static void add_row(float *x, const float *y, const float *bias, size_t dim)
{
    if (bias)
        for (size_t i = 0; i < dim; i++)
            x[i] += y[i] + bias[i];
    else
        for (size_t i = 0; i < dim; i++)
            x[i] += y[i];
}

void MTB_K(add_rmsnorm)(const struct op_add_rmsnorm *a, struct share s)
{
    const size_t dim = (size_t)a->dim;
    for (struct rows r; take_rows(&r, s, a->n_rows, ROWS);) {
        for (int row = r.begin; row < r.end; row++) {
            float *x = a->x + (size_t)row * dim;
            add_row(x, (const float *)a->sum + (size_t)row * dim, a->bias, dim);
            norm_row((float *)a->out + (size_t)row * dim, x, a->weight, a->eps, a->dim);
        }
    }
}
