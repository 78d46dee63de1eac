/* linear.c - y = W x + b for many rows: one fma chain over k per output and virtual shard, whatever the number of rows.
 * A thread takes panels of 32 columns. A piece of a panel (KC inputs) is widened to fp32 in the L1 cache once and then used by all rows, in
 * register blocks of MR rows; lanes run over columns and never over k, so row count, threads and instruction set cannot change a bit. */
#include "kernels/cpu/rows.h"
#include "kernels/cpu/slots.h"
#include "kernels/cpu/unpack.h"

#include <assert.h>

#if defined(MTB_ISA_avx512)
enum { MR = 14, NV = 2, SIDE = 4 };         /* 28 accumulators, 2 weights, 1 broadcast of 32 registers */
#elif defined(MTB_ISA_avx2)
enum { MR = 6, NV = 1, SIDE = 2 };          /* 12 + 2 + 1 of 16 registers; a panel in two halves */
#else
enum { MR = 4, NV = 1, SIDE = 2 };
#endif

enum {
    KC = 192,                     /* 24 kB of fp32 weights: half of a small L1 */
    KC_ROW = 128 / SIDE,          /* 16 kB of them, of SIDE panels */
    PASS = 112,                   /* rows that share one widening */
    LEVELS = 4,                   /* of the tree over at most 8 shards */
    MAX_SHARDS = 8
};

/* ---- rows into blocks ---- */

struct pass {
    int row0, n_rows, n_blocks;
};

static int n_passes(int n_rows)
{
    return (n_rows + PASS - 1) / PASS;
}

static struct pass pass_at(int n_rows, int i)
{
    int n = n_passes(n_rows);
    /* passes and blocks of nearly equal size: a last block of one row would cost almost as much as a full one */
    int r0 = (int)((long)n_rows * i / n), r1 = (int)((long)n_rows * (i + 1) / n);
    return (struct pass){ r0, r1 - r0, (r1 - r0 + MR - 1) / MR };
}

static int block_row(const struct pass *p, int b)
{
    return (int)((long)p->n_rows * b / p->n_blocks);
}

size_t MTB_K(linear_scratch)(int max_rows, int max_k)
{
    return (size_t)max_rows * (size_t)max_k * sizeof(float);
}

/* to [k][n] = from (n, k). */
static void transpose(float *to, const float *from, int n, int k)
{
    const size_t ldt = (size_t)n, ldf = (size_t)k;
    const int n4 = n / 4 * 4, k4 = k / 4 * 4;
    if (n == 1) {                                                                   /* a vector is its own transpose */
        memcpy(to, from, ldf * sizeof *to);
        return;
    }
    for (int j = 0; j < k4; j += 4) {
        for (int i = 0; i < n4; i += 4)
            transpose4(to + (size_t)j * ldt + i, ldt, from + (size_t)i * ldf + j, ldf);
        for (int i = n4; i < n; i++)
            for (int jj = j; jj < j + 4; jj++)
                to[(size_t)jj * ldt + (size_t)i] = from[(size_t)i * ldf + (size_t)jj];
    }
    for (int j = k4; j < k; j++)
        for (int i = 0; i < n; i++)
            to[(size_t)j * ldt + (size_t)i] = from[(size_t)i * ldf + (size_t)j];
}

/* x (n_rows, k) to blocks of up to MR rows, each [k][rows of the block]. */
static void prepare(float *blocks, const float *x, int n_rows, int k, const struct share *s)
{
    int all = 0;
    for (int i = 0; i < n_passes(n_rows); i++) {
        struct pass p = pass_at(n_rows, i);
        for (int b = 0; b < p.n_blocks; b++, all++) {
            if (all % s->n_threads != s->t)                                         /* equal work, so no tickets */
                continue;
            /* a block lies where its rows lay, so its place needs no table */
            int r0 = p.row0 + block_row(&p, b), n = p.row0 + block_row(&p, b + 1) - r0;
            transpose(blocks + (size_t)r0 * (size_t)k, x + (size_t)r0 * (size_t)k, n, k);
        }
    }
}

/* ---- the register block ---- */

/* c (R, PANEL) += x [kc][R] times w [kc][PANEL]; 'first': c starts from +0. */
MTB_INLINE void block(const int R, const float *x, const float *w, int kc, float *c, bool first)
{
    for (int j = 0; j < PANEL; j += NV * LANES) {
        v16 a[MR][NV];
#pragma GCC unroll 14
        for (int r = 0; r < R; r++)
#pragma GCC unroll 2
            for (int v = 0; v < NV; v++)
                a[r][v] = first ? v_zero() : v_load(c + r * PANEL + j + v * LANES);
        const float *xk = x, *wk = w + j;
        /* the chain: one fma per k and output, in ascending order; the accumulators are R x NV independent ones */
        for (int k = 0; k < kc; k++, xk += R, wk += PANEL) {
            v16 wv[NV];
#pragma GCC unroll 2
            for (int v = 0; v < NV; v++)
                wv[v] = v_load(wk + v * LANES);
#pragma GCC unroll 14
            for (int r = 0; r < R; r++) {
                v16 b = v_set1(xk[r]);                                              /* one broadcast serves NV fmas */
#pragma GCC unroll 2
                for (int v = 0; v < NV; v++)
                    a[r][v] = v_fma(wv[v], b, a[r][v]);
            }
        }
#pragma GCC unroll 14
        for (int r = 0; r < R; r++)
#pragma GCC unroll 2
            for (int v = 0; v < NV; v++)
                v_store(c + r * PANEL + j + v * LANES, a[r][v]);
    }
}

typedef void (*block_f)(const float *x, const float *w, int kc, float *c, bool first);
#define BLOCK(R) \
    static void block_##R(const float *x, const float *w, int kc, float *c, bool first) { block(R, x, w, kc, c, first); }
BLOCK(1) BLOCK(2) BLOCK(3) BLOCK(4)
#if !defined(MTB_ISA_plain)
BLOCK(5) BLOCK(6)
#endif
#if defined(MTB_ISA_avx512)
BLOCK(7) BLOCK(8) BLOCK(9) BLOCK(10) BLOCK(11) BLOCK(12) BLOCK(13) BLOCK(14)
#endif

static const block_f block_of[MR + 1] = {
    NULL, block_1, block_2, block_3, block_4,
#if !defined(MTB_ISA_plain)
    block_5, block_6,
#endif
#if defined(MTB_ISA_avx512)
    block_7, block_8, block_9, block_10, block_11, block_12, block_13, block_14,
#endif
};

/* Sixteen weights at 'line', as they lie in a panel of this type. */
MTB_INLINE v16 weights_at(const enum dtype t, const uint8_t *line, int half)
{
    switch (t) {
    case DT_BF16: return v_from_bits(i_shl(i_load_u16(line + 2 * LANES * half), 16));
    case DT_F16: return f16_at(line, half);
    default: return v_load((const float *)(const void *)line + LANES * half);
    }
}

/* c [p][PANEL] += x (kc) times panels of type t (F32, F16, BF16), the p-th at w + p * stride; 'first': c starts from +0. One row has two
 * chains a panel, and each must wait for its last fma: so several panels go side by side. */
MTB_INLINE void side(const int panels, const enum dtype t, const float *x, const uint8_t *w, size_t stride, int kc, float *c, bool first)
{
    const int line_bytes = PANEL * (t == DT_F32 ? 4 : 2);
    v16 a[SIDE][2];
#pragma GCC unroll 4
    for (int p = 0; p < panels; p++)
#pragma GCC unroll 2
        for (int v = 0; v < 2; v++)
            a[p][v] = first ? v_zero() : v_load(c + p * PANEL + v * LANES);
    for (int k = 0; k < kc; k++, w += line_bytes) {
        const v16 b = v_set1(x[k]);
#pragma GCC unroll 4
        for (int p = 0; p < panels; p++) {
            const uint8_t *line = w + (size_t)p * stride;
            if (t != DT_F32) /* fp32 comes from the tile, which is in the cache already */
                ahead(line);
#pragma GCC unroll 2
            for (int v = 0; v < 2; v++)
                a[p][v] = v_fma(weights_at(t, line, v), b, a[p][v]);
        }
    }
#pragma GCC unroll 4
    for (int p = 0; p < panels; p++)
#pragma GCC unroll 2
        for (int v = 0; v < 2; v++)
            v_store(c + p * PANEL + v * LANES, a[p][v]);
}

#define SIDE_BY_SIDE(name, t) \
    static void name(int panels, const float *x, const uint8_t *w, size_t stride, int kc, float *c, bool first) \
    { \
        if (panels == SIDE) \
            side(SIDE, t, x, w, stride, kc, c, first); \
        else \
            for (int p = 0; p < panels; p++) \
                side(1, t, x, w + (size_t)p * stride, stride, kc, c + p * PANEL, first); \
    }
SIDE_BY_SIDE(side_f32, DT_F32)
SIDE_BY_SIDE(side_f16, DT_F16)
SIDE_BY_SIDE(side_bf16, DT_BF16)

/* ---- a panel, or with one row up to SIDE of them ---- */

struct tile {
    _Alignas(64) float w[KC * PANEL];
    _Alignas(64) float c[LEVELS][PASS * PANEL];      /* c[l]: a finished subtree of 2^l shards; the tree's left operand */
    _Alignas(64) float sum[PASS * PANEL];            /* the shard that is being added up */
};

/* Neighbouring panels of a matrix and rows of x: one of the two is one. */
struct work {
    const struct linear *w;
    const uint8_t *panel;
    int n_panels;
    const float *x;
    struct pass p;
};

/* One shard, k [k0, k1): the panel for all rows of the pass, into t->sum [row][PANEL]. */
static void shard_sum(struct tile *t, const struct work *a, int k0, int k1)
{
    for (int k = k0; k < k1; k += KC) {
        int kc = k1 - k < KC ? k1 - k : KC;
        unpack(a->w->dtype, a->panel, a->w->lead + k, kc, t->w);                                 /* once for all rows of the pass */
        for (int b = 0; b < a->p.n_blocks; b++) {
            int r0 = block_row(&a->p, b), n = block_row(&a->p, b + 1) - r0;
            const float *x = a->x + (size_t)(a->p.row0 + r0) * (size_t)a->w->k + (size_t)k * (size_t)n;
            block_of[n](x, t->w, kc, t->sum + r0 * PANEL, k == k0);                 /* the sum goes on where the last piece left it */
        }
    }
}

/* The same for the panels of one row, into t->sum [panel][PANEL]. 16-bit weights are widened on their way into the fma: a pass through the
 * cache would cost one row more than the products do. */
static void shard_sum_row(struct tile *t, const struct work *a, int k0, int k1)
{
    const enum dtype type = a->w->dtype;
    const size_t stride = panel_bytes(type, linear_width(a->w)), tile_stride = sizeof(float) * KC_ROW * PANEL;
    if (type == DT_BF16 || type == DT_F16) {
        (type == DT_BF16 ? side_bf16 : side_f16)(a->n_panels, a->x + k0, a->panel + (size_t)k0 * 2 * PANEL, stride, k1 - k0, t->sum, true);
        return;
    }
    for (int k = k0; k < k1; k += KC_ROW) {
        int kc = k1 - k < KC_ROW ? k1 - k : KC_ROW;
        for (int p = 0; p < a->n_panels; p++)
            unpack(type, a->panel + (size_t)p * stride, a->w->lead + k, kc, t->w + p * KC_ROW * PANEL);
        side_f32(a->n_panels, a->x + k, (const uint8_t *)t->w, tile_stride, kc, t->sum, k == k0);
    }
}

static void add_tile(float *sum, const float *left, int n)
{
    for (int i = 0; i < n; i += LANES)
        v_store(sum + i, v_add(v_load(left + i), v_load(sum + i)));
}

/* All shards, added by the balanced tree: shard s closes one subtree per trailing one of s, like a binary counter. */
static void panel_sum(struct tile *t, const struct work *a)
{
    const int per = a->w->k / a->w->n_shards, floats = a->p.n_rows * a->n_panels * PANEL;
    for (int s = 0; s < a->w->n_shards; s++) {
        if (a->p.n_rows == 1)
            shard_sum_row(t, a, s * per, (s + 1) * per);
        else
            shard_sum(t, a, s * per, (s + 1) * per);
        /* levels of finished subtrees are the bits of s; what is left in t->sum at the end is the root */
        int level = 0;
        for (; s >> level & 1; level++)
            add_tile(t->sum, t->c[level], floats);
        if (s + 1 < a->w->n_shards)                                                 /* the last one closes the tree */
            memcpy(t->c[level], t->sum, (size_t)floats * sizeof(float));
    }
}

/* sum (n_rows, PANEL) to columns from 'column' on of rows from 'row0' on. */
static void store_panel(const float *sum, const struct linear_out *o, int column, int row0, int n_rows)
{
    const float *bias = o->w->bias;
    const size_t ld = (size_t)(o->sum ? o->w->n : o->ldy);
    float *to = o->sum ? o->sum : o->y;
    int n = o->w->n - column < PANEL ? o->w->n - column : PANEL;                    /* columns beyond n are zeros of the packing */
    for (int r = 0; r < n_rows; r++) {
        const float *c = sum + r * PANEL;
        float *y = to + (size_t)(row0 + r) * ld + column;
        if (!bias)
            memcpy(y, c, (size_t)n * sizeof *y);
        else
            for (int j = 0; j < n; j++)
                y[j] = c[j] + bias[column + j];                                     /* last, behind the tree */
    }
}

static void do_panels(const struct linear_out *o, int panel, int n, const float *x, int n_rows)
{
    struct tile t; /* 24 kB of weights, 70 kB of sums: on the stack, near its thread */
    const size_t at = (size_t)panel * panel_bytes(o->w->dtype, linear_width(o->w));
    struct work a = { .w = o->w, .panel = (const uint8_t *)o->w->packed + at, .n_panels = n, .x = x };
    for (int i = 0; i < n_passes(n_rows); i++) {
        a.p = pass_at(n_rows, i);
        panel_sum(&t, &a);
        for (int p = 0; p < n; p++)
            store_panel(t.sum + p * PANEL, o, (panel + p) * PANEL, a.p.row0, a.p.n_rows);
    }
}

static int n_panels(const struct linear *w)
{
    return (w->n + PANEL - 1) / PANEL;
}

/* All products, with x in blocks as prepare() left it. */
static void run(const struct op_linear *a, const float *blocks, struct share s)
{
    int total = 0;
    struct rows r;
    for (int i = 0; i < a->n_out; i++)
        total += n_panels(a->out[i].w);
    /* eight tickets a thread: fine enough to even out, coarse enough to stream */
    const int side_most = a->n_rows == 1 ? SIDE : 1, each = total / (s.n_threads * 8);
    while (take_rows(&r, s, total, each < side_most ? side_most : each)) {
        for (int p = r.begin, n; p < r.end; p += n) {
            int i = 0, local = p;
            while (local >= n_panels(a->out[i].w))                                  /* which matrix of the op */
                local -= n_panels(a->out[i++].w);
            /* side by side only within one matrix: strides and types differ */
            const int left = r.end - p, here = n_panels(a->out[i].w) - local;
            n = left < here ? left : here;
            n = n < side_most ? n : side_most;
            do_panels(&a->out[i], local, n, blocks, a->n_rows);
        }
    }
}

void MTB_K(linear)(const struct op_linear *a, struct share s)
{
    const int k = a->out[0].w->k;
    assert(MTB_K(linear_scratch)(a->n_rows, k) <= s.all.bytes);
    prepare(s.all.at, a->x, a->n_rows, k, &s);
    s.meet(s.with);                             /* a panel reads the blocks of all threads */
    run(a, s.all.at, s);
}

/* ---- rows of the embedding: columns of panels ---- */

void MTB_K(embed)(const struct op_embed *a, struct share s)
{
    const struct linear *w = a->w;
    _Alignas(64) float wide[32 * PANEL];
    struct rows r;
    while (take_rows(&r, s, a->step->n_rows, 4)) {
        for (int i = r.begin; i < r.end; i++) {
            const int token = a->step->token[i];
            assert(token >= 0 && token < w->n); /* the engine has checked prompts; samples are in range */
            const uint8_t *panel = (const uint8_t *)w->packed + (size_t)(token / PANEL) * panel_bytes(w->dtype, w->k);
            for (int k = 0; k < w->k; k += 32) {
                int n = w->k - k < 32 ? w->k - k : 32;                              /* less only in unquantised rows */
                unpack(w->dtype, panel, k, n, wide);
                for (int j = 0; j < n; j++)
                    a->x[(size_t)i * (size_t)w->k + (size_t)(k + j)] = wide[j * PANEL + token % PANEL];
            }
        }
    }
}
