/* adapter.c - fuzz target: adapter_config.json, and its patterns over the names of some modules. */
#include "src/model/adapter_config.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const module[] = { "model.embed_tokens", "model.layers.0.self_attn.q_proj", "model.layers.17.mlp.down_proj",
                                          "lm_head" };
    struct err err;
    struct adapter_config *c = adapter_config_parse((const char *)data, size, &err);
    for (int i = 0; c && i < 4; i++) {
        int r;
        float scale;
        adapter_config_targets(c, module[i], i % 3 != 0, &err);
        adapter_config_scale(c, module[i], &r, &scale, &err);
        adapter_config_saves(c, module[i]);
    }
    adapter_config_free(c);
    return 0;
}
