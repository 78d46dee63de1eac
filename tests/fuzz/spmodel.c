/* spmodel.c - fuzz target: a length, so many bytes of text to encode and decode, then a tokenizer.model and, behind a NUL,
 * added_tokens.json. */
#include "mtbench/tokenizer.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char mark[] = "\0ADDED";
    struct err err;
    struct ids ids = { 0 };
    struct buf text = { 0 };
    size_t n_text = size ? data[0] : 0;
    if (size < 1 + n_text)
        return 0;
    const char *model = (const char *)data + 1 + n_text, *end = (const char *)data + size;
    const char *added = memmem(model, (size_t)(end - model), mark, sizeof mark - 1);
    struct slice m = { model, (size_t)((added ? added : end) - model) }, a = { 0 };
    if (added)
        a = (struct slice){ added + sizeof mark - 1, (size_t)(end - added) - (sizeof mark - 1) };
    struct tokenizer *t = tokenizer_from_sentencepiece(m, &(struct tokenizer_files){ .added = a }, &err);
    if (t && tokenizer_encode(t, (const char *)data + 1, n_text, ENC_ADD_SPECIAL | ENC_PARSE_SPECIAL, &ids, &err) == 0)
        tokenizer_decode(t, ids.id, ids.n, 0, &text);
    ids_free(&ids);
    buf_free(&text);
    tokenizer_destroy(t);
    return 0;
}
