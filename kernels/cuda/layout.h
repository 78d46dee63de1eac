/* layout.h - how weights, operands and the KV cache lie in device memory (rooms: kernels/cuda and its host side; C and CUDA).
 *
 * All three are made of the fragments of mma.m16n8k16 (simt.h), so that a product loads 16 bytes a lane and rearranges nothing. Within
 * 32 inputs the lane t of a quad wants k = 2t, 2t+1, 2t+8, 2t+9, .., 2t+24, 2t+25: slot_of() puts those side by side.
 *
 *   weights   [n/16][k/16][lane][8]                 16 x 16 tiles, each the A fragment of a step
 *   operand   [k/32][rows up to a multiple of 8][32 slots]
 *   K         [head_dim/32][64 positions][32 slots]        B fragments: k is the dimension
 *   V         [2][head_dim][32 slots]                      B fragments: k is the position
 *
 * What is beyond n, k, the rows and head_dim is zero: 0 adds nothing, and 0 times what nobody wrote might be NaN. K and V of a (page,
 * layer, KV head) are one piece, K first. */
#ifndef MTB_CUDA_LAYOUT_H
#define MTB_CUDA_LAYOUT_H

#include "mtbench/ops.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __CUDACC__
#define MTB_BOTH static __host__ __device__ __forceinline__
#else
#define MTB_BOTH static inline
#endif

MTB_BOTH int pad8(int n) { return (n + 7) / 8 * 8; }
MTB_BOTH int pad16(int n) { return (n + 15) / 16 * 16; }
MTB_BOTH int pad32(int n) { return (n + 31) / 32 * 32; }

/* Element i of 32. */
MTB_BOTH int slot_of(int i) { return i % 8 / 2 * 8 + i / 8 * 2 + i % 2; }

/* 16-bit elements from the beginning: weight (n, k) of a matrix with k inputs. */
MTB_BOTH size_t weight_at(int row, int col, int k)
{
    const int r = row % 16, c = col % 16, lane = r % 8 * 4 + c % 8 / 2;
    return ((size_t)(row / 16) * (size_t)(pad32(k) / 16) + (size_t)(col / 16)) * 256 + (size_t)(lane * 8 + (c / 8 * 2 + r / 8) * 2 + c % 2);
}

/* The same where weights lie as plain rows (k_at.plain), which a library's product reads. */
MTB_BOTH size_t weight_in(bool plain, int row, int col, int k)
{
    return plain ? (size_t)row * (size_t)pad32(k) + (size_t)col : weight_at(row, col, k);
}

MTB_BOTH size_t operand_at(int row, int col, int n_rows)
{
    return ((size_t)(col / 32) * (size_t)pad8(n_rows) + (size_t)row) * 32 + (size_t)slot_of(col % 32);
}

MTB_BOTH size_t kv_head_halves(int head_dim) { return (size_t)KV_PAGE * (size_t)(pad32(head_dim) + head_dim); }

MTB_BOTH size_t kv_head_at(const struct kv_view *kv, int page, int layer, int head)
{
    return (((size_t)page * (size_t)kv->n_layers + (size_t)layer) * (size_t)kv->n_kv + (size_t)head) * kv_head_halves(kv->head_dim);
}

/* Within a head: dimension d of the key, of the value, of position 'at' of the page. */
MTB_BOTH size_t key_at(int at, int d) { return (size_t)(d / 32 * KV_PAGE + at) * 32 + (size_t)slot_of(d % 32); }
MTB_BOTH size_t value_at(int at, int d, int head_dim)
{
    return (size_t)KV_PAGE * (size_t)pad32(head_dim) + (size_t)(at / 32 * head_dim + d) * 32 + (size_t)slot_of(at % 32);
}

/* Chains of a product (the order of its sum): the largest of 8, 4, 2, 1 that leaves each a multiple of 32 inputs. */
MTB_BOTH int chains_of(int k)
{
    const int steps = pad32(k) / 32;
    return steps % 8 == 0 ? 8 : steps % 4 == 0 ? 4 : steps % 2 == 0 ? 2 : 1;
}

/* Those of a matrix: a slice of columns has its part of the whole one's, and the tree over the members' sums is the rest of the tree. */
static inline int chains_in(const struct linear *w)
{
    return w->k_whole ? chains_of(w->k_whole) * w->k / w->k_whole : chains_of(w->k);
}

#endif
