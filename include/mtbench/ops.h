/* ops.h - the narrow waist between the model and its executors (room: backend).
 *
 * A backend fills one 'struct ops'. Buffers are pointers that only the backend may follow (device memory on a GPU).
 * Rows are tokens: a step is a set of rows, each with its sequence and position; prefill is decode with more rows (R1).
 * The order of summation is part of every contract here and never depends on the number of rows, threads, or on the
 * instruction set: a row's result is a function of that row, the weights and the KV pages of its own sequence.
 *
 *   fma chain     acc = fma(a_k, b_k, acc) for k ascending, starting from +0, in fp32
 *   lane sum      16 lanes, element i goes to lane i % 16 in ascending order, then the tree (j, j+8), (j, j+4), (j, j+2), (0, 1)
 *   exp, silu     mtb_exp of kernels/cpu/vmath.h: fma, mul and add only, so that every instruction set gives the same bits
 *
 * An op is a struct of its arguments and nothing else: 'struct op_rmsnorm' and what is written above it are all there is to know about
 * rmsnorm. MTB_EACH_OP lists them; executors, kernel tables and wrappers around executors are made from that list, so a signature is
 * typed here and nowhere else.
 *
 * No op allocates, blocks on anything but its own threads, or fails once its arguments are valid (asserted). */
#ifndef MTB_OPS_H
#define MTB_OPS_H

#include "mtbench/dtype.h"
#include "mtbench/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct backend;                       /* a backend's own state: threads, streams, scratch */

enum { KV_PAGE = 64 };                /* positions in one page of the KV cache */

/* A weight matrix W (n, k). What it stands for is the fp32 matrix of its dequantised values: a product with Q4_1 weights has
 * the bits of the product with those weights written out as F32. Dequantised value: d*q (+ m) with exact factors and one
 * rounding, as the GGUF reference in gguf-py computes it. */
struct linear {
    enum dtype dtype;
    int n, k;                         /* outputs, inputs */
    int n_shards;                     /* virtual K shards (R2): 1, 2, 4 or 8; k / n_shards is a multiple of 32 if > 1 */
    void *packed;                     /* linear_bytes() of backend memory, 64-byte aligned, in the backend's own layout */
    const float *bias;                /* (n) backend memory, or NULL */
};

/* Rows of one sequence in a step: consecutive rows at consecutive positions. */
struct seq_run {
    int first_row, n_rows;
    int pos;                          /* position of the first row */
    const int32_t *page;              /* page table: position p lies in page[p / KV_PAGE] (host memory) */
};

struct step {
    int n_rows;
    const int32_t *token;             /* (n_rows) host memory */
    int n_runs;
    const struct seq_run *run;        /* cover all rows, ascending, no gaps */
};

/* The KV cache, fp16. Page-major, so that a page is one contiguous piece:
 * byte offset of (page, layer, kv head) = ((page * n_layers + layer) * n_kv + head) * 2 * KV_PAGE * head_dim * 2;
 * there K lies as [head_dim][KV_PAGE] and behind it V as [KV_PAGE][head_dim]. */
struct kv_view {
    void *base;
    int n_layers, n_kv, head_dim;
};

static inline size_t kv_page_bytes(int n_layers, int n_kv, int head_dim)
{
    return (size_t)n_layers * (size_t)n_kv * 2 * KV_PAGE * (size_t)head_dim * sizeof(uint16_t);
}

struct attn_shape {
    int n_heads, n_kv, head_dim;      /* head_dim is a multiple of 16, at most 256; n_heads is a multiple of n_kv */
    int layer;
    int window;                       /* a row at position p sees p-window+1 .. p; 0: everything */
    float scale;                      /* multiplies q.k */
};

struct rope {
    const float *table;               /* backend memory: [position][dims/2] of (cos, sin) */
    int dims;                         /* rotated dimensions of a head, even, <= head_dim; element i pairs with i + dims/2 */
};

/* How the next token of one row is drawn. Order of the steps as in Hugging Face generate(): repetition penalty, temperature,
 * top-k, top-p, min-p. temperature < 1e-4: greedy (ties: lowest id), the rest but the penalty ignored. */
struct sampling {
    float temperature;
    int top_k;                        /* 0: off */
    float top_p;                      /* >= 1: off */
    float min_p;                      /* 0: off */
    float repetition_penalty;         /* 1: off */
    const uint64_t *seen;             /* bit set over the vocabulary for the penalty, host memory; NULL: off */
    uint32_t key[2], counter[4];      /* Philox4x32-10 (R8): one uniform number in [0,1) from the first word */
};

/* ---- the ops of one step, and one of loading ---- */

/* x[r] = row token[r] of w, dequantised. */
struct op_embed {
    float *x;                         /* (n_rows, w->k) */
    const struct linear *w;
    const int32_t *token;             /* (n_rows) host memory, each in [0, w->n) */
    int n_rows;
};

/* out[r] = x[r] * (1 / sqrt(lane sum of squares / dim + eps)) * weight; a square enters its lane by fma. */
struct op_rmsnorm {
    float *out;                       /* (n_rows, dim) may be x itself */
    const float *x;                   /* (n_rows, dim) */
    const float *weight;              /* (dim) */
    float eps;
    int n_rows, dim;
};

/* x[r] += y[r], then out[r] as rmsnorm does from x[r]. */
struct op_add_rmsnorm {
    float *out, *x;                   /* (n_rows, dim) */
    const float *y;                   /* (n_rows, dim) */
    const float *weight;              /* (dim) */
    float eps;
    int n_rows, dim;
};

/* One product of a step: y[r * ldy + j] = bias[j] + sum_k W[j][k] * x[r][k].
 * Each virtual shard is one fma chain; shards are added by the balanced tree ((0+1)+(2+3))+((4+5)+(6+7)); the bias is added last. */
struct linear_out {
    const struct linear *w;
    float *y;
    int ldy;                          /* floats between rows of y */
};

/* Several products of the same rows. */
struct op_linear {
    const struct linear_out *out;     /* (n_out) host memory; all of one k */
    int n_out;
    const float *x;                   /* (n_rows, k) */
    int n_rows;
};

/* Rotate q and k in 'qkv', write k and v as fp16 into the pages (to nearest even; NaN where that would be infinite, so that an overflow
 * reaches the logits). A pair (a, b) becomes fma(a, cos, -(b * sin)), fma(b, cos, a * sin). */
struct op_rope_kv {
    float *qkv;                       /* (n_rows, n_heads*head_dim | n_kv*head_dim | n_kv*head_dim) */
    const struct kv_view *kv;
    const struct attn_shape *shape;
    const struct rope *rope;
    const struct step *step;
};

/* Scores are fma chains over head_dim of q times fp16 keys, then times scale > 0; positions in splits of 256 from position 0: max, exp,
 * lane sum, fma chain over positions of p*v, of the positions that the row sees; splits merged left to right: with M the larger max,
 * a = exp(m - M), b = exp(m' - M): l = fma(l, a, l' * b), o = fma(o, a, o' * b); at last o / l (R4). */
struct op_attend {
    float *out;                       /* (n_rows, n_heads*head_dim) */
    const float *qkv;                 /* as rope_kv left it */
    const struct kv_view *kv;
    const struct attn_shape *shape;
    const struct step *step;
};

/* h[r][i] = silu(gu[r][i]) * gu[r][ff + i]. */
struct op_silu_mul {
    float *h;                         /* (n_rows, ff) */
    const float *gu;                  /* (n_rows, gate of ff | up of ff) */
    int n_rows, ff;
};

/* out[i] = x[row[i]]. */
struct op_gather_rows {
    float *out;                       /* (n, dim) */
    const float *x;
    const int32_t *row;               /* (n) host memory */
    int n, dim;
};

/* token[i] is drawn from logits[i], or is -1 where one of those is NaN or infinite. The order of every sum is in kernels/cpu/sample.c. */
struct op_sample {
    int32_t *token;                   /* (n) host memory */
    float *logits;                    /* (n, n_vocab) overwritten */
    const struct sampling *how;       /* (n) host memory */
    int n, n_vocab;
};

/* rows[i][j] = from[i][j] + scale * (sum over k of b[i][k] * a[k][j]) in fp32, rounded to the type of 'rows', to nearest even: weights with
 * an adapter's change, while they are loaded, in the layout of a file and host memory all of them. acc = acc + b*a for k ascending,
 * starting from +0, and at last from + acc*scale; each product and each sum is rounded. */
struct op_low_rank_add {
    void *rows;                       /* (n_rows, n_cols) of 'dtype' */
    const void *from;                 /* (n_rows, n_cols) of 'from_dtype'; may be 'rows' where the types are the same */
    enum dtype dtype, from_dtype;     /* F32, F16 or BF16 */
    const float *b;                   /* (n_rows, r) */
    const float *a; /* (r, n_cols) in panels of 16 columns, the last one filled up: (k, j) at (j / 16 * r + k) * 16 + j % 16 */
    float scale;
    int n_rows, n_cols;
    int r;                            /* 0: nothing is added, only the type changes; a and b are not read */
    int *infinite;                    /* host memory; set to 1 where a number of 'rows' is infinite now, else left */
};

#define MTB_EACH_OP(OP) \
    OP(embed) OP(rmsnorm) OP(add_rmsnorm) OP(linear) OP(rope_kv) OP(attend) OP(silu_mul) OP(gather_rows) OP(sample) OP(low_rank_add)

/* Do an op with its arguments by name, as in MTB_DO(m, silu_mul, .h = h, .gu = gu, .n_rows = n, .ff = ff). What is not named is zero, which
 * no pointer and no size may be. 'm' points to anything with the fields 'ops' and 'be'. */
#define MTB_DO(m, op, ...) (m)->ops->op((m)->be, &(const struct op_##op){ __VA_ARGS__ })

struct ops {
    const char *name;                 /* "cpu" */

    /* ---- memory ---- */
    void *(*alloc)(struct backend *be, size_t bytes, struct err *err);   /* 64-byte aligned, zeroed, touched lazily; NULL: memory error */
    void (*release)(struct backend *be, void *p, size_t bytes);
    void (*upload)(struct backend *be, void *dst, const void *host, size_t bytes);
    void (*download)(struct backend *be, void *host, const void *src, size_t bytes);
    void (*copy)(struct backend *be, void *dst, const void *src, size_t bytes);

    /* ---- weights: at load time ---- */
    size_t (*linear_bytes)(enum dtype t, int n, int k);
    /* Pack rows [row0, row0 + n_rows) of w from 'raw' (file layout, host memory). May be called for pieces in any order. */
    void (*linear_pack)(struct backend *be, struct linear *w, const void *raw, int row0, int n_rows);

    /* ---- one step: void (*rmsnorm)(struct backend *be, const struct op_rmsnorm *a), and so on ---- */
#define MTB_SLOT(op) void (*op)(struct backend *be, const struct op_##op *a);
    MTB_EACH_OP(MTB_SLOT)
#undef MTB_SLOT
};

#endif
