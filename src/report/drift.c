/* drift.c - how far the verdicts of a judge moved, and whether that is more than chance. */
#include "mtbench/drift.h"

#include <math.h>

/* Where all values are alike there is no interval, although nothing speaks more clearly for a judge that has changed. */
static bool excludes_zero(const struct estimate *e)
{
    if (isnan(e->low))
        return e->clusters > 1 && e->value != 0;
    return e->low > 0 || e->high < 0;
}

struct drift drift_of(const struct moves *m)
{
    struct sample s = {0};
    for (long i = 0; i < m->n; i++)
        sample_add(&s, m->question_id[i], 1, m->by[i]); /* by question: the two turns of one move together */
    struct drift d = { .scores = m->scores, .e = m->scores ? estimate_mean(&s) : estimate_share(&s) };
    d.moved = excludes_zero(&d.e);
    sample_free(&s);
    return d;
}

void drift_put(const struct drift *d, struct buf *out)
{
    buf_printf(out, "%-9s %+.3f", d->scores ? "drift" : "changed", d->e.value);
    if (isnan(d->e.low))
        buf_printf(out, "   no interval: %s\n", d->e.clusters > 1 ? "all alike" : "fewer than two questions");
    else
        buf_printf(out, "   95 %% interval %+.3f .. %+.3f\n", d->e.low, d->e.high);
}
