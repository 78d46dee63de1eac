/* forward.c - THE forward pass: the only text that knows what a layer is.
 * Written once for every executor; what differs between architectures is read from fields of the configuration. */
#include "mtbench/model.h"

#include "mtbench/mem.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct forward {
    const struct model *m;
    struct comm *comm;
    int max_rows, max_out;
    bool (*interrupted)(void *ctx);
    void *ctx;
    float *x;           /* (rows, dim)                  the residual stream */
    void *xb;           /* operand (rows, dim)          normalised */
    float *qkv;         /* (rows, (heads + 2 kv) * hd)  heads, kv and ff of this member */
    void *att;          /* operand (rows, heads * hd)   */
    void *y;            /* sum (rows, dim)              what a block adds; all members' behind comm_sum() */
    float *gu;          /* (rows, 2 * ff)               gate | up */
    void *h;            /* operand (rows, ff)           */
    void *out;          /* operand (out, dim)           rows that sample */
    float *logits;      /* (out, n_vocab)               on member 0; on others of their part of the vocabulary */
    int32_t *token;     /* (out)                        what they draw */
};

struct buffer {
    void **at;
    size_t bytes;
};

enum { N_BUFFERS = 10 };

static int qkv_width(const struct model *m)
{
    return (m->local.n_heads + 2 * m->local.n_kv) * m->config.head_dim;
}

/* Member 0 has its columns in the place where those of all will be. */
static int logits_width(const struct model *m)
{
    return m->share.rank == 0 ? m->config.n_vocab : m->local.n_vocab;
}

static void list_buffers(struct forward *f, const struct model *m, int rows, int n_out, struct buffer buffer[N_BUFFERS])
{
    const struct model_config *c = &m->config;
    const struct ops *ops = m->ops;
    const size_t row = sizeof(float) * (size_t)rows, out = sizeof(float) * (size_t)n_out;
    /* the one list of buffers, for sizes, allocation and release */
    const struct buffer all[N_BUFFERS] = {
        { (void **)&f->x, row * (size_t)c->dim },
        { &f->xb, ops->operand_bytes(rows, c->dim) },
        { (void **)&f->qkv, row * (size_t)qkv_width(m) },
        { &f->att, ops->operand_bytes(rows, m->local.n_heads * c->head_dim) },
        { &f->y, ops->sum_bytes(rows, c->dim) },
        { (void **)&f->gu, row * 2 * (size_t)m->local.ff },
        { &f->h, ops->operand_bytes(rows, m->local.ff) },
        { &f->out, ops->operand_bytes(n_out, c->dim) },
        { (void **)&f->logits, out * (size_t)logits_width(m) },
        { (void **)&f->token, sizeof(int32_t) * (size_t)n_out },
    };
    memcpy(buffer, all, sizeof all);
}

/* Every sequence has one run at most, and draws at most once. */
static struct step_size largest_step(const struct model *m, int rows, int n_out)
{
    const int positions = m->rope_positions, context = m->config.context;
    return (struct step_size){ .rows = rows, .out = n_out, .runs = n_out, .tokens = positions > context ? positions : context,
                               .n_vocab = m->config.n_vocab };
}

size_t forward_bytes(const struct model *m, int max_rows, int max_out)
{
    const struct step_size most = largest_step(m, max_rows, max_out);
    struct forward f;
    struct buffer buffer[N_BUFFERS];
    size_t bytes = m->ops->step_bytes(&most);
    list_buffers(&f, m, max_rows, max_out, buffer);
    for (int i = 0; i < N_BUFFERS; i++)
        bytes += buffer[i].bytes;
    return bytes;
}

struct forward *forward_create(const struct model *m, struct comm *comm, int max_rows, int max_out, struct err *err)
{
    const struct step_size most = largest_step(m, max_rows, max_out);
    struct forward *f = xcalloc(1, sizeof *f);
    struct buffer buffer[N_BUFFERS];
    f->m = m;
    f->comm = comm;
    f->max_rows = max_rows;
    f->max_out = max_out;
    list_buffers(f, m, max_rows, max_out, buffer);
    for (int i = 0; i < N_BUFFERS; i++) {
        if (!(*buffer[i].at = m->ops->alloc(m->be, buffer[i].bytes, err))) {
            err_wrap(err, "activations of %d rows", max_rows);
            forward_destroy(f);
            return NULL;
        }
    }
    if (m->ops->step_room(m->be, &most, err) < 0) {
        err_wrap(err, "steps of %d rows", max_rows);
        forward_destroy(f);
        return NULL;
    }
    return f;
}

void forward_destroy(struct forward *f)
{
    if (!f)
        return;
    struct buffer buffer[N_BUFFERS];
    list_buffers(f, f->m, f->max_rows, f->max_out, buffer);
    for (int i = 0; i < N_BUFFERS; i++)
        f->m->ops->release(f->m->be, *buffer[i].at, buffer[i].bytes);
    free(f);
}

void forward_ask(struct forward *f, bool (*interrupted)(void *ctx), void *ctx)
{
    f->interrupted = interrupted;
    f->ctx = ctx;
}

static void attention_block(struct forward *f, const struct layer *w, int l, const struct kv_view *kv, const struct step *s)
{
    const struct model *m = f->m;
    const int hd = m->config.head_dim, nq = m->local.n_heads * hd, nk = m->local.n_kv * hd, n = s->n_rows, ld = qkv_width(m);
    const struct attn_shape a = {
        .n_heads = m->local.n_heads, .n_kv = m->local.n_kv, .head_dim = hd, .layer = l, .window = w->window,
        .scale = (float)(1.0 / sqrt((double)hd)),                                   /* rounded once, from double */
    };
    /* side by side in a row, as rope_kv and attend read them */
    const struct linear_out qkv[] = {
        { .w = &w->q, .y = f->qkv, .ldy = ld },
        { .w = &w->k, .y = f->qkv + nq, .ldy = ld },
        { .w = &w->v, .y = f->qkv + nq + nk, .ldy = ld }
    };
    const struct linear_out y = { .w = &w->o, .sum = f->y };
    /* one op for the three: x is brought into blocks once, and threads share all their panels */
    MTB_DO(m, linear, .out = qkv, .n_out = 3, .x = f->xb, .n_rows = n);                                 /* (rows, q | k | v) */
    MTB_DO(m, rope_kv, .qkv = f->qkv, .kv = kv, .shape = &a, .rope = &m->rope, .step = s);
    MTB_DO(m, attend, .out = f->att, .qkv = f->qkv, .kv = kv, .shape = &a, .step = s);                  /* (rows, heads * hd) */
    MTB_DO(m, linear, .out = &y, .n_out = 1, .x = f->att, .n_rows = n);                                 /* (rows, dim) */
}

static void mlp_block(struct forward *f, const struct layer *w, int n)
{
    const struct model *m = f->m;
    const int ff = m->local.ff;
    /* gate and up in one row, for the same reason */
    const struct linear_out gu[] = {
        { .w = &w->gate, .y = f->gu, .ldy = 2 * ff }, { .w = &w->up, .y = f->gu + ff, .ldy = 2 * ff }
    };
    const struct linear_out y = { .w = &w->down, .sum = f->y };
    MTB_DO(m, linear, .out = gu, .n_out = 2, .x = f->xb, .n_rows = n);                                  /* (rows, gate | up) */
    MTB_DO(m, silu_mul, .h = f->h, .gu = f->gu, .n_rows = n, .ff = ff);                                 /* (rows, ff) */
    MTB_DO(m, linear, .out = &y, .n_out = 1, .x = f->h, .n_rows = n);                                   /* (rows, dim) */
}

/* ---- looking for the first number that is none ---- */

struct look {
    struct forward_fault *fault;      /* NULL: nobody looks */
    float *host;                      /* a row */
    bool found;
};

static bool finite_row(const float *x, int n)
{
    for (int i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return false;
    return true;
}

/* The first fault stands. The step goes on to its end all the same: other members of a group are in it. */
static void blame(struct look *look, bool fault, int layer, enum forward_part part)
{
    if (fault) {
        *look->fault = (struct forward_fault){ layer, part };
        look->found = true;
    }
}

/* A row at a time: the fault is rare, its search may be slow, memory is not at hand. Where nobody looks the usual step pays nothing. */
static void look_at(const struct forward *f, struct look *look, const float *x, int n_rows, int width, int layer, enum forward_part part)
{
    bool finite = true;
    for (int r = 0; look && !look->found && finite && r < n_rows; r++) {
        f->m->ops->download(f->m->be, look->host, x + (size_t)r * (size_t)width, (size_t)width * sizeof *x);
        finite = finite_row(look->host, width);
    }
    if (look)
        blame(look, !finite, layer, part);
}

/* The same for the normalised rows. */
static void look_at_norm(const struct forward *f, struct look *look, int n_rows, int layer)
{
    const int dim = f->m->config.dim;
    bool finite = true;
    for (int r = 0; look && !look->found && finite && r < n_rows; r++) {
        f->m->ops->operand_row(f->m->be, look->host, f->xb, n_rows, r, dim);
        finite = finite_row(look->host, dim);
    }
    if (look)
        blame(look, !finite, layer, PART_NORM);
}

/* ---- the pass ---- */

/* What the last block added, on all members together, goes into the residual stream; what the next one reads is its norm. False: the group
 * failed or is to stop. */
static bool add_norm(struct forward *f, const float *bias, const float *weight, int n, bool stop)
{
    const struct model_config *c = &f->m->config;
    if (!comm_sum(f->comm, f->y, n, c->dim, &stop) || stop)
        return false;
    MTB_DO(f->m, add_rmsnorm, .out = f->xb, .x = f->x, .sum = f->y, .bias = bias, .weight = weight, .eps = c->norm_eps, .n_rows = n,
           .dim = c->dim);
    return true;
}

static bool interrupted(const struct forward *f)
{
    return f->interrupted && f->m->ops->synchronous && f->interrupted(f->ctx);
}

/* False: interrupted, or the group failed. */
static bool run_layers(struct forward *f, const struct kv_view *kv, const struct step *s, struct look *look)
{
    const struct model *m = f->m;
    const struct model_config *c = &m->config;
    const int n = s->n_rows, dim = c->dim;
    for (int l = 0; l < c->n_layers; l++) {
        const struct layer *w = &m->layer[l];
        /* a step of a large model takes seconds. Who is told to stop says so with the layer's first sum, where all of them leave */
        const bool stop = interrupted(f);
        /* an addition and the norm behind it are one op, so a layer ends with the norm of the next */
        const float *next_norm = l + 1 < c->n_layers ? m->layer[l + 1].attn_norm : m->final_norm;
        look_at_norm(f, look, n, l);
        attention_block(f, w, l, kv, s);
        if (!add_norm(f, w->o_bias, w->ffn_norm, n, stop))
            return false;
        look_at(f, look, f->x, n, dim, l, PART_ATTENTION);
        look_at_norm(f, look, n, l);
        mlp_block(f, w, n);
        if (!add_norm(f, w->down_bias, next_norm, n, false))
            return false;
        look_at(f, look, f->x, n, dim, l, PART_MLP);
    }
    return true;
}

static float *run(struct forward *f, const struct kv_view *kv, const struct step *s, struct look *look)
{
    const struct model *m = f->m;
    const struct model_config *c = &m->config;
    const int n = s->n_rows, dim = c->dim;
    assert(n <= f->max_rows && s->n_out <= f->max_out && s->n_runs <= f->max_out);  /* the scheduler's promise */
    if (m->ops->step_begin(m->be, s) && !look)                                      /* under way already */
        return f->logits;
    MTB_DO(m, embed, .x = f->x, .w = &m->embed, .step = s);                                             /* (rows, dim) */
    look_at(f, look, f->x, n, dim, -1, PART_EMBEDDING);
    MTB_DO(m, rmsnorm, .out = f->xb, .x = f->x, .weight = m->layer[0].attn_norm, .eps = c->norm_eps, .n_rows = n, .dim = dim);
    if (!run_layers(f, kv, s, look))
        return NULL;
    look_at_norm(f, look, n, c->n_layers);
    if (s->n_out == 0)                                                              /* all rows are in the middle of a prompt */
        return f->logits;
    const struct linear_out logits = { .w = &m->head, .y = f->logits, .ldy = logits_width(m) };
    /* the head is the widest product of all: only rows that draw go through it */
    MTB_DO(m, gather_rows, .out = f->out, .x = f->xb, .step = s, .dim = dim);                           /* (out, dim) */
    if (m->local.n_vocab > 0)
        MTB_DO(m, linear, .out = &logits, .n_out = 1, .x = f->out, .n_rows = s->n_out);                 /* (out, n_vocab) */
    if (!comm_gather(f->comm, f->logits, s->n_out, m->local.vocab))
        return NULL;
    look_at(f, look, f->logits, s->n_out, c->n_vocab, c->n_layers, PART_HEAD);
    return f->logits;
}

float *forward_step(struct forward *f, const struct kv_view *kv, const struct step *s)
{
    return run(f, kv, s, NULL);
}

int forward_draw(struct forward *f, const struct step *s, int32_t *token, struct err *err)
{
    const struct model *m = f->m;
    const int n = m->share.rank == 0 ? s->n_out : 0;
    if (n > 0)
        MTB_DO(m, sample, .token = f->token, .logits = f->logits, .step = s, .n_vocab = m->config.n_vocab);
    return m->ops->drawn(m->be, token, f->token, n, err);
}

bool forward_find_fault(struct forward *f, const struct kv_view *kv, const struct step *s, struct forward_fault *fault)
{
    const struct model_config *c = &f->m->config;
    /* room for the widest row that is looked at */
    struct look look = { .fault = fault, .host = xcalloc((size_t)(c->dim > c->n_vocab ? c->dim : c->n_vocab), sizeof *look.host) };
    run(f, kv, s, &look);
    free(look.host);
    return look.found;
}
