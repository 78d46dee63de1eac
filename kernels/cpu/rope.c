/* rope.c - rotate queries and keys, store keys and values as fp16 in the pages.
 * Keys lie transposed ([head_dim][64 positions]), so the rows that fall into one page are one ticket: two threads never write one line. */
#include "kernels/cpu/rows.h"
#include "kernels/cpu/slots.h"

enum { MAX_HEAD = 256 };

struct job {
    float *qkv;
    const struct kv_view *kv;
    const struct attn_shape *a;
    const struct rope *rope;
};

/* (x, y) turns by the angle: x' = fma(x, cos, -(y * sin)), y' = fma(y, cos, x * sin). */
static void rotate(float *restrict x, float *restrict y, const float *restrict c, const float *restrict s, int half)
{
    for (int i = 0; i < half; i++) {
        const float u = x[i], v = y[i];
        x[i] = fmaf(u, c[i], -(v * s[i]));
        y[i] = fmaf(v, c[i], u * s[i]);
    }
}

static void rotate_heads(float *q, const struct job *j, int pos)
{
    const int half = j->rope->dims / 2;
    const float *t = j->rope->table + (size_t)pos * (size_t)(2 * half);
    float c[MAX_HEAD / 2], s[MAX_HEAD / 2];
    for (int i = 0; i < half; i++) {
        c[i] = t[2 * i];
        s[i] = t[2 * i + 1];
    }
    for (int h = 0; h < j->a->n_heads + j->a->n_kv; h++, q += j->a->head_dim)
        rotate(q, q + half, c, s, half);
}

static uint16_t *page_of(const struct job *j, int page, int head)
{
    const struct kv_view *kv = j->kv;
    const size_t index = ((size_t)page * (size_t)kv->n_layers + (size_t)j->a->layer) * (size_t)kv->n_kv + (size_t)head;
    return (uint16_t *)kv->base + index * 2 * KV_PAGE * (size_t)kv->head_dim;
}

/* Beyond the range of fp16 there would be an infinity, and a key that is one may lose its weight in silence: a NaN is seen by whoever
 * looks. */
MTB_INLINE v16 within_half(v16 x)
{
    const v16 most = v_set1(65520.0f);                           /* from here on the nearest fp16 is infinite */
    return v_if_less(x, most, v_if_less(v_sub(v_zero(), most), x, x, v_set1(NAN)), v_set1(NAN));
}

static void store_row(const struct job *j, const float *k, int page, int pos)
{
    const int hd = j->a->head_dim, at = pos % KV_PAGE;
    uint16_t half[MAX_HEAD];
    for (int h = 0; h < j->a->n_kv; h++, k += hd) {
        uint16_t *to = page_of(j, page, h);
        for (int d = 0; d < hd; d += LANES)
            v_store_f16(half + d, within_half(v_load(k + d)));
        for (int d = 0; d < hd; d++)
            to[d * KV_PAGE + at] = half[d];
        const float *v = k + j->a->n_kv * hd;
        for (int d = 0; d < hd; d += LANES)
            v_store_f16(to + (KV_PAGE + at) * hd + d, within_half(v_load(v + d)));
    }
}

/* Rows [begin, end) of a run, all in one page. */
static void page_rows(const struct job *j, const struct seq_run *r, int begin, int end)
{
    const size_t ld = (size_t)(j->a->n_heads + 2 * j->a->n_kv) * (size_t)j->a->head_dim;
    for (int i = begin; i < end; i++) {
        float *row = j->qkv + (size_t)(r->first_row + i) * ld;
        rotate_heads(row, j, r->pos + i);
        store_row(j, row + j->a->n_heads * j->a->head_dim, r->page[(r->pos + i) / KV_PAGE], r->pos + i);
    }
}

void MTB_K(rope_kv)(float *qkv, const struct kv_view *kv, const struct attn_shape *a, const struct rope *rope, const struct step *st,
                    struct share s)
{
    const struct job j = { qkv, kv, a, rope };
    int mine = take_ticket(s), piece = 0;
    for (int n = 0; n < st->n_runs; n++) {
        const struct seq_run *r = &st->run[n];
        for (int begin = 0, end; begin < r->n_rows; begin = end, piece++) {
            end = begin + KV_PAGE - (r->pos + begin) % KV_PAGE;
            end = end < r->n_rows ? end : r->n_rows;
            if (piece == mine) {
                page_rows(&j, r, begin, end);
                mine = take_ticket(s);
            }
        }
    }
}
