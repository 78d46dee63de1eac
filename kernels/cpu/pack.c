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

static void pack_plain(uint8_t *panel, int column, const uint8_t *row, int k, size_t size)
{
    for (int i = 0; i < k; i++)
        memcpy(panel + ((size_t)i * PANEL + (size_t)column) * size, row + (size_t)i * size, size);
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

static void pack_row(const struct linear *w, uint8_t *panel, int column, const uint8_t *row)
{
    const enum dtype t = w->dtype;
    const struct dtype_info *info = &dtype_info[t];
    if (info->block == 1) {
        pack_plain(panel, column, row, w->k, (size_t)info->block_bytes);
        return;
    }
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
    const size_t stride = panel_bytes(w->dtype, linear_width(w));
    const uint8_t *row = (const uint8_t *)raw + dtype_row_bytes(w->dtype, (size_t)(k0 - w->lead));
    for (int r = row0; r < row0 + n_rows; r++, row += raw_row_bytes)
        pack_row(w, (uint8_t *)w->packed + (size_t)(r / PANEL) * stride, r % PANEL, row);
}
