/* config.c - a model's configuration from config.json or GGUF keys, checked so that later rooms need not. */
#include "model_priv.h"

#include "mtbench/mem.h"

#include <cjson/cJSON.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *arch_names(void)
{
    static char names[256];
    names[0] = '\0';
    for (int i = 0; i < arch_count; i++) {
        strcat(names, i ? ", " : "");
        strcat(names, arch_table[i].hf_name);
    }
    return names;
}

/* Virtual K shards: the largest of 8, 4, 2, 1 that divides the heads and leaves whole blocks of 32 of both row-parallel inputs. */
static int shards_of(const struct model_config *c)
{
    for (int v = 8; v > 1; v /= 2)
        if (c->n_heads % v == 0 && c->ff % (v * 32) == 0 && c->n_heads * c->head_dim % (v * 32) == 0)
            return v;
    return 1;
}

static int range(const char *name, long value, long low, long high, struct err *err)
{
    if (value < low || value > high)
        return err_set(err, ERR_MODEL, "the %s is %ld; it must lie between %ld and %ld", name, value, low, high);
    return 0;
}

static int check_config(struct model_config *c, struct err *err)
{
    if (range("number of layers", c->n_layers, 1, 1024, err) < 0 || range("hidden size", c->dim, 1, 1 << 16, err) < 0 ||
        range("number of attention heads", c->n_heads, 1, 1024, err) < 0 || range("number of key-value heads", c->n_kv, 1, c->n_heads, err) < 0 ||
        range("head dimension", c->head_dim, 16, 256, err) < 0 || range("feed-forward size", c->ff, 1, 1 << 20, err) < 0 ||
        range("vocabulary", c->n_vocab, 1, 1 << 24, err) < 0 || range("context length", c->context, 1, 1 << 26, err) < 0 ||
        range("number of rotated dimensions", c->rope.dims, 2, c->head_dim, err) < 0 || range("sliding window", c->window, 0, INT_MAX, err) < 0)
        return -1;
    if (c->head_dim % 16 || c->rope.dims % 2)
        return err_set(err, ERR_MODEL, "head dimension %d with %d rotated: heads must be a multiple of 16, rotated dimensions even", c->head_dim,
                       c->rope.dims);
    if (c->n_heads % c->n_kv)
        return err_set(err, ERR_MODEL, "%d attention heads are no multiple of %d key-value heads", c->n_heads, c->n_kv);
    if (c->dim % 16 || c->ff % 16)
        return err_set(err, ERR_MODEL, "hidden size %d and feed-forward size %d must be multiples of 16", c->dim, c->ff);
    if (!(c->norm_eps > 0 && c->norm_eps < 1) || !(c->rope.theta > 1) || !isfinite(c->rope.theta) || !(c->rope.factor > 0))
        return err_set(err, ERR_MODEL, "norm epsilon %g, rope base %g or scaling factor %g is impossible", (double)c->norm_eps,
                       (double)c->rope.theta, (double)c->rope.factor);
    c->n_shards = shards_of(c);
    return 0;
}

static void add_eos(struct model_config *c, double id)
{
    if (!(id >= 0 && id < c->n_vocab))
        return;
    for (int i = 0; i < c->n_eos; i++)
        if (c->eos[i] == (int32_t)id)
            return;
    c->eos = xrealloc(c->eos, (size_t)c->n_eos + 1, sizeof *c->eos);
    c->eos[c->n_eos++] = (int32_t)id;
}

void config_free(struct model_config *c)
{
    free(c->eos);
    c->eos = NULL;
    c->n_eos = 0;
}

/* ---- config.json ---- */

static const cJSON *field(const cJSON *o, const char *name)
{
    const cJSON *j, *last = NULL;
    cJSON_ArrayForEach(j, o)
        if (j->string && !strcmp(j->string, name))
            last = j;
    return cJSON_IsNull(last) ? NULL : last;
}

static double number(const cJSON *o, const char *name, double otherwise)
{
    const cJSON *j = field(o, name);
    return cJSON_IsNumber(j) ? j->valuedouble : otherwise;
}

static bool boolean(const cJSON *o, const char *name, bool otherwise)
{
    const cJSON *j = field(o, name);
    return cJSON_IsBool(j) ? cJSON_IsTrue(j) : otherwise;
}

/* A whole number that fits an int; -1 when it is missing or something else, which check_config() then names. */
static int integer(const cJSON *o, const char *name, int otherwise)
{
    double x = number(o, name, otherwise);
    return x >= INT_MIN && x <= INT_MAX ? (int)x : -1;
}

static void read_eos(const cJSON *o, struct model_config *c)
{
    const cJSON *eos = field(o, "eos_token_id"), *j;
    if (cJSON_IsNumber(eos))
        add_eos(c, eos->valuedouble);
    cJSON_ArrayForEach(j, eos)
        if (cJSON_IsNumber(j))
            add_eos(c, j->valuedouble);
}

static const struct arch *find_arch(const cJSON *root, struct err *err)
{
    const cJSON *list = field(root, "architectures");
    const char *name = list && cJSON_IsString(list->child) ? list->child->valuestring : NULL;
    for (int i = 0; name && i < arch_count; i++)
        if (!strcmp(arch_table[i].hf_name, name))
            return &arch_table[i];
    err_set(err, ERR_MODEL, "architecture %s is not supported; known are %s", name ? name : "(none given)", arch_names());
    return NULL;
}

static float yarn_attention(const cJSON *s, double factor)
{
    double m = number(s, "mscale", 0), all = number(s, "mscale_all_dim", 0);
    double base = factor <= 1 ? 1 : 0.1 * log(factor) + 1;
    if (m > 0 && all > 0)
        base = factor <= 1 ? 1 : (0.1 * m * log(factor) + 1) / (0.1 * all * log(factor) + 1);
    return (float)number(s, "attention_factor", base);
}

static int read_scaling(const cJSON *root, struct model_config *c, struct err *err)
{
    const cJSON *s = field(root, "rope_scaling");
    if (!s)
        s = field(root, "rope_parameters");
    c->rope.theta = (float)number(root, "rope_theta", number(s, "rope_theta", 10000));
    c->rope.factor = 1;
    c->rope.attention_factor = 1;
    if (!s)
        return 0;
    const cJSON *type = field(s, "rope_type");
    if (!type)
        type = field(s, "type");
    const char *name = cJSON_IsString(type) ? type->valuestring : "default";
    c->rope.factor = (float)number(s, "factor", 1);
    c->rope.original_context = integer(s, "original_max_position_embeddings", c->context);
    if (!strcmp(name, "default")) {
        c->rope.factor = 1;
    } else if (!strcmp(name, "linear")) {
        c->rope.scaling = ROPE_LINEAR;
    } else if (!strcmp(name, "llama3")) {
        c->rope.scaling = ROPE_LLAMA3;
        c->rope.low_freq = (float)number(s, "low_freq_factor", 1);
        c->rope.high_freq = (float)number(s, "high_freq_factor", 4);
        if (c->rope.high_freq == c->rope.low_freq || c->rope.original_context < 1)
            return err_set(err, ERR_MODEL, "rope_scaling: low_freq_factor %g, high_freq_factor %g and original context %d are impossible",
                           (double)c->rope.low_freq, (double)c->rope.high_freq, c->rope.original_context);
    } else if (!strcmp(name, "yarn")) {
        c->rope.scaling = ROPE_YARN;
        c->rope.beta_fast = (float)number(s, "beta_fast", 32);
        c->rope.beta_slow = (float)number(s, "beta_slow", 1);
        c->rope.attention_factor = yarn_attention(s, (double)c->rope.factor);
        if (c->rope.original_context < 1 || !(c->rope.beta_fast > 0) || !(c->rope.beta_slow > 0))
            return err_set(err, ERR_MODEL, "rope_scaling: beta_fast, beta_slow or the original context of yarn is impossible");
    } else {
        return err_set(err, ERR_MODEL, "rope_scaling type \"%s\" is not supported; known are default, linear, llama3, yarn", name);
    }
    return 0;
}

static void read_window(const cJSON *root, struct model_config *c)
{
    if (!c->arch->window || !boolean(root, "use_sliding_window", !(c->arch->bias & BIAS_QKV)))
        return;
    c->window = integer(root, "sliding_window", 0);
    c->window_first_layer = c->arch->bias & BIAS_QKV ? integer(root, "max_window_layers", 28) : 0;     /* 28: Qwen2Config's default */
}

static void read_generation(const cJSON *g, struct model_config *c)
{
    const struct {
        const char *name;
        bool *has;
        float *value;
    } table[] = {
        { "temperature", &c->generation.has_temperature, &c->generation.temperature },
        { "top_p", &c->generation.has_top_p, &c->generation.top_p },
        { "min_p", &c->generation.has_min_p, &c->generation.min_p },
        { "repetition_penalty", &c->generation.has_repetition_penalty, &c->generation.repetition_penalty },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const cJSON *j = field(g, table[i].name);
        if (cJSON_IsNumber(j)) {
            *table[i].has = true;
            *table[i].value = (float)j->valuedouble;
        }
    }
    if (cJSON_IsNumber(field(g, "top_k"))) {
        c->generation.has_top_k = true;
        c->generation.top_k = integer(g, "top_k", 0);
    }
    read_eos(g, c);
}

static int read_bias(const cJSON *root, struct model_config *c, struct err *err)
{
    bool attention = !(c->arch->bias & BIAS_QKV) && boolean(root, "attention_bias", false);     /* Qwen2 has them whatever it says */
    int asked = (attention ? BIAS_QKV | BIAS_O : 0) | (boolean(root, "mlp_bias", false) ? BIAS_MLP : 0);
    c->bias = c->arch->bias | asked;
    if (asked & ~c->arch->bias_option)
        return err_set(err, ERR_MODEL, "%s: %s has no such bias", asked & BIAS_MLP ? "mlp_bias" : "attention_bias", c->arch->hf_name);
    return 0;
}

static int read_hf(const cJSON *root, struct model_config *c, struct err *err)
{
    if (!cJSON_IsObject(root))
        return err_set(err, ERR_FORMAT, "no JSON object; is this a model's configuration?");
    if (!(c->arch = find_arch(root, err)))
        return -1;
    const cJSON *act = field(root, "hidden_act");
    if (cJSON_IsString(act) && strcmp(act->valuestring, "silu") && strcmp(act->valuestring, "swish"))
        return err_set(err, ERR_MODEL, "hidden_act \"%s\" is not supported; known is silu", act->valuestring);
    c->n_layers = integer(root, "num_hidden_layers", -1);
    c->dim = integer(root, "hidden_size", -1);
    c->n_heads = integer(root, "num_attention_heads", -1);
    c->n_kv = integer(root, "num_key_value_heads", c->n_heads);
    c->head_dim = integer(root, "head_dim", c->n_heads > 0 ? c->dim / c->n_heads : -1);
    c->ff = integer(root, "intermediate_size", -1);
    c->n_vocab = integer(root, "vocab_size", -1);
    c->context = integer(root, "max_position_embeddings", 2048);
    c->norm_eps = (float)number(root, "rms_norm_eps", 1e-6);
    c->tied = boolean(root, "tie_word_embeddings", false);
    if (read_bias(root, c, err) < 0)
        return -1;
    c->bos = integer(root, "bos_token_id", -1);
    c->rope.dims = c->head_dim;
    read_window(root, c);
    read_eos(root, c);
    return read_scaling(root, c, err);
}

int config_from_hf(const char *json, size_t n, struct model_config *c, struct err *err)
{
    cJSON *root = cJSON_ParseWithLength(json, n);
    *c = (struct model_config){ .bos = -1 };
    int rc = read_hf(root, c, err);
    if (rc == 0)
        rc = check_config(c, err);
    cJSON_Delete(root);
    return rc;
}

int config_add_generation(const char *json, size_t n, struct model_config *c, struct err *err)
{
    cJSON *root = cJSON_ParseWithLength(json, n);
    int rc = cJSON_IsObject(root) ? 0 : err_set(err, ERR_FORMAT, "no JSON object; correct the file, or remove it to sample by the defaults");
    if (rc == 0)
        read_generation(root, c);
    cJSON_Delete(root);
    return rc;
}

/* ---- GGUF ---- */

static const char *key_of(const struct model_config *c, const char *suffix)
{
    static _Thread_local char key[128];
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
    if (!v && gguf_find(g, key_of(c, suffix)))
        return err_set(err, ERR_FORMAT, "%s is no whole number", key_of(c, suffix));
    for (size_t i = 1; i < n && rc == 0; i++)
        if (v[i] != v[0])
            rc = err_set(err, ERR_MODEL, "%s differs between layers, %lld and %lld; that is not supported", key_of(c, suffix), (long long)v[0], (long long)v[i]);
    if (v && rc == 0)
        *to = v[0] >= INT_MIN && v[0] <= INT_MAX ? (int)v[0] : -1;
    free(v);
    return rc;
}

static int gguf_scaling(const struct gguf *g, struct model_config *c, struct err *err)
{
    double x;
    struct slice type;
    c->rope.theta = gguf_float(g, key_of(c, ".rope.freq_base"), &x) ? (float)x : 10000.0f;
    c->rope.factor = gguf_float(g, key_of(c, ".rope.scaling.factor"), &x) ? (float)x : 1.0f;
    c->rope.attention_factor = 1;
    if (gguf_number(g, c, ".rope.scaling.original_context_length", c->context, &c->rope.original_context, err) < 0)
        return -1;
    if (!gguf_string(g, key_of(c, ".rope.scaling.type"), &type) || slice_is(type, "none")) {
        c->rope.factor = 1;
        return 0;
    }
    if (slice_is(type, "linear")) {
        c->rope.scaling = ROPE_LINEAR;
    } else if (slice_is(type, "yarn")) {
        c->rope.scaling = ROPE_YARN;
        c->rope.beta_fast = 32;
        c->rope.beta_slow = 1;
        c->rope.attention_factor = c->rope.factor > 1 ? (float)(0.1 * log((double)c->rope.factor) + 1) : 1.0f;
    } else {
        return err_set(err, ERR_MODEL, "rope.scaling.type \"%.*s\" is not supported; known are none, linear, yarn", (int)type.len, type.ptr);
    }
    return 0;
}

int config_from_gguf(const struct gguf *g, int n_vocab, struct model_config *c, struct err *err)
{
    struct slice name = { "", 0 };
    int64_t id;
    double x;
    *c = (struct model_config){ .bos = -1 };
    gguf_string(g, "general.architecture", &name);
    for (int i = 0; i < arch_count && !c->arch; i++)
        if (slice_is(name, arch_table[i].gguf_name))
            c->arch = &arch_table[i];
    if (!c->arch)
        return err_set(err, ERR_MODEL, "general.architecture \"%.*s\" is not supported; known are llama, qwen2", (int)name.len, name.ptr);
    if (gguf_number(g, c, ".block_count", -1, &c->n_layers, err) < 0 || gguf_number(g, c, ".embedding_length", -1, &c->dim, err) < 0 ||
        gguf_number(g, c, ".attention.head_count", -1, &c->n_heads, err) < 0 ||
        gguf_number(g, c, ".attention.head_count_kv", c->n_heads, &c->n_kv, err) < 0 ||
        gguf_number(g, c, ".attention.key_length", c->n_heads > 0 ? c->dim / c->n_heads : -1, &c->head_dim, err) < 0 ||
        gguf_number(g, c, ".feed_forward_length", -1, &c->ff, err) < 0 || gguf_number(g, c, ".context_length", 2048, &c->context, err) < 0 ||
        gguf_number(g, c, ".rope.dimension_count", c->head_dim, &c->rope.dims, err) < 0)
        return -1;
    c->norm_eps = gguf_float(g, key_of(c, ".attention.layer_norm_rms_epsilon"), &x) ? (float)x : 1e-5f;
    c->n_vocab = n_vocab;
    c->tied = true;                       /* unless there is a head */
    c->bias = c->arch->bias;
    if (gguf_int(g, "tokenizer.ggml.bos_token_id", &id))
        c->bos = (int)id;
    if (gguf_scaling(g, c, err) < 0 || check_config(c, err) < 0)
        return -1;
    static const char *const end[] = { "tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id" };
    for (size_t i = 0; i < sizeof end / sizeof *end; i++)
        if (gguf_int(g, end[i], &id))
            add_eos(c, (double)id);
    return 0;
}

int config_window(const struct model_config *c, int l)
{
    return c->window && l >= c->window_first_layer ? c->window : 0;
}

double model_parameters(const struct model_config *c)
{
    double heads = (double)c->n_heads * c->head_dim, kv = (double)c->n_kv * c->head_dim;
    double layer = (double)c->dim * (2 * heads + 2 * kv + 3.0 * c->ff + 2);
    return c->n_layers * layer + (double)c->n_vocab * c->dim * (c->tied ? 1 : 2) + c->dim;
}
