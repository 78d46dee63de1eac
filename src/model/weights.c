/* weights.c - which bytes of which file go where: tensor names to slots of one packed block, read once in file order.
 * The block's layout depends on the model alone, so ranks that did not read the files can attach to a block that another rank filled. */
#include "model_priv.h"

#include "mtbench/mem.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 16 << 20, MAX_HEADER = 256 << 20, FIRST_READ = 4 << 20, ALIGN = 64 };

/* ---- what the files hold ---- */

static struct stored *add_stored(struct weight_plan *p)
{
    p->stored = xrealloc(p->stored, p->n_stored + 1, sizeof *p->stored);
    p->stored[p->n_stored] = (struct stored){0};
    return &p->stored[p->n_stored++];
}

static struct buf *add_header(struct weight_plan *p)
{
    p->header = xrealloc(p->header, (size_t)p->n_header + 1, sizeof *p->header);
    p->header[p->n_header] = (struct buf){0};
    return &p->header[p->n_header++];
}

/* The header's length is only known at its end: read a prefix, and twice as much when it was too short. */
static int open_gguf(struct model *m, const struct source *s, struct err *err)
{
    struct weight_plan *p = m->plan;
    struct buf *b = add_header(p);
    uint64_t want = FIRST_READ;
    int rc;
    do {
        if (want > s->size[0])
            want = s->size[0];
        if (s->read(s->ctx, 0, b->len, buf_reserve(b, want - b->len), want - b->len, err) < 0)
            return -1;
        b->len = want;
        rc = gguf_parse(b->data, b->len, s->size[0], &p->gguf, err);
        want *= 2;
    } while (rc == 1 && b->len < s->size[0] && want <= MAX_HEADER);
    if (rc == 1)
        return err_set(err, ERR_FORMAT, "%s: the header does not end within %zu bytes; the file is cut short or damaged, copy it again", s->path[0], b->len);
    if (rc < 0)
        return err_wrap(err, "%s", s->path[0]);
    for (size_t i = 0; i < p->gguf.n_tensors; i++) {
        const struct gguf_tensor *t = &p->gguf.tensor[i];
        *add_stored(p) = (struct stored){
            .name = t->name, .dtype = t->dtype, .offset = t->offset, .bytes = t->bytes,
            .cols = t->dim[0], .rows = t->dim[1] * t->dim[2] * t->dim[3],
        };
    }
    return config_from_gguf(&p->gguf, &m->config, err) < 0 ? err_wrap(err, "%s", s->path[0]) : 0;
}

static int open_safetensors(struct weight_plan *p, const struct source *s, int file, struct err *err)
{
    uint8_t prefix[SAFETENSORS_PREFIX] = {0};
    uint64_t length;
    struct buf b = {0};
    size_t n_prefix = s->size[file] < sizeof prefix ? (size_t)s->size[file] : sizeof prefix;
    p->st = xrealloc(p->st, (size_t)p->n_st + 1, sizeof *p->st);
    struct safetensors *st = &p->st[p->n_st];
    int rc = -1;
    if (s->read(s->ctx, file, 0, prefix, n_prefix, err) < 0 || safetensors_header(prefix, s->size[file], &length, err) < 0 ||
        s->read(s->ctx, file, SAFETENSORS_PREFIX, buf_reserve(&b, length), length, err) < 0)
        goto out;
    if (safetensors_parse(b.data, length, s->size[file], st, err) < 0)
        goto out;
    p->n_st++;
    for (size_t i = 0; i < st->n_tensors; i++) {
        const struct safetensor *t = &st->tensor[i];
        *add_stored(p) = (struct stored){
            .name = { t->name, strlen(t->name) }, .file = file, .dtype = t->dtype, .offset = t->offset, .bytes = t->bytes,
            .rows = t->n_dims == 2 ? t->dim[0] : 1, .cols = t->n_dims == 2 ? t->dim[1] : t->n_dims == 1 ? t->dim[0] : 0,
        };
    }
    rc = 0;
out:
    buf_free(&b);
    return rc < 0 ? err_wrap(err, "%s", s->path[file]) : 0;
}

static int read_text(const struct source *s, const char *name, struct buf *b, struct err *err)
{
    int file = source_find(s, name);
    return file < 0 ? 0 : source_slurp(s, file, MAX_HEADER, b, err);
}

static const char *path_of(const struct source *s, const char *name)
{
    int file = source_find(s, name);
    return file < 0 ? name : s->path[file];
}

static bool has_suffix(const char *s, const char *suffix)
{
    size_t n = strlen(s), k = strlen(suffix);
    return n >= k && !strcmp(s + n - k, suffix);
}

/* Every file that the index names must be there. */
static int check_index(const struct source *s, struct err *err)
{
    struct buf b = {0};
    char file[256];
    int rc = read_text(s, "model.safetensors.index.json", &b, err);
    for (const char *p = b.data; rc == 0 && p && (p = strstr(p, ".safetensors\"")); p++) {
        const char *start = p;
        while (start > b.data && start[-1] != '"')
            start--;
        size_t n = (size_t)(p - start) + strlen(".safetensors");
        if (n >= sizeof file)
            continue;
        memcpy(file, start, n);
        file[n] = '\0';
        if (source_find(s, file) < 0)
            rc = err_set(err, ERR_IO, "%s: names %s, which is not in the folder; copy the missing shard", path_of(s, "model.safetensors.index.json"), file);
    }
    buf_free(&b);
    return rc;
}

static int open_hf(struct model *m, const struct source *s, struct err *err)
{
    struct buf config = {0}, generation = {0};
    int rc = -1, found = 0;
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
    if (generation.len && config_add_generation(generation.data, generation.len, &m->config, err) < 0) {
        err_wrap(err, "%s", path_of(s, "generation_config.json"));
        goto out;
    }
    if (check_index(s, err) < 0)
        goto out;
    for (int i = 0; i < s->n_files; i++) {
        if (!has_suffix(s->path[i], ".safetensors"))
            continue;
        found++;
        if (open_safetensors(m->plan, s, i, err) < 0)
            goto out;
    }
    rc = found ? 0 : err_set(err, ERR_FORMAT, "%s: no .safetensors file; PyTorch .bin weights are not read, convert them", s->path[0]);
out:
    buf_free(&config);
    buf_free(&generation);
    return rc;
}

/* ---- slots ---- */

static const struct stored *find_stored(const struct weight_plan *p, const char *name)
{
    for (size_t i = 0; i < p->n_stored; i++)
        if (slice_is(p->stored[i].name, name))
            return &p->stored[i];
    return NULL;
}

static struct slot *add_slot(struct weight_plan *p, const char *name, size_t n, size_t k)
{
    p->slot = xrealloc(p->slot, p->n_slots + 1, sizeof *p->slot);
    struct slot *s = &p->slot[p->n_slots++];
    *s = (struct slot){ .n = n, .k = k };
    snprintf(s->name, sizeof s->name, "%s", name);
    return s;
}

static void want_matrix(struct weight_plan *p, const char *name, struct linear *w, int n, int k, int shards)
{
    *w = (struct linear){ .n = n, .k = k, .n_shards = shards };
    add_slot(p, name, (size_t)n, (size_t)k)->matrix = w;
}

static void want_vector(struct weight_plan *p, const char *name, const float **v, int n)
{
    add_slot(p, name, (size_t)n, 0)->vector = v;
}

/* The same tensor under the names of both worlds. */
struct names {
    const char *hf, *gguf;
};

static const char *layer_name(const struct model *m, struct names n, int layer, const char *suffix)
{
    static _Thread_local char name[96];
    bool gguf = m->plan->gguf.n_tensors > 0;
    snprintf(name, sizeof name, gguf ? "blk.%d.%s.%s" : "model.layers.%d.%s.%s", layer, gguf ? n.gguf : n.hf, suffix);
    return name;
}

static void want_projection(struct model *m, struct names n, int l, struct linear *w, int rows, int cols, int shards, bool bias, int permuted)
{
    want_matrix(m->plan, layer_name(m, n, l, "weight"), w, rows, cols, shards);
    m->plan->slot[m->plan->n_slots - 1].permuted_heads = permuted;
    if (bias)
        want_vector(m->plan, layer_name(m, n, l, "bias"), &w->bias, rows);
}

static void want_layer(struct model *m, int l)
{
    const struct model_config *c = &m->config;
    struct layer *y = &m->layer[l];
    int q = c->n_heads * c->head_dim, kv = c->n_kv * c->head_dim, v = c->n_shards;
    bool permuted = m->plan->gguf.n_tensors > 0 && c->arch->gguf_permuted_qk;
    want_vector(m->plan, layer_name(m, (struct names){ "input_layernorm", "attn_norm" }, l, "weight"), &y->attn_norm, c->dim);
    want_vector(m->plan, layer_name(m, (struct names){ "post_attention_layernorm", "ffn_norm" }, l, "weight"), &y->ffn_norm, c->dim);
    want_projection(m, (struct names){ "self_attn.q_proj", "attn_q" }, l, &y->q, q, c->dim, 1, c->qkv_bias, permuted ? c->n_heads : 0);
    want_projection(m, (struct names){ "self_attn.k_proj", "attn_k" }, l, &y->k, kv, c->dim, 1, c->qkv_bias, permuted ? c->n_kv : 0);
    want_projection(m, (struct names){ "self_attn.v_proj", "attn_v" }, l, &y->v, kv, c->dim, 1, c->qkv_bias, 0);
    want_projection(m, (struct names){ "self_attn.o_proj", "attn_output" }, l, &y->o, c->dim, q, v, false, 0);
    want_projection(m, (struct names){ "mlp.gate_proj", "ffn_gate" }, l, &y->gate, c->ff, c->dim, 1, false, 0);
    want_projection(m, (struct names){ "mlp.up_proj", "ffn_up" }, l, &y->up, c->ff, c->dim, 1, false, 0);
    want_projection(m, (struct names){ "mlp.down_proj", "ffn_down" }, l, &y->down, c->dim, c->ff, v, false, 0);
    y->window = c->window && l >= c->window_first_layer ? c->window : 0;
}

/* Find each slot's tensor and check its shape; lay the block out. */
static int place_slots(struct model *m, struct err *err)
{
    struct weight_plan *p = m->plan;
    for (size_t i = 0; i < p->n_slots; i++) {
        struct slot *s = &p->slot[i];
        size_t cols = s->k ? s->k : s->n, rows = s->k ? s->n : 1;
        s->from = find_stored(p, s->name);
        if (!s->from)
            return err_set(err, ERR_MODEL, "tensor %s is missing; the model is incomplete or of another architecture than its configuration says", s->name);
        if (s->from->rows != rows || s->from->cols != cols)
            return err_set(err, ERR_MODEL, "tensor %s has the shape %llu x %llu, the configuration needs %zu x %zu; weights and configuration do not belong together", s->name,
                           (unsigned long long)s->from->rows, (unsigned long long)s->from->cols, rows, cols);
        if (s->vector && dtype_info[s->from->dtype].block > 1)
            return err_set(err, ERR_MODEL, "tensor %s: a vector in %s; it must be F32, F16 or BF16", s->name, dtype_info[s->from->dtype].name);
        if (s->matrix) {
            s->matrix->dtype = s->from->dtype;
            s->bytes = m->ops->linear_bytes(s->from->dtype, s->matrix->n, s->matrix->k);
        } else {
            s->bytes = s->n * sizeof(float);
        }
        s->at = m->packed_bytes;
        m->packed_bytes += (s->bytes + ALIGN - 1) / ALIGN * ALIGN;
    }
    return 0;
}

static int plan_slots(struct model *m, struct err *err)
{
    struct model_config *c = &m->config;
    bool gguf = m->plan->gguf.n_tensors > 0;
    const char *head = gguf ? "output.weight" : "lm_head.weight";
    m->layer = xcalloc((size_t)c->n_layers, sizeof *m->layer);
    want_matrix(m->plan, gguf ? "token_embd.weight" : "model.embed_tokens.weight", &m->embed, c->n_vocab, c->dim, 1);
    for (int l = 0; l < c->n_layers; l++)
        want_layer(m, l);
    want_vector(m->plan, gguf ? "output_norm.weight" : "model.norm.weight", &m->final_norm, c->dim);
    if (!c->tied)
        want_matrix(m->plan, head, &m->head, c->n_vocab, c->dim, 1);
    if (find_stored(m->plan, "rope_freqs.weight"))
        want_vector(m->plan, "rope_freqs.weight", &m->plan->rope_factor, c->rope.dims / 2);
    return place_slots(m, err);
}

/* ---- open, attach, load ---- */

struct model *model_open(const struct source *s, const struct ops *ops, struct err *err)
{
    struct model *m = xcalloc(1, sizeof *m);
    m->ops = ops;
    m->plan = xcalloc(1, sizeof *m->plan);
    bool gguf = s->n_files == 1 && has_suffix(s->path[0], ".gguf");
    int rc = gguf ? open_gguf(m, s, err) : open_hf(m, s, err);
    if (rc == 0 && (rc = plan_slots(m, err)) < 0)
        err_wrap(err, "%s", gguf ? s->path[0] : path_of(s, "config.json"));
    if (rc < 0) {
        err_advise(err, err->kind == ERR_FORMAT ? "the file is damaged or of another kind, copy it again" : "choose a model that this program runs");
        model_close(m);
        return NULL;
    }
    for (int i = 0; i < s->n_files; i++)
        if (gguf || has_suffix(s->path[i], ".safetensors"))
            m->file_bytes += s->size[i];
    return m;
}

const struct gguf *model_gguf(const struct model *m)
{
    return m->plan->gguf.n_tensors ? &m->plan->gguf : NULL;
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
    if (m->config.tied)
        m->head = m->embed;
}

/* fp16 (IEEE 754 binary16) to fp32, exactly. */
static float half_to_float(uint16_t h)
{
    int exponent = h >> 10 & 31, mantissa = h & 1023;
    double v = exponent == 31 ? (mantissa ? NAN : INFINITY) : exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24);
    return (float)(h >> 15 ? -v : v);
}

static void load_vector(struct model *m, const struct slot *s, const uint8_t *raw, float *wide)
{
    for (size_t i = 0; i < s->n; i++) {
        uint16_t half;
        uint32_t bits;
        if (s->from->dtype == DT_F32) {
            memcpy(&wide[i], raw + 4 * i, 4);
            continue;
        }
        memcpy(&half, raw + 2 * i, 2);
        bits = (uint32_t)half << 16;
        if (s->from->dtype == DT_F16)
            wide[i] = half_to_float(half);
        else
            memcpy(&wide[i], &bits, 4);
    }
    m->ops->upload(m->be, (void *)*s->vector, wide, s->n * sizeof(float));
}

/* GGUF files hold the rows of a q or k head as pairs (i, i + half) side by side; put 'heads' heads back into two halves. */
static void unpermute(uint8_t *to, const uint8_t *from, size_t row, size_t head_rows, size_t heads)
{
    size_t half = head_rows / 2;
    for (size_t h = 0; h < heads; h++, to += head_rows * row, from += head_rows * row)
        for (size_t i = 0; i < head_rows; i++)
            memcpy(to + ((i & 1) * half + i / 2) * row, from + i * row, row);
}

struct staging {
    uint8_t *raw, *ordered;
};

static int load_matrix(struct model *m, const struct source *s, const struct slot *slot, struct staging *st, struct err *err)
{
    size_t row = dtype_row_bytes(slot->from->dtype, slot->k), unit = slot->permuted_heads ? slot->n / (size_t)slot->permuted_heads : 1;
    size_t step = PIECE / (row * unit) * unit;
    if (step == 0)
        step = unit;
    for (size_t r = 0; r < slot->n; r += step) {
        size_t n = slot->n - r < step ? slot->n - r : step;
        const uint8_t *from = st->raw;
        if (s->read(s->ctx, slot->from->file, slot->from->offset + r * row, st->raw, n * row, err) < 0)
            return -1;
        if (slot->permuted_heads) {
            unpermute(st->ordered, st->raw, row, unit, n / unit);
            from = st->ordered;
        }
        m->ops->linear_pack(m->be, slot->matrix, from, (int)r, (int)n);
    }
    return 0;
}

static int by_place(const void *a, const void *b)
{
    const struct stored *x = (*(const struct slot *const *)a)->from, *y = (*(const struct slot *const *)b)->from;
    return x->file != y->file ? (x->file > y->file) - (x->file < y->file) : (x->offset > y->offset) - (x->offset < y->offset);
}

/* Bytes of the largest single read. */
static size_t staging_bytes(const struct weight_plan *p)
{
    size_t most = PIECE;
    for (size_t i = 0; i < p->n_slots; i++) {
        const struct slot *s = &p->slot[i];
        size_t row = dtype_row_bytes(s->from->dtype, s->k ? s->k : s->n);
        size_t need = row * (s->permuted_heads ? s->n / (size_t)s->permuted_heads : 1);
        most = need > most ? need : most;
    }
    return most;
}

int model_load(struct model *m, const struct source *s, struct err *err)
{
    struct weight_plan *p = m->plan;
    size_t bytes = staging_bytes(p);
    const struct slot **order = xcalloc(p->n_slots, sizeof *order);
    struct staging st = { malloc(bytes), malloc(bytes) };
    float *wide = malloc(2 * bytes);
    int rc = st.raw && st.ordered && wide ? 0 : err_set(err, ERR_MEMORY, "memory: no %zu MB to load weights through", 4 * bytes >> 20);
    for (size_t i = 0; i < p->n_slots; i++)
        order[i] = &p->slot[i];
    qsort(order, p->n_slots, sizeof *order, by_place);
    for (size_t i = 0; i < p->n_slots && rc == 0; i++) {
        const struct slot *slot = order[i];
        if (slot->matrix) {
            rc = load_matrix(m, s, slot, &st, err);
        } else if ((rc = s->read(s->ctx, slot->from->file, slot->from->offset, st.raw, slot->from->bytes, err)) == 0) {
            load_vector(m, slot, st.raw, wide);
        }
    }
    free(st.raw);
    free(st.ordered);
    free(wide);
    free(order);
    return rc;
}

void model_close(struct model *m)
{
    if (!m)
        return;
    struct weight_plan *p = m->plan;
    model_rope_free(m);
    for (int i = 0; i < p->n_st; i++)
        safetensors_free(&p->st[i]);
    for (int i = 0; i < p->n_header; i++)
        buf_free(&p->header[i]);
    gguf_free(&p->gguf);
    free(p->st);
    free(p->header);
    free(p->stored);
    free(p->slot);
    free(p);
    free(m->layer);
    free(m);
}
