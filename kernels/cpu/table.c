/* table.c - the slots of one instruction set, filled. */
#include "kernels/cpu/slots.h"

const struct cpu_kernels MTB_K(cpu_kernels) = {
    .isa = MTB_NAME,
    .rmsnorm = MTB_K(rmsnorm),
    .add_rmsnorm = MTB_K(add_rmsnorm),
    .rope_kv = MTB_K(rope_kv),
    .attend_scratch = MTB_K(attend_scratch),
    .attend = MTB_K(attend),
    .silu_mul = MTB_K(silu_mul),
    .sample = MTB_K(sample),
};
