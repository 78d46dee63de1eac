/* pack.c - file rows into panels, at load. A row is one column of its panel, so different rows never write the same byte. */
#include "kernels/cpu/panel.h"
#include "kernels/cpu/slots.h"

#include <assert.h>

size_t MTB_K(linear_bytes)(enum dtype t, int n, int k)
{
    return (size_t)((n + PANEL - 1) / PANEL) * panel_bytes(t, k);                   /* the last panel is whole, its rest zero */
}

static void put16(uint8_t *at, int column, const uint8_t *src)
{
    memcpy(at + 2 * column, src, 2);
}

static void put_nibbles(uint8_t *at, int column, const uint8_t *q)
{
    for (int r = 0; r < 16; r++)
        at[r * PANEL + column] = q[r];                                              /* byte r holds k = r and k = r + 16, as in the file */
}

static void put32(uint8_t *at, int column, uint32_t bits)
{
    memcpy(at + 4 * column, &bits, 4);
}

typedef uint16_t u16x8 __attribute__((vector_size(16)));
typedef uint32_t u32x4 __attribute__((vector_size(16)));
typedef uint64_t u64x2 __attribute__((vector_size(16)));

/* a0 b0 a1 b1 ... of the lower halves, and of the upper ones */
#define ZIP16(lo, hi, a, b) \
    (lo = __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11), hi = __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15))
#define ZIP32(lo, hi, a, b) \
    (lo = (u16x8)__builtin_shufflevector((u32x4)(a), (u32x4)(b), 0, 4, 1, 5), \
     hi = (u16x8)__builtin_shufflevector((u32x4)(a), (u32x4)(b), 2, 6, 3, 7))
#define ZIP64(lo, hi, a, b) \
    (lo = (u16x8)__builtin_shufflevector((u64x2)(a), (u64x2)(b), 0, 2), hi = (u16x8)__builtin_shufflevector((u64x2)(a), (u64x2)(b), 1, 3))

enum { SQUARE = 8 };

/* Eight numbers of 2 bytes of each of eight rows, transposed in three rounds. */
static void pack_square(uint8_t *at, const uint8_t *row, size_t raw_row_bytes)
{
    u16x8 a[SQUARE], b[SQUARE];
    for (size_t i = 0; i < SQUARE; i++)
        memcpy(&a[i], row + i * raw_row_bytes, sizeof a[i]);
    for (int i = 0; i < 4; i++)
        ZIP16(b[2 * i], b[2 * i + 1], a[2 * i], a[2 * i + 1]);                      /* k = 0..3 of rows 2 i and 2 i + 1; k = 4..7 */
    for (int i = 0; i < 2; i++) {
        ZIP32(a[4 * i], a[4 * i + 1], b[4 * i], b[4 * i + 2]);                      /* k = 0, 1 of rows 4 i to 4 i + 3; k = 2, 3 */
        ZIP32(a[4 * i + 2], a[4 * i + 3], b[4 * i + 1], b[4 * i + 3]);              /* k = 4, 5; k = 6, 7 */
    }
    for (int i = 0; i < 4; i++)
        ZIP64(b[2 * i], b[2 * i + 1], a[i], a[i + 4]);                              /* k = 2 i, and 2 i + 1, of all rows */
    for (size_t i = 0; i < SQUARE; i++)
        memcpy(at + i * 2 * PANEL, &b[i], sizeof b[i]);
}

/* Numbers [i, end) of one row; 'size' is 2 or 4: copies of a constant size are one instruction. */
static void pack_numbers(uint8_t *panel, int column, const uint8_t *row, int i, int end, size_t size)
{
    uint8_t *at = panel + ((size_t)i * PANEL + (size_t)column) * size;
    row += (size_t)i * size;
    for (; i < end; i++, row += size, at += PANEL * size)
        if (size == 2)
            memcpy(at, row, 2);
        else
            memcpy(at, row, 4);
}

/* n rows of unquantised numbers, from this column on. Row by row each number would touch a line of the cache of its own, in a panel that
 * does not stay there: so k advances a little at a time, for all rows. */
static void pack_plain(uint8_t *panel, int column, int n, const uint8_t *row, size_t raw_row_bytes, int k, size_t size)
{
    enum { STEP = 64 };                                                             /* k: 4 or 8 kB of the panel */
    const int rows = size == 2 ? n / SQUARE * SQUARE : 0;                           /* of whole squares */
    for (int from = 0; from < k; from += STEP) {
        const int end = from + STEP < k ? from + STEP : k, edge = from + (end - from) / SQUARE * SQUARE;
        for (int r = 0; r < rows; r += SQUARE)
            for (int i = from; i < edge; i += SQUARE)
                pack_square(panel + ((size_t)i * PANEL + (size_t)(column + r)) * 2, row + (size_t)r * raw_row_bytes + (size_t)i * 2,
                            raw_row_bytes);
        for (int r = 0; r < n; r++)
            pack_numbers(panel, column + r, row + (size_t)r * raw_row_bytes, r < rows ? edge : from, end, size);
    }
}

/* One file block of 32 of a 32-block format. */
static void pack_block32(enum dtype t, uint8_t *at, int c, const uint8_t *b)
{
    bool has_min = t == DT_Q4_1 || t == DT_Q5_1, has_fifth = t == DT_Q5_0 || t == DT_Q5_1;
    put16(at, c, b);
    at += 2 * PANEL, b += 2;
    if (has_min) {
        put16(at, c, b);
        at += 2 * PANEL, b += 2;
    }
    if (t == DT_Q8_0) {
        for (int i = 0; i < 32; i++)
            at[i * PANEL + c] = b[i];
        return;
    }
    if (has_fifth) {
        uint32_t high;
        memcpy(&high, b, 4);
        put32(at + NIBBLES, c, high); /* behind the nibbles, so that these start at one place in all formats */
        b += 4;
    }
    put_nibbles(at, c, b);
}

/* Six-bit scales and mins of Q4_K and Q5_K (ggml: get_scale_min_k4). */
static void k_scales(const uint8_t *s, uint8_t sc[8], uint8_t mn[8])
{
    for (int j = 0; j < 4; j++) {
        sc[j] = s[j] & 63;
        mn[j] = s[j + 4] & 63;
        sc[j + 4] = (uint8_t)((s[j + 8] & 15) | (s[j] >> 6) << 4);                  /* low four bits there, upper two in the first bytes */
        mn[j + 4] = (uint8_t)((s[j + 8] >> 4) | (s[j + 4] >> 6) << 4);
    }
}

/* One 256-block of Q4_K (qh NULL) or Q5_K: in the file 64 k share 32 bytes, low nibbles first. */
static void pack_k45(uint8_t *at, int c, const uint8_t *b, bool fifth)
{
    uint8_t sc[8], mn[8];
    const uint8_t *qh = b + 16, *qs = b + 16 + (fifth ? 32 : 0);
    put16(at, c, b);
    put16(at + 2 * PANEL, c, b + 2);                                                /* dmin */
    k_scales(b + 4, sc, mn);
    for (int j = 0; j < 8; j++) {
        at[4 * PANEL + j * PANEL + c] = sc[j];
        at[12 * PANEL + j * PANEL + c] = mn[j];
    }
    at += KHEAD;
    for (int j = 0; j < 8; j++) {
        uint8_t q[16];
        uint32_t high = 0;
        for (int r = 0; r < 32; r++) {
            uint8_t v = (uint8_t)(qs[(j / 2) * 32 + r] >> 4 * (j & 1) & 15);        /* even runs low nibbles, odd ones high */
            q[r & 15] = r < 16 ? v : (uint8_t)(q[r & 15] | v << 4);
            high |= (uint32_t)(qh[r] >> j & 1) << r;                                /* bit j of byte r is run j's */
        }
        put_nibbles(at, c, q);
        at += NIBBLES;
        if (fifth) {
            put32(at, c, high);
            at += FIFTH;
        }
    }
}

/* One 256-block of Q6_K: per half of 128, four runs of 32 from 64 bytes of low nibbles and 32 bytes of upper bits. */
static void pack_k6(uint8_t *at, int c, const uint8_t *b)
{
    const uint8_t *ql = b, *qh = b + 128, *sc = b + 192;
    put16(at, c, b + 208);                                                          /* d is last in the file, first here */
    for (int j = 0; j < 16; j++)
        at[2 * PANEL + j * PANEL + c] = sc[j];
    at += Q6HEAD;
    for (int j = 0; j < 8; j++) {
        uint8_t q[16];
        uint32_t high[2] = { 0, 0 };
        for (int r = 0; r < 32; r++) {
            uint8_t v = (uint8_t)(ql[(j / 4) * 64 + (j & 1) * 32 + r] >> 4 * (j / 2 & 1) & 15);
            q[r & 15] = r < 16 ? v : (uint8_t)(q[r & 15] | v << 4);
            high[r / 16] |= (uint32_t)(qh[(j / 4) * 32 + r] >> 2 * (j & 3) & 3) << 2 * (r & 15);
        }
        put_nibbles(at, c, q);
        put32(at + NIBBLES, c, high[0]);
        put32(at + NIBBLES + FIFTH, c, high[1]);
        at += NIBBLES + 2 * FIFTH;
    }
}

static void pack_blocks(const struct linear *w, uint8_t *panel, int column, const uint8_t *row)
{
    const enum dtype t = w->dtype;
    const struct dtype_info *info = &dtype_info[t];
    for (int b = 0; b < linear_width(w) / info->block; b++) {
        uint8_t *at = panel + (size_t)b * panel_block_bytes(t);
        const uint8_t *block = row + (size_t)b * (size_t)info->block_bytes;
        if (t == DT_Q6_K)
            pack_k6(at, column, block);
        else if (info->block == 256)
            pack_k45(at, column, block, t == DT_Q5_K);
        else
            pack_block32(t, at, column, block);
    }
}

void MTB_K(linear_pack)(struct linear *w, const void *raw, size_t raw_row_bytes, int k0, int row0, int n_rows)
{
    assert(row0 >= 0 && row0 + n_rows <= w->n);                                     /* sizes of hostile files were checked in weights.c */
    assert((k0 - w->lead) % dtype_info[w->dtype].block == 0);                       /* of whole blocks */
    const struct dtype_info *info = &dtype_info[w->dtype];
    const size_t stride = panel_bytes(w->dtype, linear_width(w));
    const uint8_t *row = (const uint8_t *)raw + dtype_row_bytes(w->dtype, (size_t)(k0 - w->lead));
    for (int r = row0, end = row0 + n_rows, n; r < end; r += n, row += (size_t)n * raw_row_bytes) {
        uint8_t *panel = (uint8_t *)w->packed + (size_t)(r / PANEL) * stride;
        const int left = PANEL - r % PANEL;                                         /* rows of this panel */
        n = info->block > 1 ? 1 : left < end - r ? left : end - r;
        if (info->block > 1)
            pack_blocks(w, panel, r % PANEL, row);
        else
            pack_plain(panel, r % PANEL, n, row, raw_row_bytes, w->k, (size_t)info->block_bytes);
    }
}
