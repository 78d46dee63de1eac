/* gather.c - the rows of a step that are to be sampled, brought together. */
#include "kernels/cpu/rows.h"
#include "kernels/cpu/slots.h"

enum { ROWS = 8 };                    /* rows of a ticket */

void MTB_K(gather_rows)(const struct op_gather_rows *a, struct share s)
{
    const size_t dim = (size_t)a->dim;
    float *out = a->out;
    const float *x = a->x;
    for (struct rows r; take_rows(&r, s, a->step->n_out, ROWS);)
        for (int i = r.begin; i < r.end; i++)
            memcpy(out + (size_t)i * dim, x + (size_t)a->step->out_row[i] * dim, dim * sizeof *x);
}
