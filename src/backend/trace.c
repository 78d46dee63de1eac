/* trace.c - an executor that counts what it passes on. Bytes and operations are those of the textbook, whatever a kernel really moves: what
 * they make with the seconds is compared with what the machine can do. */
#include "mtbench/wrappers.h"

#include "mtbench/clock.h"
#include "mtbench/mem.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

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

struct passed { int op; struct cost cost; };

struct backend {
    struct backend *inner;
    struct count count[N_COUNTED];       /* written by the backend's own thread alone */
    /* of a step, where the executor has marks of time: op i lies between marks i and i + 1 */
    struct passed *passed;               /* (n_passed) */
    int n_passed, room;
    bool marking;
    double begun;
    struct backend *next;
};

static const struct executor *inner;
static struct executor row;
static struct ops ops;
/* what closed backends did, and those that are open */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool counting;
_Static_assert((int)N_COUNTED <= (int)TRACE_ROWS, "room for the rows");
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

/* An op was asked for, in so many seconds; what it takes is known at once, or when the marks have been waited for. */
static void asked(struct backend *be, int op, double seconds, struct cost c)
{
    if (!be->marking) {
        if (counting)
            add(&be->count[op], 1, seconds, c);
        return;
    }
    if (be->n_passed == be->room) {
        be->room = be->room ? 2 * be->room : 512;
        be->passed = xrealloc(be->passed, (size_t)be->room, sizeof *be->passed);
    }
    be->passed[be->n_passed++] = (struct passed){ op, c };
    inner->mark(be->inner, be->n_passed);
}

/* The device is done with the step. */
static void count_marks(struct backend *be, int n_drawn)
{
    double sum = 0;
    for (int i = 0; i < be->n_passed; i++) {
        const double seconds = inner->between(be->inner, i);
        add(&be->count[be->passed[i].op], 1, seconds, be->passed[i].cost);
        sum += seconds;
    }
    add(&be->count[DRAWN], 1, clock_now() - be->begun - sum, (struct cost){ 4.0 * n_drawn, 0 });
    be->marking = false;
}

#define TRACED(op)                                                                                                                         \
    static void traced_##op(struct backend *be, const struct op_##op *a)                                                                   \
    {                                                                                                                                      \
        const double start = clock_now();                                                                                                  \
        inner->ops->op(be->inner, a);                                                                                                      \
        asked(be, OP_##op, clock_now() - start, cost_##op(a));                                                                             \
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

static int traced_step_room(struct backend *be, const struct step_size *most, struct err *err)
{
    return inner->ops->step_room(be->inner, most, err);
}

static bool traced_step_begin(struct backend *be, const struct step *step)
{
    be->begun = clock_now();
    be->n_passed = 0;
    be->marking = counting && inner->mark;
    const bool under_way = inner->ops->step_begin(be->inner, step);
    if (be->marking)
        inner->mark(be->inner, 0);
    return under_way;
}

static int traced_drawn(struct backend *be, int32_t *host, const int32_t *token, int n, struct err *err)
{
    const double start = clock_now();
    int rc = inner->ops->drawn(be->inner, host, token, n, err);
    if (be->marking && rc == 0)
        count_marks(be, n);
    else if (counting)
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
    free(be->passed);
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
        .kv_page_bytes = x->ops->kv_page_bytes, .step_bytes = x->ops->step_bytes, .linear_pack = traced_linear_pack,
        .settle = traced_settle, .step_room = traced_step_room, .step_begin = traced_step_begin, MTB_EACH_OP(SLOT)
        .drawn = traced_drawn, .operand_row = traced_operand_row,
    };
    row = *x;                            /* name, devices and numerics are those of what is inside */
    row.ops = &ops;
    row.host_sums = false;               /* of a group, members would count at once */
    row.open = traced_open;
    row.close = traced_close;
    row.path = traced_path;
    row.threads = traced_threads;
    row.scratch = traced_scratch;
    row.mark = NULL, row.between = NULL;
    counting = true;
    memset(closed, 0, sizeof closed);
    return &row;
}

void trace_count(bool on)
{
    pthread_mutex_lock(&lock);
    counting = on;
    memset(closed, 0, sizeof closed);
    for (struct backend *be = opened; be; be = be->next)
        memset(be->count, 0, sizeof be->count);
    pthread_mutex_unlock(&lock);
}

int trace_rows(struct trace_row found[TRACE_ROWS])
{
    int n = 0;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < N_COUNTED; i++) {
        struct count sum = closed[i];
        for (const struct backend *be = opened; be; be = be->next)
            add(&sum, be->count[i].calls, be->count[i].seconds, be->count[i].cost);
        if (sum.calls)
            found[n++] = (struct trace_row){ word[i], sum.calls, sum.seconds, sum.cost.bytes, sum.cost.flops };
    }
    pthread_mutex_unlock(&lock);
    return n;
}

static double over(double n, double seconds)
{
    return seconds > 0 ? n / seconds : 0;
}

static void put_row(struct buf *out, const struct trace_row *r, double all)
{
    buf_printf(out, "%-13s %9ld %11.3f %5.1f%% %10.1f %8.2f %10.2f\n", r->op, r->calls, r->seconds * 1e3, 100 * over(r->seconds, all),
               r->bytes / 1e6, over(r->bytes, r->seconds) / 1e9, over(r->flops, r->seconds) / 1e9);
}

void trace_put(struct buf *out)
{
    struct trace_row found[TRACE_ROWS], all = { .op = "all" };
    const int n = trace_rows(found);
    for (int i = 0; i < n; i++) {
        all.calls += found[i].calls;
        all.seconds += found[i].seconds;
        all.bytes += found[i].bytes;
        all.flops += found[i].flops;
    }
    buf_printf(out, "%-13s %9s %11s %6s %10s %8s %10s\n", "op", "calls", "ms", "share", "MB", "GB/s", "GFLOP/s");
    for (int i = 0; i < n; i++)
        put_row(out, &found[i], all.seconds);
    put_row(out, &all, all.seconds);
}
