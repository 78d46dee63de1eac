/* operand.cuh - writing what a product reads: two neighbours at a time, rounded once. */
#ifndef MTB_CUDA_OPERAND_H
#define MTB_CUDA_OPERAND_H

#include "layout.h"
#include "simt.h"

template <bool HALF> K_DEVICE uint32_t k_pair(float lo, float hi)
{
    return HALF ? k_f16x2(lo, hi) : k_bf16x2(lo, hi);
}

/* Columns col (even) and col + 1 of a row. */
K_DEVICE void k_store_pair(void *operand, int row, int col, int n_rows, uint32_t pair)
{
    *reinterpret_cast<uint32_t *>(static_cast<uint16_t *>(operand) + operand_at(row, col, n_rows)) = pair;
}

#endif
