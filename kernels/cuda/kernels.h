/* kernels.h - what the CUDA executor starts: one launcher per op, C on both sides. A launcher puts the kernels of one op behind what is
 * in the stream and returns CUDA's error code of that (0: none); it allocates nothing and waits for nothing. Arguments are those of
 * ops.h, but for the step, whose arrays lie in device memory in struct k_step. */
#ifndef MTB_CUDA_KERNELS_H
#define MTB_CUDA_KERNELS_H

#include "mtbench/ops.h"

#ifdef __cplusplus
extern "C" {
#endif

/* struct sampling as a kernel wants it. */
struct k_draw {
    float temperature, top_p, min_p, repetition_penalty;
    int top_k;
    float u;                          /* the uniform number of this draw */
    const uint64_t *seen;             /* device memory; NULL: no penalty */
};

struct k_run {
    int first_row, n_rows, pos;
    int page;                         /* where its page table begins in k_step.page */
};

/* A step in device memory; the fields of struct step, and what every row wants to know of itself. */
struct k_step {
    int n_rows, n_out;
    const int32_t *token;             /* (n_rows) */
    const int32_t *row_run;           /* (n_rows) its run */
    const struct k_run *run;
    const int32_t *page;              /* page tables, one behind the other */
    const int32_t *out_row;           /* (n_out) */
    const struct k_draw *draw;        /* (n_out) */
};

struct k_at {
    struct CUstream_st *stream;
    struct k_step step;
    bool half;                        /* weights and operands are f16, else bf16 */
    bool plain;                       /* weights lie as plain rows, for a library's products, else in tiles */
};

#define MTB_LAUNCHER(op) int k_##op(const struct op_##op *a, const struct k_at *at);
MTB_LAUNCHER(embed) MTB_LAUNCHER(rmsnorm) MTB_LAUNCHER(add_rmsnorm) MTB_LAUNCHER(linear) MTB_LAUNCHER(rope_kv) MTB_LAUNCHER(attend)
MTB_LAUNCHER(silu_mul) MTB_LAUNCHER(gather_rows) MTB_LAUNCHER(sample)
#undef MTB_LAUNCHER

/* Rows [row0, row0 + n_rows) of w from 'raw', device memory that holds inputs [-w->lead, w->k) of each, every raw_row_bytes. */
int k_pack(const struct linear *w, const void *raw, size_t raw_row_bytes, int row0, int n_rows, const struct k_at *at);
/* Packed f16 weights to bf16, in place. */
int k_narrow(void *packed, size_t n, const struct k_at *at);
/* Is there code for the current device in this program? */
int k_probe(void);

/* For products by a library. Plain rows of k inputs, or outputs, follow each other every pad32(k), or ld, elements.
 * to (n_to, k): rows [row0, row0 + n) of an operand of n_rows, then zeros. */
int k_plain_rows(void *to, int n_to, const void *operand, int row0, int n, int n_rows, int k, const struct k_at *at);
/* y (n_rows, n) is what a product left in 'from', and the bias, if there is one. */
int k_plain_out(float *y, int ldy, const float *from, int ld, int n_rows, const float *bias, int n, const struct k_at *at);
/* to (n, k): row r is number (first + r) % period of random rows in [-1, 1), the same for the same seed. */
int k_plain_noise(void *to, int n, int k, int first, int period, uint32_t seed, const struct k_at *at);
/* *count += numbers of rows (n, ld) whose bits are not those of row r % period of 'alone' (period, ld). */
int k_plain_differ(int32_t *count, const float *rows, int n, const float *alone, int ld, int period, const struct k_at *at);

#ifdef __cplusplus
}
#endif

#endif
