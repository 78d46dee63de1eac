/* config_hf.c - a configuration from config.json and in the spellings of several years. Defaults are those of
 * transformers' configuration classes, which leave out what is a default. */
#include "config_keys.h"

#include <limits.h>
#include <math.h>
#include <string.h>

const cJSON *config_field(const cJSON *o, const char *name)
{
    const cJSON *j, *last = NULL;
    cJSON_ArrayForEach(j, o)
        if (j->string && !strcmp(j->string, name))
            last = j;
    return cJSON_IsNull(last) ? NULL : last;
}

/* Said to be none, which is not the same as left out. */
static bool is_null(const cJSON *o, const char *name)
{
    const cJSON *j;
    bool null = false;
    cJSON_ArrayForEach(j, o)
        if (j->string && !strcmp(j->string, name))
            null = cJSON_IsNull(j);
    return null;
}

static double number(const cJSON *o, const char *name, double otherwise)
{
    const cJSON *j = config_field(o, name);
    return cJSON_IsNumber(j) ? j->valuedouble : otherwise;
}

static bool boolean(const cJSON *o, const char *name, bool otherwise)
{
    const cJSON *j = config_field(o, name);
    return cJSON_IsBool(j) ? cJSON_IsTrue(j) : otherwise;
}

/* A whole number that fits an int; -1 when it is missing or something else, which check_config() then names. */
static int integer(const cJSON *o, const char *name, int otherwise)
{
    double x = number(o, name, otherwise);
    return x >= INT_MIN && x <= INT_MAX ? (int)x : -1;                              /* NaN ends here as well */
}

void config_read_eos(const cJSON *o, struct model_config *c)
{
    const cJSON *eos = config_field(o, "eos_token_id"), *j;
    if (cJSON_IsNumber(eos))
        config_add_eos(c, eos->valuedouble);
    cJSON_ArrayForEach(j, eos)
        if (cJSON_IsNumber(j))
            config_add_eos(c, j->valuedouble);
}

/* "LlamaModel" of "LlamaForCausalLM": the class that AutoModel saves, which transformers gives its head again by the model_type. */
static bool without_head(const char *class, const char *name)
{
    const size_t n = strlen(class) - strlen("ForCausalLM");
    return !strncmp(class, name, n) && !strcmp(name + n, "Model");
}

static const struct arch *arch_called(const char *name, bool by_type)
{
    for (int i = 0; name && i < arch_count; i++) {
        const struct arch *a = &arch_table[i];
        if (by_type ? !strcmp(a->hf_type, name) : !strcmp(a->hf_name, name) || without_head(a->hf_name, name))
            return a;
        if (!by_type && a->hf_alias && !strcmp(a->hf_alias, name))
            return a;
    }
    return NULL;
}

static const char *text(const cJSON *j)
{
    return cJSON_IsString(j) ? j->valuestring : NULL;
}

/* The class is named by "architectures", and transformers chooses by "model_type": they must not say two things. */
static const struct arch *find_arch(const cJSON *root, struct err *err)
{
    const cJSON *list = config_field(root, "architectures");
    const char *name = list ? text(list->child) : NULL, *type = text(config_field(root, "model_type"));
    const struct arch *a = arch_called(name, false);
    if (!name && type)                                                              /* "architectures" may be left out */
        a = arch_called(type, true);
    const char *why = a ? NULL : arch_difference(name, type);
    if (!a)
        err_set(err, ERR_MODEL, "architecture %s is not supported%s%s%s; known are %s", name ? name : type ? type : "(none given)",
                why ? " (" : "", why ? why : "", why ? ")" : "", arch_names());
    else if (type && strcmp(type, a->hf_type))
        err_set(err, ERR_MODEL, "the architecture is %s, but the model_type \"%s\", which is another model; correct the file", a->hf_name,
                type);
    else
        return a;
    return NULL;
}

static float yarn_attention(const cJSON *s, double factor)
{
    /* 0.1 ln(factor) + 1 is the paper's; DeepSeek's two mscales give a quotient */
    double m = number(s, "mscale", 0), all = number(s, "mscale_all_dim", 0);
    double base = factor <= 1 ? 1 : 0.1 * log(factor) + 1;
    if (m > 0 && all > 0)
        base = factor <= 1 ? 1 : (0.1 * m * log(factor) + 1) / (0.1 * all * log(factor) + 1);
    return (float)number(s, "attention_factor", base);
}

static int read_yarn(const cJSON *s, struct model_config *c, struct err *err)
{
    double fast = number(s, "beta_fast", 0), slow = number(s, "beta_slow", 0);
    c->rope.scaling = ROPE_YARN;
    c->rope.beta_fast = (float)(fast == 0 ? 32 : fast);                             /* transformers: "or 32" */
    c->rope.beta_slow = (float)(slow == 0 ? 1 : slow);
    c->rope.exact_ramp = !boolean(s, "truncate", true);
    c->rope.attention_factor = yarn_attention(s, (double)c->rope.factor);
    if (c->rope.original_context < 1 || !(c->rope.beta_fast > 0) || !(c->rope.beta_slow > 0))
        return err_set(err, ERR_MODEL, "rope_scaling: beta_fast, beta_slow or the original context of yarn is impossible");
    return 0;
}

static int read_llama3(const cJSON *s, struct model_config *c, struct err *err)
{
    c->rope.scaling = ROPE_LLAMA3;
    c->rope.low_freq = (float)number(s, "low_freq_factor", 1);
    c->rope.high_freq = (float)number(s, "high_freq_factor", 4);
    if (c->rope.high_freq == c->rope.low_freq || c->rope.original_context < 1)
        return err_set(err, ERR_MODEL, "rope_scaling: low_freq_factor %g, high_freq_factor %g and original context %d are impossible",
                       (double)c->rope.low_freq, (double)c->rope.high_freq, c->rope.original_context);
    return 0;
}

static bool known_rope(const char *type)
{
    static const char *const known[] = { "default", "dynamic", "linear", "llama3", "yarn" };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(known[i], type))
            return true;
    return false;
}

/* "rope_scaling" of transformers before 5, or "rope_parameters", which hold the base as well. */
static int read_rope(const cJSON *root, struct model_config *c, struct err *err)
{
    /* both spellings in one file: the older one counts */
    const char *block = config_field(root, "rope_scaling") ? "rope_scaling" : "rope_parameters";
    const cJSON *s = config_field(root, block);
    double top = number(root, "rope_theta", 0), inner = number(s, "rope_theta", 0); /* 0: not given */
    const char *type = text(config_field(s, "rope_type")) ? text(config_field(s, "rope_type")) : text(config_field(s, "type"));
    /* the type before its keys: a new type brings keys that nobody knows, and its own name says more */
    if (type && !known_rope(type))
        return err_set(err, ERR_MODEL, "%s type \"%s\" is not supported; known are default, dynamic, linear, llama3, yarn", block, type);
    if (s && rope_keys_check(s, block, err) < 0)
        return -1;
    if (top != 0 && inner != 0 && top != inner)
        return err_set(err, ERR_MODEL, "rope_theta is %g, and %g in %s; correct the file", top, inner, block);
    c->rope.theta = (float)(inner != 0 ? inner : top != 0 ? top : 10000);
    c->rope.factor = 1;
    c->rope.attention_factor = 1;
    if (!type || !strcmp(type, "default"))
        return 0;
    /* Dynamic scaling begins beyond max_position_embeddings, where no sequence of this program goes. */
    if (!strcmp(type, "dynamic"))
        return 0;
    c->rope.factor = (float)number(s, "factor", 1);
    c->rope.original_context = integer(s, "original_max_position_embeddings", c->context); /* llama3's and yarn's need it */
    if (!strcmp(type, "linear"))
        c->rope.scaling = ROPE_LINEAR;
    else if (!strcmp(type, "llama3"))
        return read_llama3(s, c, err);
    else
        return read_yarn(s, c, err);
    return 0;
}

/* One word a layer; it wins over what "max_window_layers" would give. */
static int read_layer_types(const cJSON *types, struct model_config *c, struct err *err)
{
    const cJSON *j;
    int l = 0;
    /* too few words would leave layers without a window, in silence */
    if (!cJSON_IsArray(types) || cJSON_GetArraySize(types) != c->n_layers)
        return err_set(err, ERR_MODEL, "layer_types is no list of a word for each of the %d layers", c->n_layers);
    cJSON_ArrayForEach(j, types)
    {
        const char *word = text(j) ? text(j) : "";
        bool slides = !strcmp(word, "sliding_attention");
        if ((!slides && strcmp(word, "full_attention")) || (slides && !c->window))  /* chunked, linear ... are other computations */
            return err_set(err, ERR_MODEL, "layer_types: \"%.40s\" of layer %d is not supported for %s%s", word, l, c->arch->hf_name,
                           slides ? " without a sliding_window" : "");
        if (slides)
            config_set_window(c, l);
        l++;
    }
    return 0;
}

/* A window of this class; its size is 0 where it is off. n_layers has been checked. */
static int read_window(const cJSON *root, struct model_config *c, struct err *err)
{
    const cJSON *types = config_field(root, "layer_types");
    const struct arch *a = c->arch;
    /* Qwen2 has a size but uses it only where told to; Mistral just has one */
    if (a->window && boolean(root, "use_sliding_window", !a->window_from))
        c->window = integer(root, "sliding_window", is_null(root, "sliding_window") ? 0 : a->default_window);
    if (types)
        return read_layer_types(types, c, err);
    /* Qwen2's name misleads: layers from this one on have the window */
    int first = a->window_from ? integer(root, "max_window_layers", a->window_from) : 0;
    for (int l = first < 0 ? 0 : first; c->window && l < c->n_layers; l++)
        config_set_window(c, l);
    return 0;
}

static int read_bias(const cJSON *root, struct model_config *c, struct err *err)
{
    /* o gets one with q, k and v: "attention_bias" of Llama means all four */
    bool attention = !(c->arch->bias & BIAS_QKV) && boolean(root, "attention_bias", false);     /* Qwen2 has them whatever it says */
    int asked = (attention ? BIAS_QKV | BIAS_O : 0) | (boolean(root, "mlp_bias", false) ? BIAS_MLP : 0);
    c->bias = c->arch->bias | asked;
    if (asked & ~c->arch->bias_option) /* the class has no such parameter: weights that nobody would read */
        return err_set(err, ERR_MODEL, "%s: %s has no such bias", asked & BIAS_MLP ? "mlp_bias" : "attention_bias", c->arch->hf_name);
    return 0;
}

static int read_hf(const cJSON *root, struct model_config *c, struct err *err)
{
    if (!cJSON_IsObject(root))
        return err_set(err, ERR_FORMAT, "no JSON object; is this a model's configuration?");
    if (!(c->arch = find_arch(root, err)))
        return -1;
    if (hf_keys_check(root, c->arch, err) < 0)
        return -1;
    const cJSON *act = config_field(root, "hidden_act");                            /* swish is its older name */
    if (cJSON_IsString(act) && strcmp(act->valuestring, "silu") && strcmp(act->valuestring, "swish"))
        return err_set(err, ERR_MODEL, "hidden_act \"%s\" is not supported; known is silu", act->valuestring);
    c->n_layers = integer(root, "num_hidden_layers", -1);
    c->dim = integer(root, "hidden_size", -1);
    c->n_heads = integer(root, "num_attention_heads", -1);
    c->n_kv = integer(root, "num_key_value_heads",
                      is_null(root, "num_key_value_heads") || !c->arch->default_kv ? c->n_heads : c->arch->default_kv);
    /* Mistral-Nemo's is no dim / heads, so the key comes first */
    c->head_dim = integer(root, "head_dim", c->n_heads > 0 ? c->dim / c->n_heads : -1);
    c->ff = integer(root, "intermediate_size", -1);
    c->n_vocab = integer(root, "vocab_size", -1);
    c->context = integer(root, "max_position_embeddings", c->arch->default_context);
    c->norm_eps = (float)number(root, "rms_norm_eps", 1e-6);                        /* LlamaConfig's default */
    c->tied = boolean(root, "tie_word_embeddings", false);
    if (read_bias(root, c, err) < 0)
        return -1;
    c->bos = integer(root, "bos_token_id", -1);
    c->rope.dims = c->head_dim;
    config_read_eos(root, c);
    return read_rope(root, c, err);
}

int config_from_hf(const char *json, size_t n, struct model_config *c, struct err *err)
{
    cJSON *root = cJSON_ParseWithLength(json, n);
    *c = (struct model_config){ .bos = -1 };
    int rc = read_hf(root, c, err);
    if (rc == 0)
        rc = config_check(c, err);
    /* after a first check, as it counts layers; and checked again with the window */
    if (rc == 0 && (rc = read_window(root, c, err)) == 0)
        rc = config_check(c, err);
    cJSON_Delete(root);
    return rc;
}
