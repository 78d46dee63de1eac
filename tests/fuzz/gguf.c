/* gguf.c - fuzz target: GGUF headers, and a model configuration from what parses. */
#include "src/model/model_priv.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gguf g;
    struct model_config c;
    struct err err;
    size_t n;
    if (gguf_parse(data, size, size, &g, &err) != 0)
        return 0;
    config_from_gguf(&g, 96, &c, &err);
    config_free(&c);
    free(gguf_strings(&g, "tokenizer.ggml.tokens", &n));
    free(gguf_floats(&g, "tokenizer.ggml.scores", &n));
    gguf_free(&g);
    return 0;
}
