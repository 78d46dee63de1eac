/* price_list.c - what a model's tokens cost. */
#include "mtbench/price_list.h"

#include "mtbench/io.h"
#include "mtbench/mem.h"

#include <stdlib.h>

int price_by_flags(const struct price_flags *f, struct price *p, struct err *err)
{
    char *path = xasprintf("%s/prices.txt", f->data_dir);
    struct buf b = {0};
    int rc = 0;
    *p = (struct price){ -1, -1 };
    /* No file is no error: prices are known by flags, or not at all. One that is there and cannot be read is: costs would be unknown, and
     * nobody would know why. */
    if ((rc = io_exists(path, err)) > 0)
        rc = io_read(path, &b, err) < 0 ? -1 : price_find(path, b.data, b.len, f->model, p, err);
    p->in = f->given_in ? f->in : p->in; /* a flag wins over the file */
    p->out = f->given_out ? f->out : p->out;
    /* A limit in dollars without prices could not be held. */
    if (rc == 0 && f->max_cost > 0 && (p->in < 0 || p->out < 0))
        rc = err_set(err, ERR_USAGE, "--max-cost: no price of %s is known; give --price-in and --price-out, or a line in %s", f->model,
                     path);
    buf_free(&b);
    free(path);
    return rc;
}
