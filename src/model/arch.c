/* arch.c - the table of architectures. A new model of a known kind is a new row. */
#include "mtbench/model.h"

const struct arch arch_table[] = {
    { .hf_name = "LlamaForCausalLM", .gguf_name = "llama", .gguf_permuted_qk = true },
    { .hf_name = "MistralForCausalLM", .gguf_name = "llama", .gguf_permuted_qk = true, .window = true },
    { .hf_name = "Qwen2ForCausalLM", .gguf_name = "qwen2", .qkv_bias = true, .window = true },
};

const int arch_count = sizeof arch_table / sizeof *arch_table;
