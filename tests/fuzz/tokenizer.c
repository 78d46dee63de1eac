/* tokenizer.c - fuzz target: tokenizer.json up to the first NUL, then text to encode and decode. */
#include "mtbench/tokenizer.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err;
    struct ids ids = { 0 };
    struct buf text = { 0 };
    const uint8_t *nul = memchr(data, '\0', size);
    size_t n = nul ? (size_t)(nul - data) : size;
    struct tokenizer *t = tokenizer_from_json((const char *)data, n, NULL, 0, &err);
    if (t && nul && tokenizer_encode(t, (const char *)nul + 1, size - n - 1, ENC_ADD_SPECIAL | ENC_PARSE_SPECIAL, &ids, &err) == 0)
        tokenizer_decode(t, ids.id, ids.n, 0, &text);
    ids_free(&ids);
    buf_free(&text);
    tokenizer_destroy(t);
    return 0;
}
