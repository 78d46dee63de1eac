/* isa.h - the instruction sets that kernels were built for, and which of them this machine has (room: backend). */
#ifndef MTB_ISA_H
#define MTB_ISA_H

#include "kernels/cpu/kernels.h"

/* The i-th best set of kernels that this machine can run; NULL past the last. The last one runs everywhere. */
const struct cpu_kernels *isa_at(int i);

#endif
