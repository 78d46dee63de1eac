/* forward.c - THE forward pass: the only text that knows what a layer is.
 * Written once for every executor; what differs between architectures is read from fields of the configuration. */
#include "mtbench/model.h"

#include "mtbench/mem.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

struct forward {
    const struct model *m;
    int max_rows, max_out;
    bool (*interrupted)(void *ctx);
    void *ctx;
    float *x;           /* (rows, dim)                  the residual stream */
    float *xb;          /* (rows, dim)                  normalised */
    float *qkv;         /* (rows, (heads + 2 kv) * hd)  */
    float *att;         /* (rows, heads * hd)           */
    float *y;           /* (rows, dim)                  what a block adds */
    float *gu;          /* (rows, 2 * ff)               gate | up */
    float *h;           /* (rows, ff)                   */
    float *out;         /* (out, dim)                   rows that sample */
    float *logits;      /* (out, n_vocab)               */
};

struct slot {
    float **at;
    size_t floats;
};

enum { N_SLOTS = 9 };

static int qkv_width(const struct model_config *c)
{
    return (c->n_heads + 2 * c->n_kv) * c->head_dim;
}

static void list_slots(struct forward *f, const struct model *m, int max_rows, int max_out, struct slot slot[N_SLOTS])
{
    const struct model_config *c = &m->config;
    /* the one list of buffers, for sizes, allocation and release */
    size_t rows = (size_t)max_rows, dim = (size_t)c->dim, ff = (size_t)c->ff, n_out = (size_t)max_out;
    const struct slot all[N_SLOTS] = {
        { &f->x, rows * dim },
        { &f->xb, rows * dim },
        { &f->qkv, rows * (size_t)qkv_width(c) },
        { &f->att, rows * (size_t)(c->n_heads * c->head_dim) },
        { &f->y, rows * dim },
        { &f->gu, rows * 2 * ff },
        { &f->h, rows * ff },
        { &f->out, n_out * dim },
        { &f->logits, n_out * (size_t)c->n_vocab },
    };
    for (int i = 0; i < N_SLOTS; i++)
        slot[i] = all[i];
}

size_t forward_bytes(const struct model *m, int max_rows, int max_out)
{
    struct forward f;
    struct slot slot[N_SLOTS];
    size_t floats = 0;
    list_slots(&f, m, max_rows, max_out, slot);
    for (int i = 0; i < N_SLOTS; i++)
        floats += slot[i].floats;
    return floats * sizeof(float);
}

struct forward *forward_create(const struct model *m, int max_rows, int max_out, struct err *err)
{
    struct forward *f = xcalloc(1, sizeof *f);
    struct slot slot[N_SLOTS];
    f->m = m;
    f->max_rows = max_rows;
    f->max_out = max_out;
    list_slots(f, m, max_rows, max_out, slot);
    for (int i = 0; i < N_SLOTS; i++) {
        if (!(*slot[i].at = m->ops->alloc(m->be, slot[i].floats * sizeof(float), err))) {
            err_wrap(err, "activations of %d rows", max_rows);
            forward_destroy(f);
            return NULL;
        }
    }
    return f;
}

void forward_destroy(struct forward *f)
{
    if (!f)
        return;
    struct slot slot[N_SLOTS];
    list_slots(f, f->m, f->max_rows, f->max_out, slot);
    for (int i = 0; i < N_SLOTS; i++)
        f->m->ops->release(f->m->be, *slot[i].at, slot[i].floats * sizeof(float));
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
    const struct model_config *c = &m->config;
    const int n = s->n_rows, ld = qkv_width(c), nq = c->n_heads * c->head_dim, nk = c->n_kv * c->head_dim;
    const struct attn_shape a = {
        .n_heads = c->n_heads, .n_kv = c->n_kv, .head_dim = c->head_dim, .layer = l, .window = w->window,
        .scale = (float)(1.0 / sqrt((double)c->head_dim)),                          /* rounded once, from double */
    };
    /* side by side in a row, as rope_kv and attend read them */
    const struct linear_out qkv[] = { { &w->q, f->qkv, ld }, { &w->k, f->qkv + nq, ld }, { &w->v, f->qkv + nq + nk, ld } };
    const struct linear_out y = { &w->o, f->y, c->dim };
    /* one op for the three: x is brought into blocks once, and threads share all their panels */
    MTB_DO(m, linear, .out = qkv, .n_out = 3, .x = f->xb, .n_rows = n);                                 /* (rows, q | k | v) */
    MTB_DO(m, rope_kv, .qkv = f->qkv, .kv = kv, .shape = &a, .rope = &m->rope, .step = s);
    MTB_DO(m, attend, .out = f->att, .qkv = f->qkv, .kv = kv, .shape = &a, .step = s);                  /* (rows, heads * hd) */
    MTB_DO(m, linear, .out = &y, .n_out = 1, .x = f->att, .n_rows = n);                                 /* (rows, dim) */
}

static void mlp_block(struct forward *f, const struct layer *w, int n)
{
    const struct model *m = f->m;
    const int ff = m->config.ff, dim = m->config.dim;
    /* gate and up in one row, for the same reason */
    const struct linear_out gu[] = { { &w->gate, f->gu, 2 * ff }, { &w->up, f->gu + ff, 2 * ff } };
    const struct linear_out y = { &w->down, f->y, dim };
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

static bool finite_rows(const struct forward *f, struct look *look, const float *x, int n_rows, int width)
{
    for (int r = 0; r < n_rows; r++) {
        /* a row at a time: the fault is rare, its search may be slow, memory is not at hand */
        f->m->ops->download(f->m->be, look->host, x + (size_t)r * (size_t)width, (size_t)width * sizeof *x);
        for (int i = 0; i < width; i++)
            if (!isfinite(look->host[i]))
                return false;
    }
    return true;
}

/* False: this part of this layer is where it went wrong. */
static bool look_at(const struct forward *f, struct look *look, const float *x, int n_rows, int width, int layer, enum forward_part part)
{
    if (!look || finite_rows(f, look, x, n_rows, width))                            /* nobody looks: the usual step pays nothing */
        return true;
    *look->fault = (struct forward_fault){ layer, part };
    look->found = true;
    return false;
}

/* ---- the pass ---- */

/* What the last block added goes into the residual stream; what the next one reads is its norm. */
static void add_norm(struct forward *f, const float *weight, int n)
{
    const struct model_config *c = &f->m->config;
    MTB_DO(f->m, add_rmsnorm, .out = f->xb, .x = f->x, .y = f->y, .weight = weight, .eps = c->norm_eps, .n_rows = n, .dim = c->dim);
}

static float *run(struct forward *f, const struct kv_view *kv, const struct step *s, const int32_t *out_row, int n_out, struct look *look)
{
    const struct model *m = f->m;
    const struct model_config *c = &m->config;
    const int n = s->n_rows, dim = c->dim;
    assert(n <= f->max_rows && n_out <= f->max_out);                                /* the scheduler's promise */

    MTB_DO(m, embed, .x = f->x, .w = &m->embed, .token = s->token, .n_rows = n);                        /* (rows, dim) */
    if (!look_at(f, look, f->x, n, dim, -1, PART_EMBEDDING))
        return NULL;
    MTB_DO(m, rmsnorm, .out = f->xb, .x = f->x, .weight = m->layer[0].attn_norm, .eps = c->norm_eps, .n_rows = n, .dim = dim);
    for (int l = 0; l < c->n_layers; l++) {
        const struct layer *w = &m->layer[l];
        /* a step of a large model takes seconds; between layers nothing is half written */
        if (f->interrupted && f->interrupted(f->ctx))
            return NULL;
        /* an addition and the norm behind it are one op, so a layer ends with the norm of the next */
        const float *next_norm = l + 1 < c->n_layers ? m->layer[l + 1].attn_norm : m->final_norm;
        if (!look_at(f, look, f->xb, n, dim, l, PART_NORM))
            return NULL;
        attention_block(f, w, l, kv, s);
        add_norm(f, w->ffn_norm, n);
        if (!look_at(f, look, f->x, n, dim, l, PART_ATTENTION) || !look_at(f, look, f->xb, n, dim, l, PART_NORM))
            return NULL;
        mlp_block(f, w, n);
        add_norm(f, next_norm, n);
        if (!look_at(f, look, f->x, n, dim, l, PART_MLP))
            return NULL;
    }
    if (!look_at(f, look, f->xb, n, dim, c->n_layers, PART_NORM))
        return NULL;
    if (n_out == 0)                                                                 /* all rows are in the middle of a prompt */
        return f->logits;
    const struct linear_out logits = { &m->head, f->logits, c->n_vocab };
    /* the head is the widest product of all: only rows that draw go through it */
    MTB_DO(m, gather_rows, .out = f->out, .x = f->xb, .row = out_row, .n = n_out, .dim = dim);          /* (out, dim) */
    MTB_DO(m, linear, .out = &logits, .n_out = 1, .x = f->out, .n_rows = n_out);                        /* (out, n_vocab) */
    return look_at(f, look, f->logits, n_out, c->n_vocab, c->n_layers, PART_HEAD) ? f->logits : NULL;
}

float *forward_step(struct forward *f, const struct kv_view *kv, const struct step *s, const int32_t *out_row, int n_out)
{
    return run(f, kv, s, out_row, n_out, NULL);
}

bool forward_find_fault(struct forward *f, const struct kv_view *kv, const struct step *s, const int32_t *out_row, int n_out,
                        struct forward_fault *fault)
{
    const struct model_config *c = &f->m->config;
    /* room for the widest row that is looked at */
    struct look look = { .fault = fault, .host = xcalloc((size_t)(c->dim > c->n_vocab ? c->dim : c->n_vocab), sizeof *look.host) };
    run(f, kv, s, out_row, n_out, &look);
    free(look.host);
    return look.found;
}
