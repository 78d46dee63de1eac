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

static void load_vector(struct model *m, const struct slot *s, const uint8_t *raw, float *wide)
{
    for (size_t i = 0; i < s->n; i++)
        wide[i] = dtype_number(s->from->dtype, raw, i);
    if (s->permuted_heads) {
        unpermute((uint8_t *)(wide + s->n), (const uint8_t *)wide, sizeof *wide, s->n / (size_t)s->permuted_heads,
                  (size_t)s->permuted_heads);
        wide += s->n;
    }
    m->ops->upload(m->be, (void *)*s->vector, wide, s->n * sizeof(float));
}

struct staging {
    uint8_t *raw, *ordered;
};

/* Rows [r, r + n) in 'raw', changed and put in order, to their place. */
static int pack_rows(struct model *m, const struct slot *slot, uint8_t *raw, uint8_t *ordered, size_t r, size_t n, struct err *err)
{
    const size_t row = dtype_row_bytes(slot->from->dtype, slot->k),
                 unit = slot->permuted_heads ? slot->n / (size_t)slot->permuted_heads : 1;
    if (m->adapter && adapter_apply(m->adapter, m, &slot->change, slot->from->dtype, slot->k, raw, r, n, err) < 0)
        return err_wrap(err, "tensor %s", slot->name);
    if (slot->permuted_heads)
        unpermute(ordered, raw, row, unit, n / unit);
    m->ops->linear_pack(m->be, slot->matrix, slot->permuted_heads ? ordered : raw, row, 0, (int)r, (int)n);
    return m->ops->settle(m->be, err);   /* the next piece is read to where this one lies */
}

/* 'twin': another matrix that begins as the same rows, which pass by once; or NULL. */
static int load_matrix(struct model *m, const struct source *s, const struct slot *slot, const struct slot *twin, struct staging *st,
                       struct err *err)
{
    const size_t step = slot_rows_at_once(slot), row = dtype_row_bytes(slot->from->dtype, slot->k);
    for (size_t r = 0; r < slot->n; r += step) {
        size_t n = slot->n - r < step ? slot->n - r : step;
        /* collective: every rank that reads takes the same pieces in the same order */
        if (!slot->change.whole && stored_read(m->plan, s, slot->from, r, n, st->raw, err) < 0)
            return -1;
        if (twin) {
            memcpy(st->ordered, st->raw, n * row);
            if (pack_rows(m, twin, st->ordered, NULL, r, n, err) < 0)
                return -1;
        }
        if (pack_rows(m, slot, st->raw, st->ordered, r, n, err) < 0)
            return -1;
    }
    return 0;
}

static int load_slot(struct model *m, const struct source *s, const struct slot *slot, const struct slot *twin, struct staging *st,
                     float *wide, struct err *err)
{
    if (slot->matrix)
        return load_matrix(m, s, slot, twin, st, err);
    if (!slot->change.whole && stored_read(m->plan, s, slot->from, 0, 1, st->raw, err) < 0)
        return -1;
    if (m->adapter && adapter_apply(m->adapter, m, &slot->change, slot->from->dtype, slot->n, st->raw, 0, 1, err) < 0)
        return err_wrap(err, "tensor %s", slot->name);
    load_vector(m, slot, st->raw, wide);
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
    /* in file order, so that a parallel file system sees one stream */
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

int model_load(struct model *m, const struct source *s, struct err *err)
{
    struct weight_plan *p = m->plan;
    size_t bytes = staging_bytes(p);
    const struct slot **order = xcalloc(p->n_slots, sizeof *order);
    struct staging st = { m->ops->host_alloc(m->be, bytes, err), m->ops->host_alloc(m->be, bytes, err) };
    /* bytes of fp16 become twice as many of fp32, twice */
    float *wide = malloc(4 * bytes);      /* a vector widened, and again with its rows put back in order */
    int rc = st.raw && st.ordered && wide ? 0 : err_set(err, ERR_MEMORY, "memory: no %zu MB to load weights through", 6 * bytes >> 20);
    for (size_t i = 0; i < p->n_slots; i++)
        order[i] = &p->slot[i];
    qsort(order, p->n_slots, sizeof *order, by_place);
    if (rc == 0 && m->adapter)
        rc = adapter_load(m->adapter, s, err);
    for (size_t i = 0; i < p->n_slots && rc == 0; i++) {
        const struct slot *twin = i + 1 < p->n_slots && twins(order[i], order[i + 1]) ? order[i + 1] : NULL;
        rc = load_slot(m, s, order[i], twin, &st, wide, err);
        i += twin != NULL;
    }
    if (rc == 0)
        rc = m->ops->settle(m->be, err);
    stored_done(p);
    if (m->adapter)
        adapter_unload(m->adapter);
    m->ops->host_release(m->be, st.raw, bytes);
    m->ops->host_release(m->be, st.ordered, bytes);
    free(wide);
    free(order);
    return rc;
}
