/* comm.c - what all tensor groups have in common, and the member that is alone. */
#include "comm_priv.h"

#include "mtbench/clock.h"

struct comm comm_self = { .rank = 0, .size = 1 };

static const double longest_look = 1;

bool comm_sum(struct comm *c, void *sum, int n_rows, int dim, bool *stop)
{
    return c->size == 1 || c->kind->sum(c, sum, n_rows, dim, stop);
}

bool comm_gather(struct comm *c, float *rows, int n_rows, const int first[])
{
    return c->size == 1 || c->kind->gather(c, rows, n_rows, first);
}

bool comm_tell(struct comm *c, const void *data, size_t n)
{
    return c->size == 1 || c->kind->tell(c, data, n);
}

int comm_hear(struct comm *c, struct buf *b, bool wait)
{
    return c->size == 1 ? 0 : c->kind->hear(c, b, wait);
}

void comm_fail(struct comm *c, const struct err *why)
{
    if (c->size > 1)
        c->kind->fail(c, why);
}

int comm_check(struct comm *c, struct err *err)
{
    return c->size == 1 ? 0 : c->kind->check(c, err);
}

void comm_close(struct comm *c)
{
    if (c && c->size > 1)
        c->kind->close(c);
}

bool comm_out_of_patience(struct comm_wait *w, const struct comm_opts *o)
{
    const double now = clock_now(), step = w->last > 0 ? now - w->last : 0;
    w->waited += step < longest_look ? step : longest_look;
    w->last = now;
    return w->waited > (1 + w->longer) * (o->patience > 0 ? o->patience : COMM_PATIENCE);
}

void comm_set_lost(struct err *err, int rank, int size, double patience)
{
    err_set(err, ERR_DEVICE, "tensor group: the others have waited %g s for member %d of %d; it is lost or hangs, start again to go on "
            "with what is finished", patience > 0 ? patience : COMM_PATIENCE, rank, size);
}
