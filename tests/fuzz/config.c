/* config.c - fuzz target: config.json, with the same bytes as generation_config.json. */
#include "src/model/model_priv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct model_config c;
    struct err err;
    if (config_from_hf((const char *)data, size, &c, &err) == 0)
        config_add_generation((const char *)data, size, &c, &err);
    config_free(&c);
    return 0;
}
