/* arch.c - the table of architectures. A new model of a known kind is a new row. */
#include "mtbench/model.h"

const struct arch arch_table[] = {
    { .hf_name = "LlamaForCausalLM", .hf_alias = "LLaMAForCausalLM", .hf_type = "llama", .gguf_name = "llama",
      .gguf_permuted_qk = true, .bias_option = BIAS_QKV | BIAS_O | BIAS_MLP, .default_context = 2048 },
    { .hf_name = "MistralForCausalLM", .hf_type = "mistral", .gguf_name = "llama", .gguf_permuted_qk = true,
      .window = true, .default_context = 131072, .default_kv = 8, .default_window = 4096 },
    { .hf_name = "Qwen2ForCausalLM", .hf_type = "qwen2", .gguf_name = "qwen2", .bias = BIAS_QKV,
      .window = true, .default_context = 32768, .default_kv = 32, .default_window = 4096, .window_from = 28 },
};

const int arch_count = sizeof arch_table / sizeof *arch_table;
