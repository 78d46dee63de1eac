/* load.c - the bytes of the weights on their way from the files to the packed block, in the order in which they lie there: changed by an
 * adapter, put in order, packed. */
#include "model_priv.h"

#include "mtbench/mem.h"

#include <stdlib.h>
#include <string.h>

enum { PIECE = 16 << 20 };

size_t slot_rows_at_once(const struct slot *s)
{
    /* pieces of whole heads where rows are put back in order, else of any rows */
    const size_t row = dtype_row_bytes(s->from->dtype, s->k ? s->k : s->n), unit = s->permuted_heads ? s->n / (size_t)s->permuted_heads : 1;
    const size_t step = PIECE / (row * unit) * unit;
    return step ? step : unit;
}

/* GGUF files hold the rows of a q or k head as pairs (i, i + half) side by side; put 'heads' heads back into two halves. */
static void unpermute(uint8_t *to, const uint8_t *from, size_t row, size_t head_rows, size_t heads)
{
    size_t half = head_rows / 2;
    for (size_t h = 0; h < heads; h++, to += head_rows * row, from += head_rows * row)
        for (size_t i = 0; i < head_rows; i++)
            memcpy(to + ((i & 1) * half + i / 2) * row, from + i * row, row);       /* row 2i to i, row 2i + 1 to half + i */
}

/* Members that are loaded together, and memory for a piece on its way. 'first' has the directory and the adapter for all. */
struct load {
    struct model *const *member;          /* (n) */
    int n;
    struct model *first;
    const struct source *s;
    uint8_t *raw, *ordered;
    float *wide;
};

/* The same destination of a member: slots are in one order on all. */
static const struct slot *slot_of(const struct load *l, int member, const struct slot *slot)
{
    return &l->member[member]->plan->slot[slot - l->first->plan->slot];
}

static void load_vector(const struct load *l, const struct slot *s)
{
    float *wide = l->wide;
    for (size_t i = 0; i < s->n; i++)
        wide[i] = dtype_number(s->from->dtype, l->raw, i);
    if (s->permuted_heads) {
        unpermute((uint8_t *)(wide + s->n), (const uint8_t *)wide, sizeof *wide, s->n / (size_t)s->permuted_heads,
                  (size_t)s->permuted_heads);
        wide += s->n;
    }
    for (int i = 0; i < l->n; i++) {
        const struct slot *to = slot_of(l, i, s);
        l->member[i]->ops->upload(l->member[i]->be, (void *)*to->vector, wide + to->row0, to->rows * sizeof(float));
    }
}

/* Of the rows [r, r + n) each member packs what is its own. */
static int pack_shares(const struct load *l, const struct slot *slot, const uint8_t *rows, size_t r, size_t n, struct err *err)
{
    const size_t row = dtype_row_bytes(slot->from->dtype, slot->k);
    int rc = 0;
    for (int i = 0; i < l->n; i++) {
        const struct slot *to = slot_of(l, i, slot);
        const size_t end = to->row0 + to->rows, from = r > to->row0 ? r : to->row0, until = r + n < end ? r + n : end;
        if (from < until)
            l->member[i]->ops->linear_pack(l->member[i]->be, to->matrix, rows + (from - r) * row, row, (int)to->col0,
                                           (int)(from - to->row0), (int)(until - from));
    }
    for (int i = 0; i < l->n; i++)        /* the next piece is read to where this one lies */
        if (l->member[i]->ops->settle(l->member[i]->be, rc < 0 ? NULL : err) < 0)
            rc = -1;
    return rc;
}

/* Rows [r, r + n) in 'raw', changed and put in order, to their places. */
static int pack_rows(const struct load *l, const struct slot *slot, uint8_t *raw, size_t r, size_t n, struct err *err)
{
    struct model *m = l->first;
    const size_t row = dtype_row_bytes(slot->from->dtype, slot->k),
                 unit = slot->permuted_heads ? slot->n / (size_t)slot->permuted_heads : 1;
    if (m->adapter && adapter_apply(m->adapter, m, &slot->change, slot->from->dtype, slot->k, raw, r, n, err) < 0)
        return err_wrap(err, "tensor %s", slot->name);
    if (slot->permuted_heads)
        unpermute(l->ordered, raw, row, unit, n / unit);
    return pack_shares(l, slot, slot->permuted_heads ? l->ordered : raw, r, n, err);
}

/* 'twin': another matrix that begins as the same rows, which pass by once; or NULL. */
static int load_matrix(const struct load *l, const struct slot *slot, const struct slot *twin, struct err *err)
{
    const size_t step = slot_rows_at_once(slot), row = dtype_row_bytes(slot->from->dtype, slot->k);
    for (size_t r = 0; r < slot->n; r += step) {
        size_t n = slot->n - r < step ? slot->n - r : step;
        /* collective: every rank that reads takes the same pieces in the same order */
        if (!slot->change.whole && stored_read(l->first->plan, l->s, slot->from, r, n, l->raw, err) < 0)
            return -1;
        if (twin) {                       /* embedding and head: no heads to be put in order */
            memcpy(l->ordered, l->raw, n * row);
            if (pack_rows(l, twin, l->ordered, r, n, err) < 0)
                return -1;
        }
        if (pack_rows(l, slot, l->raw, r, n, err) < 0)
            return -1;
    }
    return 0;
}

static int load_slot(const struct load *l, const struct slot *slot, const struct slot *twin, struct err *err)
{
    struct model *m = l->first;
    if (slot->matrix)
        return load_matrix(l, slot, twin, err);
    if (!slot->change.whole && stored_read(m->plan, l->s, slot->from, 0, 1, l->raw, err) < 0)
        return -1;
    if (m->adapter && adapter_apply(m->adapter, m, &slot->change, slot->from->dtype, slot->n, l->raw, 0, 1, err) < 0)
        return err_wrap(err, "tensor %s", slot->name);
    load_vector(l, slot);
    return 0;
}

/* Do two slots, neighbours in the order of reading, begin as the same rows of the base? */
static bool twins(const struct slot *a, const struct slot *b)
{
    return a->matrix && b->matrix && !a->change.whole && !b->change.whole && (a->from == b->from || stored_same(a->from, b->from));
}

static int by_place(const void *a, const void *b)
{
    const struct stored *x = (*(const struct slot *const *)a)->from, *y = (*(const struct slot *const *)b)->from;
    return x->file != y->file ? (x->file > y->file) - (x->file < y->file) : (x->offset > y->offset) - (x->offset < y->offset);
}

/* Bytes of the largest single read. */
static size_t staging_bytes(const struct weight_plan *p)
{
    size_t most = PIECE;
    for (size_t i = 0; i < p->n_slots; i++) {
        const struct slot *s = &p->slot[i];
        size_t row = dtype_row_bytes(s->from->dtype, s->k ? s->k : s->n);
        size_t need = row * (s->permuted_heads ? s->n / (size_t)s->permuted_heads : 1);
        most = need > most ? need : most;
    }
    return most;
}

size_t model_load_bytes(const struct model *m)
{
    return 2 * staging_bytes(m->plan);    /* as read, and put in order */
}

/* In file order, so that a parallel file system sees one stream. */
static int load_slots(const struct load *l, struct err *err)
{
    const struct weight_plan *p = l->first->plan;
    const struct slot **order = xcalloc(p->n_slots, sizeof *order);
    int rc = 0;
    for (size_t i = 0; i < p->n_slots; i++)
        order[i] = &p->slot[i];
    qsort(order, p->n_slots, sizeof *order, by_place);
    for (size_t i = 0; i < p->n_slots && rc == 0; i++) {
        const struct slot *twin = i + 1 < p->n_slots && twins(order[i], order[i + 1]) ? order[i + 1] : NULL;
        rc = load_slot(l, order[i], twin, err);
        i += twin != NULL;
    }
    free(order);
    return rc;
}

int model_load(struct model *const member[], int n, const struct source *s, struct err *err)
{
    struct model *m = member[0];
    const size_t bytes = staging_bytes(m->plan);
    struct load l = { .member = member, .n = n, .first = m, .s = s };
    l.raw = m->ops->host_alloc(m->be, bytes, err);
    l.ordered = l.raw ? m->ops->host_alloc(m->be, bytes, err) : NULL;
    /* bytes of fp16 become twice as many of fp32, twice */
    l.wide = malloc(4 * bytes);           /* a vector widened, and again with its rows put back in order */
    int rc = l.raw && l.ordered ? 0 : err_wrap(err, "weights, on their way from the file");
    if (rc == 0 && !l.wide)
        rc = err_set(err, ERR_MEMORY, "memory: no %zu MB to load weights through; use fewer ranks on a machine", 4 * bytes >> 20);
    if (rc == 0 && m->adapter)
        rc = adapter_load(m->adapter, s, err);
    if (rc == 0)
        rc = load_slots(&l, err);
    for (int i = 0; i < n; i++)
        if (m->ops->settle(member[i]->be, rc < 0 ? NULL : err) < 0)
            rc = -1;
    stored_done(m->plan);
    if (m->adapter)
        adapter_unload(m->adapter);
    m->ops->host_release(m->be, l.raw, bytes);
    m->ops->host_release(m->be, l.ordered, bytes);
    free(l.wide);
    return rc;
}
