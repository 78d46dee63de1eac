/* arch.c - the table of architectures. A new model of a known kind is a new row. */
#include "mtbench/model.h"

const struct arch arch_table[] = {
    { .hf_name = "LlamaForCausalLM", .gguf_name = "llama", .gguf_permuted_qk = true, .bias_option = BIAS_QKV | BIAS_O | BIAS_MLP },
    { .hf_name = "MistralForCausalLM", .gguf_name = "llama", .gguf_permuted_qk = true, .window = true },
    { .hf_name = "Qwen2ForCausalLM", .gguf_name = "qwen2", .bias = BIAS_QKV, .window = true },
};

const int arch_count = sizeof arch_table / sizeof *arch_table;
