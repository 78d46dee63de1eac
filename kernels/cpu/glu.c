/* glu.c - the gated activation of the MLP: silu(gate) * up. */
#include "kernels/cpu/rows.h"
#include "kernels/cpu/slots.h"
#include "kernels/cpu/vmath.h"

enum { COLUMNS = 2048 };              /* of a ticket: one row alone still feeds several threads */

static void glu(float *h, const float *gate, const float *up, int n)
{
    int i = 0;
    for (; i + LANES <= n; i += LANES)
        v_store(h + i, v_mul(v_silu(v_load(gate + i)), v_load(up + i)));
    if (i < n) {
        float g[LANES] = { 0 };
        memcpy(g, gate + i, (size_t)(n - i) * sizeof *g);
        v_store(g, v_silu(v_load(g)));
        for (int j = i; j < n; j++)
            h[j] = g[j - i] * up[j];
    }
}

void MTB_K(silu_mul)(const struct op_silu_mul *a, struct share s)
{
    const int ff = a->ff, parts = (ff + COLUMNS - 1) / COLUMNS; /* pieces of a row; elements do not depend on each other */
    for (struct rows r; take_rows(&r, s, a->n_rows * parts, 1);) {
        const size_t row = (size_t)(r.begin / parts);
        const int c0 = r.begin % parts * COLUMNS, n = ff - c0 < COLUMNS ? ff - c0 : COLUMNS;
        const float *gate = a->gu + row * 2 * (size_t)ff + c0;                      /* up lies ff behind */
        glu((float *)a->h + row * (size_t)ff + c0, gate, gate + ff, n);
    }
}
