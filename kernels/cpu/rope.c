/* rope.c - rotate queries and keys, store keys and values as fp16 in the pages.
 * Keys lie transposed ([head_dim][64 positions]), so the rows that fall into one page are one ticket: two threads never write one line. */
#include "kernels/cpu/rows.h"
#include "kernels/cpu/slots.h"

enum { MAX_HEAD = 256 };

/* (x, y) turns by the angle: x' = fma(x, cos, -(y * sin)), y' = fma(y, cos, x * sin). */
static void rotate(float *restrict x, float *restrict y, const float *restrict c, const float *restrict s, int half)
{
    for (int i = 0; i < half; i++) {
        const float u = x[i], v = y[i];
        x[i] = fmaf(u, c[i], -(v * s[i]));
        y[i] = fmaf(v, c[i], u * s[i]);
    }
}

static void rotate_heads(float *q, const struct op_rope_kv *o, int pos)
{
    const int half = o->rope->dims / 2;
    const float *t = o->rope->table + (size_t)pos * (size_t)(2 * half);
    float c[MAX_HEAD / 2], s[MAX_HEAD / 2]; /* apart, so that the compiler loads whole vectors; once for all heads */
    for (int i = 0; i < half; i++) {
        c[i] = t[2 * i];
        s[i] = t[2 * i + 1];
    }
    for (int h = 0; h < o->shape->n_heads + o->shape->n_kv; h++, q += o->shape->head_dim) /* q and k lie one behind the other */
        rotate(q, q + half, c, s, half);
}

/* Beyond the range of fp16 there would be an infinity, and a key that is one may lose its weight in silence: a NaN is seen by whoever
 * looks. */
MTB_INLINE v16 within_half(v16 x)
{
    const v16 most = v_set1(65520.0f);                           /* from here on the nearest fp16 is infinite */
    return v_if_less(x, most, v_if_less(v_sub(v_zero(), most), x, x, v_set1(NAN)), v_set1(NAN));
}

static void store_row(const struct op_rope_kv *o, const float *k, int page, int pos)
{
    const int hd = o->shape->head_dim, at = pos % KV_PAGE;
    uint16_t half[MAX_HEAD];                                                        /* converted in vectors, then strewn over the lines */
    for (int h = 0; h < o->shape->n_kv; h++, k += hd) {
        uint16_t *to = cpu_kv_head(o->kv, page, o->shape->layer, h);
        for (int d = 0; d < hd; d += LANES)
            v_store_f16(half + d, within_half(v_load(k + d)));
        for (int d = 0; d < hd; d++)
            to[d * KV_PAGE + at] = half[d]; /* [head_dim][64]: scores of a page then load positions side by side */
        const float *v = k + o->shape->n_kv * hd;                                   /* values follow all keys of the row */
        for (int d = 0; d < hd; d += LANES)
            v_store_f16(to + (KV_PAGE + at) * hd + d, within_half(v_load(v + d)));
    }
}

/* Rows [begin, end) of a run, all in one page. */
static void page_rows(const struct op_rope_kv *o, const struct seq_run *r, int begin, int end)
{
    const size_t ld = (size_t)(o->shape->n_heads + 2 * o->shape->n_kv) * (size_t)o->shape->head_dim;
    for (int i = begin; i < end; i++) {
        float *row = o->qkv + (size_t)(r->first_row + i) * ld;
        rotate_heads(row, o, r->pos + i);
        store_row(o, row + o->shape->n_heads * o->shape->head_dim, r->page[(r->pos + i) / KV_PAGE], r->pos + i);
    }
}

void MTB_K(rope_kv)(const struct op_rope_kv *o, struct share s)
{
    const struct step *st = o->step;
    int mine = take_ticket(s), piece = 0;
    for (int n = 0; n < st->n_runs; n++) {
        const struct seq_run *r = &st->run[n];
        for (int begin = 0, end; begin < r->n_rows; begin = end, piece++) {
            end = begin + KV_PAGE - (r->pos + begin) % KV_PAGE;                     /* to the end of the page */
            end = end < r->n_rows ? end : r->n_rows;
            /* every thread counts all pieces: the list is short, and no memory is needed for it */
            if (piece == mine) {
                page_rows(o, r, begin, end);
                mine = take_ticket(s);
            }
        }
    }
}
