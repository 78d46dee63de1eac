/* weights.c - which bytes of which file go where: tensor names to slots of one packed block, which load.c fills.
 * The block's layout depends on the model alone, so ranks that did not read the files can attach to a block that another rank filled. */
#include "model_priv.h"

#include "mtbench/log.h"
#include "mtbench/mem.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TEXT = 64 << 20, ALIGN = 64 };

/* ---- the configuration ---- */

static int read_text(const struct source *s, const char *name, struct buf *b, struct err *err)
{
    int file = source_find(s, name);
    return file < 0 ? 0 : source_slurp(s, file, MAX_TEXT, b, err);
}

static const char *path_of(const struct source *s, const char *name)
{
    int file = source_find(s, name);
    return file < 0 ? name : s->path[file];
}

static int read_config(struct model *m, const struct source *s, struct err *err)
{
    struct buf config = {0}, generation = {0};
    int rc = -1;
    /* without it nobody knows the architecture; names and shapes of tensors are not enough */
    if (source_find(s, "config.json") < 0) {
        err_set(err, ERR_FORMAT, "%s: no config.json among the model's files; give a folder of a Hugging Face model or a .gguf file",
                s->n_files ? s->path[0] : "model");
        goto out;
    }
    if (read_text(s, "config.json", &config, err) < 0 || read_text(s, "generation_config.json", &generation, err) < 0)
        goto out;
    if (config_from_hf(config.data, config.len, &m->config, err) < 0) {
        err_wrap(err, "%s", path_of(s, "config.json"));
        goto out;
    }
    bool own = !generation.len || config_overrides_generation(generation.data, generation.len, config.data, config.len);
    if (own && generation.len)
        log_note("%s: its sampler gives way to config.json's, from which it says that it was made, as in transformers",
                 path_of(s, "generation_config.json"));
    if (!own)
        rc = config_add_generation(generation.data, generation.len, &m->config, err);
    else
        rc = config_own_generation(config.data, config.len, &m->config, err);
    if (rc < 0)
        err_wrap(err, "%s", path_of(s, own ? "config.json" : "generation_config.json"));
out:
    buf_free(&config);
    buf_free(&generation);
    return rc;
}

/* ---- slots ---- */

static struct slot *add_slot(struct weight_plan *p, const char *name, size_t n, size_t k)
{
    /* slots move while they are added: others keep numbers or the matrix, never a pointer to a slot */
    p->slot = xrealloc(p->slot, p->n_slots + 1, sizeof *p->slot);
    struct slot *s = &p->slot[p->n_slots++];
    *s = (struct slot){ .n = n, .k = k, .rows = n, .stored_rows = n };
    snprintf(s->name, sizeof s->name, "%s", name);
    return s;
}

static void cut_rows(struct slot *s, struct range rows)
{
    s->row0 = (size_t)rows.first, s->rows = (size_t)rows.n;
}

/* Of a matrix (n, k) these rows and columns. */
static struct slot *want_matrix(struct weight_plan *p, const char *name, struct linear *w, int n, int k, struct range rows,
                                struct range cols)
{
    *w = (struct linear){ .n = rows.n, .k = cols.n, .k_whole = k, .n_shards = 1 }; /* type and place are known later, from the file */
    struct slot *s = add_slot(p, name, (size_t)n, (size_t)k);
    s->matrix = w;
    s->col0 = (size_t)cols.first;
    cut_rows(s, rows);
    return s;
}

static struct slot *want_vector(struct weight_plan *p, const char *name, const float **v, int n)
{
    struct slot *s = add_slot(p, name, (size_t)n, 0);
    s->vector = v;
    return s;
}

static int size_of(const struct model_config *c, enum size s)
{
    const int size[] = {
        [ONE] = 1, [DIM] = c->dim, [HEADS] = c->n_heads * c->head_dim, [KV] = c->n_kv * c->head_dim, [FF] = c->ff, [VOCAB] = c->n_vocab};
    return size[s];
}

enum { SHARDED = 1, PERMUTED_Q = 2, PERMUTED_K = 4 };

/* The weights of a layer: where they go, and what each world calls them. A projection has a bias where the configuration says so, and in a
 * GGUF file where there is one. */
#define AT(field) offsetof(struct layer, field)
static const struct layer_weight {
    size_t at;                            /* a struct linear, or (cols ONE) a const float * */
    const char *hf, *gguf;
    enum size rows, cols;
    enum bias bias;
    int flags;
    size_t sum_bias;                      /* of a product that leaves a sum: where its bias goes instead */
} layer_weight[] = {
    { AT(attn_norm), "input_layernorm", "attn_norm", DIM, ONE, BIAS_NONE, 0, 0 },
    { AT(ffn_norm), "post_attention_layernorm", "ffn_norm", DIM, ONE, BIAS_NONE, 0, 0 },
    { AT(q), "self_attn.q_proj", "attn_q", HEADS, DIM, BIAS_QKV, PERMUTED_Q, 0 },
    { AT(k), "self_attn.k_proj", "attn_k", KV, DIM, BIAS_QKV, PERMUTED_K, 0 },
    { AT(v), "self_attn.v_proj", "attn_v", KV, DIM, BIAS_QKV, 0, 0 },
    { AT(o), "self_attn.o_proj", "attn_output", DIM, HEADS, BIAS_O, SHARDED, AT(o_bias) },
    { AT(gate), "mlp.gate_proj", "ffn_gate", FF, DIM, BIAS_MLP, 0, 0 },
    { AT(up), "mlp.up_proj", "ffn_up", FF, DIM, BIAS_MLP, 0, 0 },
    { AT(down), "mlp.down_proj", "ffn_down", DIM, FF, BIAS_MLP, SHARDED, AT(down_bias) },
};

/* A name of a Hugging Face model as these files have it: AutoModel saves the inner model alone, whose names begin behind "model.". */
static const char *hf_name(const struct weight_plan *p, const char *name)
{
    return p->bare ? name + strlen("model.") : name;
}

static const char *layer_name(const struct model *m, const struct layer_weight *w, int layer, const char *suffix)
{
    static _Thread_local char name[96];
    bool gguf = m->plan->is_gguf;
    snprintf(name, sizeof name, gguf ? "blk.%d.%s.%s" : hf_name(m->plan, "model.layers.%d.%s.%s"), layer, gguf ? w->gguf : w->hf, suffix);
    return name;
}

/* Heads whose rows lie interleaved in this file. */
static int permuted_heads(const struct model *m, const struct layer_weight *w)
{
    /* llama.cpp's converter interleaves q and k of Llama for its own rotation; Hugging Face files have halves */
    if (!m->plan->is_gguf || !m->config.arch->gguf_permuted_qk)
        return 0;
    return w->flags & PERMUTED_Q ? m->config.n_heads : w->flags & PERMUTED_K ? m->config.n_kv : 0;
}

static void want_layer(struct model *m, int l)
{
    const struct model_config *c = &m->config;
    struct weight_plan *p = m->plan;
    for (const struct layer_weight *w = layer_weight; w < layer_weight + sizeof layer_weight / sizeof *layer_weight; w++) {
        char *to = (char *)&m->layer[l] + w->at;
        const int n = size_of(c, w->rows), k = size_of(c, w->cols);
        const bool sharded = w->flags & SHARDED;
        const struct range rows = share_range(m, w->rows), cols = sharded ? share_range(m, w->cols) : (struct range){ 0, k };
        if (w->cols == ONE) {
            want_vector(p, layer_name(m, w, l, "weight"), (const float **)(void *)to, n);
            continue;
        }
        struct linear *linear = (struct linear *)(void *)to;
        want_matrix(p, layer_name(m, w, l, "weight"), linear, n, k, rows, cols)->permuted_heads = permuted_heads(m, w);
        linear->n_shards = sharded ? c->n_shards / m->share.size : 1;
        const char *bias = layer_name(m, w, l, "bias");
        /* a GGUF file has no key for biases: those that are there are meant */
        if (!(c->bias & w->bias) && !(p->is_gguf && tensors_find(p, bias)))
            continue;
        const float **at = w->sum_bias ? (const float **)(void *)((char *)&m->layer[l] + w->sum_bias) : &linear->bias;
        struct slot *s = want_vector(p, bias, at, n);
        s->permuted_heads = permuted_heads(m, w);
        cut_rows(s, rows);
    }
    m->layer[l].window = config_window(c, l);                                       /* 0: sees everything */
}

/* Why a tensor may be missing from files that are whole. */
static int missing(const struct weight_plan *p, const char *name, struct err *err)
{
    /* GPTQ and AWQ keep a matrix in several tensors; config.json need not say so, older releases had a file of their own for it. */
    static const char *const packed[] = { "qweight", "weight_packed" };
    char other[112];
    size_t stem = strlen(name) - strlen("weight");
    for (size_t i = 0; i < sizeof packed / sizeof *packed && !strcmp(name + stem, "weight"); i++) {
        snprintf(other, sizeof other, "%.*s%s", (int)stem, name, packed[i]);
        if (tensors_find(p, other))
            return err_set(err, ERR_MODEL, "tensor %s stands in the place of %s: quantised as GPTQ or AWQ do, which is not supported; use "
                           "the model itself, or a quantised .gguf file", other, name);
    }
    if (p->bare && !strcmp(name, "lm_head.weight"))
        return err_set(err, ERR_MODEL, "tensor lm_head.weight is missing: these files hold a model without its head, as AutoModel "
                       "saves it; save it as AutoModelForCausalLM");
    return err_set(err, ERR_MODEL, "tensor %s is missing; the model is incomplete or of another architecture than its configuration says",
                   name);
}

/* Find each slot's tensor and check its shape; lay the block out. */
static int place_slots(struct model *m, struct err *err)
{
    struct weight_plan *p = m->plan;
    for (size_t i = 0; i < p->n_slots; i++) {
        struct slot *s = &p->slot[i];
        size_t cols = s->k ? s->k : s->n, rows = s->k ? s->stored_rows : 1;         /* a vector is one row */
        struct stored *from = tensors_find(p, s->name);
        if (!from && s->stand_in)
            from = tensors_find(p, s->stand_in);
        s->from = from;
        if (!from)
            return missing(p, s->name, err);
        from->used = true;                                                          /* what stays unused is refused in tensors_unasked() */
        if (from->dtype == DT_COUNT)
            return err_set(err, ERR_MODEL, "tensor %s: %s is not supported; use weights in %s", s->name, from->type, p->is_gguf
                           ? "F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K or Q6_K" : "F32, F16 or BF16");
        if (s->from->rows != rows || s->from->cols != cols)
            return err_set(
                err, ERR_MODEL,
                "tensor %s has the shape %llu x %llu, the configuration needs %zu x %zu; weights and configuration do not belong together",
                s->name, (unsigned long long)s->from->rows, (unsigned long long)s->from->cols, rows, cols);
        if (s->vector && dtype_info[s->from->dtype].block > 1)                      /* load_vector() reads single numbers */
            return err_set(err, ERR_MODEL, "tensor %s: a vector in %s; it must be F32, F16 or BF16", s->name,
                           dtype_info[s->from->dtype].name);
        if (s->matrix) {
            s->matrix->dtype = s->from->dtype;
            s->matrix->lead = (int)s->col0 % dtype_info[s->from->dtype].block;      /* a slice may begin within a block */
            s->bytes = m->ops->linear_bytes(s->from->dtype, s->matrix->n, linear_width(s->matrix));
        } else {
            s->bytes = s->rows * sizeof(float);
        }
        /* places in the order of the model, not of the file: the block is the same whoever filled it */
        s->at = m->packed_bytes;
        m->packed_bytes += (s->bytes + ALIGN - 1) / ALIGN * ALIGN;
    }
    return 0;
}

static const char *embed_name(const struct weight_plan *p)
{
    return p->is_gguf ? "token_embd.weight" : hf_name(p, "model.embed_tokens.weight");
}

static const char *head_name(const struct weight_plan *p)
{
    return p->is_gguf ? "output.weight" : "lm_head.weight";
}

/* Rows of embedding and head, and whether they are one matrix: where the configuration says so and the files have no head of their own, and
 * where torch.save() wrote both names of a shared storage, the same numbers, once in the file and once in memory. */
static int plan_vocabulary(struct model *m, const struct source *s, struct err *err)
{
    struct weight_plan *p = m->plan;
    struct model_config *c = &m->config;
    static const char embed[] = "model.embed_tokens.weight";
    p->bare = !p->is_gguf && !tensors_find(p, embed) && tensors_find(p, embed + strlen("model."));
    struct stored *head = tensors_find(p, head_name(p)), *rows = tensors_find(p, embed_name(p));
    const bool same = head && rows && stored_same(head, rows);
    if (same)
        head->used = true;
    if (!p->is_gguf && c->tied && head && !same) /* the same numbers in most models, but nobody has read them */
        log_note("%s: tie_word_embeddings is true, but the files have an %s of their own, which is what counts; transformers "
                 "before 5 takes the embedding", path_of(s, "config.json"), head_name(p));
    p->tied = c->tied && (!head || same);
    p->vocabulary = c->n_vocab;
    c->tied = p->tied || same;
    if (!m->adapter)
        return 0;
    if (adapter_vocabulary(m->adapter, p->vocabulary, p->tied, &c->n_vocab, err) < 0)
        return err_wrap(err, "%s", path_of(s, "adapter_config.json"));
    c->tied &= !adapter_splits(m->adapter, p->tied);
    if (c->n_vocab != p->vocabulary)
        log_note("%s: its embedding has %d rows in the place of the base's %d", path_of(s, "adapter_config.json"), c->n_vocab,
                 p->vocabulary);
    return 0;
}

static void want_head(struct model *m)
{
    struct weight_plan *p = m->plan;
    struct model_config *c = &m->config;
    const struct range rows = share_range(m, VOCAB), all = { 0, c->dim };
    if (!c->tied) {
        struct slot *s = want_matrix(p, head_name(p), &m->head, c->n_vocab, c->dim, rows, all);
        s->stored_rows = (size_t)p->vocabulary;
        if (p->tied)                     /* one matrix in the base, two with its adapter */
            s->stand_in = embed_name(p);
    }
    if (p->is_gguf && tensors_find(p, "output.bias"))
        cut_rows(want_vector(p, "output.bias", &p->head_bias, c->n_vocab), rows);
}

static int plan_slots(struct model *m, struct err *err)
{
    struct model_config *c = &m->config;
    struct weight_plan *p = m->plan;
    m->layer = xcalloc((size_t)c->n_layers, sizeof *m->layer);
    want_matrix(p, embed_name(p), &m->embed, c->n_vocab, c->dim, (struct range){ 0, c->n_vocab }, (struct range){ 0, c->dim })
        ->stored_rows = (size_t)p->vocabulary;
    for (int l = 0; l < c->n_layers; l++)
        want_layer(m, l);
    want_vector(p, p->is_gguf ? "output_norm.weight" : hf_name(p, "model.norm.weight"), &m->final_norm, c->dim);
    want_head(m);
    if (p->is_gguf && tensors_find(p, "rope_freqs.weight"))
        want_vector(p, "rope_freqs.weight", &p->rope_factor, c->rope.dims / 2);
    return place_slots(m, err);
}

/* What the adapter does to each of them. Its names are those of a whole model, however the base was saved. */
static int plan_changes(struct model *m, const struct source *s, struct err *err)
{
    struct weight_plan *p = m->plan;
    for (size_t i = 0; i < p->n_slots; i++) {
        struct slot *slot = &p->slot[i];
        char name[sizeof slot->name + 8];
        snprintf(name, sizeof name, "%s%s", p->bare && strncmp(slot->name, "lm_head.", 8) ? "model." : "", slot->name);
        if (adapter_plan(m->adapter, name, slot->n, slot->k, slot_rows_at_once(slot), p->tied, &slot->change, err) < 0)
            return err_wrap(err, "%s", path_of(s, "adapter_config.json"));
    }
    return adapter_all_used(m->adapter, s, err);
}

/* ---- open, attach, load ---- */

/* Configuration and directory: config.json first, as it says best what a folder is; a GGUF file is both. */
static int read_headers(struct model *m, const struct source *s, struct err *err)
{
    struct weight_plan *p = m->plan;
    if (!p->is_gguf && (read_config(m, s, err) < 0 || tensors_open(p, s, err) < 0))
        return -1;
    if (!p->is_gguf && source_find(s, "adapter_config.json") >= 0 && !(m->adapter = adapter_open(s, err)))
        return -1;
    if (!p->is_gguf)
        return 0;
    if (tensors_open(p, s, err) < 0)
        return -1;
    const struct stored *embed = tensors_find(p, "token_embd.weight");
    int n_vocab = embed && embed->rows <= INT_MAX ? (int)embed->rows : -1;
    return config_from_gguf(&p->gguf, n_vocab, &m->config, err) < 0 ? err_wrap(err, "%s", s->path[0]) : 0;
}

struct model *model_open(const struct source *s, const struct ops *ops, const struct model_share *share, struct err *err)
{
    struct model *m = xcalloc(1, sizeof *m);
    m->ops = ops;
    m->share = share ? *share : (struct model_share){ 0, 1 };
    m->plan = xcalloc(1, sizeof *m->plan);
    /* what the first file is decides; modelpath has seen that the others are alike */
    m->plan->is_gguf = s->n_files && tensors_gguf_file(s, 0);
    int rc = read_headers(m, s, err) < 0 || plan_vocabulary(m, s, err) < 0 ? -1 : share_plan(m, err);
    if (rc == 0 && (rc = plan_slots(m, err)) < 0)
        err_wrap(err, "%s", m->plan->is_gguf ? s->path[0] : path_of(s, "config.json"));
    if (rc == 0)
        rc = tensors_unasked(m->plan, s, err);
    if (rc == 0 && m->adapter)
        rc = plan_changes(m, s, err);
    if (rc < 0) {
        err_advise(err, err->kind == ERR_FORMAT ? "the file is damaged or of another kind, copy it again"
                                                : "choose a model that this program runs");
        model_close(m);
        return NULL;
    }
    for (int i = 0; i < s->n_files; i++)
        if (tensors_weight_file(s, i))
            m->file_bytes += s->size[i];
    return m;
}

struct model *model_open_other(const struct model *m, int rank)
{
    struct model *other = xcalloc(1, sizeof *other);
    *other = *m;
    other->share.rank = rank;
    other->of = m->of ? m->of : m;
    other->plan = xcalloc(1, sizeof *other->plan);
    *other->plan = *m->plan;
    other->plan->slot = NULL, other->plan->n_slots = 0;
    other->plan->rope_factor = other->plan->head_bias = NULL;
    other->packed_bytes = 0;
    other->rope.table = NULL;
    other->rope_positions = 0;
    other->layer = NULL;
    struct err never;
    if (share_plan(other, &never) < 0 || plan_slots(other, &never) < 0)             /* the same tensors, of which all was checked */
        abort();
    for (size_t i = 0; i < other->plan->n_slots; i++)
        other->plan->slot[i].change = m->plan->slot[i].change;
    return other;
}

enum dtype model_matrix_type(const struct model *m)
{
    const enum dtype first = m->layer[0].q.dtype;
    for (size_t i = 0; i < m->plan->n_slots && first == DT_F16; i++) {
        const struct linear *w = m->plan->slot[i].matrix;
        if (w && w->dtype != DT_F16)                                                /* operands are of one type, so f16 gives way */
            return w->dtype;
    }
    return first;
}

const struct gguf *model_gguf(const struct model *m)
{
    return m->plan->is_gguf ? &m->plan->gguf : NULL;
}

const struct adapter_facts *model_adapter(const struct model *m)
{
    return m->adapter ? adapter_facts(m->adapter) : NULL;
}

void model_attach(struct model *m, void *packed)
{
    for (size_t i = 0; i < m->plan->n_slots; i++) {
        struct slot *s = &m->plan->slot[i];
        if (s->matrix)
            s->matrix->packed = (char *)packed + s->at;
        else
            *s->vector = (const float *)((char *)packed + s->at);
    }
    if (m->config.tied) {                                                           /* rows of the embedding, from a whole panel on */
        m->head = m->embed;
        m->head.n = m->local.n_vocab;
        m->head.packed = (char *)m->embed.packed + m->ops->linear_bytes(m->embed.dtype, m->local.vocab[m->share.rank], m->embed.k);
    }
    m->head.bias = m->plan->head_bias;                                              /* also of a tied head, whose weights have none */
}

void model_close(struct model *m)
{
    if (!m)
        return;
    struct weight_plan *p = m->plan;
    model_rope_free(m);
    if (!m->of) {
        adapter_close(m->adapter);
        tensors_close(p);
        config_free(&m->config);
    }
    free(p->slot);
    free(p);
    free(m->layer);
    free(m);
}
