/* slots.h - the functions behind the slots of struct cpu_kernels, one set per instruction set. */
#ifndef MTB_SLOTS_H
#define MTB_SLOTS_H

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/simd.h"

size_t MTB_K(linear_bytes)(enum dtype t, int n, int k);
void MTB_K(linear_pack)(struct linear *w, const void *raw, size_t raw_row_bytes, int k0, int row0, int n_rows);
size_t MTB_K(linear_scratch)(int max_rows, int max_k);
size_t MTB_K(attend_scratch)(int max_rows);

#define MTB_DECLARE(op) void MTB_K(op)(const struct op_##op *a, struct share s);
MTB_EACH_OP(MTB_DECLARE)
#undef MTB_DECLARE

#endif
