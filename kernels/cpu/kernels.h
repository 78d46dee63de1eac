/* kernels.h - what an instruction set offers: one table, filled once per instruction set from the same sources.
 * A kernel does its share of an op (mtbench/ops.h); the caller starts all shares at once and waits for them. */
#ifndef MTB_KERNELS_H
#define MTB_KERNELS_H

#include "mtbench/ops.h"

#include <stdatomic.h>

/* The KV cache of the CPU: a page has its layers one behind the other, a layer its KV heads, a head K as [head_dim][KV_PAGE] and behind it
 * V as [KV_PAGE][head_dim], all fp16. */
static inline uint16_t *cpu_kv_head(const struct kv_view *kv, int page, int layer, int head)
{
    const size_t index = ((size_t)page * (size_t)kv->n_layers + (size_t)layer) * (size_t)kv->n_kv + (size_t)head;
    return (uint16_t *)kv->base + index * 2 * KV_PAGE * (size_t)kv->head_dim;
}

static inline size_t cpu_kv_page_bytes(int n_layers, int n_kv, int head_dim)
{
    return (size_t)n_layers * (size_t)n_kv * 2 * KV_PAGE * (size_t)head_dim * sizeof(uint16_t);
}

struct scratch {
    void *at;                         /* page-aligned */
    size_t bytes;
};

/* One thread's part in an op. */
struct share {
    int t, n_threads;
    atomic_int *ticket;               /* 0 when the op begins: for kernels that hand out work as threads come for it */
    struct scratch all;               /* one piece of memory for all threads */
    struct scratch own;               /* this thread's alone */
    void (*meet)(void *with);         /* waits until every thread of the op has come here */
    void *with;
};

struct cpu_kernels {
    const char *isa;

    size_t (*linear_bytes)(enum dtype t, int n, int k);
    /* As ops.h has it; one thread. */
    void (*linear_pack)(struct linear *w, const void *raw, size_t raw_row_bytes, int k0, int row0, int n_rows);
    size_t (*linear_scratch)(int max_rows, int max_k);                                  /* bytes of 'all' that linear wants */
    size_t (*attend_scratch)(int max_rows);                                             /* bytes of 'own' that attend wants */

    /* void (*rmsnorm)(const struct op_rmsnorm *a, struct share s), and so on */
#define MTB_KERNEL(op) void (*op)(const struct op_##op *a, struct share s);
    MTB_EACH_OP(MTB_KERNEL)
#undef MTB_KERNEL
};

extern const struct cpu_kernels cpu_kernels_avx512, cpu_kernels_avx2, cpu_kernels_plain;

#endif
