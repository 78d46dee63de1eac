/* config.c - config.json and generation_config.json: the spellings of several years, and impossible values. */
#include "src/model/model_priv.h"

#include "mtbench/io.h"
#include "mtbench/mem.h"

#include "tap.h"

#include <math.h>
#include <stdlib.h>

#define BASE "\"hidden_size\": 64, \"intermediate_size\": 128, \"num_hidden_layers\": 2, \"num_attention_heads\": 4, \"vocab_size\": 100"
#define LLAMA "{\"architectures\": [\"LlamaForCausalLM\"], " BASE
#define QWEN2 "{\"architectures\": [\"Qwen2ForCausalLM\"], \"num_key_value_heads\": 4, " BASE
#define MISTRAL "{\"architectures\": [\"MistralForCausalLM\"], \"num_key_value_heads\": 4, " BASE

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
    bool read = config_from_hf(json, strlen(json), c, err) == 0 &&
                (!generation || config_add_generation(generation, strlen(generation), c, err) == 0);
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
    ok(read_config(LLAMA "}", "{\"top_p\": 0.8, \"top_k\": 20, \"repetition_penalty\": 1.05, \"temperature\": 0.7}", &c, &err) &&
           c.generation.has_top_p && fabsf(c.generation.top_p - 0.8f) < 1e-7f && c.generation.top_k == 20 &&
           fabsf(c.generation.repetition_penalty - 1.05f) < 1e-7f && !c.generation.has_min_p,
       "a sampler from generation_config.json");
    ok(read_config(LLAMA "}", "{\"top_p\": null, \"top_k\": null}", &c, &err) && !c.generation.has_top_p && c.generation.has_top_k &&
           c.generation.top_k == 0,
       "null is off: no top_p, and no 50 of top_k");
    static const char derived[] = "{\"_from_model_config\": true, \"top_p\": 0.6}", says[] = LLAMA ", \"max_length\": 4096}",
                      silent[] = LLAMA ", \"max_length\": 20, \"top_k\": null, \"do_sample\": false}";
    ok(config_overrides_generation(derived, sizeof derived - 1, says, sizeof says - 1) &&
           !config_overrides_generation(derived, sizeof derived - 1, silent, sizeof silent - 1) &&
           !config_overrides_generation("{}", 2, says, sizeof says - 1),
       "a file that was derived from config.json is made anew where that says something about generation");
    ok(!read_config(LLAMA "}", "{\"top_k\": \"x\"}", &c, &err) && strstr(err.text, "top_k is no whole number"),
       "nor is text: %s", err.text);
    static const char *const other[] = { "\"no_repeat_ngram_size\": 3", "\"suppress_tokens\": [1]", "\"num_beams\": 4",
                                         "\"sequence_bias\": [[[1], -10.0]]", "\"stop_strings\": \"x\"", "\"typical_p\": 0.9",
                                         "\"forced_eos_token_id\": 0", "\"min_new_tokens\": 1" };
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        char json[80];
        snprintf(json, sizeof json, "{%s}", other[i]);
        ok(!read_config(LLAMA "}", json, &c, &err) && strstr(err.text, "not supported"), "refused: %s", err.text);
    }
    ok(read_config(LLAMA "}", "{\"no_repeat_ngram_size\": 0, \"suppress_tokens\": [], \"num_beams\": 1, \"typical_p\": 1.0, "
                              "\"stop_strings\": null, \"transformers_version\": \"4.57.3\", \"my_own\": 1}", &c, &err),
       "what says off, idle and foreign keys %s", err.text);
    static const char own[] = LLAMA ", \"repetition_penalty\": 1.2, \"top_k\": 5, \"do_sample\": true}",
                      ngram[] = LLAMA ", \"no_repeat_ngram_size\": 3}";
    ok(read_config(own, NULL, &c, &err) && !c.generation.has_top_k && config_own_generation(own, sizeof own - 1, &c, &err) == 0 &&
           c.generation.top_k == 5 && fabsf(c.generation.repetition_penalty - 1.2f) < 1e-7f,
       "without generation_config.json, config.json's sampler");
    ok(read_config(ngram, NULL, &c, &err) && config_own_generation(ngram, sizeof ngram - 1, &c, &err) < 0 &&
           strstr(err.text, "no_repeat_ngram_size"),
       "and what it asks for that is not supported: %s", err.text);
}

static void check_shapes(void)
{
    struct model_config c;
    struct err err;
    ok(read_config(LLAMA "}", NULL, &c, &err) && c.n_kv == 4 && c.head_dim == 16 && fabsf(c.rope.theta - 10000) < 1 && !c.tied,
       "an old file: heads, base and tie by default");
    ok(read_config(LLAMA ", \"head_dim\": 32, \"num_key_value_heads\": 2, \"rope_theta\": 500000.0, \"tie_word_embeddings\": true}", NULL,
                   &c, &err) &&
           c.n_kv == 2 && c.head_dim == 32 && fabsf(c.rope.theta - 500000) < 1 && c.tied,
       "a new one");
    ok(read_config(LLAMA ", \"rope_parameters\": {\"rope_theta\": 20000.0, \"rope_type\": \"linear\", \"factor\": 4}}", NULL, &c, &err) &&
           c.rope.scaling == ROPE_LINEAR && fabsf(c.rope.theta - 20000) < 1 && fabsf(c.rope.factor - 4) < 1e-6f,
       "rope_parameters");
    ok(read_config(LLAMA ", \"sliding_window\": 8}", NULL, &c, &err) && c.window == 0, "Llama has no window");
    ok(read_config(MISTRAL ", \"sliding_window\": 8}", NULL, &c, &err) && c.window == 8 && config_window(&c, 0) == 8 &&
           config_window(&c, 1) == 8,
       "Mistral's window");
    ok(read_config(MISTRAL ", \"sliding_window\": null}", NULL, &c, &err) && c.window == 0, "Mistral's null window");
    ok(read_config(QWEN2 ", \"sliding_window\": 8}", NULL, &c, &err) && c.window == 0 && c.bias == BIAS_QKV,
       "Qwen2's window is off by default");
    ok(read_config(QWEN2 ", \"sliding_window\": 8, \"use_sliding_window\": true, \"max_window_layers\": 1}", NULL, &c, &err) &&
           config_window(&c, 0) == 0 && config_window(&c, 1) == 8,
       "and on");
    ok(read_config(QWEN2 ", \"sliding_window\": 8, \"use_sliding_window\": true}", NULL, &c, &err) && config_window(&c, 1) == 0,
       "from layer 28 when the file is silent");
}

/* What a class of transformers has where its file says nothing, what a list of layers says, and keys that say that they are off. */
static void check_defaults(void)
{
    struct model_config c;
    struct err err;
    ok(read_config("{\"architectures\": [\"MistralForCausalLM\"], \"hidden_size\": 512, \"intermediate_size\": 128, \"num_hidden_layers\": "
                   "2, \"num_attention_heads\": 32, "
                   "\"vocab_size\": 100}",
                   NULL, &c, &err) &&
           c.n_kv == 8 && c.window == 4096 && config_window(&c, 1) == 4096 && c.context == 131072,
       "Mistral's: 8 heads, a window of 4096");
    ok(read_config(MISTRAL ", \"num_key_value_heads\": null}", NULL, &c, &err) && c.n_kv == 4, "null: as many as heads");
    ok(read_config(LLAMA ", \"model_type\": \"llama\"}", NULL, &c, &err) && c.context == 2048, "Llama's context");
    ok(read_config("{\"model_type\": \"qwen2\", \"num_key_value_heads\": 4, " BASE "}", NULL, &c, &err) && c.bias == BIAS_QKV &&
           c.context == 32768,
       "a class by its model_type");
    ok(read_config(MISTRAL ", \"sliding_window\": 8, \"layer_types\": [\"sliding_attention\", \"full_attention\"]}", NULL, &c, &err) &&
           config_window(&c, 0) == 8 && config_window(&c, 1) == 0,
       "layer_types win");
    ok(read_config(QWEN2 ", \"use_sliding_window\": true, \"sliding_window\": 8, \"max_window_layers\": 0, \"layer_types\": "
                         "[\"full_attention\", \"full_attention\"]}",
                   NULL, &c, &err) &&
           config_window(&c, 1) == 0,
       "also over max_window_layers");
    ok(read_config(LLAMA ", \"rope_scaling\": {\"type\": \"dynamic\", \"factor\": 2}}", NULL, &c, &err) && c.rope.scaling == ROPE_NONE &&
           fabsf(c.rope.factor - 1) < 1e-7f,
       "dynamic scaling changes nothing up to max_position_embeddings");
    ok(read_config(LLAMA ", \"rope_scaling\": {\"rope_type\": \"yarn\", \"factor\": 2, \"beta_fast\": 0, \"truncate\": false, "
                         "\"attention_factor\": 0.5}}",
                   NULL, &c, &err) &&
           c.rope.exact_ramp && fabsf(c.rope.beta_fast - 32) < 1e-6f && fabsf(c.rope.attention_factor - 0.5f) < 1e-6f,
       "yarn: truncate, a beta of 0, attention_factor");
    ok(read_config(LLAMA ", \"rope_scaling\": {\"rope_type\": \"yarn\", \"factor\": 40, \"mscale\": 0.707, \"mscale_all_dim\": 0.5}}",
                   NULL, &c, &err) &&
           fabs((double)c.rope.attention_factor - (0.0707 * log(40) + 1) / (0.05 * log(40) + 1)) < 1e-6,
       "yarn: the attention factor by mscale over that by mscale_all_dim");
    ok(read_config(LLAMA ", \"partial_rotary_factor\": 1.0, \"quantization_config\": null, \"num_experts\": 0, \"use_mrope\": false, "
                         "\"final_logit_softcapping\": null, "
                         "\"pruned_heads\": {}, \"position_embedding_type\": \"rope\", \"torch_dtype\": \"float16\", \"my_own_key\": 1}",
                   NULL, &c, &err),
       "keys that say off, idle and foreign ones %s", err.text);
}

static void check_biases(void)
{
    struct model_config c;
    struct err err;
    ok(read_config(LLAMA ", \"attention_bias\": true}", NULL, &c, &err) && c.bias == (BIAS_QKV | BIAS_O),
       "attention_bias: q, k, v and the output have one");
    ok(read_config(LLAMA ", \"mlp_bias\": true}", NULL, &c, &err) && c.bias == BIAS_MLP, "mlp_bias");
    ok(read_config(QWEN2 ", \"attention_bias\": true}", NULL, &c, &err) && c.bias == BIAS_QKV,
       "Qwen2's class has biases of q, k and v, whatever is written");
}

static void check_refusals(void)
{
    static const char *const bad[][2] = {
        {"{\"architectures\": [\"PhiForCausalLM\"]}", "LlamaForCausalLM, MistralForCausalLM, Qwen2ForCausalLM"},
        {"{}", "none given"},
        {"[1]", "JSON object"},
        {"{", "JSON object"},
        {LLAMA ", \"rope_scaling\": {\"type\": \"longrope\", \"factor\": 2}}", "longrope"},
        {LLAMA ", \"hidden_act\": \"gelu\"}", "gelu"},
        {MISTRAL ", \"mlp_bias\": true}", "mlp_bias"},
        {MISTRAL ", \"attention_bias\": true}", "attention_bias"},
        {LLAMA ", \"num_key_value_heads\": 3}", "multiple"},
        {LLAMA ", \"num_key_value_heads\": 0}", "key-value heads is 0"},
        {LLAMA ", \"head_dim\": 24}", "multiple of 16"},
        {LLAMA ", \"hidden_size\": -64}", "hidden size"},
        {LLAMA ", \"vocab_size\": 1e300}", "vocabulary"},
        {LLAMA ", \"rms_norm_eps\": 0}", "epsilon"},
        {LLAMA ", \"rope_theta\": -1}", "rope base"},
        {LLAMA ", \"num_hidden_layers\": 1e9}", "layers"},
        {MISTRAL ", \"sliding_window\": -8}", "window"},
        {LLAMA ", \"rope_scaling\": {\"rope_type\": \"llama3\", \"low_freq_factor\": 2, \"high_freq_factor\": 2}}", "low_freq_factor"},
        {LLAMA ", \"rope_scaling\": {\"rope_type\": \"yarn\", \"factor\": 2, \"beta_slow\": -1}}", "yarn"},
        /* what another model's configuration says, wherever it says it */
        {LLAMA ", \"model_type\": \"granite\"}", "model_type \"granite\""},
        {LLAMA ", \"partial_rotary_factor\": 0.5}", "partial_rotary_factor is 0.5"},
        {LLAMA ", \"quantization_config\": {\"quant_method\": \"gptq\"}}", "quantization_config is {\"quant_method\":\"gptq\"}"},
        {LLAMA ", \"logits_scaling\": 8}", "logits_scaling"},
        {LLAMA ", \"final_logit_softcapping\": 30.0}", "final_logit_softcapping"},
        {LLAMA ", \"num_local_experts\": 8}", "num_local_experts"},
        {LLAMA ", \"no_rope_layers\": [1, 0]}", "no_rope_layers"},
        {LLAMA ", \"use_qk_norm\": true}", "use_qk_norm"},
        {LLAMA ", \"rope_scaling\": {\"rope_type\": \"default\", \"mrope_section\": [1, 2]}}", "mrope_section"},
        {LLAMA ", \"position_embedding_type\": \"nope\"}", "nope"},
        {LLAMA ", \"position_embedding_type\": 5}", "position_embedding_type is 5"},
        {LLAMA ", \"qkv_bias\": \"rope\"}", "qkv_bias"},
        {LLAMA ", \"rope_parameters\": {\"full_attention\": {\"rope_type\": \"default\"}}}", "full_attention"},
        {LLAMA ", \"rope_scaling\": \"linear\"}", "no block"},
        {LLAMA ", \"rope_theta\": 1000, \"rope_parameters\": {\"rope_theta\": 2000}}", "rope_theta is 1000, and 2000"},
        {LLAMA ", \"rope_theta\": \"1e6\"}", "rope_theta is no number"},
        {LLAMA ", \"tie_word_embeddings\": 1}", "tie_word_embeddings is no true or false"},
        {LLAMA ", \"max_position_embeddings\": 4096.5}", "whole number"},
        {LLAMA ", \"layer_types\": [\"full_attention\", \"sliding_attention\"]}", "sliding_attention"},
        {LLAMA ", \"layer_types\": [\"full_attention\"]}", "layer_types"},
        {MISTRAL ", \"layer_types\": [\"full_attention\", \"linear_attention\"]}", "linear_attention"},
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
    ok(parse_file("llama", &c) == 0 && !strcmp(c.arch->hf_name, "LlamaForCausalLM") && c.n_layers == 2 && c.dim == 32 && c.n_heads == 2 &&
           c.n_kv == 2 && c.head_dim == 16 && c.ff == 64 && c.n_vocab == 96 && c.context == 256,
       "llama: sizes");
    ok(near(c.norm_eps, 1e-5) && near(c.rope.theta, 10000) && c.rope.dims == 16 && c.rope.scaling == ROPE_NONE && !c.tied && !c.bias &&
           c.window == 0 && c.bos == 1 && c.n_eos == 1 && c.eos[0] == 2,
       "llama: the rest");
    struct err err;
    ok(read_config("{\"architectures\": [\"LLaMAForCausalLM\"], \"model_type\": \"llama\", \"max_sequence_length\": 2048, "
                   "\"pad_token_id\": -1, \"bos_token_id\": 0, \"eos_token_id\": 1, " BASE "}", NULL, &c, &err) &&
           !strcmp(c.arch->hf_name, "LlamaForCausalLM") && c.context == 2048 && c.n_kv == 4 && c.n_eos == 1 && c.eos[0] == 1,
       "a conversion from before transformers had the class");
    ok(parse_file("llama_gqa_tied", &c) == 0 && c.n_heads == 4 && c.n_kv == 1 && c.head_dim == 16 && c.dim == 32 && c.tied,
       "grouped heads wider than the model, tied");
    ok(parse_file("llama3_scaling", &c) == 0 && c.rope.scaling == ROPE_LLAMA3 && near(c.rope.factor, 4) && near(c.rope.low_freq, 1) &&
       near(c.rope.high_freq, 4) && c.rope.original_context == 32, "Llama 3's scaling");
    ok(parse_file("llama_linear", &c) == 0 && c.rope.scaling == ROPE_LINEAR && near(c.rope.factor, 2), "linear scaling");
    ok(parse_file("mistral_window", &c) == 0 && config_window(&c, 0) == 8 && config_window(&c, 1) == 8, "a window on all layers");
    ok(parse_file("qwen2", &c) == 0 && c.bias == BIAS_QKV && c.window == 0, "Qwen2: biases, its window off by default");
    ok(parse_file("qwen2_yarn", &c) == 0 && c.rope.scaling == ROPE_YARN && near(c.rope.factor, 4) && c.rope.original_context == 64 &&
           near(c.rope.beta_fast, 32) && near(c.rope.beta_slow, 1) && near(c.rope.attention_factor, 0.1 * log(4) + 1),
       "yarn: its attention factor is 0.1 ln(factor) + 1");
}

/* ---- GGUF ---- */

/* A key of one of these forms: u32, 2^40 as u64, f32, flag, text, or a list of u32. */
struct entry {
    const char *key;
    char form;
    double x;
    const char *text;
    uint32_t list[3];
};

static const struct entry good[] = {
    {"general.architecture", 's', 0, "llama", {0}},    {"llama.block_count", 'u', 2, NULL, {0}},
    {"llama.embedding_length", 'u', 64, NULL, {0}},    {"llama.feed_forward_length", 'u', 128, NULL, {0}},
    {"llama.attention.head_count", 'u', 4, NULL, {0}}, {"llama.context_length", 'u', 256, NULL, {0}},
};

enum { N_GOOD = sizeof good / sizeof *good, MORE = 3 };

static struct gguf_value value_of(const struct entry *e, uint32_t *room)
{
    struct gguf_value v = { .key = { e->key, strlen(e->key) }, .data = (const uint8_t *)room, .n_data = 4 };
    static const uint64_t far = (uint64_t)1 << 40;
    float f = (float)e->x;
    *room = (uint32_t)(int64_t)e->x;
    switch (e->form) {
    case 'u': v.type = GGUF_U32; break;
    case 'U': v.type = GGUF_U64, v.data = (const uint8_t *)&far, v.n_data = sizeof far; break;
    case 'f': v.type = GGUF_F32, memcpy(room, &f, 4); break;
    case 'b': v.type = GGUF_BOOL, v.n_data = 1; break;
    case 's': v.type = GGUF_STRING, v.data = (const uint8_t *)e->text, v.n_data = strlen(e->text); break;
    default: v = (struct gguf_value){ v.key, GGUF_ARRAY, GGUF_U32, (uint64_t)e->x, (const uint8_t *)e->list, 4 * (size_t)e->x };
    }
    return v;
}

static bool read_gguf(const struct entry *more, struct model_config *c, struct err *err)
{
    struct gguf_value value[N_GOOD + MORE];
    uint32_t room[N_GOOD + MORE];
    struct gguf g = { .version = 3, .value = value };
    *err = (struct err){ 0 };
    for (int i = 0; i < N_GOOD; i++, g.n_values++)
        value[i] = value_of(&good[i], &room[i]);
    for (int i = 0; i < MORE && more[i].key; i++, g.n_values++)
        value[g.n_values] = value_of(&more[i], &room[N_GOOD + i]);
    bool read = config_from_gguf(&g, 100, c, err) == 0;
    settle(c);
    return read;
}

#define L(key) "llama." key

static void check_gguf(void)
{
    static const struct { struct entry more[MORE]; const char *says;
    } bad[] = {
        {{{L("attention.head_count_kv"), 'a', 2, NULL, {2, 4}}}, "differs between layers, 2 and 4"},
        {{{L("attention.head_count_kv"), 's', 0, "2", {0}}}, "of another kind"},
        {{{L("attention.head_count_kv"), 'f', 2.5, NULL, {0}}}, "of another kind"},
        {{{L("rope.scaling.type"), 's', 0, "longrope", {0}}}, "longrope"},
        {{{L("expert_count"), 'u', 8, NULL, {0}}}, "llama.expert_count says"},
        {{{L("attention.causal"), 'b', 0, NULL, {0}}}, "llama.attention.causal says"},
        {{{L("logit_scale"), 'f', 0.0625, NULL, {0}}}, "llama.logit_scale says"},
        {{{L("attention.new_thing"), 'u', 0, NULL, {0}}}, "llama.attention.new_thing is not known"},
        {{{L("attention.value_length"), 'u', 32, NULL, {0}}}, "values of 32"},
        {{{L("rope.dimension_count"), 'u', 8, NULL, {0}}}, "8 of them rotated"},
        {{{"general.type", 's', 0, "adapter", {0}}}, "general.type is \"adapter\""},
        {{{L("rope.scaling.yarn_ext_factor"), 'f', 0.5, NULL, {0}}}, "yarn_ext_factor says"},
        {{{"general.sampling.mirostat", 'u', 2, NULL, {0}}}, "general.sampling.mirostat says"},
        {{{"general.sampling.top_p", 'f', 1.5, NULL, {0}}}, "top_p 1.5: is out of range"},
    };
    struct model_config c;
    struct err err;
    ok(read_gguf((struct entry[MORE]){{"tokenizer.ggml.bos_token_id", 'U', 0, NULL, {0}}}, &c, &err) && c.bos == -1,
       "an id that no vocabulary has is none");
    ok(read_gguf((struct entry[MORE]){{"general.sampling.top_k", 'u', 20, NULL, {0}},
                                      {"general.sampling.penalty_repeat", 'f', 1.25, NULL, {0}}},
                 &c, &err) &&
           c.generation.has_top_k && c.generation.top_k == 20 && c.generation.has_repetition_penalty &&
           near(c.generation.repetition_penalty, 1.25) && !c.generation.has_top_p,
       "general.sampling, as converters take it over");
    ok(read_gguf((struct entry[MORE]){{L("rope.scale_linear"), 'f', 4, NULL, {0}}}, &c, &err) && c.rope.scaling == ROPE_LINEAR &&
           near(c.rope.factor, 4),
       "rope.scale_linear");
    ok(read_gguf((struct entry[MORE]){{L("rope.scaling.factor"), 'f', 8, NULL, {0}}, {L("rope.scale_linear"), 'f', 4, NULL, {0}}}, &c,
                 &err) &&
           c.rope.scaling == ROPE_LINEAR && near(c.rope.factor, 8),
       "a factor without a type is linear, and the newer key wins");
    ok(read_gguf((struct entry[MORE]){{L("rope.scaling.factor"), 'f', 8, NULL, {0}}, {L("rope.scaling.type"), 's', 0, "none", {0}}}, &c,
                 &err) &&
           c.rope.scaling == ROPE_NONE,
       "none");
    ok(read_gguf((struct entry[MORE]){{L("rope.scaling.factor"), 'f', 0, NULL, {0}}}, &c, &err) && c.rope.scaling == ROPE_NONE,
       "a factor of 0 is none");
    ok(read_gguf((struct entry[MORE]){{L("rope.scaling.type"), 's', 0, "yarn", {0}},
                                      {L("rope.scaling.factor"), 'f', 4, NULL, {0}},
                                      {L("rope.scaling.attn_factor"), 'f', 0.5, NULL, {0}}},
                 &c, &err) &&
           c.rope.scaling == ROPE_YARN && near(c.rope.attention_factor, 0.5 * (0.1 * log(4) + 1)),
       "attn_factor of yarn");
    ok(read_gguf(
           (struct entry[MORE]){{L("attention.head_count_kv"), 'a', 2, NULL, {2, 2}}, {L("feed_forward_length"), 'a', 2, NULL, {128, 128}}},
           &c, &err) &&
           c.n_kv == 2,
       "one number a layer, all the same %s", err.text);
    ok(read_gguf((struct entry[MORE]){{L("attention.sliding_window"), 'u', 8, NULL, {0}},
                                      {"tokenizer.ggml.eot_token_id", 'u', 7, NULL, {0}},
                                      {"tokenizer.ggml.eom_token_id", 'u', 9, NULL, {0}}},
                 &c, &err) &&
           config_window(&c, 0) == 0 && c.n_eos == 2 && c.eos[0] == 7 && c.eos[1] == 9,
       "llama.cpp's llama has no window; ends of turn and message are ends");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ok(!read_gguf(bad[i].more, &c, &err) && strstr(err.text, bad[i].says), "refused: %s", err.text);
}

/* Shards depend on the sizes alone: the largest of 8, 4, 2, 1 that leaves whole blocks of 32 and whole heads. */
static void check_shards(void)
{
    static const struct {
        int heads, dim, ff, want;
    } table[] = {{4, 64, 128, 2}, {32, 4096, 11008, 8}, {9, 576, 1536, 1}, {14, 896, 4864, 2}, {8, 512, 1024, 8}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct model_config c;
        struct err err;
        char json[400];
        snprintf(json, sizeof json,
                 "{\"architectures\": [\"LlamaForCausalLM\"], \"num_hidden_layers\": 1, \"hidden_size\": %d, \"num_attention_heads\": %d, "
                 "\"intermediate_size\": %d, \"vocab_size\": 100}",
                 table[i].dim, table[i].heads, table[i].ff);
        ok(read_config(json, NULL, &c, &err) && c.n_shards == table[i].want, "%d heads of %d, %d: %d shards", table[i].heads, table[i].dim,
           table[i].ff, c.n_shards);
    }
}

/* What their authors say of these models. */
static void check_parameters(void)
{
    static const struct { const char *name, *json; double want;
    } table[] = {
        {"SmolLM2-135M",
         "\"num_hidden_layers\": 30, \"hidden_size\": 576, \"num_attention_heads\": 9, \"num_key_value_heads\": 3, \"intermediate_size\": "
         "1536, "
         "\"vocab_size\": 49152, \"tie_word_embeddings\": true",
         134515008},
        {"Llama-2-7b",
         "\"num_hidden_layers\": 32, \"hidden_size\": 4096, \"num_attention_heads\": 32, \"intermediate_size\": 11008, \"vocab_size\": "
         "32000",
         6738415616},
        {"Llama-3-8B",
         "\"num_hidden_layers\": 32, \"hidden_size\": 4096, \"num_attention_heads\": 32, \"num_key_value_heads\": 8, "
         "\"intermediate_size\": 14336, "
         "\"vocab_size\": 128256",
         8030261248},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct model_config c;
        struct err err;
        char json[400];
        snprintf(json, sizeof json, "{\"architectures\": [\"LlamaForCausalLM\"], %s}", table[i].json);
        const double n = read_config(json, NULL, &c, &err) ? model_parameters(&c) : 0; /* first: arguments have no order */
        ok(n == table[i].want, "%s has %.0f parameters", table[i].name, n);
    }
}

/* Classes and types as they stand in published files: each is refused with what it is, of those that nobody knows the name alone. */
static void check_others(void)
{
    static const struct { const char *class, *type, *why; } row[] = {
        { "GPTNeoXForCausalLM", "gpt_neox", "GPT-NeoX" },   { "MPTForCausalLM", "mpt", "ALiBi" },
        { "RWForCausalLM", "RefinedWeb", "Falcon" },        { "RWForCausalLM", "RefinedWebModel", "Falcon" },
        { "FalconForCausalLM", "falcon", "Falcon" },        { "ChatGLMModel", "chatglm", "tokenizer of its own" },
        { "T5ForConditionalGeneration", "t5", "encoder" },  { "RwkvForCausalLM", "rwkv", "recurrent" },
        { "MixtralForCausalLM", "mixtral", "experts" },     { "Qwen2MoeForCausalLM", "qwen2_moe", "experts" },
        { "Qwen3MoeForCausalLM", "qwen3_moe", "experts" },  { "Qwen3ForCausalLM", "qwen3", "norms of queries" },
        { "Qwen2VLForConditionalGeneration", "qwen2_vl", "images" }, { "LlavaLlamaForCausalLM", "llava", "images" },
        { "BloomForCausalLM", "bloom", "ALiBi" },           { "OPTForCausalLM", "opt", "learned positions" },
        { "GPTJForCausalLM", "gptj", "GPT-J" },             { "GPTBigCodeForCausalLM", "gpt_bigcode", "learned positions" },
        { "PhiForCausalLM", "phi", "Phi" },                 { "BaichuanForCausalLM", "baichuan", "joined" },
        { "MambaForCausalLM", "mamba", "recurrent" },       { NULL, "gpt_neox", "GPT-NeoX" },
        { "NobodyForCausalLM", "nobody", "NobodyForCausalLM is not supported; known are" },
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        const char *name = row[i].class ? row[i].class : row[i].type;
        struct model_config c;
        struct err err = {0};
        char json[200];
        if (row[i].class)
            snprintf(json, sizeof json, "{\"architectures\": [\"%s\"], \"model_type\": \"%s\"}", row[i].class, row[i].type);
        else
            snprintf(json, sizeof json, "{\"model_type\": \"%s\"}", row[i].type);
        ok(config_from_hf(json, strlen(json), &c, &err) < 0 && strstr(err.text, row[i].why) &&
               strstr(err.text, name) && strstr(err.text, "LlamaForCausalLM"), "refused: %s", err.text);
        config_free(&c);
    }
}

int main(void)
{
    check_others();
    check_transformers();
    check_parameters();
    check_shards();
    check_gguf();
    check_eos();
    check_sampler();
    check_shapes();
    check_defaults();
    check_biases();
    check_refusals();
    return done_testing();
}
