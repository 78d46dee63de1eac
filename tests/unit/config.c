/* config.c - config.json and generation_config.json: the spellings of several years, and impossible values. */
#include "src/model/model_priv.h"

#include "mtbench/mem.h"

#include "tap.h"

#include <math.h>
#include <stdlib.h>

#define BASE "\"hidden_size\": 64, \"intermediate_size\": 128, \"num_hidden_layers\": 2, \"num_attention_heads\": 4, \"vocab_size\": 100"
#define LLAMA "{\"architectures\": [\"LlamaForCausalLM\"], " BASE
#define QWEN2 "{\"architectures\": [\"Qwen2ForCausalLM\"], " BASE
#define MISTRAL "{\"architectures\": [\"MistralForCausalLM\"], " BASE

static bool read_config(const char *json, const char *generation, struct model_config *c, struct err *err)
{
    *err = (struct err){ 0 };
    return config_from_hf(json, strlen(json), c, err) == 0 && (!generation || config_add_generation(generation, strlen(generation), c, err) == 0);
}

static const struct {
    const char *config, *generation;
    int n_eos;
    int32_t eos[8];
} eos[] = {
    { LLAMA "}", NULL, 0, { 0 } },
    { LLAMA ", \"eos_token_id\": 2}", NULL, 1, { 2 } },
    { LLAMA ", \"eos_token_id\": [2, 7]}", NULL, 2, { 2, 7 } },
    { LLAMA ", \"eos_token_id\": 2}", "{\"eos_token_id\": [2, 8, 9]}", 3, { 2, 8, 9 } },
    { LLAMA ", \"eos_token_id\": null}", "{\"eos_token_id\": 5}", 1, { 5 } },
    { LLAMA ", \"eos_token_id\": 2}", "{\"eos_token_id\": [100, -1, 1e300, \"3\", null]}", 1, { 2 } },
    { LLAMA "}", "{\"eos_token_id\": [1, 2, 3, 4, 5, 6, 7, 8, 9]}", 8, { 1, 2, 3, 4, 5, 6, 7, 8 } },
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
    ok(read_config(QWEN2 ", \"sliding_window\": 8}", NULL, &c, &err) && c.window == 0 && c.qkv_bias, "Qwen2's window is off by default");
    ok(read_config(QWEN2 ", \"sliding_window\": 8, \"use_sliding_window\": true, \"max_window_layers\": 1}", NULL, &c, &err) && c.window == 8 && c.window_first_layer == 1, "and on");
    ok(read_config(QWEN2 ", \"sliding_window\": 8, \"use_sliding_window\": true}", NULL, &c, &err) && c.window_first_layer == 28, "from layer 28 when the file is silent");
}

static void check_refusals(void)
{
    static const char *const bad[][2] = {
        { "{\"architectures\": [\"PhiForCausalLM\"]}", "LlamaForCausalLM, MistralForCausalLM, Qwen2ForCausalLM" }, { "{}", "none given" }, { "[1]", "JSON object" }, { "{", "JSON object" },
        { LLAMA ", \"rope_scaling\": {\"type\": \"dynamic\", \"factor\": 2}}", "dynamic" }, { LLAMA ", \"hidden_act\": \"gelu\"}", "gelu" }, { LLAMA ", \"mlp_bias\": true}", "mlp_bias" },
        { LLAMA ", \"attention_bias\": true}", "attention_bias" }, { LLAMA ", \"num_key_value_heads\": 3}", "multiple" }, { LLAMA ", \"num_key_value_heads\": 0}", "key-value heads 0" },
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

int main(void)
{
    check_eos();
    check_sampler();
    check_shapes();
    check_refusals();
    return done_testing();
}
