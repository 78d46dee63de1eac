/* table.c - the slots of one instruction set, filled. */
#include "kernels/cpu/slots.h"

const struct cpu_kernels MTB_K(cpu_kernels) = {
    .isa = MTB_NAME,
    .linear_bytes = MTB_K(linear_bytes),
    .linear_pack = MTB_K(linear_pack),
    .linear_scratch = MTB_K(linear_scratch),
    .linear_prepare = MTB_K(linear_prepare),
    .linear_run = MTB_K(linear_run),
    .embed = MTB_K(embed),
    .rmsnorm = MTB_K(rmsnorm),
    .add_rmsnorm = MTB_K(add_rmsnorm),
    .rope_kv = MTB_K(rope_kv),
    .attend_scratch = MTB_K(attend_scratch),
    .attend = MTB_K(attend),
    .silu_mul = MTB_K(silu_mul),
    .sample = MTB_K(sample),
};
