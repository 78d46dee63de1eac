/* ref.h - the operations as a textbook writes them, in double (tests only). Shapes and meaning: mtbench/ops.h. */
#ifndef MTB_REF_H
#define MTB_REF_H

#include "mtbench/ops.h"

double ref_f16(uint16_t h);                            /* the number that an IEEE half stands for */
uint16_t ref_half_from_float(float x);                 /* the nearest half, ties to even; a NaN stays one, its payload does not */

/* k elements of a row in file layout to fp32. */
void ref_dequant(enum dtype t, const void *row, int k, float *y);

void ref_rmsnorm(double *out, const float *x, const float *weight, double eps, int n_rows, int dim);
/* q and k of 'qkv' rotated, (rows, width) as qkv; v as it is. */
void ref_rope(double *out, const float *qkv, const struct attn_shape *a, const struct rope *rope, const struct step *s);
void ref_attend(double *out, const float *qkv, const struct kv_view *kv, const struct attn_shape *a, const struct step *s);
void ref_silu_mul(double *h, const float *gu, int n_rows, int ff);
/* out = from + scale * b a: (n_rows, n_cols), from likewise, b (n_rows, r), a (r, n_cols). */
void ref_low_rank_add(double *out, const float *from, const float *b, const float *a, double scale, int n_rows, int n_cols, int r);
/* p[id] = probability of each token after all steps of 'how' (n_vocab); sorts, so that it shares no idea with the kernel. */
void ref_sample(double *p, const float *logits, int n_vocab, const struct sampling *how);

#endif
