/* safetensors.c - fuzz target: the length prefix and the JSON header. */
#include "mtbench/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct safetensors s;
    struct err err;
    uint64_t length;
    if (size < SAFETENSORS_PREFIX || safetensors_header(data, size, &length, &err) < 0)
        return 0;
    if (safetensors_parse((const char *)data + SAFETENSORS_PREFIX, length, size, &s, &err) == 0)
        safetensors_free(&s);
    return 0;
}
