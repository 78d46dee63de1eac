/* findings.c - what two executors make of the same numbers. */
#include "findings.h"

#include <math.h>

#define WORD(op) #op,
static const char *const word[] = { MTB_EACH_OP(WORD) };

static double apart(float a, float b)
{
    if (a == b || (isnan(a) && isnan(b)))
        return 0;
    return isfinite(a) && isfinite(b) ? fabs((double)a - (double)b) : INFINITY;
}

double row_difference(const float *a, const float *b, int n, int *column)
{
    double squares = 0, most = 0;
    for (int i = 0; i < n; i++)
        squares += isfinite(a[i]) ? (double)a[i] * (double)a[i] : 0;
    const double rms = sqrt(squares / n);
    *column = 0;
    for (int i = 0; i < n; i++) {
        const double by = apart(a[i], b[i]), size = isfinite(a[i]) ? fmax(fabs((double)a[i]), rms) : rms;
        const double share = by > 0 ? by / (size > 0 ? size : 1) : 0;              /* beside nothing the number itself */
        if (share > most)
            most = share, *column = i;
    }
    return most;
}

void findings_add(struct findings *f, const struct finding *row)
{
    f->rows[row->op]++;
    if (row->by > f->worst[row->op].by)
        f->worst[row->op] = *row;
    if (row->by > f->bound && !f->found) {
        f->found = true;
        f->first = *row;
    }
}

static void put_place(struct buf *out, const struct finding *at, const char *const name[2])
{
    buf_printf(out, "step %ld, ", at->step);
    if (at->layer == FINDING_EMBEDDING || at->layer == FINDING_HEAD)
        buf_printf(out, "%s, ", at->layer == FINDING_HEAD ? "head" : "embedding");
    else
        buf_printf(out, "layer %d, ", at->layer);
    buf_printf(out, "row %d (position %d)", at->row, at->position);
    if (at->column >= 0)
        buf_printf(out, ", column %d", at->column);
    buf_printf(out, ": %.9g (%s), %.9g (%s)\n", (double)at->a, name[0], (double)at->b, name[1]);
}

void findings_put(const struct findings *f, const char *const name[2], struct buf *out)
{
    for (int i = 0; i < FINDING_OPS; i++) {
        if (!f->rows[i])
            continue;
        const struct finding *worst = &f->worst[i];
        buf_printf(out, "%-13s %8ld rows  largest difference %.2e%s", word[i], f->rows[i], worst->by, worst->by > 0 ? "  " : "\n");
        if (worst->by > 0)
            put_place(out, worst, name);
    }
    if (!f->found) {
        buf_printf(out, "nothing differs by more than %g\n", f->bound);
        return;
    }
    buf_printf(out, "first beyond %g: %s by %.2e, ", f->bound, word[f->first.op], f->first.by);
    put_place(out, &f->first, name);
}
