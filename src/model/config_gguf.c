/* config_gguf.c - a configuration from the keys of a GGUF file, read as llama.cpp reads them. */
#include "config_keys.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *key_of(const struct model_config *c, const char *suffix)
{
    static _Thread_local char key[128];                                             /* valid until the next call */
    strcpy(key, c->arch->gguf_name);
    strcat(key, suffix);
    return key;
}

/* A whole number, or one per layer where all are equal. */
static int gguf_number(const struct gguf *g, const struct model_config *c, const char *suffix, int otherwise, int *to, struct err *err)
{
    size_t n = 0;
    int rc = 0;
    int64_t *v = gguf_ints(g, key_of(c, suffix), &n);
    *to = otherwise;
    if (!v && gguf_find(g, key_of(c, suffix)))                                      /* there, but text or a fraction */
        return err_set(err, ERR_FORMAT, "%s is no whole number", key_of(c, suffix));
    for (size_t i = 1; i < n && rc == 0; i++)
        /* llama.cpp runs such models (OpenELM); here all layers have one shape */
        if (v[i] != v[0])
            rc = err_set(err, ERR_MODEL, "%s differs between layers, %lld and %lld; that is not supported", key_of(c, suffix),
                         (long long)v[0], (long long)v[i]);
    if (v && rc == 0)
        *to = v[0] >= INT_MIN && v[0] <= INT_MAX ? (int)v[0] : -1;
    free(v);
    return rc;
}

static float gguf_number_f(const struct gguf *g, const struct model_config *c, const char *suffix, double otherwise)
{
    double x;
    return (float)(gguf_float(g, key_of(c, suffix), &x) ? x : otherwise);
}

/* As llama.cpp reads them: a factor without a type is linear, under the name that files of 2023 have too; 0 is none; attn_factor counts for
 * all. */
static int gguf_scaling(const struct gguf *g, struct model_config *c, struct err *err)
{
    struct slice type = { "linear", 6 };                                            /* llama.cpp's default, with a factor of 1 none */
    float factor = gguf_number_f(g, c, ".rope.scaling.factor", 0);                  /* 0: not given */
    if (!gguf_find(g, key_of(c, ".rope.scaling.factor")))
        factor = gguf_number_f(g, c, ".rope.scale_linear", 0);
    c->rope.theta = gguf_number_f(g, c, ".rope.freq_base", 10000);
    c->rope.factor = factor == 0 ? 1 : factor;
    c->rope.attention_factor = gguf_number_f(g, c, ".rope.scaling.attn_factor", 1);
    if (gguf_number(g, c, ".rope.scaling.original_context_length", c->context, &c->rope.original_context, err) < 0)
        return -1;
    gguf_string(g, key_of(c, ".rope.scaling.type"), &type);
    if (slice_is(type, "none")) {
        c->rope.factor = 1;
    } else if (slice_is(type, "linear")) {
        c->rope.scaling = c->rope.factor == 1 ? ROPE_NONE : ROPE_LINEAR;
    } else if (slice_is(type, "yarn")) {
        c->rope.scaling = ROPE_YARN;
        c->rope.beta_fast = gguf_number_f(g, c, ".rope.scaling.yarn_beta_fast", 32);
        c->rope.beta_slow = gguf_number_f(g, c, ".rope.scaling.yarn_beta_slow", 1);
        /* on top of attn_factor, as in llama.cpp */
        c->rope.attention_factor *= c->rope.factor > 1 ? (float)(0.1 * log((double)c->rope.factor) + 1) : 1.0f;
    } else {
        return err_set(err, ERR_MODEL, "rope.scaling.type \"%.*s\" is not supported; known are none, linear, yarn", (int)type.len,
                       type.ptr);
    }
    return 0;
}

/* What a converter took over from generation_config.json, and llama.cpp obeys. The temperature is the category's. */
static int gguf_sampling(const struct gguf *g, struct generation *s, struct err *err)
{
    static const struct key key[] = {
        READ_KEY("top_k", 'i'), READ_KEY("top_p", 'f'), READ_KEY("min_p", 'f'), READ_KEY("penalty_repeat", 'f'),
        OFF_KEY("xtc_probability", 0, 0), OFF_KEY("mirostat", 0, 0),
        IDLE_KEY("temp"), IDLE_KEY("sequence"), IDLE_KEY("xtc_threshold"), IDLE_KEY("mirostat_tau"), IDLE_KEY("mirostat_eta"),
        IDLE_KEY("penalty_last_n"),      /* the penalty is of the whole context, as in transformers */
    };
    static const char prefix[] = "general.sampling";
    const struct { const char *name; bool *has; float *value; } number[] = {
        { "general.sampling.top_p", &s->has_top_p, &s->top_p },
        { "general.sampling.min_p", &s->has_min_p, &s->min_p },
        { "general.sampling.penalty_repeat", &s->has_repetition_penalty, &s->repetition_penalty },
    };
    struct buf unknown = {0};
    int64_t top_k;
    double x;
    int rc = gguf_keys(g, prefix, KEYS(key), &unknown, err);
    if (rc == 0)
        keys_note("the GGUF file", &unknown);
    buf_free(&unknown);
    for (size_t i = 0; i < sizeof number / sizeof *number; i++)
        if ((*number[i].has = gguf_float(g, number[i].name, &x)))
            *number[i].value = (float)x;
    if ((s->has_top_k = gguf_int(g, "general.sampling.top_k", &top_k)))
        s->top_k = top_k >= 0 && top_k <= INT32_MAX ? (long)top_k : -1;
    return rc < 0 ? -1 : generation_check(s, false, err);
}

int config_from_gguf(const struct gguf *g, int n_vocab, struct model_config *c, struct err *err)
{
    struct slice name = { "", 0 }, kind = { "model", 5 };
    int64_t id;
    double x;
    int value_length;
    *c = (struct model_config){ .bos = -1 };
    gguf_string(g, "general.architecture", &name);
    for (int i = 0; i < arch_count && !c->arch; i++)
        if (slice_is(name, arch_table[i].gguf_name))
            c->arch = &arch_table[i];
    if (!c->arch) {
        char type[64];
        snprintf(type, sizeof type, "%.*s", (int)(name.len < sizeof type ? name.len : 0), name.ptr);
        const char *why = arch_difference(NULL, type);
        return err_set(err, ERR_MODEL, "general.architecture \"%.*s\" is not supported%s%s%s; known are llama, qwen2", (int)name.len,
                       name.ptr, why ? " (" : "", why ? why : "", why ? ")" : "");
    }
    gguf_string(g, "general.type", &kind);
    if (!slice_is(kind, "model"))
        return err_set(err, ERR_MODEL, "general.type is \"%.*s\": the file holds no whole model; give the model that it belongs to",
                       (int)kind.len, kind.ptr);
    /* before any is read: a key of another computation says best why the file is refused */
    if (gguf_keys_check(g, c->arch, err) < 0)
        return -1;
    if (gguf_number(g, c, ".block_count", -1, &c->n_layers, err) < 0 || gguf_number(g, c, ".embedding_length", -1, &c->dim, err) < 0 ||
        gguf_number(g, c, ".attention.head_count", -1, &c->n_heads, err) < 0 ||
        gguf_number(g, c, ".attention.head_count_kv", c->n_heads, &c->n_kv, err) < 0 || /* left out: as many as heads */
        gguf_number(g, c, ".attention.key_length", c->n_heads > 0 ? c->dim / c->n_heads : -1, &c->head_dim, err) < 0 ||
        gguf_number(g, c, ".feed_forward_length", -1, &c->ff, err) < 0 ||
        gguf_number(g, c, ".context_length", 2048, &c->context, err) < 0 ||
        gguf_number(g, c, ".attention.value_length", c->head_dim, &value_length, err) < 0 ||
        gguf_number(g, c, ".rope.dimension_count", c->head_dim, &c->rope.dims, err) < 0)
        return -1;
    /* interleaved rows are put back in order over whole heads, so a part of a head cannot rotate */
    if (value_length != c->head_dim || (c->arch->gguf_permuted_qk && c->rope.dims != c->head_dim))
        return err_set(err, ERR_MODEL, "keys of %d and values of %d per head, %d of them rotated: not supported", c->head_dim, value_length,
                       c->rope.dims);
    /* llama.cpp's 1e-5, not transformers' 1e-6 */
    c->norm_eps = gguf_float(g, key_of(c, ".attention.layer_norm_rms_epsilon"), &x) ? (float)x : 1e-5f;
    c->n_vocab = n_vocab; /* rows of the embedding; the vocabulary's list may be shorter */
    c->tied = true;                       /* unless there is a head */
    c->bias = c->arch->bias;
    if (gguf_int(g, "tokenizer.ggml.bos_token_id", &id) && id >= 0 && id < INT32_MAX)
        c->bos = (int)id;
    if (gguf_scaling(g, c, err) < 0 || gguf_sampling(g, &c->generation, err) < 0 || config_check(c, err) < 0)
        return -1;
    /* any of them ends an answer */
    static const char *const end[] = { "tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id" };
    for (size_t i = 0; i < sizeof end / sizeof *end; i++)
        if (gguf_int(g, end[i], &id))
            config_add_eos(c, (double)id);
    return 0;
}

