/* table.c - the slots of one instruction set, filled. */
#include "kernels/cpu/slots.h"

#define FILL(op) .op = MTB_K(op),

const struct cpu_kernels MTB_K(cpu_kernels) = {
    .isa = MTB_NAME,
    .linear_bytes = MTB_K(linear_bytes),
    .linear_pack = MTB_K(linear_pack),
    .linear_scratch = MTB_K(linear_scratch),
    .attend_scratch = MTB_K(attend_scratch),
    MTB_EACH_OP(FILL)
};
