/* lowrank.c - the product of two thin matrices added to rows of weights, which keep their type.
 * Columns are the lanes and k is a loop within them, so that each element is a sum in one order whatever the width of the machine. A
 * product and a sum are two roundings, as an fma is slow where the machine has none. */
#include "kernels/cpu/rows.h"
#include "kernels/cpu/slots.h"
#include "kernels/cpu/unpack.h"

enum { BLOCK = 64, GROUP = 4 };       /* rows that share a panel in L1; rows that share its registers */

/* ---- sixteen elements, or the last few of a row ---- */

MTB_INLINE v16 load_16(enum dtype t, const uint8_t *p)
{
    uint16_t h[LANES];
    float f[LANES];
    switch (t) {                      /* bytes have no alignment of their own */
    case DT_F32: memcpy(f, p, sizeof f); return v_load(f);
    case DT_F16: memcpy(h, p, sizeof h); return v_load_f16(h);
    default: return v_from_bits(i_shl(i_load_u16(p), 16));
    }
}

MTB_INLINE v16 load_some(enum dtype t, const uint8_t *p, int n)
{
    uint8_t whole[LANES * sizeof(float)] = { 0 };
    if (n >= LANES)
        return load_16(t, p);
    memcpy(whole, p, (size_t)n * (t == DT_F32 ? 4 : 2));
    return load_16(t, whole);
}

/* To nearest, ties to even; a NaN stays one. */
MTB_INLINE uint16_t bf16_of(uint32_t bits)
{
    const uint32_t up = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    return (uint16_t)((bits & 0x7fffffff) > 0x7f800000 ? bits >> 16 | 0x40 : up);
}

/* Is there an infinite number among the n? NaN is none. */
MTB_INLINE int infinite(enum dtype t, const void *p, int n)
{
    const uint32_t *w = p;
    const uint16_t *h = p;
    int any = 0;
    if (t == DT_F32)
        for (int i = 0; i < n; i++)
            any |= (w[i] & 0x7fffffff) == 0x7f800000;
    else
        for (int i = 0; i < n; i++)
            any |= (h[i] & 0x7fff) == (t == DT_F16 ? 0x7c00 : 0x7f80);
    return any;
}

/* The first n of x to p in its type. Returns 1 where one has become infinite there. */
MTB_INLINE int store_some(enum dtype t, uint8_t *p, v16 x, int n)
{
    union { uint32_t w[LANES]; float f[LANES]; } wide;
    uint16_t h[LANES];
    v_store(wide.f, x);
    if (t == DT_F16)
        v_store_f16(h, x);
    else
        for (int i = 0; i < LANES; i++)
            h[i] = bf16_of(wide.w[i]);
    const void *from = t == DT_F32 ? (const void *)wide.w : h;
    memcpy(p, from, (size_t)n * (t == DT_F32 ? 4 : 2));
    return infinite(t, from, n);
}

/* ---- a panel of sixteen columns and a few rows ---- */

/* rows [i0, i0 + n) of columns [j, j + 16) */
MTB_INLINE int add_group(const struct op_low_rank_add *a, const float *panel, int i0, int n, int j)
{
    const int width = a->n_cols - j < LANES ? a->n_cols - j : LANES, r = a->r;
    const size_t size = a->dtype == DT_F32 ? 4 : 2, from_size = a->from_dtype == DT_F32 ? 4 : 2, cols = (size_t)a->n_cols;
    v16 acc[GROUP];
    int any = 0;
    for (int i = 0; i < n; i++)
        acc[i] = v_zero();
    for (int k = 0; k < r; k++) {
        const v16 x = v_load(panel + (size_t)k * LANES);
        for (int i = 0; i < n; i++)
            acc[i] = v_add(acc[i], v_mul(v_set1(a->b[(size_t)(i0 + i) * (size_t)r + (size_t)k]), x));
    }
    for (int i = 0; i < n; i++) {
        const size_t at = (size_t)(i0 + i) * cols + (size_t)j;
        v16 w = load_some(a->from_dtype, (const uint8_t *)a->from + at * from_size, width);
        if (r)
            w = v_add(w, v_mul(acc[i], v_set1(a->scale)));
        any |= store_some(a->dtype, (uint8_t *)a->rows + at * size, w, width);
    }
    return any;
}

static int add_block(const struct op_low_rank_add *a, struct rows rows)
{
    int any = 0;
    for (int j = 0; j < a->n_cols; j += LANES) {
        const float *panel = a->a + (size_t)j * (size_t)a->r;
        int i = rows.begin;
        for (; i + GROUP <= rows.end; i += GROUP)
            any |= add_group(a, panel, i, GROUP, j);
        for (; i < rows.end; i++)
            any |= add_group(a, panel, i, 1, j);
    }
    return any;
}

void MTB_K(low_rank_add)(const struct op_low_rank_add *a, struct share s)
{
    for (struct rows r; take_rows(&r, s, a->n_rows, BLOCK);)
        if (add_block(a, r))
            __atomic_store_n(a->infinite, 1, __ATOMIC_RELAXED); /* all who store here store the same; the region's end orders it */
}
