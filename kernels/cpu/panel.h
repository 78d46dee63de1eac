/* panel.h - how packed weights lie in memory: panels of 32 output columns, k-major, the same bytes for every instruction set.
 *
 * F32          [k][32] float
 * F16, BF16    [k][32] 16 bits
 * others       blocks of 32 k (each file block, or an eighth of a 256-block) of one panel lie together, so that a panel streams:
 *   Q8_0       d f16[32] | q int8[32 k][32]
 *   Q4_0       d f16[32] | nibbles u8[16][32]                  low nibble: k = r, high nibble: k = r + 16
 *   Q4_1       d f16[32] | m f16[32] | nibbles
 *   Q5_0       d f16[32] | nibbles | fifth bit u32[32]          bit k of column j
 *   Q5_1       d f16[32] | m f16[32] | nibbles | fifth bit
 *   Q4_K       per 256: d f16[32] | dmin f16[32] | sc u8[8][32] | min u8[8][32] | 8 x nibbles
 *   Q5_K       per 256: the same head | 8 x (nibbles | fifth bit)
 *   Q6_K       per 256: d f16[32] | sc int8[16][32] | 8 x (nibbles | upper two bits u32[2][32])
 * Quantised weights take the bytes that they take in the file, but for the 6-bit scales of Q4_K and Q5_K, which take 8 bits (3 % more).
 * Columns beyond n are zero. */
#ifndef MTB_PANEL_H
#define MTB_PANEL_H

#include "mtbench/dtype.h"

#include <stddef.h>

enum { PANEL = 32, NIBBLES = 16 * PANEL, FIFTH = 4 * PANEL, KHEAD = 2 * 2 * PANEL + 2 * 8 * PANEL, Q6HEAD = 2 * PANEL + 16 * PANEL };

/* Bytes of one block of one panel. */
static inline size_t panel_block_bytes(enum dtype t)
{
    return PANEL * ((size_t)dtype_info[t].block_bytes + (t == DT_Q4_K || t == DT_Q5_K ? 4 : 0));
}

/* Bytes of one panel of k inputs. */
static inline size_t panel_bytes(enum dtype t, int k)
{
    return (size_t)(k / dtype_info[t].block) * panel_block_bytes(t);
}

#endif
