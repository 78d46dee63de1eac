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
 * No op allocates or fails once its arguments are valid (asserted). A synchronous backend has done an op when the call returns; another one
 * has only put it behind those before, and drawn(), download() or settle() wait: the first error of anything before comes out of drawn() or
 * settle(), which name the op. */
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
    int k_whole;                      /* inputs of the matrix of which this has a slice of columns: the order of a sum is the whole one's;
                                         0: k */
    int lead;                         /* inputs of the first quantised block before those of this matrix, where a slice of columns begins
                                         within a block: they are packed and not read. A multiple of 32; 0 for F32, F16, BF16 */
    int n_shards;                     /* virtual K shards (R2): 1, 2, 4 or 8; k / n_shards is a multiple of 32 if > 1 */
    void *packed;                     /* linear_bytes() of backend memory, 64-byte aligned, in the backend's own layout */
    const float *bias;                /* (n) backend memory, or NULL; a product that leaves a sum has none */
};

/* Inputs that lie packed: the slice widened to whole blocks. */
static inline int linear_width(const struct linear *w)
{
    const int block = dtype_info[w->dtype].block;
    return (w->lead + w->k + block - 1) / block * block;
}

/* Rows of one sequence in a step: consecutive rows at consecutive positions. */
struct seq_run {
    int first_row, n_rows;
    int pos;                          /* position of the first row */
    const int32_t *page;              /* page table: position p lies in page[p / KV_PAGE] (host memory) */
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

/* All of it is host memory that stays as it is until drawn() or, with n_out 0, the next step_begin(). */
struct step {
    int n_rows;
    const int32_t *token;             /* (n_rows) each in [0, rows of the embedding) */
    int n_runs;
    const struct seq_run *run;        /* cover all rows, ascending, no gaps */
    int n_out;
    const int32_t *out_row;           /* (n_out) rows that draw, ascending */
    const struct sampling *how;       /* (n_out) how they do */
};

/* What a step is at most. */
struct step_size {
    int rows, out;                    /* rows; rows that draw */
    int runs, tokens;                 /* runs, and positions of each, those before the step included */
    int n_vocab;                      /* of the logits that are drawn from */
};

/* The KV cache, fp16. Page p begins at p * kv_page_bytes(), one contiguous piece, which may be copied whole; how a page is made up inside
 * is the backend's own. Positions that nobody wrote may hold anything, NaN too. */
struct kv_view {
    void *base;
    int n_layers, n_kv, head_dim;
};

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

/* ---- the ops of one step, and one of loading ---- */

/* Three kinds of activations: plain fp32 rows with pointer arithmetic (x, qkv, gu, logits); operands, which 'linear' reads:
 * operand_bytes() of backend memory, written by rmsnorm, add_rmsnorm, attend, silu_mul and gather_rows and read by 'linear' and gather_rows
 * alone; sums, which 'linear' leaves for the residual stream: sum_bytes() of backend memory, read by add_rmsnorm and by the sum over a
 * tensor group alone. On the CPU the last two are fp32 rows as well. */

/* x[r] = row token[r] of w, dequantised. */
struct op_embed {
    float *x;                         /* (n_rows, w->k) */
    const struct linear *w;
    const struct step *step;
};

/* out[r] = x[r] * (1 / sqrt(lane sum of squares / dim + eps)) * weight; a square enters its lane by fma. */
struct op_rmsnorm {
    void *out;                        /* operand (n_rows, dim) */
    const float *x;                   /* (n_rows, dim) */
    const float *weight;              /* (dim) */
    float eps;
    int n_rows, dim;
};

/* x[r] += sum[r] + bias, the two of which are added first, then out[r] as rmsnorm does from x[r]. */
struct op_add_rmsnorm {
    void *out;                        /* operand (n_rows, dim) */
    float *x;                         /* (n_rows, dim) */
    const void *sum;                  /* sum (n_rows, dim) */
    const float *bias;                /* (dim), of the product that left the sum; or NULL */
    const float *weight;              /* (dim) */
    float eps;
    int n_rows, dim;
};

/* One product of a step: y[r * ldy + j] = bias[j] + sum_k W[j][k] * x[r][k]. Each virtual shard is one fma chain; shards are added by the
 * balanced tree ((0+1)+(2+3))+((4+5)+(6+7)); the bias is added last. On a tensor group's member the tree is its own part of the whole. */
struct linear_out {
    const struct linear *w;
    float *y;                         /* plain rows; or NULL, and the product goes to */
    int ldy;                          /* floats between rows of y */
    void *sum;                        /* a sum (n_rows, w->n); w->bias is NULL then */
};

/* Several products of the same rows. */
struct op_linear {
    const struct linear_out *out;     /* (n_out) host memory; all of one k */
    int n_out;
    const void *x;                    /* operand (n_rows, k) */
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
    void *out;                        /* operand (n_rows, n_heads*head_dim) */
    const float *qkv;                 /* as rope_kv left it */
    const struct kv_view *kv;
    const struct attn_shape *shape;
    const struct step *step;
};

/* h[r][i] = silu(gu[r][i]) * gu[r][ff + i]. */
struct op_silu_mul {
    void *h;                          /* operand (n_rows, ff) */
    const float *gu;                  /* (n_rows, gate of ff | up of ff) */
    int n_rows, ff;
};

/* out[i] = x[out_row[i]]. */
struct op_gather_rows {
    void *out;                        /* operand (n_out, dim) */
    const void *x;                    /* operand (n_rows, dim) */
    const struct step *step;
    int dim;
};

/* token[i] is drawn from logits[i], or is -1 where one of those is NaN or infinite. The order of every sum is in kernels/cpu/sample.c. */
struct op_sample {
    int32_t *token;                   /* (n_out) backend memory, for drawn() */
    float *logits;                    /* (n_out, n_vocab) overwritten */
    const struct step *step;
    int n_vocab;
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
    bool synchronous;                 /* an op is done when its call returns, so that a step may end between two layers */

    /* ---- memory ---- */
    void *(*alloc)(struct backend *be, size_t bytes, struct err *err);   /* 64-byte aligned, zeroed, touched lazily; NULL: memory error */
    void (*release)(struct backend *be, void *p, size_t bytes);                          /* NULL is fine */
    void *(*host_alloc)(struct backend *be, size_t bytes, struct err *err);   /* host memory that linear_pack() reads fast: pinned */
    void (*host_release)(struct backend *be, void *p, size_t bytes);                     /* NULL is fine */
    void (*upload)(struct backend *be, void *dst, const void *host, size_t bytes);       /* 'host' may be reused at once */
    void (*download)(struct backend *be, void *host, const void *src, size_t bytes);     /* waits for what was to write 'src' */
    void (*copy)(struct backend *be, void *dst, const void *src, size_t bytes);
    /* Bytes of the memory that alloc() takes from: what is left, and all. */
    void (*memory)(struct backend *be, uint64_t *available, uint64_t *total);

    /* ---- sizes: asked before there is a backend ---- */
    /* Of 'n' rows of 'k' inputs. Rows from row r on, r a multiple of 32, begin at linear_bytes(t, r, k). */
    size_t (*linear_bytes)(enum dtype t, int n, int k);
    size_t (*operand_bytes)(int n_rows, int k);
    size_t (*sum_bytes)(int n_rows, int dim);
    size_t (*kv_page_bytes)(int n_layers, int n_kv, int head_dim);
    /* Of alloc()'s memory, for the host arrays of a step of that size. */
    size_t (*step_bytes)(const struct step_size *most);

    /* ---- weights: at load time ---- */
    /* Pack rows [row0, row0 + n_rows) of w from 'raw', host memory with rows of a file, of which w has the inputs from k0 on: k0 - w->lead
     * is the beginning of a block. May be called for pieces in ascending order; 'raw' may be read until settle(). */
    void (*linear_pack)(struct backend *be, struct linear *w, const void *raw, size_t raw_row_bytes, int k0, int row0, int n_rows);
    int (*settle)(struct backend *be, struct err *err);                  /* wait for uploads and packing; -1: err, their first */

    /* ---- one step ---- */
    /* Take room for steps of up to that size, before the first of them; nothing is allocated later. May be called again. -1: err (memory,
     * device). */
    int (*step_room)(struct backend *be, const struct step_size *most, struct err *err);
    /* Take over the host arrays of the step, once. True: the ops up to 'sample' are on their way already, by a recording of a step of this
     * shape, and need not be called. */
    bool (*step_begin)(struct backend *be, const struct step *step);
    /* void (*rmsnorm)(struct backend *be, const struct op_rmsnorm *a), and so on */
#define MTB_SLOT(op) void (*op)(struct backend *be, const struct op_##op *a);
    MTB_EACH_OP(MTB_SLOT)
#undef MTB_SLOT
    /* Wait for the step and copy what 'sample' drew to 'host' (n). -1: err, the first error of anything before (device). n may be 0. */
    int (*drawn)(struct backend *be, int32_t *host, const int32_t *token, int n, struct err *err);
    /* Row 'row' of an operand of 'n_rows' as fp32 numbers (k), to be looked at by people. */
    void (*operand_row)(struct backend *be, float *host, const void *operand, int n_rows, int row, int k);
};

#endif
