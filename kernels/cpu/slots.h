/* slots.h - the functions behind the slots of struct cpu_kernels, one set per instruction set. */
#ifndef MTB_SLOTS_H
#define MTB_SLOTS_H

#include "kernels/cpu/kernels.h"
#include "kernels/cpu/simd.h"

size_t MTB_K(linear_bytes)(enum dtype t, int n, int k);
void MTB_K(linear_pack)(struct linear *w, const void *raw, int row0, int n_rows);
size_t MTB_K(linear_scratch)(int max_rows, int max_k, int n_threads);
void MTB_K(linear_prepare)(void *scratch, const float *x, int n_rows, int k, struct share s);
void MTB_K(linear_run)(const struct linear_out *out, int n_out, const void *scratch, int n_rows, struct share s);
void MTB_K(embed)(float *x, const struct linear *w, const int32_t *token, int n_rows, struct share s);
void MTB_K(rmsnorm)(float *out, const float *x, const float *weight, float eps, int n_rows, int dim, struct share s);
void MTB_K(add_rmsnorm)(float *out, float *x, const float *y, const float *weight, float eps, int n_rows, int dim, struct share s);
void MTB_K(rope_kv)(float *qkv, const struct kv_view *kv, const struct attn_shape *a, const struct rope *rope, const struct step *st,
                    struct share s);
size_t MTB_K(attend_scratch)(int max_rows, int heads_dim, int n_threads);
void MTB_K(attend)(float *out, const float *qkv, const struct kv_view *kv, const struct attn_shape *a, const struct step *st, void *scratch,
                   struct share s);
void MTB_K(silu_mul)(float *h, const float *gu, int n_rows, int ff, struct share s);
void MTB_K(sample)(int32_t *token, float *logits, int n, int n_vocab, const struct sampling *how, struct share s);

#endif
