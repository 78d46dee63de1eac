/* glu.c - silu(gate) * up by the book. */
#include "kernels/ref/ref.h"

#include <math.h>

void ref_silu_mul(double *h, const float *gu, int n_rows, int ff)
{
    for (int r = 0; r < n_rows; r++)
        for (int i = 0; i < ff; i++) {
            const double g = (double)gu[r * 2 * ff + i];
            h[r * ff + i] = g / (1.0 + exp(-g)) * (double)gu[r * 2 * ff + ff + i];
        }
}
