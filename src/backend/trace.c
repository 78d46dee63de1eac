/* trace.c - an executor that counts what it passes on. Bytes and operations are those of the textbook, whatever a kernel really moves: what
 * they make with the seconds is compared with what the machine can do. */
#include "mtbench/wrappers.h"

#include "mtbench/clock.h"
#include "mtbench/mem.h"

#include <pthread.h>
#include <stdlib.h>

#define NUMBER(op) OP_##op,
#define WORD(op) #op,
enum { MTB_EACH_OP(NUMBER) DRAWN, N_COUNTED };
static const char *const word[] = { MTB_EACH_OP(WORD) "drawn" };

struct cost { double bytes, flops; };

struct count {
    long calls;
    double seconds;
    struct cost cost;
};

struct backend {
    struct backend *inner;
    struct count count[N_COUNTED];       /* written by the backend's own thread alone */
    struct backend *next;
};

static const struct executor *inner;
static struct executor row;
static struct ops ops;
/* what closed backends did, and those that are open */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct count closed[N_COUNTED];
static struct backend *opened;

/* ---- what an op costs ---- */

static double matrix_bytes(const struct linear *w)
{
    return (double)w->n * (double)dtype_row_bytes(w->dtype, (size_t)linear_width(w));
}

static struct cost cost_embed(const struct op_embed *a)
{
    const double rows = a->step->n_rows;
    return (struct cost){ rows * (matrix_bytes(a->w) / a->w->n + 4.0 * a->w->k), 0 };
}

static struct cost cost_rmsnorm(const struct op_rmsnorm *a)
{
    const double n = (double)a->n_rows * a->dim;
    return (struct cost){ 8 * n, 4 * n };
}

static struct cost cost_add_rmsnorm(const struct op_add_rmsnorm *a)
{
    const double n = (double)a->n_rows * a->dim;
    return (struct cost){ 16 * n, 5 * n };
}

static struct cost cost_linear(const struct op_linear *a)
{
    struct cost c = { 4.0 * a->n_rows * a->out[0].w->k, 0 };
    for (int i = 0; i < a->n_out; i++) {
        const struct linear *w = a->out[i].w;
        c.bytes += matrix_bytes(w) + 4.0 * a->n_rows * w->n;
        c.flops += 2.0 * a->n_rows * w->n * w->k;
    }
    return c;
}

static struct cost cost_rope_kv(const struct op_rope_kv *a)
{
    const double rows = a->step->n_rows, hd = a->shape->head_dim;
    return (struct cost){ rows * hd * (8.0 * (a->shape->n_heads + a->shape->n_kv) + 4.0 * 2 * a->shape->n_kv),
                          rows * a->rope->dims * 3.0 * (a->shape->n_heads + a->shape->n_kv) };
}

static int seen_by(const struct attn_shape *s, int pos)
{
    return s->window && s->window <= pos ? s->window : pos + 1;
}

static struct cost cost_attend(const struct op_attend *a)
{
    const struct attn_shape *s = a->shape;
    double seen = 0, read = 0;
    for (int i = 0; i < a->step->n_runs; i++) {
        const struct seq_run *r = &a->step->run[i];
        for (int k = 0; k < r->n_rows; k++)
            seen += seen_by(s, r->pos + k);
        read += seen_by(s, r->pos + r->n_rows - 1); /* a run's rows share what they read */
    }
    return (struct cost){ 4.0 * read * s->n_kv * s->head_dim + 8.0 * a->step->n_rows * s->n_heads * s->head_dim,
                          4.0 * seen * s->n_heads * s->head_dim };
}

static struct cost cost_silu_mul(const struct op_silu_mul *a)
{
    const double n = (double)a->n_rows * a->ff;
    return (struct cost){ 12 * n, 2 * n };
}

static struct cost cost_gather_rows(const struct op_gather_rows *a)
{
    return (struct cost){ 8.0 * a->step->n_out * a->dim, 0 };
}

static struct cost cost_sample(const struct op_sample *a)
{
    return (struct cost){ 4.0 * a->step->n_out * a->n_vocab, 0 };
}

static struct cost cost_low_rank_add(const struct op_low_rank_add *a)
{
    const double n = (double)a->n_rows * a->n_cols;
    return (struct cost){ n * (dtype_info[a->dtype].block_bytes + dtype_info[a->from_dtype].block_bytes), 2 * n * a->r };
}

/* ---- the slots ---- */

static void add(struct count *to, long calls, double seconds, struct cost c)
{
    to->calls += calls;
    to->seconds += seconds;
    to->cost.bytes += c.bytes;
    to->cost.flops += c.flops;
}

#define TRACED(op)                                                                                                                         \
    static void traced_##op(struct backend *be, const struct op_##op *a)                                                                   \
    {                                                                                                                                      \
        const double start = clock_now();                                                                                                  \
        inner->ops->op(be->inner, a);                                                                                                      \
        add(&be->count[OP_##op], 1, clock_now() - start, cost_##op(a));                                                                    \
    }
MTB_EACH_OP(TRACED)

static void *traced_alloc(struct backend *be, size_t bytes, struct err *err)
{
    return inner->ops->alloc(be->inner, bytes, err);
}

static void traced_release(struct backend *be, void *p, size_t bytes)
{
    inner->ops->release(be->inner, p, bytes);
}

static void *traced_host_alloc(struct backend *be, size_t bytes, struct err *err)
{
    return inner->ops->host_alloc(be->inner, bytes, err);
}

static void traced_host_release(struct backend *be, void *p, size_t bytes)
{
    inner->ops->host_release(be->inner, p, bytes);
}

static void traced_upload(struct backend *be, void *dst, const void *host, size_t bytes)
{
    inner->ops->upload(be->inner, dst, host, bytes);
}

static void traced_download(struct backend *be, void *host, const void *src, size_t bytes)
{
    inner->ops->download(be->inner, host, src, bytes);
}

static void traced_copy(struct backend *be, void *dst, const void *src, size_t bytes)
{
    inner->ops->copy(be->inner, dst, src, bytes);
}

static void traced_memory(struct backend *be, uint64_t *available, uint64_t *total)
{
    inner->ops->memory(be->inner, available, total);
}

static void traced_linear_pack(struct backend *be, struct linear *w, const void *raw, size_t raw_row_bytes, int k0, int row0, int n_rows)
{
    inner->ops->linear_pack(be->inner, w, raw, raw_row_bytes, k0, row0, n_rows);
}

static int traced_settle(struct backend *be, struct err *err)
{
    return inner->ops->settle(be->inner, err);
}

static bool traced_step_begin(struct backend *be, const struct step *step)
{
    return inner->ops->step_begin(be->inner, step);
}

static int traced_drawn(struct backend *be, int32_t *host, const int32_t *token, int n, struct err *err)
{
    const double start = clock_now();
    int rc = inner->ops->drawn(be->inner, host, token, n, err);
    add(&be->count[DRAWN], 1, clock_now() - start, (struct cost){ 4.0 * n, 0 });
    return rc;
}

static void traced_operand_row(struct backend *be, float *host, const void *operand, int n_rows, int at, int k)
{
    inner->ops->operand_row(be->inner, host, operand, n_rows, at, k);
}

/* ---- the row ---- */

static struct backend *traced_open(const struct executor_opts *o, struct err *err)
{
    struct backend *be = xcalloc(1, sizeof *be);
    if (!(be->inner = inner->open(o, err))) {
        free(be);
        return NULL;
    }
    pthread_mutex_lock(&lock);
    be->next = opened;
    opened = be;
    pthread_mutex_unlock(&lock);
    return be;
}

static void traced_close(struct backend *be)
{
    if (!be)
        return;
    pthread_mutex_lock(&lock);
    struct backend **at = &opened;
    while (*at != be)
        at = &(*at)->next;
    *at = be->next;
    for (int i = 0; i < N_COUNTED; i++)
        add(&closed[i], be->count[i].calls, be->count[i].seconds, be->count[i].cost);
    pthread_mutex_unlock(&lock);
    inner->close(be->inner);
    free(be);
}

static const char *traced_path(const struct backend *be)
{
    return inner->path(be->inner);
}

static int traced_threads(const struct backend *be)
{
    return inner->threads(be->inner);
}

static size_t traced_scratch(const struct backend *be)
{
    return inner->scratch(be->inner);
}

const struct executor *executor_traced(const struct executor *x)
{
#define SLOT(op) .op = traced_##op,
    inner = x;
    ops = (struct ops){
        .name = x->ops->name, .synchronous = x->ops->synchronous,
        .alloc = traced_alloc, .release = traced_release, .host_alloc = traced_host_alloc, .host_release = traced_host_release,
        .upload = traced_upload, .download = traced_download, .copy = traced_copy, .memory = traced_memory,
        .linear_bytes = x->ops->linear_bytes, .operand_bytes = x->ops->operand_bytes, .sum_bytes = x->ops->sum_bytes,
        .kv_page_bytes = x->ops->kv_page_bytes, .linear_pack = traced_linear_pack, .settle = traced_settle,
        .step_begin = traced_step_begin, MTB_EACH_OP(SLOT) .drawn = traced_drawn, .operand_row = traced_operand_row,
    };
    row = *x;                            /* name, devices and numerics are those of what is inside */
    row.ops = &ops;
    row.host_sums = false;               /* of a group, members would count at once */
    row.open = traced_open;
    row.close = traced_close;
    row.path = traced_path;
    row.threads = traced_threads;
    row.scratch = traced_scratch;
    for (int i = 0; i < N_COUNTED; i++)
        closed[i] = (struct count){ 0 };
    return &row;
}

static double over(double n, double seconds)
{
    return seconds > 0 ? n / seconds : 0;
}

void trace_put(struct buf *out)
{
    struct count sum[N_COUNTED], all = { 0 };
    pthread_mutex_lock(&lock);
    for (int i = 0; i < N_COUNTED; i++) {
        sum[i] = closed[i];
        for (const struct backend *be = opened; be; be = be->next)
            add(&sum[i], be->count[i].calls, be->count[i].seconds, be->count[i].cost);
        add(&all, sum[i].calls, sum[i].seconds, sum[i].cost);
    }
    pthread_mutex_unlock(&lock);
    buf_printf(out, "%-13s %9s %11s %6s %10s %8s %10s\n", "op", "calls", "ms", "share", "MB", "GB/s", "GFLOP/s");
    for (int i = 0; i < N_COUNTED; i++)
        if (sum[i].calls)
            buf_printf(out, "%-13s %9ld %11.3f %5.1f%% %10.1f %8.2f %10.2f\n", word[i], sum[i].calls, sum[i].seconds * 1e3,
                       100 * over(sum[i].seconds, all.seconds), sum[i].cost.bytes / 1e6, over(sum[i].cost.bytes, sum[i].seconds) / 1e9,
                       over(sum[i].cost.flops, sum[i].seconds) / 1e9);
    buf_printf(out, "%-13s %9ld %11.3f %5.1f%% %10.1f %8.2f %10.2f\n", "all", all.calls, all.seconds * 1e3, 100.0, all.cost.bytes / 1e6,
               over(all.cost.bytes, all.seconds) / 1e9, over(all.cost.flops, all.seconds) / 1e9);
}
