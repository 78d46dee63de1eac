/* tokenizer.c - fuzz target: tokenizer.json, text to encode and decode, and tokenizer_config.json, with a NUL between them. */
#include "mtbench/tokenizer.h"

#include <string.h>

/* The bytes up to the next NUL, or to the end; *p moves behind it, and is NULL at the end. */
static struct slice part(const char **p, const char *end)
{
    if (!*p)
        return (struct slice){ NULL, 0 };
    const char *nul = memchr(*p, '\0', (size_t)(end - *p));
    struct slice s = { *p, (size_t)((nul ? nul : end) - *p) };
    *p = nul ? nul + 1 : NULL;
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err;
    struct ids ids = { 0 };
    struct buf out = { 0 };
    const char *p = (const char *)data, *end = p + size;
    if (size == 0)
        return 0;
    struct slice json = part(&p, end), text = part(&p, end);
    struct tokenizer_files f = { .json = json, .config = part(&p, end) };
    f.special_map = part(&p, end);
    f.added = part(&p, end);
    struct tokenizer *t = tokenizer_from_json(&f, &err);
    if (t && text.ptr && tokenizer_encode(t, text.ptr, text.len, ENC_ADD_SPECIAL | ENC_PARSE_SPECIAL, &ids, &err) == 0)
        tokenizer_decode(t, ids.id, ids.n, DEC_SKIP_SPECIAL, &out);
    for (int i = 0; t && tokenizer_special(t, i); i++)
        buf_str(&out, tokenizer_special(t, i));
    ids_free(&ids);
    buf_free(&out);
    tokenizer_destroy(t);
    return 0;
}
