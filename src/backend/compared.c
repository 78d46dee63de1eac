/* compared.c - two executors at once. Memory of this one is a range of addresses that nobody may follow: each stands for a piece of both
 * executors' memory, and every argument of an op is translated twice. Sizes are the larger of both, so that a place in one piece is the
 * same place in the other; but pages of the KV cache lie as close as each of them packs them. */
#include "mtbench/wrappers.h"

#include "findings.h"

#include "mtbench/mem.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>

struct piece {
    char *handle;
    size_t bytes;
    char *at[2];                         /* in the memory of each */
    size_t page[2];                      /* bytes of a page of each, where it is the KV cache; else 0 */
};

struct backend {
    struct backend *be[2];
    struct piece *piece;                 /* (n_pieces) */
    size_t n_pieces;
    const struct step *step;
    long n_steps;
    int layer;                           /* that the ops are of just now, as findings have it */
    bool after_attention;
    float *host[2];                      /* (room) */
    size_t room;
};

static const struct executor *inner[2];
static struct executor row;
static struct ops ops;
static struct findings findings;

/* ---- memory ---- */

static struct piece *piece_of(const struct backend *be, const void *handle)
{
    const char *p = handle;
    for (size_t i = be->n_pieces; i-- > 0;)                                         /* the last ones are the activations */
        if (p >= be->piece[i].handle && p < be->piece[i].handle + be->piece[i].bytes)
            return &be->piece[i];
    assert(!"memory of another executor");
    return NULL;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* What a handle stands for in the memory of one of the two. Of the KV cache that is a whole page. */
static void *at(const struct backend *be, int i, const void *handle)
{
    if (!handle)
        return NULL;
    const struct piece *p = piece_of(be, handle);
    const size_t from = (size_t)((const char *)handle - p->handle), page = larger(p->page[0], p->page[1]);
    return p->at[i] + (page ? from / page * p->page[i] : from);
}

static void compared_release(struct backend *be, void *handle, size_t bytes)
{
    if (!handle)
        return;
    struct piece *p = piece_of(be, handle);
    for (int i = 0; i < 2; i++)
        inner[i]->ops->release(be->be[i], p->at[i], bytes);
    munmap(p->handle, p->bytes);
    *p = be->piece[--be->n_pieces];
}

static void *compared_alloc(struct backend *be, size_t bytes, struct err *err)
{
    struct piece p = { .bytes = bytes ? bytes : 1 };
    for (int i = 0; i < 2; i++)
        if (!(p.at[i] = inner[i]->ops->alloc(be->be[i], bytes, err)))
            goto error;
    p.handle = mmap(NULL, p.bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p.handle == MAP_FAILED) {
        err_errno(err, "compare: no addresses for %zu bytes", bytes);
        goto error;
    }
    be->piece = xrealloc(be->piece, be->n_pieces + 1, sizeof *be->piece);
    be->piece[be->n_pieces++] = p;
    return p.handle;
error:
    for (int i = 0; i < 2; i++)
        if (p.at[i])
            inner[i]->ops->release(be->be[i], p.at[i], bytes);
    return NULL;
}

/* Host memory is nobody's: what the first calls fast. */
static void *compared_host_alloc(struct backend *be, size_t bytes, struct err *err)
{
    return inner[0]->ops->host_alloc(be->be[0], bytes, err);
}

static void compared_host_release(struct backend *be, void *p, size_t bytes)
{
    inner[0]->ops->host_release(be->be[0], p, bytes);
}

static void compared_upload(struct backend *be, void *dst, const void *host, size_t bytes)
{
    for (int i = 0; i < 2; i++)
        inner[i]->ops->upload(be->be[i], at(be, i, dst), host, bytes);
}

static void compared_download(struct backend *be, void *host, const void *src, size_t bytes)
{
    inner[0]->ops->download(be->be[0], host, at(be, 0, src), bytes);
}

static void compared_copy(struct backend *be, void *dst, const void *src, size_t bytes)
{
    const struct piece *p = piece_of(be, dst);
    for (int i = 0; i < 2; i++)
        inner[i]->ops->copy(be->be[i], at(be, i, dst), at(be, i, src), p->page[i] ? p->page[i] : bytes);
}

/* Both take as much: of the two the one that has less, and half of it where it is one memory. */
static void compared_memory(struct backend *be, uint64_t *available, uint64_t *total)
{
    uint64_t other, all;
    inner[0]->ops->memory(be->be[0], available, total);
    inner[1]->ops->memory(be->be[1], &other, &all);
    if (*total == all)
        *available /= 2, other /= 2;
    if (other < *available)
        *available = other, *total = all;
}

static size_t compared_linear_bytes(enum dtype t, int n, int k)
{
    return larger(inner[0]->ops->linear_bytes(t, n, k), inner[1]->ops->linear_bytes(t, n, k));
}

static size_t compared_operand_bytes(int n_rows, int k)
{
    return larger(inner[0]->ops->operand_bytes(n_rows, k), inner[1]->ops->operand_bytes(n_rows, k));
}

static size_t compared_sum_bytes(int n_rows, int dim)
{
    return larger(inner[0]->ops->sum_bytes(n_rows, dim), inner[1]->ops->sum_bytes(n_rows, dim));
}

static size_t compared_kv_page_bytes(int n_layers, int n_kv, int head_dim)
{
    return larger(inner[0]->ops->kv_page_bytes(n_layers, n_kv, head_dim), inner[1]->ops->kv_page_bytes(n_layers, n_kv, head_dim));
}

/* The cache of one of the two. From the first use on its piece is known to be pages. */
static struct kv_view kv_at(const struct backend *be, int i, const struct kv_view *kv)
{
    struct kv_view there = *kv;
    piece_of(be, kv->base)->page[i] = inner[i]->ops->kv_page_bytes(kv->n_layers, kv->n_kv, kv->head_dim);
    there.base = at(be, i, kv->base);
    return there;
}

static size_t compared_step_bytes(const struct step_size *most)
{
    return inner[0]->ops->step_bytes(most) + inner[1]->ops->step_bytes(most);
}

static struct linear linear_at(const struct backend *be, int i, const struct linear *w)
{
    struct linear there = *w;
    there.packed = at(be, i, w->packed);
    there.bias = at(be, i, w->bias);
    return there;
}

static void compared_linear_pack(struct backend *be, struct linear *w, const void *raw, size_t raw_row_bytes, int k0, int row0, int n_rows)
{
    for (int i = 0; i < 2; i++) {
        struct linear there = linear_at(be, i, w);
        inner[i]->ops->linear_pack(be->be[i], &there, raw, raw_row_bytes, k0, row0, n_rows);
    }
}

static int compared_settle(struct backend *be, struct err *err)
{
    return inner[0]->ops->settle(be->be[0], err) < 0 ? -1 : inner[1]->ops->settle(be->be[1], err);
}

/* ---- looking ---- */

static void make_room(struct backend *be, size_t numbers)
{
    if (numbers <= be->room)
        return;
    be->room = numbers;
    for (int i = 0; i < 2; i++)
        be->host[i] = xrealloc(be->host[i], numbers, sizeof *be->host[i]);
}

static int position_of(const struct step *s, int r)
{
    const struct seq_run *run = s->run;
    while (r >= run->first_row + run->n_rows)                                       /* runs cover all rows */
        run++;
    return run->pos + r - run->first_row;
}

/* Row r of what the op wrote: behind gather_rows those that draw are left. */
static struct finding place_of(const struct backend *be, int op, int r)
{
    r = be->layer == FINDING_HEAD ? be->step->out_row[r] : r;
    return (struct finding){ .op = op, .step = be->n_steps, .layer = be->layer, .row = r, .position = position_of(be->step, r) };
}

static void look(const struct backend *be, int op, int r, const float *a, const float *b, int width)
{
    struct finding f = place_of(be, op, r);
    f.by = row_difference(a, b, width, &f.column);
    f.a = a[f.column];
    f.b = b[f.column];
    findings_add(&findings, &f);
}

/* Numbers from the first of plain rows to the last. */
static size_t numbers_of(int n_rows, int width, int ld)
{
    return n_rows > 0 ? (size_t)(n_rows - 1) * (size_t)ld + (size_t)width : 0;
}

static void look_plain(struct backend *be, int op, const float *x, int n_rows, int width, int ld)
{
    const size_t n = numbers_of(n_rows, width, ld);
    make_room(be, n);
    for (int i = 0; i < 2 && n; i++)
        inner[i]->ops->download(be->be[i], be->host[i], at(be, i, x), n * sizeof *x);
    for (int r = 0; r < n_rows; r++)
        look(be, op, r, be->host[0] + (size_t)r * (size_t)ld, be->host[1] + (size_t)r * (size_t)ld, width);
}

/* The second goes on with the first's, what lies between the rows included: all of it has been looked at. */
static void hand_on(struct backend *be, float *x, int n_rows, int width, int ld)
{
    const size_t n = numbers_of(n_rows, width, ld);
    make_room(be, n);
    if (n == 0)
        return;
    inner[0]->ops->download(be->be[0], be->host[0], at(be, 0, x), n * sizeof *x);
    inner[1]->ops->upload(be->be[1], at(be, 1, x), be->host[0], n * sizeof *x);
}

static void look_operand(struct backend *be, int op, const void *x, int n_rows, int k)
{
    make_room(be, (size_t)k);
    for (int r = 0; r < n_rows; r++) {
        for (int i = 0; i < 2; i++)
            inner[i]->ops->operand_row(be->be[i], be->host[i], at(be, i, x), n_rows, r, k);
        look(be, op, r, be->host[0], be->host[1], k);
    }
}

/* ---- the ops ---- */

static int compared_step_room(struct backend *be, const struct step_size *most, struct err *err)
{
    return inner[0]->ops->step_room(be->be[0], most, err) < 0 ? -1 : inner[1]->ops->step_room(be->be[1], most, err);
}

static bool compared_step_begin(struct backend *be, const struct step *step)
{
    be->step = step;
    be->n_steps++;
    be->layer = FINDING_EMBEDDING;
    be->after_attention = false;
    for (int i = 0; i < 2; i++)
        inner[i]->ops->step_begin(be->be[i], step);                                 /* op by op in any case */
    return false;
}

#define BOTH(op, a) inner[i]->ops->op(be->be[i], &(a))

static void compared_embed(struct backend *be, const struct op_embed *a)
{
    for (int i = 0; i < 2; i++) {
        const struct linear w = linear_at(be, i, a->w);
        BOTH(embed, ((const struct op_embed){ at(be, i, a->x), &w, a->step }));
    }
    look_plain(be, FINDING_embed, a->x, a->step->n_rows, a->w->k, a->w->k);
    hand_on(be, a->x, a->step->n_rows, a->w->k, a->w->k);
    be->layer = 0;
}

static void compared_rmsnorm(struct backend *be, const struct op_rmsnorm *a)
{
    for (int i = 0; i < 2; i++) {
        struct op_rmsnorm there = *a;
        there.out = at(be, i, a->out), there.x = at(be, i, a->x), there.weight = at(be, i, a->weight);
        BOTH(rmsnorm, there);
    }
    look_operand(be, FINDING_rmsnorm, a->out, a->n_rows, a->dim);
}

static void compared_add_rmsnorm(struct backend *be, const struct op_add_rmsnorm *a)
{
    for (int i = 0; i < 2; i++) {
        struct op_add_rmsnorm there = *a;
        there.out = at(be, i, a->out), there.x = at(be, i, a->x), there.sum = at(be, i, a->sum);
        there.bias = at(be, i, a->bias), there.weight = at(be, i, a->weight);
        BOTH(add_rmsnorm, there);
    }
    look_operand(be, FINDING_add_rmsnorm, a->out, a->n_rows, a->dim);
    look_plain(be, FINDING_add_rmsnorm, a->x, a->n_rows, a->dim, a->dim);
    hand_on(be, a->x, a->n_rows, a->dim, a->dim);
    be->layer += be->after_attention;                                               /* twice a layer: behind attention, behind the MLP */
    be->after_attention = !be->after_attention;
}

static void compared_linear(struct backend *be, const struct op_linear *a)
{
    struct linear w[8];
    struct linear_out out[8];
    assert(a->n_out <= 8);
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < a->n_out; j++) {
            w[j] = linear_at(be, i, a->out[j].w);
            out[j] = (struct linear_out){ &w[j], at(be, i, a->out[j].y), a->out[j].ldy, at(be, i, a->out[j].sum) };
        }
        BOTH(linear, ((const struct op_linear){ out, a->n_out, at(be, i, a->x), a->n_rows }));
    }
    for (int j = 0; j < a->n_out; j++)
        if (a->out[j].y)                                                            /* a sum shows in add_rmsnorm */
            look_plain(be, FINDING_linear, a->out[j].y, a->n_rows, a->out[j].w->n, a->out[j].ldy);
    for (int j = 0; j < a->n_out; j++)   /* products may share their rows */
        if (a->out[j].y)
            hand_on(be, a->out[j].y, a->n_rows, a->out[j].w->n, a->out[j].ldy);
}

static void compared_rope_kv(struct backend *be, const struct op_rope_kv *a)
{
    const int width = (a->shape->n_heads + 2 * a->shape->n_kv) * a->shape->head_dim;
    for (int i = 0; i < 2; i++) {
        struct op_rope_kv there = *a;
        const struct kv_view kv = kv_at(be, i, a->kv);
        struct rope rope = *a->rope;
        rope.table = at(be, i, rope.table);
        there.qkv = at(be, i, a->qkv), there.kv = &kv, there.rope = &rope;
        BOTH(rope_kv, there);
    }
    look_plain(be, FINDING_rope_kv, a->qkv, a->step->n_rows, width, width);
    hand_on(be, a->qkv, a->step->n_rows, width, width);
}

static void compared_attend(struct backend *be, const struct op_attend *a)
{
    for (int i = 0; i < 2; i++) {
        struct op_attend there = *a;
        const struct kv_view kv = kv_at(be, i, a->kv);
        there.out = at(be, i, a->out), there.qkv = at(be, i, a->qkv), there.kv = &kv;
        BOTH(attend, there);
    }
    look_operand(be, FINDING_attend, a->out, a->step->n_rows, a->shape->n_heads * a->shape->head_dim);
}

static void compared_silu_mul(struct backend *be, const struct op_silu_mul *a)
{
    for (int i = 0; i < 2; i++)
        BOTH(silu_mul, ((const struct op_silu_mul){ at(be, i, a->h), at(be, i, a->gu), a->n_rows, a->ff }));
    look_operand(be, FINDING_silu_mul, a->h, a->n_rows, a->ff);
}

static void compared_gather_rows(struct backend *be, const struct op_gather_rows *a)
{
    for (int i = 0; i < 2; i++)
        BOTH(gather_rows, ((const struct op_gather_rows){ at(be, i, a->out), at(be, i, a->x), a->step, a->dim }));
    be->layer = FINDING_HEAD;
    look_operand(be, FINDING_gather_rows, a->out, a->step->n_out, a->dim);
}

/* From equal logits equal tokens. */
static void compared_sample(struct backend *be, const struct op_sample *a)
{
    struct err err;
    int32_t *token[2];
    for (int i = 0; i < 2; i++) {
        int32_t *there = at(be, i, a->token);
        BOTH(sample, ((const struct op_sample){ there, at(be, i, a->logits), a->step, a->n_vocab }));
        token[i] = xcalloc((size_t)a->step->n_out, sizeof *token[i]);
        inner[i]->ops->drawn(be->be[i], token[i], there, a->step->n_out, &err);     /* an error is said again by the step's own drawn() */
    }
    for (int r = 0; r < a->step->n_out; r++) {
        struct finding f = place_of(be, FINDING_sample, r);
        f.column = -1;
        f.a = (float)token[0][r], f.b = (float)token[1][r];
        f.by = token[0][r] == token[1][r] ? 0 : INFINITY;                           /* two ids are not more or less the same */
        findings_add(&findings, &f);
    }
    free(token[0]);
    free(token[1]);
}

/* While weights are loaded, on host memory: once. */
static void compared_low_rank_add(struct backend *be, const struct op_low_rank_add *a)
{
    inner[0]->ops->low_rank_add(be->be[0], a);
}

static int compared_drawn(struct backend *be, int32_t *host, const int32_t *token, int n, struct err *err)
{
    if (inner[1]->ops->drawn(be->be[1], host, at(be, 1, token), n, err) < 0)
        return -1;
    return inner[0]->ops->drawn(be->be[0], host, at(be, 0, token), n, err);
}

static void compared_operand_row(struct backend *be, float *host, const void *operand, int n_rows, int r, int k)
{
    inner[0]->ops->operand_row(be->be[0], host, at(be, 0, operand), n_rows, r, k);
}

/* ---- the row ---- */

static void compared_close(struct backend *be)
{
    if (!be)
        return;
    for (int i = 0; i < 2; i++) {
        inner[i]->close(be->be[i]);
        free(be->host[i]);
    }
    free(be->piece);
    free(be);
}

static struct backend *compared_open(const struct executor_opts *o, struct err *err)
{
    struct backend *be = xcalloc(1, sizeof *be);
    for (int i = 0; i < 2; i++)
        if (!(be->be[i] = inner[i]->open(o, err))) {
            compared_close(be);
            return NULL;
        }
    return be;
}

static const char *compared_path(const struct backend *be)
{
    return inner[0]->path(be->be[0]);
}

static int compared_threads(const struct backend *be)
{
    return inner[0]->threads(be->be[0]);
}

static size_t compared_scratch(const struct backend *be)
{
    return inner[0]->scratch(be->be[0]) + inner[1]->scratch(be->be[1]);
}

const struct executor *executor_compared(const struct executor *a, const struct executor *b, double most)
{
#define SLOT(op) .op = compared_##op,
    inner[0] = a;
    inner[1] = b;
    findings = (struct findings){ .bound = most };
    ops = (struct ops){
        .name = "compare", .synchronous = a->ops->synchronous && b->ops->synchronous,
        .alloc = compared_alloc, .release = compared_release, .host_alloc = compared_host_alloc, .host_release = compared_host_release,
        .upload = compared_upload, .download = compared_download, .copy = compared_copy, .memory = compared_memory,
        .linear_bytes = compared_linear_bytes, .operand_bytes = compared_operand_bytes, .sum_bytes = compared_sum_bytes,
        .kv_page_bytes = compared_kv_page_bytes, .step_bytes = compared_step_bytes, .linear_pack = compared_linear_pack,
        .settle = compared_settle, .step_room = compared_step_room, .step_begin = compared_step_begin, MTB_EACH_OP(SLOT)
        .drawn = compared_drawn, .operand_row = compared_operand_row,
    };
    row = *a;                            /* devices and numerics are the first's, whose numbers go on */
    row.ops = &ops;
    row.node_weights = row.host_sums = false;
    row.max_rows = a->max_rows < b->max_rows ? a->max_rows : b->max_rows;
    row.open = compared_open;
    row.close = compared_close;
    row.path = compared_path;
    row.threads = compared_threads;
    row.scratch = compared_scratch;
    row.mark = NULL, row.between = NULL;
    return &row;
}

void compare_put(struct buf *out)
{
    findings_put(&findings, (const char *const[]){ inner[0]->name, inner[1]->name }, out);
}

bool compare_failed(void)
{
    return findings.found;
}
