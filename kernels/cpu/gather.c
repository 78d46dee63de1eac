/* gather.c - the rows of a step that are to be sampled, brought together. */
#include "kernels/cpu/rows.h"
#include "kernels/cpu/slots.h"

enum { ROWS = 8 };                    /* rows of a ticket */

void MTB_K(gather_rows)(const struct op_gather_rows *a, struct share s)
{
    const size_t dim = (size_t)a->dim;
    for (struct rows r; take_rows(&r, s, a->n, ROWS);)
        for (int i = r.begin; i < r.end; i++)
            memcpy(a->out + (size_t)i * dim, a->x + (size_t)a->row[i] * dim, dim * sizeof *a->x);
}
