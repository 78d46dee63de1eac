/* norm.c - RMS normalisation by the book. */
#include "kernels/ref/ref.h"

#include <math.h>

void ref_rmsnorm(double *out, const float *x, const float *weight, double eps, int n_rows, int dim)
{
    for (int r = 0; r < n_rows; r++, x += dim, out += dim) {
        double sum = 0.0;
        for (int i = 0; i < dim; i++)
            sum += (double)x[i] * (double)x[i];
        for (int i = 0; i < dim; i++)
            out[i] = (double)x[i] / sqrt(sum / dim + eps) * (double)weight[i];
    }
}
