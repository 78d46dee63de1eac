/* stored.c - the rows of a tensor, in order, whatever its layout in the file.
 * Most tensors lie as they are wanted and are read in place. Views of PyTorch (transposed, cut out of a wider one, one row for all) are
 * gathered: one pass over the bytes that they span, forward like all reads, into memory for the whole tensor. Asking for its rows one
 * after the other instead would pass over the span once for each piece. Views that lie in each other's span are gathered together: each
 * alone would go back. */
#include "model_priv.h"

#include "mtbench/mem.h"

#include <stdlib.h>
#include <string.h>

enum { PIECE = 4 << 20, MAX_TOGETHER = 512 << 20 };

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

/* The loops over a view, the one with the wider step outside: so its span is passed in order. */
static void loops(const struct stored *t, struct loop *out, struct loop *in)
{
    const bool matrix = t->view->n_dims == 2;
    const struct loop row = { t->rows, matrix ? t->view->stride[0] : 0, t->cols }, col = { t->cols, t->view->stride[matrix], 1 };
    *out = row.from >= col.from ? row : col;
    *in = row.from >= col.from ? col : row;
}

static size_t width_of(const struct stored *t)
{
    return (size_t)dtype_info[t->dtype].block_bytes;
}

/* Bytes of the storage from its first element to its last. */
static uint64_t span_of(const struct stored *t)
{
    struct loop out, in;
    loops(t, &out, &in);
    return ((out.n - 1) * out.from + (in.n - 1) * in.from + 1) * width_of(t);
}

/* ---- views that share bytes ---- */

/* [from, to) of a storage, and the slots' tensors that lie in it. */
struct group {
    uint64_t from, to;
    const struct stored **member;         /* (n) the caller's */
    size_t n;
};

static bool member(const struct group *g, const struct stored *t)
{
    for (size_t i = 0; i < g->n; i++)
        if (g->member[i] == t)
            return true;
    return false;
}

/* All tensors that will be loaded and whose spans hang together with that of 't'; it alone where they are too much to be held at once. */
static void find_group(const struct weight_plan *p, const struct stored *t, struct group *g)
{
    uint64_t bytes = t->rows * t->cols * width_of(t);
    bool more = true;
    g->from = t->view->first, g->to = t->view->first + span_of(t), g->n = 0;
    g->member[g->n++] = t;
    while (more) {                                                                  /* until no span is met that widens it */
        more = false;
        for (size_t i = 0; i < p->n_slots; i++) {
            const struct stored *o = p->slot[i].from;
            if (!o || !o->view || o->torch != t->torch || o->view->storage != t->view->storage || o->dtype != t->dtype || member(g, o))
                continue;
            const uint64_t from = o->view->first, to = from + span_of(o);
            if (from >= g->to || to <= g->from)
                continue;
            g->from = from < g->from ? from : g->from, g->to = to > g->to ? to : g->to;
            g->member[g->n++] = o;
            bytes += o->rows * o->cols * width_of(o);
            more = true;
        }
    }
    if (bytes > MAX_TOGETHER)                                                       /* shared by all layers, say: read again, then */
        *g = (struct group){ t->view->first, t->view->first + span_of(t), g->member, 1 };
}

/* What of the piece, bytes [at, at + n) of the storage, is a member's. */
static void scatter_piece(const struct gathered *to, const uint8_t *piece, uint64_t at, uint64_t n)
{
    const uint64_t first = to->of->view->first, end = first + span_of(to->of), width = width_of(to->of);
    const uint64_t from = at > first ? at : first, until = at + n < end ? at + n : end;
    struct loop out, in;
    loops(to->of, &out, &in);
    if (from < until)
        scatter(to->bytes, piece + (from - at), (from - first) / width, (until - from) / width, width, &out, &in);
}

/* All of the group's tensors, whose shapes are those that the configuration asks for. 'data': where the storage begins. */
static int gather(struct weight_plan *p, const struct source *s, const struct group *g, uint64_t data, struct err *err)
{
    uint8_t *piece = malloc(PIECE);
    bool good = piece != NULL;
    p->gathered = xcalloc(g->n, sizeof *p->gathered);
    for (size_t i = 0; i < g->n; i++) {
        const struct stored *t = g->member[i];
        p->gathered[p->n_gathered++] = (struct gathered){ t, malloc(t->rows * t->cols * width_of(t)) };
        good &= p->gathered[i].bytes != NULL;
    }
    int rc = good ? 0 : err_set(err, ERR_MEMORY, "memory: no %llu MB for tensors whose rows do not lie in order",
                                (unsigned long long)((g->to - g->from) >> 20));
    for (uint64_t at = g->from, n; at < g->to && rc == 0; at += n) {
        n = g->to - at < PIECE ? g->to - at : PIECE;                                /* whole elements: offsets and PIECE are */
        rc = s->read(s->ctx, g->member[0]->file, data + at, piece, n, err);
        for (size_t i = 0; i < p->n_gathered && rc == 0; i++)
            scatter_piece(&p->gathered[i], piece, at, n);
    }
    if (rc < 0)
        stored_done(p);
    free(piece);
    return rc;
}

static const uint8_t *find_gathered(const struct weight_plan *p, const struct stored *t)
{
    for (size_t i = 0; i < p->n_gathered; i++)
        if (p->gathered[i].of == t)
            return p->gathered[i].bytes;
    return NULL;
}

/* Gather a view that cannot be read in place. *data: where its storage begins, if it can. */
static int prepare(struct weight_plan *p, const struct source *s, const struct stored *t, uint64_t *data, struct err *err)
{
    stored_done(p);                                                                 /* what was read together was read to its end */
    if (pytorch_data(t->torch, s, t->file, t->view->storage, data, err) < 0)
        return err_wrap(err, "%s", s->path[t->file]);
    struct group g = { .member = xcalloc(p->n_slots + 1, sizeof *g.member) };
    find_group(p, t, &g);
    int rc = in_order(t) && g.n == 1 ? 0 : gather(p, s, &g, *data, err);
    free(g.member);
    return rc;
}

int stored_read(struct weight_plan *p, const struct source *s, const struct stored *t, uint64_t row, uint64_t n, void *dst,
                struct err *err)
{
    const size_t bytes = dtype_row_bytes(t->dtype, t->cols);
    uint64_t at = t->offset;
    if (t->view) {
        uint64_t data = 0;
        if (!find_gathered(p, t) && prepare(p, s, t, &data, err) < 0)
            return -1;
        const uint8_t *in_memory = find_gathered(p, t);
        if (in_memory) {
            memcpy(dst, in_memory + row * bytes, n * bytes);
            return 0;
        }
        at = data + t->view->first;
    }
    return s->read(s->ctx, t->file, at + row * bytes, dst, n * bytes, err);
}

void stored_done(struct weight_plan *p)
{
    for (size_t i = 0; i < p->n_gathered; i++)
        free(p->gathered[i].bytes);
    free(p->gathered);
    p->gathered = NULL;
    p->n_gathered = 0;
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
