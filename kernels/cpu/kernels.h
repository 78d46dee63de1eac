/* kernels.h - what an instruction set offers: one table, filled once per instruction set from the same sources.
 * A kernel does share 't' of 'n_threads' of its work; the caller starts all shares at once and waits for them. 'ticket' is a
 * counter that the caller has set to 0, for kernels that hand out work dynamically. */
#ifndef MTB_KERNELS_H
#define MTB_KERNELS_H

#include "mtbench/ops.h"

#include <stdatomic.h>

struct share {
    int t, n_threads;
    atomic_int *ticket;
};

struct cpu_kernels {
    const char *isa;

    /* linear.c */
    size_t (*linear_bytes)(enum dtype t, int n, int k);
    void (*linear_pack)(struct linear *w, const void *raw, int row0, int n_rows);                     /* one thread */
    size_t (*linear_scratch)(int max_rows, int max_k, int n_threads);                                 /* bytes */
    /* Phase 1: bring x (n_rows, k) into the scratch. All threads, then a barrier. Phase 2: the products. */
    void (*linear_prepare)(void *scratch, const float *x, int n_rows, int k, struct share s);
    void (*linear_run)(const struct linear_out *out, int n_out, const void *scratch, int n_rows, struct share s);
    void (*embed)(float *x, const struct linear *w, const int32_t *token, int n_rows, struct share s);

    /* norm.c, rope.c, attend.c, glu.c, sample.c */
    void (*rmsnorm)(float *out, const float *x, const float *weight, float eps, int n_rows, int dim, struct share s);
    void (*add_rmsnorm)(float *out, float *x, const float *y, const float *weight, float eps, int n_rows, int dim, struct share s);
    void (*rope_kv)(float *qkv, const struct kv_view *kv, const struct attn_shape *a, const struct rope *rope, const struct step *st,
                    struct share s);
    size_t (*attend_scratch)(int max_rows, int heads_dim, int n_threads);                             /* bytes */
    void (*attend)(float *out, const float *qkv, const struct kv_view *kv, const struct attn_shape *a, const struct step *st, void *scratch,
                   struct share s);
    void (*silu_mul)(float *h, const float *gu, int n_rows, int ff, struct share s);
    void (*sample)(int32_t *token, float *logits, int n, int n_vocab, const struct sampling *how, struct share s);
};

extern const struct cpu_kernels cpu_kernels_avx512, cpu_kernels_avx2, cpu_kernels_plain;

#endif
