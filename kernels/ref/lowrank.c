/* lowrank.c - the product of two thin matrices added to another, by the book. */
#include "kernels/ref/ref.h"

void ref_low_rank_add(double *out, const float *from, const float *b, const float *a, double scale, int n_rows, int n_cols, int r)
{
    for (int i = 0; i < n_rows; i++)
        for (int j = 0; j < n_cols; j++) {
            double sum = 0;
            for (int k = 0; k < r; k++)
                sum += (double)b[i * r + k] * (double)a[k * n_cols + j];
            out[i * n_cols + j] = (double)from[i * n_cols + j] + scale * sum;
        }
}
