/* lowrank.c - the product of two thin matrices added to rows of weights, which keep their type.
 * Columns are the lanes and k is a loop within them, so that each element is a sum in one order whatever the width of the machine. A
 * product and a sum are two roundings, as an fma is slow where the machine has none. */
#include "kernels/cpu/rows.h"
#include "kernels/cpu/slots.h"
#include "kernels/cpu/unpack.h"

/* Rows of a ticket; rows whose sums are in registers together; bytes of panels that stay in L2 while a ticket's rows pass. */
enum { BLOCK = 64, GROUP = 4, TILE = 128 << 10 };

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

/* Integers beside the lanes, in the compiler's own vectors, which it cuts into the machine's. */
typedef uint32_t u32x16 __attribute__((vector_size(64)));
typedef uint16_t u16x16 __attribute__((vector_size(32)));

union numbers {
    float f[LANES];
    u32x16 wide;
    u16x16 half;
};

/* Sixteen fp32 in their upper halves, to nearest, ties to even; a NaN stays one. */
MTB_INLINE void to_bf16(union numbers *x)
{
    const u32x16 bits = x->wide, near = (bits + 0x7fff + (bits >> 16 & 1)) >> 16, quiet = bits >> 16 | 0x40;
    const u32x16 nan = (u32x16)((bits & 0x7fffffff) > 0x7f800000);
    x->half = __builtin_convertvector((quiet & nan) | (near & ~nan), u16x16);
}

/* Is there an infinite number among them? NaN is none. */
MTB_INLINE int infinite(enum dtype t, const union numbers *x)
{
    union { u32x16 wide; u16x16 half; uint64_t word[8]; } is = { 0 };
    uint64_t any = 0;
    if (t == DT_F32)
        is.wide = (u32x16)((x->wide & 0x7fffffff) == 0x7f800000);
    else
        is.half = (u16x16)((x->half & 0x7fff) == (uint16_t)(t == DT_F16 ? 0x7c00 : 0x7f80));
    for (int i = 0; i < (t == DT_F32 ? 8 : 4); i++)
        any |= is.word[i];
    return any != 0;
}

/* The first n of y to p in their type. Returns 1 where one of all is infinite there; lanes behind n hold 0. */
MTB_INLINE int store_some(enum dtype t, uint8_t *p, v16 y, int n)
{
    union numbers x;
    v_store(x.f, y);
    if (t == DT_F16)
        v_store_f16((uint16_t *)&x, y);
    else if (t == DT_BF16)
        to_bf16(&x);
    if (n == LANES)                   /* a copy of a size that the compiler knows */
        memcpy(p, &x, t == DT_F32 ? 64 : 32);
    else
        memcpy(p, &x, (size_t)n * (t == DT_F32 ? 4 : 2));
    return infinite(t, &x);
}

/* ---- a panel of sixteen columns and a few rows ---- */

/* rows [i0, i0 + n) of columns [j, j + width) */
MTB_INLINE int add_group(const struct op_low_rank_add *a, int i0, int n, int j, int width)
{
    const float *panel = a->a + (size_t)j * (size_t)a->r;
    const int r = a->r;
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

/* The same of columns [j0, j1), panel by panel, so that the rows pass as streams. */
MTB_INLINE int add_columns(const struct op_low_rank_add *a, int i0, int n, int j0, int j1)
{
    int any = 0, j = j0;
    for (; j + LANES <= j1; j += LANES)
        any |= add_group(a, i0, n, j, LANES);
    if (j < j1)
        any |= add_group(a, i0, n, j, j1 - j);
    return any;
}

static int add_block(const struct op_low_rank_add *a, struct rows rows)
{
    const int fit = TILE / (LANES * (int)sizeof(float)) / (a->r ? a->r : 1), tile = LANES * (fit > 0 ? fit : 1);
    int any = 0;
    for (int j = 0; j < a->n_cols; j += tile) {
        const int end = a->n_cols - j < tile ? a->n_cols : j + tile;
        int i = rows.begin;
        for (; i + GROUP <= rows.end; i += GROUP)
            any |= add_columns(a, i, GROUP, j, end);
        for (; i < rows.end; i++)
            any |= add_columns(a, i, 1, j, end);
    }
    return any;
}

void MTB_K(low_rank_add)(const struct op_low_rank_add *a, struct share s)
{
    for (struct rows r; take_rows(&r, s, a->n_rows, BLOCK);)
        if (add_block(a, r))
            __atomic_store_n(a->infinite, 1, __ATOMIC_RELAXED); /* all who store here store the same; the region's end orders it */
}
