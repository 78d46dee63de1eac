/* config.c - config.json and generation_config.json: the spellings of several years, and impossible values. */
#include "src/model/model_priv.h"

#include "mtbench/io.h"
#include "mtbench/mem.h"

#include "tap.h"

#include <math.h>
#include <stdlib.h>

#define BASE "\"hidden_size\": 64, \"intermediate_size\": 128, \"num_hidden_layers\": 2, \"num_attention_heads\": 4, \"vocab_size\": 100"
#define LLAMA "{\"architectures\": [\"LlamaForCausalLM\"], " BASE
#define QWEN2 "{\"architectures\": [\"Qwen2ForCausalLM\"], " BASE
#define MISTRAL "{\"architectures\": [\"MistralForCausalLM\"], " BASE

/* The ends of text move to memory that nobody needs to free. */
static void settle(struct model_config *c)
{
    static int32_t kept[16];
    int n = c->n_eos;
    if (n)
        memcpy(kept, c->eos, (size_t)n * sizeof *kept);
    config_free(c);
    c->eos = kept;
    c->n_eos = n;
}

static bool read_config(const char *json, const char *generation, struct model_config *c, struct err *err)
{
    *err = (struct err){ 0 };
    bool read = config_from_hf(json, strlen(json), c, err) == 0 && (!generation || config_add_generation(generation, strlen(generation), c, err) == 0);
    settle(c);
    return read;
}

static const struct {
    const char *config, *generation;
    int n_eos;
    int32_t eos[9];
} eos[] = {
    { LLAMA "}", NULL, 0, { 0 } },
    { LLAMA ", \"eos_token_id\": 2}", NULL, 1, { 2 } },
    { LLAMA ", \"eos_token_id\": [2, 7]}", NULL, 2, { 2, 7 } },
    { LLAMA ", \"eos_token_id\": 2}", "{\"eos_token_id\": [2, 8, 9]}", 3, { 2, 8, 9 } },
    { LLAMA ", \"eos_token_id\": null}", "{\"eos_token_id\": 5}", 1, { 5 } },
    { LLAMA ", \"eos_token_id\": 2}", "{\"eos_token_id\": [100, -1, 1e300, \"3\", null]}", 1, { 2 } },
    { LLAMA "}", "{\"eos_token_id\": [1, 2, 3, 4, 5, 6, 7, 8, 9]}", 9, { 1, 2, 3, 4, 5, 6, 7, 8, 9 } },
};

static void check_eos(void)
{
    for (size_t i = 0; i < sizeof eos / sizeof *eos; i++) {
        struct model_config c;
        struct err err;
        bool right = read_config(eos[i].config, eos[i].generation, &c, &err) && c.n_eos == eos[i].n_eos;
        for (int k = 0; right && k < c.n_eos; k++)
            right = c.eos[k] == eos[i].eos[k];
        ok(right, "%d ends of text with generation_config.json %s", eos[i].n_eos, eos[i].generation ? eos[i].generation : "absent");
    }
}

static void check_sampler(void)
{
    struct model_config c;
    struct err err;
    ok(read_config(LLAMA "}", "{\"top_p\": 0.8, \"top_k\": 20, \"repetition_penalty\": 1.05, \"temperature\": 0.7}", &c, &err) && c.generation.has_top_p &&
       fabsf(c.generation.top_p - 0.8f) < 1e-7f && c.generation.top_k == 20 && fabsf(c.generation.repetition_penalty - 1.05f) < 1e-7f && !c.generation.has_min_p,
       "a sampler from generation_config.json");
    ok(read_config(LLAMA "}", "{\"top_p\": null, \"top_k\": \"x\"}", &c, &err) && !c.generation.has_top_p && !c.generation.has_top_k, "null and text are no numbers");
}

static void check_shapes(void)
{
    struct model_config c;
    struct err err;
    ok(read_config(LLAMA "}", NULL, &c, &err) && c.n_kv == 4 && c.head_dim == 16 && fabsf(c.rope.theta - 10000) < 1 && !c.tied, "an old file: heads, base and tie by default");
    ok(read_config(LLAMA ", \"head_dim\": 32, \"num_key_value_heads\": 2, \"rope_theta\": 500000.0, \"tie_word_embeddings\": true}", NULL, &c, &err) && c.n_kv == 2 &&
       c.head_dim == 32 && fabsf(c.rope.theta - 500000) < 1 && c.tied, "a new one");
    ok(read_config(LLAMA ", \"rope_parameters\": {\"rope_theta\": 20000.0, \"rope_type\": \"linear\", \"factor\": 4}}", NULL, &c, &err) && c.rope.scaling == ROPE_LINEAR &&
       fabsf(c.rope.theta - 20000) < 1 && fabsf(c.rope.factor - 4) < 1e-6f, "rope_parameters");
    ok(read_config(LLAMA ", \"sliding_window\": 8}", NULL, &c, &err) && c.window == 0, "Llama has no window");
    ok(read_config(MISTRAL ", \"sliding_window\": 8}", NULL, &c, &err) && c.window == 8 && c.window_first_layer == 0, "Mistral's window");
    ok(read_config(MISTRAL ", \"sliding_window\": null}", NULL, &c, &err) && c.window == 0, "Mistral's null window");
    ok(read_config(QWEN2 ", \"sliding_window\": 8}", NULL, &c, &err) && c.window == 0 && c.bias == BIAS_QKV, "Qwen2's window is off by default");
    ok(read_config(QWEN2 ", \"sliding_window\": 8, \"use_sliding_window\": true, \"max_window_layers\": 1}", NULL, &c, &err) && c.window == 8 && c.window_first_layer == 1, "and on");
    ok(read_config(QWEN2 ", \"sliding_window\": 8, \"use_sliding_window\": true}", NULL, &c, &err) && c.window_first_layer == 28, "from layer 28 when the file is silent");
}

static void check_biases(void)
{
    struct model_config c;
    struct err err;
    ok(read_config(LLAMA ", \"attention_bias\": true}", NULL, &c, &err) && c.bias == (BIAS_QKV | BIAS_O), "attention_bias: q, k, v and the output have one");
    ok(read_config(LLAMA ", \"mlp_bias\": true}", NULL, &c, &err) && c.bias == BIAS_MLP, "mlp_bias");
    ok(read_config(QWEN2 ", \"attention_bias\": true}", NULL, &c, &err) && c.bias == BIAS_QKV, "Qwen2's class has biases of q, k and v, whatever is written");
}

static void check_refusals(void)
{
    static const char *const bad[][2] = {
        { "{\"architectures\": [\"PhiForCausalLM\"]}", "LlamaForCausalLM, MistralForCausalLM, Qwen2ForCausalLM" }, { "{}", "none given" }, { "[1]", "JSON object" }, { "{", "JSON object" },
        { LLAMA ", \"rope_scaling\": {\"type\": \"dynamic\", \"factor\": 2}}", "dynamic" }, { LLAMA ", \"hidden_act\": \"gelu\"}", "gelu" }, { MISTRAL ", \"mlp_bias\": true}", "mlp_bias" },
        { MISTRAL ", \"attention_bias\": true}", "attention_bias" }, { LLAMA ", \"num_key_value_heads\": 3}", "multiple" }, { LLAMA ", \"num_key_value_heads\": 0}", "key-value heads is 0" },
        { LLAMA ", \"head_dim\": 24}", "multiple of 16" }, { LLAMA ", \"hidden_size\": -64}", "hidden size" }, { LLAMA ", \"vocab_size\": 1e300}", "vocabulary" },
        { LLAMA ", \"rms_norm_eps\": 0}", "epsilon" }, { LLAMA ", \"rope_theta\": -1}", "rope base" }, { LLAMA ", \"num_hidden_layers\": 1e9}", "layers" },
        { MISTRAL ", \"sliding_window\": -8}", "window" },
        { LLAMA ", \"rope_scaling\": {\"rope_type\": \"llama3\", \"low_freq_factor\": 2, \"high_freq_factor\": 2}}", "low_freq_factor" },
        { LLAMA ", \"rope_scaling\": {\"rope_type\": \"yarn\", \"factor\": 2, \"beta_slow\": 0}}", "yarn" },
    };
    struct model_config unused;
    struct err broken;
    ok(!read_config(LLAMA "}", "{broken", &unused, &broken) && strstr(broken.text, "no JSON object"), "refused: %s", broken.text);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct model_config c;
        struct err err;
        ok(!read_config(bad[i][0], NULL, &c, &err) && strstr(err.text, bad[i][1]), "refused: %s", err.text);
    }
}

static int parse_file(const char *name, struct model_config *c)
{
    struct buf b = { 0 };
    struct err err;
    char path[200];
    snprintf(path, sizeof path, "tests/golden/tiny/%s/config.json", name);
    int rc = io_read(path, &b, &err) < 0 ? -1 : config_from_hf(b.data, b.len, c, &err);
    buf_free(&b);
    settle(c);
    return rc;
}

static bool near(float a, double b)
{
    return fabs((double)a - b) <= 1e-6 * fabs(b);
}

/* What transformers wrote for the models of tests/golden/tiny. */
static void check_transformers(void)
{
    struct model_config c;
    ok(parse_file("llama", &c) == 0 && !strcmp(c.arch->hf_name, "LlamaForCausalLM") && c.n_layers == 2 && c.dim == 32 && c.n_heads == 2 && c.n_kv == 2 &&
       c.head_dim == 16 && c.ff == 64 && c.n_vocab == 96 && c.context == 256, "llama: sizes");
    ok(near(c.norm_eps, 1e-5) && near(c.rope.theta, 10000) && c.rope.dims == 16 && c.rope.scaling == ROPE_NONE && !c.tied && !c.bias && c.window == 0 &&
       c.bos == 1 && c.n_eos == 1 && c.eos[0] == 2, "llama: the rest");
    ok(parse_file("llama_gqa_tied", &c) == 0 && c.n_heads == 4 && c.n_kv == 1 && c.head_dim == 16 && c.dim == 32 && c.tied, "grouped heads wider than the model, tied");
    ok(parse_file("llama3_scaling", &c) == 0 && c.rope.scaling == ROPE_LLAMA3 && near(c.rope.factor, 4) && near(c.rope.low_freq, 1) &&
       near(c.rope.high_freq, 4) && c.rope.original_context == 32, "Llama 3's scaling");
    ok(parse_file("llama_linear", &c) == 0 && c.rope.scaling == ROPE_LINEAR && near(c.rope.factor, 2), "linear scaling");
    ok(parse_file("mistral_window", &c) == 0 && c.window == 8 && c.window_first_layer == 0, "a window on all layers");
    ok(parse_file("qwen2", &c) == 0 && c.bias == BIAS_QKV && c.window == 0, "Qwen2: biases, its window off by default");
    ok(parse_file("qwen2_yarn", &c) == 0 && c.rope.scaling == ROPE_YARN && near(c.rope.factor, 4) && c.rope.original_context == 64 &&
       near(c.rope.beta_fast, 32) && near(c.rope.beta_slow, 1) && near(c.rope.attention_factor, 0.1 * log(4) + 1), "yarn: its attention factor is 0.1 ln(factor) + 1");
}

/* Shards depend on the sizes alone: the largest of 8, 4, 2, 1 that leaves whole blocks of 32 and whole heads. */
static void check_shards(void)
{
    static const struct { int heads, dim, ff, want; } table[] = { { 4, 64, 128, 2 }, { 32, 4096, 11008, 8 }, { 9, 576, 1536, 1 }, { 14, 896, 4864, 2 }, { 8, 512, 1024, 8 } };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct model_config c;
        struct err err;
        char json[400];
        snprintf(json, sizeof json, "{\"architectures\": [\"LlamaForCausalLM\"], \"num_hidden_layers\": 1, \"hidden_size\": %d, \"num_attention_heads\": %d, \"intermediate_size\": %d, \"vocab_size\": 100}",
                 table[i].dim, table[i].heads, table[i].ff);
        ok(read_config(json, NULL, &c, &err) && c.n_shards == table[i].want, "%d heads of %d, %d: %d shards", table[i].heads, table[i].dim, table[i].ff, c.n_shards);
    }
}

/* What their authors say of these models. */
static void check_parameters(void)
{
    static const struct { const char *name, *json; double want; } table[] = {
        { "SmolLM2-135M", "\"num_hidden_layers\": 30, \"hidden_size\": 576, \"num_attention_heads\": 9, \"num_key_value_heads\": 3, \"intermediate_size\": 1536, "
                          "\"vocab_size\": 49152, \"tie_word_embeddings\": true", 134515008 },
        { "Llama-2-7b", "\"num_hidden_layers\": 32, \"hidden_size\": 4096, \"num_attention_heads\": 32, \"intermediate_size\": 11008, \"vocab_size\": 32000", 6738415616 },
        { "Llama-3-8B", "\"num_hidden_layers\": 32, \"hidden_size\": 4096, \"num_attention_heads\": 32, \"num_key_value_heads\": 8, \"intermediate_size\": 14336, "
                        "\"vocab_size\": 128256", 8030261248 },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct model_config c;
        struct err err;
        char json[400];
        snprintf(json, sizeof json, "{\"architectures\": [\"LlamaForCausalLM\"], %s}", table[i].json);
        ok(read_config(json, NULL, &c, &err) && model_parameters(&c) == table[i].want, "%s has %.0f parameters", table[i].name, model_parameters(&c));
    }
}

int main(void)
{
    check_transformers();
    check_parameters();
    check_shards();
    check_eos();
    check_sampler();
    check_shapes();
    check_biases();
    check_refusals();
    return done_testing();
}
