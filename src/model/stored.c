/* stored.c - the rows of a tensor, in order, whatever its layout in the file.
 * Most tensors lie as they are wanted and are read in place. Views of PyTorch (transposed, cut out of a wider one, one row for all) are
 * gathered: one pass over the bytes that they span, forward like all reads, into memory for the whole tensor. Asking for its rows one
 * after the other instead would pass over the span once for each piece. */
#include "model_priv.h"

#include <stdlib.h>
#include <string.h>

enum { PIECE = 4 << 20 };

/* One of two loops over a tensor. */
struct loop {
    uint64_t n, from, to;                 /* how often; elements from one to the next, in the file and in order */
};

static bool in_order(const struct stored *t)
{
    const uint64_t *stride = t->view->stride;
    if (t->view->n_dims < 2)
        return t->cols <= 1 || stride[0] == 1;
    return (t->cols <= 1 || stride[1] == 1) && (t->rows <= 1 || stride[0] == t->cols);
}

static uint64_t divide_up(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

static void copy(uint8_t *dst, const uint8_t *piece, size_t width, const struct loop *in, uint64_t n)
{
    if (width == 2) /* of constant size, so that a copy is one instruction */
        for (uint64_t i = 0; i < n; i++)
            memcpy(dst + i * in->to * 2, piece + i * in->from * 2, 2);
    else
        for (uint64_t i = 0; i < n; i++)
            memcpy(dst + i * in->to * 4, piece + i * in->from * 4, 4);
}

/* Put the elements that lie in [begin, begin + n) of the span into their places. */
static void scatter(uint8_t *dst, const uint8_t *piece, uint64_t begin, uint64_t n, size_t width, const struct loop *out,
                    const struct loop *in)
{
    const uint64_t end = begin + n, reach = (in->n - 1) * in->from;                 /* of one turn of the outer loop */
    uint64_t first = out->from && begin > reach ? divide_up(begin - reach, out->from) : 0, last = out->n;
    if (out->from && (end - 1) / out->from + 1 < last)
        last = (end - 1) / out->from + 1;
    for (uint64_t o = first; o < last; o++) {
        const uint64_t base = o * out->from;
        uint64_t i = base >= begin ? 0 : in->from ? divide_up(begin - base, in->from) : in->n, stop = in->n;
        if (in->from && divide_up(end - base, in->from) < stop)
            stop = divide_up(end - base, in->from);
        if (i < stop)
            copy(dst + (o * out->to + i * in->to) * width, piece + (base + i * in->from - begin) * width, width, in, stop - i);
    }
}

/* All of a tensor, whose shape is the one that the configuration asks for. */
static int gather(struct weight_plan *p, const struct source *s, const struct stored *t, uint64_t at, struct err *err)
{
    const size_t width = (size_t)dtype_info[t->dtype].block_bytes;
    const bool matrix = t->view->n_dims == 2;
    struct loop row = { t->rows, matrix ? t->view->stride[0] : 0, t->cols }, col = { t->cols, t->view->stride[matrix], 1 };
    const bool rows_outside = row.from >= col.from; /* the wider step outside: the span is passed in order */
    const uint64_t span = (row.n - 1) * row.from + (col.n - 1) * col.from + 1;
    uint8_t *piece = malloc(PIECE);
    stored_done(p);
    p->gathered.bytes = malloc(t->rows * t->cols * width);
    int rc = piece && p->gathered.bytes ? 0 : err_set(err, ERR_MEMORY, "memory: no %llu MB for a tensor whose rows do not lie in order",
                                                      (unsigned long long)(t->rows * t->cols * width >> 20));
    for (uint64_t begin = 0, n; begin < span && rc == 0; begin += n) {
        n = span - begin < PIECE / width ? span - begin : PIECE / width;
        rc = s->read(s->ctx, t->file, at + begin * width, piece, n * width, err);
        if (rc == 0)
            scatter(p->gathered.bytes, piece, begin, n, width, rows_outside ? &row : &col, rows_outside ? &col : &row);
    }
    if (rc == 0)
        p->gathered.of = t;
    free(piece);
    return rc;
}

int stored_read(struct weight_plan *p, const struct source *s, const struct stored *t, uint64_t row, uint64_t n, void *dst,
                struct err *err)
{
    const size_t bytes = dtype_row_bytes(t->dtype, t->cols);
    uint64_t at = t->offset;
    if (t->view) {
        if (pytorch_data(t->torch, s, t->file, t->view->storage, &at, err) < 0)
            return err_wrap(err, "%s", s->path[t->file]);
        at += t->view->first;
        if (!in_order(t)) {
            if (p->gathered.of != t && gather(p, s, t, at, err) < 0)
                return -1;
            memcpy(dst, p->gathered.bytes + row * bytes, n * bytes);
            return 0;
        }
    }
    return s->read(s->ctx, t->file, at + row * bytes, dst, n * bytes, err);
}

void stored_done(struct weight_plan *p)
{
    free(p->gathered.bytes);
    p->gathered.bytes = NULL;
    p->gathered.of = NULL;
}

bool stored_same(const struct stored *a, const struct stored *b)
{
    if (a->torch != b->torch || a->file != b->file || a->dtype != b->dtype || a->rows != b->rows || a->cols != b->cols)
        return false;
    if (!a->view)
        return a->offset == b->offset;
    return a->view->storage == b->view->storage && a->view->first == b->view->first && a->view->n_dims == b->view->n_dims &&
           !memcmp(a->view->stride, b->view->stride, sizeof a->view->stride);
}
